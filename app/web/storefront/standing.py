"""On which terms a reseller orders, and what it owes."""

from __future__ import annotations

from fastapi import APIRouter

from app.orders import storefront
from app.resellers.roles import Right
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import shown_reasons
from app.web.storefront.problems import MEMBER, problems

router = APIRouter(tags=["resellers"])


@router.get("/standing", response_model=s.StandingOut, responses=problems(*MEMBER))
async def standing(asking: Asking, services: Doors) -> s.StandingOut:
    """On which terms the next order goes, why, and what is open."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STANDING)
        found = await storefront.reseller_standing(session, services, asking.shop, reseller, asking.user_id)
    return s.StandingOut(
        status=reseller.status,
        terms=found.standing.terms.value,
        counted_prepaid_orders=found.standing.counted,
        required_prepaid_orders=found.policy.prepaid_orders,
        reasons=shown_reasons(found.standing.reasons),
        lifted_by=[s.MoneyOut.of(one) for one in found.standing.lifted_by],
        credit_limit=s.MoneyOut.of(limit) if (limit := found.policy.credit_limit) else None,
        order_limit=s.MoneyOut.of(largest) if (largest := found.policy.order_limit) else None,
        may_order=not found.obstacles,
        obstacles=shown_reasons(found.obstacles),
        open_amounts=[s.OpenOut(open=s.MoneyOut.of(one.open), overdue=s.MoneyOut.of(one.overdue)) for one in found.open],
        upcoming=[s.UpcomingOut(due_date=one.due_date, amount=s.MoneyOut.of(one.amount)) for one in found.falling_due],
        unallocated=[s.MoneyOut.of(one) for one in found.unallocated],
    )
