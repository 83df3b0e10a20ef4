"""A shop with its resellers, orders as Saleor has them, and a Saleor that answers from memory."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import respx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import Base
from app.db.jobs import Jobs
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.ledger.service import Booking, book_wire, post_receivable
from app.money import Money
from app.orders.intake import record
from app.orders.service import confirm_order, confirm_wire
from app.orders.services import Services
from app.orders.snapshot import Programs
from app.orders.tables import PaymentSession, ResellerOrder
from app.resellers.rules import Decision
from app.resellers.service import accept_policy, add, decide
from app.resellers.tables import Reseller
from app.saleor.answers import SaleorOrder
from app.saleor.shops import Shop, Shops
from app.settings import Settings, ShopSettings
from app.tax.service import import_rates, register_state
from tests.conftest import NOW
from tests.saleor.keys import jwk

Row = TypeVar("Row", bound=Base)

API = "http://shop.example/graphql/"
APP = "QXBwOjE="
KEY = "0123456789abcdef"
USD_ACCOUNT = {
    "currency": "USD", "beneficiary": "Vendor Inc", "routing_number": "021000021", "account_number": "123456", "bank_name": "B",
}  # fmt: skip
POLICY = [{"key": "license.product", "value": "grid"}]


class RecordedJobs(Jobs):
    """Keeps what was asked for in memory, as (workflow, workflow id, args)."""

    def __init__(self) -> None:
        self.application = "reseller"
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    async def enqueue(
        self,
        session: AsyncSession,
        workflow: str,
        workflow_id: str,
        *,
        partition: str,
        args: tuple[str, ...],
        first: bool = False,
    ) -> None:
        if all(known != workflow_id for _, known, _ in self.asked):
            self.asked.append((workflow, workflow_id, args))

    async def stuck(self, tenant_id: str | None = None, *, limit: int = 100) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        pass


@dataclass
class Ticking:
    """A clock that goes on by a minute when told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class World:
    """One installed shop and everything that works in it."""

    services: Services
    shop: Shop
    saleor: FakeSaleor
    clock: Ticking

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def asked(self) -> list[tuple[str, str, tuple[str, ...]]]:
        jobs = self.services.jobs
        assert isinstance(jobs, RecordedJobs)
        return jobs.asked

    async def refresh(self) -> None:
        """See what changed in the database, as the poll does."""
        await self.services.shops.refresh()
        await self.services.programs.refresh(self.services.shops.all())
        self.shop = await self.services.shops.by_tenant(self.shop.tenant_id)

    async def set(self, **program: Any) -> None:
        """Change numbers of the shop's program."""
        await self.configure(program={**self.shop.settings.program.model_dump(mode="json"), **program})

    async def configure(self, **settings: Any) -> None:
        """Change settings of the shop."""
        async with self.database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == self.shop.tenant_id))).one()
            row.settings = {**row.settings, **settings}
            row.program_version += 1
        await self.refresh()


@dataclass
class FakeSaleor:
    """Answers by the operation's name: a value, a whole response, or a function of the variables."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        found = re.search(r"(?:query|mutation) (\w+)", body["query"])
        assert found is not None
        name, variables = found[1], body.get("variables") or {}
        self.calls.append((name, variables))
        answer = self.answers[name]
        data = answer(variables) if callable(answer) else answer
        if isinstance(data, httpx.Response):
            return data
        return httpx.Response(200, text=json.dumps({"data": data}))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [variables for known, variables in self.calls if known == name]


def failed(message: str, code: str = "GraphQLError", status: int = 200) -> httpx.Response:
    """An answer with a GraphQL error, as Saleor names it."""
    return httpx.Response(status, json={"errors": [{"message": message, "extensions": {"exception": {"code": code}}}]})


def no_types(_: dict[str, Any]) -> httpx.Response:
    """What a Saleor without customer types says when it is asked for them."""
    return failed('Cannot query field "customerTypes" on type "Query".', status=400)


def refused(payload: str, message: str, code: str = "INVALID") -> dict[str, Any]:
    return {payload: {"errors": [{"field": None, "code": code, "message": message}]}}


@asynccontextmanager
async def opened(database: Database, tenant: str, jobs: Jobs | None = None) -> AsyncIterator[World]:
    """The shop with its bank account and keys; Texas is taxed at 8.25 %."""
    box = SecretBox([KEY])
    async with database.system() as session:
        await session.execute(
            update(Tenant)
            .where(Tenant.id == tenant)
            .values(token=box.encrypt(tenant, "app-token"), jwks={"keys": [jwk("k")]}, settings={"bank_accounts": [USD_ACCOUNT]})
        )
    async with database.tenant(tenant) as session:
        await register_state(session, "TX", valid_from=NOW.date())
        await import_rates(session, "state,rate,valid_from\nTX,8.25,2026-01-01\n", version="1", at=NOW)
    settings = Settings(
        secret_keys=[KEY], database_url=database.url, saleor_timeout=5, shop=ShopSettings(), files_url=f"memory://{tenant}",
        _env_file=None,
    )  # fmt: skip
    clock, saleor = Ticking(), FakeSaleor()
    async with httpx.AsyncClient() as http:
        shops = Shops(database, box, http, settings, clock)
        kept = jobs or RecordedJobs()
        services = Services(settings, database, box, http, clock, shops, Programs(database), kept)
        with respx.mock(assert_all_called=False) as router:
            router.post(API).mock(side_effect=saleor)
            try:
                await shops.refresh()
                await services.programs.refresh(shops.all())
                yield World(services, await shops.by_tenant(tenant), saleor, clock)
            finally:
                await shops.close()
                kept.close()


async def reseller(world: World, name: str = "texan", *, accept: bool = True, **changed: Any) -> Reseller:
    """An approved reseller whose one account's id is its name."""
    facts: dict[str, Any] = {
        "email": f"{name}@partner.example", "saleor_user_id": name, "company": name.title(), "street": "1 Main St",
        "city": "Austin", "postal_code": "78701", "country": "US", "state": "TX", "by": "anna", "at": NOW,
    }  # fmt: skip
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = await add(session, **facts | changed)
        await decide(session, row.email, Decision.APPROVE, by="anna", at=NOW, policy_version="1")
        if accept:
            await accept_policy(session, row, version="1", by=row.email, at=NOW)
    await world.refresh()
    return row


