"""Taking a removed shop's data away for good, some time after the app was deleted there (`rules.md` keeps it until then)."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, func, select

from app.db.base import program_tables
from app.db.tenants import Tenant
from app.errors import Conflict, NotFound
from app.files.tables import StoredFile
from app.orders.services import Services

log = structlog.get_logger()


async def purge_due(services: Services) -> list[str]:
    """Purge every shop that was removed longer ago than `purge_removed_after_days`; their API URLs. Never, where that is 0."""
    days = services.settings.purge_removed_after_days
    if not days:
        return []
    async with services.database.system_reading() as session:
        query = select(Tenant).where(Tenant.active.is_(False), Tenant.removed_at < services.clock() - timedelta(days))
        due = (await session.scalars(query)).all()
    for row in due:
        await purge(services, row.id)
    return [row.saleor_api_url for row in due]


async def purge(services: Services, tenant_id: str) -> dict[str, int]:
    """Delete all of a removed shop: rows, uploaded files, mails in the mail directory, durable work; how many of each.

    Files go before the rows that name them and the shop's own row goes last, so that a purge that was cut off goes on where it
    was. Raises NotFound without such a shop, Conflict for one in which the app is installed.
    """
    async with services.database.system_reading() as session:
        row = await session.scalar(select(Tenant).where(Tenant.id == tenant_id))
    if row is None:
        raise NotFound("There is no such shop.", code="unknown_shop")
    if row.active:
        raise Conflict(f"The app is installed in {row.saleor_api_url}; delete it there first.", code="shop_active")
    counts = {"workflows": await services.jobs.forget_shop(services.database, tenant_id)}
    async with services.database.tenant_reading(tenant_id) as session:
        keys = (await session.scalars(select(StoredFile.key))).all()
    for key in keys:
        await services.files.delete(key)
    counts["files"] = len(keys)
    mails = Path(services.settings.mail_directory) / tenant_id
    if mails.is_dir():
        await asyncio.to_thread(shutil.rmtree, mails)
    for table in reversed(program_tables()):
        if "tenant_id" not in table.c:
            continue
        async with services.database.system() as session:
            count = await session.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id))
            await session.execute(delete(table).where(table.c.tenant_id == tenant_id))
        if count:
            counts[table.name] = count
    async with services.database.system() as session:
        # A re-installation in this very moment keeps its row.
        await session.execute(delete(Tenant).where(Tenant.id == tenant_id, Tenant.active.is_(False)))
    log.warning("shop.purged", shop=row.saleor_api_url, rows=sum(counts.values()))
    return counts
