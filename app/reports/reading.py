"""Reports as they are read: months of everybody for the charts, resellers for the tables, from the kept sums alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Float, Select, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import among
from app.ledger.aging import LAST_DAY, Bucket
from app.reports.periods import Months
from app.reports.rules import Balance, Exemption, Month, Open
from app.reports.service import SUMS
from app.reports.tables import EVERYBODY, ReportBalance, ReportExempt, ReportMonth, ReportOpen
from app.resellers.listing import filtered
from app.resellers.tables import Reseller

MOST_RESELLERS = 1000
"""Resellers that a text finds at most."""
ALL = 1_000_000
"""Rows of a file: every reseller."""


@dataclass(frozen=True, slots=True)
class ResellerMonths:
    """The months of a report for one reseller, added up."""

    reseller_id: str
    sums: Month
    company: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class ResellerAges:
    """What is open of one reseller's orders by bucket, in minor units, with what stands beside it on a statement."""

    reseller_id: str
    buckets: Mapping[Bucket, int]
    balance: Balance
    company: str = ""
    email: str = ""

    @property
    def open_minor(self) -> int:
        return sum(self.buckets.values())


@dataclass(frozen=True, slots=True)
class ResellerExempt:
    """A reseller's net sales without tax for one reason."""

    reseller_id: str
    exemption: Exemption
    net_minor: int
    company: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Ages:
    """All that is open in one currency: by bucket, with interest and unallocated credit."""

    buckets: Mapping[Bucket, Open] = field(default_factory=dict)
    balance: Balance = field(default_factory=Balance)

    @property
    def open_minor(self) -> int:
        return sum(part.open_minor for part in self.buckets.values())

    @property
    def orders(self) -> int:
        return sum(part.orders for part in self.buckets.values())


@dataclass(frozen=True, slots=True)
class Part:
    """Which resellers of a report: those that a text finds, so many after so many."""

    by: str
    down: bool = True
    text: str = ""
    limit: int = ALL
    offset: int = 0


def _days() -> ColumnElement[Any]:
    # The Float decides an order only, never an amount.
    return cast(func.sum(ReportMonth.paid_minor_days), Float) / func.nullif(func.sum(ReportMonth.paid_minor), 0)


def _share() -> ColumnElement[Any]:
    return cast(func.sum(ReportMonth.exempt_minor), Float) / func.nullif(func.sum(ReportMonth.net_minor), 0)


_ADDED = {name.removesuffix("_minor"): name for name in SUMS if name not in ("paid_days", "paid_minor_days")}
ORDERS = frozenset({*_ADDED, "days", "share"})
"""What resellers' months may be sorted by."""
SALES: ColumnElement[bool] = or_(func.sum(ReportMonth.orders) > 0, func.sum(ReportMonth.credit_minor) != 0)
PAID: ColumnElement[bool] = func.sum(ReportMonth.paid_orders) > 0
EXEMPT: ColumnElement[bool] = func.sum(ReportMonth.exempt_minor) != 0


async def currencies(session: AsyncSession) -> list[str]:
    """The currencies anything was ever booked in, that of the most orders first."""
    query = select(ReportBalance.currency).where(ReportBalance.reseller_id == EVERYBODY)
    return list(await session.scalars(query.order_by(ReportBalance.orders.desc(), ReportBalance.currency)))


async def monthly(session: AsyncSession, currency: str, months: Months) -> dict[date, Month]:
    """What each month came to, with those in which nothing was; none from before the first in which anything was."""
    query = select(ReportMonth.month, *(getattr(ReportMonth, name) for name in SUMS)).where(
        ReportMonth.currency == currency, ReportMonth.reseller_id == EVERYBODY, _within(ReportMonth.month, months)
    )
    known = {month: Month(*sums) for month, *sums in await session.execute(query)}
    first = min(known, default=None)
    return {month: known.get(month, Month()) for month in months if first is not None and month >= first}


def total(months: Iterable[Month]) -> Month:
    """All of them added up."""
    months = list(months)
    return Month(*(sum(getattr(month, name) for month in months) for name in SUMS))


async def resellers(
    session: AsyncSession, currency: str, months: Months, part: Part, having: ColumnElement[bool]
) -> list[ResellerMonths]:
    """Resellers with the months added up, sorted by `part.by` of ORDERS; those for which `having` holds."""
    order = _days() if part.by == "days" else _share() if part.by == "share" else func.sum(getattr(ReportMonth, _ADDED[part.by]))
    of = (ReportMonth.currency == currency, ReportMonth.reseller_id != EVERYBODY, _within(ReportMonth.month, months))
    # Ranked by the one sum, then all sums of those that are shown: ten sums of every reseller are most of the work.
    ranked: Select[Any] = (
        select(ReportMonth.reseller_id)
        .where(*of)
        .group_by(ReportMonth.reseller_id)
        .having(having)
        .order_by((order.desc() if part.down else order.asc()).nulls_last(), ReportMonth.reseller_id)
    )
    ids = list(await session.scalars(await _part(session, ranked, part)))
    sums: Select[Any] = select(*[ReportMonth.reseller_id, *(func.sum(getattr(ReportMonth, name)) for name in SUMS)])
    found = await session.execute(sums.where(*of, among(ReportMonth.reseller_id, ids)).group_by(ReportMonth.reseller_id))
    by_id = {row[0]: Month(*map(int, row[1:])) for row in found}
    rows = [(reseller_id, by_id[reseller_id]) for reseller_id in ids if reseller_id in by_id]
    names = await _names(session, [reseller_id for reseller_id, _ in rows])
    return [ResellerMonths(reseller_id, sums, *names.get(reseller_id, ("", ""))) for reseller_id, sums in rows]


