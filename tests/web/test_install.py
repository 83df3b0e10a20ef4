"""The manifest and the handshake as Saleor meets them over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx
from fastapi import FastAPI
from sqlalchemy import func, select

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.saleor.shops import Shops
from app.settings import Settings
from app.web.install import MAX_BODY, router
from tests.conftest import NOW
from tests.saleor.keys import jwk
from tests.saleor.test_registration import app_self

API = "http://127.0.0.1:8000/graphql/"
HEADERS = {"Saleor-Api-Url": API, "Saleor-Domain": "127.0.0.1:8000", "Saleor-Schema-Version": "3.23"}
TOKEN = "0123456789abcdefghijABCDEFGHIJ"


@pytest.fixture
async def app(database: Database) -> AsyncIterator[FastAPI]:
    app = FastAPI()
    app.include_router(router)
    settings = Settings(
        secret_keys=["a passphrase for tests"],
        base_url="https://resellers.example",
        allowed_shops=[API],
        allow_private_addresses=True,
        _env_file=None,
    )
    box = SecretBox(settings.secret_keys)
    async with httpx.AsyncClient() as http:
        shops = Shops(database, box, http, settings, lambda: NOW)
        app.state.services = SimpleNamespace(
            settings=settings, database=database, box=box, http=http, clock=lambda: NOW, shops=shops
        )
        yield app
        await shops.close()


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://resellers.example") as browser:
        yield browser


@pytest.fixture
def saleor() -> Any:
    with respx.mock(assert_all_called=False) as router:
        router.post(API, name="api").respond(json=app_self())
        router.get("http://127.0.0.1:8000/.well-known/jwks.json").respond(json={"keys": [jwk("one")]})
        yield router


async def shops_stored(database: Database) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(Tenant)) or 0


async def test_the_manifest_is_for_the_version_that_asks(browser: httpx.AsyncClient) -> None:
    newest = (await browser.get("/api/manifest")).json()
    assert newest["tokenTargetUrl"] == "https://resellers.example/api/register"
    by_header = (await browser.get("/api/manifest", headers={"Saleor-Schema-Version": "3.22"})).json()
    by_address = (await browser.get("/api/manifest?schema_version=3.22")).json()
    assert by_header == by_address
    assert len(by_header["webhooks"]) == len(newest["webhooks"]) - 1


async def test_a_version_that_is_none(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/manifest?schema_version=new")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "schema_version")


async def test_the_handshake_makes_the_shop_known_at_once(
    browser: httpx.AsyncClient, app: FastAPI, saleor: respx.Router, database: Database
) -> None:
    answer = await browser.post("/api/register", json={"auth_token": TOKEN}, headers=HEADERS)
    assert (answer.status_code, answer.json()) == (200, {"app": "QXBwOjE=", "again": False})
    shop = app.state.services.shops.known(API)
    assert shop is not None
    assert await app.state.services.shops.token(shop) == TOKEN
    assert await shops_stored(database) == 1


async def test_staff_read_why_it_failed(browser: httpx.AsyncClient, saleor: respx.Router, database: Database) -> None:
    saleor["api"].respond(500)
    answer = await browser.post("/api/register", json={"auth_token": TOKEN}, headers=HEADERS)
    assert answer.status_code == 502
    message = answer.json()["error"]["message"]
    assert API in message
    assert "status 500" in message
    assert TOKEN not in answer.text
    assert await shops_stored(database) == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{}", HEADERS, 400, "auth_token"),
        (b"[]", HEADERS, 400, "auth_token"),
        (b"not json", HEADERS, 400, "auth_token"),
        (b'{"auth_token": 7}', HEADERS, 400, "auth_token"),
        (b'{"auth_token": "t"}', {}, 400, "saleor_api_url"),
        (b'{"auth_token": "t"}', {"Saleor-Api-Url": "https://evil.example/graphql/"}, 403, "shop_not_allowed"),
        (b'{"auth_token": "t"}', {"Saleor-Api-Url": "nonsense"}, 400, "api_url"),
        (b" " * (MAX_BODY + 1), HEADERS, 413, "too_large"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:30],
)
async def test_bad_handshakes(
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
    browser: httpx.AsyncClient,
    saleor: respx.Router,
    database: Database,
) -> None:
    answer = await browser.post("/api/register", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not saleor["api"].called
    assert await shops_stored(database) == 0
