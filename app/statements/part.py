"""A part of a month's resellers at a time: what each transaction and durable step costs is paid once for all of them.

Whoever fails of them keeps nobody else from its statements: it goes its own way, as the workflow `make_statements`, which is
tried again and shown when it is stuck.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.orders.services import Services
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.statements import drawing
from app.statements.rules import Period
from app.statements.tables import Statement

log = structlog.get_logger()

Drawn = dict[str, list[str]]
"""The ids of the statements of each reseller that has some."""


async def draw_up_part(services: Services, shop: Shop, reseller_ids: Sequence[str], period: Period) -> Drawn:
    """The statements of these resellers, frozen in one transaction."""
    drawn: Drawn = {}
    async with services.database.tenant(shop.tenant_id) as session:
        known = await _loaded(session, reseller_ids)
        for reseller_id in known:
            try:
                async with session.begin_nested():
                    made = await drawing.draw_up(session, services, shop, reseller_id, period)
            except Exception:
                await _apart(session, services, shop, reseller_id, period, "drawn up")
            else:
                drawn |= {reseller_id: made} if made else {}
    return drawn


async def print_part(services: Services, shop: Shop, drawn: Drawn, period: Period) -> list[str]:
    """Set the statements in type and keep them in one transaction; the resellers whose statements are all printed then.

    No transaction is open, and nobody else waits, while they are set in type.
    """
    owners = {statement_id: reseller_id for reseller_id, made in drawn.items() for statement_id in made}
    async with services.database.tenant_reading(shop.tenant_id) as session:
        query = select(Statement).where(Statement.id.in_(owners), Statement.pdf_sha256.is_(None))
        rows = (await session.scalars(query.options(undefer(Statement.content)))).all()
    files: dict[str, drawing.Files] = {}
    failed: list[str] = []
    for row in rows:
        try:
            files[row.id] = await asyncio.to_thread(drawing.printed_files, row.content, shop.settings.documents.logo)
        except Exception:
            log.exception("statement_not_printed", statement=row.number)
            failed.append(owners[row.id])
    async with services.database.tenant(shop.tenant_id) as session:
        await drawing.keep_files(session, files)
        for reseller_id in dict.fromkeys(failed):
            await drawing.ask_for_one(session, services, shop, reseller_id, period)
    return [reseller_id for reseller_id in drawn if reseller_id not in failed]


async def mail_part(services: Services, shop: Shop, reseller_ids: Sequence[str], period: Period) -> int:
    """Mail the printed statements of these resellers, asked for in one transaction; how many mails there are."""
    count = 0
    async with services.database.tenant(shop.tenant_id) as session:
        known = await _loaded(session, reseller_ids)
        for reseller_id in known:
            try:
                async with session.begin_nested():
                    mails = await drawing.mail_statements(session, services, shop, reseller_id, period)
            except Exception:
                await _apart(session, services, shop, reseller_id, period, "mailed")
            else:
                count += len(mails)
    return count


async def _loaded(session: AsyncSession, reseller_ids: Sequence[str]) -> dict[str, Reseller]:
    """The resellers by id, in the order asked for; as long as this is held, the session has them at hand."""
    found = {row.id: row for row in await session.scalars(select(Reseller).where(Reseller.id.in_(reseller_ids)))}
    return {reseller_id: found[reseller_id] for reseller_id in reseller_ids}


async def _apart(session: AsyncSession, services: Services, shop: Shop, reseller_id: str, period: Period, what: str) -> None:
    log.exception("statement_apart", reseller=reseller_id, period=str(period), what=what)
    await drawing.ask_for_one(session, services, shop, reseller_id, period)
