"""What a case may say and where it stands; pure (`rules.md` 11.2, 11.3)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from app.errors import Conflict, InvalidInput

MAX_SUBJECT, MAX_TEXT, MAX_NAME = 200, 10_000, 200
MAX_OPEN = 50
"""Cases of a reseller that wait for the vendor at once."""
ATTESTATION = {
    "en": "My customer asked me to open this support request.",
    "de": "Mein Kunde hat mich gebeten, diese Support-Anfrage zu stellen.",
}
"""What a reseller confirms before it opens a support request, in each language."""


class CaseKind(StrEnum):
    """Help with a deal that stays the reseller's, or a deal that the vendor takes over."""

    ADVICE = "advice"
    HAND_OVER = "hand_over"


class CaseState(StrEnum):
    """Whose turn it is: the vendor's, the reseller's, or nobody's any more."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a reseller opens a case with. `customer` is the company the deal is with, `contact` its person to speak to."""

    kind: CaseKind
    subject: str
    text: str
    customer: str = ""
    contact: str = ""


def opening(kind: str, subject: str, text: str, customer: str = "", contact: str = "") -> Opening:
    """A checked opening. Raises InvalidInput that names the field; a handed-over deal needs its customer and a contact."""
    try:
        known = CaseKind(kind)
    except ValueError:
        raise InvalidInput(f"kind: give one of {', '.join(CaseKind)}.", code="case_kind") from None
    found = Opening(
        known,
        one_line("subject", subject, MAX_SUBJECT),
        words("text", text),
        one_line("customer", customer, MAX_NAME, required=known is CaseKind.HAND_OVER),
        one_line("contact", contact, MAX_NAME, required=known is CaseKind.HAND_OVER),
    )
    return found


def after_entry(state: CaseState, from_staff: bool) -> CaseState:
    """Where a case stands after somebody wrote. Raises Conflict for a closed one."""
    if state is CaseState.CLOSED:
        raise Conflict("The case is closed; open a new one.", code="case_closed")
    return CaseState.ANSWERED if from_staff else CaseState.OPEN


def words(name: str, text: str) -> str:
    """Text of one or more lines without control characters. Raises InvalidInput for none or too much."""
    plain = "".join(letter for letter in text.replace("\r\n", "\n") if letter in "\n\t" or letter.isprintable()).strip()
    if not plain:
        raise InvalidInput(f"{name}: it is missing.", code="case_text")
    if len(plain) > MAX_TEXT:
        raise InvalidInput(f"{name}: at most {MAX_TEXT} characters.", code="case_text")
    return plain


def one_line(name: str, text: str, longest: int, *, required: bool = True) -> str:
    """One line, its blanks made single. Raises InvalidInput for none where it is required, or too long a one."""
    line = " ".join("".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text).split())
    if not line and required:
        raise InvalidInput(f"{name}: it is missing.", code="case_text")
    if len(line) > longest:
        raise InvalidInput(f"{name}: at most {longest} characters.", code="case_text")
    return line
