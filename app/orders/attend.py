"""The conversations with Saleor about one order: reading, confirming, what must be undone there, what it must be told.

Each can be repeated: it looks first, or Saleor takes the same key once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.tenants import Tenant
from app.money import Money
from app.orders.intake import other_money
from app.orders.record import add_event, add_task, finish_task, hold
from app.orders.service import cancel_order, credit_later, lock_order, order_gate
from app.orders.services import Services
from app.orders.ship_to import corrections
from app.orders.tables import MoneyReport, PaymentSession, RefundRequest, ResellerOrder, StaffTask
from app.reasons import Reason, because, register, sentence
from app.saleor import operations as ops
from app.saleor.answers import SaleorOrder
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.shops import Shop

register(
    {
        "early_fulfillment": "A fulfillment made before the release was canceled: licenses go out through the release only.",
        "changed_after_audit": "The total in Saleor is {now} now; it was {frozen} at the audit.",
        "refund_of_other": "Asked {gateway} to give back {amount}.",
        "other_money_left": "{gateway} refused to give back {amount}: {why}. Give it back there by hand.",
        "money_reported": "Saleor knows of {amount} ({psp}).",
        "report_refused": "Saleor refused the report of {amount}: {why}.",
    }
)

log = structlog.get_logger()

FIRST_SIGHT = frozenset({"order_created", "order_fully_paid", "reconcile", "staff"})
"""Occasions on which an order unknown to us is looked at; all others concern orders we know."""

REPORTED = {
    "CHARGE_SUCCESS": "Bank transfer booked",
    "CHARGE_BACK": "Bank transfer taken back",
    "REFUND_SUCCESS": "Refund sent by bank transfer",
    "REFUND_REVERSE": "Refund by bank transfer taken back",
}
"""What Saleor shows beside each report of money."""
OPEN_FULFILLMENTS = frozenset({"FULFILLED", "WAITING_FOR_APPROVAL"})


async def read_order(services: Services, shop: Shop, saleor_order_id: str) -> SaleorOrder | None:
    """The order as Saleor has it now; None when there is none any more."""
    client = await services.shops.client(shop)
    return (await client.execute(ops.ORDER, id=saleor_order_id)).order


async def confirm(services: Services, shop: Shop, saleor_order_id: str) -> None:
    """Confirm the order in Saleor, unless it is confirmed or over already."""
    client = await services.shops.client(shop)
    order = (await client.execute(ops.ORDER, id=saleor_order_id)).order
    if order is not None and order.status == "UNCONFIRMED":
        await client.execute(ops.ORDER_CONFIRM, id=saleor_order_id)


async def confirm_other(services: Services, shop: Shop, order: SaleorOrder) -> str:
    """Confirm a paid order of an ordinary customer, as Saleor's automatic confirmation would have (saleor-facts 0.2)."""
    paid = "FULL" in (order.authorize_status, order.charge_status) or any(payment.is_active for payment in order.payments)
    if order.status != "UNCONFIRMED" or not shop.settings.confirm_other_orders or not (paid or not order.total.gross.amount):
        return "not ours"
    await confirm(services, shop, order.id)
    return "not ours, confirmed"


async def follow(session: AsyncSession, services: Services, shop: Shop, order_id: str, order: SaleorOrder) -> None:
    """Take over what happened in Saleor since the audit: a cancellation, or another total than was frozen."""
    now = services.clock()
    if order.status in ("CANCELED", "EXPIRED"):
        if await cancel_order(session, order_id, now):
            await credit_later(session, services, shop.tenant_id, await lock_order(session, order_id), "canceled", "canceled")
        return
    row = await lock_order(session, order_id)
    total = Money.of(order.total.gross.amount, order.total.currency)
    frozen = Money(row.total_minor, row.currency)
    if total != frozen and row.release_decided_at is None:
        await hold(session, row, because("changed_after_audit", now=total, frozen=frozen), services, f"changed:{total}")


