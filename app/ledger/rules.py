"""Balances and standing, derived from ledger items; nothing is stored that can be summed (`rules.md` 4, 5).

A ledger item touches a receivable, a payment, or both. Amounts are positive minor units except in a reversal, which repeats the
reversed item with the opposite sign.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar


class Kind(StrEnum):
    """What an item does. Each kind's effect on the two balances stands in `EFFECT`."""

    RECEIVABLE = "receivable"
    PAYMENT = "payment"
    ALLOCATION = "allocation"
    BANK_CHARGE = "bank_charge"
    CREDIT = "credit"
    INTEREST = "interest"
    WRITE_OFF = "write_off"
    REFUND = "refund"


EFFECT: dict[Kind, tuple[int, int]] = {
    Kind.RECEIVABLE: (1, 0),
    Kind.INTEREST: (1, 0),
    Kind.PAYMENT: (0, 1),
    Kind.ALLOCATION: (-1, -1),
    Kind.BANK_CHARGE: (-1, 0),
    Kind.CREDIT: (-1, 0),
    Kind.WRITE_OFF: (-1, 0),
    Kind.REFUND: (0, -1),
}
"""Sign on (open amount of the receivable, unallocated amount of the payment)."""

DEBTS = (Kind.RECEIVABLE, Kind.INTEREST)
"""What is owed by itself and can be paid: an order's receivable, and interest, which is a debt of its own (`rules.md` 6)."""

PAYING = (Kind.ALLOCATION, Kind.BANK_CHARGE)
"""What counts as paid: money, and what a bank kept of it on the way."""


class Item(NamedTuple):
    """One row of the ledger as the rules see it; `value_date` is the bank's day (edge case 71).

    A tuple, since a standing makes hundreds: a frozen dataclass takes four times as long to make (`bench.standing`).
    """

    id: str
    kind: Kind
    amount_minor: int
    currency: str
    value_date: date
    receivable_id: str | None = None
    payment_id: str | None = None
    due_date: date | None = None
    order_number: str | None = None
    reverses_id: str | None = None


class Reversible(Protocol):
    """A row or item that another one may take back."""

    @property
    def id(self) -> str: ...
    @property
    def reverses_id(self) -> str | None: ...


R = TypeVar("R", bound=Reversible)


def live(rows: Iterable[R]) -> list[R]:
    """Those that count: neither taken back, nor themselves what takes another one back.

    What takes back a taking-back counts like the first one. All rows of a chain must be given.
    """
    rows = list(rows)
    reverses = {row.id: row.reverses_id for row in rows}
    taken = set(reverses.values())

    def depth(row: R) -> int:
        count, above = 0, row.reverses_id
        while above is not None:
            count, above = count + 1, reverses.get(above)
        return count

    return [row for row in rows if row.id not in taken and depth(row) % 2 == 0]


@dataclass(frozen=True, slots=True)
class Receivable:
    """An order's debt with what is still open, in minor units. `paid_minor` is money from wires, without write-offs.

    `disputed` when the reseller contests it: it stays owed and is not late (edge case 78).
    """

    id: str
    order_number: str
    currency: str
    amount_minor: int
    open_minor: int
    paid_minor: int
    due_date: date
    paid_on: date | None
    disputed: bool = False

    @property
    def fully_paid(self) -> bool:
        """Nothing open and money, not a credit note, closed it. A zero-value order is not "paid" (edge case 69)."""
        return self.amount_minor > 0 and self.open_minor <= 0 and self.paid_minor > 0

    def overdue_days(self, today: date) -> int:
        """Days past the due date while something is open, else 0."""
        return max(0, (today - self.due_date).days) if self.open_minor > 0 else 0

    def late_days(self, today: date) -> int:
        """Days overdue that count against the reseller: none while it contests the debt (`rules.md` 5.3, edge case 78)."""
        return 0 if self.disputed else self.overdue_days(today)


def receivables(items: Iterable[Item], disputed: Collection[str] = ()) -> list[Receivable]:
    """Every receivable with its balance, by due date then order number; `disputed` are ids of those that are contested."""
    items = list(items)
    open_minor: dict[str, int] = defaultdict(int)
    paid_minor: dict[str, int] = defaultdict(int)
    paid_on: dict[str, date] = {}
    for item in items:
        if item.receivable_id is None:
            continue
        open_minor[item.receivable_id] += EFFECT[item.kind][0] * item.amount_minor
        if item.kind in PAYING:
            paid_minor[item.receivable_id] += item.amount_minor
    for item in live(item for item in items if item.kind in PAYING):
        if item.receivable_id is not None:
            paid_on[item.receivable_id] = max(item.value_date, paid_on.get(item.receivable_id, item.value_date))
    return sorted(
        (
            Receivable(
                id=item.id,
                order_number=item.order_number or "",
                currency=item.currency,
                amount_minor=item.amount_minor,
                open_minor=open_minor[item.id],
                paid_minor=paid_minor[item.id],
                due_date=item.due_date or item.value_date,
                paid_on=paid_on.get(item.id) if open_minor[item.id] <= 0 else None,
                disputed=item.id in disputed,
            )
            for item in items
            if item.kind is Kind.RECEIVABLE and item.amount_minor >= 0
        ),
        key=lambda receivable: (receivable.due_date, receivable.order_number),
    )


def unallocated(items: Iterable[Item]) -> dict[str, int]:
    """Payment id -> minor units not yet allocated or refunded; payments with nothing left are absent."""
    left: dict[str, int] = defaultdict(int)
    for item in items:
        if item.payment_id is not None:
            left[item.payment_id] += EFFECT[item.kind][1] * item.amount_minor
    return {payment: amount for payment, amount in left.items() if amount}


def credits(items: Iterable[Item]) -> dict[str, int]:
    """Currency -> minor units of payments that no order has taken: the reseller's credit (`rules.md` 4.3, edge case 51)."""
    items = list(items)
    currencies = {item.payment_id: item.currency for item in items if item.payment_id is not None}
    sums: dict[str, int] = defaultdict(int)
    for payment, left in unallocated(items).items():
        sums[currencies[payment]] += left
    return {currency: minor for currency, minor in sums.items() if minor}


def interest_left(entries: Iterable[Item]) -> dict[str, int]:
    """Interest item's id -> what is open of it in minor units; nothing for what was taken back."""
    entries = list(entries)
    charged = {item.id for item in entries if item.kind is Kind.INTEREST and item.receivable_id == item.id}
    left: dict[str, int] = dict.fromkeys(charged, 0)
    for item in entries:
        if item.receivable_id in charged:
            left[item.receivable_id] += EFFECT[item.kind][0] * item.amount_minor
    return left


def due_date(order_date: date, days: int) -> date:
    """Calendar days after the order; a holiday does not move it (edge case 70)."""
    return order_date + timedelta(days=days)


def allocate(wire_minor: int, open_minor: int, tolerance_minor: int) -> tuple[int, int, int]:
    """(allocation, bank charge, surplus) of a wire for one receivable (`rules.md` 4.3, edge cases 50 and 51).

    Short by no more than the tolerance: the rest is a bank charge. Over: the surplus stays unallocated. A closed receivable takes
    nothing. Raises ValueError for a wire that is not positive.
    """
    if wire_minor <= 0:
        raise ValueError("a wire must bring money")
    allocation = max(0, min(wire_minor, open_minor))
    missing = max(0, open_minor) - allocation
    charge = missing if 0 < missing <= tolerance_minor else 0
    return allocation, charge, wire_minor - allocation
