"""Price lists as staff work on them: what they name is looked up in the shop, and a change is made now or planned for a day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput, NotFound
from app.money import Money
from app.orders import price_changes
from app.orders.services import Services
from app.pricing import service
from app.pricing.draft import Difference, Draft, check_id
from app.pricing.list_file import unknown_skus, with_ids
from app.pricing.planned import prices_on
from app.pricing.preview import Preview, preview
from app.pricing.rules import Item, Scope, StaffException
from app.pricing.tables import DEFAULT_LIST, PriceChange, PriceEntry, PriceListAssignment, PriceListRow
from app.resellers.rules import ResellerStatus
from app.resellers.service import find
from app.saleor import operations as ops
from app.saleor.answers import SaleorNamedVariant
from app.saleor.shops import Shop

AT_ONCE = 8
"""Variants looked up in Saleor at a time."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What a reseller pays for a variant in one channel."""

    channel: str
    chain: Preview


async def variant_of(services: Services, shop: Shop, sku: str) -> SaleorNamedVariant:
    """The shop's variant with a SKU. Raises NotFound."""
    client = await services.shops.client(shop)
    variant = (await client.execute(ops.VARIANT_BY_SKU, sku=sku)).product_variant
    if variant is None:
        raise NotFound(f"The store has no variant with the SKU {sku}.", code="no_variant")
    return variant


async def target_of(services: Services, shop: Shop, scope: Scope, given: str) -> tuple[str, str]:
    """Saleor's id of what an entry is for, and what people call it.

    A variant is given by its SKU; a product by the SKU of one of its variants or its id; the others by their id. Raises NotFound
    and InvalidInput.
    """
    if scope is Scope.VARIANT:
        return (await variant_of(services, shop, given)).id, given
    if scope is Scope.PRODUCT:
        client = await services.shops.client(shop)
        variant = (await client.execute(ops.VARIANT_BY_SKU, sku=given)).product_variant
        if variant:
            return variant.product.id, variant.product.name
    check_id(scope, given)
    return given, given


async def with_variant_ids(services: Services, shop: Shop, draft: Draft) -> Draft:
    """The draft of a file with the ids of variants that it names by their SKUs, a few asked for at a time."""
    skus = unknown_skus(draft)
    if not skus:
        return draft
    client = await services.shops.client(shop)
    few = asyncio.Semaphore(AT_ONCE)

    async def look_up(sku: str) -> tuple[str, str | None]:
        async with few:
            variant = (await client.execute(ops.VARIANT_BY_SKU, sku=sku)).product_variant
            return sku, variant.id if variant else None

    found = await asyncio.gather(*(look_up(sku) for sku in skus))
    return with_ids(draft, {sku: variant_id for sku, variant_id in found if variant_id})


def excepted(draft: Draft, reason: str, expires: date) -> Draft:
    """The draft with leave to go above the cap, up to its own highest rate. Raises InvalidInput where it has none."""
    rates = [terms.rate for terms in draft.entries.values() if terms is not None and terms.rate is not None]
    if draft.rate is not None:
        rates.append(draft.rate)
    if not rates:
        raise InvalidInput("reason: nothing here has a rate that needs an exception.", code="exception")
    return replace(draft, exception=StaffException(max(rates), reason, expires))


async def prices_of(
    services: Services, shop: Shop, email: str, sku: str, *, quantity: int, day: date, channel: str = ""
) -> list[Priced]:
    """What a reseller pays for a variant on a day, by channel, with all that is planned until then.

    Raises InvalidInput for a day that is over or a reseller that sees public prices, NotFound for what is not there or not sold.
    """
    today = services.today(shop)
    if day < today:
        raise InvalidInput(f"on: {day} is over; give a day to come.", code="on")
    variant = await variant_of(services, shop, sku)
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await find(session, email)
        if reseller.status != ResellerStatus.APPROVED:
            raise InvalidInput(f"{reseller.company} is {reseller.status} and sees public prices.", code="reseller_inactive")
        cap = shop.settings.program.max_discount_percent
        prices = await prices_on(session, reseller.id, day, cap=cap, announced=False)
    item = Item(
        variant.id,
        variant.product.id,
        variant.product.category.id if variant.product.category else None,
        tuple(collection.id for collection in variant.product.collections or ()),
    )
    shown = []
    for listing in variant.channel_listings or ():
        if listing.price is not None and channel in ("", listing.channel.slug):
            retail = Money.of(listing.price.amount, listing.channel.currency_code)
            shown.append(Priced(listing.channel.slug, preview(item, quantity, retail, prices, day)))
    if not shown:
        raise NotFound(f"{sku} has no price in {channel or 'any channel'}; it is not available there.", code="no_price")
    return shown


async def carry_out(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    draft: Draft,
    *,
    name: str,
    on: date | None,
    short_notice: bool,
    why: str,
    by: str,
) -> tuple[PriceListRow | PriceChange, Difference]:
    """Change a list at once or, with a day, plan it; the list or the planned change, and what differs."""
    if on is not None:
        return await price_changes.plan(
            session, services, shop, draft, on=on, by=by, why=why, short_notice=short_notice, name=name
        )
    if short_notice:
        raise InvalidInput("short_notice: it goes with a day to come.", code="short_notice")
    return await service.change(
        session,
        draft,
        cap=shop.settings.program.max_discount_percent,
        today=services.today(shop),
        by=by,
        at=services.clock(),
        why=why,
        name=name,
    )


async def list_by_id(session: AsyncSession, list_id: str, *, cap: int) -> PriceListRow:
    """A list by its row; `default` is the one of all others, even while nobody has set it. Raises NotFound."""
    if list_id == DEFAULT_LIST:
        return await service.known_list(session, cap=cap)
    name = await session.scalar(select(PriceListRow.name).where(PriceListRow.id == list_id))
    if name is None:
        raise NotFound("There is no such price list any more.", code="no_price_list")
    return await service.known_list(session, cap=cap, name=name)


async def entry_counts(session: AsyncSession) -> Mapping[str, int]:
    """How many entries each list has, by its id."""
    return await _counted(session, select(PriceEntry.price_list_id, func.count()).group_by(PriceEntry.price_list_id))


async def reseller_counts(session: AsyncSession) -> Mapping[str, int]:
    """How many resellers have each list for themselves, by its id."""
    by_list = select(PriceListAssignment.price_list_id, func.count()).group_by(PriceListAssignment.price_list_id)
    return await _counted(session, by_list)


async def _counted(session: AsyncSession, query: Select[str, int]) -> Mapping[str, int]:
    return dict((await session.execute(query)).all())
