"""Durable import and undoing of bank files that came by a page."""

from __future__ import annotations

from dbos import DBOS

from app.orders import bank_jobs
from app.orders.durable import RETRY, services, shop_of


@DBOS.workflow(name="import_bank_file")
async def import_bank_file(tenant_id: str, import_id: str, file_id: str, account: str, by: str) -> str:
    """Import one file; each batch of its lines is kept, so that a repetition goes on where it ended."""
    return await import_kept_file(tenant_id, import_id, file_id, account, by)


@DBOS.workflow(name="undo_bank_file")
async def undo_bank_file(tenant_id: str, import_id: str, by: str) -> str:
    """Undo one file, batch by batch."""
    return await undo_kept_file(tenant_id, import_id, by)


@DBOS.step(name="import_kept_file", **RETRY)
async def import_kept_file(tenant_id: str, import_id: str, file_id: str, account: str, by: str) -> str:
    return await bank_jobs.import_kept(services(), await shop_of(tenant_id), import_id, file_id, account, by)


@DBOS.step(name="undo_kept_file", **RETRY)
async def undo_kept_file(tenant_id: str, import_id: str, by: str) -> str:
    return await bank_jobs.undo_asked(services(), await shop_of(tenant_id), import_id, by)
