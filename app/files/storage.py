"""Where bytes lie: a local directory, or anything fsspec reaches by URL, like S3-compatible storage.

fsspec is synchronous for local files: every call here goes through a thread.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from io import BytesIO
from typing import Any, BinaryIO

import fsspec
import structlog
from fsspec.implementations.local import LocalFileSystem

from app.errors import Unavailable

log = structlog.get_logger()
A_PIECE = 1024 * 1024


class Storage:
    """Bytes by key below one URL. A key is a relative path of our own making, never of an uploader's."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._fs: Any = None
        self._root = ""

    async def write(self, key: str, content: bytes) -> None:
        """Keep bytes under a new key; on the disk itself when this returns. Raises Unavailable."""
        await self._run(self._write, key, content)

    async def put(self, key: str, source: BinaryIO) -> None:
        """Keep a file's bytes as `write` does, piece by piece. Raises Unavailable."""
        await self._run(self._put, key, source)

    async def fetch(self, key: str, target: BinaryIO) -> bool:
        """Write the bytes of a key into a file, piece by piece; False where there are none. Raises Unavailable."""
        found: bool = await self._run(self._fetch, key, target)
        return found

    async def read(self, key: str) -> bytes | None:
        """The bytes of a key; None where there are none. Raises Unavailable when the store does not answer."""
        found: bytes | None = await self._run(self._read, key)
        return found

    async def delete(self, key: str) -> None:
        """Take the bytes away; those that are gone already stay so. Raises Unavailable."""
        await self._run(self._delete, key)

    async def _run(self, work: Any, *given: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *given)
        except Exception as error:  # each kind of store has errors of its own, and no caller can mend any of them
            log.error("file_store.failed", error=repr(error))
            raise Unavailable("The file store does not work now; try again later.", code="file_store") from error

    def _open(self) -> tuple[Any, str]:
        if self._fs is None:
            fs, root = fsspec.core.url_to_fs(self._url)
            self._root, self._fs = root.rstrip("/"), fs
        return self._fs, self._root

    def _write(self, key: str, content: bytes) -> None:
        self._put(key, BytesIO(content))

    def _put(self, key: str, source: BinaryIO) -> None:
        fs, root = self._open()
        path = f"{root}/{key}"
        local = isinstance(fs, LocalFileSystem)
        if local:
            # Nobody else on this machine may look at tax papers.
            os.makedirs(root, mode=0o700, exist_ok=True)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with fs.open(path, "wb") as file:
            shutil.copyfileobj(source, file, A_PIECE)
            if local:
                file.flush()
                os.fsync(file.fileno())

    def _read(self, key: str) -> bytes | None:
        fs, root = self._open()
        try:
            content: bytes = fs.cat_file(f"{root}/{key}")
        except FileNotFoundError:
            return None
        return content

    def _fetch(self, key: str, target: BinaryIO) -> bool:
        fs, root = self._open()
        try:
            with fs.open(f"{root}/{key}", "rb") as file:
                shutil.copyfileobj(file, target, A_PIECE)
        except FileNotFoundError:
            return False
        return True

    def _delete(self, key: str) -> None:
        fs, root = self._open()
        try:
            fs.rm_file(f"{root}/{key}")
        except FileNotFoundError:
            return
