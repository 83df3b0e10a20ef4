"""Planned price changes with all that follows: the mails before them, and their taking effect on time (`rules.md` 2.6).

The rules and rows are `pricing.planned`; this puts mail and durable work beside them. Everything is once by its keys: a notice
per change and reseller, a mail per change and user, a version per change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.mail.schemas import MailKind, PriceChangeContext, PriceChangeLine, PriceTerms
from app.orders.mails import send
from app.orders.record import add_task
from app.orders.services import Services
from app.pricing import planned
from app.pricing.content import Changes, EntryKey, Terms
from app.pricing.draft import Difference, Draft
from app.pricing.tables import DEFAULT_LIST, PriceChange
from app.reasons import because, register, told
from app.resellers.roles import Right, Role, allowed
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

register({"no_price_mail": "{company} could not be told of its prices from {day} on: {words} Correct the user's address."})

BATCH = 50
"""Resellers told in one transaction: short enough that nobody waits long for it."""
MAILED_LINES = 40
"""Prices a mail lists; the reseller's own pages show all."""

ScopeName = Literal["", "variant", "product", "category", "collection"]


async def plan(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    draft: Draft,
    *,
    on: date,
    by: str,
    why: str,
    short_notice: bool = False,
    name: str = DEFAULT_LIST,
) -> tuple[PriceChange, Difference]:
    """Plan a change as `planned.plan` does; who is to be told now is told when the transaction commits."""
    numbers = shop.settings.program
    change, found = await planned.plan(
        session,
        draft,
        on=on,
        cap=numbers.max_discount_percent,
        notice_days=numbers.price_notice_days,
        today=services.today(shop),
        by=by,
        at=services.clock(),
        why=why,
        short_notice=short_notice,
        name=name,
    )
    await _look(session, services, shop, f"planned-{change.id}")
    return change, found


async def cancel(session: AsyncSession, services: Services, shop: Shop, change_id: str, *, by: str, reason: str) -> PriceChange:
    """Cancel a planned change as `planned.cancel` does; who was told of it is told so."""
    today, now = services.today(shop), services.clock()
    change = await planned.cancel(session, change_id, today=today, by=by, at=now, reason=reason)
    await _look(session, services, shop, f"canceled-{change.id}")
    return change


async def tell(session: AsyncSession, services: Services, shop: Shop) -> int:
    """Mail the next resellers that are to hear of a planned change or of its cancellation; how many, 0 when all were told.

    One transaction; call it again until it says 0.
    """
    now = services.clock()
    canceled = await planned.to_be_retracted(session, BATCH)
    if canceled is not None:
        change, notices = canceled
        await _mail(session, services, shop, change, [one for _, one in notices], MailKind.PRICE_CHANGE_CANCELED)
        for notice, _ in notices:
            notice.retracted_at = now
        return max(1, len(notices))
    announced = await planned.to_be_announced(session, services.today(shop))
    if announced is None:
        return 0
    resellers = await planned.untold(session, announced, BATCH)
    await _mail(session, services, shop, announced, resellers, MailKind.PRICE_CHANGE)
    await planned.note_told(session, announced, resellers, now)
    # A list that no reseller has is announced to nobody, which ends it too: one more look finds nothing.
    return max(1, len(resellers))


async def carry_out(services: Services, shop: Shop) -> int:
    """Let every planned change take effect whose day has come, each in its own transaction, in the order of days; how many."""
    async with services.database.tenant_reading(shop.tenant_id) as session:
        waiting = await planned.due(session, services.today(shop))
    done = 0
    for change_id in waiting:
        async with services.database.tenant(shop.tenant_id) as session:
            done += await planned.take_effect(session, change_id, today=services.today(shop), at=services.clock())
    return done


def mail_lines(changes: Changes) -> Iterator[PriceChangeLine]:
    """What changes as a mail says it, the general rate first. Leave of staff to go above the cap is for staff."""
    if changes.rate:
        old, new = changes.rate
        yield PriceChangeLine("", "", PriceTerms(old), PriceTerms(new))
    for change in changes.priced():
        scope: ScopeName = change.key.scope.name.lower()  # type: ignore[assignment]
        yield PriceChangeLine(
            scope,
            change.label,
            _said(change.key, change.old),
            _said(change.key, change.new),
            change.key.minimum_quantity,
            None if change.key.valid_from == date.min else change.key.valid_from,
        )


def _said(key: EntryKey, terms: Terms | None) -> PriceTerms | None:
    return PriceTerms(terms.price(key), terms.valid_to) if terms is not None else None


async def _mail(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    change: PriceChange,
    resellers: Sequence[Reseller],
    kind: MailKind,
) -> None:
    """One mail to each user of the resellers that may see prices.

    An address that takes no mail becomes a task of staff and keeps nobody else from theirs.
    """
    prices = tuple(mail_lines(Changes.from_dict(change.changes)))
    for reseller in resellers:
        context = PriceChangeContext(
            seller=shop.settings.seller,
            name="",
            company=reseller.company,
            effective_on=change.effective_on,
            prices=prices[:MAILED_LINES],
            more=max(0, len(prices) - MAILED_LINES),
        )
        for user in reseller.users:
            if not allowed(Role(user.role), Right.SEE_PRICES):
                continue
            await _mail_user(session, services, shop, f"{kind}:{change.id}:{user.id}", kind, user.email, reseller, context)


async def _mail_user(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    key: str,
    kind: MailKind,
    recipient: str,
    reseller: Reseller,
    context: PriceChangeContext,
) -> None:
    try:
        await send(
            session,
            services,
            shop,
            key=key,
            kind=kind,
            recipient=recipient,
            language=reseller.language,
            reseller_id=reseller.id,
            context=context,
        )
    except InvalidInput as error:
        reason = because("no_price_mail", company=reseller.company, day=context.effective_on, **told("words", error))
        await add_task(session, f"price-mail:{key}", None, [reason], services.clock())


async def _look(session: AsyncSession, services: Services, shop: Shop, occasion: str) -> None:
    name = f"price_changes_in_shop:{shop.tenant_id}:{occasion}"
    await services.jobs.enqueue(session, "price_changes_in_shop", name, partition=name, args=(shop.tenant_id, occasion))
