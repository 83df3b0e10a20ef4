"""Claiming a license: where the ship-to's mailbox has an account of another company, its holder decides (`rules.md` 8.2).

The link goes to the mailbox, counts once and for some days, and works for the account of that mailbox only. What it shows names
no price. The reseller sees the same whether an account existed or not (edge case 22).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, Forbidden, NotFound
from app.mail.schemas import ClaimContext, MailKind, MailLine
from app.orders.accounts import customer_row, give_licenses
from app.orders.mails import send
from app.orders.record import add_event
from app.orders.service import find_order, lock_order
from app.orders.services import Services
from app.orders.tables import LicenseClaim, ResellerOrder
from app.reasons import because, register
from app.resellers.rules import fold_email
from app.saleor.answers import SaleorAccount
from app.saleor.shops import Shop

register(
    {
        "claim_sent": "The account of {email} was there before and may be another company's: its holder was sent a link, good "
        "until {until}, to claim the license.",
        "claim_again": "Another link to claim the license was sent to {email} by {by}; the one before counts no more.",
        "claimed": "The holder of {email} claimed the license for the account.",
    }
)

TOKEN_BYTES = 32
MAX_TOKEN = 100


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """A line as the claimer sees it."""

    sku: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """What a link is about, for the holder of its mailbox. There is no money here, and no id of Saleor's order (`rules.md` 9)."""

    order_number: str
    licensee: str
    lines: tuple[ClaimedLine, ...]
    expires_at: datetime


async def open_claim(session: AsyncSession, order_id: str) -> LicenseClaim | None:
    """The order's link that nobody used or withdrew; it may have expired."""
    query = select(LicenseClaim).where(
        LicenseClaim.order_id == order_id, LicenseClaim.claimed_at.is_(None), LicenseClaim.withdrawn_at.is_(None)
    )
    return await session.scalar(query)


async def offer_claim(
    session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder, account: SaleorAccount
) -> None:
    """Send the account's mailbox a link to claim the order's licenses; they are nobody's until then. The order is locked."""
    await give_licenses(session, order, None)
    language = "de" if account.language_code.lower().startswith("de") else "en"
    name = f"{account.first_name} {account.last_name}".strip()
    claim = await _send(session, services, shop, order, account.email, account.id, language, name)
    said = because("claim_sent", email=claim.email, until=claim.expires_at.date())
    await add_event(session, order.id, f"claim:{claim.id}", claim.created_at, said)


async def renew_claim(session: AsyncSession, services: Services, shop: Shop, *, number: str, by: str) -> LicenseClaim:
    """A new link for an order whose license waits to be claimed, to the same mailbox; the old one dies.

    Raises NotFound without such an order, or where nothing waits to be claimed.
    """
    order = await lock_order(session, (await find_order(session, number)).id)
    old = await open_claim(session, order.id)
    if old is None:
        raise NotFound(f"No license of order {order.number} waits to be claimed.", code="no_claim")
    old.withdrawn_at = services.clock()
    await session.flush()
    claim = await _send(session, services, shop, order, old.email, old.saleor_user_id, old.language, "")
    said = because("claim_again", email=claim.email, by=by)
    await add_event(session, order.id, f"claim:{claim.id}", claim.created_at, said)
    return claim


async def shown_claim(session: AsyncSession, services: Services, token: str, *, user_id: str, email: str) -> ShownClaim:
    """What the link is about. Raises as `take_claim`."""
    claim = await _usable(session, token, user_id, email, services.clock())
    order = await session.get_one(ResellerOrder, claim.order_id)
    lines = tuple(ClaimedLine(line.sku, line.name, line.quantity) for line in order.lines if line.license_policy is not None)
    return ShownClaim(order.number, str(order.ship_to.get("company") or order.ship_to.get("name", "")), lines, claim.expires_at)


