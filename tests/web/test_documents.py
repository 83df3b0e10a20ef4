import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.db.session import Database
from app.main import build
from app.orders.release import document_url
from tests.conftest import install
from tests.documents.test_service import give
from tests.orders.builders import opened


@pytest.fixture
async def client(database: Database, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        opened(database, tenant) as world,
        httpx.AsyncClient(transport=httpx.ASGITransport(build(world.services)), base_url="http://app.example") as client,
    ):
        yield client


async def test_a_document_is_read_at_its_address(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    document = await give(database, tenant)
    where = document_url("http://app.example", tenant, document.id)
    found = await client.get(where)
    assert (found.status_code, found.content) == (200, b"invoice 2026-00001")
    assert found.headers["content-type"] == "application/pdf"
    assert found.headers["content-disposition"] == 'inline; filename="invoice-2026-00001.pdf"'
    assert (found.headers["cache-control"], found.headers["x-content-type-options"]) == ("private, no-store", "nosniff")


async def test_it_is_nowhere_else(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    document = await give(database, tenant)
    other = await install(database, "http://other.example/graphql/")
    for where in (f"{other}/{document.id}", f"nobody/{document.id}", f"{tenant}/{document.order_id}", f"{tenant}/%27"):
        found = await client.get(f"/documents/{where}")
        assert (found.status_code, found.text) == (404, "There is no such document.")


async def test_reading_waits_for_nobody_who_writes(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    where = document_url("http://app.example", tenant, (await give(database, tenant)).id)
    async with database.tenant(tenant) as session, asyncio.timeout(5):
        await session.connection()
        assert [(await client.get(path)).status_code for path in (where, "/ready")] == [200, 200]
