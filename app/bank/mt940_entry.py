"""One entry of MT940: the fields :61: and :86: (or :NS:) as a bank line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from app.bank.lines import BankLine, LineStatus, StatementHeader, StatementKind
from app.bank.mt940_details import Details, read_details, read_numbered
from app.bank.values import Unreadable, amount, given, joined, plain_date, return_reason, shown

_ENTRY = re.compile(r"([0-9]{6})([0-9]{4})?(R[CD]|E[CD]|[CD])([A-Z])?([^A-Z]*)([A-Z][A-Z0-9 ]{3})(.*)")
_SEE_DETAILS = re.compile(r"(KREF|EREF|MREF)\+|(EREF|PREF|MARF|KREF|MREF)\s*$")
"""Before the owner's reference, or in its place where it stands in the field :86:."""
_CODE_WORD = re.compile(r"\s*/[A-Z]{3,4}/")
_SIGN = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}
_REFERENCE = 16


@dataclass(slots=True)
class Field:
    """A field with its tag, its first line's number and its lines."""

    tag: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines as one, as they were before the bank wrapped them."""
        return "".join(self.lines).strip()


def entry_line(entry: Field, details: Field | None, header: StatementHeader, position: str) -> BankLine:
    """The line of a :61: with its details. Raises Unreadable."""
    first, *more = entry.lines
    found = _ENTRY.fullmatch(first.strip())
    if not found:
        raise Unreadable("entry", f"{shown(first)} is not an entry: date, C, D, RC or RD, amount with a comma, type, reference.")
    value, booked, mark, _, digits, kind, reference = found.groups()
    if not re.fullmatch(r"[0-9]*,?[0-9]*", digits):
        raise Unreadable("amount", f"{shown(digits)} is not an amount; MT940 writes a decimal comma.")
    currency = header.currency or ""
    day = _value_date(value)
    if details is None:
        said = Details(text=joined(more))
    else:
        said = (read_numbered if details.tag == "NS" else read_details)(details.lines)
        # What stands on the line below the entry may name the order where the details do not; code words there are no text.
        said = replace(said, text=joined([said.text, *(text for text in more if not _CODE_WORD.match(text))]))
    owners, _, bank = reference.partition("//")
    # 16 characters by the rules; what a bank puts behind them is the other side's name.
    customer, name = _SEE_DETAILS.sub("", owners[:_REFERENCE]), owners[_REFERENCE:].strip()
    # Where nothing else is said, the reference for the account's owner is all there is to search in.
    text = said.text or (None if said.structured else given(customer))
    reversal = mark in ("RC", "RD") or said.returned
    return BankLine(
        account=header.account,
        booking_date=_entry_date(booked, day) if booked else None,
        value_date=day,
        amount=amount(digits.replace(",", "."), currency) * _SIGN[mark],
        currency=currency,
        payer_name=said.name or name or None,
        payer_account=said.account,
        reference_structured=said.structured,
        reference_text=text,
        bank_reference=given(bank),
        status=LineStatus.BOOKED if header.kind is StatementKind.STATEMENT and mark[0] != "E" else LineStatus.PENDING,
        reversal=reversal,
        batch=None,
        position=position,
        end_to_end=said.end_to_end or given(customer),
        transaction_code=said.code or kind.strip(),
        return_reason=said.return_reason or (return_reason(said.text) if reversal else None),
    )


def _value_date(digits: str) -> date:
    """A value date; banks that count 30 days in every month write 30 February for its last day. Raises Unreadable."""
    if digits[2:] in ("0229", "0230"):
        return plain_date(f"{digits[:2]}0301") - timedelta(days=1)
    return plain_date(digits)


def _entry_date(month_day: str, value: date) -> date:
    """The entry's day has no year: the one that brings it closest to the value date. Raises Unreadable."""
    days = []
    for year in (value.year - 1, value.year, value.year + 1):
        try:
            days.append(date(year, int(month_day[:2]), int(month_day[2:])))
        except ValueError:
            continue
    if not days:
        raise Unreadable("date", f"{shown(month_day)} is not a month and a day.")
    return min(days, key=lambda day: abs(day - value))
