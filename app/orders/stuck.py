"""Work that gave up after all its tries, shown to staff until it is through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.orders.record import add_task, finish_task
from app.orders.services import Services
from app.orders.tables import ResellerOrder, StaffTask
from app.reasons import because, register

register({"work_stuck": "{workflow} gave up and is tried again every five minutes: {error}"})

PREFIX = "stuck:"
MAX_ERROR = 500


async def show_stuck(session: AsyncSession, stuck: Iterable[Mapping[str, Any]], at: datetime) -> None:
    """A task per workflow that gave up, with its order where there is one; tasks of work that is through are done."""
    keys = set()
    for work in stuck:
        key = f"{PREFIX}{work['id']}"
        keys.add(key)
        order_id = await session.scalar(select(ResellerOrder.id).where(ResellerOrder.saleor_order_id == work["partition"]))
        reason = because("work_stuck", workflow=work["workflow"], error=str(work["error"])[:MAX_ERROR])
        await add_task(session, key, order_id, [reason], at)
    open_ones = select(StaffTask).where(StaffTask.key.startswith(PREFIX), StaffTask.done_at.is_(None))
    for task in await session.scalars(open_ones):
        if task.key not in keys:
            task.done_at = at


async def run_again(services: Services, tenant_id: str, work_id: str) -> None:
    """Run work that gave up once more, because a person asks; its task is done. Raises NotFound when it is not stuck any more."""
    stuck = {work["id"]: work for work in await services.jobs.stuck(tenant_id)}
    if work_id not in stuck:
        raise NotFound("This work is not stuck any more.", code="no_work")
    await services.jobs.run_again(work_id, stuck[work_id]["partition"])
    async with services.database.tenant(tenant_id) as session:
        await finish_task(session, f"{PREFIX}{work_id}", services.clock())
