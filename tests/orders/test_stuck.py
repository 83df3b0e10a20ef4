from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.orders.stuck import show_stuck
from app.orders.tables import StaffTask
from app.reasons import Reason, sentence
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def tasks(world: World) -> list[StaffTask]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(StaffTask).order_by(StaffTask.key)))


async def shown(world: World, *ids: str) -> list[StaffTask]:
    found = [{"id": each, "workflow": "release_order", "error": "no\nanswer" * 200, "partition": "O1"} for each in ids]
    async with world.database.tenant(world.shop.tenant_id) as session:
        await show_stuck(session, found, NOW)
    return await tasks(world)


async def test_work_that_gave_up_is_a_task_until_it_is_through(world: World) -> None:
    row = await recorded(world)
    (task,) = await shown(world, "release:1")
    assert (task.order_id, task.done_at) == (row.id, None)
    said = sentence(Reason.from_dict(task.reasons[0]))
    assert said.startswith("release_order gave up")
    assert len(said) < 600
    assert len(await shown(world, "release:1")) == 1, "the same work is one task"
    first, second = await shown(world, "release:2")
    assert (first.done_at, second.done_at) == (NOW, None)
    assert [task.done_at for task in await shown(world)] == [NOW, NOW]
