"""What a variant costs the reseller, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.errors import InvalidInput, NotFound, ResellerError
from app.orders import storefront
from app.resellers.roles import Right
from app.saleor import operations as ops
from app.web.portal.visit import Person, Signed

router = APIRouter()
MAX_SKU, MAX_QUANTITY = 255, 1_000_000


@router.get("/prices")
async def prices(
    person: Person,
    sku: Annotated[str, Query(max_length=MAX_SKU)] = "",
    quantity: Annotated[str, Query(max_length=20)] = "1",
) -> Response:
    """The form to ask by and, for a SKU, its price in every channel that sells it."""
    error = None
    found: list[tuple[str, storefront.PricedLine]] = []
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        await person.member(session, Right.SEE_PRICES)
    if sku.strip():
        try:
            found = await _look_up(person, sku.strip(), _quantity(quantity))
        except ResellerError as refused:
            if refused.status >= 500:
                raise
            error = refused
    return person.page("prices.html", status=error.status if error else 200, sku=sku, quantity=quantity, found=found, error=error)


async def _look_up(person: Signed, sku: str, quantity: int) -> list[tuple[str, storefront.PricedLine]]:
    services, shop = person.services, person.shop
    client = await services.shops.client(shop)
    variant = (await client.execute(ops.VARIANT_BY_SKU, sku=sku)).product_variant
    listings = variant.channel_listings or [] if variant else []
    channels = sorted(entry.channel.slug for entry in listings if entry.price)
    if variant is None or not channels:
        raise NotFound("There is no product with this SKU that has a price.", code="no_sku")
    return [
        (channel, line)
        for channel in channels
        for line in await storefront.price_lines(services, shop, person.customer.user_id, channel, [(variant.id, quantity)])
    ]


def _quantity(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= MAX_QUANTITY:
        raise InvalidInput(f"quantity: give a whole number from 1 to {MAX_QUANTITY}.", code="quantity")
    return int(text)
