"""Temporary licenses: one per order line while a prepaid order waits for its wire (`rules.md` 5.6)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Refused
from app.licenses.rules import LicenseKind, may_issue_temporary
from app.licenses.service import of_order
from app.licenses.tables import License
from app.orders.record import add_event
from app.orders.release import issue_for_line, queue_license_mail
from app.orders.service import find_order, lock_order, order_gate
from app.orders.services import Services
from app.reasons import because, register, sentence
from app.saleor.shops import Shop

register({"temporary_issued": "Temporary licenses for {days} days were issued by {by}."})


async def issue_temporary(session: AsyncSession, services: Services, shop: Shop, *, number: str, by: str) -> list[License]:
    """Issue and mail the order's temporary licenses. Raises Refused with the reasons where it may not be (edge case 85)."""
    order = await lock_order(session, (await find_order(session, number)).id)
    now = services.clock()
    numbers = shop.settings.program
    gate = await order_gate(session, order, now)
    had = await of_order(session, order.id)
    decision = may_issue_temporary(
        released=order.release_decided_at is not None,
        had_one=any(row.kind == LicenseKind.TEMPORARY for row in had),
        held=not order.audit_passed or any(reason.code == "staff_hold" for reason in gate.reasons),
        canceled=order.canceled_at is not None,
        allow_held=numbers.temporary_for_held and order.reseller_id is not None,
        days=numbers.temporary_license_days,
    )
    if not decision.allowed:
        raise Refused(" ".join(sentence(reason) for reason in decision.reasons), code=decision.reasons[0].code)
    issued = [
        await issue_for_line(session, services, shop, order, line, LicenseKind.TEMPORARY)
        for line in order.lines
        if line.license_policy is not None
    ]
    await add_event(session, order.id, "temporary", now, because("temporary_issued", days=numbers.temporary_license_days, by=by))
    await queue_license_mail(session, services, shop, order, issued)
    return issued
