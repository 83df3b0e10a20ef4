"""Staff in front of the pages, with the tokens that the Dashboard would give."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.main import build
from app.web.dashboard.permissions import Permission
from tests.orders.builders import API, World
from tests.web.storefront.conftest import Store, store, token

__all__ = ["store"]
ALL = tuple(permission.value for permission in Permission)
DASHBOARD = "https://dashboard.example"


def staff_token(*permissions: str, **changed: Any) -> str:
    """The token of a staff member with these permissions, all of them without any."""
    said = {
        "type": "thirdparty",
        "app": "QXBwOjE=",
        "is_staff": True,
        "user_permissions": list(permissions or ALL),
        "permissions": [],
    }
    return token("staff", **{**said, "email": "ada@vendor.example", **changed})


@dataclass
class Dashboard:
    """The app as a frame of the Dashboard reaches it."""

    client: httpx.AsyncClient
    store: Store

    @property
    def world(self) -> World:
        return self.store.world

    async def session(self, *permissions: str, origin: str = DASHBOARD) -> str:
        bearer = {"Authorization": f"Bearer {staff_token(*permissions)}", "Dashboard-Origin": origin}
        answer = await self.client.post("/dashboard/session", headers=bearer)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["session"])

    async def ask(self, path: str, method: str = "GET", session: str | None = None, **more: Any) -> httpx.Response:
        """A request with a session, of somebody with all permissions unless one is given."""
        headers = {"Dashboard-Session": session or await self.session(), **more.pop("headers", {})}
        return await self.client.request(method, f"/dashboard{path}", headers=headers, **more)


@pytest.fixture
async def dashboard(store: Store) -> AsyncIterator[Dashboard]:
    transport = httpx.ASGITransport(build(store.world.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://app.example") as client:
        yield Dashboard(client, store)


def shell_of(params: str = "") -> str:
    """The query that the Dashboard puts into a frame's address."""
    return f"domain=shop.example&saleorApiUrl={API}&id=QXBwOjE={params}"
