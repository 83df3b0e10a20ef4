"""A test mail: sent at once, with what the server said and the way out where it did not take it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiosmtplib
from sqlalchemy import select

from app.db.base import new_id
from app.errors import Unavailable
from app.mail import overrides
from app.mail.schemas import Language, MailKind, TrialContext
from app.mail.service import FAILED, SENT, deliver, queue
from app.mail.tables import Mail
from app.mail.transport import server_of
from app.orders.mails import look_of
from app.orders.services import Services
from app.reasons import Reason, because, register
from app.saleor.shops import Shop
from app.settings import Settings

register(
    {
        "mail_test_taken": "{server} took the mail for {recipient}; look into that mailbox, also among the unwanted mails.",
        "mail_test_written": "No mail server is set: mails are written to {directory}. Set RESELLER_SMTP_URL to send them.",
        "mail_test_host": "No machine is called {host}: correct RESELLER_SMTP_URL.",
        "mail_test_away": "{server} does not answer: check host and port of RESELLER_SMTP_URL, and that a firewall lets this "
        "machine through.",
        "mail_test_tls": "No safe connection to {server}: smtps:// is for port 465, smtp:// with STARTTLS for 587; for a "
        "certificate of your own set RESELLER_MAIL_CA_FILE.",
        "mail_test_no_starttls": "{server} offers no STARTTLS, and without it no password is sent to another machine: take "
        "smtps://, or another port.",
        "mail_test_login": "{server} does not take this user and password: correct them in RESELLER_SMTP_URL; letters like @ "
        "are written there as %40.",
        "mail_test_sender": "{server} does not let this user send as {sender}: correct RESELLER_MAIL_FROM, or allow the sender "
        "there.",
        "mail_test_refused": "{server} does not take this mail to {recipient}, and says why: check the address, and whether "
        "the server passes on mails of this sender to other domains.",
    }
)


@dataclass(frozen=True, slots=True)
class Trial:
    """How a test ended: the mail with its state and the server's words, and what follows from them."""

    mail: Mail
    way_out: Reason

    @property
    def taken(self) -> bool:
        """Whether the server took it, or the folder where no server is set."""
        return self.mail.state == SENT


async def send_trial(services: Services, shop: Shop, recipient: str, language: Language) -> Trial:
    """Send a test mail now, not by the worker. It takes as long as the server thinks, half a minute at most; one that could
    not be sent never goes out later. Raises InvalidInput for a recipient that is no mail address."""
    async with services.database.tenant(shop.tenant_id) as session:
        row = await queue(
            session,
            key=f"{MailKind.TEST}:{new_id()}",
            kind=MailKind.TEST,
            order_id=None,
            recipient=recipient,
            language=language,
            context=TrialContext(seller=shop.settings.seller),
            attachments=[],
            settings=services.settings,
            at=services.clock(),
            look=look_of(services, shop),
            templates=await overrides.own_templates(session),
        )
    cause: BaseException | None = None
    try:
        await deliver(services.database, shop.tenant_id, row.id, services.settings, services.clock)
    except Unavailable as error:
        cause = error.__cause__
        async with services.database.tenant(shop.tenant_id) as session:
            # Nobody waits for a test: it must not go out when the server is back.
            tried = (await session.scalars(select(Mail).where(Mail.id == row.id))).one()
            tried.state = FAILED
    async with services.database.tenant_reading(shop.tenant_id) as session:
        mail = (await session.scalars(select(Mail).where(Mail.id == row.id))).one()
    return Trial(mail, _way_out(services.settings, shop, mail, cause))


def _way_out(settings: Settings, shop: Shop, mail: Mail, cause: BaseException | None) -> Reason:
    server = server_of(settings)
    if mail.state == SENT:
        if not server:
            return because("mail_test_written", directory=f"{settings.mail_directory}/{shop.tenant_id}")
        return because("mail_test_taken", server=server, recipient=mail.recipient)
    chain = list(_causes(cause))
    if any(isinstance(error, socket.gaierror) for error in chain):
        return because("mail_test_host", host=urlsplit(settings.smtp_url).hostname)
    if any(isinstance(error, ssl.SSLError) for error in chain):
        return because("mail_test_tls", server=server)
    if isinstance(cause, aiosmtplib.SMTPAuthenticationError):
        return because("mail_test_login", server=server)
    if isinstance(cause, aiosmtplib.SMTPSenderRefused):
        return because("mail_test_sender", server=server, sender=settings.mail_from)
    if cause is None or isinstance(cause, (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError)):
        return because("mail_test_refused", server=server, recipient=mail.recipient)
    if type(cause) is aiosmtplib.SMTPException and "STARTTLS" in str(cause):  # the library has no kind of its own for it
        return because("mail_test_no_starttls", server=server)
    return because("mail_test_away", server=server)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
