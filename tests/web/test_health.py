"""Health and readiness, through the application as it is put together for a process."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.mail.mailbox import name_of
from app.mail.tables import Mailbox
from app.main import build, running
from app.orders.measures import Measured
from app.orders.services import Services
from app.orders.tables import StaffTask
from app.settings import Settings
from app.web.metrics import operations_application
from tests.conftest import NOW, install
from tests.journeys.harness import migrate

TOKEN = "a token of the tests alone"
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


KEYS = ["0123456789abcdef"]


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[tuple[Services, httpx.AsyncClient]]:
    settings = Settings(secret_keys=KEYS, database_url=database_url, metrics_token=TOKEN, _env_file=None)
    await migrate(database_url)
    database = Database(database_url)
    tenant = await install(database, "http://shop.example/graphql/")
    async with database.system() as session:
        sealed = SecretBox(KEYS).encrypt(tenant, "token")
        await session.execute(update(Tenant).where(Tenant.id == tenant).values(token=sealed))
    await database.close()
    async with (
        running(settings, worker=False, clock=lambda: NOW) as (services, app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example") as client,
    ):
        yield services, client


@asynccontextmanager
async def without_database(services: Services, tmp_path: Path) -> AsyncIterator[None]:
    """A database that cannot be opened, and the one before again."""
    working, before = services.database.engine, set(threading.enumerate())
    services.database.engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/nowhere/reseller.db")
    try:
        yield
    finally:
        await services.database.engine.dispose()
        services.database.engine = working
        # aiosqlite does not wait for the threads of connections that could not be opened, and they tell this loop of their end.
        for thread in [new for new in threading.enumerate() if new not in before and "_connection_worker" in new.name]:
            await asyncio.to_thread(thread.join)


async def test_a_started_process_is_alive_and_ready(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    assert (await client.get("/health")).json() == {"status": "ok"}
    found = await client.get("/ready")
    assert (found.status_code, found.json()) == (200, {"status": "ok", "shops": 1, "queue_age_seconds": 0.0})
    assert services.clock() == NOW


@ON_ONE
async def test_it_is_ready_also_while_somebody_writes(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    async with services.database.tenant(services.shops.all()[0].tenant_id) as session, asyncio.timeout(5):
        await session.connection()
        assert (await client.get("/ready")).json()["status"] == "ok"


async def test_a_program_that_is_not_loaded_is_not_ready(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    services.programs._kept.clear()
    found = await client.get("/ready")
    assert (found.status_code, found.json()["status"]) == (503, "starting")
    assert (await client.get("/health")).status_code == 200


@ON_ONE
async def test_without_the_database_it_lives_but_is_not_ready(opened: tuple[Services, httpx.AsyncClient], tmp_path: Path) -> None:
    services, client = opened
    async with without_database(services, tmp_path):
        found = await client.get("/ready")
        assert (found.status_code, found.json()["status"]) == (503, "no database")
        assert (await client.get("/health")).status_code == 200


async def test_a_schema_that_is_behind_is_not_ready_and_a_newer_one_is(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    for at, status in (("0001", "schema behind"), ("9999", "ok")):
        async with services.database.system() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": at})
        assert (await client.get("/ready")).json()["status"] == status


@ON_ONE
async def test_a_secret_key_that_is_missing_is_said(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    async with services.database.system() as session:
        await session.execute(update(Tenant).values(token=SecretBox(["another key of 16"]).encrypt("x", "token")))
    found = await client.get("/ready")
    assert (found.status_code, found.json()["status"]) == (503, "a secret key is missing")


async def test_metrics_need_their_token_and_say_what_waits(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    services.settings.imap_url = "imaps://user:password@imap.example/INBOX"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert (await client.get("/metrics", headers=headers)).status_code == 401
    await client.post("/api/webhooks/order-created", content=b"{}")
    (shop,) = services.shops.all()
    async with services.database.tenant(shop.tenant_id) as session:
        await services.jobs.enqueue(
            session, "attend_order", "order:x", partition="x", args=(shop.tenant_id, "x", "order_created")
        )
        session.add(StaffTask(key="case:1", reasons=[], created_at=NOW - timedelta(hours=1)))
    async with services.database.system() as session:
        read = NOW - timedelta(minutes=4)
        session.add(Mailbox(name=name_of(services.settings.imap_url), uid_validity=1, last_uid=1, read_at=read))
    found = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = found.text.splitlines()
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'reseller_webhook_seconds_count{event="order_created",outcome="unknown_shop"}' in found.text
    assert "reseller_queue_length 1.0" in lines
    assert "reseller_database_up 1.0" in lines
    assert "reseller_mailbox_age_seconds 240.0" in lines
    assert 'reseller_cases_waiting_seconds{shop="http://shop.example/graphql/"} 3600.0' in lines
    assert 'reseller_tasks_open_seconds{shop="http://shop.example/graphql/"} 3600.0' in lines
    assert 'reseller_mails_bounced{shop="http://shop.example/graphql/"} 0.0' in lines
    assert 'reseller_mails_failed{shop="http://shop.example/graphql/"} 0.0' in lines
    assert 'reseller_unmatched_lines{shop="http://shop.example/graphql/"} 0.0' in lines


@ON_ONE
async def test_a_mailbox_that_nobody_ever_tried_to_read_grows_old(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, _ = opened
    operations = operations_application(services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(operations), base_url="http://operations") as client:
        assert "mailbox_age_seconds" not in (await client.get("/ready")).json()
    services.settings.imap_url = "imaps://user:password@imap.example/INBOX"
    looked = Measured(services)
    looked._services = replace(services, clock=lambda: NOW + timedelta(minutes=20))
    assert (await looked.get()).mailbox_age == 1200.0
    operations.state.measured = looked
    async with httpx.AsyncClient(transport=httpx.ASGITransport(operations), base_url="http://operations") as client:
        assert (await client.get("/ready")).json()["mailbox_age_seconds"] == 1200.0
        assert "reseller_mailbox_age_seconds 1200.0" in (await client.get("/metrics")).text.splitlines()


@ON_ONE
async def test_metrics_without_the_database_still_say_what_this_process_counted(
    opened: tuple[Services, httpx.AsyncClient], tmp_path: Path
) -> None:
    services, _ = opened
    operations = operations_application(services)
    transport = httpx.ASGITransport(operations)
    async with (
        without_database(services, tmp_path),
        httpx.AsyncClient(transport=transport, base_url="http://operations") as client,
    ):
        found = await client.get("/metrics")
        assert "reseller_database_up 0.0" in found.text.splitlines()
        assert "reseller_webhook_seconds" in found.text
        assert (await client.get("/ready")).status_code == 503


@ON_ONE
async def test_without_a_token_in_the_settings_there_are_no_metrics(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, _ = opened
    services.settings.metrics_token = ""
    app = build(services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example") as client:
        assert (await client.get("/metrics", headers={"Authorization": "Bearer "})).status_code == 404


@ON_ONE
async def test_webhooks_and_the_router_share_one_door(opened: tuple[Services, httpx.AsyncClient]) -> None:
    _, client = opened
    assert (await client.post("/api/webhooks/order-created", content=b"{}")).status_code == 401
    assert (await client.post("/api/webhooks/checkout-calculate-taxes", content=b"{}")).status_code == 401
    assert (await client.get("/api/manifest")).status_code == 200
    assert (await client.post("/api/webhooks/nothing", content=b"{}")).status_code == 404