async def limits(world: World, reseller_id: str, **numbers: Any) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = (await session.scalars(select(Reseller).where(Reseller.id == reseller_id))).one()
        for name, value in numbers.items():
            setattr(row, name, value)


async def paid_orders(world: World, reseller_id: str, count: int) -> None:
    """So many orders in the ledger, owed and paid."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        for number in range(count):
            order, amount = f"earlier-{number}", Money.of("50.00", "USD")
            await post_receivable(
                session, reseller_id=reseller_id, order_id=order, order_number=f"E{number}", amount=amount,
                reference=f"E{number}", order_date=NOW.date(), due=NOW.date(), at=NOW,
            )  # fmt: skip
            await book_wire(
                session, order_id=order, amount=amount, bank_reference=f"early-{number}", value_date=NOW.date(), by="ada", at=NOW
            )


EVIDENCE = [{"code": "tax_state", "params": {"rate": "8.25", "state": "TX", "version": "2026"}}]
"""Why the session accepted what it did, as it keeps it."""


async def promise(world: World, reseller_id: str, transaction: str = "T1", **changed: Any) -> PaymentSession:
    """A payment session our gateway accepted for the order below."""
    facts: dict[str, Any] = {
        "transaction_id": transaction, "source_id": f"C-{transaction}", "reseller_id": reseller_id, "saleor_user_id": "texan",
        "psp_reference": f"BT-{transaction}", "reference": f"RF-{transaction}", "terms": "prepay", "amount_minor": 1949,
        "currency": "USD", "due_date": NOW.date(), "reasons": [], "answer": {}, "created_at": NOW,
        "lines": [
            {
                "variant": "V1", "quantity": 2, "net": 1800, "gross": 1949, "tax_rate": "8.25", "certificate_id": None,
                "price_list_version": 1, "reasons": EVIDENCE,
            }
        ],
    }  # fmt: skip
    row = PaymentSession(**facts | changed)
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(row)
    return row


def money(amount: str) -> dict[str, Any]:
    return {"amount": float(amount)}


def taxed(net: str, gross: str) -> dict[str, Any]:
    return {"net": money(net), "gross": money(gross)}


def address(state: str, email: str = "", **changed: Any) -> dict[str, Any]:
    metadata = [{"key": "email", "value": email}] if email else []
    return {
        "companyName": "ACME", "firstName": "Ann", "lastName": "Lee", "streetAddress1": "2 Side St", "streetAddress2": "",
        "city": "Town", "postalCode": "90001", "countryArea": state, "country": {"code": "US"}, "metadata": metadata,
    } | changed  # fmt: skip


def order_line(number: int = 1, **changed: Any) -> dict[str, Any]:
    """Two units at 10.00, bought by a reseller at 9.00 with Texan tax."""
    product = {
        "id": "P1", "metadata": POLICY, "category": None, "collections": [], "taxClass": None, "productType": {"taxClass": None},
    }  # fmt: skip
    variant = {
        "id": "V1", "sku": "GRID-1", "metadata": [], "product": product,
        "channelListings": [{"channel": {"slug": "default"}, "price": money("10.00")}],
    }  # fmt: skip
    return {
        "id": f"L{number}", "productName": "Grid", "variantName": "One", "productSku": "GRID-1", "productVariantId": "V1",
        "quantity": 2, "quantityFulfilled": 0, "quantityToFulfill": 2, "taxRate": 0.0825, "isGift": False,
        "isPriceOverridden": False, "unitPrice": taxed("9.00", "9.75"), "undiscountedUnitPrice": taxed("10.00", "10.83"),
        "totalPrice": taxed("18.00", "19.49"), "voucherCode": None, "discounts": [], "variant": variant,
    } | changed  # fmt: skip


def transaction(
    number: str = "T1", author: dict[str, Any] | None = None, charged: str = "0", pending: str = "0"
) -> dict[str, Any]:
    """Ours unless another author is given."""
    return {
        "id": number, "pspReference": f"BT-{number}", "name": "", "chargedAmount": money(charged), "authorizedAmount": money("0"),
        "createdBy": author if author is not None else {"__typename": "App", "id": APP, "identifier": "reseller"},
        "chargePendingAmount": money(pending), "refundedAmount": money("0"), "refundPendingAmount": money("0"),
        "events": [],
    }  # fmt: skip


def order_json(number: str = "1", user: str | None = "texan", **changed: Any) -> dict[str, Any]:
    """An order as `graphql/operations/order.graphql` answers it."""
    person = {"id": user, "email": f"{user}@partner.example", "firstName": "", "lastName": ""} if user else None
    lines = changed.get("lines", [order_line(1, id=f"L{number}-1")])
    net = sum((Decimal(str(line["totalPrice"]["net"]["amount"])) for line in lines), Decimal(0))
    gross = sum((Decimal(str(line["totalPrice"]["gross"]["amount"])) for line in lines), Decimal(0))
    return {
        "id": f"O{number}", "number": number, "created": NOW.isoformat(), "updatedAt": NOW.isoformat(), "status": "UNCONFIRMED",
        "origin": "CHECKOUT", "chargeStatus": "NONE", "authorizeStatus": "NONE", "languageCode": "EN_US",
        "userEmail": f"{user}@partner.example" if user else "guest@mail.example", "user": person,
        "channel": {"slug": "default", "currencyCode": "USD", "taxConfiguration": {"pricesEnteredWithTax": False}},
        "voucherCode": None, "metadata": [], "privateMetadata": [], "billingAddress": address("TX"),
        "shippingAddress": address("CA", "buyer@customer.example"),
        "total": {"currency": "USD", **taxed(str(net), str(gross))}, "shippingPrice": taxed("0", "0"),
        "totalCharged": money("0"), "giftCards": [], "discounts": [], "lines": lines,
        "transactions": [], "payments": [], "fulfillments": [], "events": [], "invoices": [],
    } | changed  # fmt: skip


def order(number: str = "1", user: str | None = "texan", **changed: Any) -> SaleorOrder:
    return SaleorOrder.model_validate_json(json.dumps(order_json(number, user, **changed)))


def by_id(*orders: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The answer to ORDER from these orders."""
    return lambda variables: {"order": next((item for item in orders if item["id"] == variables["id"]), None)}


