"""The copy of the store's flat rates: equal to the shop's, written only where it differs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import respx
from sqlalchemy import select

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import SaleorError
from app.saleor.client import SaleorClient
from app.tax.flat_rates import copy_flat_rates
from app.tax.tables import FlatRateRow
from tests.conftest import install

API = "http://shop.example/graphql/"


@pytest.fixture
async def client() -> AsyncIterator[SaleorClient]:
    client = SaleorClient(API, "token", timeout=2.0, attempts=1)
    yield client
    await client.close()


def rates(**countries: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {
            "taxCountryConfigurations": [
                {
                    "country": {"code": code},
                    "taxClassCountryRates": [
                        {"rate": rate, "taxClass": {"id": name} if name else None} for name, rate in classes.items()
                    ],
                }
                for code, classes in countries.items()
            ]
        }
    }


async def copy(database: Database, tenant: str, client: SaleorClient) -> bool:
    return await copy_flat_rates(database, tenant, client)


async def stored(database: Database, tenant: str) -> dict[tuple[str, str], Decimal]:
    async with database.tenant(tenant) as session:
        return {(row.country, row.tax_class): row.rate for row in await session.scalars(select(FlatRateRow))}


async def version(database: Database, tenant: str) -> int:
    async with database.system() as session:
        return (await session.scalars(select(Tenant.program_version).where(Tenant.id == tenant))).one()


@respx.mock
async def test_rates_are_copied_and_followed(database: Database, tenant: str, client: SaleorClient) -> None:
    route = respx.post(API).respond(json=rates(DE={"": 19, "VGF4OjE=": 7.0}, US={"": 5.125}))
    assert await copy(database, tenant, client)
    assert await stored(database, tenant) == {
        ("DE", ""): Decimal(19),
        ("DE", "VGF4OjE="): Decimal(7),
        ("US", ""): Decimal("5.125"),
    }
    assert await version(database, tenant) == 2

    route.respond(json=rates(DE={"": 19, "VGF4OjE=": 7.5}, PL={"": 23}))
    assert await copy(database, tenant, client)
    assert await stored(database, tenant) == {
        ("DE", ""): Decimal(19),
        ("DE", "VGF4OjE="): Decimal("7.5"),
        ("PL", ""): Decimal(23),
    }


@respx.mock
async def test_the_same_rates_are_not_written_again(database: Database, tenant: str, client: SaleorClient) -> None:
    respx.post(API).respond(json=rates(DE={"": 19.0}, FR={}))
    assert await copy(database, tenant, client)
    before = await version(database, tenant)
    assert not await copy(database, tenant, client)
    assert await version(database, tenant) == before


@respx.mock
async def test_no_rates_at_all(database: Database, tenant: str, client: SaleorClient) -> None:
    respx.post(API).respond(json={"data": {"taxCountryConfigurations": None}})
    assert not await copy(database, tenant, client)
    assert await stored(database, tenant) == {}


@respx.mock
async def test_a_shop_that_is_down_leaves_the_copy(database: Database, tenant: str, client: SaleorClient) -> None:
    route = respx.post(API).respond(json=rates(DE={"": 19}))
    await copy(database, tenant, client)
    route.respond(500)
    with pytest.raises(SaleorError):
        await copy(database, tenant, client)
    assert await stored(database, tenant) == {("DE", ""): Decimal(19)}


@respx.mock
async def test_another_shop_keeps_its_own(database: Database, tenant: str, client: SaleorClient) -> None:
    other = await install(database, "http://other.example/graphql/")
    route = respx.post(API).respond(json=rates(DE={"": 19}))
    await copy(database, tenant, client)
    route.respond(json=rates(US={"": 5}))
    await copy(database, other, client)
    assert set(await stored(database, tenant)) == {("DE", "")}
    assert set(await stored(database, other)) == {("US", "")}
