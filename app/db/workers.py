"""Which workers are alive, so that the work of one that is gone for good is taken over by the others.

A worker that starts again under its own name takes up what it left behind by itself. One that was scaled away or lost its machine
never does: its work would wait for ever. So every worker says every few seconds that it is there, and looks who no longer does.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from dbos import DBOS
from dbos._dbos import _get_dbos_instance
from dbos._recovery import _recover_workflow
from dbos._sys_db import GetPendingWorkflowsOutput
from sqlalchemy import String, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import Clock
from app.db.base import Base
from app.db.jobs import Jobs
from app.db.session import Database

log = structlog.get_logger()

BEAT_SECONDS = 15.0
GONE_AFTER = timedelta(minutes=3)
"""Longer than any pause of a living worker; what is taken over too early runs twice, which every step can bear."""
ENDED = datetime(1970, 1, 1, tzinfo=UTC)


class Worker(Base):
    """A worker by its RESELLER_WORKER_ID and when it last said that it is there; ENDED when it stopped in order."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen_at: Mapped[datetime]


async def shared_now(database: Database, clock: Clock) -> datetime:
    """The time of all workers: the server's, for the clocks of their machines may be minutes apart, and one that is behind would
    be taken for gone while it works. On SQLite they are on one machine."""
    if database.engine.dialect.name == "sqlite":
        return clock()
    async with database.system_reading() as session:
        return (await session.execute(select(func.now()))).scalar_one()


async def beat(database: Database, name: str, at: datetime) -> None:
    """Say that this worker is there, or with ENDED that it leaves."""
    async with database.system() as session:
        found = await session.execute(update(Worker).where(Worker.name == name).values(seen_at=at).returning(Worker.name))
        if found.first() is None:
            with suppress(IntegrityError):
                async with session.begin_nested():
                    session.add(Worker(name=name, seen_at=at))


async def take_over(database: Database, jobs: Jobs, name: str, at: datetime) -> list[str]:
    """Put the work of workers that are gone back into the queue; their names.

    One without a row counts as gone, too: it never beat, or its row went with the database it was restored from.
    """
    async with database.system_reading() as session:
        busy = await jobs.busy_workers(session)
        alive = set(await session.scalars(select(Worker.name).where(Worker.seen_at > at - GONE_AFTER)))
    gone = sorted(busy - alive - {name})
    if gone:
        handles = await asyncio.to_thread(DBOS._recover_pending_workflows, gone)
        log.warning("workers.gone", names=gone, taken_over=len(handles))
    return gone


async def take_up(database: Database, jobs: Jobs, name: str, missed: set[str]) -> set[str]:
    """Put work in this worker's name that is not done here back into the queue: what it `missed` before and misses now.

    Returns what it misses for the first time. The database gave it out, and the connection broke before the worker heard of it.
    """
    async with database.system_reading() as session:
        held = await jobs.in_hands_of(session, name)
    dbos = _get_dbos_instance()
    missing = held - set(dbos._active_workflows_set.activeList())
    for workflow_id in sorted(lost := missing & missed):
        await asyncio.to_thread(_recover_workflow, dbos, GetPendingWorkflowsOutput(workflow_id=workflow_id), [name])
    if lost:
        log.warning("workers.lost", name=name, taken_up=len(lost))
    return missing - lost


async def keep(database: Database, jobs: Jobs, name: str, clock: Clock, seconds: float = BEAT_SECONDS) -> None:
    """Beat and look until canceled; errors never end it. The first look waits GONE_AFTER: until then others may be starting."""
    began = clock()
    missed: set[str] = set()
    while True:
        try:
            at = await shared_now(database, clock)
            await beat(database, name, at)
            missed = await take_up(database, jobs, name, missed)
            if clock() - began > GONE_AFTER:
                await take_over(database, jobs, name, at)
        except Exception:
            log.exception("worker_beat_failed", worker=name)
        await asyncio.sleep(seconds)
