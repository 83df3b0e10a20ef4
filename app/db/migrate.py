"""Bringing a database to the newest schema, and writing the next step of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from dbos import DBOS
from sqlalchemy import Connection, text

from app.db.base import Base
from app.db.jobs import system_url
from app.db.session import READ_ONLY, Database

MIGRATION_LOCK = 5_241_986
"""Any number, as long as it stays the same."""
SCRIPTS = Path(__file__).parent / "migrations"


async def upgrade(database: Database) -> str:
    """Run all missing steps in one transaction; the revision reached. Running it again changes nothing.

    The workflow engine's own tables come after it, so that a web process may ask for work before any worker ever ran. Processes
    that start at once wait for the first.
    """
    async with _alone(database):
        await _with_connection(database, lambda config: command.upgrade(config, "head"))
    # Not under our lock: the engine has its own, and builds indexes concurrently, which waits for every open transaction.
    await asyncio.to_thread(DBOS.migrate, system_url(database.url))
    return head()


async def revise(database: Database, message: str) -> None:
    """Write the step from the migrated `database` to the mapped tables, which the caller has imported."""
    await _with_connection(database, lambda config: command.revision(config, message, autogenerate=True))


async def revision(database: Database) -> str | None:
    """The revision a database is at; None for an empty one."""
    async with database.engine.connect() as connection:
        await connection.execution_options(**{READ_ONLY: True})  # on SQLite it takes no write lock: readiness asks for this
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def behind(database: Database) -> bool:
    """Whether the database lacks steps of this program. A revision this program does not know is a newer one: not behind.

    Raises what the database raises.
    """
    at = await revision(database)
    return at is None or (at != head() and at in _known())


async def differences(database: Database) -> list[Any]:
    """What the mapped tables have and the database has not, or the other way round; empty when they agree."""

    def compare(sync: Connection) -> list[Any]:
        context = MigrationContext.configure(sync, opts={"include_object": is_ours})
        return list(compare_metadata(context, Base.metadata))

    async with database.engine.connect() as connection:
        return await connection.run_sync(compare)


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions())


@cache
def head() -> str:
    """The newest revision there is."""
    found = ScriptDirectory(str(SCRIPTS)).get_current_head()
    assert found is not None
    return found


def is_ours(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Tables of the program: not those of tests, nor of the workflow engine that lives in the same database."""
    return type_ != "table" or (not (name or "").startswith("test_") and (not reflected or name in Base.metadata.tables))


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    """One process at a time. SQLite needs nothing: each transaction there takes the write lock when it begins."""
    if database.engine.dialect.name != "postgresql":
        yield
        return
    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        yield


async def _with_connection(database: Database, run: Callable[[Config], object]) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")

    def migrate(sync: Connection) -> None:
        config.attributes["connection"] = sync
        run(config)

    async with database.engine.begin() as connection:
        await connection.run_sync(migrate)
