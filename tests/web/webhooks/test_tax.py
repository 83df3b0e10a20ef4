import base64
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Unavailable
from app.orders.quote import ActiveReseller, Program
from app.orders.snapshot import Programs
from app.pricing.rules import Entry, PriceList, Scope
from app.saleor.shops import Shops
from app.settings import Settings, ShopSettings
from app.tax.rules import Certificate, CertificateState, Location, Registration, StateRate, TaxProgram
from app.web.dispatch import Dispatcher, Receive, Send
from app.web.dispatch import Scope as AsgiScope
from app.web.webhooks.signed import respond
from app.web.webhooks.tax import tax_endpoint
from tests.conftest import install
from tests.saleor.keys import encode, jwk, sign

URL = "http://shop.example/graphql/"
OTHER_URL = "http://other.example/graphql/"
APP = "QXBwOjE="
PATH = "/api/webhooks/checkout-calculate-taxes"
DAY = date(2026, 3, 2)
LATE = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # still the 2nd in Texas
RECORDED = Path("/work/shared/saleor/recorded")

EXEMPT = Certificate("c1", "TX-1", frozenset({"TX"}), CertificateState.APPROVED, DAY, DAY, DAY)
PRICES = PriceList.of(1, [Entry(Scope.PRODUCT, "p-books", Decimal(5)), Entry(Scope.COLLECTION, "c-old", Decimal(1))])
PROGRAM = Program(
    {
        "texan": ActiveReseller("r1", PRICES, Location("US", "TX", "75001")),
        "exempt": ActiveReseller("r2", PRICES, Location("US", "TX", "75001", (EXEMPT,))),
    },
    TaxProgram.of(
        [Registration("TX", DAY)],
        [StateRate("TX", Decimal("8.25"), "1", DAY), StateRate("TX", Decimal(0), "1", DAY, tax_class="untaxed")],
        {("US", None): Decimal("7.25"), ("DE", None): Decimal(19), ("DE", "books"): Decimal(7)},
    ),
    frozenset({"partners"}),
)


class FixedPrograms(Programs):
    """The program of the tests in place of one that was loaded; None as if it were not loaded yet."""

    def __init__(self, database: Database, program: Program | None) -> None:
        super().__init__(database)
        self.program = program

    def get(self, tenant_id: str) -> Program:
        if self.program is None:
            raise Unavailable("loading", code="loading")
        return self.program


@dataclass
class Caller:
    """Sends bodies as Saleor does."""

    client: httpx.AsyncClient
    programs: FixedPrograms

    async def post(
        self, body: bytes | dict[str, Any], *, url: str | None = URL, signature: str | None = "", path: str = PATH, kid: str = "k"
    ) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Saleor-Api-Url": url, "Saleor-Signature": sign(raw, kid) if signature == "" else signature}
        return await self.client.post(path, content=raw, headers={name: value for name, value in headers.items() if value})

    async def lines(self, **changed: Any) -> list[tuple[str, str, str]]:
        answer = await self.post(taxes(**changed))
        assert answer.status_code == 200, answer.text
        found = answer.json()["lines"]
        return [(line["total_net_amount"], line["total_gross_amount"], line["tax_rate"]) for line in found]


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path, sqlite_tables: Path) -> str:
    """The endpoint asks no database; one kind is enough to hold the table of shops."""
    shutil.copyfile(sqlite_tables, tmp_path / "reseller.db")
    return f"sqlite+aiosqlite:///{tmp_path}/reseller.db"


@pytest.fixture
async def caller(database: Database, tenant: str) -> AsyncIterator[Caller]:
    await install(database, OTHER_URL)
    async with database.system() as session:
        await session.execute(update(Tenant).where(Tenant.id == tenant).values(jwks={"keys": [jwk("k")]}))
        await session.execute(update(Tenant).where(Tenant.id != tenant).values(jwks={"keys": [jwk("other")]}))
    settings = Settings(secret_keys=["0123456789abcdef"], max_body_bytes=50_000, shop=ShopSettings(time_zone="America/Chicago"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(503))) as http:
        shops = Shops(database, SecretBox(["0123456789abcdef"]), http, settings, lambda: LATE)
        await shops.refresh()
        programs = FixedPrograms(database, PROGRAM)
        endpoint = tax_endpoint(shops, programs, settings, lambda: LATE)
        routes = {PATH.encode(): endpoint, b"/api/webhooks/order-calculate-taxes": endpoint}
        app = Dispatcher(routes, fallback)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example") as client:
            yield Caller(client, programs)


