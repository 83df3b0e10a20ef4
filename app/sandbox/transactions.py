"""What a transaction's events add up to (saleor-facts 5; saleor `payment/transaction_item_calculations.py`)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from app.sandbox.store import ZERO, Transaction, TransactionEvent

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
