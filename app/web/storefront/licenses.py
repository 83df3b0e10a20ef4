"""An end customer's licenses. Nothing here holds an amount or a currency (`rules.md` 9)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.orders import storefront
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import Id, binary, license_answer
from app.web.storefront.problems import problems

router = APIRouter(tags=["end customers"])


@router.get("/licenses", response_model=s.LicensesOut, responses=problems("not_a_customer"))
async def licenses(asking: Asking, services: Doors) -> s.LicensesOut:
    """The end customer's licenses, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        found = await storefront.customer_licenses(session, await storefront.customer_ids(session, asking.user_id))
    return s.LicensesOut(licenses=[s.LicenseOut.model_validate(one) for one in found])


@router.get("/licenses/{license_id}", response_model=s.LicenseOut, responses=problems("not_a_customer", "no_license"))
async def license(license_id: Id, asking: Asking, services: Doors) -> s.LicenseOut:
    """One license of the end customer."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, asking.user_id)
        return s.LicenseOut.model_validate(await storefront.customer_license(session, own, license_id))


@router.get(
    "/licenses/{license_id}/file",
    response_class=Response,
    responses=binary("application/octet-stream", "The license file.")
    | problems("not_a_customer", "no_license", "license_suspended", "license_revoked"),
)
async def license_file(license_id: Id, asking: Asking, services: Doors) -> Response:
    """The license file."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, asking.user_id)
        return license_answer(await storefront.customer_file(session, own, license_id))
