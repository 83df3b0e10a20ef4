import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.db.session import Database
from app.orders.record import add_event, add_task, finish_task, open_tasks
from app.orders.tables import OrderEvent, StaffTask
from app.reasons import because
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller, rows


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def test_a_happening_stands_on_the_record_once(world: World) -> None:
    row = await recorded(world)

    async def add() -> bool:
        async with world.database.tenant(world.shop.tenant_id) as session:
            return await add_event(session, row.id, "gift", NOW, because("gift_card"))

    assert sorted(await asyncio.gather(*(add() for _ in range(5)))) == [False] * 4 + [True]
    assert len(await rows(world, OrderEvent, OrderEvent.key == "gift")) == 1


async def test_open_tasks_are_listed_with_their_orders_until_they_are_done(world: World) -> None:
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await add_task(session, "later", row.id, [because("gift_card")], NOW + timedelta(hours=1))
        assert await add_task(session, "first", None, [because("gift_card")], NOW)
        assert not await add_task(session, "first", row.id, [], NOW)
        assert [(task.key, number) for task, number in await open_tasks(session)] == [("first", None), ("later", "1")]
        assert [await finish_task(session, key, NOW) for key in ("first", "first", "nothing")] == [True, False, False]
        assert [task.key for task, _ in await open_tasks(session)] == ["later"]


async def test_a_problem_that_is_there_again_is_a_task_again(world: World) -> None:
    later = NOW + timedelta(days=1)

    async def ask(at: datetime, number: str) -> bool:
        async with world.database.tenant(world.shop.tenant_id) as session:
            return await add_task(session, "again", None, [because("po_number_taken", number=number)], at)

    assert await ask(NOW, "1")
    async with world.database.tenant(world.shop.tenant_id) as session:
        ((task, _),) = await open_tasks(session)
        task.told_at = NOW
        assert await finish_task(session, "again", NOW)
    assert sorted(await asyncio.gather(*(ask(later, "2") for _ in range(5)))) == [False] * 4 + [True]
    (task,) = await rows(world, StaffTask)
    assert (task.done_at, task.told_at, task.created_at) == (None, None, later)
    assert task.reasons == [because("po_number_taken", number="2").as_dict()]
