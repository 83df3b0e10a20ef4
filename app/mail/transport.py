"""Handing one mail over: to the mail server, or into the mail directory."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
import structlog

from app.mail.rules import envelope, sent_from
from app.mail.tables import Mail
from app.mail.tls import is_this_machine, mail_tls
from app.settings import Settings

log = structlog.get_logger()
TIMEOUT = 30.0
"""Seconds."""
SMTP_PORT, SMTPS_PORT = 587, 465
_REFUSALS = (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError)


class RefusedForGood(Exception):
    """The mail server will never take this mail; its words are the message."""


async def send(mail: Mail, settings: Settings) -> None:
    """Hand a mail to the server, from an address of its own where reports are read (`rules.sent_from`).

    Some servers let an account write from its plain address alone, and say so to sender, recipient or mail: then it is that one.
    Raises RefusedForGood for a final refusal of recipient or mail, aiosmtplib's errors and OSError for all else.
    """
    plain = envelope(settings.mail_from).addr_spec
    own = sent_from(settings.mail_from, mail.id) if reads_answers(settings) else plain
    if own != plain:
        try:
            return await _send(own, mail, settings)
        except _REFUSALS as error:
            if _code(error) < 500:
                raise
            log.info("mail.plain_sender", mail=mail.id, said=said(error))
    try:
        await _send(plain, mail, settings)
    except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
        if _code(error) >= 500:
            raise RefusedForGood(said(error)) from error
        raise


def reads_answers(settings: Settings) -> bool:
    """Whether answers and reports come back to us: from a mailbox, or posted."""
    return bool(settings.imap_url or settings.inbound_secret)


def said(error: Exception) -> str:
    """What a server or the machine said, code first."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__


def _code(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> int:
    return error.recipients[0].code if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error.code


def server_of(settings: Settings) -> str:
    """The mail server as host:port, without what must stay secret; empty where mails go to a folder."""
    if not settings.smtp_url:
        return ""
    url = urlsplit(settings.smtp_url)
    return f"{url.hostname}:{_port(url)}"


def _port(url: SplitResult) -> int:
    return url.port or (SMTPS_PORT if url.scheme == "smtps" else SMTP_PORT)


async def _send(sender: str, mail: Mail, settings: Settings) -> None:
    url = urlsplit(settings.smtp_url)
    secure = url.scheme == "smtps"
    await aiosmtplib.send(
        mail.content,
        sender=sender,
        recipients=[envelope(mail.recipient).addr_spec],
        hostname=url.hostname,
        port=_port(url),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        use_tls=secure,
        start_tls=False if secure else _starttls(settings),
        tls_context=mail_tls(settings),
        timeout=TIMEOUT,
    )


def _starttls(settings: Settings) -> bool | None:
    """Whether STARTTLS is a must; None takes it where the server offers it."""
    if settings.smtp_starttls == "off":
        return False
    url = urlsplit(settings.smtp_url)
    must = settings.smtp_starttls == "required" or (url.password is not None and not is_this_machine(url.hostname or ""))
    return True if must else None


def write(directory: Path, mail: Mail) -> None:
    """One file per mail, whole or not at all; a repetition replaces it by the same."""
    directory.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.@-]", "_", mail.message_id) + ".eml"
    handle, draft = tempfile.mkstemp(dir=directory, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mail.content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, directory / name)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
