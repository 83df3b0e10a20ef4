"""Reading the mailbox on a schedule: each mail is taken once, in the order it came, whatever is killed in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from dbos import DBOS
from sqlalchemy import select

from app.errors import Unavailable
from app.mail.mailbox import Batch, Place, fetch, name_of
from app.mail.tables import Mailbox
from app.orders.durable import RETRY, services
from app.orders.inbound import receive
from app.orders.services import Services

log = structlog.get_logger()
ROUNDS = 50
"""Batches of one run; the next run goes on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How many mails a reading found, by what became of them; `more` wait."""

    outcomes: dict[str, int] = field(default_factory=dict)
    more: bool = False


def schedule(imap_url: str) -> None:
    """Let the worker of this process read the mailbox, where there is one. After `orders.workflow.start`."""
    if imap_url:
        DBOS.apply_schedules([{"schedule_name": "mailbox", "workflow_fn": mailbox, "schedule": "*/2 * * * *"}])


@DBOS.workflow(name="mailbox")
async def mailbox(scheduled: datetime, context: object) -> None:
    """What came into the mailbox since the last run, in batches."""
    for _ in range(ROUNDS):
        if not await read_mails(scheduled.isoformat()):
            return


@DBOS.step(name="read_mails", **RETRY)
async def read_mails(run: str) -> bool:
    """A batch, and whether more wait; a mailbox that cannot be read is noted and shown, and read again at the next run."""
    if not services().settings.imap_url:
        return False
    try:
        return (await read_batch(services())).more
    except Unavailable as error:
        log.warning("mailbox.unreachable", sentence=error.sentence)
        return False


async def read_batch(services: Services) -> Reading:
    """Take the next mails of the mailbox and remember how far it is read, mail by mail.

    Raises Unavailable, which is noted, when the mailbox or the file store cannot be reached.
    """
    settings, name = services.settings, name_of(services.settings.imap_url)
    async with services.database.system_reading() as session:
        known = await session.scalar(select(Mailbox).where(Mailbox.name == name))
    place = Place(known.uid_validity, known.last_uid) if known is not None and known.uid_validity else None
    since = known.read_at.date() if known is not None and known.read_at is not None else None
    try:
        batch = await asyncio.to_thread(fetch, settings, place, since)
    except Unavailable as error:
        await _note(services, name, None, error.sentence)
        raise
    await _note(services, name, batch.place, "")
    return await _take(services, name, batch)


async def _take(services: Services, name: str, batch: Batch) -> Reading:
    outcomes: dict[str, int] = {}
    for mail in batch.mails:
        if mail.content is not None:
            try:
                received = await receive(services, mail.content, size=None if mail.whole else mail.size)
            except Unavailable as error:
                await _note(services, name, None, error.sentence)
                raise
            except Exception as error:  # a fault of ours: the next run comes to the same mail, and must be seen to stand there
                words = f"The mail with the UID {mail.uid} cannot be taken: {type(error).__name__}: {error}"
                await _note(services, name, None, words[:500])
                raise
            outcomes[received.outcome.value] = outcomes.get(received.outcome.value, 0) + 1
        await _note(services, name, Place(batch.place.uid_validity, mail.uid), "")
    return Reading(outcomes, batch.more)


async def _note(services: Services, name: str, place: Place | None, error: str) -> None:
    """Remember a place, or what went wrong; of two readings at once the one that came further counts."""
    now = services.clock()
    async with services.database.system() as session:
        row = await session.scalar(select(Mailbox).where(Mailbox.name == name).with_for_update())
        if row is None:
            row = Mailbox(name=name, uid_validity=0, last_uid=0)
            session.add(row)
        if place is not None:
            behind = row.uid_validity == place.uid_validity and row.last_uid > place.last_uid
            if not behind:
                row.uid_validity, row.last_uid = place.uid_validity, place.last_uid
            row.read_at, row.failing_since, row.error = now, None, ""
        else:
            row.failing_since, row.error = row.failing_since or now, error
