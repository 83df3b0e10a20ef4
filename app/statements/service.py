"""Statements as they were sent: the runs that make them, lists, files, and what a reference pays (`rules.md` 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.db.bulk import chunks
from app.db.pages import page
from app.documents.bank_details import normalize_reference
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.booking import open_of
from app.ledger.tables import LedgerItem, PaymentReference
from app.mail.schemas import MailKind
from app.mail.service import FAILED, first_key, resend
from app.mail.tables import Mail
from app.orders.mails import deliver_later
from app.orders.record import finish_task
from app.orders.services import Services
from app.resellers.listing import filtered
from app.resellers.rules import ResellerStatus
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.statements.rules import Period, missing, period_of, snapshot
from app.statements.tables import Statement, StatementRun

MOST_RESELLERS = 100
"""Resellers whose statements a text finds at most."""
PART = 16
"""Resellers in one workflow: what each transaction and durable step costs is paid once for so many."""


async def begin(session: AsyncSession, services: Services, shop: Shop) -> list[Period]:
    """Begin the runs of the months that are due, whatever was missed; those whose resellers are not all asked for yet."""
    now, zone = services.clock(), ZoneInfo(shop.settings.time_zone)
    newest = await session.scalar(select(StatementRun.period).order_by(StatementRun.period.desc()).limit(1))
    for period in missing(Period.parse(newest) if newest else None, now, zone):
        await _begin(session, services, shop, period)
    waiting = await session.scalars(select(StatementRun.period).where(StatementRun.asked_at.is_(None)))
    return sorted(Period.parse(text) for text in waiting)


async def begin_one(session: AsyncSession, services: Services, shop: Shop, period: Period | None = None) -> Period:
    """Begin the run of one month by hand, or let it ask for every reseller once more; by default the newest that is due.

    What was made already stays as it is. Raises InvalidInput for a month that is not over.
    """
    newest = period_of(services.clock(), ZoneInfo(shop.settings.time_zone))
    chosen = period or newest
    if chosen > newest:
        raise InvalidInput(f"period: {chosen} is not over; the newest is {newest}.", code="period")
    run = await _begin(session, services, shop, chosen)
    run.asked_at = None
    return chosen


async def _begin(session: AsyncSession, services: Services, shop: Shop, period: Period) -> StatementRun:
    query = select(StatementRun).where(StatementRun.period == str(period))
    if known := await session.scalar(query):
        return known
    at = snapshot(period, services.clock(), ZoneInfo(shop.settings.time_zone))
    run = StatementRun(period=str(period), snapshot_at=at)
    session.add(run)
    await session.flush()
    return run


async def ask_for_all(services: Services, shop: Shop, period: Period) -> int:
    """Ask for the statements of every reseller that may get one, a part of them in each workflow; how many resellers.

    The workflow's id is once per month and part, and what it makes once per reseller and month.
    """
    async with services.database.tenant_reading(shop.tenant_id) as session:
        if shop.settings.program.nil_statements:
            query = select(Reseller.id).where(Reseller.status == ResellerStatus.APPROVED)
            ids = sorted({*await session.scalars(query), *await session.scalars(_with_ledger())})
        else:
            ids = sorted(await session.scalars(_with_ledger()))
    parts = list(chunks(ids, PART))
    for some in chunks(parts):
        async with services.database.tenant(shop.tenant_id) as session:
            for part in some:
                named = ",".join(part)
                await services.jobs.enqueue(
                    session,
                    "make_part",
                    f"statements:{shop.tenant_id}:{period}:{hashlib.sha256(named.encode()).hexdigest()[:32]}",
                    partition=f"statements-{shop.tenant_id}",
                    args=(shop.tenant_id, named, str(period)),
                )
    async with services.database.tenant(shop.tenant_id) as session:
        run = (await session.scalars(select(StatementRun).where(StatementRun.period == str(period)).with_for_update())).one()
        run.asked_at = services.clock()
    return len(ids)


def _with_ledger() -> Select[str]:
    return select(LedgerItem.reseller_id).distinct()


async def page_of_statements(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[Statement], str | None]:
    """A page of a reseller's printed statements, the newest first, and the cursor of the next."""
    query = select(Statement).where(Statement.reseller_id == reseller_id, Statement.pdf_sha256.is_not(None))
    return await page(session, query, Statement.created_at, Statement.id, limit, cursor)


async def found(session: AsyncSession, text: str, period: str) -> Select[Statement]:
    """Statements of a month, or of all, that a text finds: a number, a reference, or a reseller's company or e-mail."""
    query = select(Statement)
    if period:
        query = query.where(Statement.period == str(Period.parse(period)))
    if not text:
        return query
    if (one := await named(session, text)) is not None:
        return query.where(Statement.id == one.id)
    ids = await session.scalars(filtered(text, "").with_only_columns(Reseller.id).limit(MOST_RESELLERS))
    return query.where(Statement.reseller_id.in_(ids.all()))


async def named(session: AsyncSession, text: str) -> Statement | None:
    """The statement of this number or creditor reference, however it is spaced."""
    one = "".join(text.split()).upper()
    return await session.scalar(select(Statement).where(or_(Statement.number == one, Statement.reference == one)))


