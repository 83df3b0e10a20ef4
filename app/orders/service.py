"""Use cases on a recorded order: the gate, wires, staff decisions, cancellation. One transaction each, opened by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.ledger.booking import Share, Wire
from app.ledger.service import Booking, book_wire, checked_reference, credit_order, receivable, receivable_id
from app.licenses.rules import LicenseState
from app.licenses.service import set_state
from app.money import Money
from app.orders.booked import Came, follow_booked
from app.orders.conversion import Conversion
from app.orders.intake import owe
from app.orders.record import add_event, add_task, finish_task
from app.orders.rules import Gate, Terms, gate
from app.orders.rules import StaffDecision as Decision
from app.orders.services import Services
from app.orders.tables import MoneyReport, OrderEvent, ResellerOrder, StaffDecision
from app.orders.tolerance import tolerance_of
from app.reasons import because, register
from app.saleor.shops import Shop

register(
    {
        "confirmed": "The audit passed; the order is confirmed.",
        "canceled": "The order was canceled in Saleor; what was open is credited.",
        "canceled_after_release": "The order was canceled after its license went out: keep, suspend or revoke it.",
        "gate_open": "The license may be released.",
        "held_by_staff": "Held by {by}: {reason}.",
        "released_by_staff": "Release ordered by {by}: {reason}.",
        "hold_ended": "The hold by {by} has ended: {reason}.",
        "release_ended": "The release by {by} has ended: {reason}.",
        "accepted_by_staff": "Accepted by {by}: {reason}. From here on the money decides.",
        "no_owner": "Nobody of the program stands behind the order; refund and cancel it.",
    }
)


ENDED = "ended:"
"""Begins the key of the event that notes the end of a decision."""


async def find_order(session: AsyncSession, number: str) -> ResellerOrder:
    """The recorded order of a number, with or without a leading #. Raises NotFound that says what to do."""
    order = await session.scalar(select(ResellerOrder).where(ResellerOrder.number == number.strip().lstrip("#")))
    if order is None:
        raise NotFound(f"There is no order {number} of a reseller here.", code="no_order")
    return order


