"""Comparing what Saleor says was paid of an order with the ledger; differences are a task of staff until they agree again.

The ledger decides (`rules.md` 4.4). Saleor is told by reports, in order; what it was not told yet is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.rules import DEBTS, PAYING
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.record import add_task, finish_task
from app.orders.refunds import CHARGES, REFUNDS
from app.orders.rules import Terms
from app.orders.services import Services
from app.orders.tables import MoneyReport, OrderEvent, PaymentSession, ResellerOrder, StaffTask
from app.reasons import Reason, because, register
from app.saleor import operations as ops
from app.saleor.answers import SaleorMoney, SaleorTransaction
from app.saleor.shops import Shop

log = structlog.get_logger()

register(
    {
        "money_charged": "Saleor shows {saleor} as charged, the ledger {ledger} as paid.",
        "money_refunded": "Saleor shows {saleor} as refunded, the ledger {ledger} as sent back.",
        "money_authorized": "Saleor shows {saleor} as authorized; {ledger} are still promised.",
        "money_pending": "Saleor shows {saleor} as on its way; {ledger} are still expected.",
        "money_gone": "Saleor shows no transaction of the program on the order any more; the ledger has {ledger} as paid.",
    }
)

TASK = "money:"
"""Begins the key of the task of one order."""
RECENT = timedelta(days=2)
"""How far back the ledger is looked through for orders to compare: a worker that was down for a day misses nothing."""
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Sums:
    """The money of one transaction in minor units: as Saleor adds its events up, or as it should."""

    charged: int
    refunded: int
    authorized: int
    pending: int

    @classmethod
    def shown(cls, found: SaleorMoney | SaleorTransaction, currency: str) -> Sums:
        """What Saleor shows. A refund that was asked for and not sent has left its charged amount already; here it has not."""
        amounts = (found.charged_amount, found.refunded_amount, found.authorized_amount, found.charge_pending_amount)
        charged, refunded, authorized, pending = (Money.of(each.amount, currency).minor for each in amounts)
        asked = Money.of(found.refund_pending_amount.amount, currency).minor
        return cls(charged + asked, refunded, authorized, pending)


def differences(shown: Sums | None, right: Sums, currency: str) -> tuple[Reason, ...]:
    """What Saleor shows otherwise than it should; without a transaction only where it should show something."""
    if shown is None:
        return (because("money_gone", ledger=Money(right.charged, currency)),)
    pairs = (
        ("money_charged", shown.charged, right.charged),
        ("money_refunded", shown.refunded, right.refunded),
        ("money_authorized", shown.authorized, right.authorized),
        ("money_pending", shown.pending, right.pending),
    )
    return tuple(
        because(code, saleor=Money(theirs, currency), ledger=Money(ours, currency))
        for code, theirs, ours in pairs
        if theirs != ours
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """One order that was compared, and what differs."""

    number: str
    differences: tuple[Reason, ...]


async def compare_order(
    session: AsyncSession, services: Services, order: ResellerOrder, transactions: Iterable[SaleorMoney | SaleorTransaction]
) -> Compared | None:
    """Compare one order and keep its task as it is now; None where there is nothing to compare: no promise of ours, or a report
    that is still on its way (`reseller check` names it when it is stuck)."""
    promise = await session.get(PaymentSession, order.payment_session_id) if order.payment_session_id else None
    if promise is None:
        return None
    right = await expected(session, order, promise)
    if right is None:
        return None
    own = next((each for each in transactions if each.id == promise.transaction_id), None)
    found = differences(Sums.shown(own, order.currency) if own else None, right, order.currency)
    now = services.clock()
    if not found:
        await finish_task(session, f"{TASK}{order.id}", now)
        return Compared(order.number, ())
    key = f"{TASK}{order.id}"
    if not await add_task(session, key, order.id, found, now):
        task = (await session.scalars(select(StaffTask).where(StaffTask.key == key))).one()
        task.reasons = [reason.as_dict() for reason in found]
    return Compared(order.number, found)


async def expected(session: AsyncSession, order: ResellerOrder, promise: PaymentSession) -> Sums | None:
    """What Saleor should show of the promise's transaction; None while it is not told of everything yet."""
    reports = (await session.scalars(select(MoneyReport).where(MoneyReport.order_id == order.id))).all()
    if any(report.reported_at is None for report in reports):
        return None
    told = sum(CHARGES[report.type] * report.amount_minor for report in reports)
    refunded = sum(REFUNDS.get(report.type, 0) * report.amount_minor for report in reports)
    came = sum(report.amount_minor for report in reports if report.type == "CHARGE_SUCCESS")
    charged = told
    if order.canceled_at is None:
        # Of a canceled order Saleor goes on showing what came in until it is sent back; the ledger has it as credit at once.
        paid = await session.scalars(
            select(LedgerItem.amount_minor).where(LedgerItem.order_id == order.id, LedgerItem.kind.in_(PAYING))
        )
        charged = sum(paid)
    voided = await session.scalar(
        select(OrderEvent.id).where(OrderEvent.order_id == order.id, OrderEvent.key.startswith("void:")).limit(1)
    )
    gone = voided is not None or (order.canceled_at is not None and not reports)
    left = 0 if gone else max(0, promise.amount_minor - came)
    on_account = promise.terms == Terms.ON_ACCOUNT
    # The first report ends the pending part, also where it is smaller (saleor-facts 0.3).
    return Sums(charged, refunded, left if on_account else 0, 0 if on_account or came or gone else promise.amount_minor)


