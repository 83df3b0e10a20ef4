"""Moving everything from one database to another, such as from the SQLite file a vendor began with to PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import migrate
from app.db.base import program_tables
from app.db.jobs import Jobs
from app.db.session import Database
from app.errors import Conflict, InvalidInput

CHUNK = 500
"""Rows of one insert."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many rows each table has there now; those without any are left out."""

    rows: dict[str, int]


async def copy(source: Database, target: Database, jobs: Jobs) -> Copied:
    """Copy every row of `source` into an empty `target`, in one transaction there, and compare before it is committed.

    The source keeps its write lock meanwhile (SQLite), so nothing is lost in between. Durable work is not copied and must be
    through. Raises InvalidInput for the same database, Conflict where the source is not at this program's schema or has work
    that waits, where the target has shops, and where counts or sums differ afterwards.
    """
    if source.url == target.url:
        raise InvalidInput("Source and target are the same database.", code="copy")
    if await migrate.behind(source):
        raise Conflict("The database is not at the schema of this program; run `reseller migrate` first.", code="copy")
    await _refuse_waiting(source, jobs)
    await migrate.upgrade(target)
    async with source.engine.begin() as reading, target.engine.begin() as writing:
        tables = program_tables()
        for table in tables:
            if await writing.scalar(select(func.count()).select_from(table)):
                raise Conflict(f"The target already has rows in {table.name}; give an empty database.", code="copy")
        for table in tables:
            await _copy_table(table, reading, writing)
        rows = {}
        for table in tables:
            here, there = await _sums(table, reading), await _sums(table, writing)
            if here != there:
                raise Conflict(f"{table.name} differs after the copy: {here} became {there}. Nothing was kept.", code="copy")
            if there["rows"]:
                rows[table.name] = int(there["rows"])
    return Copied(rows)


async def _refuse_waiting(source: Database, jobs: Jobs) -> None:
    async with source.system_reading() as session:
        if count := await jobs.unfinished(session):
            raise Conflict(
                f"{count} pieces of durable work are not through; run the worker until they are, and stop it.", code="copy"
            )


async def _copy_table(table: Table, reading: AsyncConnection, writing: AsyncConnection) -> None:
    """Rows that name rows of their own table come after those: what is append-only cannot be told later."""
    own = [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    held: list[dict[str, Any]] = []
    result = await reading.stream(select(table).execution_options(yield_per=CHUNK))
    async for part in result.mappings().partitions():
        rows = [dict(row) for row in part]
        free = [row for row in rows if all(row[name] is None for name in own)]
        held += [row for row in rows if any(row[name] is not None for name in own)]
        if free:
            await writing.execute(insert(table), free)
    while held:
        missing = {row["id"] for row in held}
        free = [row for row in held if not any(row[name] in missing for name in own)]
        held = [row for row in held if any(row[name] in missing for name in own)]
        if not free:
            raise Conflict(f"Rows of {table.name} name each other in a circle; they cannot be copied.", code="copy")
        await writing.execute(insert(table), free)


async def _sums(table: Table, connection: AsyncConnection) -> dict[str, int]:
    """Rows, money and bytes of a table: whole numbers, so that both databases must agree to the unit."""
    wanted: dict[str, Any] = {"rows": func.count()}
    for column in table.columns:
        if column.name.endswith("_minor"):
            wanted[column.name] = func.coalesce(func.sum(column), 0)
        elif isinstance(column.type, LargeBinary):
            wanted[column.name] = func.coalesce(func.sum(func.length(column)), 0)
        elif column.nullable:
            wanted[column.name] = func.count(column)
    row = (await connection.execute(select(*(value.label(name) for name, value in wanted.items())).select_from(table))).one()
    return {name: int(value) for name, value in zip(wanted, row, strict=True)}
