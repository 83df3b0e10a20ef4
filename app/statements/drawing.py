"""Drawing up a month's statements: frozen once per reseller, month and currency, printed from what was frozen, mailed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.documents.logo import decoded
from app.documents.schemas import Address, Language
from app.documents.service import locked_series
from app.documents.statement import StatementData, StatementLine, render_statement, statement_csv
from app.errors import NotFound
from app.ledger.aging import bucket
from app.ledger.tables import PaymentReference
from app.mail.schemas import Attachment, MailedStatement, MailKind, StatementContext
from app.mail.tables import Mail
from app.money import Money
from app.orders.gateway import bank_account, reference_for
from app.orders.mails import send_to_accounts
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.reasons import because, register, told
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.statements.charging import bring_interest_up
from app.statements.open_items import open_items
from app.statements.rules import Block, Period, nil_block
from app.statements.tables import Statement, StatementRun

register({"no_statement_mail": "{company} could not be sent its statement of {period}: {words} Correct the user's address."})

Files = tuple[bytes, bytes]
"""The PDF and the CSV of a statement."""
PDF, CSV = "application/pdf", "text/csv; charset=utf-8"
WAITING = "–"
"""Stands for the number of a statement that has none yet."""


async def draw_up(session: AsyncSession, services: Services, shop: Shop, reseller_id: str, period: Period) -> list[str]:
    """The ids of a reseller's statements of a month, frozen now if there are none yet; empty where nothing is owed.

    What was booked after the run's snapshot is not in them. Numbers like `S2026-00001` run without gaps. Each that asks for
    money gets a reference of its own, by which the bank's matching finds what it pays. Raises NotFound without the run.
    """
    if made := await _made(session, reseller_id, period):
        return made
    run = await session.scalar(select(StatementRun).where(StatementRun.period == str(period)))
    if run is None:
        raise NotFound(f"The statements of {period} were not begun; run `reseller statements run`.", code="no_statement_run")
    reseller = await session.get_one(Reseller, reseller_id)
    await bring_interest_up(session, reseller_id, shop.settings.program, period.dated, at=run.snapshot_at)
    blocks = await _blocks(session, shop, reseller, period, run.snapshot_at)
    if not blocks:
        return []
    # The counter's lock lets one in at a time: of two at once the second finds what the first one made.
    series = await locked_series(session, f"statement-{period.dated.year}")
    if made := await _made(session, reseller_id, period):
        return made
    ids = []
    for block in blocks:
        series.last += 1
        number = f"S{period.dated.year}-{series.last:05d}"
        reference = reference_for(shop.tenant_id, f"statement/{reseller_id}/{period}/{block.currency}")
        data = await _data(session, shop, reseller, period, block, run.snapshot_at, number, reference)
        row = Statement(
            reseller_id=reseller_id,
            period=str(period),
            currency=block.currency,
            number=number,
            reference=reference,
            dated=period.dated,
            to_pay_minor=data.to_pay,
            content=data.model_dump(mode="json"),
            created_at=services.clock(),
        )
        session.add(row)
        if data.to_pay:
            session.add(
                PaymentReference(
                    reference=reference,
                    number=number,
                    reseller_id=reseller_id,
                    currency=block.currency,
                    debts=list(block.debts),
                    at=run.snapshot_at,
                )
            )
        await session.flush()
        ids.append(row.id)
    return ids


async def ask_for_one(session: AsyncSession, services: Services, shop: Shop, reseller_id: str, period: Period) -> None:
    """Ask for the workflow of one reseller's statements of a month; once, by its id."""
    await services.jobs.enqueue(
        session,
        "make_statements",
        f"statement:{shop.tenant_id}:{reseller_id}:{period}",
        partition=f"statements-{reseller_id}",
        args=(shop.tenant_id, reseller_id, str(period)),
    )


async def preview(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, period: Period, *, nil: bool = False
) -> list[StatementData]:
    """What a reseller's statements of a month would say now; nothing is kept, no interest is charged and no number used up."""
    now = services.clock()
    blocks = await _blocks(session, shop, reseller, period, now, nil=nil)
    return [
        await _data(session, shop, reseller, period, block, now, WAITING, reference_for(shop.tenant_id, "preview"))
        for block in blocks
    ]


async def print_statement(database: Database, shop: Shop, statement_id: str) -> None:
    """Set a statement in type and write its CSV, once; they are kept as they are (edge case 75).

    Opens its own transactions, so that none is open, and nobody else waits, while it is set in type.
    """
    async with database.tenant_reading(shop.tenant_id) as session:
        row = (
            await session.scalars(select(Statement).where(Statement.id == statement_id).options(undefer(Statement.content)))
        ).one()
    if row.pdf_sha256 is not None:
        return
    files = await asyncio.to_thread(printed_files, row.content, shop.settings.documents.logo)
    async with database.tenant(shop.tenant_id) as session:
        await keep_files(session, {statement_id: files})


async def keep_files(session: AsyncSession, files: Mapping[str, Files]) -> None:
    """Keep what was printed of these statements, of each the first that was."""
    query = select(Statement).where(Statement.id.in_(files)).order_by(Statement.id).with_for_update()
    for kept in await session.scalars(query):
        if kept.pdf_sha256 is None:
            pdf, csv = files[kept.id]
            kept.pdf, kept.pdf_sha256 = pdf, hashlib.sha256(pdf).hexdigest()
            kept.csv, kept.csv_sha256 = csv, hashlib.sha256(csv).hexdigest()


