"""Mails: made once by their key, delivered until a server took or refused them (`rules.md` 8.3, 11.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import aiosmtplib
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app import metrics
from app.clock import Clock
from app.db.base import new_id
from app.db.session import Database
from app.errors import Conflict, NotFound, Unavailable
from app.mail import transport
from app.mail.markup import Look
from app.mail.record import put_sent
from app.mail.rules import (
    PLAIN,
    Context,
    Templates,
    compose,
    message_id,
    plus_address,
    readdressed,
    thread_token,
)
from app.mail.schemas import Attachment, Language, MailKind
from app.mail.tables import Mail
from app.settings import Settings

QUEUED, SENT, FAILED, BOUNCED = "queued", "sent", "failed", "bounced"
GIVE_UP = timedelta(days=5)
"""How long a server may say that a mail cannot be taken now."""
AGAIN = ":again:"


async def queue(
    session: AsyncSession,
    *,
    key: str,
    kind: MailKind,
    order_id: str | None,
    recipient: str,
    language: Language,
    context: Context,
    attachments: Sequence[Attachment],
    settings: Settings,
    at: datetime,
    reseller_id: str | None = None,
    look: Look = PLAIN,
    templates: Templates | None = None,
    about: str = "",
) -> Mail:
    """The mail with this key, made now if there is none yet; a repetition gets the stored one. `deliver` sends it.

    Where answers are read (a mailbox, or mails posted to us) they come to an address of the mail's thread: that of what it is
    `about`, else of its order, else its own. Raises InvalidInput for a recipient that is no mail address.
    """
    query = select(Mail).where(Mail.key == key)
    if stored := await session.scalar(query):
        return stored
    mail_id = new_id()
    identity = message_id(mail_id, settings.base_url)
    thread = thread_token(about or order_id or mail_id)
    answered = context.seller.email or settings.mail_from
    composed = compose(
        kind,
        language,
        context,
        attachments,
        sender=settings.mail_from,
        recipient=recipient,
        message_id=identity,
        at=at,
        look=look,
        templates=templates,
        thread=thread,
        reply_to=plus_address(answered, thread) if transport.reads_answers(settings) else "",
    )
    mail = Mail(
        id=mail_id,
        key=key,
        kind=kind,
        order_id=order_id,
        recipient=recipient,
        language=language,
        reseller_id=reseller_id,
        thread=thread,
        subject=composed.subject,
        message_id=identity,
        content=composed.content,
        state=QUEUED,
        created_at=at,
    )
    try:
        async with session.begin_nested():
            session.add(mail)
    except IntegrityError:
        stored = await session.scalar(query)
        if stored is None:
            raise
        return stored
    return mail


async def resend(session: AsyncSession, mail_id: str, *, recipient: str | None = None, at: datetime) -> Mail:
    """The same mail once more, to `recipient` or the same address, as a new one that `deliver` sends; the old one stays.

    Each call makes another one, with the key `<key>:again:<n>` of the first mail. Raises NotFound without such a mail, Conflict
    for one to the same address that is still on its way, InvalidInput for a recipient that is no mail address.
    """
    mail = await session.scalar(select(Mail).where(Mail.id == mail_id).options(undefer(Mail.content)))
    if mail is None:
        raise NotFound("There is no such mail.", code="no_mail")
    to = (recipient or mail.recipient).strip()
    if mail.state == QUEUED and to == mail.recipient:
        raise Conflict(
            f"The mail to {to} is still on its way: it is tried until the server takes or refuses it.", code="mail_on_its_way"
        )
    first = first_key(mail.key)
    # The first mail's row is locked: of two at once the second counts what the first one made.
    await session.scalar(select(Mail.id).where(Mail.key == first).with_for_update())
    # Repetitions keep the thread, by whose index they are found; a key's beginning has none in every collation.
    alike = (Mail.thread == mail.thread, Mail.key.startswith(f"{first}{AGAIN}", autoescape=True))
    earlier = await session.scalar(select(func.count(Mail.id)).where(*alike))
    new = new_id()
    identity = f"{new}@{mail.message_id.rpartition('@')[2]}"
    again = Mail(
        id=new,
        key=f"{first}{AGAIN}{(earlier or 0) + 1}",
        kind=mail.kind,
        order_id=mail.order_id,
        reseller_id=mail.reseller_id,
        thread=mail.thread,
        recipient=to,
        language=mail.language,
        subject=mail.subject,
        message_id=identity,
        content=readdressed(mail.content, recipient=to, message_id=identity, at=at),
        state=QUEUED,
        created_at=at,
    )
    session.add(again)
    await session.flush()
    return again


async def find_mail(session: AsyncSession, mail_id: str) -> Mail:
    """A mail by its id, without its bytes. Raises NotFound."""
    mail = await session.scalar(select(Mail).where(Mail.id == mail_id))
    if mail is None:
        raise NotFound("There is no such mail.", code="no_mail")
    return mail


def first_key(key: str) -> str:
    """The key of the mail that a mail repeats; its own when it repeats none."""
    return key.partition(AGAIN)[0]


def next_key(key: str) -> str:
    """The key that a mail has when it is sent once more."""
    first, _, number = key.partition(AGAIN)
    return f"{first}{AGAIN}{int(number or 0) + 1}"


async def of_order(session: AsyncSession, order_id: str) -> Sequence[Mail]:
    """The mails about an order, the oldest first, without their bytes."""
    return (await session.scalars(select(Mail).where(Mail.order_id == order_id).order_by(Mail.created_at, Mail.key))).all()


async def deliver(database: Database, tenant_id: str, mail_id: str, settings: Settings, clock: Clock) -> str:
    """Hand a queued mail to the mail server, or write it to the mail directory; its state then: sent or failed.

    Opens its own transactions, so that none is open while the server thinks. Raises Unavailable, to be tried again, when the
    server is away or says so, NotFound without such a mail. A final refusal of the recipient or the mail marks it failed with the
    server's words, and so does one for now that goes on for `GIVE_UP`.
    """
    async with database.tenant(tenant_id) as session:
        mail = await session.scalar(select(Mail).where(Mail.id == mail_id).options(undefer(Mail.content)))
    if mail is None:
        raise NotFound("There is no such mail.", code="no_mail")
    if mail.state != QUEUED:
        return mail.state
    try:
        if settings.smtp_url:
            await transport.send(mail, settings)
        else:
            await asyncio.to_thread(transport.write, Path(settings.mail_directory) / tenant_id, mail)
    except transport.RefusedForGood as refusal:
        return await _note(database, mail, FAILED, str(refusal), clock())
    except (aiosmtplib.SMTPException, OSError) as error:
        words = transport.said(error)
        if (
            isinstance(error, (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError))
            and clock() - mail.created_at > GIVE_UP
        ):
            return await _note(database, mail, FAILED, words, clock())
        await _note(database, mail, QUEUED, words, clock())
        raise Unavailable(f"The mail to {mail.recipient} could not be sent yet: {words}", code="mail_server") from error
    return await _note(database, mail, SENT, "", clock())


async def waiting(session: AsyncSession) -> tuple[int, Mail | None]:
    """How many mails no server has taken or refused yet, and the one that waits longest."""
    queued = select(Mail).where(Mail.state == QUEUED)
    oldest = (await session.scalars(queued.order_by(Mail.created_at, Mail.id).limit(1))).first()
    count = await session.scalar(select(func.count(Mail.id)).where(Mail.state == QUEUED))
    return count or 0, oldest


async def bounce(session: AsyncSession, mail_id: str, words: str) -> Mail | None:
    """A server gave a mail back that one had taken; the mail, or None where that is known already."""
    mail = (await session.scalars(select(Mail).where(Mail.id == mail_id).with_for_update())).one()
    if mail.state in (BOUNCED, FAILED):
        return None
    mail.state, mail.error = BOUNCED, words
    return mail


async def _note(database: Database, mail: Mail, state: str, error: str, at: datetime) -> str:
    """Record how an attempt ended; what another attempt ended in meanwhile stays. A mail that was sent goes on the record."""
    metrics.MAIL_ATTEMPTS.labels("later" if state == QUEUED else state).inc()
    async with database.tenant(mail.tenant_id) as session:
        row = (await session.scalars(select(Mail).where(Mail.id == mail.id).with_for_update())).one()
        row.attempts += 1
        if row.state not in (SENT, BOUNCED):
            row.state, row.error, row.sent_at = state, error, at if state == SENT else None
            if state == SENT:
                await put_sent(session, row, mail.content, at)
        return row.state
