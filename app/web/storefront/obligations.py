"""The reseller's product listings, and its word that it has read of a price change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import Field

from app.orders import obligations as cases
from app.orders import storefront
from app.reasons import Reason
from app.resellers import obligations
from app.resellers.roles import Right
from app.resellers.tables import ProductListing
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import Cursor, Id, Limit
from app.web.storefront.problems import MEMBER, problems, register_problems
from app.web.storefront.schemas import Model, Next, ReasonOut

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "listing_url": (400, "urls: 'example' is not a web address like https://www.example.com/products."),
        "no_price_change": (404, "There is no such price change for this account."),
    }
)
URL = "https://www.beta.example/products"
MOMENT = "2026-03-09T12:00:00Z"


class ListingsIn(Model):
    urls: list[str] = Field(
        max_length=obligations.MAX_LISTINGS, description="All pages; they take the place of those before.", examples=[[URL]]
    )


class ListingOut(Model):
    url: str = Field(examples=[URL])
    checked_at: datetime | None = Field(description="Null before the first check.", examples=[MOMENT])
    verified_at: datetime | None = Field(description="When a check last found the page.", examples=[MOMENT])
    problem: ReasonOut | None = Field(
        description="Why the last check did not find it.",
        examples=[
            {
                "code": "page_status",
                "params": {"url": URL, "status": "404"},
                "sentence": f"{URL} answers with status 404.",
            }
        ],
    )


class ListingsOut(Model):
    listings: list[ListingOut] = Field(description="By address.")
    next: Next


class AcknowledgedOut(Model):
    new: bool = Field(description="False when it was acknowledged before.", examples=[True])


@router.get("/listings", response_model=ListingsOut, responses=problems(*MEMBER, "cursor"))
async def listings(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> ListingsOut:
    """The pages on which the reseller lists the vendor's products, and what their last check found."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_LISTINGS)
        return _listings(*await obligations.page_of_listings(session, reseller.id, limit, cursor))


@router.put("/listings", response_model=ListingsOut, responses=problems(*MEMBER, "listing_url"))
async def set_listings(body: ListingsIn, asking: Asking, services: Doors) -> ListingsOut:
    """Record these pages in place of those before; each is checked within a day, and then every so often."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_LISTINGS)
        return _listings(await cases.set_listings(session, services, reseller, body.urls, by=asking.email))


@router.post(
    "/price-changes/{change_id}/acknowledgement",
    response_model=AcknowledgedOut,
    responses=problems(*MEMBER, "no_price_change"),
)
async def acknowledge_price_change(change_id: Id, request: Request, asking: Asking, services: Doors) -> AcknowledgedOut:
    """Say that a price change was read; a repetition changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ACKNOWLEDGE_PRICES)
        address = request.client.host if request.client else None
        new = await cases.acknowledge_price_change(session, services, reseller, change_id, by=asking.email, address=address)
    return AcknowledgedOut(new=new)


def _listings(rows: Sequence[ProductListing], following: str | None = None) -> ListingsOut:
    return ListingsOut(
        listings=[
            ListingOut(
                url=row.url,
                checked_at=row.checked_at,
                verified_at=row.verified_at,
                problem=ReasonOut.of(Reason.from_dict(row.problem)) if row.problem else None,
            )
            for row in rows
        ],
        next=following,
    )
