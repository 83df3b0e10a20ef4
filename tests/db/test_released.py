"""The last release's code on the newest schema (expand, then contract): its inserts and reads go on while old processes live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.db.released import FILE, described, migrated

RELEASED = json.loads(FILE.read_text())
VALUES = {"INTEGER": 1, "BIGINT": 1, "BOOLEAN": True, "DATE": "2026-03-02", "BLOB": b"x", "JSON": "{}"}


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    engine = migrated(tmp_path_factory.mktemp("released") / "newest.db", "head")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", sorted(RELEASED["tables"]))
def test_the_last_release_writes_and_reads_its_columns_on_the_newest_schema(newest: sa.Engine, table: str) -> None:
    columns = RELEASED["tables"][table]
    row = {name: value(column["type"]) for name, column in columns.items()}
    known = sa.table(table, *(sa.column(name) for name in columns))
    with newest.begin() as connection:
        connection.execute(sa.text("PRAGMA foreign_keys = OFF"))
        connection.execute(sa.insert(known).values(row))
        assert dict(connection.execute(sa.select(known)).mappings().one()).keys() == columns.keys()
        connection.rollback()


@pytest.mark.parametrize("table", sorted(RELEASED["tables"]))
def test_no_column_of_the_last_release_became_stricter(newest: sa.Engine, table: str) -> None:
    now = described(newest)[table]
    for name, column in RELEASED["tables"][table].items():
        assert name in now, f"{table}.{name} is still read by the last release; drop it one release later"
        assert not (now[name]["needed"] and not column["needed"]), f"{table}.{name} must be given now; the last release may not"


def test_the_record_is_of_a_revision_that_exists() -> None:
    versions = Path(__file__).parents[2] / "app" / "db" / "migrations" / "versions"
    assert (versions / f"{RELEASED['revision']}.py").exists()


def value(kind: str) -> object:
    """Something that the column takes."""
    if kind.startswith(("NUMERIC", "DECIMAL")):
        return 1
    if kind.startswith("DATETIME"):
        return datetime(2026, 3, 2, tzinfo=UTC).isoformat()
    return VALUES.get(kind, "x")