async def cancel_early_fulfillments(services: Services, shop: Shop, order_id: str, order: SaleorOrder) -> None:
    """Take back what was fulfilled by hand before the release (saleor-facts 0.5)."""
    open_ones = [item for item in order.fulfillments if item.status in OPEN_FULFILLMENTS]
    if not open_ones:
        return
    async with services.database.tenant(shop.tenant_id) as session:
        row = await lock_order(session, order_id)
        if row.release_decided_at is not None or row.canceled_at is not None:
            return
    client = await services.shops.client(shop)
    for fulfillment in open_ones:
        warehouse = await warehouse_id(client, order.channel.slug) if fulfillment.status == "FULFILLED" else None
        try:
            await client.execute(ops.ORDER_FULFILLMENT_CANCEL, id=fulfillment.id, warehouse=warehouse)
        except SaleorRefused as refused:
            fresh = await read_order(services, shop, order.id)
            still = fresh and [
                item for item in fresh.fulfillments if item.id == fulfillment.id and item.status in OPEN_FULFILLMENTS
            ]
            if still:
                raise
            log.info("fulfillment.gone", fulfillment=fulfillment.id, why=refused.sentence)
        async with services.database.tenant(shop.tenant_id) as session:
            why = because("early_fulfillment")
            now = services.clock()
            await add_event(session, order_id, f"early:{fulfillment.id}", now, why)
            await add_task(session, f"early:{fulfillment.id}", order_id, [why], now)


async def refund_other_gateways(services: Services, shop: Shop, order_id: str, order: SaleorOrder) -> None:
    """Ask every other app whose money is on the order to give it back (`rules.md` 4.1), hold the order, tell staff.

    What staff entered as paid by hand holds nothing: the gate looks at our own ledger only (`rules.md` 4.4).
    """
    for money in other_money(order, shop):
        key = f"other:{money.transaction_id or money.name}:{money.amount}"
        async with services.database.tenant(shop.tenant_id) as session:
            known = await session.scalar(select(StaffTask.id).where(StaffTask.key == f"{key}:{order_id}"))
        if known is not None:
            continue
        code = {"app": "other_gateway", "legacy": "legacy_payment", "staff": "staff_payment"}[money.kind]
        found = because(code, amount=money.amount, **({} if money.kind == "staff" else {"gateway": money.name}))
        asked = None
        if money.transaction_id is not None:
            asked = await _ask_back(services, shop, order, money.transaction_id, money.name, money.amount)
        async with services.database.tenant(shop.tenant_id) as session:
            row = await lock_order(session, order_id)
            if asked is not None:
                await add_event(session, order_id, f"{key}:asked", services.clock(), asked)
            if money.kind == "staff":
                if await add_event(session, order_id, key, services.clock(), found):
                    await add_task(session, f"{key}:{order_id}", order_id, [found], services.clock())
            else:
                await hold(session, row, found, services, key, done=asked)


async def _ask_back(services: Services, shop: Shop, order: SaleorOrder, transaction: str, gateway: str, amount: Money) -> Reason:
    client = await services.shops.client(shop)
    taken = next(item for item in order.transactions if item.id == transaction)
    kind = "REFUND" if taken.charged_amount.amount else "CANCEL"
    try:
        await client.execute(
            ops.TRANSACTION_REQUEST_ACTION,
            id=transaction,
            actionType=kind,
            amount=taken.charged_amount.amount if kind == "REFUND" else None,
        )
    except SaleorRefused as refused:
        return because("other_money_left", gateway=gateway, amount=amount, why=refused.sentence)
    return because("refund_of_other", gateway=gateway, amount=amount)


