"""Reading and adding many rows at once: a file of a hundred thousand lines is not a hundred thousand mapped objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    FromClause,
    SQLColumnExpression,
    Text,
    TypeDecorator,
    bindparam,
    insert,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app.db.base import Base, TenantScoped
from app.db.session import TENANT, Database, TenantError

T = TypeVar("T")

CHUNK = 500
"""Values in one IN: far below what SQLite takes."""
COPIED = 10
"""Rows from which on a COPY is less work than INSERTs."""


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, all with the same columns, to the session's shop.

    Raises TenantError outside a shop or for a table of none, IntegrityError as the database does.
    """
    if not rows:
        return
    tenant = session.info.get(TENANT)
    if tenant is None or not issubclass(table, TenantScoped):
        raise TenantError(f"{table.__name__} rows outside a shop")
    connection = await session.connection()
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED:
        await session.flush()
        await _copy(connection, table.__table__, rows, tenant)
        return
    # With NULLs written out all rows are one statement for the driver's batch; without, each change of columns begins another.
    await session.execute(insert(table), [{**row, "tenant_id": tenant} for row in rows], execution_options={"render_nulls": True})


async def _copy(connection: AsyncConnection, table: FromClause, rows: Sequence[Mapping[str, Any]], tenant: str) -> None:
    """COPY: a third of the work of as many INSERTs, on both sides."""
    fixed = {**_defaults(table, rows[0]), "tenant_id": tenant}
    columns = [column for column in table.columns if column.name in rows[0] or column.name in fixed]
    writers = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for column in columns]
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(str(table.description)), names)
    try:
        async with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                values = [fixed[column.name] if column.name in fixed else row[column.name] for column in columns]
                await copy.write_row([write(value) if write else value for write, value in zip(writers, values, strict=True)])
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement.as_string(), None, error, hide_parameters=True) from error


async def refresh_statistics(database: Database, tables: Iterable[type[Base]]) -> None:
    """Let PostgreSQL see what these tables have become, so that it plans for it; SQLite looks for itself.

    Its own look comes minutes later. Until then the plans of a small or empty table are kept, which read all of a large one: half
    of the time of a large import.
    """
    if database.engine.dialect.name == "postgresql":
        names = ", ".join(database.engine.dialect.identifier_preparer.format_table(table.__table__) for table in tables)
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(f"ANALYZE {names}")


def _defaults(table: FromClause, row: Mapping[str, Any]) -> dict[str, Any]:
    """What columns hold that the rows leave out. Raises TypeError for a default that differs by row."""
    found = {}
    for column in table.columns:
        if column.name not in row and column.default is not None:
            if not column.default.is_scalar:
                raise TypeError(f"rows of {table} without their {column.name}")
            found[column.name] = column.default.arg
    return found


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
