"""Support requests for customers: only if the customer asked, which the reseller confirms before it is led to the forum
(`rules.md` 11.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases.rules import ATTESTATION, MAX_SUBJECT, one_line
from app.cases.tables import SupportRequest
from app.db.pages import page
from app.errors import Conflict, InvalidInput
from app.mail.schemas import Language
from app.orders import storefront
from app.orders.services import Services
from app.resellers.tables import Reseller
from app.saleor.shops import Shop


async def attest(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    reseller: Reseller,
    *,
    order_number: str,
    topic: str,
    asked_by_customer: bool,
    by: str,
    language: Language,
    address: str | None,
) -> tuple[SupportRequest, bool]:
    """Record that the customer of an own order asked for support; the answer holds the forum, and whether this is new.

    The same once more on that day is the one there is. Raises Conflict where the vendor has named no forum, InvalidInput without
    the confirmation or a topic, NotFound for an order that is not the reseller's own.
    """
    forum = shop.settings.forum_url
    if not forum:
        raise Conflict("The vendor has named no forum; ask for advice instead.", code="no_forum")
    said = one_line("topic", topic, MAX_SUBJECT)
    if not asked_by_customer:
        raise InvalidInput(
            "asked_by_customer: a support request may only be opened if the customer asked for it; confirm that.",
            code="customer_not_asked",
        )
    order = await storefront.own_order(session, reseller.id, order_number)
    day = str(services.today(shop))
    print_ = hashlib.sha256(json.dumps([order.number, said, by, day]).encode()).hexdigest()
    query = select(SupportRequest).where(SupportRequest.reseller_id == reseller.id, SupportRequest.fingerprint == print_)
    if known := await session.scalar(query):
        return known, False
    row = SupportRequest(
        reseller_id=reseller.id,
        order_number=order.number,
        customer=str(order.ship_to.get("company") or order.ship_to.get("name") or ""),
        topic=said,
        words=ATTESTATION[language],
        attested_by=by,
        attested_at=services.clock(),
        address=address,
        forum_url=forum,
        fingerprint=print_,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return (await session.scalars(query)).one(), False
    return row, True


async def page_of_requests(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[SupportRequest], str | None]:
    """A page of a reseller's support requests, the newest first, and the cursor of the next."""
    query = select(SupportRequest).where(SupportRequest.reseller_id == reseller_id)
    return await page(session, query, SupportRequest.attested_at, SupportRequest.id, limit, cursor)


async def all_requests(session: AsyncSession, limit: int) -> Sequence[tuple[SupportRequest, str]]:
    """The shop's newest support requests with the reseller's company."""
    query = select(SupportRequest, Reseller.company).join(Reseller, Reseller.id == SupportRequest.reseller_id)
    found = await session.execute(query.order_by(SupportRequest.attested_at.desc(), SupportRequest.id).limit(limit))
    return [(row, company) for row, company in found]
