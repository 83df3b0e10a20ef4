import asyncio
import os
import subprocess
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import app.tables  # noqa: F401 - the comparison needs every table
from app.db import migrate
from app.db.jobs import Jobs
from app.db.session import Database
from app.ledger.service import post_receivable
from app.money import Money
from tests.conftest import NOW, install


async def test_the_migrated_schema_is_the_mapped_one_and_running_again_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    assert await migrate.revision(database) is None
    assert await migrate.differences(database) != []
    for _ in range(2):
        assert await migrate.upgrade(database) == migrate.head() == await migrate.revision(database)
        assert await migrate.differences(database) == []
    await database.close()


@pytest.mark.parametrize("change", ["UPDATE ledger_item SET amount_minor = 0", "DELETE FROM ledger_item"])
async def test_the_migrated_ledger_is_append_only(database_url: str, change: str) -> None:
    database = Database(database_url)
    await migrate.upgrade(database)
    async with database.tenant(await install(database, "http://a.example/graphql/")) as session:
        await post_receivable(
            session,
            reseller_id="r",
            order_id="o",
            order_number="1",
            amount=Money(1, "USD"),
            reference="RF",
            order_date=NOW.date(),
            due=NOW.date(),
            at=NOW,
        )
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.engine.begin() as connection:
            await connection.execute(text(change))
    await database.close()


async def test_processes_that_start_at_once_migrate_one_after_the_other(database_url: str) -> None:
    environment = {
        **os.environ,
        "RESELLER_DATABASE_URL": database_url,
        "RESELLER_SECRET_KEYS": "a long passphrase",
    }
    migrating = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from app.cli import main; main()",
            "migrate",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    ends = [await process.communicate() for process in migrating]
    assert [process.returncode for process in migrating] == [0, 0, 0], ends
    jobs = Jobs(database_url, "reseller")
    assert await jobs.stuck() == []
    jobs.close()
