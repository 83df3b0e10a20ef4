"""Work that gave up after all its tries, shown to staff until it is through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.record import add_task
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
