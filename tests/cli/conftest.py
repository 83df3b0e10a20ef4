"""A running installation with the stand-in shop, and the command as an operator types it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.settings import Settings
from tests.journeys.harness import Journey, journey


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Awaitable[Ended]]


def environment(settings: Settings) -> dict[str, str]:
    return {
        "RESELLER_DATABASE_URL": settings.database_url,
        "RESELLER_BASE_URL": settings.base_url,
        "RESELLER_SECRET_KEYS": ",".join(settings.secret_keys),
        "RESELLER_ALLOW_PRIVATE_ADDRESSES": "true",
        "RESELLER_MAIL_DIRECTORY": settings.mail_directory,
        "RESELLER_FILES_URL": settings.files_url,
    }


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Types a command in this process: its own event loop in a thread, so that the shop here can answer it."""

    async def typed(*arguments: str) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, list(arguments))
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return typed


@pytest.fixture
async def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journey]:
    """An installation ready to sell, on SQLite, that the command finds by its environment."""
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path) as at:
        for name, value in environment(at.settings).items():
            monkeypatch.setenv(name, value)
        yield at


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a program whose database is empty; its folder."""
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/reseller.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path
