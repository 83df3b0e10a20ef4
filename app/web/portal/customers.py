"""What an end customer sees: its licenses and the orders they came by. Nothing here knows money (`rules.md` 9)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.licenses.service import license_file_name
from app.orders import storefront
from app.web.portal.visit import Person
from app.web.storefront.common import Id

router = APIRouter()


@router.get("/my/licenses")
async def licenses(person: Person) -> Response:
    """The end customer's licenses, the newest first."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        found = await storefront.customer_licenses(session, await storefront.customer_ids(session, person.customer.user_id))
    return person.page("my_licenses.html", licenses=found, withheld=storefront.WITHHELD)


@router.get("/my/licenses/{license_id}")
async def license(person: Person, license_id: Id) -> Response:
    """One license with the facts of its order."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, person.customer.user_id)
        found = await storefront.customer_license(session, own, license_id)
    return person.page("my_license.html", license=found, withheld=storefront.WITHHELD)


@router.get("/my/licenses/{license_id}/file")
async def license_file(person: Person, license_id: Id) -> Response:
    """The license file."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, person.customer.user_id)
        found = await storefront.customer_file(session, own, license_id)
    return person.file(found.file, "application/octet-stream", license_file_name(found))
