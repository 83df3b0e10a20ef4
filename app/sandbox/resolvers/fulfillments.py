"""Fulfillments: what Saleor lets staff do before an order is released, and what it does not (saleor-facts 6)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, mutation, require
from app.sandbox.resolvers.catalog import found
from app.sandbox.store import Fulfillment, FulfillmentLine, Order, OrderLine, Warehouse

mutate = MutationType()
UNPAID = "Cannot fulfill unpaid order."


@mutate.field("orderFulfill")
@mutation
async def order_fulfill(root: Any, info: Info, input: dict[str, Any], order: str | None = None) -> dict[str, Any]:
    """Looks at the money where the shop says so, never at the order's status."""
    require(info, "MANAGE_ORDERS")
    caller = context.of(info)
    row: Order = found(caller.store.orders, order, "order")
    if caller.store.fulfillment_auto_approve and not caller.store.fulfillment_allow_unpaid and not _paid(row):
        raise Refused("order", UNPAID, "CANNOT_FULFILL_UNPAID_ORDER")
    wanted: dict[Warehouse, list[tuple[OrderLine, int]]] = {}
    for entry in input["lines"]:
        line: OrderLine = found(row.lines, entry.get("order_line_id"), "orderLineId")
        quantity = sum(stock["quantity"] for stock in entry["stocks"])
        if quantity > line.quantity - line.quantity_fulfilled:
            left = line.quantity - line.quantity_fulfilled
            raise Refused("orderLineId", f"Only {left} items remaining to fulfill: {line.product_name}.", "FULFILL_ORDER_LINE")
        for stock in entry["stocks"]:
            warehouse: Warehouse = found(caller.store.warehouses, stock["warehouse"], "warehouse")
            if stock["quantity"]:
                wanted.setdefault(warehouse, []).append((line, stock["quantity"]))
    if not wanted:
        raise Refused("lines", "Total quantity must be larger than 0.", "ZERO_QUANTITY")
    made = [_made(caller, row, warehouse, lines, input) for warehouse, lines in wanted.items()]
    row.status = _status(row)
    approved = caller.store.fulfillment_auto_approve
    caller.sandbox.note(row, "FULFILLMENT_FULFILLED_ITEMS" if approved else "FULFILLMENT_AWAITS_APPROVAL", caller.principal)
    await _announce(caller, row, made, approved)
    return {"fulfillments": made, "order": row}


@mutate.field("orderFulfillmentApprove")
@mutation
async def approve(
    root: Any, info: Info, id: str, notify_customer: bool, allow_stock_to_be_exceeded: bool = False
) -> dict[str, Any]:
    require(info, "MANAGE_ORDERS")
    caller = context.of(info)
    fulfillment = _fulfillment(caller, id)
    order = fulfillment.order
    if fulfillment.status != "WAITING_FOR_APPROVAL":
        raise Refused("status", "Invalid fulfillment status, only WAITING_FOR_APPROVAL fulfillments can be accepted.", "INVALID")
    if not caller.store.fulfillment_allow_unpaid and not _paid(order):
        raise Refused("status", UNPAID, "CANNOT_FULFILL_UNPAID_ORDER")
    fulfillment.status = "FULFILLED"
    order.status = _status(order)
    caller.sandbox.note(order, "FULFILLMENT_FULFILLED_ITEMS", caller.principal)
    await caller.sandbox.fulfillment_event("FULFILLMENT_CREATED", fulfillment, caller.principal)
    await caller.sandbox.fulfillment_event("FULFILLMENT_APPROVED", fulfillment, caller.principal)
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"fulfillment": fulfillment, "order": order}


@mutate.field("orderFulfillmentCancel")
@mutation
async def cancel(root: Any, info: Info, id: str, input: dict[str, Any] | None = None) -> dict[str, Any]:
    """Needs the warehouse that takes the goods back, unless it was never approved."""
    require(info, "MANAGE_ORDERS")
    caller = context.of(info)
    fulfillment = _fulfillment(caller, id)
    order = fulfillment.order
    if fulfillment.status not in ("FULFILLED", "WAITING_FOR_APPROVAL"):
        raise Refused("fulfillment", "This fulfillment can't be canceled", "CANNOT_CANCEL_FULFILLMENT")
    if fulfillment.status == "FULFILLED":
        warehouse = (input or {}).get("warehouse_id")
        if warehouse is None:
            raise Refused(
                "warehouseId", "This parameter is required for fulfillments which are not waiting for approval.", "REQUIRED"
            )
        found(caller.store.warehouses, warehouse, "warehouseId")
    for line in fulfillment.lines:
        line.order_line.quantity_fulfilled -= line.quantity
    if fulfillment.status == "WAITING_FOR_APPROVAL":
        order.fulfillments.remove(fulfillment)
    fulfillment.status = "CANCELED"
    order.status = _status(order)
    caller.sandbox.note(order, "FULFILLMENT_CANCELED", caller.principal)
    await caller.sandbox.fulfillment_event("FULFILLMENT_CANCELED", fulfillment, caller.principal)
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"fulfillment": fulfillment, "order": order}


def _fulfillment(caller: Context, id: str) -> Fulfillment:
    row: Fulfillment = found([row for order in caller.store.orders for row in order.fulfillments], id)
    return row


def _paid(order: Order) -> bool:
    """Neither what is pending nor what is authorized counts."""
    return order.charged >= order.gross


def _made(
    caller: Context, order: Order, warehouse: Warehouse, lines: list[tuple[OrderLine, int]], input: dict[str, Any]
) -> Fulfillment:
    fulfillment = Fulfillment(
        order=order,
        fulfillment_order=len(order.fulfillments) + 1,
        status="FULFILLED" if caller.store.fulfillment_auto_approve else "WAITING_FOR_APPROVAL",
        created=caller.store.clock(),
        lines=[FulfillmentLine(order_line=line, quantity=quantity) for line, quantity in lines],
        tracking_number=input.get("tracking_number") or "",
        warehouse=warehouse,
    )
    for line, quantity in lines:
        line.quantity_fulfilled += quantity
    order.fulfillments.append(fulfillment)
    return fulfillment


def _status(order: Order) -> str:
    """What its fulfillments make of an order, also of an unconfirmed or canceled one."""
    done = sum(line.quantity for row in order.fulfillments if row.status == "FULFILLED" for line in row.lines)
    if not done:
        return "UNFULFILLED"
    return "FULFILLED" if done >= sum(line.quantity for line in order.lines) else "PARTIALLY_FULFILLED"


async def _announce(caller: Context, order: Order, made: list[Fulfillment], approved: bool) -> None:
    """Nothing says FULFILLMENT_CREATED of one that waits; a partial one is never APPROVED."""
    sandbox = caller.sandbox
    if approved:
        for fulfillment in made:
            await sandbox.fulfillment_event("FULFILLMENT_CREATED", fulfillment, caller.principal)
    await sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    if approved and order.status == "FULFILLED":
        for fulfillment in made:
            await sandbox.fulfillment_event("FULFILLMENT_APPROVED", fulfillment, caller.principal)
        await sandbox.order_event("ORDER_FULFILLED", order, caller.principal)


BINDABLES = [mutate]
