"""The token handshake: who is believed, who is not, and what a re-install keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy import select

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Conflict, Forbidden, InvalidInput, ResellerError, SaleorError, Unauthorized
from app.saleor.registration import Installed, first_private, normalize_api_url, register, resolve_host, uninstall
from app.settings import Settings
from tests.conftest import NOW
from tests.saleor.keys import jwk

API = "https://shop.example/graphql/"
KEYS = "https://shop.example/.well-known/jwks.json"
TOKEN = "0123456789abcdefghijABCDEFGHIJ"
BOX = SecretBox(["a passphrase for tests"])


def app_self(**changed: Any) -> dict[str, Any]:
    app = {
        "id": "QXBwOjE=",
        "identifier": "reseller.program",
        "name": "Reseller Program",
        "isActive": True,
        "permissions": [],
        "webhooks": [],
    } | changed
    return {
        "data": {"app": app, "shop": {"version": "3.23.28", "domain": {"host": "shop.example", "url": "https://shop.example/"}}}
    }


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
        yield http


@pytest.fixture
def shop() -> Any:
    """A shop that accepts the token and publishes its key."""
    with respx.mock(assert_all_called=False) as router:
        router.post(API, name="api").respond(json=app_self())
        router.get(KEYS, name="keys").respond(json={"keys": [jwk("one")]})
        yield router


def public(*addresses: str) -> Any:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses or ("93.184.216.34",))

    return resolve


async def handshake(database: Database, http: httpx.AsyncClient, **changed: Any) -> Installed:
    private = changed.pop("allow_private_addresses", False)
    given = {
        "api_url": API,
        "domain": "shop.example",
        "token": TOKEN,
        "settings": Settings(
            secret_keys=["a passphrase for tests"],
            allowed_shops=["https://Shop.example:443/graphql", "http://localhost:8000/graphql/"],
            allow_private_addresses=private,
            _env_file=None,
        ),
        "database": database,
        "box": BOX,
        "http": http,
        "clock": lambda: NOW,
        "resolve": public(),
    } | changed
    return await register(**given)


async def rows(database: Database) -> list[Tenant]:
    async with database.system() as session:
        return list((await session.scalars(select(Tenant))).all())


async def test_a_new_shop(database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    installed = await handshake(database, http)
    (row,) = await rows(database)
    assert installed == Installed(row.id, API, "QXBwOjE=", again=False)
    assert (row.saleor_api_url, row.domain, row.active, row.jwks) == (API, "shop.example", True, {"keys": [jwk("one")]})
    assert (row.installed_at, row.removed_at, row.program_version) == (NOW, None, 1)
    assert TOKEN not in row.token
    assert BOX.decrypt(row.id, row.token) == TOKEN
    assert shop["api"].calls.last.request.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_reinstall_keeps_the_shop_and_replaces_its_token(
    database: Database, http: httpx.AsyncClient, shop: respx.Router
) -> None:
    first = await handshake(database, http)
    async with database.system() as session:
        row = (await session.scalars(select(Tenant))).one()
        row.settings = {"time_zone": "Europe/Berlin"}
    assert await uninstall(database, first.tenant_id, first.app_id, lambda: NOW + timedelta(hours=1))
    (row,) = await rows(database)
    assert (row.active, row.removed_at, row.program_version) == (False, NOW + timedelta(hours=1), 2)

    shop["api"].respond(json=app_self(id="QXBwOjI="))
    shop["keys"].respond(json={"keys": [jwk("two")]})
    # The same shop, written differently.
    second = await handshake(database, http, api_url="https://SHOP.example/graphql/", token="another-token")
    assert second == Installed(first.tenant_id, "https://SHOP.example/graphql/", "QXBwOjI=", again=True)
    (row,) = await rows(database)
    assert (row.active, row.removed_at, row.program_version) == (True, None, 3)
    assert row.jwks == {"keys": [jwk("two")]}
    assert row.settings == {"time_zone": "Europe/Berlin"}
    assert BOX.decrypt(row.id, row.token) == "another-token"


async def test_two_handshakes_at_once_make_one_shop(database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    outcomes = await asyncio.gather(*(handshake(database, http) for _ in range(5)), return_exceptions=True)
    assert len(await rows(database)) == 1
    assert any(isinstance(outcome, Installed) for outcome in outcomes)
    assert all(isinstance(outcome, Installed | Conflict) for outcome in outcomes)


async def test_a_late_deletion_of_the_former_app_changes_nothing(
    database: Database, http: httpx.AsyncClient, shop: respx.Router
) -> None:
    first = await handshake(database, http)
    shop["api"].respond(json=app_self(id="QXBwOjI="))
    await handshake(database, http)
    assert not await uninstall(database, first.tenant_id, first.app_id, lambda: NOW)
    assert (await rows(database))[0].active
    assert await uninstall(database, first.tenant_id, "QXBwOjI=", lambda: NOW)
    assert not await uninstall(database, first.tenant_id, "QXBwOjI=", lambda: NOW), "once"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/graphql/",
        "https://shop.example/other/",
        "http://shop.example/graphql/",
        "https://shop.example:444/graphql/",
    ],
)
async def test_a_shop_that_is_not_listed_is_not_even_asked(
    url: str, database: Database, http: httpx.AsyncClient, shop: respx.Router
) -> None:
    with pytest.raises(Forbidden, match="RESELLER_ALLOWED_SHOPS") as refused:
        await handshake(database, http, api_url=url)
    assert refused.value.code == "shop_not_allowed"
    assert not shop.calls


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::10.0.0.1",
        "fec0::1",
        "224.0.0.1",
        "100.64.0.1",
        "0.0.0.0",
    ],
)
async def test_private_addresses_are_refused_even_beside_public_ones(
    address: str, database: Database, http: httpx.AsyncClient, shop: respx.Router
) -> None:
    with pytest.raises(Forbidden, match="RESELLER_ALLOW_PRIVATE_ADDRESSES") as refused:
        await handshake(database, http, resolve=public("93.184.216.34", address))
    assert refused.value.code == "private_address"
    assert not shop.calls


def test_a_public_address_is_one_however_it_is_reached() -> None:
    assert first_private(["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]) is None


async def test_private_addresses_may_be_allowed(database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    assert await handshake(database, http, resolve=public("127.0.0.1"), allow_private_addresses=True)


async def test_a_host_nobody_knows(database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(SaleorError, match=r"shop\.example.*not known"):
        await handshake(database, http, resolve=unknown)


async def test_the_system_resolves_loopback() -> None:
    assert await resolve_host("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("answer", "error", "code", "said"),
    [
        (httpx.Response(200, json=app_self(identifier="other.app")), Forbidden, "other_app", "other.app"),
        (httpx.Response(200, json=app_self(isActive=False)), Forbidden, "app_inactive", "switched off"),
        (
            httpx.Response(200, json=app_self() | {"data": app_self()["data"] | {"app": None}}),
            Unauthorized,
            "token_refused",
            "knows no app",
        ),
        (
            httpx.Response(200, json={"errors": [{"message": "no", "extensions": {"exception": {"code": "PermissionDenied"}}}]}),
            Unauthorized,
            "token_refused",
            "does not accept",
        ),
        (httpx.Response(401), Unauthorized, "token_refused", "does not accept"),
        (httpx.Response(500), SaleorError, "saleor_unreachable", "status 500"),
        (httpx.Response(404, text="no such page"), SaleorError, "saleor_unreachable", "404"),
        (httpx.ConnectError("refused"), SaleorError, "saleor_unreachable", "refused"),
    ],
    ids=["another app", "inactive", "no app", "denied", "401", "500", "404", "down"],
)
async def test_a_token_that_does_not_prove_the_caller(
    answer: Any, error: type[ResellerError], code: str, said: str, database: Database, http: httpx.AsyncClient, shop: respx.Router
) -> None:
    shop["api"].mock(side_effect=[answer])
    with pytest.raises(error, match=said) as refused:
        await handshake(database, http)
    assert refused.value.code == code
    assert API in refused.value.sentence
    assert TOKEN not in refused.value.sentence
    assert await rows(database) == []
    assert shop["api"].call_count == 1, "Saleor waits; staff try again"


async def test_a_shop_without_keys(database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    shop["keys"].respond(404)
    with pytest.raises(SaleorError, match=KEYS):
        await handshake(database, http)
    assert await rows(database) == []


@pytest.mark.parametrize("token", ["", "x" * 201, "line\nbreak", "ümlaut"])
async def test_no_usable_token(token: str, database: Database, http: httpx.AsyncClient, shop: respx.Router) -> None:
    with pytest.raises(InvalidInput):
        await handshake(database, http, token=token)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Shop.Example/graphql/", "https://shop.example/graphql/"),
        (" https://shop.example:443/graphql ", "https://shop.example/graphql/"),
        ("http://127.0.0.1:8000/graphql/", "http://127.0.0.1:8000/graphql/"),
        ("http://[::1]:80/graphql/", "http://[::1]/graphql/"),
    ],
)
def test_api_urls_are_compared_in_one_form(written: str, normal: str) -> None:
    assert normalize_api_url(written) == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/graphql/",
        "ftp://shop.example/graphql/",
        "https://shop.example@evil.example/graphql/",
        "https://user:secret@shop.example/graphql/",
        "https://shop.example/graphql/?x=1",
        "https://shop.example/graphql/#x",
        "https://shop.example:port/graphql/",
        "https:///graphql/",
        "https://shop.example/" + "a" * 500,
    ],
)
def test_what_is_no_api_url(url: str) -> None:
    with pytest.raises(InvalidInput, match="API URL"):
        normalize_api_url(url)
