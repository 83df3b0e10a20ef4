"""An end customer's licenses. Nothing here holds an amount or a currency (`rules.md` 9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.licenses.activation import STEPS
from app.orders import customer_view
from app.orders.customer_view import CustomerLicense
from app.web.storefront import customer_schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import PREFIX, Cursor, Id, Limit, binary, license_answer
from app.web.storefront.problems import problems

router = APIRouter(tags=["end customers"])
Language = Annotated[s.Language, Query(description="Of the instructions.", examples=["en"])]


@router.get("/licenses", response_model=s.LicensesOut, responses=problems("not_a_customer", "cursor"))
async def licenses(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> s.LicensesOut:
    """The end customer's licenses with their orders' facts, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        found, following = await customer_view.page_of_licenses(session, own, limit, cursor)
    return s.LicensesOut(licenses=[s.LicenseOut.model_validate(_facts(one)) for one in found], next=following)


@router.get("/licenses/{license_id}", response_model=s.LicenseDetailOut, responses=problems("not_a_customer", "no_license"))
async def license(license_id: Id, asking: Asking, services: Doors, language: Language = "en") -> s.LicenseDetailOut:
    """One license of the end customer, and how its file is applied."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        found = await customer_view.customer_license(session, own, license_id)
    return s.LicenseDetailOut.model_validate(_facts(found) | {"activation": STEPS[language]})


@router.get(
    "/licenses/{license_id}/file",
    response_class=Response,
    responses=binary("application/octet-stream", "The license file.")
    | problems("not_a_customer", "no_license", "license_suspended", "license_revoked"),
)
async def license_file(license_id: Id, asking: Asking, services: Doors) -> Response:
    """The license file."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, asking.user_id)
        return license_answer(await customer_view.customer_file(session, own, license_id))


def _facts(one: CustomerLicense) -> dict[str, object]:
    facts = {name: getattr(one, name) for name in one.__slots__}
    return facts | {"href": f"{PREFIX}/licenses/{one.id}/file" if one.file_name else None}
