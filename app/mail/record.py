"""The written record: every mail sent and received about a reseller, its bytes chained by hashes (`rules.md` 11.1)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, undefer

from app.db.reading import rows
from app.errors import NotFound, Unavailable
from app.files.service import content as stored_content
from app.files.service import get as stored_file
from app.files.storage import Storage
from app.mail.arrived import Arrived, read
from app.mail.chain import START, Link, broken
from app.mail.tables import Correspondence, CorrespondenceChain, Mail
from app.reasons import Reason, because

OUT, IN = "out", "in"
MAX_WORDS = 100_000
"""Characters of a mail's text that are searched."""
A_ROUND = 200
AT_ONCE = 100_000
"""Mails of a record that is looked at every hour from end to end: 2 s."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mail to be put on the record; `key` makes it one."""

    key: str
    direction: str
    kind: str
    arrived: Arrived
    at: datetime
    size: int
    content_sha256: str
    reseller_id: str | None = None
    order_id: str | None = None
    thread: str = ""
    mail_id: str | None = None
    file_id: str | None = None
    note: str = ""


async def put(session: AsyncSession, entry: Entry) -> Correspondence | None:
    """Put a mail at the end of its reseller's chain; None when it is on the record already.

    It holds the chain's lock until the session's transaction ends, so put one mail in a transaction.
    """
    chain = entry.reseller_id or ""
    end = await _locked(session, chain)
    if await session.scalar(select(Correspondence.id).where(Correspondence.key == entry.key)) is not None:
        return None
    mail = entry.arrived
    link = Link(
        chain=chain,
        position=end.length + 1,
        direction=entry.direction,
        kind=entry.kind,
        message_id=mail.message_id,
        at=entry.at,
        sender=mail.sender,
        recipients=", ".join(mail.recipients),
        subject=mail.subject,
        note=entry.note,
        size=entry.size,
        content_sha256=entry.content_sha256,
        previous=end.head,
    )
    row = Correspondence(
        **{name: getattr(link, name) for name in link.__slots__},
        key=entry.key,
        mail_id=entry.mail_id,
        file_id=entry.file_id,
        order_id=entry.order_id,
        thread=entry.thread,
        words=_folded(f"{mail.subject}\n{mail.sender}\n{', '.join(mail.recipients)}\n{mail.text}")[:MAX_WORDS],
        hash=link.hash(),
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same mail at the same moment, in the chain of another reseller
        return None
    end.length, end.head = link.position, row.hash
    return row


async def put_sent(session: AsyncSession, mail: Mail, content: bytes, at: datetime) -> Correspondence | None:
    """A mail that a server took."""
    return await put(
        session,
        Entry(
            key=f"{OUT}:{mail.id}",
            direction=OUT,
            kind="mail",
            arrived=read(content),
            at=at,
            size=len(content),
            content_sha256=hashlib.sha256(content).hexdigest(),
            reseller_id=mail.reseller_id,
            order_id=mail.order_id,
            thread=mail.thread,
            mail_id=mail.id,
        ),
    )


async def find_entry(session: AsyncSession, entry_id: str) -> Correspondence:
    """A mail on the record. Raises NotFound."""
    row = await session.scalar(select(Correspondence).where(Correspondence.id == entry_id))
    if row is None:
        raise NotFound("There is no such mail on the record; `reseller correspondence list` shows them.", code="no_mail")
    return row


def entries(
    *, reseller_id: str | None = None, order_id: str | None = None, thread: str = "", words: str = ""
) -> Select[Correspondence]:
    """The record's mails, of a reseller, an order or a thread, and with all of the words in subject, addresses or text."""
    query = select(Correspondence)
    if reseller_id is not None:
        query = query.where(Correspondence.chain == reseller_id)
    if order_id is not None:
        query = query.where(Correspondence.order_id == order_id)
    if thread:
        query = query.where(Correspondence.thread == thread)
    for word in _folded(words).split():
        query = query.where(Correspondence.words.contains(word, autoescape=True))
    return query


async def exact_bytes(session: AsyncSession, storage: Storage, row: Correspondence) -> bytes:
    """The mail as it was sent or came in. Raises Unavailable where the bytes are gone or are not those of the record."""
    found: bytes | None
    if row.mail_id is not None:
        mail = await session.scalar(select(Mail).where(Mail.id == row.mail_id).options(undefer(Mail.content)))
        found = mail.content if mail is not None else None
    else:
        try:
            found = await stored_content(storage, await stored_file(session, row.file_id or ""))
        except (NotFound, Unavailable) as error:
            if error.code == "file_store":
                raise
            found = None
    if found is None or hashlib.sha256(found).hexdigest() != row.content_sha256:
        raise Unavailable(
            f"The bytes of mail number {row.position} '{row.subject[:60]}' are gone or changed; restore them from the backup.",
            code="mail_damaged",
        )
    return found


async def verify(
    session: AsyncSession, *, storage: Storage | None = None, reseller_id: str | None = None, hour: int | None = None
) -> list[str]:
    """What contradicts the record, in English; as `contradictions`."""
    return [str(one) for one in await contradictions(session, storage=storage, reseller_id=reseller_id, hour=hour)]


async def contradictions(
    session: AsyncSession, *, storage: Storage | None = None, reseller_id: str | None = None, hour: int | None = None
) -> list[Reason]:
    """What contradicts the record: rows changed, missing, put between, or taken from the end; with `storage` also wrong bytes.

    With an `hour` of the day only that hour's chains of a record that is large: in a day all of them.

    The bytes of a large record take their time; the chain alone is quick.
    """
    ends = select(CorrespondenceChain.chain, CorrespondenceChain.length, CorrespondenceChain.head)
    links = _links()
    if hour is not None and (await session.scalar(select(func.sum(CorrespondenceChain.length))) or 0) > AT_ONCE:
        ends, links = ends.where(_of_hour(CorrespondenceChain.chain, hour)), links.where(_of_hour(Correspondence.chain, hour))
    if reseller_id is not None:
        ends, links = ends.where(CorrespondenceChain.chain == reseller_id), links.where(Correspondence.chain == reseller_id)
    known = {chain: (length, head) for chain, length, head in await session.execute(ends)}
    doubtful = set(known)
    async for chain, its in _chains(session, links):
        if chain in known and not any(broken(its, length=known[chain][0], head=known[chain][1])):
            doubtful.discard(chain)
        else:
            doubtful.add(chain)
    # Mail may have come in meanwhile, which is no fault.
    found: list[Reason] = []
    for chain in sorted(doubtful):
        found += await _wrong_with(session, chain)
    for chain in sorted(known) if storage is not None else ():
        assert storage is not None
        async for row in chain_rows(session, chain):
            try:
                await exact_bytes(session, storage, row)
            except Unavailable as error:
                found.append(because("record_bytes", whose=_whose(chain), words=error.sentence))
    return found


def _of_hour(chain: InstrumentedAttribute[str], hour: int) -> ColumnElement[bool]:
    """Chains are named by random ids, "" in the first hour: ranges of their first two digits, which an index finds."""
    heads = [f"{number:02x}" for number in range(hour % 24, 256, 24)]
    return or_(*(chain.between(head, f"{head}g") for head in heads), *([chain == ""] if hour % 24 == 0 else []))


def _links() -> Select[Any]:
    """Columns, not mapped rows: a record has three mails for each order there ever was."""
    columns = [getattr(Correspondence, name) for name in (*Link.__slots__, "hash")]
    return select(*columns).order_by(Correspondence.chain, Correspondence.position)


async def _chains(session: AsyncSession, links: Select[Any]) -> AsyncIterator[tuple[str, list[tuple[Link, str]]]]:
    """Each chain with its rows and their stored hashes."""
    its: list[tuple[Link, str]] = []
    async for row in rows(session, links):
        facts: tuple[Any, ...] = tuple(row)
        link, stored = Link(*facts[:-1]), facts[-1]
        if its and its[0][0].chain != link.chain:
            yield its[0][0].chain, its
            its = []
        its.append((link, stored))
    if its:
        yield its[0][0].chain, its


async def _wrong_with(session: AsyncSession, chain: str) -> list[Reason]:
    """What is wrong with a chain, looked at until its end stands still."""
    while True:
        end = await chain_end(session, chain)
        its = [link async for _, found in _chains(session, _links().where(Correspondence.chain == chain)) for link in found]
        wrong = list(broken(its, length=end[0], head=end[1], whose=_whose(chain)))
        if await chain_end(session, chain) == end:
            return [because("record_no_end", whose=_whose(chain))] if its and end == (0, START) else wrong


def _whose(chain: str) -> str:
    return f"reseller {chain}" if chain else "no reseller"


async def chain_rows(session: AsyncSession, chain: str, length: int | None = None) -> AsyncIterator[Correspondence]:
    """A chain's rows in their order, some at a time; up to its `length` as it was, where mails may come in meanwhile."""
    last = 0
    while True:
        query = select(Correspondence).where(Correspondence.chain == chain, Correspondence.position > last)
        if length is not None:
            query = query.where(Correspondence.position <= length)
        batch = (await session.scalars(query.order_by(Correspondence.position).limit(A_ROUND))).all()
        for row in batch:
            yield row
        if len(batch) < A_ROUND:
            return
        last = batch[-1].position


async def chain_end(session: AsyncSession, chain: str) -> tuple[int, str]:
    """How many mails a chain has, and the last one's hash."""
    end = await session.scalar(select(CorrespondenceChain).where(CorrespondenceChain.chain == chain))
    return (end.length, end.head) if end is not None else (0, START)


@dataclass(frozen=True, slots=True)
class Match:
    """What a mail received is about."""

    reseller_id: str | None
    order_id: str | None
    thread: str


async def sent_mail(session: AsyncSession, message_ids: Sequence[str]) -> Mail | None:
    """The mail of ours with one of these Message-IDs."""
    if not message_ids:
        return None
    query = select(Mail).where(Mail.message_id.in_(message_ids)).order_by(Mail.created_at.desc())
    return (await session.scalars(query.limit(1))).first()


async def reported_mail(session: AsyncSession, mail: Arrived) -> Mail | None:
    """The mail of ours that a report is about: by the address it came to, else by the Message-ID it names."""
    if not mail.reports:
        return None
    own = await session.scalar(select(Mail).where(Mail.id.in_(mail.deliveries)).limit(1)) if mail.deliveries else None
    return own or await sent_mail(session, [mail.reported_id] if mail.reported_id else [])


async def lately_sent(session: AsyncSession, recipients: Sequence[str], since: datetime) -> Sequence[Mail]:
    """The mails that a server took since a moment for one of these addresses, the newest first."""
    query = select(Mail).where(
        Mail.state == "sent", Mail.created_at > since, func.lower(Mail.recipient).in_([address.lower() for address in recipients])
    )
    return (await session.scalars(query.order_by(Mail.created_at.desc(), Mail.id))).all()


async def match(session: AsyncSession, mail: Arrived) -> Match | None:
    """What a mail is about, by the address it came to, or what it answers; None when neither is ours."""
    if mail.deliveries:
        by_delivery = select(Mail).where(Mail.id.in_(mail.deliveries)).limit(1)
        if (found := (await session.scalars(by_delivery)).first()) is not None:
            return Match(found.reseller_id, found.order_id, found.thread)
    if mail.tokens:
        by_token = select(Mail).where(Mail.thread.in_(mail.tokens)).order_by(Mail.created_at.desc()).limit(1)
        if (found := (await session.scalars(by_token)).first()) is not None:
            return Match(found.reseller_id, found.order_id, found.thread)
    if not mail.references:
        return None
    if (answered := await sent_mail(session, mail.references)) is not None:
        return Match(answered.reseller_id, answered.order_id, answered.thread)
    query = select(Correspondence).where(
        or_(
            Correspondence.message_id.in_(mail.references),
            Correspondence.thread.in_([reference.partition("@")[0] for reference in mail.references])
            & (Correspondence.thread != ""),
        )
    )
    earlier = (await session.scalars(query.order_by(Correspondence.at.desc()).limit(1))).first()
    return Match(earlier.chain or None, earlier.order_id, earlier.thread) if earlier is not None else None


async def received_since(session: AsyncSession, sender: str, since: datetime) -> int:
    """How many mails of a sender came in since a moment."""
    query = select(func.count(Correspondence.id)).where(
        Correspondence.direction == IN, Correspondence.sender == sender, Correspondence.at > since
    )
    return await session.scalar(query) or 0


async def _locked(session: AsyncSession, chain: str) -> CorrespondenceChain:
    query = select(CorrespondenceChain).where(CorrespondenceChain.chain == chain).with_for_update()
    end = await session.scalar(query.execution_options(populate_existing=True))
    if end is not None:
        return end
    try:
        async with session.begin_nested():
            session.add(CorrespondenceChain(chain=chain, length=0, head=START))
    except IntegrityError:  # somebody else began it
        pass
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
