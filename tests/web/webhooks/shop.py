"""The whole application on a real database, asked as Saleor asks it: signed bodies to the dispatcher."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import sqlalchemy as sa
from dbos import DBOS

from app.db.jobs import Jobs, system_url
from app.db.session import Database
from app.main import build
from app.saleor.manifest import webhook_path
from tests.orders.builders import API, World, opened
from tests.saleor.keys import sign


@dataclass
class Sender:
    """Saleor's side of the webhooks."""

    client: httpx.AsyncClient
    world: World

    async def post(self, event: str, body: bytes | dict[str, Any], **headers: str | None) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Saleor-Api-Url": API, "Saleor-Signature": sign(raw, "k")} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        known = {name: value for name, value in sent.items() if value is not None}
        return await self.client.post(webhook_path(event), content=raw, headers=known)

    async def workflows(self) -> list[tuple[str, str]]:
        """(workflow id, name) of all that DBOS holds, in order of their ids."""
        table = "workflow_status" if self.world.database.url.startswith("sqlite") else "dbos.workflow_status"
        async with self.world.database.engine.connect() as connection:
            rows = await connection.execute(sa.text(f"SELECT workflow_uuid, name FROM {table} ORDER BY workflow_uuid"))
            return [(row[0], row[1]) for row in rows]


@asynccontextmanager
async def serving(database: Database, tenant: str) -> AsyncIterator[Sender]:
    await asyncio.to_thread(DBOS.migrate, system_database_url=system_url(database.url))
    async with (
        opened(database, tenant, Jobs(database.url, "reseller")) as world,
        httpx.AsyncClient(transport=httpx.ASGITransport(build(world.services)), base_url="http://app.example") as client,
    ):
        yield Sender(client, world)
