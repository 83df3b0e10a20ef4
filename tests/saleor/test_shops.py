"""The shops in memory: strictly apart, one client per token, fetched keys kept for a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy import select, update

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import NotFound, Unauthorized
from app.saleor.jwks import GRACE
from app.saleor.operations import CUSTOMER
from app.saleor.shops import Shop, Shops, merged
from app.saleor.signature import BadSignature, UnknownKey
from app.settings import Settings, ShopSettings
from tests.conftest import NOW, install
from tests.saleor.keys import jwk, sign

API = "http://shop.example/graphql/"
OTHER = "http://other.example/graphql/"
KEYS = "http://shop.example/.well-known/jwks.json"
BOX = SecretBox(["a passphrase for tests"])
BODY = b'{"id": "T1"}'


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
        yield http


@pytest.fixture
async def shops(database: Database, tenant: str, http: httpx.AsyncClient, hands: Hands) -> AsyncIterator[Shops]:
    await change(database, tenant, token=BOX.encrypt(tenant, "first-token"), jwks={"keys": [jwk("old")]})
    shops = Shops(database, BOX, http, settings(), hands)
    yield shops
    await shops.close()


def settings() -> Settings:
    return Settings(secret_keys=["a passphrase for tests"], _env_file=None)


async def change(database: Database, tenant: str, **values: Any) -> None:
    async with database.system() as session:
        await session.execute(
            update(Tenant).where(Tenant.id == tenant).values(program_version=Tenant.program_version + 1, **values)
        )


async def stored(database: Database, tenant: str) -> Tenant:
    async with database.system() as session:
        return (await session.scalars(select(Tenant).where(Tenant.id == tenant))).one()


async def test_a_shop_is_found_by_its_own_url_alone(shops: Shops, database: Database, tenant: str) -> None:
    assert shops.known(API) is None, "nothing is in memory yet"
    shop = await shops.by_api_url(API)
    assert (shop.tenant_id, shops.known(API), await shops.by_tenant(tenant), shops.all()) == (tenant, shop, shop, [shop])
    with pytest.raises(Unauthorized):
        await shops.by_api_url(OTHER)
    with pytest.raises(NotFound):
        await shops.by_tenant("nobody")
    other = await install(database, OTHER)
    assert (await shops.by_tenant(other)).api_url == OTHER


async def test_a_removed_shop_is_refused_but_still_known_by_our_id(shops: Shops, database: Database, tenant: str) -> None:
    await shops.refresh()
    await change(database, tenant, active=False)
    await shops.refresh()
    with pytest.raises(Unauthorized):
        await shops.by_api_url(API)
    assert not (await shops.by_tenant(tenant)).active
    assert shops.all() == []


async def test_what_changed_is_told_once(shops: Shops, database: Database, tenant: str) -> None:
    heard: list[Shop] = []
    await shops.refresh(heard.append)
    await shops.refresh(heard.append)
    assert [shop.version for shop in heard] == [2]
    await change(database, tenant, settings={"seller": {"name": "Components Inc"}})
    await shops.refresh(heard.append)
    assert heard[-1].settings.seller.name == "Components Inc"
    assert heard[-1].settings.seller.country == "US", "the rest stays the installation's"


async def test_a_shop_with_settings_nobody_understands_keeps_its_own_and_stops_no_other(
    shops: Shops, database: Database, tenant: str
) -> None:
    await shops.refresh()
    first = (await shops.by_tenant(tenant)).version
    await install(database, OTHER)
    await change(database, tenant, settings={"paymant_days": 1})
    for _ in range(2):
        await shops.refresh()
    assert shops.known(OTHER) is not None
    kept = await shops.by_tenant(tenant)
    assert (kept.version, kept.settings) == (first, ShopSettings())
    await change(database, tenant, settings={})
    await shops.refresh()
    assert (await shops.by_tenant(tenant)).version == first + 2


def test_a_shops_own_lists_replace_and_its_objects_merge() -> None:
    defaults = ShopSettings(reseller_only_channels=["a", "b"], time_zone="Europe/Berlin")
    own = merged(defaults, {"reseller_only_channels": ["c"], "program": {"payment_days": 14}})
    assert own.reseller_only_channels == ["c"]
    assert (own.program.payment_days, own.program.prepaid_orders, own.time_zone) == (14, 3, "Europe/Berlin")


async def test_one_client_per_token(shops: Shops, database: Database, tenant: str) -> None:
    shop = await shops.by_api_url(API)
    first = await shops.client(shop)
    assert await shops.client(shop) is first
    await change(database, tenant, token=BOX.encrypt(tenant, "second-token"))
    second = await shops.client(shop)
    assert second is not first
    with respx.mock:
        route = respx.post(API).respond(json={"data": {"user": None}})
        await second.execute(CUSTOMER, id="x")
        assert route.calls.last.request.headers["Authorization"] == "Bearer second-token"
    await shops.close()
    assert await shops.client(shop) is not second


async def test_a_token_is_read_while_somebody_writes(shops: Shops, database: Database, tenant: str) -> None:
    shop = await shops.by_api_url(API)
    async with database.tenant(tenant) as session, asyncio.timeout(5):
        await session.connection()
        assert await shops.token(shop)


async def test_a_shop_that_is_gone_has_no_token(shops: Shops, database: Database) -> None:
    shop = await shops.by_api_url(API)
    async with database.system() as session:
        await session.delete((await session.scalars(select(Tenant))).one())
    with pytest.raises(NotFound):
        await shops.client(shop)


@respx.mock
async def test_fetched_keys_survive_a_restart_while_the_shop_is_down(
    shops: Shops, database: Database, tenant: str, http: httpx.AsyncClient, hands: Hands
) -> None:
    route = respx.get(KEYS).respond(json={"keys": [jwk("new")]})
    shop = await shops.by_api_url(API)
    await shop.keys.verify(sign(BODY, "new"), BODY)
    assert shop.keys.unsaved
    await shops.refresh()
    row = await stored(database, tenant)
    assert row.jwks == {"keys": [jwk("new")]}
    assert row.program_version == 3, "so that every other process reads them too"
    route.mock(side_effect=httpx.ConnectError("refused"))
    restarted = Shops(database, BOX, http, settings(), hands)
    await (await restarted.by_api_url(API)).keys.verify(sign(BODY, "new"), BODY)
    await shops.refresh()
    assert (await stored(database, tenant)).program_version == 3, "stored once"


@respx.mock
async def test_the_same_keys_fetched_again_are_not_stored(shops: Shops, database: Database, tenant: str) -> None:
    respx.get(KEYS).respond(json={"keys": [jwk("old")]})
    shop = await shops.by_api_url(API)
    with pytest.raises(UnknownKey):
        await shop.keys.verify(sign(BODY, "stranger"), BODY)
    await shops.refresh()
    assert (await stored(database, tenant)).program_version == 2


@respx.mock
async def test_a_replaced_key_counts_for_one_more_hour(shops: Shops, hands: Hands) -> None:
    respx.get(KEYS).respond(json={"keys": [jwk("new")]})
    shop = await shops.by_api_url(API)
    await shop.keys.verify(sign(BODY, "new"), BODY)
    await shops.refresh()
    shop = await shops.by_api_url(API)
    hands.now += GRACE - timedelta(seconds=1)
    await shop.keys.verify(sign(BODY, "old"), BODY)
    with pytest.raises(BadSignature):
        await shop.keys.verify(sign(BODY, "old"), b"another body")
    hands.now += timedelta(seconds=1)
    with pytest.raises(UnknownKey):
        await shop.keys.verify(sign(BODY, "old"), BODY)


async def test_keys_another_process_stored_are_taken_over(shops: Shops, database: Database, tenant: str) -> None:
    shop = await shops.by_api_url(API)
    await change(database, tenant, jwks={"keys": [jwk("new")]})
    await shops.refresh()
    await shop.keys.verify(sign(BODY, "new"), BODY)
    await shop.keys.verify(sign(BODY, "old"), BODY)


@respx.mock
async def test_another_installation_starts_with_its_own_keys(shops: Shops, database: Database, tenant: str) -> None:
    respx.get(KEYS).respond(json={"keys": [jwk("new")]})
    await shops.refresh()
    await change(database, tenant, app_id="QXBwOjI=", jwks={"keys": [jwk("new")]})
    await shops.refresh()
    shop = await shops.by_api_url(API)
    await shop.keys.verify(sign(BODY, "new"), BODY)
    with pytest.raises(UnknownKey):
        await shop.keys.verify(sign(BODY, "old"), BODY)


async def test_a_shop_whose_url_is_written_anew_is_found_by_the_new_one_alone(
    shops: Shops, database: Database, tenant: str
) -> None:
    await shops.refresh()
    await change(database, tenant, saleor_api_url="http://SHOP.example/graphql/")
    await shops.refresh()
    assert shops.known(API) is None
    assert shops.known("http://SHOP.example/graphql/") is not None
