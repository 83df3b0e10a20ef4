"""Keeping the sums that reports are read from: resellers whose books changed are summed up anew, all of each at once.

A report is behind by a quarter of an hour at most and says so (`ReportState.as_of`). What is kept can always be made again from
nothing: `begin` with `everything`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import case, delete, exists, func, null, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.bulk import chunks, insert_rows
from app.ledger.service import items_of
from app.ledger.tables import LedgerItem
from app.orders.services import Services
from app.orders.tables import OrderLine, ResellerOrder
from app.reports.rules import Line, Month, Order, Summary, exemption_of, summary
from app.reports.tables import EVERYBODY, ReportBalance, ReportExempt, ReportMonth, ReportOpen, ReportState
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

PART = 100
"""Resellers that are summed up in one transaction."""
OVERLAP = timedelta(hours=1)
"""A booking is dated when its transaction begins and seen when that ends: so long a transaction is looked for once more."""
SUMS = tuple(field.name for field in fields(Month))
"""The columns of a `ReportMonth` that are added up."""


async def as_of(session: AsyncSession) -> datetime | None:
    """Up to when the sums hold; None until they were first made."""
    return await session.scalar(select(ReportState.as_of))


async def refresh_by_hand(session: AsyncSession, services: Services, shop: Shop) -> None:
    """Let the worker bring the sums up to now."""
    await services.jobs.enqueue(
        session,
        "reports_in_shop",
        f"reports:{shop.tenant_id}:{services.clock().isoformat()}",
        partition=f"reports-{shop.tenant_id}",
        args=(shop.tenant_id, "by hand"),
    )


async def begin(session: AsyncSession, *, everything: bool = False) -> list[str]:
    """Ids of the resellers whose books changed since the sums were made; of all that have any with `everything`."""
    since = await as_of(session)
    booked = exists().where(LedgerItem.reseller_id == Reseller.id)
    if since is not None and not everything:
        booked = booked.where(LedgerItem.booked_at > since - OVERLAP)
    return list(await session.scalars(select(Reseller.id).where(booked).order_by(Reseller.id)))


async def sum_up(session: AsyncSession, reseller_ids: Sequence[str]) -> None:
    """Make the sums of these resellers anew."""
    await _locked(session)
    orders = await _orders(session, reseller_ids)
    items = await items_of(session, reseller_ids)
    for table in (ReportMonth, ReportExempt, ReportOpen, ReportBalance):
        await session.execute(delete(table).where(table.reseller_id.in_(reseller_ids)), _NO_SYNC)
    rows: dict[type[Any], list[dict[str, Any]]] = {ReportMonth: [], ReportExempt: [], ReportOpen: [], ReportBalance: []}
    for reseller_id in reseller_ids:
        _collect(rows, reseller_id, summary(items.get(reseller_id, ()), orders.get(reseller_id, {})))
    for table, new in rows.items():
        await insert_rows(session, table, new)


async def finish(session: AsyncSession, at: datetime, *, changed: bool) -> None:
    """Say that the sums hold as of a moment, and sum up all resellers where some changed."""
    state = await _locked(session)
    if state.as_of is None or state.as_of < at:
        state.as_of = at
    if not changed:
        return
    for table in (ReportMonth, ReportExempt, ReportBalance):
        await session.execute(delete(table).where(table.reseller_id == EVERYBODY), _NO_SYNC)
    sums = [func.sum(getattr(ReportMonth, name)).label(name) for name in SUMS]
    months = select(ReportMonth.currency, ReportMonth.month, *sums).group_by(ReportMonth.currency, ReportMonth.month)
    exempt = select(
        ReportExempt.currency, ReportExempt.month, ReportExempt.exemption, func.sum(ReportExempt.net_minor).label("net_minor")
    ).group_by(ReportExempt.currency, ReportExempt.month, ReportExempt.exemption)
    balances = select(
        ReportBalance.currency,
        *(func.sum(getattr(ReportBalance, name)).label(name) for name in ("orders", "interest_minor", "credit_minor")),
    ).group_by(ReportBalance.currency)
    for table, query in ((ReportMonth, months), (ReportExempt, exempt), (ReportBalance, balances)):
        kept = [{name: _whole(value) for name, value in row._mapping.items()} for row in await session.execute(query)]
        await insert_rows(session, table, [{"id": new_id(), "reseller_id": EVERYBODY, **row} for row in kept])


async def refresh(services: Services, shop: Shop, *, everything: bool = False) -> int:
    """Bring the sums up to now in one go; of how many resellers."""
    at = services.clock()
    async with services.database.tenant_reading(shop.tenant_id) as session:
        ids = await begin(session, everything=everything)
    for part in chunks(ids, PART):
        async with services.database.tenant(shop.tenant_id) as session:
            await sum_up(session, part)
    async with services.database.tenant(shop.tenant_id) as session:
        await finish(session, at, changed=bool(ids))
    return len(ids)


_NO_SYNC: dict[str, Any] = {"execution_options": {"synchronize_session": False}}


async def _locked(session: AsyncSession) -> ReportState:
    """The shop's state, so that one at a time makes sums: what is read after this is newer than what the one before read."""
    query = select(ReportState).with_for_update()
    if found := await session.scalar(query):
        return found
    try:
        async with session.begin_nested():
            session.add(ReportState())
    except IntegrityError:
        session.expunge_all()
    return (await session.scalars(query)).one()


