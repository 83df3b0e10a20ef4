"""Secrets under new keys, erasing, the record of decisions, another database, and the end of a shop, as an operator does them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.cases.rules import ATTESTATION, opening
from app.cases.service import open_case
from app.cases.support import attest
from app.cases.tables import Case, CaseEntry, SupportRequest
from app.db.base import program_tables
from app.db.jobs import Jobs
from app.db.session import Database
from app.db.tenants import Tenant
from app.db.workers import Worker
from app.documents.tables import Document
from app.licenses.rules import LicenseState
from app.licenses.service import verify
from app.licenses.tables import License, LicenseKey
from app.main import APPLICATION
from app.orders.purge import purge_due
from app.orders.tables import EndCustomer, OrderEvent, StaffTask
from app.resellers.tables import Reseller
from app.saleor.registration import uninstall
from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.conftest import POSTGRES_HOMES, postgres_database
from tests.journeys.harness import BOOKKEEPER, Journey

PERSON = "eva.endkunde+grid@customer.example"


async def sold(at: Journey) -> str:
    """An order for PERSON, paid and out; its number."""
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=PERSON)
    await at.idle()
    await at.wire_came(order.number)
    await at.idle()
    return order.number


async def spoken_of(at: Journey, number: str) -> str:
    """A case about PERSON with an entry that names it, and a support request for its order; the case's number."""
    what = opening("hand_over", f"Deal with {PERSON}", "Call Ann Lee soon.", "ACME", f"Ann Lee, {PERSON}, +49 30 1234")
    shop = await at.services.shops.by_tenant(at.tenant_id)
    shop.settings.forum_url = "https://forum.example/"
    async with at.services.database.tenant(at.tenant_id) as session:
        reseller = (await session.scalars(select(Reseller).where(Reseller.email == RESELLER))).one()
        case, _ = await open_case(session, at.services, shop, reseller, what, by=RESELLER, language="en")
        await attest(
            session,
            at.services,
            shop,
            reseller,
            order_number=number,
            topic=f"{PERSON} cannot sign in",
            asked_by_customer=True,
            by=RESELLER,
            language="en",
            address=None,
        )
        return case.number


async def everything(database: Database) -> str:
    """All rows of all tables as text, bytes included."""
    async with database.engine.connect() as connection:
        parts = [str((await connection.execute(select(table))).all()) for table in program_tables()]
    return "\n".join(parts)


def assert_restored(url: str, server: str, directory: Path) -> None:
    """The runbook's back-up restores, opens with the keys, and the books agree: by the drill itself."""
    home = next(iter(POSTGRES_HOMES), None)
    if home is None and shutil.which("pg_dump") is None:
        return  # only its own machine can say
    path = f"{home}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    dump = directory / "reseller.dump"
    plain = url.replace("+psycopg", "")
    environment = os.environ | {"PATH": path}
    subprocess.run(["pg_dump", "--format=custom", f"--file={dump}", plain], check=True, env=environment)
    drill = Path(__file__).parents[2] / "deploy" / "restore-drill.sh"
    ended = subprocess.run([drill, dump, server], capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("Restored, opened with the keys, and the books agree.\n")


async def test_case_27_an_erased_end_customer_keeps_its_license_and_the_books_keep_what_the_law_needs(
    at: Journey, run: Run
) -> None:
    number = await sold(at)
    case_number = await spoken_of(at, number)
    await at.idle()
    async with at.rows() as session:
        (before,) = (await session.scalars(select(License))).all()
        file, invoices = before.file, await session.scalar(select(func.count(Document.id)))
    wanted = ("customers", "erase", "Eva.Endkunde@Customer.example", "--reason", "asked by letter", "--by", "anna")
    planned = await run(*wanted, "--dry-run", "--json")
    assert (planned.code, planned.data["orders"], planned.data["licenses"]) == (0, [number], 1)
    assert (planned.data["cases"], planned.data["support_requests"]) == ([case_number], 1)
    assert PERSON in await everything(at.services.database)
    done = await run(*wanted, "--json")
    assert done.data == planned.data
    async with at.rows() as session:
        (customer,) = (await session.scalars(select(EndCustomer))).all()
        (license,) = (await session.scalars(select(License))).all()
        assert (customer.name, customer.company, customer.saleor_user_id) == ("", "", None)
        assert license.state == LicenseState.ACTIVE
        assert (await verify(session, file, at.services.clock())).code == "VALID"
        assert await session.scalar(select(func.count(Document.id))) == invoices
        (case,) = (await session.scalars(select(Case))).all()
        (entry,) = (await session.scalars(select(CaseEntry))).all()
        (request,) = (await session.scalars(select(SupportRequest))).all()
        assert (case.subject, case.contact, case.opened_by) == ("Deal with [erased]", "[erased]", RESELLER)
        assert (request.customer, request.topic) == ("[erased]", "[erased] cannot sign in")
        assert (request.order_number, request.attested_by, request.words) == (number, RESELLER, ATTESTATION["en"])
        rest = [await session.scalars(select(table)) for table in (StaffTask.reasons, OrderEvent.what, CaseEntry.text)]
        assert PERSON not in str([found.all() for found in rest])
        assert entry.by == RESELLER
    assert set((await at.recorded(number)).ship_to) == {"country", "state", "postal_code"}
    shown = await run("orders", "show", number)
    assert (shown.code, "eva.endkunde" in shown.out.lower()) == (0, False)
    assert await at.contradictions() == {}
    again = await run(*wanted)
    assert (again.code, again.err) == (1, "There is no end customer Eva.Endkunde@Customer.example.\n")
    own = await run("customers", "erase", RESELLER, "--reason", "x")
    assert (own.code, own.err.startswith(f"{RESELLER} is a user of a reseller")) == (1, True)
    said = await run("audit", "--json", "--by", BOOKKEEPER)
    assert {(deed["what"], deed["subject"]) for deed in said.data} >= {("booked allocation", number)}


async def test_an_end_customer_with_an_order_on_its_way_is_not_erased(at: Journey, run: Run) -> None:
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=PERSON)
    await at.idle()
    refused = await run("customers", "erase", PERSON, "--reason", "x")
    assert (refused.code, order.number in refused.err) == (1, True)
    everyone = (await run("audit", "--json")).data
    assert {deed["by"] for deed in everyone}
    assert [deed["at"] for deed in everyone] == sorted((deed["at"] for deed in everyone), reverse=True)
    assert (await run("audit", "--json", "--since", "2999-01-01")).data == []