async def report_money(services: Services, shop: Shop, report_id: str) -> None:
    """Tell Saleor of one allocation; a refusal is kept with the report and shown to staff, not repeated for ever."""
    async with services.database.tenant(shop.tenant_id) as session:
        report = (await session.scalars(select(MoneyReport).where(MoneyReport.id == report_id))).one()
    amount = Money(report.amount_minor, report.currency)
    refusal = ""
    client = await services.shops.client(shop)
    try:
        await client.execute(
            ops.TRANSACTION_EVENT_REPORT,
            id=report.transaction_id,
            pspReference=report.psp_reference,
            type=report.type,
            amount=amount.amount,
            time=report.at,
            message=REPORTED[report.type],
            availableActions=["REFUND"],
        )
    except SaleorRefused as refused:
        refusal = refused.sentence
    async with services.database.tenant(shop.tenant_id) as session:
        report = (await session.scalars(select(MoneyReport).where(MoneyReport.id == report_id))).one()
        now = services.clock()
        if refusal:
            report.error = refusal
            why = because("report_refused", amount=amount, why=refusal)
            await add_event(session, report.order_id, f"report-refused:{report.id}", now, why)
            await add_task(session, f"report:{report.id}", report.order_id, [why], now)
        else:
            report.reported_at, report.error = now, ""
            await finish_task(session, f"report:{report.id}", now)
            known = because("money_reported", amount=amount, psp=report.psp_reference)
            await add_event(session, report.order_id, f"report:{report.id}", now, known)


async def void_promise(services: Services, shop: Shop, order_id: str) -> None:
    """The order is canceled: clear the pending part of our promise in Saleor (saleor-facts 0.3), where there is one."""
    async with services.database.tenant(shop.tenant_id) as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        promise = await session.get(PaymentSession, row.payment_session_id) if row.payment_session_id else None
        paid = await session.scalar(select(MoneyReport.id).where(MoneyReport.order_id == order_id))
    if row.canceled_at is None or promise is None or paid is not None:
        return
    client = await services.shops.client(shop)
    kind = "CHARGE_FAILURE" if promise.terms == "prepay" else "CANCEL_SUCCESS"
    await client.execute(
        ops.TRANSACTION_EVENT_REPORT,
        id=promise.transaction_id,
        pspReference=promise.psp_reference,
        type=kind,
        amount=Money(promise.amount_minor, promise.currency).amount,
        time=row.canceled_at,
        message="Order canceled",
        availableActions=[],
    )


async def tell_saleor(services: Services, shop: Shop, order_id: str) -> None:
    """Mirror the order's state where staff look: private metadata and one note per happening, written only when different."""
    async with services.database.tenant(shop.tenant_id) as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        found = await order_gate(session, row, services.clock())
        open_tasks = (
            await session.scalars(select(StaffTask).where(StaffTask.order_id == order_id, StaffTask.done_at.is_(None)))
        ).all()
        corrected = [_note(row, [what]) for what in await corrections(session, order_id)]
    order = await read_order(services, shop, row.saleor_order_id)
    if order is None:
        return
    client = await services.shops.client(shop)
    wanted = {
        "reseller.state": order_state(row),
        "reseller.terms": row.terms,
        "reseller.reference": row.reference,
        "reseller.due": row.due_date.isoformat(),
        "reseller.end_customer": row.end_customer_email,
    }
    different = {key: value for key, value in wanted.items() if order.private_metadata.get(key) != value}
    if different:
        items = [{"key": key, "value": value} for key, value in different.items()]
        await client.execute(ops.PRIVATE_METADATA_UPDATE, id=order.id, input=items)
    notes = {event.message for event in order.events if event.type == "NOTE_ADDED"}
    for text in dict.fromkeys([*_notes(row, found.reasons, open_tasks), *corrected]):
        if text not in notes:
            await client.execute(ops.ORDER_NOTE_ADD, order=order.id, message=text)
    for task in open_tasks:
        if task.told_at is None:
            problem = {"message": _note(row, [Reason.from_dict(reason) for reason in task.reasons])[:2000], "key": task.key[:128]}
            await client.execute(ops.APP_PROBLEM_CREATE, input=problem)
            async with services.database.tenant(shop.tenant_id) as session:
                (await session.scalars(select(StaffTask).where(StaffTask.id == task.id))).one().told_at = services.clock()
    await void_promise(services, shop, order_id)
    await refuse_refunds(services, shop, order)


