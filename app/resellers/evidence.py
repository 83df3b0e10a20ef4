"""Evidence with an application: files the applicant adds while it is a draft or more was asked (`rules.md` 1.1)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.errors import Conflict, NotFound
from app.files import service as files
from app.files.storage import Storage
from app.files.tables import StoredFile
from app.resellers.application import EDITABLE, OPEN
from app.resellers.tables import Application, ApplicationHistory

MAX_FILES = 10
"""Of one application."""


async def own_application(session: AsyncSession, saleor_user_id: str, *, lock: bool = False) -> Application:
    """The account's application that is not decided yet. Raises NotFound."""
    query = select(Application).where(Application.saleor_user_id == saleor_user_id, Application.state.in_(sorted(OPEN)))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(query)
    if row is None:
        raise NotFound("There is no application of this account in the works.", code="no_application")
    return row


async def add_evidence(
    database: Database,
    storage: Storage,
    tenant_id: str,
    saleor_user_id: str,
    upload: files.Upload,
    *,
    by: str,
    at: datetime,
    limit: int,
) -> StoredFile:
    """Keep a file of at most `limit` bytes with the account's application.

    Opens its own transactions. Raises NotFound without an application, Conflict once it is submitted or decided, for the same
    file again and for too many, and like `files.service.arriving` for a file that is not taken; nothing is kept then.
    """
    async with database.tenant_reading(tenant_id) as session:
        application = await own_application(session, saleor_user_id)
        _editable(application)
    async with (
        files.arriving(
            database,
            storage,
            tenant_id,
            upload,
            purpose=files.Purpose.EVIDENCE,
            by=by,
            at=at,
            limit=limit,
            application_id=application.id,
        ) as file,
        database.tenant(tenant_id) as session,
    ):
        # Locked until the end: of two uploads at once the second counts the first.
        row = await own_application(session, saleor_user_id, lock=True)
        if row.id != application.id:
            raise Conflict("The application was changed since; read it again.", code="changed")
        _editable(row)
        known = await files.of_application(session, row.id)
        if any(one.sha256 == file.sha256 for one in known):
            raise Conflict("This file is with the application already.", code="known_file")
        if len(known) >= MAX_FILES:
            raise Conflict(f"An application holds at most {MAX_FILES} files; delete one first.", code="too_many")
        kept = await files.keep(session, file)
        await _record(session, row, "add_evidence", kept, by=by, at=at)
    return kept


async def evidence(session: AsyncSession, saleor_user_id: str) -> list[StoredFile]:
    """The files with the account's application, the oldest first. Raises NotFound without one."""
    return await files.of_application(session, (await own_application(session, saleor_user_id)).id)


async def own_evidence(session: AsyncSession, saleor_user_id: str, file_id: str) -> StoredFile:
    """One file with the account's application. Raises NotFound."""
    found = [file for file in await evidence(session, saleor_user_id) if file.id == file_id]
    if not found:
        raise NotFound("There is no such file with the application.", code="no_file")
    return found[0]


async def remove_evidence(session: AsyncSession, saleor_user_id: str, file_id: str, *, by: str, at: datetime) -> None:
    """Take a file away from the application; its bytes follow. Raises NotFound, and Conflict once it is submitted or decided."""
    row = await own_application(session, saleor_user_id, lock=True)
    file = await own_evidence(session, saleor_user_id, file_id)
    _editable(row)
    await files.remove(session, file)
    await _record(session, row, "remove_evidence", file, by=by, at=at)


def _editable(row: Application) -> None:
    if row.state not in EDITABLE:
        raise Conflict(f"The application is {row.state}; its files change only while it is a draft.", code="not_editable")


async def _record(session: AsyncSession, row: Application, action: str, file: StoredFile, *, by: str, at: datetime) -> None:
    session.add(ApplicationHistory(application_id=row.id, at=at, by=by[:254], action=action, reason=file.name))
    await session.flush()
