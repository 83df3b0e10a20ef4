"""What a reseller owes now, as `rules.md` 7 lists it: open orders, buckets by due date, and money not allocated yet.

Read from the ledger when it is asked for, and not kept: the monthly statements that are sent and reprinted are others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.rules import Receivable, credits, receivables
from app.ledger.service import reseller_items
from app.money import Money
from app.orders.tables import ResellerOrder


class Bucket(StrEnum):
    """How long an open amount is past its due date, in days."""

    NOT_DUE = "not_due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over_90"


LAST_DAY = {0: Bucket.NOT_DUE, 30: Bucket.TO_30, 60: Bucket.TO_60, 90: Bucket.TO_90}
"""The last day overdue of each bucket but the one without end."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One order that is not closed. `paid` is all that was booked against it: wires, bank charges and credits."""

    order_number: str
    order_date: date
    po_number: str
    amount: Money
    paid: Money
    open: Money
    due_date: date
    days_overdue: int


@dataclass(frozen=True, slots=True)
class Block:
    """What is open in one currency; currencies are never summed (edge case 77). `credit` is money no order has taken yet."""

    currency: str
    items: tuple[OpenItem, ...]
    buckets: dict[Bucket, Money]
    total: Money
    credit: Money


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What falls due on one day in one currency."""

    due_date: date
    amount: Money


def bucket(days_overdue: int) -> Bucket:
    """The bucket of an amount so many days past its due date; 0 and less is not due."""
    return next((found for last, found in LAST_DAY.items() if days_overdue <= last), Bucket.OVER_90)


def falling_due(debts: Iterable[Receivable], today: date) -> list[Upcoming]:
    """What falls due today or later, by day and currency."""
    sums: dict[tuple[date, str], int] = defaultdict(int)
    for debt in debts:
        if debt.open_minor > 0 and debt.due_date >= today:
            sums[debt.due_date, debt.currency] += debt.open_minor
    return [Upcoming(day, Money(minor, currency)) for (day, currency), minor in sorted(sums.items())]


async def open_items(session: AsyncSession, reseller_id: str, today: date) -> list[Block]:
    """One block per currency in which anything is open or unallocated, in the order of their codes."""
    entries = await reseller_items(session, reseller_id)
    debts = [debt for debt in receivables(entries) if debt.open_minor]
    credit = credits(entries)
    orders = select(ResellerOrder.number, ResellerOrder.order_date, ResellerOrder.po_number).where(
        ResellerOrder.reseller_id == reseller_id, ResellerOrder.number.in_([debt.order_number for debt in debts])
    )
    facts = {number: (day, po_number) for number, day, po_number in await session.execute(orders)}
    blocks = []
    for currency in sorted({debt.currency for debt in debts} | credit.keys()):
        items = tuple(
            _item(debt, today, *facts.get(debt.order_number, (debt.due_date, ""))) for debt in debts if debt.currency == currency
        )
        sums = dict.fromkeys(Bucket, Money(0, currency))
        for item in items:
            sums[bucket(item.days_overdue)] += item.open
        total = sum((item.open for item in items), Money(0, currency))
        blocks.append(Block(currency, items, sums, total, Money(credit.get(currency, 0), currency)))
    return blocks


def _item(debt: Receivable, today: date, order_date: date, po_number: str) -> OpenItem:
    amount, left = Money(debt.amount_minor, debt.currency), Money(debt.open_minor, debt.currency)
    return OpenItem(
        debt.order_number, order_date, po_number, amount, amount - left, left, debt.due_date, debt.overdue_days(today)
    )
