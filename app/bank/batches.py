"""Which lines of a file are the payments of one batch, and what they come to (edge case 59)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.bank.lines import BankLine, LineStatus
from app.bank.search import folded

Place = tuple[str, str, date, str]
"""Account, the batch's name or the collective entry's place in its file, day and currency."""
NAMES = 50
"""Names of batches that are kept of one entry."""
_DETAIL = re.compile(r"(statement [0-9]+, entry [0-9]+), detail [0-9]+\Z")


@dataclass(slots=True)
class Batch:
    """The payments of one batch, or of one collective entry, together."""

    count: int = 0
    total: Decimal = Decimal(0)
    references: set[str] = field(default_factory=set)
    """The bank's references they carry; two at most are kept, as two say already that they are not the entry's own."""

    names: set[str] = field(default_factory=set)
    """What the bank calls the batches they are of: an entry may be of several."""

    def take(self, amount: Decimal, reference: str | None, batch: str | None) -> None:
        """Count one more payment."""
        if batch and len(self.names) < NAMES:
            self.names.add(batch)
        self.count += 1
        self.total += amount
        if reference and len(self.references) < 2:
            self.references.add(reference)

    def is_called(self, batch: str | None, reference: str | None) -> bool:
        """Whether a line with this batch and bank reference bears the name of this batch, or the reference of its entry."""
        own = self.references if len(self.references) == 1 else set()
        names = {folded(each) for each in (*self.names, *own)}
        return any(folded(each) in names for each in (batch, reference) if each)


def places_of(account: str, line: BankLine) -> tuple[Place, ...]:
    """Where a payment of a batch belongs: to its batch, and to its entry, which may be of several; nowhere for any other line."""
    if line.batch is None or line.booking_date is None or line.reversal or line.status is not LineStatus.BOOKED:
        return ()
    names = together(line.batch, line.position)
    return tuple((account, name, line.booking_date, line.currency) for name in names)


def together(batch: str, position: str) -> tuple[str, ...]:
    """What the payments with the same total have in common: the batch's name, and the entry that they are details of."""
    entry = _DETAIL.search(position)
    return (batch, entry[1]) if entry else (batch,)
