"""Where somebody comes to after signing in, and the Reseller Policy."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.errors import NotFound
from app.orders import storefront
from app.orders.acceptance import accept_in_force
from app.orders.applying import newest_application
from app.resellers import policy
from app.resellers.roles import Right
from app.resellers.rules import ResellerStatus
from app.web.portal.visit import Person, Posted

router = APIRouter()
RECENT = 5
NOTICES = ("accepted", "submitted", "joined")


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
        sees = person.may("SEE_ORDERS")
        recent = (await storefront.page_of_orders(session, reseller.id, RECENT, None))[0] if sees else ()
    return person.page("home.html", found=found, orders=recent, notice=notice if notice in NOTICES else "")


@router.get("/policy")
async def read_policy(person: Person) -> Response:
    """The Reseller Policy in force, with the button to accept it."""
    services, shop = person.services, person.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STANDING)
        version = (await policy.in_force(session, shop.settings, services.today(shop))).version
        text = await _text(session, version, person.language)
    accepted = next((one for one in reseller.acceptances if one.policy_version == version), None)
    may = person.may("ACCEPT_POLICY") and reseller.status not in (ResellerStatus.REJECTED, ResellerStatus.ENDED)
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
