"""Global ids, `base64("Type:key")`, and what Saleor says about wrong ones."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import TypeVar

from graphql import GraphQLError

from app.sandbox.context import Refused
from app.sandbox.rows.base import Row

R = TypeVar("R", bound=Row)


def type_of(id: str) -> str | None:
    """The type an id names; None for what is no id."""
    try:
        name, separator, key = base64.b64decode(id, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return name if separator and name and key else None


def look_up(rows: Iterable[R], id: str | None, kind: type[R]) -> R | None:
    """For a query: the row, or None. Raises GraphQLError for an id that cannot be one of these."""
    if id is None:
        return None
    if (wrong := _wrong(id, kind.TYPE)) is not None:
        raise GraphQLError(wrong)
    return next((row for row in rows if row.id == id), None)


def found(rows: Iterable[R], id: str | None, kind: type[R], field: str = "id") -> R:
    """For a mutation: the row. Raises Refused NOT_FOUND, or GRAPHQL_ERROR for an id that cannot be one of these."""
    if id is not None and (wrong := _wrong(id, kind.TYPE)) is not None:
        raise Refused(field, wrong, "GRAPHQL_ERROR")
    row = next((row for row in rows if row.id == id), None)
    if row is None:
        raise Refused(field, f"Couldn't resolve to a node: {id}", "NOT_FOUND")
    return row


def listed(rows: Iterable[R], id: str | None, field: str) -> R:
    """A row that an input's list names; what is not there is a GRAPHQL_ERROR in Saleor."""
    row = next((row for row in rows if row.id == id), None)
    if row is None:
        raise Refused(field, f"Could not resolve to a node with the global id list of '['{id}']'.", "GRAPHQL_ERROR")
    return row


def _wrong(id: str, expected: str) -> str | None:
    name = type_of(id)
    if name is None:
        return f"Invalid ID: {id}. Expected: {expected}."
    return None if name == expected else f"Invalid ID: {id}. Expected: {expected}, received: {name}."
