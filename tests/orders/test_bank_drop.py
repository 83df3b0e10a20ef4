"""A watched folder: what is read, and when."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from app.bank.service import add_account
from app.bank.tables import BankImport
from app.db.session import Database
from app.orders.bank_drop import PATIENCE_SECONDS, QUIET_SECONDS, Drop, Dropped
from tests.bank.writers import ACCOUNT, Movement, camt_pieces
from tests.conftest import NOW
from tests.orders.builders import World, opened, rows

DAY = date(2026, 3, 2)
WHOLE = "".join(camt_pieces([Movement(100, DAY, DAY, "P", "text", "R1"), Movement(200, DAY, DAY, "P", "text", "R2")]))


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await add_account(session, ACCOUNT, by="anna", at=NOW)
        yield world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


async def looked(world: World, drop: Drop) -> list[Dropped]:
    return [found async for found in drop.look(world.services, world.shop, by="ada")]


def write(world: World, path: Path, text: str) -> None:
    """As a server writes it now, by the tests' clock."""
    path.write_text(text)
    os.utime(path, (world.clock().timestamp(),) * 2)


def later(world: World, seconds: float) -> None:
    world.clock.now += timedelta(seconds=seconds)


async def test_an_upload_is_read_when_nobody_writes_to_it_any_more(world: World, folder: Path) -> None:
    drop, file = Drop(folder), folder / "march.xml"
    for part in (WHOLE[:300], WHOLE[:900], WHOLE):
        write(world, file, part)
        assert await looked(world, drop) == []
        assert drop.is_growing(world.clock())
        later(world, QUIET_SECONDS - 1)
    later(world, 1)
    (found,) = await looked(world, drop)
    assert found.report is not None
    assert (found.report.counts, found.moved, drop.is_growing(world.clock())) == ({"unmatched": 2}, True, False)
    (moved,) = (folder / "done").iterdir()
    assert moved.name.endswith("-march.xml")
    assert await looked(world, drop) == []


async def test_an_upload_that_stands_still_is_not_refused_at_once(world: World, folder: Path) -> None:
    drop, file = Drop(folder), folder / "march.xml"
    write(world, file, "")
    (folder / "empty.csv").touch()
    os.utime(folder / "empty.csv", (0, 0))
    later(world, QUIET_SECONDS)
    waits, refused = sorted(await looked(world, drop), key=lambda found: found.moved)
    assert (waits.name, waits.moved, refused.name, refused.moved) == ("march.xml", False, "empty.csv", True)
    assert await looked(world, drop) == [], "it is told once"
    write(world, file, WHOLE[:-30])
    later(world, QUIET_SECONDS)
    (waits,) = await looked(world, drop)
    assert "ends in the middle" in waits.sentence
    later(world, PATIENCE_SECONDS)
    (refused,) = await looked(world, drop)
    assert refused.moved
    assert await rows(world, BankImport) == []


async def test_what_is_no_dropped_file_stays_where_it_is(world: World, tmp_path: Path) -> None:
    secret, drop = tmp_path / "secret", tmp_path / "drop"
    secret.write_text("password\n")
    (drop / "folder").mkdir(parents=True)
    (drop / "link.csv").symlink_to(secret)
    os.mkfifo(drop / "pipe.csv")
    for name in (".hidden.xml", "march.xml.part", "march.xml.filepart", "MARCH.XML.TMP", "march.xml~"):
        write(world, drop / name, WHOLE)
    before = sorted(path.name for path in drop.iterdir())
    later(world, 3600)
    assert await looked(world, Drop(drop)) == []
    assert sorted(path.name for path in drop.iterdir()) == before
    (drop / "march.xml.part").rename(drop / "march.xml")
    assert [found.name for found in await looked(world, Drop(drop))] == ["march.xml"]