async def counts(session: AsyncSession, periods: Sequence[str]) -> dict[str, int]:
    """How many statements each of these months has."""
    query = select(Statement.period, func.count()).where(Statement.period.in_(periods)).group_by(Statement.period)
    return dict((await session.execute(query)).all())


async def run_by_hand(session: AsyncSession, services: Services, shop: Shop, period: Period | None) -> Period:
    """Let the worker make a month's statements at once; those that were made already stay as they are. Raises as `begin_one`."""
    chosen = await begin_one(session, services, shop, period)
    await services.jobs.enqueue(
        session,
        "statements_in_shop",
        f"statements:{shop.tenant_id}:{chosen}:{services.clock().isoformat()}",
        partition=f"statements-{shop.tenant_id}",
        args=(shop.tenant_id, str(chosen)),
    )
    return chosen


async def all_statements(
    session: AsyncSession, *, reseller_id: str | None = None, period: Period | None = None, limit: int = 200
) -> Sequence[Statement]:
    """The newest statements of the shop, perhaps of one reseller or month."""
    query = select(Statement)
    if reseller_id is not None:
        query = query.where(Statement.reseller_id == reseller_id)
    if period is not None:
        query = query.where(Statement.period == str(period))
    return (await session.scalars(query.order_by(Statement.dated.desc(), Statement.number.desc()).limit(limit))).all()


async def own_statement(session: AsyncSession, reseller_id: str, statement_id: str) -> Statement:
    """A reseller's own printed statement with its files. Raises NotFound, for another reseller's as for none."""
    query = select(Statement).where(
        Statement.id == statement_id, Statement.reseller_id == reseller_id, Statement.pdf_sha256.is_not(None)
    )
    return _found(await session.scalar(query.options(undefer(Statement.pdf), undefer(Statement.csv))))


async def printed(session: AsyncSession, statement_id: str) -> Statement:
    """A printed statement with its files, by its id. Raises NotFound."""
    query = select(Statement).where(Statement.id == statement_id, Statement.pdf_sha256.is_not(None))
    return _found(await session.scalar(query.options(undefer(Statement.pdf), undefer(Statement.csv))))


async def by_number(session: AsyncSession, number: str) -> Statement:
    """A statement with its content and files, by its number. Raises NotFound."""
    query = select(Statement).where(Statement.number == number.strip().upper())
    return _found(await session.scalar(query.options(undefer(Statement.content), undefer(Statement.pdf), undefer(Statement.csv))))


def _found(row: Statement | None) -> Statement:
    if row is None:
        raise NotFound("There is no such statement.", code="no_statement")
    return row


@dataclass(frozen=True, slots=True)
class Pays:
    """What a statement's reference pays: its debts with what is open of each now, in minor units."""

    number: str
    reseller_id: str
    currency: str
    open: dict[str, int]

    @property
    def open_minor(self) -> int:
        """What is open of all."""
        return sum(self.open.values())


async def paid_by(session: AsyncSession, reference: str) -> Pays | None:
    """What one wire with this reference pays, from what a person or bank wrote; None for a reference of no statement.

    The bank's matching reads the same rows all at once (`orders.bank_candidates`).
    """
    checked = normalize_reference(reference)
    row = await session.scalar(select(PaymentReference).where(PaymentReference.reference == checked)) if checked else None
    if row is None:
        return None
    found: dict[str, int] = {}
    for part in chunks(row.debts):
        found |= await open_of(session, part)
    return Pays(row.number, row.reseller_id, row.currency, {debt: max(0, found.get(debt, 0)) for debt in row.debts})


async def mails_of(session: AsyncSession, row: Statement, recipients: Sequence[str]) -> Sequence[Mail]:
    """The mails that carried a statement to these addresses, the oldest first. A month's statements go in the same mails."""
    prefix = f"{MailKind.STATEMENT}:{row.reseller_id}:{row.period}:"
    query = select(Mail).where(
        Mail.recipient.in_(recipients), Mail.kind == MailKind.STATEMENT, Mail.key.startswith(prefix, autoescape=True)
    )
    return (await session.scalars(query.order_by(Mail.created_at, Mail.key))).all()


async def send_again(session: AsyncSession, services: Services, shop: Shop, *, number: str, to: str | None = None) -> list[Mail]:
    """Send a statement's mails once more as they were, or one to another address.

    Raises NotFound without the statement, Conflict where none was mailed yet, or one is still on its way to that address.
    """
    row = await by_number(session, number)
    prefix = f"{MailKind.STATEMENT}:{row.reseller_id}:{row.period}:"
    # By its reseller: no index of a key's beginning serves every collation of a database.
    own = (Mail.reseller_id == row.reseller_id, Mail.kind == MailKind.STATEMENT)
    query = select(Mail).where(*own, Mail.key.startswith(prefix, autoescape=True))
    first: dict[str, Mail] = {}
    for mail in await session.scalars(query.order_by(Mail.created_at, Mail.key)):
        first.setdefault(first_key(mail.key), mail)
        if mail.state == FAILED:
            await finish_task(session, f"mail:{mail.id}", services.clock())
    if not first:
        raise Conflict(f"Statement {row.number} was not mailed yet.", code="not_mailed")
    chosen = list(first.values())[:1] if to else list(first.values())
    again = [await resend(session, mail.id, recipient=to, at=services.clock()) for mail in chosen]
    for mail in again:
        await deliver_later(session, services, shop, mail)
    return again
