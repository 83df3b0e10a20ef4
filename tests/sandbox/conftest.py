"""A sandbox and an app installed in it, both served on the loopback interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from app.sandbox import seed
from app.sandbox.app import create
from app.sandbox.rows.catalog import Channel
from app.sandbox.rows.people import App
from app.sandbox.rows.sales import Order
from app.sandbox.serve import running
from app.sandbox.shop import Sandbox
from app.sandbox.store import Store
from app.sandbox.storefront import Storefront
from tests.sandbox.fake_app import IDENTIFIER, PERMISSIONS, FakeApp

NEW_YORK = {
    "companyName": "Partner Inc",
    "streetAddress1": "1 Main St",
    "city": "New York",
    "postalCode": "10001",
    "country": "US",
    "countryArea": "NY",
}
AUSTIN = {**NEW_YORK, "companyName": "Acme", "city": "Austin", "postalCode": "78701", "countryArea": "TX"}

INSTALL = """mutation($input: AppInstallInput!) {
  appInstall(input: $input) { appInstallation { id status } errors { field code message permissions } }
}"""


@dataclass
class World:
    """The shop, the app in it, and ways to act as everybody."""

    sandbox: Sandbox
    fake: FakeApp
    http: httpx.AsyncClient

    @property
    def store(self) -> Store:
        return self.sandbox.store

    @property
    def channel(self) -> Channel:
        return self.store.channels[0]

    @property
    def app(self) -> App:
        return next(app for app in self.store.apps if app.identifier == IDENTIFIER and not app.removed)

    def buyer(self, email: str = seed.RESELLER) -> Storefront:
        return Storefront(self.http, self.sandbox.api_url, email, seed.PASSWORD)

    async def staff(self) -> Storefront:
        staff = self.buyer(seed.STAFF)
        await staff.sign_in()
        return staff

    def as_app(self) -> Storefront:
        return Storefront(self.http, self.sandbox.api_url, token=self.app.auth_token)

    async def install(self, **more: Any) -> dict[str, Any]:
        staff = await self.staff()
        content = {"appName": "Test", "manifestUrl": f"{self.fake.url}/manifest", "permissions": PERMISSIONS} | more
        payload: dict[str, Any] = (await staff.ask(INSTALL, input=content))["appInstall"]
        await self.sandbox.settled()
        return payload

    def tax_by_app(self) -> None:
        self.channel.taxes.tax_calculation_strategy = "TAX_APP"
        self.channel.taxes.tax_app_id = IDENTIFIER

    async def filled(self, email: str = seed.RESELLER, lines: tuple[tuple[str, int], ...] = (("GRID-TEAM", 2),)) -> Storefront:
        buyer = self.buyer(email)
        await buyer.sign_in()
        await buyer.new_checkout("default-channel", lines)
        await buyer.set_billing(NEW_YORK)
        await buyer.set_shipping(AUSTIN, "eva@acme.example")
        return buyer

    async def ordered(self, answer: dict[str, Any] | None = None) -> Order:
        """An order paid by the app's gateway; on account unless an answer says otherwise."""
        self.fake.answers["transaction_initialize_session"] = answer or {
            "result": "AUTHORIZATION_SUCCESS",
            "pspReference": "BT-1",
        }
        buyer = await self.filled()
        await buyer.pay(IDENTIFIER)
        placed = await buyer.complete()
        await self.sandbox.settled()
        return next(order for order in self.store.orders if order.id == placed.id)


@pytest_asyncio.fixture
async def bare() -> AsyncIterator[World]:
    """A shop without the app, which is served beside it."""
    application = create(seed.demo_store(), prices_ttl=timedelta(hours=1), countdown=0.01)
    fake = FakeApp()
    async with running(application), running(fake.app) as fake.url, httpx.AsyncClient() as http:
        yield World(application.state.sandbox, fake, http)


@pytest_asyncio.fixture
async def world(bare: World) -> World:
    """The app is installed and is the tax app of the first channel, where orders wait for it."""
    await bare.install()
    bare.tax_by_app()
    bare.channel.automatically_confirm_all_new_orders = False
    return bare
