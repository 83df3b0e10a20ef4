"""Carrying out the checks of what resellers owe beside money, and what staff see of it (`rules.md` 1.4, 2.6, edge case 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.mail.tables import Mail
from app.orders.pages import look_at
from app.orders.record import add_task, finish_task
from app.orders.services import Services
from app.orders.tables import StaffTask
from app.pricing.tables import PriceChange, PriceChangeNotice
from app.reasons import Reason, because, register
from app.resellers import obligations
from app.resellers.rules import ResellerStatus
from app.resellers.tables import ProductListing, Reseller
from app.saleor.registration import Resolve, resolve_host
from app.saleor.shops import Shop

register(
    {
        "listing_not_verified": "The product listing of {company} is not verified.",
        "listing_missing": "{company} accepted the policy more than {days} days ago and names no page that lists the products.",
    }
)

NO_LISTING = "no-listing:"
"""Begins the key of the task about a reseller that names no page."""
A_ROUND, AT_ONCE = 50, 10


@dataclass(frozen=True, slots=True)
class Announced:
    """A price change the reseller was told of, and when it said that it had read it; None: not yet."""

    id: str
    effective_on: date
    told_at: datetime
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Obligations:
    """How a reseller stands to them. `undelivered` are mails to its addresses that no server took, with the server's words."""

    listings: Sequence[ProductListing]
    undelivered: Sequence[tuple[str, str]]
    price_changes: Sequence[Announced]


async def check_listings(services: Services, shop: Shop, *, resolve: Resolve = resolve_host) -> int:
    """Look at the next pages that are due, and raise or finish a staff task each; how many were looked at."""
    numbers = shop.settings.program
    async with services.database.tenant_reading(shop.tenant_id) as session:
        due = await obligations.listings_due(session, at=services.clock(), days=numbers.listing_check_days, limit=A_ROUND)
    places = asyncio.Semaphore(AT_ONCE)

    async def look(url: str) -> Reason | None:
        async with places:
            private = services.settings.allow_private_addresses
            return await look_at(services.http, url, numbers.listing_words, allow_private=private, resolve=resolve)

    found = await asyncio.gather(*(look(row.url) for row, _ in due))
    for (row, company), problem in zip(due, found, strict=True):
        async with services.database.tenant(shop.tenant_id) as session:
            now = services.clock()
            kept = await obligations.note_check(session, row.id, problem, now)
            if kept is not None and problem is not None:
                await add_task(session, _key(row.id), None, [because("listing_not_verified", company=company), problem], now)
            else:
                await finish_task(session, _key(row.id), now)
    return len(due)


async def ask_for_listings(services: Services, shop: Shop) -> int:
    """Raise a staff task for the next resellers that should have named a page by now and have none; how many (`rules.md` 1.4).

    A task that staff took off is raised again after as many days as there are between two checks. Those of resellers that are
    no longer active are done.
    """
    numbers, now = shop.settings.program, services.clock()
    async with services.database.tenant(shop.tenant_id) as session:
        for key in await _of_inactive(session):
            await finish_task(session, key, now)
        if not numbers.listing_days:
            return 0
        raised = select(StaffTask.id).where(
            StaffTask.key == literal(NO_LISTING) + Reseller.id,
            or_(StaffTask.done_at.is_(None), StaffTask.done_at > now - timedelta(days=numbers.listing_check_days)),
        )
        query = obligations.without_listing(now - timedelta(days=numbers.listing_days)).where(~raised.exists())
        found = (await session.execute(query.limit(A_ROUND))).all()
        for reseller_id, company in found:
            reason = because("listing_missing", company=company, days=numbers.listing_days)
            await add_task(session, f"{NO_LISTING}{reseller_id}", None, [reason], now)
    return len(found)


async def set_listings(
    session: AsyncSession, services: Services, reseller: Reseller, urls: Sequence[str], *, by: str
) -> list[ProductListing]:
    """Record pages as `obligations.set_listings` does; tasks about pages that are taken off are done."""
    now = services.clock()
    before = {row.id for row in await obligations.listings(session, reseller.id)}
    kept = await obligations.set_listings(session, reseller, urls, by=by, at=now)
    for gone in before - {row.id for row in kept}:
        await finish_task(session, _key(gone), now)
    if kept:
        await finish_task(session, f"{NO_LISTING}{reseller.id}", now)
    return kept


async def acknowledge_price_change(
    session: AsyncSession, services: Services, reseller: Reseller, change_id: str, *, by: str, address: str | None
) -> bool:
    """Record that a reseller has read of a change that it was told of; False when that was on record. Raises NotFound."""
    told = select(PriceChangeNotice.id).where(
        PriceChangeNotice.price_change_id == change_id, PriceChangeNotice.reseller_id == reseller.id
    )
    if await session.scalar(told) is None:
        raise NotFound("There is no such price change for this account.", code="no_price_change")
    return await obligations.acknowledge(session, reseller, change_id, by=by, at=services.clock(), address=address)


async def announced(session: AsyncSession, reseller_id: str) -> list[Announced]:
    """The price changes that a reseller was told of and that were not taken back, the latest first."""
    said = await obligations.acknowledged(session, reseller_id)
    query = (
        select(PriceChange.id, PriceChange.effective_on, PriceChangeNotice.told_at)
        .join(PriceChangeNotice, PriceChangeNotice.price_change_id == PriceChange.id)
        .where(PriceChangeNotice.reseller_id == reseller_id, PriceChange.canceled_at.is_(None))
        .order_by(PriceChange.effective_on.desc(), PriceChange.id)
    )
    return [Announced(identity, day, told, said.get(identity)) for identity, day, told in await session.execute(query)]


async def overview(session: AsyncSession, reseller: Reseller) -> Obligations:
    """How the reseller stands to all of them."""
    return Obligations(
        await obligations.listings(session, reseller.id),
        await _undelivered(session, reseller),
        await announced(session, reseller.id),
    )


async def _undelivered(session: AsyncSession, reseller: Reseller) -> list[tuple[str, str]]:
    """Mails to the reseller's addresses that are open tasks of staff: (address, the server's words)."""
    tasks = await session.scalars(select(StaffTask.key).where(StaffTask.key.startswith("mail:"), StaffTask.done_at.is_(None)))
    ids = [key.partition(":")[2] for key in tasks]
    own = {reseller.email, *(user.email for user in reseller.users)}
    query = select(Mail.recipient, Mail.error).where(Mail.id.in_(ids), Mail.recipient.in_(own)).order_by(Mail.created_at)
    return [(recipient, error) for recipient, error in await session.execute(query)] if ids else []


async def _of_inactive(session: AsyncSession) -> Sequence[str]:
    query = (
        select(StaffTask.key)
        .join(Reseller, StaffTask.key == literal(NO_LISTING) + Reseller.id)
        .where(StaffTask.key.startswith(NO_LISTING), StaffTask.done_at.is_(None), Reseller.status != ResellerStatus.APPROVED)
    )
    return (await session.scalars(query)).all()


def _key(listing_id: str) -> str:
    return f"listing:{listing_id}"
