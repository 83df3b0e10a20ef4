"""What a case may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.rules import ATTESTATION, MAX_TEXT, CaseKind, CaseState, after_entry, one_line, opening, words
from app.errors import Conflict, InvalidInput


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("offer", "S", "T"), "kind: give one of advice, hand_over"),
        (("advice", " \t", "T"), "subject: it is missing"),
        (("advice", "S" * 201, "T"), "subject: at most 200"),
        (("advice", "S", "\x00\n "), "text: it is missing"),
        (("advice", "S", "T" * (MAX_TEXT + 1)), "text: at most"),
        (("hand_over", "S", "T", "", "Eva"), "customer: it is missing"),
        (("hand_over", "S", "T", "Acme", ""), "contact: it is missing"),
        (("advice", "S", "T", "A" * 201), "customer: at most"),
    ],
)
def test_what_is_wrong_is_named(given: tuple[str, ...], names: str) -> None:
    with pytest.raises(InvalidInput, match=names):
        opening(*given)


def test_advice_needs_no_customer_and_a_hand_over_says_whose_deal_it_is() -> None:
    asked = opening("advice", " Volume \n for  a bank", "One\r\n\x07two ")
    assert (asked.subject, asked.text, asked.customer) == ("Volume for a bank", "One\ntwo", "")
    assert opening("hand_over", "S", "T", "Acme", "Eva").kind is CaseKind.HAND_OVER


def test_whose_turn_it_is() -> None:
    assert after_entry(CaseState.OPEN, from_staff=True) is CaseState.ANSWERED
    assert after_entry(CaseState.ANSWERED, from_staff=False) is CaseState.OPEN
    assert after_entry(CaseState.ANSWERED, from_staff=True) is CaseState.ANSWERED
    for staff in (True, False):
        with pytest.raises(Conflict, match="closed"):
            after_entry(CaseState.CLOSED, from_staff=staff)


@given(st.text(max_size=300))
def test_no_text_carries_control_characters_or_breaks_a_line(text: str) -> None:
    try:
        line, more = one_line("x", text, 300), words("x", text)
    except InvalidInput:
        return
    assert line.isprintable()
    assert line == " ".join(line.split(" "))
    assert all(part.isprintable() for part in more.replace("\t", " ").split("\n"))


def test_the_confirmation_is_there_in_both_languages() -> None:
    assert set(ATTESTATION) == {"en", "de"}