async def fallback(scope: AsgiScope, receive: Receive, send: Send) -> None:
    await respond(send, 404, b'"fallback"')


def line(
    quantity: int = 2, price: float = 10.0, base: float | None = None, retail: float | None = 10.0, **more: Any
) -> dict[str, Any]:
    product = {
        "id": more.get("product", "p1"),
        "category": {"id": "cat"},
        "collections": [{"id": "c1"}],
        "taxClass": more.get("tax_class"),
        "productType": {"taxClass": more.get("type_tax_class")},
    }
    listings = [{"channel": {"slug": "other"}, "price": {"amount": 99.0}}]
    for channel in ("default", "partners"):
        listings.append({"channel": {"slug": channel}, "price": None if retail is None else {"amount": retail}})
    variant = {"id": "v1", "sku": "GRID-1", "product": product, "channelListings": listings}
    return {
        "quantity": quantity,
        "chargeTaxes": more.get("charge_taxes", True),
        "productName": "Grid",
        "variantName": "One",
        "productSku": "GRID-1",
        "unitPrice": {"amount": price},
        "totalPrice": {"amount": quantity * price if base is None else base},
        "sourceLine": {"__typename": "CheckoutLine", "id": "l1", "notForResale": more.get("mark"), "variant": variant},
    }


def taxes(user: str | None = "texan", *, recipient: str | None = APP, **changed: Any) -> dict[str, Any]:
    base = {
        "pricesEnteredWithTax": False,
        "currency": "USD",
        "channel": {"slug": "default"},
        "address": {"country": {"code": "US"}, "countryArea": "CA", "postalCode": "90001"},
        "discounts": [],
        "shippingPrice": {"amount": 0.0},
        "lines": [line()],
        "sourceObject": {"__typename": "Checkout", "id": "x", "user": {"id": user} if user else None},
    } | changed
    return {"recipient": {"id": recipient} if recipient else None, "taxBase": base}


def on_order(checkout_line: dict[str, Any], **changed: Any) -> dict[str, Any]:
    source = {"__typename": "OrderLine", "id": "l1", "orderVariant": checkout_line["sourceLine"]["variant"]} | changed
    return checkout_line | {"sourceLine": source}


async def test_case_30_a_texan_reseller_with_a_customer_in_california(caller: Caller) -> None:
    answer = await caller.post(taxes())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "shipping_price_gross_amount": "0.00",
        "shipping_price_net_amount": "0.00",
        "shipping_tax_rate": "0",
        "lines": [{"total_gross_amount": "19.49", "total_net_amount": "18.00", "tax_rate": "8.25"}],
    }


async def test_everybody_else_pays_the_public_price_with_the_ship_tos_flat_rate(caller: Caller) -> None:
    assert await caller.lines(user="stranger") == await caller.lines(user=None) == [("20.00", "21.45", "7.25")]
    assert await caller.lines(user=None, address={"country": {"code": "DE"}}) == [("20.00", "23.80", "19")]


async def test_case_9_a_suspended_reseller_pays_the_public_price(caller: Caller) -> None:
    caller.programs.program = Program({}, PROGRAM.tax, PROGRAM.reseller_only_channels)
    assert await caller.lines() == [("20.00", "21.45", "7.25")]


async def test_the_reseller_only_channel(caller: Caller) -> None:
    channel = {"slug": "partners"}
    assert await caller.lines(channel=channel) == [("18.00", "19.49", "8.25")]
    for user in ("stranger", None):
        answer = await caller.post(taxes(user, channel=channel))
        assert answer.status_code == 422
        error = {"code": "resellers_only", "message": "This channel sells to active resellers only."}
        assert answer.json() == {"error": error}


async def test_an_address_or_country_that_is_not_known_yet(caller: Caller) -> None:
    assert await caller.lines(address=None) == [("18.00", "19.49", "8.25")]
    assert await caller.lines(user=None, address=None) == [("20.00", "20.00", "0")]


async def test_case_36_an_exemption_through_its_last_day_in_its_state(caller: Caller) -> None:
    assert await caller.lines(user="exempt") == [("18.00", "18.00", "0")]


async def test_the_tax_class_of_the_product_or_its_type(caller: Caller) -> None:
    books, untaxed = {"id": "books"}, {"id": "untaxed"}
    germany = {"country": {"code": "DE"}}
    lines = [line(tax_class=books), line(type_tax_class=books), line(tax_class=books, type_tax_class=untaxed), line()]
    assert [rate for _, _, rate in await caller.lines(user=None, address=germany, lines=lines)] == ["7", "7", "7", "19"]
    lines = [line(type_tax_class=untaxed), line(charge_taxes=False), line()]
    assert [rate for _, _, rate in await caller.lines(lines=lines)] == ["0", "0", "8.25"]


