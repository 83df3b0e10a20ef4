"""Transactions outside of sessions: reports, requests, staff entries, and the order events they cause (saleor-facts 5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ariadne import MutationType, ObjectType

from app.sandbox import context
from app.sandbox.amounts import money, quantize
from app.sandbox.calculation import refresh_payment_status, status_of, touch
from app.sandbox.context import Info, Refused, denied, mutation, require
from app.sandbox.shop import Principal, Sandbox
from app.sandbox.store import ZERO, App, Checkout, Order, Store, Transaction, TransactionEvent, User
from app.sandbox.transactions import recalculate

mutate = MutationType()
item_type = ObjectType("TransactionItem")
event_type = ObjectType("TransactionEvent")

AMOUNT_FIELDS = {
    "authorizedAmount": "authorized",
    "authorizePendingAmount": "authorize_pending",
    "chargedAmount": "charged",
    "chargePendingAmount": "charge_pending",
    "refundedAmount": "refunded",
    "refundPendingAmount": "refund_pending",
    "canceledAmount": "canceled",
    "cancelPendingAmount": "cancel_pending",
}
BY_HAND = {
    "amount_authorized": "AUTHORIZATION_SUCCESS",
    "amount_charged": "CHARGE_SUCCESS",
    "amount_refunded": "REFUND_SUCCESS",
    "amount_canceled": "CANCEL_SUCCESS",
}
REQUESTS = {
    "CHARGE": ("TRANSACTION_CHARGE_REQUESTED", "TRANSACTION_CHARGE_REQUESTED", "CHARGE_SUCCESS", "CHARGE_FAILURE"),
    "REFUND": ("TRANSACTION_REFUND_REQUESTED", "TRANSACTION_REFUND_REQUESTED", "REFUND_SUCCESS", "REFUND_FAILURE"),
    "CANCEL": ("TRANSACTION_CANCELATION_REQUESTED", "TRANSACTION_CANCEL_REQUESTED", "CANCEL_SUCCESS", "CANCEL_FAILURE"),
}
"""Action -> webhook, entry on the order's timeline, and the results a synchronous answer may have."""
UNREPEATED = ("AUTHORIZATION_ACTION_REQUIRED", "CHARGE_ACTION_REQUIRED", "INFO")
"""Types of which any number may be reported."""


def _amount_of(name: str) -> Any:
    return lambda item, info: money(getattr(item, name), item.currency)


for _field, _name in AMOUNT_FIELDS.items():
    item_type.set_field(_field, _amount_of(_name))


@event_type.field("amount")
def resolve_amount(event: TransactionEvent, info: Info) -> dict[str, Any]:
    return money(event.amount, event.currency)


def transaction_of(store: Store, id: str | None) -> Transaction:
    """The transaction with this id. Raises Refused NOT_FOUND."""
    item = store.find(store.transactions, id)
    if item is None:
        raise Refused("id", f"Couldn't resolve to a node: {id}", "NOT_FOUND")
    return item


