"""How free text names a person."""

from __future__ import annotations

import pytest

from app.cases.naming import Named, is_full_name

EVA = Named(frozenset({"eva@acme.example", "Eva@ACME.example"}), frozenset({"Eva Ende"}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("eva@acme.example", "[erased]"),
        ("Write to EVA@Acme.Example.", "Write to [erased]."),
        ("<eva@acme.example>; x", "<[erased]>; x"),
        ("reva@acme.example", "reva@acme.example"),
        ("a.eva@acme.example and eva+1@acme.example", "a.eva@acme.example and eva+1@acme.example"),
        ("eva@acme.example.org, eva@acme.example-shop.com", "eva@acme.example.org, eva@acme.example-shop.com"),
        ("Eva Ende called", "[erased] called"),
        ("eva\n  ende called", "[erased] called"),
        ("Eva Ende-Schmidt, Reva Ende, Eva Endemann", "Eva Ende-Schmidt, Reva Ende, Eva Endemann"),
        ("Eva of Ende", "Eva of Ende"),
    ],
)
def test_a_text_without_the_person(text: str, left: str) -> None:
    assert EVA.without(text) == left
    assert EVA.has_any(text) == (text != left)
    assert EVA.without([{"what": text, "count": 1}]) == [{"what": left, "count": 1}]


def test_without_names_only_addresses_go() -> None:
    assert EVA.without("Eva Ende, eva@acme.example", names=False) == "Eva Ende, [erased]"
    assert not EVA.has_address("Eva Ende")
    assert Named(frozenset({"eva@acme.example"})).without("Eva Ende") == "Eva Ende"


@pytest.mark.parametrize(("name", "full"), [("Eva Ende", True), (" Eva ", False), ("", False), ("Eva  M. Ende", True)])
def test_what_a_full_name_is(name: str, full: bool) -> None:
    assert is_full_name(name) == full
