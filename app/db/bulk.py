"""Reading and adding many rows at once: a file of a hundred thousand lines is not a hundred thousand mapped objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, SQLColumnExpression, Text, TypeDecorator, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app.db.base import Base, TenantScoped
from app.db.session import TENANT, TenantError

T = TypeVar("T")

CHUNK = 500
"""Values in one IN: far below what SQLite takes."""


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, all with the same columns, to the session's shop. Raises TenantError outside a shop or for a table of none."""
    if not rows:
        return
    tenant = session.info.get(TENANT)
    if tenant is None or not issubclass(table, TenantScoped):
        raise TenantError(f"{table.__name__} rows outside a shop")
    # With NULLs written out all rows are one statement for the driver's batch; without, each change of columns begins another.
    await session.execute(insert(table), [{**row, "tenant_id": tenant} for row in rows], execution_options={"render_nulls": True})


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The values in parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def among(column: SQLColumnExpression[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a text column is one of these values, thousands of them too.

    An IN is another statement for every number of values, and a parameter each: to write, send and plan that took more time than
    the look-ups. These values are one parameter of one statement, which the server has prepared.
    """
    return _Among(column, bindparam(None, list(values), type_=_Texts()))


class _Texts(TypeDecorator[list[str]]):
    """A list of texts as one parameter."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **more)} = ANY ({compiler.process(values, **more)})"


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    texts = f"json_each({compiler.process(values, **more)})"
    return f"{compiler.process(column, **more)} IN (SELECT value FROM {texts})"  # noqa: S608 - the compiler's own words
