"""Mails about no order on their way, and mails that did not arrive: staff are told, and send them once more (`rules.md` 8.3,
edge case 83)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.mail.rules import Context
from app.mail.schemas import Attachment, MailKind
from app.mail.service import FAILED, queue
from app.mail.tables import Mail
from app.orders.record import add_event, add_task
from app.orders.services import Services
from app.orders.tables import PaymentSession, ResellerOrder
from app.reasons import Reason, because, register
from app.resellers.roles import Post, Role, gets
from app.resellers.tables import Reseller, ResellerUser
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


def recipients(reseller: Reseller) -> list[str]:
    """Whom mails about money go to: the reseller's own address and its users of accounts, each once."""
    accounts = [user.email for user in reseller.users if user.role == Role.ACCOUNTS]
    return list(dict.fromkeys([reseller.email, *accounts]))


async def send_to_accounts(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    reseller: Reseller,
    *,
    key: str,
    kind: MailKind,
    context: Context,
    attachments: Sequence[Attachment] = (),
    problem: tuple[str, Callable[[str], Reason]],
) -> list[Mail]:
    """A mail about money to everybody whom it concerns, once by the key. `problem` is the key of staff's task, and what it says,
    where an address takes no mail."""
    mails = []
    for recipient in recipients(reseller):
        try:
            mail = await send(
                session,
                services,
                shop,
                key=f"{kind}:{key}:{recipient}",
                kind=kind,
                recipient=recipient,
                language=reseller.language,
                context=context,
                attachments=attachments,
            )
        except InvalidInput as error:
            task, says = problem
            await add_task(session, f"{task}:{recipient}", None, [says(error.sentence)], services.clock())
        else:
            mails.append(mail)
    return mails


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


async def deliver_later(session: AsyncSession, services: Services, shop: Shop, mail: Mail) -> None:
    """Let a queued mail go out when the session's transaction commits."""
    name = f"mail:{shop.tenant_id}:{mail.id}"
    await services.jobs.enqueue(session, "deliver_mail", name, partition=mail.id, args=(shop.tenant_id, mail.id))
