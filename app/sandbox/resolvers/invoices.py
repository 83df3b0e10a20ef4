"""Invoices: Saleor keeps a number and an address, never a file (saleor-facts 9)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Info, Refused, mutation
from app.sandbox.ids import found
from app.sandbox.rows.sales import Invoice, Order

mutate = MutationType()


@mutate.field("invoiceCreate")
@mutation
async def invoice_create(root: Any, info: Info, order_id: str, input: dict[str, Any]) -> dict[str, Any]:
    caller = context.of(info)
    order = found(caller.store.orders, order_id, Order, "orderId")
    if order.status in ("DRAFT", "UNCONFIRMED", "EXPIRED"):
        raise Refused("orderId", "Cannot request an invoice for draft, unconfirmed or expired order.", "INVALID_STATUS")
    if order.billing_address is None:
        raise Refused("orderId", "Cannot request an invoice for order without billing address.", "NOT_READY")
    for name in ("number", "url"):
        if not input[name]:
            raise Refused(name, "This field cannot be blank.", "REQUIRED")
    invoice = Invoice(number=input["number"], url=input["url"], created_at=caller.store.clock())
    order.invoices.append(invoice)
    caller.sandbox.note(order, "INVOICE_GENERATED", caller.principal)
    return {"invoice": invoice}


@mutate.field("invoiceUpdate")
@mutation
async def invoice_update(root: Any, info: Info, id: str, input: dict[str, Any]) -> dict[str, Any]:
    store = context.of(info).store
    invoice = found([row for order in store.orders for row in order.invoices], id, Invoice)
    invoice.number = input.get("number") or invoice.number
    invoice.url = input.get("url") or invoice.url
    invoice.status = "SUCCESS"
    return {"invoice": invoice}


BINDABLES = [mutate]
