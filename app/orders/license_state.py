"""Staff suspend, revoke or reinstate what went out: on the order's record, with who and why (`rules.md` 5.7)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound
from app.licenses.rules import LicenseState
from app.licenses.service import of_order, set_state
from app.licenses.tables import License
from app.orders.record import add_event, finish_task
from app.orders.service import find_order, lock_order
from app.orders.services import Services
from app.orders.tables import RefundRequest, ResellerOrder, StaffTask
from app.reasons import because, register

register(
    {
        "license_suspended": "The license for {skus} was suspended by {by}: {reason}.",
        "license_revoked": "The license for {skus} was revoked by {by}: {reason}.",
        "license_kept": "{by} decided that the license stays: {reason}.",
        "license_active": "The license for {skus} was reinstated by {by}: {reason}.",
    }
)


async def change_licenses(
    session: AsyncSession, services: Services, *, subject: str, state: LicenseState, by: str, reason: str
) -> Sequence[License]:
    """Suspend, revoke or reinstate (ACTIVE) all licenses of an order by its number, or one license by its id; what was changed.

    What staff were asked to decide about the order's licenses is done with it. Raises InvalidInput without a reason, NotFound
    where there is no such order or license, or none that is not in this state already.
    """
    why = reason.strip()
    if not why:
        raise InvalidInput("A decision about a license needs a reason.", code="no_reason")
    one = await session.scalar(select(License).where(License.id == subject))
    order = await lock_order(session, one.order_id if one else (await find_order(session, subject)).id)
    now = services.clock()
    changed = await set_state(session, one.id if one else order.id, state, reason=why, at=now)
    if not changed:
        raise NotFound(f"{subject} has no license that could become {state.value}; superseded ones stay so.", code="no_license")
    skus = ", ".join(row.sku for row in changed)
    said = because(f"license_{state.value}", skus=skus, by=by, reason=why.rstrip("."))
    await add_event(session, order.id, f"license:{state.value}:{changed[0].id}:{now.isoformat()}", now, said)
    if one is None or all(row.state != LicenseState.ACTIVE for row in await of_order(session, order.id)):
        await _decided(session, services, order.id)
    return changed


async def keep_licenses(session: AsyncSession, services: Services, *, number: str, by: str, reason: str) -> ResellerOrder:
    """What went out stays as it is although its money went: the third choice beside suspending and revoking (`rules.md` 5.7).

    Raises InvalidInput without a reason, NotFound, Conflict where nothing asks for this decision.
    """
    if not reason.strip():
        raise InvalidInput("A decision about a license needs a reason.", code="no_reason")
    order = await lock_order(session, (await find_order(session, number)).id)
    asked = select(StaffTask.id).where(StaffTask.order_id == order.id, StaffTask.done_at.is_(None), _asks())
    if await session.scalar(asked.limit(1)) is None:
        raise Conflict(f"Nothing asks for a decision about the licenses of order {order.number}.", code="nothing_asked")
    now = services.clock()
    said = because("license_kept", by=by, reason=reason.strip().rstrip("."))
    await add_event(session, order.id, f"license:kept:{now.isoformat()}", now, said)
    await _decided(session, services, order.id)
    return order


def _asks() -> ColumnElement[bool]:
    """Tasks that ask what becomes of the licenses of an order whose money went, or that was canceled."""
    return or_(*(StaffTask.key.startswith(prefix) for prefix in ("canceled:", "returned:", "refund:")))


async def _decided(session: AsyncSession, services: Services, order_id: str) -> None:
    """The tasks that asked for the decision are done.

    Refund tasks ask for two things; this was one of them, so they are done where no money is left to be sent.
    """
    asked = select(StaffTask.key).where(
        StaffTask.order_id == order_id,
        StaffTask.done_at.is_(None),
        StaffTask.key.startswith("returned:") | StaffTask.key.startswith("canceled:"),
    )
    for key in (await session.scalars(asked)).all():
        await finish_task(session, key, services.clock())
    waiting = select(RefundRequest.id).where(
        RefundRequest.order_id == order_id, RefundRequest.done_at.is_(None), RefundRequest.canceled_at.is_(None)
    )
    if await session.scalar(waiting.limit(1)) is not None:
        return
    tasks = select(StaffTask.key).where(
        StaffTask.order_id == order_id, StaffTask.key.startswith("refund:"), StaffTask.done_at.is_(None)
    )
    for key in (await session.scalars(tasks)).all():
        await finish_task(session, key, services.clock())
