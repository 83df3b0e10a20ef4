"""What staff ask of our gateway in Saleor: to charge, to give back, to void (saleor-facts 5).

Nothing here moves money: a wire is confirmed in the ledger only, and money goes back by a bank transfer that the bookkeeper sends
and books. The request is kept, the order held, and staff are asked.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.money import Money
from app.orders.record import hold
from app.orders.service import lock_order
from app.orders.services import Services
from app.orders.tables import PaymentSession, RefundRequest, ResellerOrder
from app.reasons import because, register, sentence
from app.saleor.payment_payload import ActionRequested
from app.saleor.shops import Shop

register(
    {
        "refund_of_nothing": "There is nothing to give back in a request for {amount}.",
        "refund_requested": "Saleor asked to give back {amount}: send it by wire, book it, and decide about the license.",
        "payment_voided": "The promise to pay was voided in Saleor.",
        "no_capture": "A wire cannot be collected; it is confirmed where it is booked, in the reseller program.",
        "unknown_transaction": "This transaction is not one of the reseller program.",
    }
)


async def answer_charge(services: Services, shop: Shop, payload: ActionRequested) -> dict[str, Any]:
    """TRANSACTION_CHARGE_REQUESTED: always refused, since only a booked wire is money (`rules.md` 4.4)."""
    return _failure("CHARGE", payload, sentence(because("no_capture")))


async def answer_refund(services: Services, shop: Shop, payload: ActionRequested) -> dict[str, Any]:
    """TRANSACTION_REFUND_REQUESTED: taken; REFUND_SUCCESS follows when the bookkeeper has booked what was sent back."""
    amount = _amount(payload)
    if amount.minor <= 0:
        return _failure("REFUND", payload, sentence(because("refund_of_nothing", amount=amount)))
    psp = reference_of(payload, "R")
    async with services.database.tenant(shop.tenant_id) as session:
        order = await _order(session, payload)
        if order is None:
            return _failure("REFUND", payload, sentence(because("unknown_transaction")))
        row = await lock_order(session, order.id)
        try:
            async with session.begin_nested():
                session.add(
                    RefundRequest(
                        order_id=row.id,
                        reseller_id=row.reseller_id,
                        psp_reference=psp,
                        amount_minor=amount.minor,
                        currency=amount.currency,
                        requested_at=services.clock(),
                    )
                )
        except IntegrityError:
            return {"pspReference": psp}
        await hold(session, row, because("refund_requested", amount=amount), services, f"refund:{psp}")
        await _attend(session, services, shop, row, psp)
    return {"pspReference": psp}


async def answer_cancelation(services: Services, shop: Shop, payload: ActionRequested) -> dict[str, Any]:
    """TRANSACTION_CANCELATION_REQUESTED: the promise is void at once; the order is held until staff decide."""
    psp = reference_of(payload, "V")
    async with services.database.tenant(shop.tenant_id) as session:
        order = await _order(session, payload)
        if order is not None:
            row = await lock_order(session, order.id)
            await hold(session, row, because("payment_voided"), services, f"void:{psp}")
            await _attend(session, services, shop, row, psp)
    return {
        "pspReference": psp,
        "result": "CANCEL_SUCCESS",
        "amount": str(_amount(payload).amount) if payload.action.amount is not None else None,
        "message": sentence(because("payment_voided")),
    }


def reference_of(payload: ActionRequested, mark: str) -> str:
    """The psp reference of one request: a repeated delivery gets the same one."""
    transaction = payload.transaction.id if payload.transaction else ""
    return f"BT-{mark}-{uuid.uuid5(uuid.NAMESPACE_URL, f'{transaction}/{payload.action.amount}/{payload.issued_at}')}"


async def _order(session: AsyncSession, payload: ActionRequested) -> ResellerOrder | None:
    if payload.transaction is None:
        return None
    return await session.scalar(
        select(ResellerOrder)
        .join(PaymentSession, PaymentSession.id == ResellerOrder.payment_session_id)
        .where(PaymentSession.transaction_id == payload.transaction.id)
    )


async def _attend(session: AsyncSession, services: Services, shop: Shop, row: ResellerOrder, psp: str) -> None:
    await services.jobs.enqueue(
        session,
        "attend_order",
        f"request:{shop.tenant_id}:{psp}",
        partition=row.saleor_order_id,
        args=(shop.tenant_id, row.saleor_order_id, "staff"),
    )


def _amount(payload: ActionRequested) -> Money:
    return Money.of(payload.action.amount or 0, payload.action.currency)


def _failure(kind: str, payload: ActionRequested, message: str) -> dict[str, Any]:
    return {
        "pspReference": reference_of(payload, "F"),
        "result": f"{kind}_FAILURE",
        "amount": str(_amount(payload).amount),
        "message": message,
    }
