"""What a reseller owes beside money: the pages that list the vendor's products, and its word that it read of new prices."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import InvalidInput
from app.orders import obligations as cases
from app.reasons import Reason
from app.resellers import obligations
from app.resellers.roles import Right
from app.web.portal.visit import Person, Posted, Signed
from app.web.storefront.common import Id

router = APIRouter()


@router.get("/listings")
async def show(person: Person, notice: str = "") -> Response:
    """The pages with what their last check found, and the form to change them."""
    return await _page(person, notice="listings_saved" if notice == "listings_saved" else "")


@router.post("/listings")
async def change(person: Person, form: Posted) -> Response:
    """Record these pages, one in each line, in place of those before."""
    services = person.services
    urls = form["urls"].split()
    try:
        async with services.database.tenant(person.shop.tenant_id) as session:
            reseller = await person.member(session, Right.CHANGE_LISTINGS)
            await cases.set_listings(session, services, reseller, urls, by=person.customer.email)
    except InvalidInput as error:
        return await _page(person, typed=form["urls"], error=error)
    return person.go("/listings?notice=listings_saved")


@router.post("/announcements/{change_id}")
async def acknowledge(person: Person, change_id: Id, form: Posted) -> Response:
    """Say that a price change was read; a repetition changes nothing."""
    services = person.services
    async with services.database.tenant(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.ACKNOWLEDGE_PRICES)
        address = person.request.client.host if person.request.client else None
        by = person.customer.email
        await cases.acknowledge_price_change(session, services, reseller, change_id, by=by, address=address)
    return person.go("/?notice=acknowledged")


async def _page(person: Signed, *, notice: str = "", typed: str | None = None, error: InvalidInput | None = None) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_LISTINGS)
        rows, _ = await obligations.page_of_listings(session, reseller.id, obligations.MAX_LISTINGS, None)  # never more
    return person.page(
        "listings.html",
        status=error.status if error else 200,
        listings=[(row, Reason.from_dict(row.problem) if row.problem else None) for row in rows],
        urls=typed if typed is not None else "\n".join(row.url for row in rows),
        longest=(obligations.MAX_URL + 2) * obligations.MAX_LISTINGS,
        error=error,
        notice=notice,
    )
