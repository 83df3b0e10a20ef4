"""Types of customers: every account has one, the default unless another was given (Saleor 3.23.26 and newer)."""

from __future__ import annotations

import re
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from app.sandbox import context
from app.sandbox.context import Info, Refused, mutation
from app.sandbox.resolvers.shared import connection
from app.sandbox.rows.people import CustomerType, User

query = QueryType()
mutate = MutationType()
user_type = ObjectType("User")


@query.field("customerTypes")
def resolve_customer_types(
    root: Any, info: Info, where: dict[str, Any] | None = None, first: int | None = None
) -> dict[str, Any]:
    asked = where or {}
    slug = asked.get("slug") or {}
    rows = [
        row
        for row in context.of(info).store.customer_types
        if slug.get("eq") in (None, row.slug)
        and row.slug in (slug.get("one_of") or [row.slug])
        and asked.get("is_default") in (None, row.is_default)
    ]
    return connection(rows, first)


@user_type.field("customerType")
def resolve_customer_type(row: User, info: Info) -> CustomerType:
    return row.customer_type or next(kind for kind in context.of(info).store.customer_types if kind.is_default)


@mutate.field("customerTypeCreate")
@mutation
async def customer_type_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    store = context.of(info).store
    name = (input.get("name") or "").strip()
    if not name:
        raise Refused("name", "This field cannot be blank.", "REQUIRED")
    slug = input.get("slug") or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if any(row.slug == slug for row in store.customer_types):
        raise Refused("slug", "Customer type with this Slug already exists.", "UNIQUE")
    row = CustomerType(name=name, slug=slug)
    if input.get("is_default"):
        for other in store.customer_types:
            other.is_default = False
        row.is_default = True
    store.customer_types.append(row)
    return {"customer_type": row}


BINDABLES = [query, mutate, user_type]
