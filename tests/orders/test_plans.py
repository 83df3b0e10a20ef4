"""What PostgreSQL does for look-ups that staff wait for: it goes through an index, among however many rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders import license_desk
from app.orders.mail_again import resend_mail
from app.orders.tables import OrderLine, ResellerOrder
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller

ROWS = 5_000


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("plans of PostgreSQL")
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def plans(world: World, table: str, work: Callable[[AsyncSession], Awaitable[Any]]) -> list[str]:
    """The plan of every query of the work that reads a table."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: bool) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")) and f" {table}" in statement:
            asked.append((statement, given))

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await work(session)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    found = []
    async with world.database.engine.connect() as connection:
        for statement, given in asked:
            rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", given)
            found.append("\n".join(row[0] for row in rows))
    assert found
    return found


async def test_sending_a_mail_again_scans_no_mails(world: World) -> None:
    tenant = world.shop.tenant_id
    async with world.database.tenant(tenant) as session:
        await session.execute(
            sa.insert(Mail),
            [
                {
                    "tenant_id": tenant, "key": f"reminder:{number}", "kind": "reminder", "recipient": f"{number}@x.example",
                    "language": "en", "subject": "s", "message_id": f"{number}@x", "thread": f"t{number}", "state": "failed",
                    "content": b"To: x\r\nDate: x\r\nMessage-ID: <x>\r\n\r\nwords", "created_at": NOW,
                }
                for number in range(ROWS)
            ],
        )  # fmt: skip
        one = (await session.scalars(sa.select(Mail.id).where(Mail.key == "reminder:7"))).one()
    await analyzed(world, "mail")

    async def work(session: AsyncSession) -> None:
        again = await resend_mail(session, world.services, world.shop, one)
        assert again.key == "reminder:7:again:1"

    found = await plans(world, "mail", work)
    assert not any("Seq Scan on mail" in plan for plan in found), found
    assert any("ix_mail_thread" in plan for plan in found)


async def test_products_are_found_by_name_without_a_scan_of_licenses(world: World) -> None:
    tenant = world.shop.tenant_id
    row = await recorded(world)
    async with world.database.tenant(tenant) as session:
        order = (await session.scalars(sa.select(ResellerOrder).where(ResellerOrder.id == row.id))).one()
        line = (await session.scalars(sa.select(OrderLine).where(OrderLine.order_id == order.id).limit(1))).one()
        line.name = "Grid Component, Developer"
        await session.execute(
            sa.insert(License),
            [
                {
                    "tenant_id": tenant, "order_id": order.id, "order_number": order.number, "order_line_id": line.id,
                    "kind": "permanent", "ordinal": number + 100, "sku": f"GRID-{number % 3}", "kid": "k", "payload": {},
                    "file": "f", "state": "active", "state_at": NOW, "issued_at": NOW,
                }
                for number in range(ROWS)
            ],
        )  # fmt: skip
    await analyzed(world, "license")

    async def work(session: AsyncSession) -> None:
        for text, count in (("grid COMPONENT", ROWS), ("chart", 0)):
            query = await license_desk.found(session, text, "")
            assert len((await session.scalars(query.with_only_columns(License.id))).all()) == count

    found = [plan for plan in await plans(world, "license", work) if "Recursive" in plan]
    assert found
    assert not any("Seq Scan on license" in plan for plan in found), found


async def analyzed(world: World, table: str) -> None:
    async with world.database.engine.begin() as connection:
        await connection.exec_driver_sql(f"ANALYZE {table}")
