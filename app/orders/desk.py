"""Orders as staff work on them: lists of what waits, with why for each, and one order with everything known of it.

Lists cost the same however many orders there are: open ones have an index of their own, and what is told of a page's orders is
read for all of them at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, not_, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from app.documents.tables import Document
from app.errors import NotFound
from app.ledger.rules import Receivable, receivables
from app.ledger.service import as_item, receivable_id
from app.ledger.tables import LedgerItem
from app.licenses.service import of_order
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders.rules import Gate, Terms, gate
from app.orders.rules import StaffDecision as Decision
from app.orders.service import in_force
from app.orders.tables import EndCustomer, OrderEvent, ResellerOrder, StaffDecision, StaffTask
from app.reasons import because
from app.resellers.tables import Reseller

Row = TypeVar("Row")
OPEN: ColumnElement[bool] = and_(ResellerOrder.release_decided_at.is_(None), ResellerOrder.canceled_at.is_(None))
"""Nothing went out yet and nothing ended, as the partial indexes have it (`tables.OPEN`)."""


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One order with all that staff look at. `debt` is None while it owes nothing."""

    order: ResellerOrder
    reseller: Reseller | None
    gate: Gate
    debt: Receivable | None
    items: Sequence[LedgerItem]
    customer: EndCustomer | None
    licenses: Sequence[License]
    documents: Sequence[Document]
    mails: Sequence[Mail]
    decisions: Sequence[StaffDecision]
    tasks: Sequence[StaffTask]
    events: Sequence[OrderEvent]

    @property
    def decidable(self) -> bool:
        """Whether staff may still hold or release it."""
        return self.order.release_decided_at is None and self.order.canceled_at is None


def open_orders(which: str, at: datetime) -> Select[ResellerOrder]:
    """Orders nothing went out of yet: all, those `held` by the audit or a decision, or those `waiting` for their money."""
    query = listed_orders().where(OPEN)
    if which == "held":
        return query.where(ResellerOrder.id.in_(_held(at)))
    return query.where(ResellerOrder.id.not_in(_held(at))) if which == "waiting" else query


def numbered(text: str) -> Select[ResellerOrder]:
    """The order of a number, in whatever state; with it the reseller's own numbers and creditor references."""
    given = text.strip().lstrip("#")
    same = or_(
        ResellerOrder.number == given, ResellerOrder.reference == "".join(given.split()).upper(), ResellerOrder.po_number == given
    )
    return listed_orders().where(same)


def listed_orders() -> Select[ResellerOrder]:
    """Orders without their lines, which no list shows."""
    return select(ResellerOrder).options(lazyload(ResellerOrder.lines))


async def gates(session: AsyncSession, orders: Sequence[ResellerOrder], at: datetime) -> dict[str, Gate]:
    """The gate of each order by its id, as `service.order_gate` says it of one."""
    ids = [order.id for order in orders]
    debts = await _debts(session, ids)
    decisions: dict[str, Decision] = {}
    rows = select(StaffDecision).where(StaffDecision.order_id.in_(ids)).order_by(StaffDecision.at.desc(), StaffDecision.id)
    for row in await session.scalars(rows):
        if (found := in_force(row, at)) is not None:
            decisions.setdefault(row.order_id, found)
    return {order.id: _gate(order, debts.get(order.id), decisions.get(order.id), at) for order in orders}


async def names(session: AsyncSession, orders: Sequence[ResellerOrder]) -> Mapping[str, str]:
    """The companies of these orders by reseller id."""
    wanted = {order.reseller_id for order in orders if order.reseller_id}
    return dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(wanted)))).all())


async def by_saleor_id(session: AsyncSession, saleor_order_id: str) -> ResellerOrder | None:
    """The recorded order with Saleor's id; None for one that is not of the program."""
    return await session.scalar(select(ResellerOrder).where(ResellerOrder.saleor_order_id == saleor_order_id))


async def order_file(session: AsyncSession, order: ResellerOrder, at: datetime) -> OrderFile:
    """Everything about one order."""

    async def rows(table: type[Row], moment: Any) -> Sequence[Row]:
        query = select(table).where(table.order_id == order.id)  # type: ignore[attr-defined]
        return (await session.scalars(query.order_by(moment, table.id))).all()  # type: ignore[attr-defined]

    debt_id = await receivable_id(session, order.id)
    debts = await _debts(session, [order.id]) if debt_id else {}
    return OrderFile(
        order=order,
        reseller=await session.get(Reseller, order.reseller_id) if order.reseller_id else None,
        gate=(await gates(session, [order], at))[order.id],
        debt=debts.get(order.id),
        items=await rows(LedgerItem, LedgerItem.booked_at),
        customer=await session.get(EndCustomer, order.end_customer_id) if order.end_customer_id else None,
        licenses=await of_order(session, order.id),
        documents=await rows(Document, Document.issued_at),
        mails=await rows(Mail, Mail.created_at),
        decisions=await rows(StaffDecision, StaffDecision.at),
        tasks=[task for task in await rows(StaffTask, StaffTask.created_at) if task.done_at is None],
        events=await rows(OrderEvent, OrderEvent.at),
    )


async def count_open(session: AsyncSession, at: datetime) -> dict[str, int]:
    """How many orders are held, and how many wait for their money."""
    held = await session.scalar(select(func.count(ResellerOrder.id)).where(OPEN, ResellerOrder.id.in_(_held(at)))) or 0
    everything = await session.scalar(select(func.count(ResellerOrder.id)).where(OPEN)) or 0
    return {"held": held, "waiting": everything - held}


def found(order: ResellerOrder | None) -> ResellerOrder:
    """The order. Raises NotFound."""
    if order is None:
        raise NotFound("This order is not one of the reseller program.", code="no_order")
    return order


def _held(at: datetime) -> CompoundSelect[str]:
    """Ids of the held orders: two small sets with an index each, where a condition on every open order would read all."""
    # `not_`, not `is_(False)`: PostgreSQL finds its partial index by the condition as it is written there.
    audit = select(ResellerOrder.id).where(OPEN, not_(ResellerOrder.audit_passed))
    decided = select(StaffDecision.order_id).where(
        StaffDecision.hold, or_(StaffDecision.expires_at.is_(None), StaffDecision.expires_at > at)
    )
    return union(audit, decided)


async def _debts(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, Receivable]:
    """The receivable of each order that has one."""
    owed = select(LedgerItem).where(LedgerItem.key.in_([f"receivable:{order_id}" for order_id in order_ids]))
    of = {row.id: row for row in await session.scalars(owed)}
    moved = select(LedgerItem).where(LedgerItem.receivable_id.in_(of))
    items = [*of.values(), *await session.scalars(moved)]
    return {of[debt.id].order_id or "": debt for debt in receivables(map(as_item, items))}


def _gate(order: ResellerOrder, debt: Receivable | None, decision: Decision | None, at: datetime) -> Gate:
    if order.canceled_at is not None:
        return Gate(False, (because("order_canceled"),))
    if debt is None:
        return Gate(False, (because("not_confirmed"),))
    return gate(debt, Terms(order.terms), at=at, confirmed=order.confirmed_at is not None, decision=decision)