async def test_entries_and_the_order_of_lines(caller: Caller) -> None:
    lines = [line(product="p-books"), line(quantity=1), line(quantity=3, price=9.5, retail=9.5)]
    assert [net for net, _, _ in await caller.lines(lines=lines)] == ["19.00", "9.00", "25.65"]


async def test_an_entire_order_discount_is_spread_and_shipping_has_its_own(caller: Caller) -> None:
    discounts = [
        {"type": "SUBTOTAL", "amount": {"amount": 2.0}},
        {"type": "SUBTOTAL", "amount": {"amount": 8.0}},
        {"type": "SHIPPING", "amount": {"amount": 2.0}},
    ]
    lines = [line(1), line(2), line(1, price=3.33)]
    body = taxes(None, lines=lines, discounts=discounts, shippingPrice={"amount": 10.0})
    answer = (await caller.post(body)).json()
    assert [found["total_net_amount"] for found in answer["lines"]] == ["7.00", "14.00", "2.33"]
    assert (answer["shipping_price_net_amount"], answer["shipping_price_gross_amount"]) == ("8.00", "8.58")
    assert answer["shipping_tax_rate"] == "7.25"


async def test_amounts_are_read_as_they_are_written(caller: Caller) -> None:
    raw = json.dumps(taxes(None, lines=[line(1, base=0.0)])).replace(
        '"totalPrice": {"amount": 0.0}', '"totalPrice": {"amount": 90071992547.41}'
    )
    answer = await caller.post(raw.encode())
    assert answer.json()["lines"][0]["total_net_amount"] == "90071992547.41"


async def test_prices_entered_with_tax(caller: Caller) -> None:
    assert await caller.lines(user=None, pricesEnteredWithTax=True) == [("18.65", "20.00", "7.25")]
    assert await caller.lines(pricesEnteredWithTax=True) == [("16.78", "18.16", "8.25")]


@pytest.mark.parametrize("path", [PATH, "/api/webhooks/order-calculate-taxes"])
async def test_orders_name_their_variant_otherwise(caller: Caller, path: str) -> None:
    order = {"__typename": "Order", "id": "o1", "user": {"id": "texan"}}
    answer = await caller.post(taxes(lines=[on_order(line())], sourceObject=order), path=path)
    assert answer.json()["lines"] == [{"total_gross_amount": "19.49", "total_net_amount": "18.00", "tax_rate": "8.25"}]


async def test_case_17_no_variant_or_no_price_is_no_partner_price(caller: Caller) -> None:
    for found in (on_order(line(), orderVariant=None), line(retail=None)):
        answer = await caller.post(taxes(lines=[found]))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_price")
        assert await caller.lines(user=None, lines=[found]) == [("20.00", "21.45", "7.25")]


async def test_an_empty_checkout(caller: Caller) -> None:
    assert await caller.lines(lines=[]) == []


@pytest.mark.parametrize("url", [None, "http://nowhere.example/graphql/", OTHER_URL, "http://SHOP.example/graphql/"])
async def test_an_unknown_or_wrong_shop(caller: Caller, url: str | None) -> None:
    assert (await caller.post(taxes(), url=url)).status_code == 401


async def test_another_shops_key(caller: Caller) -> None:
    answer = await caller.post(taxes(), kid="other")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unknown_key")


