import asyncio
import os
import re
import subprocess
import sys

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import app.tables  # noqa: F401 - the comparison needs every table
from app.db import migrate
from app.db.jobs import Jobs
from app.db.session import Database
from app.ledger.service import post_receivable
from app.money import Money
from app.orders.tables import RefundRequest
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


async def test_a_refund_that_older_code_writes_on_the_newest_schema_gets_a_reference_of_its_own(database_url: str) -> None:
    database = Database(database_url)
    await migrate.upgrade(database)
    tenant = await install(database, "http://a.example/graphql/")
    columns = "id, tenant_id, psp_reference, amount_minor, currency, requested_at"
    async with database.engine.begin() as connection:
        for number in "12":
            await connection.execute(
                text(f"INSERT INTO refund_request ({columns}) VALUES (:id, :tenant, :psp, 100, 'EUR', :at)"),
                {
                    "id": number,
                    "psp": number,
                    "tenant": tenant,
                    "at": NOW if database.engine.dialect.name == "postgresql" else NOW.isoformat(),
                },
            )
    async with database.tenant(tenant) as session:
        rows = (await session.scalars(select(RefundRequest))).all()
    assert {(row.requested_by, row.iban, row.reason) for row in rows} == {("Saleor", "", "")}
    assert len({row.reference for row in rows if re.fullmatch("REFUND[0-9A-F]{28,29}", row.reference)}) == 2
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
