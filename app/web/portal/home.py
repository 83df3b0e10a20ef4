"""Where somebody comes to after signing in, and the Reseller Policy."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.errors import NotFound
from app.orders import storefront
from app.orders.acceptance import accept_in_force
from app.orders.applying import newest_application
from app.resellers import policy
from app.resellers.obligations import acknowledged
from app.resellers.roles import Right
from app.resellers.rules import ResellerStatus
from app.web.portal.visit import Person, Posted

router = APIRouter()
RECENT = 5
SHOWN_CHANGES = 10
"""Price changes to come, the nearest."""
NOTICES = ("accepted", "submitted", "joined", "acknowledged")


@router.get("/")
async def home(person: Person, notice: str = "") -> Response:
    """The reseller's standing; what there is for everybody else who has an account in the shop."""
    services, shop = person.services, person.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        application = await newest_application(session, person.customer.user_id)
        if not person.is_reseller:
            return person.page("welcome.html", application=application, notice=notice if notice in NOTICES else "")
        reseller = await person.member(session, Right.SEE_STANDING)
        found = await storefront.reseller_standing(session, services, shop, reseller, person.customer.user_id)
        current = await policy.in_force(session, shop.settings, services.today(shop))
        changes: list[storefront.UpcomingChange] = []
        if person.may("SEE_PRICES"):
            changes, _ = await storefront.upcoming_changes(session, services, shop, reseller, SHOWN_CHANGES, None)
        read = await acknowledged(session, reseller.id) if changes else {}
        sees = person.may("SEE_ORDERS")
        recent = (await storefront.page_of_orders(session, reseller.id, RECENT, None))[0] if sees else ()
    accepted = any(one.policy_version == current.version for one in reseller.acceptances)
    graced = not accepted and current.since is not None and not found.obstacles
    return person.page(
        "home.html",
        found=found,
        orders=recent,
        changes=changes,
        read=read,
        policy=current if graced else None,
        accept_until=current.since + timedelta(days=current.grace_days) if graced and current.since else None,
        notice=notice if notice in NOTICES else "",
    )


@router.get("/policy")
async def read_policy(person: Person) -> Response:
    """The Reseller Policy in force, for applicants too, with the button to accept it for whoever may."""
    services, shop = person.services, person.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        version = (await policy.in_force(session, shop.settings, services.today(shop))).version
        text = await _text(session, version, person.language)
    reseller = person.reseller
    accepted = next((one for one in reseller.acceptances if one.policy_version == version), None) if reseller else None
    may = person.may("ACCEPT_POLICY") and person.status not in (ResellerStatus.REJECTED, ResellerStatus.ENDED)
    return person.page("policy.html", version=version, text=text, accepted=accepted, may=may)


@router.post("/policy")
async def accept(person: Person, form: Posted) -> Response:
    """Accept the version that was shown."""
    services, shop = person.services, person.shop
    async with services.database.tenant(shop.tenant_id) as session:
        await accept_in_force(
            session,
            services,
            shop,
            await person.member(session, Right.ACCEPT_POLICY),
            version=form["version"],
            by=person.customer.email,
            language="de" if form["text_language"] == "de" else "en",
            address=person.request.client.host if person.request.client else None,
        )
    return person.go("/?notice=accepted")


async def _text(session: AsyncSession, version: str, language: str) -> str:
    """The text of a version in Markdown; empty where the vendor published none here."""
    try:
        row = await policy.find_version(session, version)
    except NotFound:
        return ""
    return row.text_de if language == "de" else row.text_en
