"""Uploads: checked, kept with their hash, read back as they were, and taken away again, whatever crashes in between.

The order of writes makes it safe. The row comes first, `arriving`, in a transaction of its own; then the bytes; then the use case
that needs the file takes it over in its own transaction. A file nobody took over, and one that was removed, is swept: its bytes
first, then its row. So no bytes are ever without a row, and no row that counts is without its bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.session import Database
from app.errors import Conflict, NotFound, Unavailable
from app.files.rules import BYTES, clean_name, media_type
from app.files.storage import A_PIECE, Storage
from app.files.tables import StoredFile

log = structlog.get_logger()

ABANDONED = timedelta(hours=1)
"""An upload that was not taken over for so long never will be."""
SWEEP = 200
"""Files of one sweep of a shop; the next run takes the rest."""


class Purpose(StrEnum):
    """What a file is for."""

    CERTIFICATE = "certificate"
    EVIDENCE = "evidence"
    CORRESPONDENCE = "correspondence"
    BANK = "bank"


class FileState(StrEnum):
    """Arriving until a use case took it over, kept while it counts, removed until its bytes are gone."""

    ARRIVING = "arriving"
    KEPT = "kept"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in: its content, and the name its sender gave it."""

    content: bytes
    name: str


@asynccontextmanager
async def arriving(
    database: Database,
    storage: Storage,
    tenant_id: str,
    upload: Upload,
    *,
    purpose: Purpose,
    by: str,
    at: datetime,
    limit: int,
    reseller_id: str | None = None,
    application_id: str | None = None,
    kind: str | None = None,
) -> AsyncIterator[StoredFile]:
    """The upload, checked and stored, for a use case inside to take over by `keep`; on an exception it is taken away again.

    A `kind` is the media type of what nobody uploaded, like a mail, and is not looked for in the bytes.

    Opens its own transactions, so that none is open while bytes are written. Raises InvalidInput and TooLarge for a file that is
    not taken (`rules.media_type`), Unavailable when the store does not work; nothing is left then.
    """
    # In a thread: ten megabytes take a while, and others are waiting.
    found, sha256 = await asyncio.to_thread(
        lambda: (kind or media_type(upload.content, limit), hashlib.sha256(upload.content).hexdigest())
    )
    identity = new_id()
    row = StoredFile(
        id=identity,
        key=f"{tenant_id}/{identity[:2]}/{identity}",
        purpose=purpose.value,
        reseller_id=reseller_id,
        application_id=application_id,
        name=clean_name(upload.name, found),
        media_type=found,
        size=len(upload.content),
        sha256=sha256,
        state=FileState.ARRIVING.value,
        uploaded_by=by[:254],
        created_at=at,
    )
    async with _stored(database, tenant_id, row, lambda: storage.write(row.key, upload.content)):
        yield row


@asynccontextmanager
async def arriving_stream(
    database: Database,
    storage: Storage,
    tenant_id: str,
    source: BinaryIO,
    *,
    name: str,
    size: int,
    sha256: str,
    purpose: Purpose,
    by: str,
    at: datetime,
) -> AsyncIterator[StoredFile]:
    """A large file as `arriving` stores an upload, piece by piece; its caller looked at it, and names its size and hash."""
    identity = new_id()
    row = StoredFile(
        id=identity,
        key=f"{tenant_id}/{identity[:2]}/{identity}",
        purpose=purpose.value,
        name=clean_name(name, BYTES),
        media_type=BYTES,
        size=size,
        sha256=sha256,
        state=FileState.ARRIVING.value,
        uploaded_by=by[:254],
        created_at=at,
    )

    async def write() -> None:
        await asyncio.to_thread(source.seek, 0)
        await storage.put(row.key, source)

    async with _stored(database, tenant_id, row, write):
        yield row


