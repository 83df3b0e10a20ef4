"""Orders as they are seen, and what is done to them by hand or by an app (saleor-facts 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from app.sandbox import context
from app.sandbox.amounts import money, quantize, taxed
from app.sandbox.calculation import status_of
from app.sandbox.context import Info, Refused, mutation
from app.sandbox.ids import found, look_up
from app.sandbox.resolvers.shared import connection
from app.sandbox.rows.base import ZERO
from app.sandbox.rows.catalog import ShownVariant
from app.sandbox.rows.sales import Order, OrderLine, Transaction, TransactionEvent
from app.sandbox.transactions import attach, recalculate

query = QueryType()
mutate = MutationType()
order_type = ObjectType("Order")
line_type = ObjectType("OrderLine")


@query.field("order")
def resolve_order(root: Any, info: Info, id: str | None = None) -> Order | None:
    """Anyone who has the id sees an order with its totals, addresses and e-mail (rules 9)."""
    return look_up(context.of(info).store.orders, id, Order)


@query.field("orders")
def resolve_orders(
    root: Any,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    where: dict[str, Any] | None = None,
    sort_by: dict[str, str] | None = None,
) -> dict[str, Any]:
    rows = [order for order in context.of(info).store.orders if _fits(order, where or {})]
    asked = sort_by or {"field": "NUMBER", "direction": "DESC"}
    by_change = asked["field"] == "LAST_MODIFIED_AT"
    rows.sort(
        key=lambda order: (order.updated_at if by_change else order.created, int(order.number)),
        reverse=asked["direction"] == "DESC",
    )
    return connection(rows, first, after)


def _fits(order: Order, where: dict[str, Any]) -> bool:
    changed, numbered = where.get("updated_at") or {}, where.get("number") or {}
    return (
        ("gte" not in changed or order.updated_at >= changed["gte"])
        and ("lte" not in changed or order.updated_at <= changed["lte"])
        and ("eq" not in numbered or int(order.number) == numbered["eq"])
        and ("one_of" not in numbered or int(order.number) in numbered["one_of"])
        and ("ids" not in where or order.id in where["ids"])
    )


# --- Fields -----------------------------------------------------------------------------------------------------------


@order_type.field("giftCards")
@order_type.field("payments")
def resolve_nothing(order: Order, info: Info) -> list[Any]:
    return []


@order_type.field("discounts")
def resolve_discounts(order: Order, info: Info) -> list[dict[str, Any]]:
    if order.voucher is None:
        return []
    total = money(order.discount, order.channel.currency_code)
    return [{"id": f"voucher-{order.pk}", "type": "VOUCHER", "name": order.voucher.code, "total": total}]


@order_type.field("total")
def resolve_total(order: Order, info: Info) -> dict[str, Any]:
    return taxed(order.net, order.gross, order.channel.currency_code)


@order_type.field("subtotal")
def resolve_subtotal(order: Order, info: Info) -> dict[str, Any]:
    return taxed(order.net - order.shipping_net, order.gross - order.shipping_gross, order.channel.currency_code)


@order_type.field("undiscountedTotal")
def resolve_undiscounted_total(order: Order, info: Info) -> dict[str, Any]:
    lines = [_undiscounted(line, line.quantity) for line in order.lines]
    net, gross = (sum((pair[index] for pair in lines), ZERO) for index in (0, 1))
    return taxed(net + order.shipping_net, gross + order.shipping_gross, order.channel.currency_code)


@order_type.field("shippingPrice")
def resolve_shipping(order: Order, info: Info) -> dict[str, Any]:
    return taxed(order.shipping_net, order.shipping_gross, order.channel.currency_code)


@order_type.field("chargeStatus")
def resolve_charge_status(order: Order, info: Info) -> str:
    return status_of(order.charged, order.gross)


@order_type.field("authorizeStatus")
def resolve_authorize_status(order: Order, info: Info) -> str:
    return status_of(order.charged + order.authorized, order.gross).replace("OVERCHARGED", "FULL")


@order_type.field("isPaid")
def resolve_is_paid(order: Order, info: Info) -> bool:
    return order.charged >= order.gross


@order_type.field("isShippingRequired")
def resolve_shipping_required(order: Order, info: Info) -> bool:
    return any(line.is_shipping_required for line in order.lines)


@order_type.field("displayGrossPrices")
def resolve_display_gross(order: Order, info: Info) -> bool:
    return order.channel.taxes.display_gross_prices


def _sum(*names: str) -> Any:
    def resolve(order: Order, info: Info) -> dict[str, Any]:
        amount = sum((getattr(item, name) for item in order.transactions for name in names), ZERO)
        return money(amount, order.channel.currency_code)

    return resolve


order_type.set_field("totalCharged", _sum("charged"))
order_type.set_field("totalCaptured", _sum("charged"))
order_type.set_field("totalAuthorized", _sum("authorized"))
order_type.set_field("totalChargePending", _sum("charge_pending"))
order_type.set_field("totalAuthorizePending", _sum("authorize_pending"))


@order_type.field("totalBalance")
def resolve_balance(order: Order, info: Info) -> dict[str, Any]:
    return money(order.charged - order.gross, order.channel.currency_code)


def _undiscounted(line: OrderLine, quantity: int) -> tuple[Decimal, Decimal]:
    """Net and gross of the retail price, at the rate the line was taxed with."""
    amount, currency = line.undiscounted * quantity, line.order.channel.currency_code
    if line.order.channel.taxes.prices_entered_with_tax:
        return quantize(amount / (1 + line.price.rate), currency), amount
    return amount, quantize(amount * (1 + line.price.rate), currency)


@line_type.field("unitPrice")
def resolve_unit(line: OrderLine, info: Info) -> dict[str, Any]:
    return taxed(line.price.unit_net, line.price.unit_gross, line.order.channel.currency_code)


@line_type.field("totalPrice")
def resolve_line_total(line: OrderLine, info: Info) -> dict[str, Any]:
    return taxed(line.price.net, line.price.gross, line.order.channel.currency_code)


@line_type.field("undiscountedUnitPrice")
def resolve_undiscounted_unit(line: OrderLine, info: Info) -> dict[str, Any]:
    return taxed(*_undiscounted(line, 1), line.order.channel.currency_code)


@line_type.field("undiscountedTotalPrice")
def resolve_undiscounted_line(line: OrderLine, info: Info) -> dict[str, Any]:
    return taxed(*_undiscounted(line, line.quantity), line.order.channel.currency_code)


@line_type.field("unitDiscount")
def resolve_unit_discount(line: OrderLine, info: Info) -> dict[str, Any]:
    """Whatever made the unit cheaper than retail, a tax app's answer included (saleor-facts 3)."""
    with_tax = line.order.channel.taxes.prices_entered_with_tax
    now = line.price.unit_gross if with_tax else line.price.unit_net
    return money(max(line.undiscounted - now, ZERO), line.order.channel.currency_code)


