"""Payment sessions: anybody may start one on any checkout or order with any installed gateway (saleor-facts 5)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.amounts import quantize
from app.sandbox.answers import WITH_REFERENCE, session_answer
from app.sandbox.calculation import fresh_prices
from app.sandbox.context import Context, Info, Refused, denied, mutation
from app.sandbox.resolvers.payments import source_of, transaction_of
from app.sandbox.rows.people import App
from app.sandbox.rows.sales import Checkout, Order, Transaction, TransactionEvent
from app.sandbox.transactions import add_event, attach, counted, refuse_event

mutate = MutationType()

MOST_TRANSACTIONS = 100
FINAL = (
    "AUTHORIZATION_FAILURE",
    "AUTHORIZATION_SUCCESS",
    "AUTHORIZATION_REQUEST",
    "CHARGE_FAILURE",
    "CHARGE_SUCCESS",
    "CHARGE_REQUEST",
)


@mutate.field("paymentGatewayInitialize")
@mutation
async def gateway_initialize(
    root: Any, info: Info, id: str, amount: Decimal | None = None, payment_gateways: Sequence[dict[str, Any]] | None = None
) -> dict[str, Any]:
    caller = context.of(info)
    source = await _source(caller, id)
    value = await _amount(caller, source, amount)
    event = "PAYMENT_GATEWAY_INITIALIZE_SESSION"
    asked = {gateway["id"]: gateway.get("data") for gateway in payment_gateways or ()}
    apps = {app.identifier: app for app in caller.store.apps if caller.sandbox.webhooks.listens(event, app)}
    configs = []
    for identifier in asked or apps:
        if identifier not in apps:
            sentence = "Active app with `HANDLE_PAYMENT` permissions or app webhook not found."
            configs.append({"id": identifier, "errors": [{"field": "id", "message": sentence, "code": "NOT_FOUND"}]})
            continue
        content = {"source_object": source, "data": asked.get(identifier), "amount": value}
        answer = await caller.sandbox.webhooks.call(event, apps[identifier], content, caller.principal)
        good = isinstance(answer, dict) and "data" in answer
        errors = [] if good else [{"field": "id", "message": "Unable to process a payment gateway response.", "code": "INVALID"}]
        configs.append({"id": identifier, "data": answer["data"] if good else None, "errors": errors})
    return {"gateway_configs": configs}


@mutate.field("transactionInitialize")
@mutation
async def transaction_initialize(
    root: Any,
    info: Info,
    id: str,
    payment_gateway: dict[str, Any],
    amount: Decimal | None = None,
    action: str | None = None,
    customer_ip_address: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """The same idempotency key asks the app again about the same transaction."""
    caller = context.of(info)
    source = await _source(caller, id)
    if idempotency_key == "":
        raise Refused("idempotencyKey", "Cannot be provided as an empty string.", "INVALID")
    if (action or customer_ip_address) and not (caller.app and caller.may("HANDLE_PAYMENTS")):
        raise denied(("HANDLE_PAYMENTS",))
    value = await _amount(caller, source, amount)
    app = _gateway(caller, payment_gateway["id"])
    if app is None:
        raise Refused("paymentGateway", "App with provided identifier not found.", "NOT_FOUND")
    flow = action or source.channel.default_transaction_flow_strategy
    key = idempotency_key or str(uuid.uuid4())
    item, request = _started(caller, source, app, value, flow, key)
    content = {
        "transaction": item,
        "source_object": source,
        "data": payment_gateway.get("data"),
        "merchant_reference": item.id,
        "action": {"amount": value, "currency": item.currency, "action_type": flow},
        "idempotency_key": key,
    }
    answer = await caller.sandbox.webhooks.call("TRANSACTION_INITIALIZE_SESSION", app, content, caller.principal)
    event = await _answered(caller, item, request, app, answer)
    return {"transaction": item, "transaction_event": event, "data": answer.get("data") if isinstance(answer, dict) else None}


@mutate.field("transactionProcess")
@mutation
async def transaction_process(
    root: Any, info: Info, id: str | None = None, data: Any = None, customer_ip_address: str | None = None
) -> dict[str, Any]:
    """A session that came to its end answers with that, without asking the app."""
    caller = context.of(info)
    if customer_ip_address and not (caller.app and caller.may("HANDLE_PAYMENTS")):
        raise denied(("HANDLE_PAYMENTS",))
    item = transaction_of(caller.store, id)
    done = next((event for event in item.events if event.type in FINAL and event.counts), None)
    if done is not None:
        return {"transaction": item, "transaction_event": done}
    request = next((event for event in item.events if event.type.endswith("_REQUEST") and not event.counts), None)
    if request is None:
        raise Refused("id", "Missing call of `transactionInitialize` mutation.", "INVALID")
    source = item.checkout or item.order
    app = _gateway(caller, item.created_by.identifier) if isinstance(item.created_by, App) else None
    if app is None:
        raise Refused("id", "Payment app attached to the transaction, doesn't exist.", "MISSING_PAYMENT_APP")
    flow = request.type.removesuffix("_REQUEST")
    content = {
        "transaction": item,
        "source_object": source,
        "data": data,
        "merchant_reference": item.id,
        "action": {"amount": request.amount, "currency": item.currency, "action_type": flow},
    }
    answer = await caller.sandbox.webhooks.call("TRANSACTION_PROCESS_SESSION", app, content, caller.principal)
    event = await _answered(caller, item, request, app, answer)
    return {"transaction": item, "transaction_event": event, "data": answer.get("data") if isinstance(answer, dict) else None}


async def _source(caller: Context, id: str) -> Checkout | Order:
    source = source_of(caller.store, id)
    if isinstance(source, Checkout):
        await fresh_prices(caller.sandbox, source)
    if len(source.transactions) >= MOST_TRANSACTIONS:
        raise Refused("id", f"{source.TYPE} transactions limit of {MOST_TRANSACTIONS} reached.", "INVALID")
    return source


async def _amount(caller: Context, source: Checkout | Order, asked: Decimal | None) -> Decimal:
    """What was asked for, however much that is; else what no transaction covers yet."""
    currency = source.channel.currency_code
    if asked is not None:
        return quantize(asked, currency)
    left = source.gross if isinstance(source, Order) else (await fresh_prices(caller.sandbox, source)).gross
    for item in source.transactions:
        left -= max(item.authorized, item.charged) + item.authorize_pending + item.charge_pending
    return max(quantize(left, currency), Decimal(0))


def _gateway(caller: Context, identifier: str) -> App | None:
    return next((app for app in caller.store.apps if app.identifier == identifier and app.is_active and not app.removed), None)


def _started(
    caller: Context, source: Checkout | Order, app: App, amount: Decimal, flow: str, key: str
) -> tuple[Transaction, TransactionEvent]:
    """The transaction of a key with its request, new or known."""
    kind = f"{flow}_REQUEST"
    for item in source.transactions:
        for event in item.events:
            if event.idempotency_key == key:
                if event.amount != amount:
                    raise Refused(
                        "idempotencyKey", "Different transaction with provided idempotency key already exists.", "UNIQUE"
                    )
                return item, event
    now = caller.store.clock()
    item = Transaction(currency=source.channel.currency_code, created_at=now, created_by=app)
    event = TransactionEvent(type=kind, amount=amount, currency=item.currency, created_at=now, idempotency_key=key, counts=False)
    item.events.append(event)
    attach(caller.store, item, source)
    return item, event


async def _answered(caller: Context, item: Transaction, request: TransactionEvent, app: App, answer: Any) -> TransactionEvent:
    """What a session's answer leads to; one that Saleor cannot accept is a failure that does not count."""
    sandbox = caller.sandbox
    try:
        said = session_answer(answer)
    except ValueError as error:
        return refuse_event(sandbox, item, request, str(error))
    event = TransactionEvent(
        type=said.result or "",
        amount=request.amount if said.amount is None else quantize(said.amount, item.currency),
        currency=item.currency,
        created_at=said.moment(caller.store.clock()),
        psp_reference=said.reference,
        message=said.message,
        external_url=str(said.externalUrl or ""),
        created_by=app,
    )
    if event.type in WITH_REFERENCE and said.offered is not None:
        item.actions = said.offered
    if event.type.endswith("_REQUEST"):
        # The request itself becomes what is pending.
        request.type, request.amount, request.psp_reference = event.type, event.amount, event.psp_reference
        request.message, request.created_at, request.created_by, request.counts = event.message, event.created_at, app, True
        item.psp_reference = event.psp_reference
        await counted(sandbox, item, app)
        return request
    request.psp_reference = event.psp_reference
    if event.type in WITH_REFERENCE:
        item.psp_reference = event.psp_reference
        await add_event(sandbox, item, event, app)
        return event
    item.psp_reference = event.psp_reference or item.psp_reference
    item.events.append(event)
    return event


BINDABLES = [mutate]