async def exempt(session: AsyncSession, currency: str, months: Months) -> dict[Exemption, int]:
    """Net sales without tax by reason, in minor units."""
    query = (
        select(ReportExempt.exemption, func.sum(ReportExempt.net_minor))
        .where(ReportExempt.currency == currency, ReportExempt.reseller_id == EVERYBODY, _within(ReportExempt.month, months))
        .group_by(ReportExempt.exemption)
    )
    found = {Exemption(name): int(minor) for name, minor in await session.execute(query)}
    return {exemption: found[exemption] for exemption in Exemption if found.get(exemption)}


async def exempt_resellers(session: AsyncSession, currency: str, months: Months) -> list[ResellerExempt]:
    """Every reseller's net sales without tax by reason."""
    query = (
        select(ReportExempt.reseller_id, ReportExempt.exemption, func.sum(ReportExempt.net_minor))
        .where(ReportExempt.currency == currency, ReportExempt.reseller_id != EVERYBODY, _within(ReportExempt.month, months))
        .group_by(ReportExempt.reseller_id, ReportExempt.exemption)
        .having(func.sum(ReportExempt.net_minor) != 0)
        .order_by(ReportExempt.reseller_id, ReportExempt.exemption)
    )
    rows = (await session.execute(query)).all()
    names = await _names(session, [row[0] for row in rows])
    return [ResellerExempt(id, Exemption(name), int(minor), *names.get(id, ("", ""))) for id, name, minor in rows]


async def ages(session: AsyncSession, currency: str, today: date) -> Ages:
    """All that is open in a currency on a day."""
    of = _bucket(today)
    query = select(of, func.sum(ReportOpen.orders), func.sum(ReportOpen.open_minor)).where(ReportOpen.currency == currency)
    found = {Bucket(name): Open(int(orders), int(minor)) for name, orders, minor in await session.execute(query.group_by(of))}
    stands = select(ReportBalance.orders, ReportBalance.interest_minor, ReportBalance.credit_minor).where(
        ReportBalance.currency == currency, ReportBalance.reseller_id == EVERYBODY
    )
    balance = (await session.execute(stands)).first()
    return Ages({one: found.get(one, Open()) for one in Bucket}, Balance(*balance) if balance else Balance())


async def reseller_ages(session: AsyncSession, currency: str, today: date, part: Part) -> list[ResellerAges]:
    """Resellers with what is open by bucket, sorted by `open` or a bucket."""
    sums = {one: func.sum(case((_falls(one, today), ReportOpen.open_minor), else_=0)) for one in Bucket}
    order = sums[Bucket(part.by)] if part.by in set(Bucket) else func.coalesce(func.sum(ReportOpen.open_minor), 0)
    of = (ReportBalance.reseller_id == ReportOpen.reseller_id) & (ReportBalance.currency == ReportOpen.currency)
    stands = [func.max(column) for column in (ReportBalance.orders, ReportBalance.interest_minor, ReportBalance.credit_minor)]
    query: Select[Any] = (
        select(*[ReportBalance.reseller_id, *stands, *sums.values()])
        .outerjoin(ReportOpen, of)
        .where(ReportBalance.currency == currency, ReportBalance.reseller_id != EVERYBODY)
        .group_by(ReportBalance.reseller_id)
        .having(or_(func.sum(ReportOpen.open_minor) != 0, *(column != 0 for column in stands[1:])))
        .order_by(order.desc() if part.down else order.asc(), ReportBalance.reseller_id)
    )
    rows = [(row[0], list(map(int, row[1:]))) for row in await session.execute(await _part(session, query, part))]
    names = await _names(session, [reseller_id for reseller_id, _ in rows])
    return [
        ResellerAges(id, dict(zip(Bucket, numbers[3:], strict=True)), Balance(*numbers[:3]), *names.get(id, ("", "")))
        for id, numbers in rows
    ]


def _within(month: Any, months: Months) -> ColumnElement[bool]:
    # Written into the statement: a plan that PostgreSQL keeps for any two months is one for few of them, and slow for all.
    first, last = (bindparam(None, day, Date, literal_execute=True) for day in (months.first, months.last))
    return and_(month >= first, month <= last)


def _falls(one: Bucket, today: date) -> ColumnElement[bool]:
    """Whether a due date is in a bucket on this day (`ledger.aging.bucket`)."""
    lasts = list(LAST_DAY)
    place = list(Bucket).index(one)
    newer = ReportOpen.due_date < today - timedelta(days=lasts[place - 1]) if place else None
    older = ReportOpen.due_date >= today - timedelta(days=lasts[place]) if place < len(lasts) else None
    return and_(*(bound for bound in (newer, older) if bound is not None))


def _bucket(today: date) -> ColumnElement[str]:
    return case(*((_falls(one, today), one.value) for one in Bucket))


async def _part(session: AsyncSession, query: Select[Any], part: Part) -> Select[Any]:
    """The query for so many of the resellers that the text finds."""
    if part.text:
        ids = await session.scalars(filtered(part.text, "").with_only_columns(Reseller.id).limit(MOST_RESELLERS))
        column = query.selected_columns[0]
        query = query.where(column.in_(ids.all()))
    return query.limit(part.limit).offset(part.offset)


async def _names(session: AsyncSession, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(company, e-mail) by reseller id."""
    query = select(Reseller.id, Reseller.company, Reseller.email)
    return {id: (company, email) for id, company, email in await session.execute(query.where(among(Reseller.id, set(ids))))}