@line_type.field("taxRate")
def resolve_rate(line: OrderLine, info: Info) -> Decimal:
    return line.price.rate


@line_type.field("quantityToFulfill")
def resolve_to_fulfill(line: OrderLine, info: Info) -> int:
    return line.quantity - line.quantity_fulfilled


@line_type.field("discounts")
def resolve_line_discounts(line: OrderLine, info: Info) -> list[Any]:
    return []


@line_type.field("variant")
def resolve_variant(line: OrderLine, info: Info) -> ShownVariant | None:
    order = line.order
    address = order.shipping_address or order.billing_address
    country = address.country if address else order.channel.country
    return ShownVariant(line.variant, order.channel, country) if line.variant else None


# --- What is done to them ---------------------------------------------------------------------------------------------


@mutate.field("orderConfirm")
@mutation
async def order_confirm(root: Any, info: Info, id: str) -> dict[str, Any]:
    """Looks at neither money nor tax."""
    caller = context.of(info)
    order = found(caller.store.orders, id, Order)
    if order.status != "UNCONFIRMED":
        raise Refused("id", "Provided order id belongs to an order with status different than unconfirmed.", "INVALID")
    order.refresh_status()
    caller.sandbox.note(order, "CONFIRMED", caller.principal)
    await caller.sandbox.order_event("ORDER_CONFIRMED", order, caller.principal)
    return {"order": order}


@mutate.field("orderCancel")
@mutation
async def order_cancel(root: Any, info: Info, id: str) -> dict[str, Any]:
    caller = context.of(info)
    order = found(caller.store.orders, id, Order)
    gone = ("CANCELED", "REFUNDED", "RETURNED", "REFUNDED_AND_RETURNED", "REPLACED")
    active = any(fulfillment.status not in gone for fulfillment in order.fulfillments)
    if order.status in ("CANCELED", "DRAFT", "EXPIRED") or active:
        raise Refused("order", "This order can't be canceled.", "CANNOT_CANCEL_ORDER")
    order.status = "CANCELED"
    caller.sandbox.note(order, "CANCELED", caller.principal)
    await caller.sandbox.order_event("ORDER_CANCELLED", order, caller.principal)
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"order": order}


@mutate.field("orderNoteAdd")
@mutation
async def note_add(root: Any, info: Info, order: str, input: dict[str, Any]) -> dict[str, Any]:
    caller = context.of(info)
    row = found(caller.store.orders, order, Order)
    if not input["message"].strip():
        raise Refused("message", "Message can't be empty.", "REQUIRED")
    event = caller.sandbox.note(row, "NOTE_ADDED", caller.principal, input["message"])
    await caller.sandbox.order_event("ORDER_UPDATED", row, caller.principal)
    return {"order": row, "event": event}


@mutate.field("orderUpdate")
@mutation
async def order_update(root: Any, info: Info, input: dict[str, Any], id: str | None = None) -> dict[str, Any]:
    """A changed e-mail links the order anew, by exact case; an unknown one leaves it without an account (saleor-facts 7)."""
    caller = context.of(info)
    order = found(caller.store.orders, id, Order)
    if input.get("user_email"):
        order.user_email = input["user_email"]
        order.user = next((user for user in caller.store.users if user.email == order.user_email and user.is_active), None)
    order.updated_at = caller.store.clock()
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"order": order}


@mutate.field("orderMarkAsPaid")
@mutation
async def mark_as_paid(root: Any, info: Info, id: str) -> dict[str, Any]:
    """Refused where any transaction exists; tells ORDER_FULLY_PAID but not ORDER_PAID (saleor-facts 5)."""
    caller = context.of(info)
    order = found(caller.store.orders, id, Order)
    if order.transactions:
        raise Refused("transaction", "Orders with transactions can not be manually marked as paid.", "TRANSACTION_ERROR")
    now = caller.store.clock()
    currency = order.channel.currency_code
    item = Transaction(
        currency=currency, created_at=now, created_by=caller.principal, name="Manually marked as paid", actions=["REFUND"]
    )
    item.events.append(
        TransactionEvent(
            type="CHARGE_SUCCESS", amount=order.gross, currency=currency, created_at=now, created_by=caller.principal
        )
    )
    attach(caller.store, item, order)
    recalculate(item)
    caller.sandbox.note(order, "ORDER_MARKED_AS_PAID", caller.principal)
    await caller.sandbox.order_event("ORDER_FULLY_PAID", order, caller.principal)
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"order": order}


BINDABLES = [query, mutate, order_type, line_type]
