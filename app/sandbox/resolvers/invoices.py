"""Invoices: Saleor keeps a number and an address, never a file (saleor-facts 9)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, mutation
from app.sandbox.ids import found
from app.sandbox.rows.sales import Invoice, Order

mutate = MutationType()


@mutate.field("invoiceCreate")
@mutation
async def invoice_create(root: Any, info: Info, order_id: str, input: dict[str, Any]) -> dict[str, Any]:
    caller = context.of(info)
    order = _invoiceable(caller, order_id)
    for name in ("number", "url"):
        if not input[name]:
            raise Refused(name, "This field cannot be blank.", "REQUIRED")
    invoice = Invoice(number=input["number"], url=input["url"], created_at=caller.store.clock())
    order.invoices.append(invoice)
    caller.sandbox.note(order, "INVOICE_GENERATED", caller.principal)
    return {"invoice": invoice}


@mutate.field("invoiceRequest")
@mutation
async def invoice_request(root: Any, info: Info, order_id: str, number: str | None = None) -> dict[str, Any]:
    """A pending invoice, and INVOICE_REQUESTED to the apps; refused where none listens."""
    caller = context.of(info)
    order = _invoiceable(caller, order_id)
    if not any(caller.sandbox.webhooks.listens("INVOICE_REQUESTED", app) for app in caller.store.apps):
        raise Refused("orderId", "No app or plugin is configured to handle invoice requests.", "NO_INVOICE_PLUGIN")
    invoice = Invoice(number=number, url=None, created_at=caller.store.clock(), status="PENDING")
    order.invoices.append(invoice)
    caller.sandbox.note(order, "INVOICE_REQUESTED", caller.principal)
    await caller.sandbox.webhooks.emit("INVOICE_REQUESTED", {"invoice": invoice, "order": order}, caller.principal)
    return {"invoice": invoice, "order": order}


@mutate.field("invoiceUpdate")
@mutation
async def invoice_update(root: Any, info: Info, id: str, input: dict[str, Any]) -> dict[str, Any]:
    store = context.of(info).store
    invoice = found([row for order in store.orders for row in order.invoices], id, Invoice)
    invoice.number = input.get("number") or invoice.number
    invoice.url = input.get("url") or invoice.url
    invoice.status = "SUCCESS"
    return {"invoice": invoice}


def _invoiceable(caller: Context, order_id: str) -> Order:
    order = found(caller.store.orders, order_id, Order, "orderId")
    if order.status in ("DRAFT", "UNCONFIRMED", "EXPIRED"):
        raise Refused("orderId", "Cannot request an invoice for draft, unconfirmed or expired order.", "INVALID_STATUS")
    if order.billing_address is None:
        raise Refused("orderId", "Cannot request an invoice for order without billing address.", "NOT_READY")
    return order


BINDABLES = [mutate]
