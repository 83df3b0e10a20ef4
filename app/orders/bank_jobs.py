"""Bank files from a page: kept in the file store and imported, or undone, by the durable work, however long it takes.

What is asked for is answered at once. How far it is stands in the file's row for everybody to see, and so does a refusal.
"""

from __future__ import annotations

import asyncio
from tempfile import TemporaryFile
from typing import BinaryIO

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank import service as bank
from app.bank.tables import BankImport
from app.db.base import new_id
from app.errors import ResellerError, Unavailable
from app.files.rules import too_large
from app.files.service import Purpose, arriving_stream, copied, keep, remove
from app.files.tables import StoredFile
from app.orders.bank_undo import begin_undo, undo_import
from app.orders.bank_upload import digest_of, import_bank_file, look_at
from app.orders.services import Services
from app.reasons import because, register, told
from app.saleor.shops import Shop

log = structlog.get_logger()
STOPPED = ("file_refused", "undo_stopped")
register(
    {
        "file_refused": "Nothing of the file was kept: {sentence}",
        "undo_stopped": "The undoing stopped: {sentence} What was undone before stays undone; undo the file again afterwards.",
    }
)


async def ask_for_import(
    services: Services, shop: Shop, source: BinaryIO, *, file_name: str, by: str, account: str = ""
) -> tuple[BankImport, bool]:
    """The import of a file that is on its way now; or the one that was through before, and True.

    Raises TooLarge, FileRefused for what is no bank file, InvalidInput for an account that is not known, Unavailable when the
    file store does not work: nothing is kept then.
    """
    size, limit = await asyncio.to_thread(source.seek, 0, 2), services.settings.max_bank_file_bytes
    if size > limit:
        raise too_large(limit)
    await look_at(services, shop, source, account)
    sha256 = await asyncio.to_thread(digest_of, source)
    database, tenant, now = services.database, shop.tenant_id, services.clock()
    async with (
        arriving_stream(
            database,
            services.files,
            tenant,
            source,
            name=file_name,
            size=size,
            sha256=sha256,
            purpose=Purpose.BANK,
            by=by,
            at=now,
        ) as file,
        database.tenant(tenant) as session,
    ):
        kept = await keep(session, file)
        row, repeated = await bank.begin_reading(session, file_name=file_name, sha256=sha256, by=by, at=now)
        if repeated:
            await remove(session, kept)
        else:
            await _enqueue(session, services, shop, "import_bank_file", row.id, (kept.id, account, by))
    return row, repeated


async def import_kept(services: Services, shop: Shop, import_id: str, file_id: str, account: str, by: str) -> str:
    """Import a file that `ask_for_import` kept; what became of it. Repeated, it goes on where it ended, and books nothing twice.

    A refusal is kept in the row. Raises Unavailable, to be tried again, when the store does not work.
    """
    database, tenant = services.database, shop.tenant_id
    async with database.tenant_reading(tenant) as session:
        row = await session.scalar(select(BankImport).where(BankImport.id == import_id))
        file = await session.scalar(select(StoredFile).where(StoredFile.id == file_id))
    if file is None or (row is not None and row.state not in (bank.READING, bank.RUNNING)):
        return await _away(services, shop, file, "known")
    with TemporaryFile() as source:
        await copied(services.files, file, source)
        try:
            name = row.file_name if row is not None else file.name
            await import_bank_file(services, shop, source, file_name=name, by=by, account=account, reading=import_id)
        except Unavailable:
            raise
        except ResellerError as error:
            log.info("bank_file.refused", file=import_id, code=error.code)
            async with database.tenant(tenant) as session:
                refused = await session.scalar(select(BankImport).where(BankImport.id == import_id).with_for_update())
                if refused is not None and refused.state == bank.READING:
                    refused.state, refused.finished_at = bank.REFUSED, services.clock()
                if refused is not None:
                    refused.notes = [because("file_refused", **told("sentence", error)).as_dict()]
            return await _away(services, shop, file, "refused")
    return await _away(services, shop, file, "done")


async def ask_for_undo(services: Services, shop: Shop, import_id: str, *, by: str) -> BankImport:
    """Begin to take back everything that a file did. Raises NotFound, and Conflict where a refund that it booked cannot be."""
    async with services.database.tenant(shop.tenant_id) as session:
        row, _ = await begin_undo(session, import_id)
        row.notes = [note for note in row.notes if note["code"] not in STOPPED]
        if row.state == bank.UNDOING:
            await _enqueue(session, services, shop, "undo_bank_file", row.id, (by,), new_id())
    return row


async def undo_asked(services: Services, shop: Shop, import_id: str, by: str) -> str:
    """Undo a file that `ask_for_undo` began with; why it stopped is kept in its row."""
    try:
        return (await undo_import(services, shop, import_id, by=by)).state
    except Unavailable:
        raise
    except ResellerError as error:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await session.scalar(select(BankImport).where(BankImport.id == import_id).with_for_update())
            if row is not None:
                row.notes = [*row.notes, because("undo_stopped", **told("sentence", error)).as_dict()]
        return "stopped"


async def _enqueue(
    session: AsyncSession, services: Services, shop: Shop, workflow: str, import_id: str, more: tuple[str, ...], run: str = ""
) -> None:
    # One after the other in a shop: an undoing waits for the import before it.
    name = f"{workflow}:{shop.tenant_id}:{import_id}{f':{run}' if run else ''}"
    args = (shop.tenant_id, import_id, *more)
    await services.jobs.enqueue(session, workflow, name, partition=f"bank:{shop.tenant_id}", args=args)


async def _away(services: Services, shop: Shop, file: StoredFile | None, became: str) -> str:
    if file is not None:
        async with services.database.tenant(shop.tenant_id) as session:
            kept = await session.scalar(select(StoredFile).where(StoredFile.id == file.id))
            if kept is not None:
                await remove(session, kept)
    return became
