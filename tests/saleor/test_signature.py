"""Signatures: known answers recorded from a real Saleor 3.23.28, and everything that must be refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.saleor.signature import BadSignature, KeySet, UnknownKey, verify
from tests.saleor.keys import encode, jwk, sign

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "saleor" / "recorded"
BODY = b'{"order": {"number": "28"}}'
KEYS = KeySet({"keys": [jwk("one"), jwk("two")]})


def recorded() -> list[Any]:
    files = sorted(path for path in RECORDED.glob("*.json") if path.name != "jwks.json")
    missing = pytest.mark.skip(reason="recorded bodies live beside the checkout, not in it")
    return [pytest.param(path, id=path.stem) for path in files] or [pytest.param(RECORDED, marks=missing)]


@pytest.mark.parametrize("path", recorded())
def test_a_real_shops_bodies_verify_and_not_after_any_change(path: Path) -> None:
    request = json.loads(path.read_text())
    body, signature = base64.b64decode(request["body_base64"]), request["headers"]["saleor-signature"]
    keys = KeySet(json.loads((RECORDED / "jwks.json").read_text()))
    verify(signature, body, keys)
    for index in range(0, len(body), 97):
        with pytest.raises(BadSignature):
            verify(signature, body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :], keys)
    with pytest.raises(UnknownKey):
        verify(signature, body, KEYS)


def test_either_published_key_is_good() -> None:
    verify(sign(BODY, "one"), BODY, KEYS)
    verify(sign(BODY, "two"), BODY, KEYS)


@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "PS256"},
        {"b64": True},
        {"b64": None},
        {"crit": []},
        {"crit": ["b64", "exp"]},
        {"crit": None},
        {"kid": None},
        {"kid": 7},
    ],
    ids=str,
)
def test_any_other_header_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        verify(sign(BODY, "one", **changed), BODY, KEYS)


@pytest.mark.parametrize(
    "signature", ["", "..", "a.b.c", "abc", "..AAAA", f"{encode(b'[]')}..AAAA", "x" * 2000 + "..AAAA", "é..é"]
)
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        verify(signature, BODY, KEYS)


def test_a_key_of_another_shop_is_unknown_even_under_our_key_id() -> None:
    with pytest.raises(UnknownKey):
        verify(sign(BODY, "stranger"), BODY, KEYS)
    with pytest.raises(BadSignature, match="does not belong"):
        verify(sign(BODY, "stranger", kid="one"), BODY, KEYS)


@pytest.mark.parametrize("changed", [{"kty": "EC"}, {"use": "enc"}, {"alg": "RS512"}, {"kid": ""}])
def test_unusable_keys_are_left_out(changed: dict[str, Any]) -> None:
    assert len(KeySet({"keys": [jwk("one", **changed)]})) == 0
    assert len(KeySet({"keys": [jwk("short", 1024)]})) == 0
    assert len(KeySet({})) == 0


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_no_other_body_passes(other: bytes) -> None:
    if other != BODY:
        with pytest.raises(BadSignature):
            verify(sign(BODY, "one"), other, KEYS)
