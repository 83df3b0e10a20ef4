"""`updateMetadata` and `updatePrivateMetadata`, with Saleor's idea of who may write where (saleor-facts 7)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, denied, mutation
from app.sandbox.resolvers.shared import PRIVATE_METADATA
from app.sandbox.rows.people import User
from app.sandbox.rows.sales import Order

mutate = MutationType()

ANYBODY = ("Checkout", "CheckoutLine")
"""Public metadata of these is open to whoever has the id."""


@mutate.field("updateMetadata")
@mutation
async def update_metadata(root: Any, info: Info, id: str, input: list[dict[str, str]]) -> dict[str, Any]:
    caller = context.of(info)
    row = _row(caller, id)
    if not (row.TYPE in ANYBODY or row is caller.user or caller.may(*PRIVATE_METADATA[row.TYPE])):
        raise denied()
    return await _write(caller, row, row.metadata, input)


@mutate.field("updatePrivateMetadata")
@mutation
async def update_private_metadata(root: Any, info: Info, id: str, input: list[dict[str, str]]) -> dict[str, Any]:
    caller = context.of(info)
    row = _row(caller, id)
    if not caller.may(*PRIVATE_METADATA[row.TYPE]):
        raise denied()
    return await _write(caller, row, row.private_metadata, input)


def _row(caller: Context, id: str) -> Any:
    row = caller.store.having_metadata(id)
    if row is None:
        raise Refused("id", f"Couldn't resolve to a node: {id}", "NOT_FOUND")
    return row


async def _write(caller: Context, row: Any, metadata: dict[str, str], input: list[dict[str, str]]) -> dict[str, Any]:
    if any(not item["key"].strip() for item in input):
        raise Refused("input", "Metadata key cannot be empty.", "REQUIRED")
    metadata.update({item["key"]: item["value"] for item in input})
    if isinstance(row, Order):
        row.updated_at = caller.store.clock()
        await caller.sandbox.order_event("ORDER_METADATA_UPDATED", row, caller.principal)
    if isinstance(row, User):
        await caller.sandbox.user_event("CUSTOMER_METADATA_UPDATED", row, caller.principal)
    return {"item": row}


BINDABLES = [mutate]