@asynccontextmanager
async def _stored(
    database: Database, tenant_id: str, row: StoredFile, write: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """The row before the bytes, and removed again on an exception."""
    async with database.tenant(tenant_id) as session:
        session.add(row)
    try:
        await write()
        yield
    except BaseException:
        async with database.tenant(tenant_id) as session:
            changed = update(StoredFile).where(StoredFile.id == row.id, StoredFile.state == FileState.ARRIVING.value)
            await session.execute(changed.values(state=FileState.REMOVED.value))
        raise


async def keep(session: AsyncSession, file: StoredFile) -> StoredFile:
    """Take a file over with the session's transaction. Raises Conflict when it took so long that the file was swept."""
    locked = select(StoredFile).where(StoredFile.id == file.id).with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(locked)
    if row is None or row.state != FileState.ARRIVING:
        raise Conflict("The upload took too long; send the file again.", code="upload_expired")
    row.state = FileState.KEPT.value
    await session.flush()
    return row


async def remove(session: AsyncSession, file: StoredFile) -> None:
    """The file counts no more when the session's transaction commits; `sweep` takes its bytes away."""
    file.state = FileState.REMOVED.value
    await session.flush()


async def get(session: AsyncSession, file_id: str) -> StoredFile:
    """A file that counts. Raises NotFound."""
    row = await session.scalar(select(StoredFile).where(StoredFile.id == file_id, StoredFile.state == FileState.KEPT.value))
    if row is None:
        raise NotFound("There is no such file.", code="no_file")
    return row


async def of_application(session: AsyncSession, application_id: str) -> list[StoredFile]:
    """The evidence of an application, the oldest first."""
    query = select(StoredFile).where(StoredFile.application_id == application_id, StoredFile.state == FileState.KEPT.value)
    return list(await session.scalars(query.order_by(StoredFile.created_at, StoredFile.id)))


async def content(storage: Storage, file: StoredFile) -> bytes:
    """The file's bytes, proved to be those that were uploaded. Raises Unavailable when they are missing or changed."""
    found = await storage.read(file.key)
    if found is None or hashlib.sha256(found).hexdigest() != file.sha256:
        raise damaged(file, missing=found is None)
    return found


def damaged(file: StoredFile, *, missing: bool) -> Unavailable:
    """The error for bytes that are not those that were uploaded; it is in the log."""
    log.error("file.damaged", tenant=file.tenant_id, file=file.id, missing=missing)
    words = "The file is missing in the store, or was changed there; it must be restored from the backup."
    return Unavailable(words, code="file_damaged")


async def copied(storage: Storage, file: StoredFile, target: BinaryIO) -> None:
    """Write the file's bytes into another one, proved as `content` does. Raises Unavailable when they are missing or changed."""
    found = await storage.fetch(file.key, target)

    def digest() -> str:
        found = hashlib.sha256()
        target.seek(0)
        while piece := target.read(A_PIECE):
            found.update(piece)
        return found.hexdigest()

    if not found or await asyncio.to_thread(digest) != file.sha256:
        raise damaged(file, missing=not found)
    await asyncio.to_thread(target.seek, 0)


async def sweep(database: Database, storage: Storage, tenant_id: str, at: datetime) -> int:
    """Take away what was removed or never taken over, bytes before rows; how many files. Repeated, it goes on where it stopped.

    Raises Unavailable when the store does not work.
    """
    async with database.tenant(tenant_id) as session:
        late = (StoredFile.state == FileState.ARRIVING.value) & (StoredFile.created_at < at - ABANDONED)
        query = select(StoredFile).where(or_(StoredFile.state == FileState.REMOVED.value, late)).order_by(StoredFile.created_at)
        found = list(await session.scalars(query.limit(SWEEP).with_for_update()))
        for row in found:
            row.state = FileState.REMOVED.value
    for row in found:
        await storage.delete(row.key)
        async with database.tenant(tenant_id) as session:
            gone = await session.scalar(select(StoredFile).where(StoredFile.id == row.id))
            if gone is not None:
                await session.delete(gone)
    return len(found)
