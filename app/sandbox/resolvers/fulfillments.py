"""Fulfillments: what Saleor lets staff do before an order is released, and what it does not (saleor-facts 6)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, mutation
from app.sandbox.ids import found
from app.sandbox.rows.catalog import Warehouse
from app.sandbox.rows.sales import Fulfillment, FulfillmentLine, Order, OrderLine

mutate = MutationType()
UNPAID = "Cannot fulfill unpaid order."


@mutate.field("orderFulfill")
@mutation
async def order_fulfill(root: Any, info: Info, input: dict[str, Any], order: str | None = None) -> dict[str, Any]:
    """Looks at the money where the shop says so, never at the order's status."""
    caller = context.of(info)
    row = found(caller.store.orders, order, Order, "order")
    if caller.store.fulfillment_auto_approve and not caller.store.fulfillment_allow_unpaid and not _paid(row):
        raise Refused("order", UNPAID, "CANNOT_FULFILL_UNPAID_ORDER")
    wanted: dict[Warehouse, list[tuple[OrderLine, int]]] = {}
    for entry in input["lines"]:
        line = found(row.lines, entry.get("order_line_id"), OrderLine, "lines")
        quantity = sum(stock["quantity"] for stock in entry["stocks"])
        if quantity > line.quantity - line.quantity_fulfilled:
            left = line.quantity - line.quantity_fulfilled
            raise Refused("orderLineId", f"Only {left} items remaining to fulfill: {line.product_name}.", "FULFILL_ORDER_LINE")
        for stock in entry["stocks"]:
            warehouse = found(caller.store.warehouses, stock["warehouse"], Warehouse, "warehouse")
            if stock["quantity"]:
                wanted.setdefault(warehouse, []).append((line, stock["quantity"]))
    if not wanted:
        raise Refused("lines", "Total quantity must be larger than 0.", "ZERO_QUANTITY")
    made = [_made(caller, row, warehouse, lines, input) for warehouse, lines in wanted.items()]
    row.refresh_status()
    if caller.store.fulfillment_auto_approve:
        await _fulfilled(caller, row, made)
    else:
        caller.sandbox.note(row, "FULFILLMENT_AWAITS_APPROVAL", caller.principal)
        await caller.sandbox.order_event("ORDER_UPDATED", row, caller.principal)
    return {"fulfillments": made, "order": row}


@mutate.field("orderFulfillmentApprove")
@mutation
async def approve(
    root: Any, info: Info, id: str, notify_customer: bool, allow_stock_to_be_exceeded: bool = False
) -> dict[str, Any]:
    caller = context.of(info)
    fulfillment = _fulfillment(caller, id)
    order = fulfillment.order
    if fulfillment.status != "WAITING_FOR_APPROVAL":
        raise Refused(None, "Invalid fulfillment status, only WAITING_FOR_APPROVAL fulfillments can be accepted.", "INVALID")
    if not caller.store.fulfillment_allow_unpaid and not _paid(order):
        raise Refused(None, UNPAID, "CANNOT_FULFILL_UNPAID_ORDER")
    fulfillment.status = "FULFILLED"
    order.refresh_status()
    await _fulfilled(caller, order, [fulfillment], by_hand=True)
    return {"fulfillment": fulfillment, "order": order}


@mutate.field("orderFulfillmentCancel")
@mutation
async def cancel(root: Any, info: Info, id: str, input: dict[str, Any] | None = None) -> dict[str, Any]:
    """Needs the warehouse that takes the goods back, unless it was never approved."""
    caller = context.of(info)
    fulfillment = _fulfillment(caller, id)
    order = fulfillment.order
    if fulfillment.status == "CANCELED":
        raise Refused("fulfillment", "This fulfillment can't be canceled", "CANNOT_CANCEL_FULFILLMENT")
    if fulfillment.status == "FULFILLED":
        warehouse = (input or {}).get("warehouse_id")
        if warehouse is None:
            raise Refused(
                "warehouseId",
                "This parameter is required for fulfillments which are not in WAITING_FOR_APPROVAL state.",
                "REQUIRED",
            )
        found(caller.store.warehouses, warehouse, Warehouse, "warehouseId")
    for line in fulfillment.lines:
        line.order_line.quantity_fulfilled -= line.quantity
    fulfillment.status = "CANCELED"
    order.refresh_status()
    caller.sandbox.note(order, "FULFILLMENT_CANCELED", caller.principal)
    await caller.sandbox.fulfillment_event("FULFILLMENT_CANCELED", fulfillment, caller.principal)
    await caller.sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    return {"fulfillment": fulfillment, "order": order}


def _fulfillment(caller: Context, id: str) -> Fulfillment:
    return found([row for order in caller.store.orders for row in order.fulfillments], id, Fulfillment)


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


async def _fulfilled(caller: Context, order: Order, made: list[Fulfillment], *, by_hand: bool = False) -> None:
    """A partial one is APPROVED only where somebody approved it (saleor-facts 6)."""
    sandbox = caller.sandbox
    sandbox.note(order, "FULFILLMENT_FULFILLED_ITEMS", caller.principal)
    whole = order.status == "FULFILLED"
    for event in ("FULFILLMENT_CREATED", *(("FULFILLMENT_APPROVED",) if whole or by_hand else ())):
        for fulfillment in made:
            await sandbox.fulfillment_event(event, fulfillment, caller.principal)
    await sandbox.order_event("ORDER_UPDATED", order, caller.principal)
    if whole:
        await sandbox.order_event("ORDER_FULFILLED", order, caller.principal)


BINDABLES = [mutate]
