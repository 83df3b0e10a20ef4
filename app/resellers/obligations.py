"""What a reseller owes the vendor beside money: product listings on its website, and word of price changes (`rules.md` 1.4, 2.6).

Nothing here takes a reseller out: a failing check is a task of staff (edge case 8).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import page
from app.errors import InvalidInput
from app.reasons import Reason
from app.resellers.companies import website_host
from app.resellers.rules import ResellerStatus
from app.resellers.service import lock, record
from app.resellers.tables import PolicyAcceptance, PriceChangeAcknowledgement, ProductListing, Reseller

MAX_LISTINGS = 10
MAX_URL = 500
_PLAIN = re.compile(r"[!-~]+")


async def set_listings(
    session: AsyncSession, reseller: Reseller, urls: Sequence[str], *, by: str, at: datetime
) -> list[ProductListing]:
    """These pages, in place of those recorded before; what is known of a page that stays is kept.

    Raises InvalidInput that names the wrong one, with nothing changed.
    """
    wanted = list(dict.fromkeys(listing_url(url) for url in urls))
    if len(wanted) > MAX_LISTINGS:
        raise InvalidInput(f"urls: at most {MAX_LISTINGS}.", code="listing_url")
    await lock(session, reseller.id)
    kept = {row.url: row for row in await listings(session, reseller.id)}
    for url in kept.keys() - set(wanted):
        await session.delete(kept[url])
    new = [url for url in wanted if url not in kept]
    session.add_all(ProductListing(reseller_id=reseller.id, url=url, added_at=at, added_by=by) for url in new)
    await session.flush()
    if new or kept.keys() - set(wanted):
        await record(session, reseller, "listings", by=by, at=at, reason=" ".join(wanted))
    return await listings(session, reseller.id)


async def listings(session: AsyncSession, reseller_id: str) -> list[ProductListing]:
    """The recorded pages by their address."""
    query = select(ProductListing).where(ProductListing.reseller_id == reseller_id)
    return list(await session.scalars(query.order_by(ProductListing.url)))


async def page_of_listings(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[ProductListing], str | None]:
    """A page of the recorded pages by their address, and the cursor of the next."""
    query = select(ProductListing).where(ProductListing.reseller_id == reseller_id)
    return await page(session, query, ProductListing.url, ProductListing.id, limit, cursor, ascending=True)


async def listings_due(session: AsyncSession, *, at: datetime, days: int, limit: int) -> Sequence[tuple[ProductListing, str]]:
    """Pages of active resellers that were not checked for so many days, with the company; those that waited longest first."""
    query = (
        select(ProductListing, Reseller.company)
        .join(Reseller, Reseller.id == ProductListing.reseller_id)
        .where(
            Reseller.status == ResellerStatus.APPROVED.value,
            or_(ProductListing.checked_at.is_(None), ProductListing.checked_at <= at - timedelta(days=days)),
        )
        .order_by(ProductListing.checked_at.is_not(None), ProductListing.checked_at, ProductListing.id)
        .limit(limit)
    )
    return [(row, company) for row, company in await session.execute(query)]


def without_listing(accepted_before: datetime) -> Select[str, str]:
    """Active resellers that name no page and accepted the policy for the first time before a moment: (id, company)."""
    accepted = select(PolicyAcceptance.id).where(
        PolicyAcceptance.reseller_id == Reseller.id, PolicyAcceptance.accepted_at <= accepted_before
    )
    named = select(ProductListing.id).where(ProductListing.reseller_id == Reseller.id)
    return (
        select(Reseller.id, Reseller.company)
        .where(Reseller.status == ResellerStatus.APPROVED.value, accepted.exists(), ~named.exists())
        .order_by(Reseller.id)
    )


async def note_check(session: AsyncSession, listing_id: str, problem: Reason | None, at: datetime) -> ProductListing | None:
    """Keep what a check found; None when the page was taken off meanwhile."""
    row = await session.scalar(select(ProductListing).where(ProductListing.id == listing_id).with_for_update())
    if row is None:
        return None
    row.checked_at = at
    row.problem = problem.as_dict() if problem is not None else None
    if problem is None:
        row.verified_at = at
    await session.flush()
    return row


async def acknowledge(
    session: AsyncSession, reseller: Reseller, change_id: str, *, by: str, at: datetime, address: str | None
) -> bool:
    """Record that the reseller has read of a price change; False when it was on record before. The caller knows the change."""
    row = PriceChangeAcknowledgement(
        reseller_id=reseller.id, change_id=change_id, acknowledged_at=at, acknowledged_by=by, address=address
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


async def acknowledged(session: AsyncSession, reseller_id: str) -> dict[str, datetime]:
    """Price changes that the reseller has acknowledged, with when."""
    table = PriceChangeAcknowledgement
    query = select(table.change_id, table.acknowledged_at).where(table.reseller_id == reseller_id)
    return {row.change_id: row.acknowledged_at for row in await session.execute(query)}


def listing_url(text: str) -> str:
    """A page's address as it is kept. Raises InvalidInput for what is no public web address."""
    url = text.strip()
    wrong = InvalidInput(f"urls: {text[:100]!r} is not a web address like https://www.example.com/products.", code="listing_url")
    if len(url) > MAX_URL or not _PLAIN.fullmatch(url):
        raise wrong
    parts = urlsplit(url) if "://" in url else None
    if parts is None or parts.scheme not in ("http", "https") or parts.username is not None or parts.password is not None:
        raise wrong
    if website_host(url, shared=True) is None:
        raise wrong
    return parts._replace(netloc=parts.netloc.lower(), fragment="").geturl()
