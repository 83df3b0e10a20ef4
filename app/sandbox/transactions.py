"""What a transaction's events add up to, and what its checkout or order makes of it (saleor-facts 5).

Counted as in saleor `payment/transaction_item_calculations.py`.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from app.sandbox.calculation import refresh_payment_status, status_of, touch
from app.sandbox.rows.base import ZERO
from app.sandbox.rows.sales import Checkout, Order, Transaction, TransactionEvent
from app.sandbox.shop import Principal, Sandbox
from app.sandbox.store import Store

AMOUNTS = {
    "AUTHORIZATION": ("authorized", "authorize_pending", None),
    "CHARGE": ("charged", "charge_pending", "authorized"),
    "REFUND": ("refunded", "refund_pending", "charged"),
    "CANCEL": ("canceled", "cancel_pending", "authorized"),
}
"""Action -> what its success raises, what its request raises, and what both draw down."""

Events = dict[str, TransactionEvent]


def recalculate(transaction: Transaction) -> None:
    """Set a transaction's amounts from its events.

    Events belong together by action and psp reference: a success or failure ends what is pending under its reference, whatever
    their amounts; of a success and a failure the newer one counts. Events without a reference are added as they are.
    """
    for raised, pending, _ in AMOUNTS.values():
        setattr(transaction, raised, ZERO)
        setattr(transaction, pending, ZERO)
    groups: dict[tuple[str, str], Events] = defaultdict(dict)
    for event in _counting(transaction):
        action, _, step = event.type.partition("_")
        if event.psp_reference:
            groups[action, event.psp_reference][step] = event
        else:
            _alone(transaction, event)
    for action in AMOUNTS:
        for (group, _), events in groups.items():
            if group == action:
                _add_up(transaction, action, events)
    transaction.authorized = max(transaction.authorized, ZERO)
    transaction.authorize_pending = max(transaction.authorize_pending, ZERO)


def _counting(transaction: Transaction) -> list[TransactionEvent]:
    """By time, without what does not count; an authorization older than the newest adjustment is replaced by it."""
    events = sorted((event for event in transaction.events if event.counts), key=lambda event: event.created_at)
    newest = max((index for index, event in enumerate(events) if event.type == "AUTHORIZATION_ADJUSTMENT"), default=0)
    return [
        event
        for index, event in enumerate(events)
        if event.type.partition("_")[0] in AMOUNTS and not (event.type.startswith("AUTHORIZATION_") and index < newest)
    ]


def _add_up(transaction: Transaction, action: str, events: Events) -> None:
    raised, pending, drawn = AMOUNTS[action]
    if adjustment := events.get("ADJUSTMENT"):
        transaction.authorized = adjustment.amount
    if back := events.get("BACK"):
        transaction.charged -= back.amount
    if reverse := events.get("REVERSE"):
        transaction.charged += reverse.amount
        transaction.refunded -= reverse.amount
    request, success, failure = events.get("REQUEST"), events.get("SUCCESS"), events.get("FAILURE")
    if request and not success and not failure:
        _raise(transaction, pending, drawn, request.amount)
    if success and not (failure and success.created_at <= failure.created_at):
        _raise(transaction, raised, drawn, success.amount)


def _raise(transaction: Transaction, raised: str, drawn: str | None, amount: Decimal) -> None:
    setattr(transaction, raised, getattr(transaction, raised) + amount)
    if drawn:
        setattr(transaction, drawn, getattr(transaction, drawn) - amount)


def _alone(transaction: Transaction, event: TransactionEvent) -> None:
    match event.type:
        case "AUTHORIZATION_SUCCESS":
            transaction.authorized += event.amount
        case "AUTHORIZATION_ADJUSTMENT":
            transaction.authorized = event.amount
        case "CHARGE_SUCCESS" | "REFUND_REVERSE":
            transaction.charged += event.amount
        case "CHARGE_BACK":
            transaction.charged -= event.amount
        case "REFUND_SUCCESS":
            transaction.refunded += event.amount
        case "CANCEL_SUCCESS":
            transaction.canceled += event.amount


# --- What that does to the checkout or order --------------------------------------------------------------------------


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
        order.refresh_status()
    updated = item.authorized != authorized or item.charged != charged
    if item.charged > charged:
        updated = False
        await charged_events(sandbox, order, principal)
    if item.refunded > refunded:
        updated = False
        await sandbox.order_event("ORDER_REFUNDED", order, principal)
        await sandbox.order_event("ORDER_UPDATED", order, principal)
        if sum((entry.refunded for entry in order.transactions), ZERO) >= order.gross:
            await sandbox.order_event("ORDER_FULLY_REFUNDED", order, principal)
    if updated:
        await sandbox.order_event("ORDER_UPDATED", order, principal)


async def charged_events(sandbox: Sandbox, order: Order, principal: Principal) -> None:
    """ORDER_PAID on any charge; ORDER_FULLY_PAID on each one that leaves the order fully paid (saleor-facts 5)."""
    await sandbox.order_event("ORDER_PAID", order, principal)
    if status_of(order.charged, order.gross) in ("FULL", "OVERCHARGED"):
        sandbox.note(order, "ORDER_FULLY_PAID", principal)
        if order.channel.automatically_confirm_all_new_orders:
            order.refresh_status()
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