async def test_secrets_are_sealed_by_a_new_key_and_the_old_one_can_go(
    at: Journey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sold(at)
    old, new = at.settings.secret_keys[0], "a newer key of the tests"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", f"{new},{old}")
    planned = (await run("secrets", "rotate", "--dry-run", "--json")).data
    assert (planned["resealed"], list(planned["by_key"].values())) == (0, [2])
    done = (await run("secrets", "rotate", "--json")).data
    assert (done["resealed"], done["by_key"], done["unreadable"]) == (2, {done["current"]: 2}, [])
    monkeypatch.setenv("RESELLER_SECRET_KEYS", new)
    assert (await run("secrets", "rotate", "--json")).data["resealed"] == 0
    assert (await run("webhooks", "sync", "--dry-run")).code == 0, "the token opens with the new key alone"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", old)
    lost = await run("secrets", "rotate", "--json")
    assert (lost.code, [place.split()[0] for place in lost.data["unreadable"]]) == (1, ["tenant", "license_key"])
    async with at.rows() as session:
        assert (await session.scalars(select(LicenseKey.private_key))).one().startswith(done["current"])


async def test_everything_moves_to_postgresql_by_one_command(
    at: Journey, run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = await sold(at)
    with postgres_database(postgres_url) as url:
        moved = await run("database", "copy", "--to", url, "--json")
        assert moved.code == 0, moved.err
        assert moved.data["rows"]["ledger_item"] == 3
        repeated = await run("database", "copy", "--to", url)
        assert (repeated.code, "already has rows" in repeated.err) == (1, True)
        here, there = at.services.database, Database(url)
        beating = Worker.__table__  # The worker of this test is there and goes on saying so.
        for table in (found for found in program_tables() if found is not beating):
            async with here.engine.connect() as one, there.engine.connect() as two:
                query = select(table).order_by(*table.primary_key)
                assert (await one.execute(query)).all() == (await two.execute(query)).all(), table.name
        await there.close()
        assert_restored(url, postgres_url, tmp_path)
        shown = (await run("orders", "show", number, "--json")).data
        monkeypatch.setenv("RESELLER_DATABASE_URL", url)
        assert (await run("check")).code == 0
        assert (await run("orders", "show", number, "--json")).data == shown
    same = await run("database", "copy", "--to", at.settings.database_url)
    monkeypatch.setenv("RESELLER_DATABASE_URL", at.settings.database_url)
    assert same.code == 1


async def test_work_that_waits_keeps_a_database_from_being_copied(bare: Path, run: Run) -> None:
    await run("migrate")
    url = f"sqlite+aiosqlite:///{bare}/reseller.db"
    database, jobs = Database(url), Jobs(url, APPLICATION)
    async with database.system() as session:
        await jobs.enqueue(session, "attend_order", "order:t:1", partition="1", args=("t", "1", "order_created"))
    jobs.close()
    await database.close()
    refused = await run("database", "copy", "--to", f"sqlite+aiosqlite:///{bare}/other.db")
    assert (refused.code, refused.err.startswith("1 pieces of durable work")) == (1, True)


async def test_a_removed_shop_is_purged_after_its_days_and_by_hand(at: Journey, run: Run) -> None:
    await sold(at)
    shop, services = at.shop, at.services
    active = await run("purge", shop.api_url, "--confirm")
    assert (active.code, "delete it there first" in active.err) == (1, True)
    await uninstall(services.database, shop.tenant_id, shop.app_id, lambda: services.clock() - timedelta(days=31))
    assert services.settings.purge_removed_after_days == 0
    assert await purge_due(services) == []
    services.settings.purge_removed_after_days = 32
    assert await purge_due(services) == []
    unconfirmed = await run("purge", shop.api_url)
    assert (unconfirmed.code, "--confirm" in unconfirmed.err) == (1, True)
    services.settings.purge_removed_after_days = 30
    assert await purge_due(services) == [shop.api_url]
    left: dict[str, Any] = {}
    async with services.database.engine.connect() as connection:
        for table in program_tables():
            if count := await connection.scalar(select(func.count()).select_from(table)):
                left[table.name] = count
    assert left.keys() == {"worker"}, "which is of no shop"
    assert await at.workflows() == {}
    assert not (Path(services.settings.mail_directory) / at.tenant_id).exists()
    assert (await run("purge", shop.api_url, "--confirm")).code == 1


async def test_a_purge_leaves_other_shops_alone(at: Journey) -> None:
    await sold(at)
    services = at.services
    async with services.database.system() as session:
        session.add(
            Tenant(
                saleor_api_url="https://gone.example/graphql/",
                domain="gone.example",
                app_id="x",
                token="",
                active=False,
                installed_at=services.clock(),
                removed_at=services.clock() - timedelta(days=2),
            )
        )
    services.settings.purge_removed_after_days = 1
    before = await at.workflows()
    assert await purge_due(services) == ["https://gone.example/graphql/"]
    assert await at.workflows() == before
    async with at.rows() as session:
        assert await session.scalar(select(func.count(License.id))) == 1
