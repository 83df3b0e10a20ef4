"""What a bank file says, whatever its format: a stream of statements and their lines.

A parser yields, per statement, one StatementHeader, its BankLines (and RefusedLines) in the file's order, and one StatementEnd.
It reads as it goes, so a file of any length needs little memory; in return FileRefused may come after lines were already given:
who reads a stream keeps nothing of it before its end was reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.errors import InvalidInput


class FileRefused(InvalidInput):
    """The file, or all of it from one place on, cannot be trusted. `position` is that place, as its sentence begins."""

    def __init__(self, position: str, sentence: str, *, code: str) -> None:
        super().__init__(f"{position}: {sentence}", code=code)
        self.position = position


class LineStatus(StrEnum):
    """How far the bank is with an entry; only a booked one is money (edge case 57)."""

    BOOKED = "booked"
    PENDING = "pending"
    INFORMATION = "information"


class StatementKind(StrEnum):
    """What a file's statement is: the account's booked entries with balances, a look during the day, or advice of single entries.

    The last two repeat what a statement says too.
    """

    STATEMENT = "statement"
    INTRADAY = "intraday"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A booked balance in major units, negative when we owe the bank; `intermediate` between the pages of one statement."""

    amount: Decimal
    currency: str
    date: date | None
    intermediate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One movement as the bank tells it; None where the file says nothing.

    `amount` is in major units with the currency's decimals, signed from our account's view: money in is positive, a credit that
    is taken back negative. It is never 0. The payer is the other side, also of a debit and of a reversal.
    `reference_structured` holds what the file itself calls a structured reference, `reference_text` the free text. A line break
    in them stands where the file began another field or line: the bank may have cut a word there, so a search tries the text
    with a blank in its place and with nothing (edge case 45).
    `batch` names the collective entry a line is a part of, or that the line stands for as a whole (edge case 59).
    """

    account: str | None
    booking_date: date | None
    value_date: date | None
    amount: Decimal
    currency: str
    payer_name: str | None
    payer_account: str | None
    reference_structured: str | None
    reference_text: str | None
    bank_reference: str | None
    status: LineStatus
    reversal: bool
    batch: str | None
    position: str
    end_to_end: str | None = None
    """The reference the payer's side gave the payment (EndToEndId, KREF, customer reference); returns carry the original's."""
    transaction_code: str | None = None
    """The bank's class of the movement in the format's own words: `PMNT/RCDT/ESCT`, `166`, `NTRF`, `XFER`, a BAI type code."""
    return_reason: str | None = None
    """Why a payment came back, like AC04."""
    charges: Decimal | None = None
    """What the bank says it took out of this payment, positive, in the line's currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementHeader:
    """The beginning of one statement (or one page of it)."""

    kind: StatementKind
    account: str | None
    currency: str | None
    statement_id: str | None
    sequence: str | None
    page: int | None
    opening: Balance | None
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEnd:
    """The end of one statement: its closing balance, and what was read since the header.

    `difference` is closing - opening - booked lines, None where the file does not say both balances: anything but 0 means that
    the bank's lines and balances disagree, or that a line was refused.
    """

    closing: Balance | None
    last_page: bool | None
    lines: int
    difference: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that is no payment - amount 0 or unreadable (edge case 55) - while the file around it stands."""

    position: str
    code: str
    sentence: str


BankItem = StatementHeader | BankLine | RefusedLine | StatementEnd
BankStream = Iterator[BankItem]

ZERO_AMOUNT = "zero_amount"
"""Code of a RefusedLine that is in order but moves no money."""


def line_as_json(line: BankLine) -> dict[str, Any]:
    """The published form of a line: decimal strings, ISO dates, null where the file says nothing."""
    return {
        "account": line.account,
        "booking_date": line.booking_date and line.booking_date.isoformat(),
        "value_date": line.value_date and line.value_date.isoformat(),
        "amount": f"{line.amount:f}",
        "currency": line.currency,
        "payer_name": line.payer_name,
        "payer_account": line.payer_account,
        "reference_structured": line.reference_structured,
        "reference_text": line.reference_text,
        "bank_reference": line.bank_reference,
        "status": line.status.value,
        "reversal": line.reversal,
        "batch": line.batch,
        "position": line.position,
    }
