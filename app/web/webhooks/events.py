"""The asynchronous webhooks: one durable write, and 200. What is to be done is done by the workflow it starts."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from app.orders.services import Services
from app.saleor.payment_payload import Id
from app.saleor.registration import uninstall
from app.saleor.shops import Shop
from app.web.webhooks.payment import parse
from app.web.webhooks.signed import Answer, check_recipient

ORDER_EVENTS = (
    "order_created",
    "order_updated",
    "order_confirmed",
    "order_fully_paid",
    "order_cancelled",
    "order_refunded",
    "fulfillment_created",
    "fulfillment_canceled",
)
CUSTOMER_EVENTS = ("customer_updated", "customer_deleted")
APP_EVENTS = ("app_deleted", "app_status_changed")
ACCEPTED = b'{"accepted":true}'


class _Event(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    issued_at: str | None
    recipient: Id | None


class OrderEvent(_Event):
    """Any event about an order; the order itself is read when it is attended, since bodies are rendered late (saleor-facts 2)."""

    order: Id | None


class CustomerEvent(_Event):
    user: Id | None


class AppState(BaseModel):
    id: str
    is_active: bool | None

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AppEvent(_Event):
    app: AppState | None


def event_answers(services: Services) -> dict[str, Answer]:
    """The answer of each asynchronous event by its name."""
    return (
        {event: _order_answer(services, event) for event in ORDER_EVENTS}
        | {event: _customer_answer(services, event) for event in CUSTOMER_EVENTS}
        | {event: _app_answer(services, event) for event in APP_EVENTS}
    )


def _order_answer(services: Services, event: str) -> Answer:
    async def answer(shop: Shop, body: bytes) -> bytes:
        payload = parse(OrderEvent, body)
        check_recipient(shop, payload.recipient.id if payload.recipient else None)
        if payload.order is None:
            return ACCEPTED
        order = payload.order.id
        # The first sight of an order has one id for ever; later events are told apart by what they said.
        occasion = "" if event == "order_created" else f":{event}:{hashlib.sha256(body).hexdigest()[:16]}"
        async with services.database.tenant(shop.tenant_id) as session:
            await services.jobs.enqueue(
                session,
                "attend_order",
                f"order:{shop.tenant_id}:{order}{occasion}",
                partition=order,
                args=(shop.tenant_id, order, event),
            )
        return ACCEPTED

    return answer


def _customer_answer(services: Services, event: str) -> Answer:
    async def answer(shop: Shop, body: bytes) -> bytes:
        payload = parse(CustomerEvent, body)
        check_recipient(shop, payload.recipient.id if payload.recipient else None)
        if payload.user is None:
            return ACCEPTED
        async with services.database.tenant(shop.tenant_id) as session:
            await services.jobs.enqueue(
                session,
                "attend_customer",
                f"customer:{shop.tenant_id}:{payload.user.id}:{hashlib.sha256(body).hexdigest()[:16]}",
                partition=payload.user.id,
                args=(shop.tenant_id, payload.user.id, event),
            )
        return ACCEPTED

    return answer


def _app_answer(services: Services, event: str) -> Answer:
    async def answer(shop: Shop, body: bytes) -> bytes:
        payload = parse(AppEvent, body)
        check_recipient(shop, payload.recipient.id if payload.recipient else None)
        if payload.app is None or payload.app.id != shop.app_id:
            return ACCEPTED
        if event == "app_deleted":
            await uninstall(services.database, shop.tenant_id, payload.app.id, services.clock)
            await services.shops.refresh()
        elif payload.app.is_active:
            # Saleor told an app that was switched off nothing; what happened meanwhile need not wait for the hourly run.
            run = hashlib.sha256(body).hexdigest()[:16]
            workflow_id = f"reconcile_shop:{shop.tenant_id}:{run}"
            async with services.database.tenant(shop.tenant_id) as session:
                await services.jobs.enqueue(
                    session, "reconcile_shop", workflow_id, partition=workflow_id, args=(shop.tenant_id, run)
                )
        return ACCEPTED

    return answer
