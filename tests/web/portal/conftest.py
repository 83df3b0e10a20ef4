"""The storefront's people in front of the portal, each with a browser of its own that knows HTML and no JavaScript."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.main import build
from app.resellers.tables import ResellerUser
from app.web.dispatch import Asgi
from tests.orders.builders import World
from tests.web.storefront.conftest import Store, store, token

__all__ = ["store"]
PASSWORD = "correct horse"
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
TAGS = re.compile(r"<[^>]+>")


@dataclass
class Browser:
    """One person's browser; `page` is the last page it showed."""

    client: httpx.AsyncClient
    page: str = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        answer = await self.client.get(f"/portal{path}", **more)
        self.page = answer.text if answer.headers.get("content-type", "").startswith("text/html") else ""
        return answer

    async def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the token of the last page, unless it brings its own."""
        found = TOKEN.search(self.page)
        given = {"form_token": html.unescape(found[1]) if found else "", **(fields or {})}
        answer = await self.client.post(f"/portal{path}", data=given, **more)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = answer.text
        return answer

    async def sign_in(self, user: str, password: str = PASSWORD) -> httpx.Response:
        await self.get("/sign-in")
        return await self.post("/sign-in", {"email": f"{user}@partner.example", "password": password})

    async def form(self, path: str) -> None:
        """Have a page whose form token counts, whatever else the page says."""
        await self.get(path)
        if not TOKEN.search(self.page):
            await self.get("/")


@dataclass
class Portal:
    """The installation with what Saleor answers to people who sign in."""

    store: Store
    app: Asgi
    stack: AsyncExitStack
    texan: str = ""
    """Id of the user `texan` in its reseller."""
    refusals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.store.world

    def at(self) -> int:
        return int(self.world.clock().timestamp())

    async def browser(self, user: str = "", *, language: str = "en", origin: str = "http://app.example") -> Browser:
        transport = httpx.ASGITransport(self.app)
        headers = {"Accept-Language": language}
        client = httpx.AsyncClient(transport=transport, base_url=origin, headers=headers)
        browser = Browser(await self.stack.enter_async_context(client))
        if user:
            answer = await browser.sign_in(user)
            assert answer.status_code == 303, answer.text
        return browser

    def token_create(self, variables: dict[str, Any]) -> dict[str, Any]:
        if variables["password"] != PASSWORD or self.refusals:
            errors = self.refusals or [
                {"field": "email", "code": "INVALID_CREDENTIALS", "message": "Please, enter valid credentials"}
            ]
            return {"tokenCreate": {"token": None, "refreshToken": None, "errors": errors}}
        user = variables["email"].partition("@")[0]
        at, more = self.at(), {"email": variables["email"]}
        if variables["audience"]:
            more["aud"] = f"custom:{variables['audience']}"
        access = token(user, iat=at, exp=at + 300, **more)
        return {"tokenCreate": {"token": access, "refreshToken": token(user, type="refresh", **more), "errors": []}}

    def token_refresh(self, variables: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            return {"tokenRefresh": {"token": None, "errors": self.refusals}}
        user = "texan"
        return {"tokenRefresh": {"token": token(user, iat=self.at(), exp=self.at() + 300), "errors": []}}

    async def set(self, **settings: Any) -> None:
        """Change settings of the shop."""
        await self.world.configure(**settings)


def account(variables: dict[str, Any]) -> dict[str, Any]:
    """What the shop says of an account: there, and its e-mail confirmed."""
    user = variables["id"]
    return {
        "user": {
            "id": user, "email": f"{user}@partner.example", "firstName": "", "lastName": "", "isActive": True,
            "isConfirmed": True, "languageCode": "EN_US",
        }
    }  # fmt: skip


def text_of(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return " ".join(html.unescape(TAGS.sub(" ", page)).split())


@pytest.fixture
async def portal(store: Store) -> AsyncIterator[Portal]:
    async with AsyncExitStack() as stack:
        made = Portal(store, build(store.world.services), stack)
        store.world.saleor.answers |= {"TokenCreate": made.token_create, "TokenRefresh": made.token_refresh, "Customer": account}
        await made.set(portal_host="app.example", invitation_url="https://store.example/join?token=")
        async with store.world.database.tenant(store.world.shop.tenant_id) as session:
            texan = select(ResellerUser.id).where(ResellerUser.saleor_user_id == "texan")
            made.texan = (await session.scalars(texan)).one()
        yield made
