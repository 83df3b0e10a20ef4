"""Several workers on one database: they share the work, none does it twice, and what one leaves for good the others take up."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.clock import system_clock
from app.db import workers
from app.db.jobs import system_url
from app.orders import workflow
from app.sandbox.seed import RESELLER
from tests.faults.once import assert_nothing_contradicts, assert_released_once
from tests.journeys.harness import Journey, journey

GONE = "worker-that-is-gone"


async def test_the_work_of_a_worker_that_is_gone_is_taken_over_and_that_of_a_living_one_is_not(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path, worker=False) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="new@customer.example")
        await at.sandbox.settled()
        left = taken_by(at, GONE)
        assert left
        services, me = at.services, at.settings.worker_id
        await workflow.start(services)
        try:
            now = system_clock()
            await workers.beat(services.database, GONE, now)
            await workers.beat(services.database, GONE, now)
            assert await workers.take_over(services.database, services.jobs, me, now + workers.GONE_AFTER / 2) == []
            assert {state for _, state in (await at.workflows()).values()} == {"PENDING"}
            later = now + workers.GONE_AFTER + timedelta(seconds=1)
            both = await asyncio.gather(*(workers.take_over(services.database, services.jobs, me, later) for _ in range(2)))
            assert [GONE] in both
            await at.idle()
            await at.wire_came(order.number)
            await at.idle()
            await assert_released_once(at, order.number)
            await assert_nothing_contradicts(at)
        finally:
            await asyncio.to_thread(workflow.stop)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_worker_whose_clock_is_behind_is_not_taken_for_gone(database_url: str, tmp_path: Path) -> None:
    def behind() -> datetime:
        return system_clock() - timedelta(hours=1)

    def ahead() -> datetime:
        return system_clock() + timedelta(hours=1)

    async with journey(database_url, tmp_path, worker=False) as at:
        await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="new@customer.example")
        await at.sandbox.settled()
        assert taken_by(at, GONE)
        services = at.services
        beating = asyncio.create_task(workers.keep(services.database, services.jobs, GONE, behind, 0.02))

        async def beats() -> bool:
            async with services.database.system_reading() as session:
                return await session.get(workers.Worker, GONE) is not None

        await at.until(beats)
        now = await workers.shared_now(services.database, ahead)
        assert await workers.take_over(services.database, services.jobs, at.settings.worker_id, now) == []
        beating.cancel()


async def test_a_worker_that_stopped_in_order_is_gone_at_once(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path, worker=False) as at:
        await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="new@customer.example")
        await at.sandbox.settled()
        taken_by(at, GONE)
        services = at.services
        await workers.beat(services.database, GONE, workers.ENDED)
        await workflow.start(services)
        try:
            assert await workers.take_over(services.database, services.jobs, "other", system_clock()) == [GONE]
            await at.idle()
        finally:
            await asyncio.to_thread(workflow.stop)


async def test_work_that_a_living_worker_never_heard_of_is_done_after_a_second_look(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path, worker=False) as at:
        await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="new@customer.example")
        await at.sandbox.settled()
        taken_by(at, GONE)
        services, me = at.services, at.settings.worker_id
        await workflow.start(services)
        try:
            held = taken_by(at, me)
            missed = await workers.take_up(services.database, services.jobs, me, set())
            assert len(missed) == held
            assert {state for _, state in (await at.workflows()).values()} == {"PENDING"}
            assert await workers.take_up(services.database, services.jobs, me, missed) == set()
            await at.idle()
            assert await workers.take_up(services.database, services.jobs, me, set()) == set()
        finally:
            await asyncio.to_thread(workflow.stop)


def taken_by(at: Journey, name: str) -> int:
    """Let all work that waits be in the hands of a worker, as if it had died the moment it took it; how much there is."""
    url = at.settings.database_url
    table = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
    engine = sa.create_engine(system_url(url))
    with engine.begin() as connection:
        changed = connection.execute(
            sa.text(f"UPDATE {table} SET status = 'PENDING', executor_id = :name, application_version = '1'"), {"name": name}
        )
    engine.dispose()
    return changed.rowcount
