"""Mails about no order on their way, and mails that did not arrive: staff are told, and send them once more (`rules.md` 8.3,
edge case 83)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput, NotFound
from app.mail.rules import Context
from app.mail.schemas import Attachment, MailKind
from app.mail.service import FAILED, first_key, of_order, queue, resend
from app.mail.tables import Mail
from app.orders.record import add_event, add_task, finish_task
from app.orders.service import find_order
from app.orders.services import Services
from app.orders.tables import PaymentSession, ResellerOrder
from app.reasons import because, register
from app.resellers.roles import Post, Role, gets
from app.resellers.tables import ResellerUser
from app.saleor.shops import Shop

POST: Mapping[MailKind, Post] = {
    MailKind.ORDER_RECEIVED: Post.ORDERS,
    MailKind.ORDER_DETAILS: Post.INVOICES,
    MailKind.CREDIT_NOTE: Post.INVOICES,
    MailKind.LICENSE: Post.LICENSES,
}
"""What each mail about an order is for."""

register(
    {
        "mail_refused": "The mail '{subject}' to {recipient} was refused: {words}. Send it again to an address that works.",
        "mail_impossible": "A mail about order {number} could not go to {recipient}: {words} Correct the user's address.",
        "mail_again": "The mail '{subject}' goes once more, to {recipient}.",
    }
)


async def send(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    *,
    key: str,
    kind: MailKind,
    recipient: str,
    language: str,
    context: Context,
    attachments: Sequence[Attachment] = (),
    order_id: str | None = None,
) -> Mail:
    """A mail, made once by its key, on its way when the session's transaction commits; `order_id` is the order it is about."""
    mail = await queue(
        session,
        key=key,
        kind=kind,
        order_id=order_id,
        recipient=recipient,
        language="de" if language == "de" else "en",
        context=context,
        attachments=attachments,
        settings=services.settings,
        at=services.clock(),
    )
    await deliver_later(session, services, shop, mail)
    return mail


async def queue_mail(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    order: ResellerOrder,
    *,
    kind: MailKind,
    context: Context,
    attachments: tuple[Attachment, ...],
    key: str = "",
) -> None:
    """A mail about an order to its reseller, made once by kind and key, on its way when the session's transaction commits.

    It goes to the reseller's own address, and to each user whose part it is (`roles.gets`). A user's address that takes no mail
    becomes a task of staff and keeps nobody else from theirs.
    """
    first = f"{kind}:{key}:{order.id}" if key else f"{kind}:{order.id}"
    recipients = {first: order.recipient} | {f"{first}:{user.id}": user.email for user in await _users(session, order, kind)}
    for mail_key, recipient in recipients.items():
        try:
            await send(
                session,
                services,
                shop,
                key=mail_key,
                kind=kind,
                recipient=recipient,
                language=order.language,
                context=context,
                attachments=attachments,
                order_id=order.id,
            )
        except InvalidInput as error:
            if mail_key == first:
                raise
            reason = because("mail_impossible", number=order.number, recipient=recipient, words=error.sentence)
            await add_task(session, f"mail-to:{mail_key}", order.id, [reason], services.clock())


async def _users(session: AsyncSession, order: ResellerOrder, kind: MailKind) -> list[ResellerUser]:
    """Users of the order's reseller that get a mail of this kind beside its own address."""
    if order.reseller_id is None:
        return []
    promised = select(PaymentSession.saleor_user_id).where(PaymentSession.id == order.payment_session_id)
    placed = await session.scalar(promised) if order.payment_session_id else None
    users = await session.scalars(
        select(ResellerUser).where(ResellerUser.reseller_id == order.reseller_id).order_by(ResellerUser.id)
    )
    post = POST[kind]
    return [
        user
        for user in users
        if user.email != order.recipient and gets(Role(user.role), post, placed=user.saleor_user_id == placed)
    ]


async def note_failure(session: AsyncSession, services: Services, mail: Mail) -> None:
    """A mail that the server refused for good becomes a task of staff and an event of its order; once, and nothing for others."""
    if mail.state != FAILED:
        return
    now = services.clock()
    reason = because("mail_refused", subject=mail.subject, recipient=mail.recipient, words=mail.error)
    if mail.order_id is not None:
        await add_event(session, mail.order_id, f"mail-refused:{mail.id}", now, reason)
    await add_task(session, f"mail:{mail.id}", mail.order_id, [reason], now)


async def resend_order_mail(
    session: AsyncSession, services: Services, shop: Shop, *, number: str, kind: MailKind, to: str | None = None
) -> Mail:
    """Send an order's mail of a kind once more, to `to` or to the same address; its failures are no task any more.

    Of several recipients' it is the one that was refused, otherwise the one to the reseller's own address.

    Raises NotFound without the order or such a mail, Conflict for one that is still on its way to that address, InvalidInput for
    a text that is no mail address.
    """
    order = await find_order(session, number)
    mails = [mail for mail in await of_order(session, order.id) if mail.kind == kind]
    if not mails:
        raise NotFound(f"Order {order.number} has no {kind} mail yet.", code="no_mail")
    now = services.clock()
    latest = {first_key(mail.key): mail for mail in mails}
    refused = [mail for mail in latest.values() if mail.state == FAILED]
    # What did not arrive is meant, else the one to the reseller's own address.
    main = [mail for key, mail in latest.items() if key.endswith(order.id)]
    again = await resend(session, (refused or main)[-1].id, recipient=to, at=now)
    for mail in mails:
        if first_key(mail.key) == first_key(again.key):
            await finish_task(session, f"mail:{mail.id}", now)
    reason = because("mail_again", subject=again.subject, recipient=again.recipient)
    await add_event(session, order.id, f"mail-again:{again.id}", now, reason)
    await deliver_later(session, services, shop, again)
    return again


async def resend_refused(session: AsyncSession, services: Services, shop: Shop, mail_id: str, *, to: str | None = None) -> Mail:
    """Send a mail that was refused once more, to `to` or to the same address; its failure is no task any more.

    Raises NotFound, Conflict and InvalidInput as `mail.service.resend`.
    """
    now = services.clock()
    again = await resend(session, mail_id, recipient=to, at=now)
    await finish_task(session, f"mail:{mail_id}", now)
    if again.order_id is not None:
        reason = because("mail_again", subject=again.subject, recipient=again.recipient)
        await add_event(session, again.order_id, f"mail-again:{again.id}", now, reason)
    await deliver_later(session, services, shop, again)
    return again


async def deliver_later(session: AsyncSession, services: Services, shop: Shop, mail: Mail) -> None:
    """Let a queued mail go out when the session's transaction commits."""
    name = f"mail:{shop.tenant_id}:{mail.id}"
    await services.jobs.enqueue(session, "deliver_mail", name, partition=mail.id, args=(shop.tenant_id, mail.id))
