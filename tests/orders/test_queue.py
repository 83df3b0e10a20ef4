"""The queue of everything that needs a person."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

import app
from app.db.session import Database
from app.orders.queue import KINDS, counts, kind_of, waiting
from app.orders.record import add_task, finish_task
from app.orders.tables import ResellerOrder
from app.reasons import because
from app.resellers.tables import Application
from tests.orders.builders import World, opened, recorded, reseller

SOURCE = Path(app.__file__).parent


def test_every_task_has_a_kind() -> None:
    """A key that none names would be found among all only."""
    code = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    heads = set(re.findall(r'add_task\(\s*session,\s*f?"([a-z_-]+)[:"]', code))
    assert len(heads) > 15
    assert {head for head in heads if not kind_of(f"{head}:x")} == set()
    assert len({head for heads in KINDS.values() for head in heads}) == sum(map(len, KINDS.values()))


async def test_tasks_and_applications_in_one_queue_page_by_page(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await _fill(world)
        async with database.tenant(tenant) as session:
            seen, cursor = [], None
            while True:
                rows, cursor = await waiting(session, "", cursor, limit=3)
                assert len(rows) <= 3
                seen += [row.key for row in rows]
                if cursor is None:
                    break
            assert seen == ["mail:0", "application:A0", "mail:1", "application:A1", "mail:2", "application:A2", "rates-old"]
            assert {one.kind: one.count for one in await counts(session) if one.count} == {
                "applications": 3,
                "mail": 3,
                "setup": 1,
            }
            mails, _ = await waiting(session, "mail", None)
            assert [row.subject for row in mails] == ["0", "1", "2"]
            applications, following = await waiting(session, "applications", None, limit=2)
            assert [row.subject for row in applications] == ["A0", "A1"]
            rest, _ = await waiting(session, "applications", following, limit=2)
            assert [row.subject for row in rest] == ["A2"]
            await finish_task(session, "rates-old", world.clock())
            assert (await waiting(session, "setup", None))[0] == []


async def test_a_held_order_is_named_by_its_number(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await reseller(world)
        await recorded(world)
        async with database.tenant(tenant) as session:
            order = (await session.scalars(select(ResellerOrder))).one()
            await add_task(session, f"audit:{order.id}", order.id, [because("own_use")], world.clock())
            rows, _ = await waiting(session, "orders", None)
            assert [(row.order_number, row.kind) for row in rows] == [(order.number, "orders")]


async def _fill(world: World) -> None:
    at = world.clock()
    async with world.database.tenant(world.shop.tenant_id) as session:
        for number in range(3):
            moment = at + timedelta(minutes=2 * number)
            reason = because("mail_refused", subject="s", recipient="r", words="550")
            await add_task(session, f"mail:{number}", None, [reason], moment)
            session.add(
                Application(
                    id=f"A{number}",
                    saleor_user_id=f"u{number}",
                    email=f"u{number}@x.example",
                    state="submitted",
                    created_at=at,
                    submitted_at=moment + timedelta(minutes=1),
                )
            )
        await add_task(session, "rates-old", None, [because("rates_old", on=at.date(), days=1)], at + timedelta(hours=1))
        await add_task(session, "mail:done", None, [because("rates_old", on=at.date(), days=1)], at)
        await finish_task(session, "mail:done", at)
