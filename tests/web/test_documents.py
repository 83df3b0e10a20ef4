import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from app.db.session import Database
from app.documents.links import signed_url
from app.documents.tables import Document
from app.main import build
from tests.conftest import NOW, install
from tests.documents.test_service import give
from tests.orders.builders import KEY, opened


def address(tenant: str, document: str, key: str = KEY, at: datetime = NOW) -> str:
    return signed_url("http://app.example", [key], tenant, document, at, 90)


@pytest.fixture
async def client(database: Database, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        opened(database, tenant) as world,
        httpx.AsyncClient(transport=httpx.ASGITransport(build(world.services)), base_url="http://app.example") as client,
    ):
        yield client


async def test_a_document_is_read_at_its_address(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    document = await give(database, tenant)
    where = address(tenant, document.id)
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


async def test_a_link_counts_for_its_days(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    document = await give(database, tenant)
    in_time, late = (address(tenant, document.id, at=NOW - timedelta(days=days)) for days in (90, 91))
    assert (await client.get(in_time)).status_code == 200
    found = await client.get(late)
    assert (found.status_code, "ask for the invoice again" in found.text) == (403, True)


async def test_a_link_opens_its_own_document_alone(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    document, other = await give(database, tenant), await give(database, tenant, "o2")
    good = address(tenant, document.id)
    for wrong in (
        good.partition("?")[0],
        good.replace(document.id, other.id),
        good.replace("expires=1", "expires=2"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good + "é",
        address(tenant, document.id, key="f" * 16),
    ):
        found = await client.get(wrong)
        assert (found.status_code, found.text) == (403, "This link is not one that was given out.")
    assert (await client.get(good.replace("expires=", "expires=x"))).status_code == 422


async def test_links_from_before_there_were_signatures_go_on_working(
    client: httpx.AsyncClient, database: Database, tenant: str
) -> None:
    document = await give(database, tenant)
    async with database.tenant(tenant) as session:
        (await session.get_one(Document, document.id)).signed_links = False
    assert (await client.get(f"/documents/{tenant}/{document.id}")).status_code == 200


async def test_reading_waits_for_nobody_who_writes(client: httpx.AsyncClient, database: Database, tenant: str) -> None:
    where = address(tenant, (await give(database, tenant)).id)
    async with database.tenant(tenant) as session, asyncio.timeout(5):
        await session.connection()
        assert (await client.get(where)).status_code == 200
