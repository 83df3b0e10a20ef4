"""A mistyped end-customer address, put right by staff (edge case 29): also after the release, with who and why on the record.

The wrong account loses the licenses at once, in the transaction of the decision, and the open link to claim them dies. Looking
the right account up is a workflow's work: it talks to Saleor and can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, Refused
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.accounts import give_licenses
from app.orders.claims import withdraw_claims
from app.orders.intake import other_resellers_emails
from app.orders.mail_again import resend_order_mail
from app.orders.record import add_event, add_task, finish_task
from app.orders.service import find_order, lock_order
from app.orders.services import Services
from app.orders.tables import EndCustomer, OrderEvent, ResellerOrder
from app.reasons import Reason, because, register, sentence
from app.resellers.rules import email_key, fold_email, valid_email
from app.resellers.tables import ResellerUser
from app.saleor.shops import Shop

register(
    {
        "ship_to_corrected": "The end customer's e-mail was corrected from {old} to {new} by {by}: {reason}.",
        "wrong_account": "The account of {email} had the license and has lost it; its file cannot be recalled.",
        "wrong_claim": "{email} had claimed the license of order {order} on {day}, before the address was corrected to {new}. A "
        "license file cannot be recalled: keep, suspend or revoke it.",
    }
)


CORRECTED = "ship-to:"
"""Begins the key of a correction's event."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a correction did. `lost_by` is the mailbox whose account had the licenses, `claimed` whether its holder took them."""

    order: ResellerOrder
    old: str
    lost_by: str | None
    claimed: bool
    mail: Mail | None


async def correct_ship_to(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    *,
    number: str,
    email: str,
    by: str,
    reason: str,
    mail_again: bool = False,
) -> Correction:
    """Move an order and its licenses to the end customer's right e-mail (`rules.md` 8.2, edge case 29).

    With `mail_again` the reseller gets the license mail once more. Raises NotFound without the order, InvalidInput without a
    reason or for a text that is no e-mail, Conflict where it is the order's already or the order was canceled before its release,
    Refused for the reseller's own address or another active reseller's (`rules.md` 3.4), and as `mails.resend_order_mail`; then
    nothing has changed.
    """
    why, new = reason.strip().rstrip("."), email.strip()
    if not why:
        raise InvalidInput("A correction needs a reason; it is kept on the record.", code="no_reason")
    if not valid_email(new):
        raise InvalidInput(f"--email: {email!r} is not an e-mail address.", code="email")
    order = await lock_order(session, (await find_order(session, number)).id)
    old = order.end_customer_email
    if fold_email(new) == fold_email(old):
        raise Conflict(f"Order {order.number} is for {old} already.", code="same_email")
    if order.canceled_at is not None and order.release_decided_at is None:
        raise Conflict(f"Order {order.number} was canceled before its release; it has no license to move.", code="order_canceled")
    await _refuse_resellers(session, order, new)
    now = services.clock()
    wrong = await session.get(EndCustomer, order.end_customer_id) if order.end_customer_id else None
    lost_by = wrong.email if wrong is not None and wrong.saleor_user_id is not None else None
    used = await withdraw_claims(session, order.id, now)
    await give_licenses(session, order, None)
    order.end_customer_email = new
    said = because("ship_to_corrected", old=old, new=new, by=by, reason=why)
    await add_event(session, order.id, f"{CORRECTED}{now.isoformat()}", now, said)
    if wrong is not None:
        await finish_task(session, f"customer:{wrong.id}", now)
    if lost_by is not None:
        await add_event(session, order.id, f"lost:{now.isoformat()}", now, because("wrong_account", email=lost_by))
    if used is not None and used.claimed_at is not None:
        named = because("wrong_claim", email=used.email, order=order.number, day=used.claimed_at.date(), new=new)
        await add_task(session, f"claimed:{used.id}", order.id, [named], now)
    released = order.release_decided_at is not None
    await services.jobs.enqueue(
        session,
        "correct_ship_to" if released else "attend_order",
        f"ship-to:{shop.tenant_id}:{order.id}:{now.isoformat()}",
        partition=order.saleor_order_id,
        args=(shop.tenant_id, order.id) if released else (shop.tenant_id, order.saleor_order_id, "corrected"),
    )
    mail = None
    if mail_again:
        mail = await resend_order_mail(session, services, shop, number=order.number, kind=MailKind.LICENSE)
    return Correction(order, old, lost_by, used is not None, mail)


async def corrections(session: AsyncSession, order_id: str) -> list[Reason]:
    """What was corrected on an order, the oldest first."""
    query = select(OrderEvent.what).where(OrderEvent.order_id == order_id, OrderEvent.key.startswith(CORRECTED))
    return [Reason.from_dict(what) for what in await session.scalars(query.order_by(OrderEvent.at))]


async def _refuse_resellers(session: AsyncSession, order: ResellerOrder, email: str) -> None:
    key = email_key(email)
    own = await session.scalars(select(ResellerUser.email).where(ResellerUser.reseller_id == order.reseller_id))
    if key in {email_key(known) for known in own}:
        raise Refused(sentence(because("own_use")), code="own_use")
    if key in await other_resellers_emails(session, order.reseller_id, email):
        raise Refused(sentence(because("other_reseller")), code="other_reseller")