def printed_files(content: dict[str, Any], logo: str) -> Files:
    """The files of a frozen statement, with the logo as the settings keep it; takes milliseconds, so not on the event loop."""
    data = StatementData.model_validate(content)
    return render_statement(data, decoded(logo)), statement_csv(data)


async def mail_statements(session: AsyncSession, services: Services, shop: Shop, reseller_id: str, period: Period) -> list[Mail]:
    """Mail a reseller's printed statements of a month, once per recipient: its own address and its users of accounts.

    An address that takes no mail becomes a task of staff and keeps nobody else from theirs.
    """
    rows = await _printed(session, reseller_id, period)
    if not rows:
        return []
    reseller = await session.get_one(Reseller, reseller_id)
    context = StatementContext(
        seller=shop.settings.seller,
        company=reseller.company,
        month=period.first,
        dated=period.dated,
        statements=tuple(
            MailedStatement(row.number, Money(row.to_pay_minor, row.currency) if row.to_pay_minor else None, row.reference)
            for row in rows
        ),
    )
    attachments = [
        Attachment(f"{file_stem(row)}.{suffix}", media_type.partition(";")[0], content)
        for row in rows
        for suffix, media_type, content in (("pdf", PDF, row.pdf), ("csv", CSV, row.csv))
        if content is not None
    ]
    return await send_to_accounts(
        session,
        services,
        shop,
        reseller,
        key=f"{reseller_id}:{period}",
        kind=MailKind.STATEMENT,
        context=context,
        attachments=attachments,
        problem=(
            f"{MailKind.STATEMENT}:{reseller_id}:{period}",
            lambda error: because("no_statement_mail", company=reseller.company, period=period, **told("words", error)),
        ),
    )


def file_stem(row: Statement) -> str:
    """The name of a statement's files without what follows the dot."""
    return f"statement-{row.number}"


async def _made(session: AsyncSession, reseller_id: str, period: Period) -> list[str]:
    query = select(Statement.id).where(Statement.reseller_id == reseller_id, Statement.period == str(period))
    return list(await session.scalars(query.order_by(Statement.currency)))


async def _printed(session: AsyncSession, reseller_id: str, period: Period) -> Sequence[Statement]:
    query = select(Statement).where(
        Statement.reseller_id == reseller_id, Statement.period == str(period), Statement.pdf_sha256.is_not(None)
    )
    query = query.options(undefer(Statement.pdf), undefer(Statement.csv)).order_by(Statement.currency)
    return (await session.scalars(query)).all()


async def _blocks(
    session: AsyncSession, shop: Shop, reseller: Reseller, period: Period, at: datetime, *, nil: bool = False
) -> list[Block]:
    blocks = await open_items(session, reseller.id, period.dated, until=at, before=period.dated)
    if blocks or not (nil or shop.settings.program.nil_statements):
        return blocks
    newest = select(ResellerOrder.currency).where(ResellerOrder.reseller_id == reseller.id)
    currency = await session.scalar(newest.order_by(ResellerOrder.created_at.desc()).limit(1))
    accounts = shop.settings.bank_accounts
    return [nil_block(currency or reseller.limit_currency or (accounts[0].currency if accounts else "USD"))]


async def _data(
    session: AsyncSession,
    shop: Shop,
    reseller: Reseller,
    period: Period,
    block: Block,
    at: datetime,
    number: str,
    reference: str,
) -> StatementData:
    account = bank_account(shop.settings, "", block.currency)
    if account is None and block.items:
        # A vendor may have accounts of channels only: that of the newest order is the reseller's.
        query = select(ResellerOrder.channel).where(ResellerOrder.number == block.items[-1].order_number)
        account = bank_account(shop.settings, await session.scalar(query) or "", block.currency)
    language: Language = "de" if reseller.language == "de" else "en"
    return StatementData(
        number=number,
        reference=reference,
        language=language,
        period=str(period),
        dated=period.dated,
        snapshot_at=at,
        time_zone=shop.settings.time_zone,
        currency=block.currency,
        seller=shop.settings.seller,
        bill_to=Address(
            company=reseller.company,
            street=reseller.street,
            street_2=reseller.street2,
            postal_code=reseller.postal_code,
            city=reseller.city,
            state=reseller.state,
            country=reseller.country,
            tax_number=reseller.tax_number,
        ),
        lines=tuple(
            StatementLine(
                order_number=item.order_number,
                order_date=item.order_date,
                po_number=item.po_number,
                due_date=item.due_date,
                days_overdue=item.days_overdue,
                bucket=bucket(item.days_overdue).value,
                amount=item.amount.minor,
                paid=item.paid.minor,
                open=item.open.minor,
                interest=item.interest.minor,
                disputed=item.disputed,
            )
            for item in block.items
        ),
        buckets={name.value: amount.minor for name, amount in block.buckets.items()},
        bucket_names=tuple(name.value for name in block.buckets),
        total=block.total.minor,
        interest=block.interest.minor,
        disputed=block.disputed.minor,
        credit=block.credit.minor,
        balance=block.balance.minor,
        to_pay=block.to_pay.minor,
        account=account,
        accent=shop.settings.documents.accent_color,
        footer=shop.settings.documents.footer.of(language),
    )
