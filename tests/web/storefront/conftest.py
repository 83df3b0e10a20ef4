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

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.documents.tables import Document
from app.licenses.rules import LicenseKind
from app.main import build
from app.orders.claims import hash_of
from app.orders.release import issue_for_line
from app.orders.tables import EndCustomer, LicenseClaim, ResellerOrder
from app.resellers.roles import Role
from app.resellers.service import add_user, find
from app.saleor.jwks import jwks_url
from app.statements.drawing import draw_up, print_statement
from app.statements.rules import Period
from app.statements.tables import StatementRun
from tests.conftest import NOW, install
from tests.files.samples import PDF
from tests.orders.builders import API, KEY, World, opened, recorded, reseller
from tests.saleor.keys import access_token, jwk

CHANNEL = {"slug": "default", "currencyCode": "USD", "taxConfiguration": {"pricesEnteredWithTax": False}}
VARIANT = {
    "id": "V1", "sku": "GRID-1", "name": "One",
    "channelListings": [{"channel": CHANNEL, "price": {"amount": 10.0}}],
    "pricing": {"price": {"net": {"amount": 10.0}, "gross": {"amount": 10.0}}},
    "product": {"id": "P1", "name": "Grid", "category": None, "collections": []},
}  # fmt: skip
AT = int(NOW.timestamp())
REFERENCE = "RF18539007547034"
ORIGIN = "https://store.example"
CLAIM = "a-link-that-was-mailed"
OTHER = "http://other.example/graphql/"


def account(user: str, *, confirmed: bool = True) -> dict[str, Any]:
    """What the shop says of an account."""
    return {
        "user": {
            "id": user, "email": f"{user}@shop.example", "firstName": "", "lastName": "", "isActive": True,
            "isConfirmed": confirmed, "languageCode": "EN_US",
        }
    }  # fmt: skip


def token(user: str, **changed: Any) -> str:
    return access_token("k", API, user, AT, **changed)


@dataclass
class Store:
    """The storefront's side: one reseller `texan` with order 1, its document and license, and the end customer `buyer`.

    `rival` and `rival-buyer` are another reseller and an end customer with nothing.
    """

    client: httpx.AsyncClient
    world: World
    document: str
    license: str
    claim: str
    """The token of a link to claim the license of order 1, mailed to `buyer`."""

    def later(self, user: str) -> str:
        """A token of the moment that the clock shows."""
        return access_token("k", API, user, int(self.world.clock.now.timestamp()))

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
        sealed = SecretBox([KEY]).encrypt(other, "other-token")
        await session.execute(update(Tenant).where(Tenant.id == other).values(token=sealed, jwks={"keys": [jwk("other")]}))
    async with opened(database, tenant) as world, respx.mock(assert_all_called=False) as published:
        published.post(OTHER).mock(side_effect=world.saleor)
        published.get(jwks_url(API)).respond(json={"keys": [jwk("k")]})
        async with database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == tenant))).one()
            row.settings = {**row.settings, "storefront_origins": [ORIGIN], "invitation_url": f"{ORIGIN}/join"}
            row.program_version += 1
        await world.refresh()
        world.saleor.answers["VariantPrice"] = {"productVariant": VARIANT}
        world.saleor.answers["Customer"] = lambda asked: account(asked["id"])
        await reseller(world)
        await reseller(world, "rival", company="Rival Inc")
        order = await recorded(world)
        async with database.tenant(tenant) as session:
            customer = EndCustomer(
                email_key="buyer@customer.example", email="buyer@customer.example", saleor_user_id="buyer", created_at=NOW
            )
            session.add(customer)
            session.add(
                EndCustomer(email_key="r@other.example", email="r@other.example", saleor_user_id="rival-buyer", created_at=NOW)
            )
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


async def drawn_up(world: World, reseller_id: str) -> str:
    """The id of the reseller's printed statement of March, with what was booked up to now."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(StatementRun(period="2026-03", snapshot_at=NOW, asked_at=NOW))
        await session.flush()
        (statement_id,) = await draw_up(session, world.services, world.shop, reseller_id, Period(2026, 3))
    await print_statement(world.database, world.shop, statement_id)
    return statement_id


async def known_things(store: Store) -> dict[str, str]:
    """The places in paths, each filled with something of the reseller `texan` or the end customer `buyer`.

    The file is evidence of `applicant` alone; no price change is planned.
    """
    line = {"reference": "1", "amount": "19.49", "currency": "USD"}
    advice = await store.call("texan", "/remittance-advice", "POST", json={"lines": [line]})
    invitation = await store.call("texan", "/invitations", "POST", json={"email": "fourth@partner.example", "role": "viewer"})
    certificate = await store.call(
        "texan", "/certificates", "POST", files={"file": ("c.pdf", PDF)},
        data={"number": "4711", "states": "TX", "signed_on": "2026-01-01", "valid_from": "2026-01-01"},
    )  # fmt: skip
    await store.call("applicant", "/application", "POST")
    evidence = await store.call("applicant", "/application/evidence", "POST", files={"file": ("e.pdf", PDF)})
    case = await store.call("texan", "/cases", "POST", json={"kind": "advice", "subject": "Volume", "text": "40 seats"})
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
        user = await add_user(
            session, texan, saleor_user_id="third", email="third@partner.example", by="anna", at=NOW, role=Role.VIEWER
        )
    return {
        "number": "1",
        "document_id": store.document,
        "license_id": store.license,
        "advice_id": advice.json()["id"],
        "case_id": case.json()["id"],
        "invitation_id": invitation.json()["id"],
        "user_id": user.id,
        "certificate_id": certificate.json()["id"],
        "file_id": evidence.json()["id"],
        "token": store.claim,
        "statement_id": await drawn_up(store.world, texan.id),
        "change_id": "3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11",
    }
