"""Two resellers with orders, an end customer with licenses, and a second shop; asked through the whole application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy import select, update

from app.db.session import Database
from app.db.tenants import Tenant
from app.documents.tables import Document
from app.licenses.rules import LicenseKind
from app.main import build
from app.orders.claims import hash_of
from app.orders.release import issue_for_line
from app.orders.tables import EndCustomer, LicenseClaim, ResellerOrder
from app.saleor.jwks import jwks_url
from tests.conftest import NOW, install
from tests.orders.builders import API, World, opened, recorded, reseller
from tests.saleor.keys import access_token, jwk

AT = int(NOW.timestamp())
REFERENCE = "RF18539007547034"
ORIGIN = "https://store.example"
CLAIM = "a-link-that-was-mailed"
OTHER = "http://other.example/graphql/"


def token(user: str, **changed: Any) -> str:
    return access_token("k", API, user, AT, **changed)


@dataclass
class Store:
    """The storefront's side: one reseller `texan` with order 1, its document and license, and the end customer `buyer`."""

    client: httpx.AsyncClient
    world: World
    document: str
    license: str
    claim: str
    """The token of a link to claim the license of order 1, mailed to `buyer`."""

    async def call(self, user: str | None, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        headers |= more.pop("headers", {})
        return await self.client.request(method, f"/storefront/v1{path}", headers=headers, **more)


@pytest.fixture
async def store(database: Database, tenant: str) -> AsyncIterator[Store]:
    async with opened_store(database, tenant) as store:
        yield store


@asynccontextmanager
async def opened_store(database: Database, tenant: str) -> AsyncIterator[Store]:
    other = await install(database, OTHER)
    async with database.system() as session:
        await session.execute(update(Tenant).where(Tenant.id == other).values(jwks={"keys": [jwk("other")]}))
    async with opened(database, tenant) as world, respx.mock(assert_all_called=False) as published:
        published.get(jwks_url(API)).respond(json={"keys": [jwk("k")]})
        async with database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == tenant))).one()
            row.settings = {**row.settings, "storefront_origins": [ORIGIN]}
            row.program_version += 1
        await world.refresh()
        await reseller(world)
        await reseller(world, "rival", company="Rival Inc")
        order = await recorded(world)
        async with database.tenant(tenant) as session:
            customer = EndCustomer(
                email_key="buyer@customer.example", email="buyer@customer.example", saleor_user_id="buyer", created_at=NOW
            )
            session.add(customer)
            await session.flush()
            kept = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order.id))).one()
            kept.end_customer_id, kept.reference = customer.id, REFERENCE
            license = await issue_for_line(session, world.services, world.shop, kept, kept.lines[0], LicenseKind.PERMANENT)
            document = Document(
                kind="invoice", number="2026-00001", order_id=order.id, file_name="invoice-2026-00001.pdf",
                media_type="application/pdf", content=b"%PDF 19.49 USD", sha256="0" * 64, issued_at=NOW,
            )  # fmt: skip
            session.add(document)
            session.add(
                LicenseClaim(
                    order_id=order.id, token_hash=hash_of(CLAIM), email="buyer@mail.example", language="en",
                    saleor_user_id="buyer", created_at=NOW, expires_at=NOW + timedelta(days=30),
                )
            )  # fmt: skip
        transport = httpx.ASGITransport(build(world.services))
        async with httpx.AsyncClient(transport=transport, base_url="http://app.example") as client:
            yield Store(client, world, document.id, license.id, CLAIM)
