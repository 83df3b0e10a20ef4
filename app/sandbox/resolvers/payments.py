"""Transactions outside of sessions: reports, requests and what staff enter by hand (saleor-facts 5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ariadne import MutationType, ObjectType
from graphql import GraphQLError

from app.sandbox import context
from app.sandbox.amounts import money, quantize
from app.sandbox.answers import action_answer
from app.sandbox.context import Info, Refused, denied, mutation
from app.sandbox.ids import found, type_of
from app.sandbox.rows.base import ZERO
from app.sandbox.rows.people import App, User
from app.sandbox.rows.sales import Checkout, Order, Transaction, TransactionEvent
from app.sandbox.shop import Principal, Sandbox
from app.sandbox.store import Store
from app.sandbox.transactions import add_event, attach, counted, refuse_event

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


def source_of(store: Store, id: str) -> Checkout | Order:
    """A checkout or order. Raises Refused NOT_FOUND."""
    kind = type_of(id)
    if kind is None:
        raise GraphQLError(f"Invalid ID: {id}.")
    if kind not in ("Checkout", "Order"):
        raise Refused("id", f"Invalid ID: {id}. Expected one of: Checkout, Order, received: {kind}.", "INVALID")
    sources: list[Checkout | Order] = [*store.checkouts, *store.orders]
    source = next((row for row in sources if row.id == id), None)
    if source is None:
        raise Refused("id", "`Order` or `Checkout` not found.", "NOT_FOUND")
    return source


def transaction_of(store: Store, id: str | None) -> Transaction:
    """The transaction with this id. Raises Refused NOT_FOUND."""
    return found(store.transactions, id, Transaction)


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
    body = await sandbox.webhooks.request(webhook, owner, {"transaction": item, "action": action}, principal)
    try:
        said = action_answer(body, *results)
    except ValueError as error:
        refuse_event(sandbox, item, request, str(error))
        return
    request.psp_reference, request.counts = said.reference, bool(said.reference)
    if said.offered is not None:
        item.actions = said.offered
    if said.result is None:
        await counted(sandbox, item, principal)
        return
    event = TransactionEvent(
        type=said.result,
        amount=request.amount if said.amount is None else quantize(said.amount, item.currency),
        currency=item.currency,
        created_at=said.moment(sandbox.store.clock()),
        psp_reference=said.reference,
        message=said.message,
        external_url=str(said.externalUrl or ""),
        created_by=owner,
    )
    await add_event(sandbox, item, event, owner)


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