async def take_claim(session: AsyncSession, services: Services, shop: Shop, token: str, *, user_id: str, email: str) -> str:
    """Put the order's licenses into the account that is signed in, once; the number of the order.

    Raises NotFound for a link that is none, Forbidden `claim_foreign` for another account than the mailbox's, and Conflict for
    one that expired (`claim_expired`), was used (`claim_used`) or withdrawn (`claim_withdrawn`).
    """
    seen = await _usable(session, token, user_id, email, services.clock())
    order = await lock_order(session, seen.order_id)
    # Of two at once the second waits for the order and then sees what the first did.
    await session.refresh(seen)
    claim = await _usable(session, token, user_id, email, services.clock())
    now = services.clock()
    customer = await customer_row(session, order, now)
    if customer.saleor_user_id not in (None, user_id):
        raise Conflict("Another account holds the licenses of this mailbox; ask the vendor.", code="claim_other_account")
    customer.saleor_user_id = user_id
    claim.claimed_at, claim.claimed_by = now, user_id
    await give_licenses(session, order, customer.id)
    await add_event(session, order.id, f"claimed:{claim.id}", now, because("claimed", email=claim.email))
    await services.jobs.enqueue(
        session,
        "attend_order",
        f"claimed:{shop.tenant_id}:{claim.id}",
        partition=order.saleor_order_id,
        args=(shop.tenant_id, order.saleor_order_id, "claimed"),
    )
    return order.number


async def withdraw_claims(session: AsyncSession, order_id: str, at: datetime) -> LicenseClaim | None:
    """Let the order's open link die; the latest one that was used, if any. The order is locked."""
    if (waiting := await open_claim(session, order_id)) is not None:
        waiting.withdrawn_at = at
    query = select(LicenseClaim).where(
        LicenseClaim.order_id == order_id, LicenseClaim.claimed_at.is_not(None), LicenseClaim.withdrawn_at.is_(None)
    )
    used = (await session.scalars(query.order_by(LicenseClaim.claimed_at.desc()))).all()
    for claim in used:
        claim.withdrawn_at = at
    return used[0] if used else None


def hash_of(token: str) -> str:
    """What is kept of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def _usable(session: AsyncSession, token: str, user_id: str, email: str, at: datetime) -> LicenseClaim:
    claim = await session.scalar(select(LicenseClaim).where(LicenseClaim.token_hash == hash_of(token)))
    if claim is None:
        raise NotFound("There is no such link; open it as it was mailed.", code="no_claim")
    # First: another account learns nothing of where the link stands.
    if claim.saleor_user_id != user_id and fold_email(claim.email) != fold_email(email):
        raise Forbidden(
            "The link was sent to another mailbox; sign in with the account that has its address.", code="claim_foreign"
        )
    if claim.withdrawn_at is not None:
        raise Conflict("The vendor withdrew this link; it does not count any more.", code="claim_withdrawn")
    if claim.claimed_at is not None:
        raise Conflict("The link was used already; the licenses are in your account.", code="claim_used")
    if claim.expires_at <= at:
        raise Conflict("The link has expired; ask the vendor for another one.", code="claim_expired")
    return claim


async def _send(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    order: ResellerOrder,
    email: str,
    saleor_user_id: str,
    language: Any,
    name: str,
) -> LicenseClaim:
    now = services.clock()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    claim = LicenseClaim(
        order_id=order.id,
        token_hash=hash_of(token),
        email=email,
        language=language,
        saleor_user_id=saleor_user_id,
        created_at=now,
        expires_at=now + timedelta(days=shop.settings.program.claim_days),
    )
    session.add(claim)
    await session.flush()
    page = shop.settings.claim_url or f"{services.portal(shop)}/claims/{{token}}"
    context = ClaimContext(
        seller=shop.settings.seller,
        name=name,
        order_number=order.number,
        end_customer=str(order.ship_to.get("company") or order.ship_to.get("name", "")),
        lines=tuple(MailLine(line.sku, line.name, line.quantity) for line in order.lines if line.license_policy is not None),
        link=page.replace("{token}", token),
        until=claim.expires_at.date(),
    )
    await send(
        session,
        services,
        shop,
        key=f"{MailKind.LICENSE_CLAIM}:{claim.id}",
        kind=MailKind.LICENSE_CLAIM,
        recipient=email,
        language=language,
        context=context,
        order_id=order.id,
    )
    return claim