@mutate.field("transactionEventReport")
@mutation
async def event_report(
    root: Any,
    info: Info,
    psp_reference: str,
    type: str,
    amount: Decimal | None = None,
    id: str | None = None,
    time: datetime | None = None,
    message: str | None = None,
    available_actions: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Known by transaction, psp reference and type: the same again changes nothing, another amount is refused."""
    require(info, "HANDLE_PAYMENTS")
    caller = context.of(info)
    item = transaction_of(caller.store, id)
    if not _may_report(item, caller.principal):
        raise denied(("OWNER", "HANDLE_PAYMENTS"))
    if amount is None:
        raise Refused("amount", f"The `amount` field is required for {type} event.", "REQUIRED")
    event = TransactionEvent(
        type=type,
        amount=quantize(amount, item.currency),
        currency=item.currency,
        created_at=time or caller.store.clock(),
        psp_reference=psp_reference,
        message=(message or "")[:512],
        created_by=caller.principal,
    )
    known = _known(item, event)
    if known is not None and known.amount != event.amount:
        sentence = "The transaction with provided `pspReference` and `type` already exists with different amount."
        refuse_event(caller.sandbox, item, event, sentence)
        raise Refused("pspReference", sentence, "INCORRECT_DETAILS")
    if known is None and type == "AUTHORIZATION_SUCCESS" and any(entry.type == type for entry in item.events):
        sentence = (
            "Event with `AUTHORIZATION_SUCCESS` already reported for the transaction. "
            "Use `AUTHORIZATION_ADJUSTMENT` to change the authorization amount."
        )
        refuse_event(caller.sandbox, item, event, sentence)
        raise Refused("type", sentence, "ALREADY_EXISTS")
    if available_actions is not None:
        item.actions = list(dict.fromkeys(available_actions))
    if known is not None:
        return {"already_processed": True, "transaction": item, "transaction_event": known}
    await add_event(caller.sandbox, item, event, caller.principal)
    return {"already_processed": False, "transaction": item, "transaction_event": event}


@mutate.field("transactionCreate")
@mutation
async def transaction_create(
    root: Any, info: Info, id: str, transaction: dict[str, Any], transaction_event: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Staff can make any order paid with it: the license gate has to look at whose transaction paid (saleor-facts 5)."""
    require(info, "HANDLE_PAYMENTS")
    caller = context.of(info)
    source = source_of(caller.store, id)
    currency = source.channel.currency_code
    now = caller.store.clock()
    for name in BY_HAND:
        if transaction.get(name) and transaction[name]["currency"] != currency:
            raise Refused(name, f"Currency needs to be the same as for order: {currency}", "INCORRECT_CURRENCY")
    item = Transaction(
        currency=currency,
        created_at=now,
        created_by=caller.principal,
        name=transaction.get("name") or "",
        message=transaction.get("message") or "",
        psp_reference=transaction.get("psp_reference") or "",
        external_url=transaction.get("external_url") or "",
        actions=list(dict.fromkeys(transaction.get("available_actions") or ())),
    )
    attach(caller.store, item, source)
    if transaction_event:
        item.events.append(
            TransactionEvent(
                type="INFO",
                amount=ZERO,
                currency=currency,
                created_at=now,
                psp_reference=transaction_event.get("psp_reference") or "",
                message=transaction_event.get("message") or "",
                created_by=caller.principal,
            )
        )
    for name, kind in BY_HAND.items():
        if transaction.get(name):
            event = TransactionEvent(
                type=kind, amount=transaction[name]["amount"], currency=currency, created_at=now, created_by=caller.principal
            )
            await add_event(caller.sandbox, item, event, caller.principal)
    return {"transaction": item}


@mutate.field("transactionRequestAction")
@mutation
async def request_action(
    root: Any, info: Info, action_type: str, id: str | None = None, amount: Decimal | None = None
) -> dict[str, Any]:
    """Asks the app that owns the transaction; its JSON counts even with a status of 4xx (saleor-facts 2)."""
    require(info, "HANDLE_PAYMENTS")
    caller = context.of(info)
    item = transaction_of(caller.store, id)
    most = item.charged if action_type == "REFUND" else item.authorized
    value = min(amount or most, most)
    webhook, note, success, failure = REQUESTS[action_type]
    owner = item.created_by
    if not isinstance(owner, App) or not caller.sandbox.webhooks.listens(webhook, owner):
        raise Refused(
            "id",
            f"No app or plugin is configured to handle transaction {action_type.lower()} action request.",
            "MISSING_TRANSACTION_ACTION_REQUEST_WEBHOOK",
        )
    event = TransactionEvent(
        type=f"{action_type}_REQUEST",
        amount=value,
        currency=item.currency,
        created_at=caller.store.clock(),
        created_by=caller.principal,
        counts=False,
    )
    item.events.append(event)
    if item.order is not None:
        caller.sandbox.note(item.order, note, caller.principal)
    action = {"action_type": action_type, "amount": value, "currency": item.currency}
    caller.sandbox.webhooks.start(
        _requested(caller.sandbox, owner, item, event, webhook, action, (success, failure), caller.principal)
    )
    return {"transaction": item}


async def _requested(
    sandbox: Sandbox,
    owner: App,
    item: Transaction,
    request: TransactionEvent,
    webhook: str,
    action: dict[str, Any],
    results: tuple[str, str],
    principal: Principal,
) -> None:
    delivery = await sandbox.webhooks.ask(webhook, owner, {"transaction": item, "action": action}, principal)
    try:
        answer = json.loads(delivery.answer) if delivery else None
    except ValueError:
        answer = None
    result = answer.get("result") if isinstance(answer, dict) else None
    psp = answer.get("pspReference") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or result not in (None, *results) or (not psp and result != results[1]):
        refuse_event(sandbox, item, request, "Failed to delivery request.")
        return
    request.psp_reference, request.counts = psp or "", bool(psp)
    if answer.get("actions") is not None:
        item.actions = list(dict.fromkeys(answer["actions"]))
    if result is None:
        await counted(sandbox, item, principal)
        return
    event = TransactionEvent(
        type=result,
        amount=Decimal(str(answer.get("amount") or request.amount)),
        currency=item.currency,
        created_at=datetime.fromisoformat(answer["time"]) if answer.get("time") else sandbox.store.clock(),
        psp_reference=psp or "",
        message=str(answer.get("message") or "")[:512],
        created_by=owner,
    )
    await add_event(sandbox, item, event, owner)


# --- What money does to its checkout or order -------------------------------------------------------------------------


def source_of(store: Store, id: str) -> Checkout | Order:
    """A checkout or order. Raises Refused NOT_FOUND."""
    source = store.find(store.checkouts, id) or store.find(store.orders, id)
    if source is None:
        raise Refused("id", "`Order` or `Checkout` not found.", "NOT_FOUND")
    return source


def attach(store: Store, item: Transaction, source: Checkout | Order) -> None:
    """A new transaction of a checkout or order."""
    item.checkout = source if isinstance(source, Checkout) else None
    item.order = source if isinstance(source, Order) else None
    source.transactions.append(item)
    store.transactions.append(item)


async def add_event(sandbox: Sandbox, item: Transaction, event: TransactionEvent, principal: Principal) -> None:
    """Keep an event, add everything up again and tell what changed."""
    if event.type.endswith(("_REQUEST", "_SUCCESS")) and event.type.startswith(("AUTHORIZATION", "CHARGE")):
        item.psp_reference = item.psp_reference or event.psp_reference
    item.events.append(event)
    await counted(sandbox, item, principal)


async def counted(sandbox: Sandbox, item: Transaction, principal: Principal) -> None:
    """Add a transaction's events up and emit what its checkout or order says about the difference."""
    before = (item.authorized, item.charged, item.refunded)
    recalculate(item)
    if item.checkout is not None:
        await _checkout_counted(sandbox, item.checkout, principal)
    elif item.order is not None:
        await _order_counted(sandbox, item, item.order, before, principal)


async def _checkout_counted(sandbox: Sandbox, checkout: Checkout, principal: Principal) -> None:
    before = (checkout.charge_status, checkout.authorize_status)
    refresh_payment_status(checkout)
    touch(sandbox, checkout)
    full = ("FULL", "OVERCHARGED")
    if checkout.charge_status in full and before[0] not in full:
        await sandbox.checkout_event("CHECKOUT_FULLY_PAID", checkout, principal)
    if checkout.authorize_status == "FULL" and before[1] != "FULL":
        await sandbox.checkout_event("CHECKOUT_FULLY_AUTHORIZED", checkout, principal)


async def _order_counted(
    sandbox: Sandbox, item: Transaction, order: Order, before: tuple[Decimal, Decimal, Decimal], principal: Principal
) -> None:
    authorized, charged, refunded = before
    order.updated_at = sandbox.store.clock()
    if order.channel.automatically_confirm_all_new_orders and order.status == "UNCONFIRMED":
        order.status = "UNFULFILLED"
    updated = item.authorized != authorized or item.charged != charged
    if item.charged > charged:
        updated = False
        await charged_events(sandbox, order, principal)
    if item.refunded > refunded:
        updated = False
        await sandbox.order_event("ORDER_REFUNDED", order, principal)
        if order.charged <= 0:
            await sandbox.order_event("ORDER_FULLY_REFUNDED", order, principal)
        await sandbox.order_event("ORDER_UPDATED", order, principal)
    if updated:
        await sandbox.order_event("ORDER_UPDATED", order, principal)


async def charged_events(sandbox: Sandbox, order: Order, principal: Principal) -> None:
    """ORDER_PAID on any charge; ORDER_FULLY_PAID on each one that leaves the order fully paid (saleor-facts 5)."""
    await sandbox.order_event("ORDER_PAID", order, principal)
    if status_of(order.charged, order.gross) in ("FULL", "OVERCHARGED"):
        sandbox.note(order, "ORDER_FULLY_PAID", principal)
        await sandbox.order_event("ORDER_FULLY_PAID", order, principal)
    await sandbox.order_event("ORDER_UPDATED", order, principal)


def refuse_event(sandbox: Sandbox, item: Transaction, event: TransactionEvent, cause: str) -> TransactionEvent:
    """Saleor keeps a refused report as a failure that does not count."""
    action = event.type.partition("_")[0]
    failure = TransactionEvent(
        type=f"{action}_FAILURE",
        amount=event.amount,
        currency=event.currency,
        created_at=sandbox.store.clock(),
        psp_reference=event.psp_reference,
        message=cause[:512],
        counts=False,
    )
    item.events.append(failure)
    return failure


def _known(item: Transaction, event: TransactionEvent) -> TransactionEvent | None:
    if event.type in UNREPEATED:
        return None
    return next((entry for entry in item.events if (entry.psp_reference, entry.type) == (event.psp_reference, event.type)), None)


def _may_report(item: Transaction, principal: Principal) -> bool:
    """Staff on any user's transaction, an app on its own (also of an earlier installation), anybody on an ownerless one."""
    owner = item.created_by
    if owner is None or (isinstance(owner, User) and isinstance(principal, User)):
        return True
    return isinstance(owner, App) and isinstance(principal, App) and owner.identifier == principal.identifier


BINDABLES = [mutate, item_type, event_type]
