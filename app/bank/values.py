"""What all formats share below the line: readings of amounts, dates and names, and the tally of one statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from app.bank.lines import ZERO_AMOUNT, Balance, BankLine, LineStatus, RefusedLine, StatementEnd, StatementHeader
from app.money import Money, MoneyError

_POINT = re.compile(r"[0-9]{1,18}(\.[0-9]{0,8})?|\.[0-9]{1,8}")
_ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9:.,]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_RETURN_REASON = re.compile(
    r"\b(A[CGM][0-9][0-9]|BE0[0-9]|[CD]NOR|CUST|DT01|DUPL|F[FR][0-9][0-9]|FOCR|FRAD|M[DS][0-9][0-9]|R[CR][0-9][0-9]|SL[0-9][0-9]|TECH|TM01)\b"
)
_NOTHING = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NONREF"})


class Unreadable(Exception):
    """One line cannot be read; the file around it stands. The parser turns it into a RefusedLine with the line's place."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def amount(text: str, currency: str) -> Decimal:
    """An unsigned amount in major units, a point before the decimals, with exactly the currency's decimals.

    Raises Unreadable for anything else, for an unknown currency, and for more decimals than the currency has.
    """
    if not _POINT.fullmatch(text):
        raise Unreadable("amount", f"{shown(text)} is not an amount.")
    try:
        return Money.of(Decimal(text), currency).amount
    except MoneyError as error:
        raise Unreadable("amount", f"{error}.") from error


def iso_date(text: str) -> date:
    """The day of an ISO date or time as it is written: a bank's own day, whatever zone stands behind it. Raises Unreadable."""
    found = _ISO_DATE.fullmatch(text)
    try:
        if found:
            return date.fromisoformat(found[1])
    except ValueError:
        pass
    raise Unreadable("date", f"{shown(text)} is not a date.")


def plain_date(digits: str) -> date:
    """A date written as YYYYMMDD or YYMMDD (of this century). Raises Unreadable."""
    full = digits if len(digits) == 8 else f"20{digits}"
    try:
        if len(full) == 8 and full.isdecimal() and full.isascii():
            return date(int(full[:4]), int(full[4:6]), int(full[6:]))
    except ValueError:
        pass
    raise Unreadable("date", f"{shown(digits)} is not a date.")


def joined(parts: Iterable[str | None]) -> str | None:
    """Pieces of text as the file separates them, with a line break between (see BankLine); None when nothing is left."""
    return "\n".join(part.strip() for part in parts if part and part.strip()) or None


def given(text: str | None) -> str | None:
    """A reference, or None where the bank's words say that there is none."""
    cleaned = (text or "").strip()
    return cleaned if cleaned and cleaned.upper() not in _NOTHING else None


def return_reason(text: str | None) -> str | None:
    """The ISO 20022 reason code that the free text of a return names, if it does."""
    found = _RETURN_REASON.search(text or "")
    return found[1] if found else None


def shown(text: str) -> str:
    """Foreign text in a sentence: quoted, control characters escaped, never longer than a line."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


class Tally:
    """Counts the lines of one statement while they pass, and compares them with its balances."""

    def __init__(self, header: StatementHeader) -> None:
        self.header = header
        self._lines = 0
        self._booked = Decimal(0)
        self._currencies: set[str] = set()

    def take(self, line: BankLine) -> BankLine | RefusedLine:
        """The line, or its refusal where it moves nothing (edge case 55)."""
        if not line.amount:
            return RefusedLine(position=line.position, code=ZERO_AMOUNT, sentence="The amount is 0; nothing was paid.")
        self._lines += 1
        if line.status is LineStatus.BOOKED:
            self._booked += line.amount
            self._currencies.add(line.currency)
        return line

    def end(self, closing: Balance | None, last_page: bool | None) -> StatementEnd:
        """The statement's end with what its balances leave unexplained."""
        opening, difference = self.header.opening, None
        if opening and closing and self._currencies | {opening.currency, closing.currency} == {closing.currency}:
            difference = closing.amount - opening.amount - self._booked
        return StatementEnd(closing=closing, last_page=last_page, lines=self._lines, difference=difference)