async def test_unsigned_and_badly_signed(caller: Caller) -> None:
    raw = json.dumps(taxes()).encode()
    good = sign(raw, "k")
    none = encode(json.dumps({"alg": "none", "b64": False, "crit": ["b64"], "kid": "k"}).encode()) + ".."
    for signature in (None, "nonsense", good[:-4], none, sign(raw, "k", alg="HS256"), sign(raw, "k", b64=True), "ü..ü"):
        headers = {"Saleor-Api-Url": URL} | ({"Saleor-Signature": signature.encode()} if signature else {})
        answer = await caller.client.post(PATH, content=raw, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401, signature


async def test_a_changed_body(caller: Caller) -> None:
    raw = json.dumps(taxes()).encode()
    answer = await caller.post(raw.replace(b"texan", b"exemp"), signature=sign(raw, "k"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")


@pytest.mark.parametrize("recipient", [None, "QXBwOjI="])
async def test_another_apps_webhook(caller: Caller, recipient: str | None) -> None:
    answer = await caller.post(taxes(recipient=recipient))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_recipient")


async def test_an_oversized_body_with_and_without_its_length(caller: Caller) -> None:
    raw = json.dumps(taxes() | {"padding": "x" * 50_000}).encode()
    headers = {"Saleor-Api-Url": URL, "Saleor-Signature": sign(raw, "k")}

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 4096):
            yield raw[start : start + 4096]

    for content in (raw, parts()):
        answer = await caller.client.post(PATH, content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_a_body_in_parts(caller: Caller) -> None:
    raw = json.dumps(taxes()).encode()

    async def parts() -> AsyncIterator[bytes]:
        yield raw[:100]
        yield raw[100:]

    headers = {"Saleor-Api-Url": URL, "Saleor-Signature": sign(raw, "k")}
    assert (await caller.client.post(PATH, content=parts(), headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b'"\xff"', "malformed"),
        ({"errors": [{"message": "no"}]}, "malformed"),
        (taxes(lines=None), "malformed"),
        (taxes(discounts=[{"type": "OTHER", "amount": {"amount": 1}}]), "malformed"),
        (taxes(currency="XQQ"), "unknown_currency"),
        (taxes(currency="usd"), "unknown_currency"),
        (taxes(lines=[line(quantity=-1, base=1.0)]), "quantity"),
        (taxes(lines=[line(quantity=0)]), "quantity"),
        (taxes(lines=[line(base=-1.0)]), "money"),
        (taxes(lines=[line(base="NaN")]), "money"),  # type: ignore[arg-type]
        (taxes(lines=[line(base="1e999999")]), "money"),  # type: ignore[arg-type]
        (taxes(shippingPrice={"amount": -1}), "money"),
    ],
)
async def test_bad_input(caller: Caller, body: bytes | dict[str, Any], code: str) -> None:
    answer = await caller.post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_no_program_yet_is_no_price(caller: Caller) -> None:
    caller.programs.program = None
    assert (await caller.post(taxes())).status_code == 503


async def test_an_unexpected_error_is_logged_and_tells_nothing(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("app.web.webhooks.tax.quote", broken)
    answer = await caller.post(taxes())
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_everything_else_goes_on_to_the_rest_of_the_app(caller: Caller) -> None:
    assert (await caller.client.get(PATH)).text == '"fallback"'
    assert (await caller.client.post("/api/register")).text == '"fallback"'


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings of a real Saleor are not here")
async def test_a_recorded_request_of_a_real_saleor(database: Database) -> None:
    """Its signature holds; its subscription was an older one, so the body is told to be another app's."""
    recorded = json.loads((RECORDED / "checkout_calculate_taxes.json").read_bytes())
    headers, body = recorded["headers"], base64.b64decode(recorded["body_base64"])
    jwks = json.loads((RECORDED / "jwks.json").read_bytes())
    await install(database, headers["saleor-api-url"])
    async with database.system() as session:
        await session.execute(update(Tenant).values(jwks=jwks))
    settings = Settings(secret_keys=["0123456789abcdef"])
    async with httpx.AsyncClient() as http:
        shops = Shops(database, SecretBox(["0123456789abcdef"]), http, settings, lambda: LATE)
        await shops.refresh()
        endpoint = tax_endpoint(shops, FixedPrograms(database, PROGRAM), settings, lambda: LATE)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://app.example") as client:
            answer = await client.post(PATH, content=body, headers=headers)
            changed = await client.post(PATH, content=body + b" ", headers=headers)
    assert (answer.status_code, changed.status_code) == (400, 401)
    assert "product" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("mark", "result"),
    [
        (None, ("18.00", "18.00", "0")), ("", ("18.00", "18.00", "0")), ("false", ("18.00", "18.00", "0")),
        ("true", ("18.00", "19.49", "8.25")), (" Yes ", ("18.00", "19.49", "8.25")), ("own use", ("18.00", "19.49", "8.25")),
    ],
)  # fmt: skip
async def test_case_40_a_line_marked_not_for_resale_is_taxed_in_spite_of_the_certificate(
    caller: Caller, mark: str | None, result: tuple[str, str, str]
) -> None:
    assert await caller.lines(user="exempt", lines=[line(mark=mark), line()]) == [result, ("18.00", "18.00", "0")]
    assert await caller.lines(user="exempt", lines=[on_order(line(), notForResale=mark)]) == [result]
