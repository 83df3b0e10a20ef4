"""Health and readiness, through the application as it is put together for a process."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.session import Database
from app.main import running
from app.orders.services import Services
from app.settings import Settings
from tests.conftest import NOW


@pytest.fixture
async def opened(database: Database, tenant: str) -> AsyncIterator[tuple[Services, httpx.AsyncClient]]:
    settings = Settings(secret_keys=["0123456789abcdef"], database_url=database.url, _env_file=None)
    async with (
        running(settings, worker=False, clock=lambda: NOW) as (services, app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example") as client,
    ):
        yield services, client


async def test_a_started_process_is_alive_and_ready(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    assert (await client.get("/health")).json() == {"status": "ok"}
    found = await client.get("/ready")
    assert (found.status_code, found.json()) == (200, {"status": "ok", "shops": 1})
    assert services.clock() == NOW


async def test_a_program_that_is_not_loaded_is_not_ready(opened: tuple[Services, httpx.AsyncClient]) -> None:
    services, client = opened
    services.programs._kept.clear()
    found = await client.get("/ready")
    assert (found.status_code, found.json()["status"]) == (503, "starting")
    assert (await client.get("/health")).status_code == 200


async def test_without_the_database_it_lives_but_is_not_ready(opened: tuple[Services, httpx.AsyncClient], tmp_path: Path) -> None:
    services, client = opened
    working = services.database.engine
    services.database.engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/nowhere/reseller.db")
    try:
        found = await client.get("/ready")
        assert (found.status_code, found.json()["status"]) == (503, "no database")
        assert (await client.get("/health")).status_code == 200
    finally:
        await services.database.engine.dispose()
        services.database.engine = working


async def test_webhooks_and_the_router_share_one_door(opened: tuple[Services, httpx.AsyncClient]) -> None:
    _, client = opened
    assert (await client.post("/api/webhooks/order-created", content=b"{}")).status_code == 401
    assert (await client.post("/api/webhooks/checkout-calculate-taxes", content=b"{}")).status_code == 401
    assert (await client.get("/api/manifest")).status_code == 200
    assert (await client.post("/api/webhooks/nothing", content=b"{}")).status_code == 404
