"""What an end customer sees: its licenses and the orders they came by. Nothing here knows money (`rules.md` 9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.licenses.activation import STEPS
from app.licenses.service import license_file_name
from app.orders import claims, customer_view
from app.web.portal.visit import Person, Posted
from app.web.storefront.common import Cursor, Id

router = APIRouter()
PAGE = 20
Token = Annotated[str, Path(max_length=claims.MAX_TOKEN, pattern=r"^[A-Za-z0-9_-]+$")]


@router.get("/my/licenses")
async def licenses(person: Person, cursor: Cursor = None, notice: str = "") -> Response:
    """The end customer's licenses, the newest first."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, person.customer.user_id)
        found, following = await customer_view.page_of_licenses(session, own, PAGE, cursor)
    return person.page(
        "my_licenses.html",
        licenses=found,
        following=following,
        first=cursor is None,
        notice="claimed" if notice == "claimed" else "",
    )


@router.get("/my/licenses/{license_id}")
async def license(person: Person, license_id: Id) -> Response:
    """One license with the facts of its order, and how its file is applied."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, person.customer.user_id)
        found = await customer_view.customer_license(session, own, license_id)
    return person.page("my_license.html", license=found, steps=STEPS[person.language])


@router.get("/my/licenses/{license_id}/file")
async def license_file(person: Person, license_id: Id) -> Response:
    """The license file."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        own = await customer_view.customer_ids(session, person.customer.user_id)
        found = await customer_view.customer_file(session, own, license_id)
    return person.file(found.file, "application/octet-stream", license_file_name(found))


@router.get("/claims/{token}")
async def claim(person: Person, token: Token) -> Response:
    """What a mailed link is about, for the account of its mailbox; opening it takes nothing."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        found = await claims.shown_claim(
            session, person.services, token, user_id=person.customer.user_id, email=person.customer.email
        )
    return person.page("claim.html", claim=found, token=token)


@router.post("/claims/{token}")
async def take_claim(person: Person, token: Token, form: Posted) -> Response:
    """Take the licenses of a mailed link into the account that is signed in, once."""
    async with person.services.database.tenant(person.shop.tenant_id) as session:
        await claims.take_claim(
            session, person.services, person.shop, token, user_id=person.customer.user_id, email=person.customer.email
        )
    return person.go("/my/licenses?notice=claimed")