async def refuse_refunds(services: Services, shop: Shop, order: SaleorOrder) -> None:
    """Tell Saleor of refunds it asked for and that staff took off the list: their money is charged again there."""
    asked = {event.psp_reference for item in order.transactions for event in item.events if event.type == "REFUND_REQUEST"}
    known = {event.psp_reference for item in order.transactions for event in item.events if event.type == "REFUND_FAILURE"}
    if not asked - known:
        return
    async with services.database.tenant(shop.tenant_id) as session:
        canceled = (
            await session.execute(
                select(RefundRequest, PaymentSession.transaction_id)
                .join(ResellerOrder, ResellerOrder.id == RefundRequest.order_id)
                .join(PaymentSession, PaymentSession.id == ResellerOrder.payment_session_id)
                .where(RefundRequest.psp_reference.in_(asked - known), RefundRequest.canceled_at.is_not(None))
            )
        ).all()
    client = await services.shops.client(shop)
    for request, transaction_id in canceled:
        await client.execute(
            ops.TRANSACTION_EVENT_REPORT,
            id=transaction_id,
            pspReference=request.psp_reference,
            type="REFUND_FAILURE",
            amount=Money(request.amount_minor, request.currency).amount,
            time=request.canceled_at,
            message="Not sent",
            availableActions=["REFUND"],
        )


def order_state(row: ResellerOrder) -> str:
    """The one word for where the order stands."""
    if row.canceled_at is not None:
        return "canceled"
    if row.released_at is not None:
        return "released"
    if row.release_decided_at is not None:
        return "releasing"
    if not row.audit_passed:
        return "held"
    return "waiting" if row.confirmed_at is not None else "received"


def _notes(row: ResellerOrder, gate_reasons: tuple[Reason, ...], tasks: Sequence[StaffTask]) -> list[str]:
    texts = [_note(row, [Reason.from_dict(reason) for reason in task.reasons]) for task in tasks]
    state = order_state(row)
    if state == "waiting":
        texts.append(f"Reseller program: confirmed, reference {row.reference}. {' '.join(map(sentence, gate_reasons))}")
    if state == "released":
        why = " ".join(sentence(Reason.from_dict(reason)) for reason in row.release_reasons)
        texts.append(f"Reseller program: the license was released. {why}")
    if state == "canceled":
        texts.append("Reseller program: canceled; nothing more is owed or issued.")
    return texts


def _note(row: ResellerOrder, reasons: list[Reason]) -> str:
    return f"Reseller program, order {row.number}: {' '.join(map(sentence, reasons))}"


async def warehouse_id(client: SaleorClient, channel: str) -> str | None:
    """A warehouse of the channel, the one every fulfillment needs even for licenses; any other when it has none."""
    channels = (await client.execute(ops.INSTALLATION)).channels or []
    own = [item.id for item in channels if item.slug == channel]
    for wanted in (own, None):
        answer = (await client.execute(ops.WAREHOUSES, channels=wanted)).warehouses
        if answer is not None and answer.edges:
            return answer.edges[0].node.id
    return None


async def attend_changed(services: Services, shop: Shop, run: str, overlap: timedelta) -> int:
    """Ask for attendance on every order changed since the last run, and remember how far this one came."""
    client = await services.shops.client(shop)
    now = services.clock()
    async with services.database.system() as session:
        since = await session.scalar(select(Tenant.reconciled_to).where(Tenant.id == shop.tenant_id)) or now - timedelta(days=7)
    after, count = None, 0
    while True:
        page = (await client.execute(ops.ORDERS_CHANGED, since=(since - overlap).isoformat(), after=after)).orders
        if page is None:
            break
        async with services.database.tenant(shop.tenant_id) as session:
            for edge in page.edges:
                workflow_id = f"reconcile:{shop.tenant_id}:{edge.node.id}:{edge.node.updated_at.isoformat()}"
                await services.jobs.enqueue(
                    session,
                    "attend_order",
                    workflow_id,
                    partition=edge.node.id,
                    args=(shop.tenant_id, edge.node.id, "reconcile"),
                )
                count += 1
        if not page.page_info.has_next_page:
            break
        after = page.page_info.end_cursor
    async with services.database.system() as session:
        tenant = (await session.scalars(select(Tenant).where(Tenant.id == shop.tenant_id))).one()
        tenant.reconciled_to = now
    log.info("orders.reconciled", shop=shop.api_url, run=run, orders=count)
    return count