async def recorded(
    world: World, number: str = "1", *, terms: str = "prepay", confirm: bool = True, reference: str = "", **changed: Any
) -> ResellerOrder:
    """An order of the reseller `texan` with its promise T<number>, audited and, where asked, confirmed."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        buyer = (await session.scalars(select(Reseller).where(Reseller.email == "texan@partner.example"))).one()
    kept = {"reference": reference} if reference else {}
    await promise(world, buyer.id, f"T{number}", terms=terms, due_date=date(2026, 4, 1), **kept)
    seen = order(number, **{"transactions": [transaction(f"T{number}")], **changed})
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = await record(session, world.services, world.shop, seen)
        assert row is not None
        if confirm and row.audit_passed:
            await confirm_order(session, row.id, world.clock())
    return row


async def wire(world: World, number: str = "1", amount: str | Money = "19.49", reference: str = "B1", **changed: Any) -> Booking:
    """Book a wire as the bookkeeper does, in USD where only a number is given."""
    arrived = Money.of(amount, "USD") if isinstance(amount, str) else amount
    facts: dict[str, Any] = {
        "number": number, "amount": arrived, "bank_reference": reference, "value_date": NOW.date(), "by": "ada",
    }  # fmt: skip
    async with world.database.tenant(world.shop.tenant_id) as session:
        return (await confirm_wire(session, world.services, world.shop, **facts | changed))[1]


async def rows(world: World, table: type[Row], *where: Any) -> list[Row]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(table).where(*where)))