async def lock_order(session: AsyncSession, order_id: str) -> ResellerOrder:
    """The order under its row's lock until the transaction ends. Raises NotFound."""
    order = await session.scalar(
        select(ResellerOrder).where(ResellerOrder.id == order_id).with_for_update().execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound("There is no such order.", code="no_order")
    return order


async def order_gate(session: AsyncSession, order: ResellerOrder, at: datetime) -> Gate:
    """Whether the order's license may go out now, with the reasons (`rules.md` 5)."""
    if order.canceled_at is not None:
        return Gate(False, (because("order_canceled"),))
    debt = await receivable_id(session, order.id)
    if debt is None:
        return Gate(False, (because("not_confirmed"),))
    rows = await session.scalars(
        select(StaffDecision).where(StaffDecision.order_id == order.id).order_by(StaffDecision.at.desc(), StaffDecision.id)
    )
    decision = next((found for row in rows if (found := in_force(row, at)) is not None), None)
    return gate(
        await receivable(session, debt),
        Terms(order.terms),
        at=at,
        confirmed=order.confirmed_at is not None,
        decision=decision,
    )


async def decide_release(session: AsyncSession, services: Services, tenant_id: str, order_id: str) -> bool:
    """Look at the gate under the order's lock; open, it starts the release in the same transaction. True when started now."""
    order = await lock_order(session, order_id)
    if order.release_decided_at is not None:
        return False
    now = services.clock()
    await _note_ended(session, services, tenant_id, order, now)
    found = await order_gate(session, order, now)
    if not found.open:
        return False
    order.release_decided_at = now
    order.release_reasons = [reason.as_dict() for reason in found.reasons]
    await add_event(session, order.id, "gate_open", now, because("gate_open"))
    # First: what is decided does not wait for the events that its own wire has caused in Saleor.
    await services.jobs.enqueue(
        session,
        "release_order",
        f"release:{tenant_id}:{order.id}",
        partition=order.saleor_order_id,
        args=(tenant_id, order.id),
        first=True,
    )
    return True


async def _note_ended(session: AsyncSession, services: Services, tenant_id: str, order: ResellerOrder, at: datetime) -> None:
    """Put on the record, once, that time has ended a hold or a release; Saleor is told in the order's own turn."""
    query = select(StaffDecision).where(StaffDecision.order_id == order.id, StaffDecision.expires_at <= at)
    for row in await session.scalars(query.order_by(StaffDecision.expires_at)):
        code = "hold_ended" if row.hold else "release_ended"
        said = because(code, by=row.by, reason=row.reason)
        if not await add_event(session, order.id, f"{ENDED}{row.id}", row.expires_at or at, said):
            continue
        await services.jobs.enqueue(
            session,
            "attend_order",
            f"{ENDED}{tenant_id}:{row.id}",
            partition=order.saleor_order_id,
            args=(tenant_id, order.saleor_order_id, "staff"),
        )


async def confirm_order(session: AsyncSession, order_id: str, at: datetime) -> None:
    """The order passed its audit and is confirmed in Saleor."""
    order = await lock_order(session, order_id)
    if order.confirmed_at is None:
        order.confirmed_at = at
        await add_event(session, order.id, "confirmed", at, because("confirmed"))


async def confirm_wire(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    *,
    number: str,
    amount: Money,
    bank_reference: str,
    value_date: date,
    by: str,
    conversion: Conversion | None = None,
) -> tuple[ResellerOrder, Booking]:
    """Book a wire for one order (`rules.md` 4.3), and start what follows: the report to Saleor and every gate it may open.

    Of another currency it is booked as `conversion` says, with rate and source on record (edge case 54). Repeated with the same
    bank reference it changes nothing. Raises NotFound, InvalidInput or Conflict as `ledger.book_wire`.
    """
    arrived, amount = amount, amount if conversion is None else conversion.of(amount)
    found = await find_order(session, number)
    order = await lock_order(session, found.id)
    if order.reseller_id is None or not order.audit_passed:
        raise Refused(
            f"Order {order.number} is held and owes nothing yet: accept it first with `reseller orders accept {order.number}`.",
            code="order_held",
        )
    now = services.clock()
    booking = await book_wire(
        session,
        order_id=order.id,
        amount=amount,
        bank_reference=bank_reference,
        value_date=value_date,
        by=by,
        at=now,
        tolerance_minor=(await tolerance_of(session, shop, order.reseller_id, order.currency, value_date)).of(order.total_minor),
        reason=str(conversion.reason(arrived)) if conversion else "",
    )
    if booking.repeated:
        return order, booking
    if conversion is not None:
        await add_event(session, order.id, f"converted:{booking.payment_id}", now, conversion.reason(arrived))
    wire = Wire(booking.payment_id, "", order.reseller_id, amount, value_date, checked_reference(bank_reference))
    share = Share(
        booking.debt_id, booking.allocated_minor, booking.bank_charge_minor, order.id, order.number, booking.allocation_id
    )
    came = Came(wire, (share,), booking.surplus_minor)
    await follow_booked(session, services, shop, [came], by=by, batch=booking.payment_id)
    return order, booking


async def ended_decisions(session: AsyncSession, at: datetime) -> list[str]:
    """Orders that still wait although a decision about them has ended, until `decide_release` has noted it on the record.

    However long no worker ran: time may have opened their gate (`rules.md` 5.5).
    """
    noted = select(OrderEvent.id).where(
        OrderEvent.order_id == StaffDecision.order_id, OrderEvent.key == literal(ENDED) + StaffDecision.id
    )
    query = (
        select(ResellerOrder.id)
        .join(StaffDecision, StaffDecision.order_id == ResellerOrder.id)
        .where(
            StaffDecision.expires_at <= at,
            ~noted.exists(),
            ResellerOrder.release_decided_at.is_(None),
            ResellerOrder.canceled_at.is_(None),
        )
        .distinct()
    )
    return list(await session.scalars(query))


async def waiting_orders(session: AsyncSession, reseller_id: str) -> Sequence[ResellerOrder]:
    """The reseller's orders whose gate is still closed, the oldest first: money for one may lift the others (`rules.md` 5.3)."""
    return (
        await session.scalars(
            select(ResellerOrder)
            .where(
                ResellerOrder.reseller_id == reseller_id,
                ResellerOrder.release_decided_at.is_(None),
                ResellerOrder.canceled_at.is_(None),
            )
            .order_by(ResellerOrder.created_at)
        )
    ).all()


async def staff_decides(
    session: AsyncSession,
    services: Services,
    tenant_id: str,
    *,
    number: str,
    hold: bool,
    by: str,
    reason: str,
    expires_at: datetime | None = None,
) -> ResellerOrder:
    """Hold or release one order, with a reason on the record (`rules.md` 5.5).

    Releasing an order that failed its audit accepts it: it is confirmed and owed as if it had passed. Raises InvalidInput without
    a reason or where nobody of the program would owe it, Conflict when the license is out or the order is canceled.
    """
    order, now = await _decidable(session, services, number, reason)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(
            "expires_at: a decision can end in the future only; leave it out for one without an end.", code="expiry"
        )
    if not hold and order.reseller_id is None:
        raise Refused(str(because("no_owner")), code="no_owner")
    session.add(StaffDecision(order_id=order.id, hold=hold, by=by, reason=reason.strip(), at=now, expires_at=expires_at))
    code = "held_by_staff" if hold else "released_by_staff"
    await add_event(session, order.id, f"staff:{now.isoformat()}", now, because(code, by=by, reason=reason.strip()))
    if not hold:
        await _accept_audit(session, order, by, reason, now)
    await _attend_again(session, services, tenant_id, order, now)
    return order


async def staff_accepts(
    session: AsyncSession, services: Services, tenant_id: str, *, number: str, by: str, reason: str
) -> ResellerOrder:
    """Accept an order that the audit or the program holds, without releasing it: from here on its money decides.

    Decisions in force end now and stay on the record. Raises as `staff_decides`.
    """
    order, now = await _decidable(session, services, number, reason)
    if order.reseller_id is None:
        raise Refused(str(because("no_owner")), code="no_owner")
    rows = await session.scalars(select(StaffDecision).where(StaffDecision.order_id == order.id))
    for row in rows:
        if in_force(row, now) is not None:
            row.expires_at = now
    accepted = because("accepted_by_staff", by=by, reason=reason.strip())
    await add_event(session, order.id, f"staff:{now.isoformat()}", now, accepted)
    await _accept_audit(session, order, by, reason, now)
    await _attend_again(session, services, tenant_id, order, now)
    return order


async def cancel_order(session: AsyncSession, order_id: str, at: datetime) -> bool:
    """The order was canceled in Saleor: nothing more is owed or issued (`rules.md` 5.7, edge case 53). False when known before.

    After the release it is a decision of staff what becomes of the license.
    """
    order = await lock_order(session, order_id)
    if order.canceled_at is not None:
        return False
    order.canceled_at = at
    await add_event(session, order.id, "canceled", at, because("canceled"))
    if await receivable_id(session, order.id) is not None:
        await credit_order(session, order.id, reason="canceled in Saleor", by="saleor", at=at)
    if order.release_decided_at is not None:
        await add_task(session, f"canceled:{order.id}", order.id, [because("canceled_after_release")], at)
    else:
        await set_state(session, order.id, LicenseState.REVOKED, reason="order canceled before its release", at=at)
        await finish_task(session, f"audit:{order.id}", at)
    return True


async def credit_later(
    session: AsyncSession,
    services: Services,
    tenant_id: str,
    order: ResellerOrder,
    occasion: str,
    why: str,
    amount_minor: int | None = None,
) -> None:
    """Have the order's invoice corrected by a credit note when this transaction commits, where there is an invoice."""
    await services.jobs.enqueue(
        session,
        "credit_invoice",
        f"credit:{tenant_id}:{order.id}:{occasion}",
        partition=order.saleor_order_id,
        args=(tenant_id, order.id, occasion, why, "" if amount_minor is None else str(amount_minor)),
    )


async def pending_reports(session: AsyncSession, order_id: str) -> Sequence[MoneyReport]:
    """What Saleor was not told yet about this order's money, in the order it was booked."""
    query = select(MoneyReport).where(MoneyReport.order_id == order_id, MoneyReport.reported_at.is_(None))
    return (await session.scalars(query.order_by(MoneyReport.at, MoneyReport.id))).all()


async def _decidable(session: AsyncSession, services: Services, number: str, reason: str) -> tuple[ResellerOrder, datetime]:
    if not reason.strip():
        raise InvalidInput("A decision about an order needs a reason.", code="no_reason")
    found = await find_order(session, number)
    order = await lock_order(session, found.id)
    if order.canceled_at is not None:
        raise Conflict(f"Order {order.number} is canceled.", code="order_canceled")
    if order.release_decided_at is not None:
        raise Conflict(
            f"The license of order {order.number} went out already; suspend or revoke it with `reseller license`.",
            code="already_released",
        )
    return order, services.clock()


async def _accept_audit(session: AsyncSession, order: ResellerOrder, by: str, reason: str, at: datetime) -> None:
    if order.audit_passed:
        return
    order.audit_passed = True
    order.audit = [*order.audit, because("audit_accepted", by=by, reason=reason.strip()).as_dict()]
    await owe(session, order, at)
    await finish_task(session, f"audit:{order.id}", at)


async def _attend_again(session: AsyncSession, services: Services, tenant_id: str, order: ResellerOrder, at: datetime) -> None:
    await services.jobs.enqueue(
        session,
        "attend_order",
        f"staff:{tenant_id}:{order.id}:{at.isoformat()}",
        partition=order.saleor_order_id,
        args=(tenant_id, order.saleor_order_id, "staff"),
    )


def in_force(row: StaffDecision, at: datetime) -> Decision | None:
    """The decision of a row as the rules see it; None when it counts no more."""
    decision = Decision(row.hold, row.by, row.reason, row.expires_at)
    return decision if decision.in_force(at) else None
