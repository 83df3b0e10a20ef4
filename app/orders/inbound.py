"""Mails that come in: what they are about, the written record they go on, and what follows (`rules.md` 8.3, 11.1).

Nothing is ever answered by itself. A mail about nobody of the program is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.files.rules import MAIL
from app.files.service import Purpose, Upload, arriving, keep
from app.files.tables import StoredFile
from app.mail import record
from app.mail.arrived import Arrival, Arrived, headers_of, key_of, read
from app.mail.rules import envelope, spellings
from app.mail.service import bounce
from app.mail.tables import Correspondence, Mail
from app.orders.mails import note_failure, reseller_by_address
from app.orders.record import add_event, add_task
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.reasons import because, register
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

log = structlog.get_logger()

register(
    {
        "mail_came": "{sender} wrote '{subject}' (about {about}). Read it: `reseller correspondence show {id}`.",
        "bounce_unclear": "A mail to {recipient} came back: {words}. The report does not say which of the last {count} it was; "
        "correct the address and send again what is needed (`reseller correspondence show {id}`).",
        "mail_late": "The mail '{subject}' to {recipient} is late: {words}. Its server still tries.",
        "mail_loop": "More than {count} mails within an hour came from {sender}; only the headers of the rest are kept.",
        "mail_too_large": "{sender} wrote '{subject}', {size} MB: only its headers are kept. Read it in the mailbox.",
    }
)
HOUR = timedelta(hours=1)
REPORTED_WITHIN = timedelta(days=6)
"""Servers give a mail up after five days at most (RFC 5321, 4.5.4.1)."""


class Outcome(StrEnum):
    """What became of a mail: kept, kept as headers, on the record already, our own that came back, or about nobody here."""

    KEPT = "kept"
    HEADERS = "headers"
    KNOWN = "known"
    OWN = "own"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail, and its entry on the record where it has one."""

    outcome: Outcome
    entry_id: str | None = None


@dataclass(frozen=True, slots=True)
class _About:
    shop: Shop
    match: record.Match
    reported: Mail | None
    candidates: int = 0
    """How many mails a report may be about that does not say which."""


async def receive(services: Services, content: bytes, *, size: int | None = None) -> Received:
    """Take one mail, given as its exact bytes or, of a too large one, as its headers with its `size` in bytes.

    A repetition changes nothing. Raises Unavailable when the file store does not work: nothing is kept then, come again.
    """
    whole = size is None
    mail = await asyncio.to_thread(read, content)
    about = await _about(services, mail)
    if isinstance(about, Outcome):
        log.info("mail.not_kept", outcome=about.value, message_id=mail.message_id)
        return Received(about)
    now = services.clock()
    note = ""
    if len(content) > services.settings.max_inbound_bytes:
        whole, size = False, len(content)
    if not whole:
        note = f"{(size or 0) / 1024 / 1024:.1f} MB is more than is kept; these are its headers, the mail lies in the mailbox"
    async with services.database.tenant_reading(about.shop.tenant_id) as session:
        lately = await record.received_since(session, mail.sender, now - HOUR)
    looping = lately >= services.settings.inbound_per_hour
    if looping and whole:
        whole, note = (
            False,
            f"more than {services.settings.inbound_per_hour} mails of its sender within an hour; these are its headers",
        )
    key = key_of(content, mail.message_id)
    if not whole:
        # What it reports counts all the same: a relay's bounces of one evening come from one sender.
        content, mail = headers_of(content), replace(mail, text="", attachments=())
    async with services.database.tenant_reading(about.shop.tenant_id) as session:
        if (known := await session.scalar(select(Correspondence.id).where(Correspondence.key == key))) is not None:
            return Received(Outcome.KNOWN, known)
    async with arriving(
        services.database,
        services.files,
        about.shop.tenant_id,
        Upload(content, mail.subject or "mail"),
        purpose=Purpose.CORRESPONDENCE,
        by=mail.sender,
        at=now,
        limit=services.settings.max_inbound_bytes,
        reseller_id=about.match.reseller_id,
        kind=MAIL,
    ) as file:
        entry = record.Entry(
            key=key,
            direction=record.IN,
            kind=mail.arrival.value,
            arrived=mail,
            at=now,
            size=len(content),
            content_sha256=hashlib.sha256(content).hexdigest(),
            reseller_id=about.match.reseller_id,
            order_id=about.match.order_id,
            thread=about.match.thread,
            file_id=file.id,
            note=note,
        )
        row = await _keep(services, about, entry, file, size=size, looping=looping)
    return Received(Outcome.KNOWN if row is None else Outcome.KEPT if whole else Outcome.HEADERS, row)


async def _keep(
    services: Services, about: _About, entry: record.Entry, file: StoredFile, *, size: int | None, looping: bool
) -> str | None:
    async with services.database.tenant(about.shop.tenant_id) as session:
        row = await record.put(session, entry)
        if row is None:
            return None  # the same mail at the same moment; nobody takes the file over, and it is swept
        await keep(session, file)
        await _follow(session, services, about, row, entry.arrived, size=size, looping=looping)
        return row.id


