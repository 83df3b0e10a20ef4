"""Scalars, unions and what every type shows in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ariadne import InterfaceType, ScalarType, UnionType
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema

from app.sandbox import context
from app.sandbox.context import Info, denied
from app.sandbox.rows.base import Row

COUNTRIES = {
    "AT": "Austria",
    "CA": "Canada",
    "CH": "Switzerland",
    "DE": "Germany",
    "FR": "France",
    "GB": "United Kingdom",
    "PL": "Poland",
    "US": "United States of America",
}
PRIVATE_METADATA = {
    "Checkout": ("MANAGE_CHECKOUTS", "HANDLE_TAXES"),
    "Order": ("MANAGE_ORDERS", "HANDLE_TAXES"),
    "User": ("MANAGE_USERS",),
    "CustomerType": ("MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES",),
    "Fulfillment": ("MANAGE_ORDERS",),
    "Product": ("MANAGE_PRODUCTS",),
    "ProductVariant": ("MANAGE_PRODUCTS",),
    "Channel": ("MANAGE_CHANNELS",),
    "OrderLine": ("MANAGE_ORDERS",),
    "CheckoutLine": ("MANAGE_CHECKOUTS",),
    "TransactionItem": ("HANDLE_PAYMENTS",),
}
"""Who may see and write private metadata (saleor-facts 7)."""


def country(code: str) -> dict[str, str]:
    """A `CountryDisplay`."""
    return {"code": code, "country": COUNTRIES.get(code, code)}


def connection(rows: Sequence[Any], first: int | None = None, after: str | None = None) -> dict[str, Any]:
    """A connection; cursors are positions. Raises GraphQLError without `first`, or with one above 100 (saleor-facts 10)."""
    if first is None:
        raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
    if first > 100:
        raise GraphQLError(f"Requesting {first} records on the connection exceeds the `first` limit of 100 records.")
    start = int(after) if after else 0
    page = rows[start : start + first]
    return {
        "total_count": len(rows),
        "page_info": {"has_next_page": start + first < len(rows), "end_cursor": str(start + len(page)) if page else None},
        "edges": [{"node": row} for row in page],
    }


def items(metadata: Mapping[str, str]) -> list[dict[str, str]]:
    """Metadata as Saleor lists it, by key."""
    return [{"key": key, "value": value} for key, value in sorted(metadata.items())]


def _metadata(row: Any, info: Info) -> list[dict[str, str]]:
    return items(row.metadata)


def _metafield(row: Any, info: Info, key: str) -> str | None:
    found: str | None = row.metadata.get(key)
    return found


def _private_metadata(row: Any, info: Info) -> list[dict[str, str]]:
    needed = PRIVATE_METADATA.get(row.TYPE, ("MANAGE_APPS",))
    if not context.of(info).may(*needed):
        raise denied()
    return items(row.private_metadata)


def bind_metadata(schema: GraphQLSchema) -> None:
    """Give every type with metadata its fields."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and "privateMetadata" in kind.fields:
            kind.fields["metadata"].resolve = _metadata
            if "metafield" in kind.fields:
                kind.fields["metafield"].resolve = _metafield
            kind.fields["privateMetadata"].resolve = _private_metadata


def _kind(row: Any, *_: Any) -> str:
    if isinstance(row, Row):
        return row.TYPE
    name: str = row["__typename"]
    return name


def _moment(value: Any) -> datetime:
    parsed = datetime.fromisoformat(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _positive(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise GraphQLError("Value cannot be lower than 0.")
    return amount


BINDABLES = [
    ScalarType("DateTime", serializer=lambda value: value.isoformat(), value_parser=_moment),
    ScalarType("PositiveDecimal", serializer=float, value_parser=_positive),
    ScalarType("JSONString", serializer=json.dumps, value_parser=json.loads),
    InterfaceType("Event", type_resolver=_kind),
    InterfaceType("ObjectWithMetadata", type_resolver=_kind),
    InterfaceType("Node", type_resolver=_kind),
    UnionType("IssuingPrincipal", type_resolver=_kind),
    UnionType("UserOrApp", type_resolver=_kind),
    UnionType("OrderOrCheckout", type_resolver=_kind),
    UnionType("TaxSourceLine", type_resolver=_kind),
    UnionType("TaxSourceObject", type_resolver=_kind),
]