async def _orders(session: AsyncSession, reseller_ids: Sequence[str]) -> dict[str, dict[str, Order]]:
    """The orders of each reseller by number, with their lines."""
    # Reasons are most of a line, and only an untaxed one is asked for them.
    reasons = case((OrderLine.tax_rate == 0, OrderLine.reasons), else_=null())
    query = (
        select(ResellerOrder.id, OrderLine.net_minor, OrderLine.gross_minor, OrderLine.tax_rate, reasons)
        .join(OrderLine, OrderLine.order_id == ResellerOrder.id)
        .where(ResellerOrder.reseller_id.in_(reseller_ids))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    lines: dict[str, list[Line]] = {}
    for order_id, net, gross, rate, kept in await session.execute(query):
        lines.setdefault(order_id, []).append(Line(net, gross, exemption_of(rate > 0, (one["code"] for one in kept or ()))))
    found: dict[str, dict[str, Order]] = {}
    totals = select(
        ResellerOrder.reseller_id, ResellerOrder.id, ResellerOrder.number, ResellerOrder.net_minor, ResellerOrder.total_minor
    ).where(ResellerOrder.reseller_id.in_(reseller_ids))
    for reseller_id, order_id, number, net, gross in await session.execute(totals):
        found.setdefault(reseller_id or "", {})[number] = Order(net, gross, tuple(lines.get(order_id, ())))
    return found


def _collect(rows: dict[type[Any], list[dict[str, Any]]], reseller_id: str, found: Summary) -> None:
    def add(table: type[Any], **values: Any) -> None:
        rows[table].append({"id": new_id(), "reseller_id": reseller_id, **values})

    for (currency, month), sums in found.months.items():
        add(ReportMonth, currency=currency, month=month, **{name: getattr(sums, name) for name in SUMS})
    for (currency, month, exemption), minor in found.exempt.items():
        add(ReportExempt, currency=currency, month=month, exemption=exemption.value, net_minor=minor)
    for (currency, due), part in found.open.items():
        add(ReportOpen, currency=currency, due_date=due, orders=part.orders, open_minor=part.open_minor)
    for currency, balance in found.balances.items():
        add(
            ReportBalance,
            currency=currency,
            orders=balance.orders,
            interest_minor=balance.interest_minor,
            credit_minor=balance.credit_minor,
        )


def _whole(value: Any) -> Any:
    """A sum as the database has it: PostgreSQL adds up big integers to a decimal."""
    return int(value) if isinstance(value, Decimal) else value
