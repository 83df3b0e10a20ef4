"""Many rows at once, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.db.base import new_id
from app.db.bulk import COPIED, among, insert_rows, refresh_statistics
from app.db.session import Database, TenantError
from app.db.tenants import Tenant
from app.ledger.tables import LedgerItem
from app.orders.tables import OrderEvent, StaffTask
from tests.conftest import NOW

ODD = "a\tb\\N\n'\"%s \\. ü €"


def task(number: int, **changed: Any) -> dict[str, Any]:
    reasons = [{"code": "x", "params": {"text": ODD, "none": None}}]
    facts = {"id": new_id(), "key": f"k{number}", "order_id": None, "reasons": reasons, "created_at": NOW}
    return facts | {"told_at": None, "done_at": None} | changed


@pytest.mark.parametrize("count", [1, COPIED, COPIED * 60])
async def test_rows_are_as_they_were_given(database: Database, tenant: str, count: int) -> None:
    async with database.tenant(tenant) as session:
        await insert_rows(session, StaffTask, [task(number) for number in range(count)])
        await insert_rows(session, StaffTask, [])
    async with database.tenant(tenant) as session:
        found = list(await session.scalars(select(StaffTask).where(among(StaffTask.key, [f"k{n}" for n in range(count)]))))
        assert len(found) == count
        assert {(row.tenant_id, row.created_at, row.done_at, row.reasons[0]["params"]["text"]) for row in found} == {
            (tenant, NOW, None, ODD)
        }
        assert list(await session.scalars(select(StaffTask.key).where(among(StaffTask.key, ["k0", "?", ODD])))) == ["k0"]
        assert list(await session.scalars(select(StaffTask.key).where(among(StaffTask.key, [])))) == []


async def test_the_database_sees_what_a_table_has_become(database: Database, tenant: str) -> None:
    known = text("SELECT reltuples FROM pg_class WHERE relname = 'staff_task'")
    await refresh_statistics(database, [StaffTask])
    async with database.tenant(tenant) as session:
        await insert_rows(session, StaffTask, [task(number) for number in range(300)])
    await refresh_statistics(database, [StaffTask, OrderEvent])
    if database.engine.dialect.name == "postgresql":
        async with database.engine.connect() as connection:
            assert await connection.scalar(known) == 300


@pytest.mark.parametrize("count", [2, COPIED])
async def test_a_key_that_is_taken_is_refused_whichever_way_rows_go(database: Database, tenant: str, count: int) -> None:
    rows = [task(number) for number in range(count)]
    with pytest.raises(IntegrityError) as refused:
        async with database.tenant(tenant) as session:
            await insert_rows(session, StaffTask, [*rows, task(0)])
    assert ODD not in str(refused.value)
    async with database.tenant(tenant) as session:
        assert list(await session.scalars(select(StaffTask.id))) == []


async def test_columns_left_out_hold_their_defaults(database: Database, tenant: str) -> None:
    facts = {
        "kind": "receivable", "reseller_id": "r", "amount_minor": 2**40, "currency": "EUR", "value_date": date(2026, 3, 2),
        "booked_at": datetime(2026, 3, 2, tzinfo=UTC), "booked_by": "x",
    }  # fmt: skip
    async with database.tenant(tenant) as session:
        await insert_rows(session, LedgerItem, [{"id": new_id(), "key": str(n), **facts} for n in range(COPIED)])
    async with database.tenant(tenant) as session:
        rows = list(await session.scalars(select(LedgerItem)))
    assert {(row.reason, row.amount_minor, row.order_id, row.value_date) for row in rows} == {("", 2**40, None, date(2026, 3, 2))}
    if not database.url.startswith("sqlite"):
        with pytest.raises(TypeError, match="id"):
            async with database.tenant(tenant) as session:
                await insert_rows(session, LedgerItem, [{"key": str(n), **facts} for n in range(COPIED)])


async def test_rows_belong_to_a_shop(database: Database, tenant: str) -> None:
    async with database.system() as session:
        with pytest.raises(TenantError):
            await insert_rows(session, OrderEvent, [{"id": "1"}])
    async with database.tenant(tenant) as session:
        with pytest.raises(TenantError):
            await insert_rows(session, Tenant, [{"id": "1"}])
