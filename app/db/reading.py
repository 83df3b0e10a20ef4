"""Reading many rows without keeping everybody else on the event loop waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVarTuple

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncSession

Columns = TypeVarTuple("Columns")

CHUNK = 2000
"""Rows fetched and handed on at a stretch: some 10 ms. Fewer, and a busy loop takes longer than a second to load a program."""


async def rows(session: AsyncSession, statement: Select[*Columns]) -> AsyncIterator[Row[*Columns]]:
    """The statement's rows one by one, fetched in chunks; between two chunks others get their turn."""
    connection = await session.connection()
    assert connection.sync_connection is not None
    if connection.sync_connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        if driver.autocommit:  # a reading session; PostgreSQL streams within a transaction only, which ends with the session
            await driver.set_autocommit(False)
    result = await session.stream(statement.execution_options(yield_per=CHUNK))
    async for chunk in result.partitions():
        for row in chunk:
            yield row
