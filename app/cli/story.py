"""The scenes of the demo: people of the vendor, resellers and a stranger, each doing what they would do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.tenants import Tenant
from app.documents.tables import Document
from app.errors import Conflict, NotFound, Unavailable
from app.licenses.service import license_file_name, of_order, verify
from app.licenses.tables import License
from app.money import Money
from app.orders import applications, doctor
from app.orders.check import check
from app.orders.service import confirm_wire
from app.orders.services import Services
from app.orders.view import order_view
from app.resellers import service as resellers
from app.resellers.policy import in_force
from app.resellers.rules import Decision
from app.resellers.tables import Reseller
from app.saleor.manifest import render
from app.saleor.resources import manifest_source
from app.saleor.shops import Shop
from app.sandbox import card
from app.sandbox.seed import BUYER, END_CUSTOMER, EXEMPT, PASSWORD, RESELLER, STAFF
from app.sandbox.shop import Sandbox
from app.sandbox.storefront import PlacedOrder, Storefront, StorefrontRefused
from app.tax import service as taxes
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState

CHANNEL = "default-channel"
GATEWAY = str(manifest_source()["id"])
WAIT_SECONDS = 30
INSTALL = """mutation Install($input: AppInstallInput!) {
  appInstall(input: $input) { appInstallation { id status message } errors { field code message } }
}"""


def _address(company: str, name: str, street: str, city: str, state: str, postal_code: str) -> dict[str, str]:
    first, last = name.split(" ")
    return {
        "companyName": company,
        "firstName": first,
        "lastName": last,
        "streetAddress1": street,
        "city": city,
        "countryArea": state,
        "postalCode": postal_code,
        "country": "US",
    }


TEXAS = _address("Lone Star Software", "Rita Reseller", "100 Congress Ave", "Austin", "TX", "78701")
NEW_YORK = _address("Hudson Components", "Emil Exempt", "1 Broadway", "New York", "NY", "10004")
CALIFORNIA = _address("Golden Gate Labs", "Carl Customer", "1 Market St", "San Francisco", "CA", "94105")
ACME = _address("Acme Inc", "Eva Endkunde", "5 Main St", "Boston", "MA", "02110")
RATES = "state,zip,rate,valid_from\nTX,,6.25,2020-01-01\nTX,78701,8.25,2020-01-01\nNY,,4,2020-01-01\nNY,10004,8.875,2020-01-01\n"
SHOP_SETTINGS: dict[str, Any] = {
    "seller": {
        "name": "Example Components Inc",
        "street": "77 Summer St",
        "city": "Boston",
        "state": "MA",
        "postal_code": "02110",
        "country": "US",
        "email": "sales@components.example",
        "website": "components.example",
    },
    "bank_accounts": [
        {
            "currency": "USD",
            "beneficiary": "Example Components Inc",
            "routing_number": "021000021",
            "account_number": "123456789",
            "bank_name": "Example Bank",
        },
        {"currency": "EUR", "beneficiary": "Example Components Inc", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"},
    ],
}


def expect(right: bool, sentence: str) -> None:
    """Raises Conflict with the sentence where the story did not go as the rules say."""
    if not right:
        raise Conflict(f"The demo found something wrong: {sentence}", code="demo")


@dataclass
class Story:
    """The stage: the program, the shop, and an HTTP client for browsers."""

    services: Services
    sandbox: Sandbox
    http: httpx.AsyncClient
    shop_url: str

    def scenes(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """The story in order, each scene with its title."""
        prepaid = [
            (f"{ordinal} order, prepaid: the license waits for the wire", self._prepaid(number))
            for number, ordinal in enumerate(("First", "Second", "Third"))
        ]
        return [
            ("Staff install the app into the shop", self.install),
            ("The doctor sets up channels and taxes", self.set_up),
            ("The channel manager approves two resellers, one with a tax certificate", self.approve),
            ("A stranger shops at retail and is taxed by the store's own rates", self.stranger),
            ("The reseller forgets the end customer's e-mail", self.forgotten),
            ("The reseller tries a card: no gateway can veto another, so the audit catches it", self.card),
            *prepaid,
            ("Fourth order, on account: the license at once, the money within 30 days", self.on_account),
            ("An exempt reseller pays no tax; its customer has an account already", self.exempt),
            ("The books and licenses are asked for contradictions", self.agree),
        ]

    async def shop(self) -> Shop:
        """The installed shop."""
        return await self.services.shops.by_api_url(self.shop_url)

    async def install(self) -> str:
        staff = Storefront(self.http, self.shop_url, STAFF, PASSWORD)
        await staff.sign_in()
        content = {
            "appName": manifest_source()["name"],
            "manifestUrl": f"{self.services.settings.base_url}/api/manifest",
            "permissions": render(self.services.settings.base_url, "3.23")["permissions"],
        }
        payload = await staff.send(INSTALL, "appInstall", input=content)
        await self._until(self._installed, "the app to be installed")
        said = payload["appInstallation"]["status"].lower()
        return f"Saleor says {said}, then installs {len(manifest_source()['webhooks'])} webhooks"

    async def set_up(self) -> str:
        shop = await self.shop()
        async with self.services.database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == shop.tenant_id))).one()
            row.settings = SHOP_SETTINGS
            row.program_version += 1
        await self.services.shops.refresh()
        repairs = await doctor.fix(self.services, await self.shop())
        async with self.services.database.tenant(shop.tenant_id) as session:
            await taxes.import_rates(session, RATES, version="demo rates", at=self.services.clock())
            for state in ("TX", "NY"):
                await taxes.register_state(session, state, valid_from=self.services.today(shop).replace(month=1, day=1))
        errors = [found for found in await doctor.examine(self.services, await self.shop()) if found.severity == "error"]
        expect(not errors, "; ".join(found.sentence for found in errors))
        return f"{len(repairs)} settings changed; nothing is wrong any more"

    async def approve(self) -> str:
        await self._reseller(RESELLER, TEXAS)
        reseller = await self._reseller(EXEMPT, NEW_YORK)
        shop, now = await self.shop(), self.services.clock()
        async with self.services.database.tenant(shop.tenant_id) as session:
            certificate = await add_certificate(
                session,
                reseller_id=reseller.id,
                number="ST-120-4711",
                states=["NY"],
                signed_on=now.date(),
                valid_from=now.date().replace(month=1, day=1),
                at=now,
            )
            await decide_certificate(session, certificate.id, CertificateState.APPROVED, by="demo", at=now)
        await self._until(self._program_current, "the program to be loaded")
        return f"{TEXAS['companyName']} in Texas, {NEW_YORK['companyName']} in New York (exempt)"

    async def stranger(self) -> str:
        buyer = await self._browser(BUYER)
        await buyer.new_checkout(CHANNEL, [("GRID-DEV", 1)])
        await buyer.set_billing(ACME)
        await buyer.set_shipping(ACME)
        prices = await buyer.prices()
        expect(prices.gross == Decimal("105.00"), f"a stranger pays {prices.gross} instead of 105.00")
        refused = await buyer.pay(GATEWAY)
        expect(refused.code == "not_a_reseller", f"our gateway answers a stranger {refused.code}")
        await buyer.pay(card.IDENTIFIER)
        order = await buyer.complete()
        await self._until(lambda: self._confirmed(order), "the stranger's order to be confirmed")
        return f"{_money(prices.gross)} by card, confirmed like any order; bank transfer is refused: {refused.message}"

    async def forgotten(self) -> str:
        reseller = await self._browser(RESELLER)
        try:
            await reseller.buy(CHANNEL, [("GRID-DEV", 1)], TEXAS, CALIFORNIA, GATEWAY)
        except StorefrontRefused as refused:
            expect(refused.code == "missing_end_customer_email", f"the refusal is {refused.code}")
            return f"Refused: {refused.sentence}"
        raise Conflict("The demo found something wrong: an order without the end customer's e-mail was taken.", code="demo")

    async def card(self) -> str:
        reseller = await self._browser(RESELLER)
        _, order = await reseller.buy(
            CHANNEL, [("GRID-DEV", 1)], TEXAS, CALIFORNIA, card.IDENTIFIER, end_customer="carl@goldengate.example"
        )
        view = await self._until_state(order, "held")
        transactions = next(item for item in self.sandbox.store.orders if item.number == order.number).transactions
        await self._until(lambda: _true(any(item.refunded > 0 for item in transactions)), "the card's refund")
        expect(not view["licenses"], "a license went out for a card")
        return f"Order {order.number} is held, nothing is issued, the card is refunded. {view['audit']['reasons'][0]}"

    def _prepaid(self, number: int) -> Callable[[], Awaitable[str]]:
        async def scene() -> str:
            reseller = await self._browser(RESELLER)
            lines = [("GRID-DEV", 1), ("GRID-TEAM", 2)]
            paid, order = await reseller.buy(
                CHANNEL,
                lines,
                TEXAS,
                CALIFORNIA,
                GATEWAY,
                end_customer="carl@goldengate.example",
                po_number=f"PO-{number + 1}",
            )
            expect(paid.result == "CHARGE_REQUEST", f"order {number + 1} is {paid.result}")
            expect(order.gross == Decimal("116.92"), f"the order costs {order.gross} instead of 116.92")
            waiting = await self._until_state(order, "waiting")
            expect(not waiting["licenses"], "a license went out before the wire")
            await self._wire(order)
            released = await self._until_state(order, "released")
            await self._licensed(order, released, 2)
            return f"{_money(order.gross)} to {paid.data['reference']}; wire booked, {len(released['licenses'])} licenses out"

        return scene

    async def on_account(self) -> str:
        reseller = await self._browser(RESELLER)
        paid, order = await reseller.buy(
            CHANNEL, [("CHART-YEAR", 1)], TEXAS, CALIFORNIA, GATEWAY, end_customer="Carl+charts@GoldenGate.example"
        )
        expect(paid.result == "AUTHORIZATION_SUCCESS", f"the fourth order is {paid.result}")
        released = await self._until_state(order, "released")
        await self._licensed(order, released, 1)
        expect(released["open"] == _money(order.gross), f"{released['open']} is open")
        await self._wire(order)
        await self._until(lambda: self._fulfilled(order), "the fulfillment after the money")
        return f"License at once, {_money(order.gross)} due {released['due_date']}; paid now, and fulfilled in Saleor"

    async def exempt(self) -> str:
        reseller = await self._browser(EXEMPT)
        _, order = await reseller.buy(CHANNEL, [("GRID-DEV", 2)], NEW_YORK, ACME, GATEWAY, end_customer=END_CUSTOMER.upper())
        expect(order.gross == order.net == Decimal("180.00"), f"the exempt reseller pays {order.gross}")
        await self._until_state(order, "waiting")
        await self._wire(order)
        released = await self._until_state(order, "released")
        await self._licensed(order, released, 1)
        known = next(user for user in self.sandbox.store.users if user.email == END_CUSTOMER)
        expect(released["end_customer"]["account"] == known.id, "the license is in another account")
        return (
            f"{_money(order.gross)}, no tax ({released['lines'][0]['reasons'][-1]}); the license is in {END_CUSTOMER}'s account"
        )

    async def agree(self) -> str:
        shop = await self.shop()
        async with self.services.database.tenant(shop.tenant_id) as session:
            answers = await check(session, self.services.clock())
        expect(not any(answers.values()), str({name: found for name, found in answers.items() if found}))
        stuck = await self.services.jobs.stuck()
        expect(not stuck, str(stuck))
        return f"{len(answers)} questions, no contradiction; no work gave up"

    async def write_files(self, folder: Path) -> dict[str, str]:
        """Write licenses and invoices beside the mails, and say where everything lies."""
        shop = await self.shop()
        files = folder / "files"
        files.mkdir(exist_ok=True)
        async with self.services.database.tenant(shop.tenant_id) as session:
            for license in await session.scalars(select(License)):
                (files / license_file_name(license)).write_text(license.file)
            for document in await session.scalars(select(Document).options(undefer(Document.content))):
                (files / document.file_name).write_bytes(document.content)
        return {
            "licenses": str(files / "license-*.lic"),
            "invoices": str(files / "invoice-*.pdf"),
            "mails": str(folder / "mail" / shop.tenant_id / "*.eml"),
            "database": str(folder / "demo.db"),
        }

    async def _browser(self, email: str) -> Storefront:
        browser = Storefront(self.http, self.shop_url, email, PASSWORD)
        await browser.sign_in()
        return browser

    async def _reseller(self, email: str, address: Mapping[str, str]) -> Reseller:
        shop, now = await self.shop(), self.services.clock()
        account = next(user for user in self.sandbox.store.users if user.email == email)
        async with self.services.database.tenant(shop.tenant_id) as session:
            version = (await in_force(session, shop.settings, self.services.today(shop))).version
            reseller = await resellers.add(
                session,
                email=email,
                saleor_user_id=account.id,
                company=address["companyName"],
                street=address["streetAddress1"],
                city=address["city"],
                postal_code=address["postalCode"],
                country=address["country"],
                state=address["countryArea"],
                by="demo",
                at=now,
            )
            await applications.decide(session, self.services, shop, email, Decision.APPROVE, by="demo")
            await resellers.accept_policy(session, reseller, version=version, by=email, at=now)
        return reseller

    async def _wire(self, order: PlacedOrder) -> None:
        shop = await self.shop()
        async with self.services.database.tenant(shop.tenant_id) as session:
            await confirm_wire(
                session,
                self.services,
                shop,
                number=order.number,
                amount=Money.of(order.gross, order.currency),
                bank_reference=f"BANK-{order.number}",
                value_date=self.services.today(shop),
                by="demo",
            )

    async def _licensed(self, order: PlacedOrder, view: Mapping[str, Any], lines: int) -> None:
        shop, now = await self.shop(), self.services.clock()
        expect(len(view["licenses"]) == lines, f"order {order.number} has {len(view['licenses'])} licenses for {lines} lines")
        await self._until(lambda: self._mailed(order), "the mails")
        async with self.services.database.tenant(shop.tenant_id) as session:
            issued = list(await session.scalars(select(License).where(License.order_number == order.number)))
            for license in await of_order(session, issued[0].order_id):
                found = await verify(session, license.file, now)
                expect(found.code == "VALID", f"{license_file_name(license)} is {found.code}")
                expect(str(order.gross) not in license.file, "a license names a price")

    async def _view(self, order: PlacedOrder) -> dict[str, Any] | None:
        shop = await self.shop()
        async with self.services.database.tenant_reading(shop.tenant_id) as session:
            try:
                return await order_view(session, order.number, self.services.clock())
            except NotFound:
                return None

    async def _until_state(self, order: PlacedOrder, state: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def reached() -> bool:
            view = await self._view(order)
            found.update(view or {})
            return found.get("state") == state

        await self._until(reached, f"order {order.number} to be {state}")
        return found

    async def _fulfilled(self, order: PlacedOrder) -> bool:
        return next(item for item in self.sandbox.store.orders if item.number == order.number).status == "FULFILLED"

    async def _confirmed(self, order: PlacedOrder) -> bool:
        return next(item for item in self.sandbox.store.orders if item.number == order.number).status == "UNFULFILLED"

    async def _mailed(self, order: PlacedOrder) -> bool:
        view = await self._view(order)
        mails = view["mails"] if view else []
        return sorted(mail["kind"] for mail in mails if mail["state"] == "sent") == ["license", "order_details", "order_received"]

    async def _installed(self) -> bool:
        return any(shop.api_url == self.shop_url for shop in self.services.shops.all())

    async def _program_current(self) -> bool:
        shop = await self.shop()
        async with self.services.database.system_reading() as session:
            version = await session.scalar(select(Tenant.program_version).where(Tenant.id == shop.tenant_id))
        return shop.version == version and self.services.programs.current(shop)

    async def _until(self, reached: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not await reached():  # noqa: ASYNC110 - what is waited for happens in a database, not on this loop
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise Unavailable(f"The demo waited {WAIT_SECONDS} seconds in vain for {what}.", code="demo") from error


def _money(amount: Decimal) -> str:
    return str(Money.of(amount, "USD"))


async def _true(value: bool) -> bool:
    return value
