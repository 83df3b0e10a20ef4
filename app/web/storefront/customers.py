"""The routes of end customers: their licenses, and the links to claim one. Nothing here holds money (`rules.md` 9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.licenses.activation import STEPS
from app.licenses.service import license_file_name
from app.orders import claims, customer_view
from app.orders.customer_view import CustomerLicense
from app.orders.pages import MAX_PAGE
from app.web.storefront import customer_schemas as s
from app.web.storefront.access import Asking, Doors

PREFIX = "/storefront/v1"
FILE = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
customers = APIRouter(tags=["end customers"])
Id = Annotated[str, Path(max_length=36, pattern=r"^[^\x00]+$")]
Token = Annotated[str, Path(max_length=claims.MAX_TOKEN, pattern=r"^[A-Za-z0-9_-]+$", description="As the mailed link has it.")]


@customers.get("/licenses", response_model=s.LicensesOut)
async def licenses(
    asking: Asking,
    services: Doors,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> s.LicensesOut:
    """The end customer's licenses, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        found, following = await customer_view.page_of_licenses(session, own, limit, cursor)
    return s.LicensesOut(licenses=[s.LicenseOut(**_facts(one)) for one in found], next=following)


@customers.get("/licenses/{license_id}", response_model=s.LicenseDetailOut)
async def license(license_id: Id, asking: Asking, services: Doors, language: s.Language = "en") -> s.LicenseDetailOut:
    """One license of the end customer, and how its file is applied."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        found = await customer_view.customer_license(session, own, license_id)
    return s.LicenseDetailOut(**_facts(found), activation=list(STEPS[language]))


@customers.get("/licenses/{license_id}/file", response_class=Response, responses=FILE)  # type: ignore[arg-type]
async def license_file(license_id: Id, asking: Asking, services: Doors) -> Response:
    """The license file."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        row = await customer_view.customer_file(session, own, license_id)
    attached = {"Content-Disposition": f'attachment; filename="{license_file_name(row)}"'}
    return Response(row.file, media_type="application/octet-stream", headers=attached)


@customers.get("/claims/{token}", response_model=s.ClaimOut)
async def claim(token: Token, asking: Asking, services: Doors) -> s.ClaimOut:
    """What a mailed link is about, for the account of its mailbox."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        shown = await claims.shown_claim(session, services, token, user_id=asking.user_id, email=asking.email)
    return s.ClaimOut.model_validate(shown)


@customers.post("/claims/{token}", response_model=s.ClaimedOut)
async def take_claim(token: Token, asking: Asking, services: Doors) -> s.ClaimedOut:
    """Take the licenses of a mailed link into the account that is signed in, once."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        number = await claims.take_claim(session, services, asking.shop, token, user_id=asking.user_id, email=asking.email)
    return s.ClaimedOut(order_number=number, licenses=f"{PREFIX}/licenses")


def _facts(one: CustomerLicense) -> dict[str, object]:
    facts = {name: getattr(one, name) for name in one.__slots__}
    return facts | {"href": f"{PREFIX}/licenses/{one.id}/file" if one.file_name else None}
