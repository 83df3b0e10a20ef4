"""Files through the database and a store, whatever stops in between."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Unavailable
from app.files.service import (
    ABANDONED,
    FileState,
    Purpose,
    Upload,
    arriving,
    content,
    get,
    keep,
    of_application,
    remove,
    sweep,
)
from app.files.storage import Storage
from app.files.tables import StoredFile
from tests.conftest import NOW, install
from tests.files.samples import PDF, PNG

LATE = NOW + ABANDONED + timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def storage(folder: Path) -> Storage:
    return Storage(str(folder))


def sending(database: Database, storage: Storage, tenant: str, upload: Upload | None = None, **changed: Any) -> Any:
    facts: dict[str, Any] = {"purpose": Purpose.EVIDENCE, "by": "rita", "at": NOW, "limit": 1000, "application_id": "a"}
    return arriving(database, storage, tenant, upload or Upload(PDF, "../x.pdf"), **facts | changed)


async def sent(database: Database, storage: Storage, tenant: str, **changed: Any) -> StoredFile:
    async with sending(database, storage, tenant, **changed) as file, database.tenant(tenant) as session:
        return await keep(session, file)


async def rows(database: Database, tenant: str) -> list[str]:
    async with database.tenant(tenant) as session:
        return list(await session.scalars(select(StoredFile.state)))


def bytes_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_file_is_kept_and_read_back(database: Database, tenant: str, storage: Storage, folder: Path) -> None:
    file = await sent(database, storage, tenant)
    async with database.tenant(tenant) as session:
        found = await get(session, file.id)
        assert (found.name, found.media_type, found.size, found.state) == ("x.pdf", "application/pdf", len(PDF), "kept")
        assert await of_application(session, "a") == [found]
        assert await of_application(session, "b") == []
    assert await content(storage, found) == PDF
    (path,) = bytes_in(folder)
    assert path.relative_to(folder).parts == (tenant, file.id[:2], file.id), "nothing of the uploader's name"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


async def test_another_shops_file_is_not_found(database: Database, tenant: str, storage: Storage) -> None:
    file = await sent(database, storage, tenant)
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(other) as session:
        with pytest.raises(NotFound):
            await get(session, file.id)
    assert await sweep(database, storage, other, LATE) == 0


async def test_a_file_that_is_not_taken_leaves_nothing(database: Database, tenant: str, storage: Storage, folder: Path) -> None:
    with pytest.raises(InvalidInput):
        async with sending(database, storage, tenant, Upload(b"<html>", "a.pdf")):
            pass
    assert await rows(database, tenant) == []
    assert bytes_in(folder) == []


async def test_a_use_case_that_fails_leaves_nothing(database: Database, tenant: str, storage: Storage, folder: Path) -> None:
    with pytest.raises(RuntimeError):
        async with sending(database, storage, tenant) as file, database.tenant(tenant) as session:
            await keep(session, file)
            raise RuntimeError("the rule says no")
    assert await rows(database, tenant) == ["removed"]
    assert await sweep(database, storage, tenant, NOW) == 1
    assert await rows(database, tenant) == []
    assert bytes_in(folder) == []


@pytest.mark.parametrize("written", [True, False])
async def test_what_a_crash_left_is_swept(database: Database, tenant: str, storage: Storage, folder: Path, written: bool) -> None:
    """A process that dies between the row and the bytes, or between the bytes and the use case, cleans up nothing."""
    row = StoredFile(
        key=f"{tenant}/ab/abc", purpose="evidence", name="x.pdf", media_type="application/pdf", size=1, sha256="0" * 64,
        state=FileState.ARRIVING, uploaded_by="rita", created_at=NOW,
    )  # fmt: skip
    async with database.tenant(tenant) as session:
        session.add(row)
    if written:
        await storage.write(row.key, b"x")
    assert await sweep(database, storage, tenant, NOW + ABANDONED) == 0, "it may still be on its way"
    assert await sweep(database, storage, tenant, LATE) == 1
    assert await sweep(database, storage, tenant, LATE) == 0
    assert bytes_in(folder) == []
    with pytest.raises(Conflict, match="send the file again"):
        async with database.tenant(tenant) as session:
            await keep(session, row)


async def test_a_sweep_that_was_stopped_goes_on(
    database: Database, tenant: str, storage: Storage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [await sent(database, storage, tenant) for _ in range(2)]
    async with database.tenant(tenant) as session:
        for file in files:
            await remove(session, await get(session, file.id))
    delete, calls = storage.delete, []

    async def once(key: str) -> None:
        calls.append(key)
        if len(calls) == 2:
            raise Unavailable("The file store does not work now; try again later.")
        await delete(key)

    monkeypatch.setattr(storage, "delete", once)
    with pytest.raises(Unavailable):
        await sweep(database, storage, tenant, NOW)
    monkeypatch.undo()
    assert len(await rows(database, tenant)) == len(bytes_in(folder)) == 1
    assert await sweep(database, storage, tenant, NOW) == 1
    assert await rows(database, tenant) == []
    assert bytes_in(folder) == []


async def test_a_removed_file_is_not_found_any_more(database: Database, tenant: str, storage: Storage) -> None:
    file = await sent(database, storage, tenant)
    async with database.tenant(tenant) as session:
        await remove(session, await get(session, file.id))
        with pytest.raises(NotFound):
            await get(session, file.id)
        assert await of_application(session, "a") == []


async def test_a_kept_file_stays(database: Database, tenant: str, storage: Storage) -> None:
    file = await sent(database, storage, tenant)
    assert await sweep(database, storage, tenant, LATE + timedelta(days=1000)) == 0
    assert await content(storage, file) == PDF


async def test_bytes_that_changed_or_are_gone_are_not_handed_out(
    database: Database, tenant: str, storage: Storage, folder: Path
) -> None:
    file = await sent(database, storage, tenant)
    (path,) = bytes_in(folder)
    path.write_bytes(PNG)
    with pytest.raises(Unavailable, match="restored"):
        await content(storage, file)
    path.unlink()
    with pytest.raises(Unavailable, match="restored"):
        await content(storage, file)


async def test_a_store_that_does_not_work_says_so_and_leaves_nothing_that_counts(
    database: Database, tenant: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    broken = Storage(str(tmp_path / "file" / "below"))
    with pytest.raises(Unavailable) as caught:
        await sent(database, broken, tenant)
    assert caught.value.code == "file_store"
    assert await rows(database, tenant) == ["removed"]


async def test_any_store_of_fsspec_will_do(database: Database, tenant: str) -> None:
    storage = Storage("memory://bucket/folder")
    file = await sent(database, storage, tenant)
    assert await content(Storage("memory://bucket/folder"), file) == PDF
    async with database.tenant(tenant) as session:
        await remove(session, await get(session, file.id))
    await sweep(database, storage, tenant, NOW)
    assert await storage.read(file.key) is None
    await storage.delete(file.key)
