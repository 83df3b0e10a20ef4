"""Field :86: of MT940: German structured (`166?20...`), with code words (`/REMI/...`), or free text.

A field goes over lines of at most 65 characters that cut words anywhere. Where a line or subfield ended, the text keeps a line
break (edge case 45); identifiers lose it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from app.bank.values import given, joined, return_reason

_SUBFIELD = r"(?:00|10|2[0-9]|3[0-4]|6[0-3])"
"""The numbers that a German subfield can have; with any other behind it a separator is only a character of the text."""
_GVC = re.compile(rf"([0-9]{{3}})([^A-Za-z0-9\s/.,:;-])(?={_SUBFIELD})|(\?)(?={_SUBFIELD})")
# Each begins a subfield by the rules; banks that fill their lines put it anywhere, and cut it.
_SEPA = re.compile(
    "("
    + "|".join("\\n?".join(mark) for mark in ["EREF", "KREF", "MREF", "CRED", "DEBT", "COAM", "OAMT", "SVWZ", "ABWA", "ABWE"])
    + r"|(?<![A-Z0-9])(?:IBAN|BIC|PURP|RREF|ANAM))\n?\+"
)
_WORDS = re.compile(
    r"/(ACCW|ADDR|BENM|BIC|CHGS|CNTP|CSID|EREF|EXCH|IBAN|ID|INIT|IREF|ISDT|MARF|NAME|NRTX|OCMT|ORDP|PREF|PURP|REMI|RREF|RTRN"
    r"|SVCL|TRCD|TRTP|TYPE|ULTC|ULTD)/"
)
_STARTS_WITH_WORD = re.compile(r"\s*" + _WORDS.pattern)
_RETURNED = frozenset({"108", "109", "159", "160"})
"""German business codes of a direct debit or transfer that came back."""
_NAME_PART = 27


@dataclass(frozen=True, slots=True)
class Details:
    """What a field :86: says of its entry."""

    name: str | None = None
    account: str | None = None
    structured: str | None = None
    text: str | None = None
    end_to_end: str | None = None
    code: str | None = None
    returned: bool = False
    return_reason: str | None = None


class _Wrapped:
    """Text without the line breaks that only its container made, which can still be cut with them."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.text = "".join(lines)
        self._breaks = list(accumulate(map(len, lines)))[:-1]

    def cut(self, start: int, end: int) -> str:
        """The characters from `start` to `end`, with the breaks between them."""
        points = [start, *(at for at in self._breaks if start < at < end), end]
        return "\n".join(self.text[one:other] for one, other in pairwise(points))


def read_details(lines: Sequence[str]) -> Details:
    """Read the lines of one field :86:."""
    wrapped = _Wrapped(lines)
    german = _GVC.match(wrapped.text)
    if german:
        return _german(wrapped, german[1], german[2] or german[3])
    if _STARTS_WITH_WORD.match(wrapped.text):
        return _with_words(wrapped)
    return Details(text=joined(lines))


def read_numbered(lines: Sequence[str]) -> Details:
    """Read a field :NS: of an entry: 01 to 14 before a line of text, 15 and 16 before the payer's name."""
    numbered = [(line[:2], line[2:]) for line in lines]
    return Details(
        name=_name([text.strip() for number, text in numbered if number in ("15", "16")]),
        text=joined(text for number, text in numbered if "01" <= number <= "14"),
    )


def _german(wrapped: _Wrapped, code: str | None, separator: str) -> Details:
    marks = list(re.finditer(rf"{re.escape(separator)}({_SUBFIELD})", wrapped.text))
    ends = [mark.start() for mark in marks[1:]] + [len(wrapped.text)]
    subfields = [(int(mark[1]), wrapped.cut(mark.end(), end)) for mark, end in zip(marks, ends, strict=True)]
    purpose = "\n".join(text for number, text in subfields if 20 <= number <= 29 or 60 <= number <= 63)
    named = _by_mark(_SEPA, purpose)
    free = joined([named.get(""), named.get("SVWZ")])
    returned = code in _RETURNED
    account = _one_line(next((text for number, text in subfields if number == 31), ""))
    return Details(
        name=_name([_one_line(text) for number, text in subfields if number in (32, 33)]),
        account=account or _identifier(named.get("IBAN")),
        text=free,
        end_to_end=_identifier(named.get("EREF")) or _identifier(named.get("KREF")),
        code=code,
        returned=returned,
        return_reason=return_reason(free) if returned else None,
    )


def _with_words(wrapped: _Wrapped) -> Details:
    marks = list(_WORDS.finditer(wrapped.text))
    ends = [mark.start() for mark in marks[1:]] + [len(wrapped.text)]
    named: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        named.setdefault(mark[1], wrapped.cut(mark.end(), end).strip("/ \n"))
    structured, text = None, named.get("REMI")
    kind, _, rest = (text or "").partition("/")
    if kind == "STRD":
        structured, text = _identifier(rest.rpartition("/")[2]), None
    elif kind == "USTD":
        text = rest.strip("/")
    # /CNTP/account/BIC/name/city
    counterparty = [*_one_line(named.get("CNTP", "")).split("/"), "", "", ""]
    name = _one_line(named.get("NAME", "")) or counterparty[2]
    account = _identifier(named.get("IBAN")) or counterparty[0]
    reason = named.get("RTRN")
    return Details(
        name=name or None,
        account=account or None,
        structured=structured,
        text=joined([text]),
        end_to_end=_identifier(named.get("EREF")) or _identifier(named.get("PREF")),
        code=named.get("TRCD") or named.get("TRTP"),
        returned=reason is not None,
        return_reason=_identifier(reason),
    )


def _by_mark(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    """What stands behind each mark; under "" what stands before the first."""
    found: dict[str, str] = {}
    name, start = "", 0
    for mark in pattern.finditer(text):
        found.setdefault(name, text[start : mark.start()].strip())
        name, start = mark[1].replace("\n", ""), mark.end()
    found.setdefault(name, text[start:].strip())
    return found


def _identifier(text: str | None) -> str | None:
    return given(_one_line(text or ""))


def _one_line(text: str) -> str:
    return text.replace("\n", "").strip()


def _name(parts: Sequence[str]) -> str | None:
    """Two subfields of 27 characters: a full first one was cut, a shorter one ended with a word."""
    name = ""
    for part in parts:
        name += part if not name or len(name) >= _NAME_PART else f" {part}"
    return name or None
