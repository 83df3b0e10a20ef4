"""What a reseller on the default list pays for a product, for staff who look at the product in the Dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from app.money import Money
from app.orders.services import Services
from app.pricing.preview import Preview, preview
from app.pricing.rules import Item
from app.pricing.service import load_prices
from app.saleor import operations as ops
from app.saleor.shops import Shop


@dataclass(frozen=True, slots=True)
class VariantPrice:
    """The partner price of one variant in one channel, with the chain of reasons."""

    sku: str
    name: str
    channel: str
    chain: Preview


async def partner_prices(services: Services, shop: Shop, product_id: str) -> list[VariantPrice] | None:
    """By variant and channel; empty where nothing has a price, None where there is no such product any more."""
    client = await services.shops.client(shop)
    product = (await client.execute(ops.PRODUCT_PRICES, id=product_id)).product
    if product is None:
        return None
    async with services.database.tenant_reading(shop.tenant_id) as session:
        prices = (await load_prices(session, cap=shop.settings.program.max_discount_percent, reseller_id="")).default
    today = services.today(shop)
    collections = tuple(collection.id for collection in product.collections or ())
    found = []
    for variant in product.variants or ():
        # Saleor names a variant that nobody named by its id.
        name = product.name if variant.name in ("", variant.id) else variant.name
        item = Item(variant.id, product.id, product.category.id if product.category else None, collections)
        for listing in variant.channel_listings or ():
            if listing.price is not None:
                retail = Money.of(listing.price.amount, listing.channel.currency_code)
                chain = preview(item, 1, retail, prices, today)
                found.append(VariantPrice(variant.sku or "", name, listing.channel.slug, chain))
    return found
