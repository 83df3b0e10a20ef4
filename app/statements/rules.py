"""What a statement says: its month, its lines, buckets and sums, and which reminder is due (`rules.md` 6, 7). Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.errors import InvalidInput
from app.ledger.aging import Bucket, bucket
from app.ledger.rules import Item, Kind, Receivable, credits, interest_left, receivables
from app.money import Money

MAX_MONTHS = 12
"""Months that are caught up at most: older ones nobody would understand any more."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar month. Its statement is dated the 1st of the next one, whenever it is made (edge case 72)."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """`2026-02`. Raises InvalidInput for anything else."""
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text.strip())
        if found is None or not 1 <= int(found[1]) <= 9998:
            raise InvalidInput(f"period: {text[:40]!r} is not a month like 2026-02.", code="period")
        return cls(int(found[1]), int(found[2]))

    @property
    def dated(self) -> date:
        """The day of its statement."""
        return self.next.first

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def next(self) -> Period:
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> Period:
        return Period(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def begins(self, zone: ZoneInfo) -> datetime:
        """The first moment of its statement's day in the vendor's zone."""
        return datetime.combine(self.dated, time(), zone)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def period_of(now: datetime, zone: ZoneInfo) -> Period:
    """The newest month whose statement may be made: the one before the month it is in the vendor's zone."""
    today = now.astimezone(zone).date()
    return Period(today.year, today.month).previous


def missing(last: Period | None, now: datetime, zone: ZoneInfo) -> list[Period]:
    """The months to be made after the last one, the oldest first; without a last one only the newest (edge case 72)."""
    newest = period_of(now, zone)
    found: list[Period] = []
    month = newest
    while month > (last or newest.previous) and len(found) < MAX_MONTHS:
        found.append(month)
        month = month.previous
    return found[::-1]


def snapshot(period: Period, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment up to which bookings count: now, but of a month that was missed no later than the next one's statement."""
    return min(now, period.next.begins(zone))


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an order adds to its debt."""

    order_date: date
    po_number: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One order that is not closed. `paid` is all that was booked against it: wires, bank charges and credits.

    `interest` is what is open of the interest charged on it: a debt of its own (`rules.md` 6). A disputed order is listed and
    not asked for (edge case 78).
    """

    debt_id: str
    order_number: str
    order_date: date
    po_number: str
    amount: Money
    paid: Money
    open: Money
    due_date: date
    days_overdue: int
    interest: Money
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What is open in one currency; currencies are never summed (edge case 77). `credit` is money no order has taken yet.

    `total` is the sum of what is open, `disputed` its part that is contested; `debts` are the ids that one wire would pay.
    """

    currency: str
    items: tuple[OpenItem, ...]
    buckets: dict[Bucket, Money]
    total: Money
    interest: Money
    disputed: Money
    credit: Money
    debts: tuple[str, ...]

    @property
    def balance(self) -> Money:
        """What is owed, less what is contested and what is the reseller's already; negative where the vendor owes (case 76)."""
        return self.total + self.interest - self.disputed - self.credit

    @property
    def to_pay(self) -> Money:
        """The balance as a wire; nothing where it is not positive."""
        return self.balance if self.balance.minor > 0 else Money(0, self.currency)


def blocks(
    entries: Iterable[Item],
    facts: Mapping[str, OrderFacts],
    principals: Mapping[str, str],
    disputed: Collection[str],
    day: date,
    *,
    before: date | None = None,
) -> list[Block]:
    """One block per currency in which anything is open or unallocated, in the order of their codes.

    `facts` are by order number, `principals` name the receivable of each interest item; `disputed` are ids of receivables.
    Debts of the day `before` and later are not in it: they are the next month's.
    """
    items = list(entries)
    since = {item.id: item.value_date for item in items if item.kind is Kind.RECEIVABLE}
    debts = [debt for debt in receivables(items) if before is None or since[debt.id] < before]
    left = interest_left(items)
    of_debt: dict[str, int] = defaultdict(int)
    of_debt_ids: dict[str, list[str]] = defaultdict(list)
    for interest_id, minor in left.items():
        principal = principals.get(interest_id)
        if principal is not None and minor:
            of_debt[principal] += minor
            of_debt_ids[principal].append(interest_id)
    debts = [debt for debt in debts if debt.open_minor or of_debt[debt.id]]
    credit = credits(items)
    found = []
    for currency in sorted({debt.currency for debt in debts} | credit.keys()):
        own = [debt for debt in debts if debt.currency == currency]
        lines = tuple(
            _line(debt, day, facts.get(debt.order_number, OrderFacts(debt.due_date)), of_debt[debt.id], debt.id in disputed)
            for debt in own
        )
        payable = [
            payable_id
            for debt in own
            if debt.id not in disputed
            for payable_id in ([debt.id] if debt.open_minor > 0 else []) + of_debt_ids[debt.id]
        ]
        found.append(_block(currency, lines, Money(credit.get(currency, 0), currency), payable))
    return found


def nil_block(currency: str) -> Block:
    """The statement of a reseller that owes nothing (edge case 73)."""
    return _block(currency, (), Money(0, currency), [])


def _line(debt: Receivable, day: date, facts: OrderFacts, interest: int, disputed: bool) -> OpenItem:
    amount, left = Money(debt.amount_minor, debt.currency), Money(debt.open_minor, debt.currency)
    return OpenItem(
        debt_id=debt.id,
        order_number=debt.order_number,
        order_date=facts.order_date,
        po_number=facts.po_number,
        amount=amount,
        paid=amount - left,
        open=left,
        due_date=debt.due_date,
        days_overdue=debt.overdue_days(day),
        interest=Money(interest, debt.currency),
        disputed=disputed,
    )


def _block(currency: str, lines: tuple[OpenItem, ...], credit: Money, debts: Sequence[str]) -> Block:
    nothing = Money(0, currency)
    sums = dict.fromkeys(Bucket, nothing)
    for line in lines:
        sums[bucket(line.days_overdue)] += line.open
    return Block(
        currency=currency,
        items=lines,
        buckets=sums,
        total=sum((line.open for line in lines), nothing),
        interest=sum((line.interest for line in lines), nothing),
        disputed=sum((line.open + line.interest for line in lines if line.disputed), nothing),
        credit=credit,
        debts=tuple(debts),
    )


def rung_of(due: date, today: date, rungs: Iterable[int], told: Collection[int]) -> int | None:
    """The reminder to send of a debt: the newest rung of the ladder that is reached and, like all later ones, not yet sent.

    A rung is in days after the due date, negative before it. What was missed while nobody worked is one reminder, not several;
    one before the due date is not made up for later.
    """
    reached = [rung for rung in sorted(rungs) if due + timedelta(days=rung) <= today]
    if not reached:
        return None
    rung = reached[-1]
    if any(earlier >= rung for earlier in told) or (rung < 0 and today >= due):
        return None
    return rung


def quiet(now: datetime, zone: ZoneInfo, begins: int, ends: int) -> bool:
    """Whether it is a quiet hour where the vendor is, from the hour `begins` up to the hour `ends`; perhaps over midnight."""
    hour = now.astimezone(zone).hour
    if begins == ends:
        return False
    return begins <= hour < ends if begins < ends else hour >= begins or hour < ends
