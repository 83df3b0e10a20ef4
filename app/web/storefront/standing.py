"""On which terms a reseller orders, and the Reseller Policy it accepts."""

from __future__ import annotations

from fastapi import APIRouter, Request

from app.errors import Conflict, Forbidden
from app.orders import storefront
from app.resellers.policy import in_force
from app.resellers.roles import Right
from app.resellers.rules import ResellerStatus
from app.resellers.service import accept_policy
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import shown_reasons
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "policy_version": (409, "Version 2 of the Reseller Policy is in force; show it and ask again."),
    }
)


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
        unallocated=[s.MoneyOut.of(one) for one in found.unallocated],
    )


@router.post(
    "/policy/acceptance",
    response_model=s.AcceptanceOut,
    responses=problems(*MEMBER, "reseller_inactive", "policy_version"),
)
async def policy_acceptance(request: Request, body: s.AcceptanceIn, asking: Asking, services: Doors) -> s.AcceptanceOut:
    """Accept the Reseller Policy in force; a repetition changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ACCEPT_POLICY)
        if reseller.status in (ResellerStatus.REJECTED, ResellerStatus.ENDED):
            raise Forbidden("The reseller is not in the program.", code="reseller_inactive")
        version = (await in_force(session, asking.shop.settings, services.today(asking.shop))).version
        if body.version != version:
            raise Conflict(f"Version {version} of the Reseller Policy is in force; show it and ask again.", code="policy_version")
        new = await accept_policy(
            session,
            reseller,
            version=version,
            by=asking.email,
            at=services.clock(),
            language=body.language or "",
            address=request.client.host if request.client else None,
        )
    return s.AcceptanceOut(version=version, new=new)
