"""A removed shop leaves no row behind, in whatever table; the other shop keeps every one of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import app.tables  # noqa: F401 - the walk needs every table
from app.db.base import program_tables
from app.db.tenants import Tenant
from app.orders.purge import purge
from tests.conftest import NOW
from tests.journeys.harness import journey

OF_SHOPS = [table for table in program_tables() if "tenant_id" in table.c]
VALUES: dict[type, Any] = {
    str: "x",
    int: 1,
    bool: True,
    bytes: b"x",
    datetime: NOW,
    date: NOW.date(),
    Decimal: Decimal(1),
    object: {},
}


async def test_no_table_keeps_a_row_of_a_purged_shop(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path, worker=False) as at:
        services, gone = at.services, "gone"
        async with services.database.engine.begin() as connection:
            row = {"id": gone, "saleor_api_url": "https://gone.example/graphql/", "domain": "gone.example", "app_id": "x"}
            removed = {"active": False, "installed_at": NOW, "removed_at": NOW - timedelta(days=1)}
            await connection.execute(sa.insert(Tenant).values(**row, **removed, token=""))
            for table in OF_SHOPS:
                await connection.execute(sa.insert(table).values(a_row(table, gone)))
        before = await counted(services.database.engine, at.tenant_id)
        assert set((await counted(services.database.engine, gone)).values()) == {1}
        purged = await purge(services, gone)
        assert purged.keys() - {"workflows", "files"} == {table.name for table in OF_SHOPS}
        assert set((await counted(services.database.engine, gone)).values()) == {0}
        assert await counted(services.database.engine, at.tenant_id) == before
        async with services.database.system_reading() as session:
            assert list(await session.scalars(sa.select(Tenant.id))) == [at.tenant_id]


def a_row(table: sa.Table, tenant: str) -> dict[str, Any]:
    """Something in every column; rows point at the one row of the table they name."""
    found: dict[str, Any] = {}
    for column in table.c:
        if column.foreign_keys and column.name != "tenant_id":
            (key,) = column.foreign_keys
            found[column.name] = None if key.column.table is table else tenant
        elif column.name in ("id", "tenant_id"):
            found[column.name] = tenant
        else:
            found[column.name] = VALUES[type_of(column)]
    return found


async def counted(engine: Any, tenant: str) -> dict[str, int]:
    """How many rows of a shop each table has."""
    async with engine.connect() as connection:
        return {
            table.name: await connection.scalar(sa.select(sa.func.count()).where(table.c.tenant_id == tenant))
            for table in OF_SHOPS
        }


def type_of(column: sa.Column[Any]) -> type:
    """What the column holds; of a type of ours, what it is made of."""
    kind = column.type
    return (kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind).python_type