async def compare_recent(services: Services, shop: Shop, numbers: Sequence[str] = ()) -> list[Compared]:
    """Compare the orders whose money moved lately or that differed before, or those of these numbers."""
    since = services.clock() - RECENT
    async with services.database.tenant_reading(shop.tenant_id) as session:
        query = select(ResellerOrder.saleor_order_id).where(ResellerOrder.payment_session_id.is_not(None))
        if numbers:
            query = query.where(ResellerOrder.number.in_(numbers))
        else:
            moved = select(LedgerItem.order_id).where(
                LedgerItem.order_id.is_not(None), LedgerItem.booked_at >= since, LedgerItem.kind.not_in(DEBTS)
            )
            differed = select(StaffTask.order_id).where(StaffTask.key.startswith(TASK), StaffTask.done_at.is_(None))
            told = select(MoneyReport.order_id).where(MoneyReport.at >= since)
            query = query.where(ResellerOrder.id.in_(moved) | ResellerOrder.id.in_(differed) | ResellerOrder.id.in_(told))
        ids = list(await session.scalars(query.order_by(ResellerOrder.created_at, ResellerOrder.number)))
    client = await services.shops.client(shop)
    found: list[Compared] = []
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        asked_at: datetime = services.clock()
        answer = (await client.execute(ops.ORDERS_MONEY, ids=part)).orders
        shown = {edge.node.id: edge.node.transactions for edge in answer.edges} if answer else {}
        async with services.database.tenant(shop.tenant_id) as session:
            own = select(ResellerOrder).where(ResellerOrder.saleor_order_id.in_(part))
            for order in await session.scalars(own.order_by(ResellerOrder.created_at, ResellerOrder.number)):
                if await _moved_since(session, order.id, asked_at):
                    continue
                compared = await compare_order(session, services, order, shown.get(order.saleor_order_id, []))
                if compared is not None:
                    found.append(compared)
    different = sum(bool(each.differences) for each in found)
    log.info("money.compared", shop=shop.api_url, orders=len(found), different=different)
    return found


async def _moved_since(session: AsyncSession, order_id: str, at: datetime) -> bool:
    """Whether Saleor was told of money after it was asked: then its answer is older than the books."""
    query = select(MoneyReport.id).where(
        MoneyReport.order_id == order_id, (MoneyReport.at >= at) | (MoneyReport.reported_at >= at)
    )
    return await session.scalar(query.limit(1)) is not None
