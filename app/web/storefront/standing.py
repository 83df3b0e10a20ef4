"""On which terms a reseller orders, and the Reseller Policy it accepts."""

from __future__ import annotations

from fastapi import APIRouter, Request

from app.orders import storefront
from app.orders.acceptance import accept_in_force
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import shown_reasons
from app.web.storefront.problems import problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "policy_version": (409, "Version 2 of the Reseller Policy is in force; show it and ask again."),
    }
)


@router.get("/standing", response_model=s.StandingOut, responses=problems("not_a_reseller"))
async def standing(asking: Asking, services: Doors) -> s.StandingOut:
    """On which terms the next order goes, why, and what is open."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        found = await storefront.reseller_standing(session, services, asking.shop, reseller)
    return s.StandingOut(
        status=reseller.status,
        terms=found.standing.terms.value,
        counted_prepaid_orders=found.standing.counted,
        required_prepaid_orders=found.required,
        reasons=shown_reasons(found.standing.reasons),
        may_order=not found.obstacles,
        obstacles=shown_reasons(found.obstacles),
        open_amounts=[s.OpenOut(open=s.MoneyOut.of(one.open), overdue=s.MoneyOut.of(one.overdue)) for one in found.open],
    )


@router.post(
    "/policy/acceptance",
    response_model=s.AcceptanceOut,
    responses=problems("not_a_reseller", "reseller_inactive", "policy_version"),
)
async def policy_acceptance(request: Request, body: s.AcceptanceIn, asking: Asking, services: Doors) -> s.AcceptanceOut:
    """Accept the Reseller Policy in force; a repetition changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        new = await accept_in_force(
            session,
            services,
            asking.shop,
            reseller,
            version=body.version,
            by=asking.email,
            language=body.language or "",
            address=request.client.host if request.client else None,
        )
    return s.AcceptanceOut(version=body.version, new=new)
