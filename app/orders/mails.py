"""Mails on their way, and mails that did not arrive: staff are told, another contact is tried, and they go once more (`rules.md`
8.3, edge case 83)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.logo import logo_png
from app.errors import InvalidInput, ResellerError
from app.mail.markup import Look
from app.mail.overrides import own_templates
from app.mail.rules import Context, envelope
from app.mail.schemas import Attachment, MailKind
from app.mail.service import BOUNCED, FAILED, QUEUED, SENT, first_key, queue, resend
from app.mail.tables import Mail
from app.orders.record import add_event, add_task
from app.orders.services import Services
from app.orders.tables import PaymentSession, ResellerOrder
from app.reasons import Reason, because, register, told
from app.resellers.roles import Post, Role, gets
from app.resellers.rules import fold_email
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
        "mail_bounced": "The mail '{subject}' to {recipient} came back: {words}. Send it again to an address that works.",
        "mail_impossible": "A mail about order {number} could not go to {recipient}: {words} Correct the user's address.",
        "mail_again": "The mail '{subject}' goes once more, to {recipient}.",
        "mail_template_fault": "A mail template of your own fails, and the built-in one is used: {fault}. Correct it with "
        "`reseller mail templates set`, or take it away with `reset`.",
    }
)
PERSONAL = frozenset({MailKind.LICENSE_CLAIM, MailKind.INVITATION, MailKind.TEST})
"""Mails for one mailbox alone: no other contact gets them."""


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
    reseller_id: str | None = None,
    about: str = "",
) -> Mail:
    """A mail, made once by its key, on its way when the session's transaction commits; `order_id` is the order it is about.

    `about` names another thing whose mails are one thread.
    The reseller is the order's, or whose user the recipient is, where none is given.
    """
    templates = await own_templates(session)
    mail = await queue(
        session,
        key=key,
        kind=kind,
        order_id=order_id,
        reseller_id=reseller_id or await _reseller_of(session, order_id, recipient),
        recipient=recipient,
        language="de" if language == "de" else "en",
        context=context,
        attachments=attachments,
        settings=services.settings,
        at=services.clock(),
        look=look_of(services, shop),
        templates=templates,
        about=about,
    )
    for fault in templates.faults:
        reason = because("mail_template_fault", fault=fault.sentence)
        await add_task(session, f"template:{fault.template}", None, [reason], services.clock())
    await deliver_later(session, services, shop, mail)
    return mail


def look_of(services: Services, shop: Shop) -> Look:
    """How a shop's mails look, its documents' logo, color and footer, and its portal that they lead to."""
    own = shop.settings.documents
    logo, width = logo_png(own.logo)
    return Look(logo, width, own.accent_color, services.portal(shop), {"en": own.footer.of("en"), "de": own.footer.of("de")})


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
    problem: tuple[str, Callable[[ResellerError], Reason]],
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
                reseller_id=reseller.id,
                context=context,
                attachments=attachments,
            )
        except InvalidInput as error:
            task, says = problem
            await add_task(session, f"{task}:{recipient}", None, [says(error)], services.clock())
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
            reason = because("mail_impossible", number=order.number, recipient=recipient, **told("words", error))
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


async def note_failure(session: AsyncSession, services: Services, shop: Shop, mail: Mail) -> None:
    """A mail that was refused for good, or came back, becomes a task of staff and an event of its order; once, and nothing for
    others. Another contact of the reseller gets it where there is one (edge case 83)."""
    if mail.state not in (FAILED, BOUNCED):
        return
    now = services.clock()
    code = "mail_refused" if mail.state == FAILED else "mail_bounced"
    reason = because(code, subject=mail.subject, recipient=mail.recipient, words=mail.error)
    if mail.order_id is not None:
        await add_event(session, mail.order_id, f"{code.replace('_', '-')}:{mail.id}", now, reason)
    if not await add_task(session, f"mail:{mail.id}", mail.order_id, [reason], now):
        return
    other = await _other_contact(session, mail)
    if other is not None:
        again = await resend(session, mail.id, recipient=other, at=now)
        await note_again(session, services, again)
        await deliver_later(session, services, shop, again)


async def note_again(session: AsyncSession, services: Services, again: Mail) -> None:
    """Put on its order's record that a mail goes once more."""
    if again.order_id is not None:
        reason = because("mail_again", subject=again.subject, recipient=again.recipient)
        await add_event(session, again.order_id, f"mail-again:{again.id}", services.clock(), reason)


async def _other_contact(session: AsyncSession, mail: Mail) -> str | None:
    """The reseller's own address or another owner of it, who has not got this mail, nor one like it that went to several."""
    if mail.reseller_id is None or mail.kind in PERSONAL:
        return None
    reseller = await session.scalar(select(Reseller).where(Reseller.id == mail.reseller_id))
    if reseller is None:
        return None
    alike = select(Mail.recipient, Mail.key, Mail.state).where(
        Mail.reseller_id == mail.reseller_id, Mail.kind == mail.kind, Mail.subject == mail.subject
    )
    has = {
        fold_email(envelope(recipient).addr_spec)
        for recipient, key, state in await session.execute(alike)
        if first_key(key) == first_key(mail.key) or state in (SENT, QUEUED)
    }
    contacts = [reseller.email, *(user.email for user in reseller.users if user.role == Role.OWNER)]
    return next((contact for contact in contacts if fold_email(contact) not in has), None)


async def _reseller_of(session: AsyncSession, order_id: str | None, recipient: str) -> str | None:
    if order_id is not None:
        return await session.scalar(select(ResellerOrder.reseller_id).where(ResellerOrder.id == order_id))
    return await reseller_by_address(session, recipient)


async def reseller_by_address(session: AsyncSession, address: str) -> str | None:
    """The reseller whose own address this is, or whose user's."""
    folded = fold_email(address)
    own = await session.scalar(select(Reseller.id).where(Reseller.email == folded))
    if own is not None:
        return own
    users = select(ResellerUser.reseller_id).where(ResellerUser.email == folded).order_by(ResellerUser.id).limit(1)
    return (await session.scalars(users)).first()


async def deliver_later(session: AsyncSession, services: Services, shop: Shop, mail: Mail) -> None:
    """Let a queued mail go out when the session's transaction commits."""
    name = f"mail:{shop.tenant_id}:{mail.id}"
    await services.jobs.enqueue(session, "deliver_mail", name, partition=mail.id, args=(shop.tenant_id, mail.id))
