"""The two lists an order leaves behind: what happened to it, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.services import Services
from app.orders.tables import OrderEvent, ResellerOrder, StaffDecision, StaffTask
from app.reasons import Reason, sentence

PROGRAM = "the program"


async def add_event(session: AsyncSession, order_id: str, key: str, at: datetime, what: Reason) -> bool:
    """Put one happening on the order's record, once by its key; False when it stood there already."""
    return await _once(session, OrderEvent(order_id=order_id, key=key, at=at, what=what.as_dict()))


async def add_task(session: AsyncSession, key: str, order_id: str | None, reasons: Iterable[Reason], at: datetime) -> bool:
    """Ask a person for a decision, once by the key; False while that is asked already.

    A task that was done opens anew with these reasons: the problem is there again, and staff are told again.
    """
    found = [reason.as_dict() for reason in reasons]
    if await _once(session, StaffTask(key=key, order_id=order_id, reasons=found, created_at=at)):
        return True
    query = select(StaffTask).where(StaffTask.key == key).with_for_update().execution_options(populate_existing=True)
    task = (await session.scalars(query)).one()
    if task.done_at is None:
        return False
    task.order_id, task.reasons, task.created_at = order_id, found, at
    task.told_at = task.done_at = None
    return True


async def finish_task(session: AsyncSession, key: str, at: datetime) -> bool:
    """The task is done; False when there is none, or it was done before."""
    task = await session.scalar(select(StaffTask).where(StaffTask.key == key, StaffTask.done_at.is_(None)))
    if task is None:
        return False
    task.done_at = at
    return True


async def hold(
    session: AsyncSession, row: ResellerOrder, why: Reason, services: Services, key: str, *, done: Reason | None = None
) -> None:
    """Hold an order by the program itself and ask staff, once by the key; staff end it with their own decision.

    `done` tells them what the program did about it already, or could not do.
    """
    now = services.clock()
    if not await add_event(session, row.id, key, now, why):
        return
    if row.release_decided_at is None:
        session.add(StaffDecision(order_id=row.id, hold=True, by=PROGRAM, reason=sentence(why).rstrip("."), at=now))
    await add_task(session, f"{key}:{row.id}", row.id, [why] if done is None else [why, done], now)


async def open_tasks(session: AsyncSession) -> Sequence[tuple[StaffTask, str | None]]:
    """What needs a person with the number of its order, the oldest first."""
    query = (
        select(StaffTask, ResellerOrder.number)
        .outerjoin(ResellerOrder, ResellerOrder.id == StaffTask.order_id)
        .where(StaffTask.done_at.is_(None))
        .order_by(StaffTask.created_at, StaffTask.id)
    )
    return [(task, number) for task, number in await session.execute(query)]


async def _once(session: AsyncSession, row: OrderEvent | StaffTask) -> bool:
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True
