"""Which lines of a file are the payments of one batch, and what they come to (edge case 59)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.bank.lines import BankLine, LineStatus
from app.bank.search import folded

Place = tuple[str, str, date, str]
"""Account, the batch's name, day and currency."""


@dataclass(slots=True)
class Batch:
    """The payments of one collective entry, together."""

    count: int = 0
    total: Decimal = Decimal(0)
    references: set[str] = field(default_factory=set)
    """The bank's references they carry; two at most are kept, as two say already that they are not the entry's own."""

    def take(self, amount: Decimal, reference: str | None) -> None:
        """Count one more payment."""
        self.count += 1
        self.total += amount
        if reference and len(self.references) < 2:
            self.references.add(reference)

    def is_called(self, name: str, batch: str | None, reference: str | None) -> bool:
        """Whether a line with this batch and bank reference bears the name of this batch, or the reference of its entry."""
        own = self.references if len(self.references) == 1 else set()
        names = {folded(each) for each in (name, *own)}
        return any(folded(each) in names for each in (batch, reference) if each)


def place_of(account: str, line: BankLine) -> Place | None:
    """Where a payment of a batch belongs; None for any other line."""
    if line.batch is None or line.booking_date is None or line.reversal or line.status is not LineStatus.BOOKED:
        return None
    return account, line.batch, line.booking_date, line.currency