async def _follow(
    session: AsyncSession,
    services: Services,
    about: _About,
    row: Correspondence,
    mail: Arrived,
    *,
    size: int | None,
    looping: bool,
) -> None:
    """What a mail changes: a delivery that failed or is late; of a person a task, one per thread; of a machine nothing."""
    now = services.clock()
    if about.reported is not None:
        for report in mail.reports:
            words = " ".join(part for part in (report.words, f"({report.status})" if report.status else "") if part)
            if report.action == "failed":
                gone = await bounce(session, about.reported.id, f"{report.recipient}: {words}")
                if gone is not None:
                    await note_failure(session, services, about.shop, gone)
            elif report.action == "delayed" and about.reported.order_id is not None:
                late = because("mail_late", subject=about.reported.subject, recipient=report.recipient, words=words)
                await add_event(session, about.reported.order_id, f"mail-late:{row.id}", now, late)
        return
    if about.candidates:
        for report in mail.reports:
            if report.action == "failed":
                unclear = because(
                    "bounce_unclear", recipient=report.recipient, words=report.words, count=about.candidates, id=row.id
                )
                await add_task(session, f"bounce:{report.recipient}"[:200], None, [unclear], now)
        return
    if looping:
        loop = because("mail_loop", sender=mail.sender, count=services.settings.inbound_per_hour)
        await add_task(session, f"mail-loop:{mail.sender}"[:200], None, [loop], now)
        return
    if mail.arrival is not Arrival.PERSON:
        return
    if size is None and await _taken_over(session, services, about.shop, row, mail):
        return
    if mail.sender not in own_addresses(services):
        if size is not None:
            said = because("mail_too_large", sender=mail.sender, subject=mail.subject, size=f"{size / 1024 / 1024:.1f}")
        else:
            said = because("mail_came", sender=mail.sender, subject=mail.subject, about=await _named(session, row), id=row.id)
        await add_task(session, f"mail-in:{row.thread or row.id}", row.order_id, [said], now)


async def _taken_over(session: AsyncSession, services: Services, shop: Shop, row: Correspondence, mail: Arrived) -> bool:
    for follower in services.followers:
        if await follower(session, services, shop, row, mail):
            return True
    return False


async def _named(session: AsyncSession, row: Correspondence) -> str:
    if row.order_id is not None:
        number = await session.scalar(select(ResellerOrder.number).where(ResellerOrder.id == row.order_id))
        return f"order {number}"
    company = await session.scalar(select(Reseller.company).where(Reseller.id == row.chain)) if row.chain else None
    return company or "no reseller"


async def _about(services: Services, mail: Arrived) -> _About | Outcome:
    """The shop and what of it a mail is about: a report by the mail it reports on; others by token, answer, then sender."""
    shops = services.shops.all()
    for shop in shops:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            if mail.message_id and await record.sent_mail(session, [mail.message_id]) is not None:
                return Outcome.OWN
            if (reported := await record.reported_mail(session, mail)) is not None:
                return _of(shop, reported)
    guessed = await _by_recipient(services, mail)
    if guessed is not None and guessed.reported is not None:
        return guessed
    for shop in shops:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            if (match := await record.match(session, mail)) is not None:
                return _About(shop, match, None, guessed.candidates if guessed else 0)
    if guessed is not None:
        return guessed
    for shop in shops if mail.sender not in own_addresses(services) else ():
        async with services.database.tenant_reading(shop.tenant_id) as session:
            if mail.sender and (reseller := await reseller_by_address(session, mail.sender)) is not None:
                return _About(shop, record.Match(reseller, None, ""), None)
    return Outcome.NOBODY


def _of(shop: Shop, reported: Mail) -> _About:
    return _About(shop, record.Match(reported.reseller_id, reported.order_id, reported.thread), reported)


async def _by_recipient(services: Services, mail: Arrived) -> _About | None:
    """What a report is about that names no mail: the only one its recipient got lately.

    Of several it cannot be told; the report is kept where they are all of one reseller, and staff are told.
    """
    gone = {
        spelled for report in mail.reports if report.action in ("failed", "delayed") for spelled in spellings(report.recipient)
    }
    if not gone:
        return None
    found: list[tuple[Shop, Mail]] = []
    for shop in services.shops.all():
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found += [(shop, one) for one in await record.lately_sent(session, sorted(gone), services.clock() - REPORTED_WITHIN)]
    if len(found) == 1:
        return _of(*found[0])
    if len({(shop.tenant_id, one.reseller_id) for shop, one in found}) != 1:
        return None
    shop, newest = found[0]
    return _About(shop, record.Match(newest.reseller_id, None, ""), None, len(found))


def own_addresses(services: Services) -> set[str]:
    """The vendor's own: its mails to the mailbox are no case."""
    given = [services.settings.mail_from, *(shop.settings.seller.email for shop in services.shops.all())]
    return {envelope(address).addr_spec.lower() for address in given if address}
