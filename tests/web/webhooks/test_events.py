import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.base import Base
from app.db.session import Database
from app.db.tenants import Tenant
from app.web.webhooks.events import APP_EVENTS, CUSTOMER_EVENTS, ORDER_EVENTS
from tests.conftest import NOW
from tests.web.webhooks.shop import Sender, serving

APP = "QXBwOjE="


@pytest.fixture
async def saleor(database: Database, tenant: str) -> AsyncIterator[Sender]:
    async with serving(database, tenant) as sender:
        yield sender


def event(**changed: Any) -> dict[str, Any]:
    return {
        "issuedAt": NOW.isoformat(), "recipient": {"id": APP}, "issuingPrincipal": None,
        "order": {"id": "O1", "number": "1", "user": {"id": "texan"}, "channel": {"slug": "default"}, "status": "UNCONFIRMED"},
        "fulfillment": {"id": "F1", "status": "FULFILLED"},
        "user": {"id": "U1", "email": "x@y.example", "isActive": True, "isStaff": False}, "app": {"id": APP, "isActive": True},
    } | changed  # fmt: skip


async def arguments(saleor: Sender) -> list[dict[str, Any]]:
    """What DBOS holds of each workflow, read by DBOS's own client."""
    found = await saleor.world.services.jobs._client.list_workflows_async()
    return [
        {"name": item.name, "args": item.input["args"] if item.input else (), "queue": item.queue_name, "status": item.status}
        for item in found
    ]


async def test_a_new_order_is_one_durable_workflow(saleor: Sender) -> None:
    found = await saleor.post("order_created", event())
    assert found.status_code in (200, 202)
    assert found.json() == {"accepted": True}
    tenant = saleor.world.shop.tenant_id
    assert await saleor.workflows() == [(f"order:{tenant}:O1", "attend_order")]
    (work,) = await arguments(saleor)
    assert (work["name"], tuple(work["args"]), work["queue"]) == ("attend_order", (tenant, "O1", "order_created"), "orders")
    assert work["status"] == "ENQUEUED"


async def test_the_first_sight_of_an_order_is_one_whatever_its_body_says(saleor: Sender) -> None:
    for status in ("UNCONFIRMED", "UNFULFILLED"):
        order = event()["order"] | {"status": status}
        assert (await saleor.post("order_created", event(order=order))).is_success
    assert len(await saleor.workflows()) == 1


@pytest.mark.parametrize("name", ["order_created", "order_updated", "customer_updated"])
async def test_fifty_deliveries_at_once_are_one_workflow(saleor: Sender, name: str) -> None:
    found = await asyncio.gather(*(saleor.post(name, event()) for _ in range(50)))
    assert {item.status_code for item in found} <= {200, 202}
    assert len(await saleor.workflows()) == 1


async def test_later_events_of_an_order_are_told_apart_by_what_they_say(saleor: Sender) -> None:
    later = [name for name in ORDER_EVENTS if name != "order_created"]
    for name in later:
        for body in (event(), event(), event(issuedAt="2026-03-02T13:00:00+00:00")):
            assert (await saleor.post(name, body)).is_success
    found = await saleor.workflows()
    assert {workflow for _, workflow in found} == {"attend_order"}
    starts = sorted(workflow_id.rpartition(":")[0] for workflow_id, _ in found)
    assert starts == sorted(f"order:{saleor.world.shop.tenant_id}:O1:{name}" for name in later for _ in range(2))


async def test_a_customer(saleor: Sender) -> None:
    for name in CUSTOMER_EVENTS:
        assert (await saleor.post(name, event(issuedAt=name))).is_success
    found = {tuple(work["args"]) for work in await arguments(saleor) if work["name"] == "attend_customer"}
    assert found == {(saleor.world.shop.tenant_id, "U1", name) for name in CUSTOMER_EVENTS}


async def test_an_event_about_nothing_is_taken_and_forgotten(saleor: Sender) -> None:
    assert (await saleor.post("order_updated", event(order=None))).json() == {"accepted": True}
    assert (await saleor.post("customer_updated", event(user=None))).json() == {"accepted": True}
    assert (await saleor.post("app_deleted", event(app=None))).json() == {"accepted": True}
    assert await saleor.workflows() == []
    assert saleor.world.services.shops.all() != []


@pytest.mark.parametrize("name", ["order_created", "customer_deleted", "app_deleted"])
async def test_what_is_not_for_us_not_signed_or_not_readable(saleor: Sender, name: str) -> None:
    for recipient in (None, {"id": "QXBwOjk="}):
        found = await saleor.post(name, event(recipient=recipient))
        assert (found.status_code, found.json()["error"]["code"]) == (403, "wrong_recipient")
    assert (await saleor.post(name, event(), Saleor_Signature=None)).status_code == 401
    assert (await saleor.post(name, b'{"issuedAt": 1}')).status_code == 400
    assert await saleor.workflows() == []
    assert saleor.world.services.shops.all() != []


@pytest.mark.parametrize("name", ["order_created", "customer_updated"])
async def test_without_the_database_saleor_is_asked_to_come_again(saleor: Sender, name: str) -> None:
    database = saleor.world.database
    working = database.engine
    database.engine = create_async_engine(
        "sqlite+aiosqlite:////nowhere/reseller.db"
        if database.url.startswith("sqlite")
        else "postgresql+psycopg://test@127.0.0.1:1/nothing"
    )
    found = await saleor.post(name, event())
    await database.engine.dispose()
    database.engine = working
    assert (found.status_code, found.json()["error"]["code"]) == (503, "unavailable")
    assert await saleor.workflows() == []
    assert (await saleor.post(name, event())).is_success
    assert len(await saleor.workflows()) == 1


async def test_a_database_without_its_tables_fails_and_keeps_nothing(database: Database, tenant: str) -> None:
    async with serving(database, tenant) as saleor:
        async with database.engine.begin() as connection:
            assert "workflow_status" not in Base.metadata.tables
            name = "workflow_status" if database.url.startswith("sqlite") else "dbos.workflow_status"
            await connection.execute(sa.text(f"ALTER TABLE {name} RENAME TO hidden"))
        assert (await saleor.post("order_created", event())).status_code in (500, 503)


@pytest.mark.parametrize("name", APP_EVENTS)
async def test_our_own_app(saleor: Sender, name: str) -> None:
    assert (await saleor.post(name, event())).is_success
    async with saleor.world.database.system() as session:
        (row,) = await session.scalars(select(Tenant))
    gone = name == "app_deleted"
    assert row.active is not gone
    assert (await saleor.post("order_created", event())).status_code == (401 if gone else 200)


async def test_orders_are_compared_as_soon_as_the_app_is_switched_on_again(saleor: Sender) -> None:
    assert (await saleor.post("app_status_changed", event(app={"id": APP, "isActive": False}))).is_success
    assert await arguments(saleor) == []
    assert (await saleor.post("app_status_changed", event())).is_success
    assert (await saleor.post("app_status_changed", event())).is_success
    (found,) = await arguments(saleor)
    assert found["name"] == "reconcile_shop"


async def test_an_event_of_an_app_that_was_here_before(saleor: Sender) -> None:
    assert (await saleor.post("app_deleted", event(app={"id": "QXBwOjA=", "isActive": False}))).is_success
    assert (await saleor.post("order_created", event())).is_success
