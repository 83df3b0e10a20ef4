"""What follows when money was booked or taken back, whoever did it: the order's record, the report to Saleor, the gates.

One way for a wire confirmed by hand, a file of a hundred thousand lines, and a staff member at the review desk.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.bulk import among, chunks, insert_rows
from app.ledger.booking import Share, Wire, lock_debts
from app.ledger.rules import PAYING, Kind, unallocated
from app.ledger.service import as_item
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.record import add_event, add_task, finish_task, hold
from app.orders.rules import Terms
from app.orders.services import Services
from app.orders.tables import MoneyReport, OrderEvent, PaymentSession, ResellerOrder
from app.orders.wire_mails import tell_of_wires
from app.reasons import Reason, because, register
from app.saleor.shops import Shop

register(
    {
        "wire": "A wire of {amount} with the bank reference {reference} was booked by {by}: {allocated} pays this order.",
        "wire_surplus": "{amount} of the wire {reference} is left over; it stays the reseller's credit.",
        "bank_charge": "{amount} were kept by a bank on the way and booked as bank charge.",
        "wire_taken_back": "{amount} that paid this order were taken back: {why}",
        "wire_again": "{amount} pay this order again: {why}",
        "returned_after_release": "The wire was taken back after the license went out: keep, suspend or revoke it. {why}",
        "other_payer_above_limit": "{amount} came from somebody else than the reseller; look at it before the license goes out.",
    }
)


@dataclass(frozen=True, slots=True)
class Came:
    """A wire that was booked just now with its shares, and whether somebody else than the reseller sent it.

    `closes` where nothing is open any more of what it pays.
    """

    wire: Wire
    shares: tuple[Share, ...]
    surplus_minor: int
    third_party: bool = False
    closes: bool = False


async def lock_orders(session: AsyncSession, order_ids: Iterable[str]) -> None:
    """Lock orders before their debts, in the order everybody takes them."""
    for part in chunks(sorted(set(order_ids))):
        query = select(ResellerOrder.id).where(among(ResellerOrder.id, part)).order_by(ResellerOrder.id).with_for_update()
        await session.execute(query)


async def lock_paid(session: AsyncSession, payment_ids: Sequence[str], order_ids: Iterable[str] = ()) -> None:
    """Lock the orders and debts that wires pay, with these orders, before the wires are taken back."""
    orders: set[str | None] = set(order_ids)
    debts: set[str | None] = set()
    for part in chunks(list(payment_ids)):
        query = select(LedgerItem.order_id, LedgerItem.receivable_id).where(among(LedgerItem.payment_id, part)).distinct()
        for order_id, debt_id in await session.execute(query):
            orders.add(order_id)
            debts.add(debt_id)
    await lock_orders(session, filter(None, orders))
    await lock_debts(session, filter(None, debts))


async def follow_booked(
    session: AsyncSession, services: Services, shop: Shop, came: Sequence[Came], *, by: str, batch: str
) -> None:
    """The wires' orders learn of them, Saleor will, and every gate they may open is looked at; in the caller's transaction.

    `batch` names the occasion: the work that follows is asked for once under it.
    """
    now = services.clock()
    shares = [(each, share) for each in came for share in each.shares if share.order_id is not None]
    orders = await _orders(session, [share.order_id for _, share in shares if share.order_id])
    events: list[Mapping[str, Any]] = []
    for each, share in shares:
        currency = each.wire.amount.currency
        wire = because(
            "wire",
            amount=each.wire.amount,
            reference=each.wire.reference,
            by=by,
            allocated=Money(share.minor, currency),
        )
        events.append(_event(share.order_id, f"wire:{each.wire.payment_id}", wire, now))
        if share.charge_minor:
            charge = because("bank_charge", amount=Money(share.charge_minor, currency))
            events.append(_event(share.order_id, f"charge:{each.wire.payment_id}", charge, now))
    await insert_rows(session, OrderEvent, events)
    await _report(session, orders, [_Report(s.item_id, s.order_id, s.minor + s.charge_minor, now) for _, s in shares if s.minor])
    for each in came:
        await _surplus(session, each, now)
        await _other_payer(session, services, shop, each, orders)
    await tell_of_wires(session, services, shop, came)
    paid = dict.fromkeys(share.order_id for _, share in shares if share.order_id in orders)
    await _ask(session, services, shop, [orders[order_id] for order_id in paid if order_id], batch)


async def follow_taken_back(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    items: Sequence[LedgerItem],
    *,
    why: Reason,
    batch: str,
) -> None:
    """Allocations were taken back, or that was: their orders learn of it, Saleor will, gates close or open again.

    Of an order whose license is out already staff decide what becomes of it (`rules.md` 5.7).
    """
    now = services.clock()
    minor: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], LedgerItem] = {}
    for item in items:
        if item.kind in PAYING and item.order_id is not None and item.payment_id is not None:
            place = (item.order_id, item.payment_id)
            minor[place] += item.amount_minor
            if item.kind == Kind.ALLOCATION:
                first.setdefault(place, item)
    orders = await _orders(session, [order_id for order_id, _ in minor])
    reports = []
    events: list[Mapping[str, Any]] = []
    for (order_id, payment_id), change in minor.items():
        if not change or order_id not in orders or (order_id, payment_id) not in first:
            continue
        item = first[order_id, payment_id]
        amount = Money(abs(change), item.currency)
        code = "wire_taken_back" if change < 0 else "wire_again"
        events.append(_event(order_id, f"back:{item.id}", because(code, amount=amount, why=why), now))
        reports.append(_Report(item.id, order_id, abs(change), now, "CHARGE_BACK" if change < 0 else "CHARGE_SUCCESS"))
        if change > 0:
            # What was taken back counts again: nobody needs to decide about the license any more.
            await finish_task(session, f"returned:{item.reverses_id}", now)
        elif orders[order_id].released:
            await add_task(session, f"returned:{item.id}", order_id, [because("returned_after_release", why=why)], now)
    await insert_rows(session, OrderEvent, events)
    await _report(session, orders, reports)
    await _surplus_of(session, items, now)
    await _ask(session, services, shop, list(orders.values()), batch)


async def _ask(session: AsyncSession, services: Services, shop: Shop, orders: Sequence[_Order], batch: str) -> None:
    """Ask for `money_came` of each order, once under the batch."""
    if len(orders) == 1:
        await services.jobs.enqueue(
            session,
            "money_came",
            f"wire:{shop.tenant_id}:{batch}",
            partition=orders[0].saleor_order_id,
            args=(shop.tenant_id, orders[0].id),
        )
    elif orders:
        # One row now instead of a thousand: they are asked for one by one after the booking is committed.
        workflow_id = f"wires:{shop.tenant_id}:{batch}"
        ids = json.dumps([order.id for order in orders])
        await services.jobs.enqueue(
            session, "money_came_for", workflow_id, partition=workflow_id, args=(shop.tenant_id, batch, ids)
        )


@dataclass(frozen=True, slots=True)
class _Report:
    item_id: str
    order_id: str | None
    minor: int
    at: datetime
    type: str = "CHARGE_SUCCESS"


@dataclass(frozen=True, slots=True)
class _Order:
    """What is needed of an order and of its promise: hundreds are read at once, without their lines and answers."""

    id: str
    saleor_order_id: str
    currency: str
    released: bool
    transaction_id: str | None
    psp_reference: str | None
    terms: str | None


async def _orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, _Order]:
    found: dict[str, _Order] = {}
    for part in chunks(list(dict.fromkeys(order_ids))):
        query = (
            select(
                ResellerOrder.id,
                ResellerOrder.saleor_order_id,
                ResellerOrder.currency,
                ResellerOrder.release_decided_at.is_not(None),
                PaymentSession.transaction_id,
                PaymentSession.psp_reference,
                PaymentSession.terms,
            )
            .outerjoin(PaymentSession, PaymentSession.id == ResellerOrder.payment_session_id)
            .where(among(ResellerOrder.id, part))
        )
        found |= {row[0]: _Order(*row) for row in await session.execute(query)}
    return found


async def _report(session: AsyncSession, orders: Mapping[str, _Order], reports: Sequence[_Report]) -> None:
    """What Saleor must be told; what a bank kept is settled too, or it would wait for it for ever."""
    earlier: dict[str, int] = defaultdict(int)
    for part in chunks([order_id for order_id, order in orders.items() if order.transaction_id is not None]):
        query = select(MoneyReport.order_id, func.count()).where(among(MoneyReport.order_id, part)).group_by(MoneyReport.order_id)
        earlier |= {row[0]: row[1] for row in await session.execute(query)}
    rows: list[Mapping[str, Any]] = []
    for report in reports:
        order = orders.get(report.order_id or "")
        if order is None or order.transaction_id is None:
            continue
        # The request's own reference clears the pending part in Saleor, also when the wire is smaller (saleor-facts 0.3).
        first = not earlier[order.id] and order.terms == Terms.PREPAY and report.type == "CHARGE_SUCCESS"
        earlier[order.id] += 1
        rows.append(
            {
                "id": new_id(),
                "ledger_item_id": report.item_id,
                "order_id": order.id,
                "transaction_id": order.transaction_id,
                "psp_reference": order.psp_reference if first else f"BT-{report.item_id}",
                "type": report.type,
                "amount_minor": report.minor,
                "currency": order.currency,
                "at": report.at,
            }
        )
    await insert_rows(session, MoneyReport, rows)


def _event(order_id: str | None, key: str, what: Reason, at: datetime) -> dict[str, Any]:
    return {"id": new_id(), "order_id": order_id, "key": key, "at": at, "what": what.as_dict()}


async def _surplus(session: AsyncSession, came: Came, at: datetime) -> None:
    if came.surplus_minor <= 0:
        return
    surplus = Money(came.surplus_minor, came.wire.amount.currency)
    reason = because("wire_surplus", amount=surplus, reference=came.wire.reference)
    order_id = next((share.order_id for share in came.shares if share.order_id), None)
    if order_id is not None:
        await add_event(session, order_id, f"surplus:{came.wire.payment_id}", at, reason)
    await add_task(session, f"surplus:{came.wire.payment_id}", order_id, [reason], at)


async def _surplus_of(session: AsyncSession, items: Sequence[LedgerItem], at: datetime) -> None:
    """Of a wire that was taken back nothing is left over to decide about; of one that counts again it is asked for anew."""
    came = {item.payment_id: item for item in items if item.kind == Kind.PAYMENT and item.payment_id is not None}
    for payment_id, item in came.items():
        if item.amount_minor < 0:
            await finish_task(session, f"surplus:{payment_id}", at)
            continue
        wanted = select(LedgerItem).where((LedgerItem.id == payment_id) | (LedgerItem.payment_id == payment_id))
        payment = {row.id: row for row in await session.scalars(wanted)}
        if (left := unallocated(as_item(row) for row in payment.values()).get(payment_id, 0)) > 0:
            surplus = Money(left, item.currency)
            reason = because("wire_surplus", amount=surplus, reference=payment[payment_id].reference)
            order_id = next((row.order_id for row in payment.values() if row.kind == Kind.ALLOCATION and row.order_id), None)
            await add_task(session, f"surplus:{payment_id}", order_id, [reason], at)


async def _other_payer(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    came: Came,
    orders: Mapping[str, _Order],
) -> None:
    limit = shop.settings.program.other_payer_limit_minor
    if not came.third_party or limit is None or came.wire.amount.minor <= limit:
        return
    why = because("other_payer_above_limit", amount=came.wire.amount)
    for share in came.shares:
        if share.order_id in orders:
            order = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == share.order_id))).one()
            await hold(session, order, why, services, f"other-payer:{came.wire.payment_id}")
