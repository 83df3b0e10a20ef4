"""A transaction of the program on an order that came without one, so that Saleor learns of the wires that pay it.

An order that a card was tried on, or that staff made, and that staff accepted: it has no payment session of ours. Saleor counts
money by transaction, so ours is added, empty, once money came; the wires are reported on it as on any other (`orders.booked`).
"""

from __future__ import annotations

from collections import Counter

import structlog
from sqlalchemy import func, select

from app.ledger.rules import PAYING, Kind
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.attend import read_order
from app.orders.record import add_event
from app.orders.service import lock_order
from app.orders.services import Services
from app.orders.tables import MoneyReport, PaymentSession, ResellerOrder
from app.reasons import because, register
from app.saleor import operations as ops
from app.saleor.answers import SaleorOrder
from app.saleor.client import SaleorRefused
from app.saleor.shops import Shop

register(
    {"own_transaction": "The order had no transaction of the program in Saleor; one was added for {amount} that came by wire."}
)

log = structlog.get_logger()


async def add_where_missing(services: Services, shop: Shop, order_id: str) -> bool:
    """Add a transaction to an order that has none of ours and whose debt a wire paid; whether it did.

    Repeated it finds the one it made: by its psp reference in Saleor, by the order's payment session here. Work on one order runs
    in turn, so that no two look at once. What Saleor refuses is a task of staff when the order cannot be fulfilled.
    """
    async with services.database.tenant_reading(shop.tenant_id) as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        if row.payment_session_id is not None or row.reseller_id is None or row.canceled_at is not None:
            return False
        paid = select(func.sum(LedgerItem.amount_minor)).where(LedgerItem.order_id == order_id, LedgerItem.kind.in_(PAYING))
        if not (await session.scalar(paid) or 0) > 0:
            return False
    order = await read_order(services, shop, row.saleor_order_id)
    if order is None:
        return False
    psp = f"BT-{row.reference}"
    try:
        transaction = _known(order, psp) or await _add(services, shop, order, psp)
    except SaleorRefused as refused:
        log.warning("transaction.refused", order=row.number, sentence=refused.sentence)
        return False
    await _keep(services, shop, order_id, transaction, psp, order.user.id if order.user else "")
    return True


def _known(order: SaleorOrder, psp: str) -> str | None:
    """Ours that is there already, also of an earlier installation."""
    return next(
        (
            item.id
            for item in order.transactions
            if item.psp_reference == psp and item.created_by is not None and item.created_by.typename == "App"
        ),
        None,
    )


async def _add(services: Services, shop: Shop, order: SaleorOrder, psp: str) -> str:
    client = await services.shops.client(shop)
    # Without an amount: what it says is said by reports, each once by its own reference, and can be taken back like any other.
    given = {"name": "Bank transfer", "pspReference": psp, "message": "Reseller program"}
    answer = (await client.execute(ops.TRANSACTION_CREATE, id=order.id, transaction=given)).transaction_create
    assert answer is not None
    assert answer.transaction is not None
    return answer.transaction.id


async def _keep(services: Services, shop: Shop, order_id: str, transaction: str, psp: str, saleor_user_id: str) -> None:
    """Remember it as the order's promise, of nothing, with a report of each wire that paid before it was there."""
    async with services.database.tenant(shop.tenant_id) as session:
        row = await lock_order(session, order_id)
        if row.payment_session_id is not None or row.reseller_id is None:
            return
        now = services.clock()
        promise = PaymentSession(
            transaction_id=transaction,
            source_id=row.saleor_order_id,
            reseller_id=row.reseller_id,
            saleor_user_id=saleor_user_id,
            psp_reference=psp,
            reference=row.reference,
            terms=row.terms,
            amount_minor=0,
            currency=row.currency,
            due_date=row.due_date,
            reasons=[],
            lines=[],
            answer={},
            created_at=now,
        )
        session.add(promise)
        await session.flush()
        row.payment_session_id = promise.id
        query = select(LedgerItem).where(LedgerItem.order_id == order_id, LedgerItem.kind.in_(PAYING))
        items = (await session.scalars(query.order_by(LedgerItem.booked_at, LedgerItem.id))).all()
        minor: Counter[str | None] = Counter()
        for item in items:
            minor[item.payment_id] += item.amount_minor
        first = {item.payment_id: item for item in reversed(items) if item.kind == Kind.ALLOCATION and item.reverses_id is None}
        for payment_id, amount in minor.items():
            if amount > 0 and payment_id in first:
                session.add(
                    MoneyReport(
                        ledger_item_id=first[payment_id].id,
                        order_id=order_id,
                        transaction_id=transaction,
                        psp_reference=f"BT-{first[payment_id].id}",
                        type="CHARGE_SUCCESS",
                        amount_minor=amount,
                        currency=row.currency,
                        at=now,
                    )
                )
        total = Money(sum(minor.values()), row.currency)
        await add_event(session, order_id, "own-transaction", now, because("own_transaction", amount=total))
