"""What a shop shows of checkouts, orders and products beyond what the journeys need, and serving it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette

from app.errors import SaleorError
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.operations import CHANNEL_UPDATE, INVOICE_CREATE
from app.sandbox import seed
from app.sandbox.rows.sales import Transaction, TransactionEvent
from app.sandbox.serve import running
from app.sandbox.storefront import StorefrontRefused
from app.sandbox.transactions import recalculate
from tests.sandbox.conftest import NEW_YORK, World
from tests.sandbox.fake_app import IDENTIFIER

CHECKOUT = """query($id: ID) { checkout(id: $id) {
  token quantity voucherCode discount { amount } discountName isShippingRequired authorizeStatus chargeStatus
  totalBalance { amount } subtotalPrice { gross { amount } } shippingPrice { gross { amount } }
  availablePaymentGateways { id name currencies }
  lines { undiscountedTotalPrice { amount }
    variant { sku pricing { onSale price { net { amount } } discount { net { amount } } } } } } }"""
ORDER = """query($id: ID) { order(id: $id) {
  isPaid isShippingRequired displayGrossPrices totalBalance { amount } totalCharged { amount } totalCaptured { amount }
  totalAuthorized { amount } subtotal { net { amount } gross { amount } } undiscountedTotal { net { amount } gross { amount } }
  discounts { type name total { amount } } giftCards { id } payments { id } invoices { number url }
  lines { undiscountedTotalPrice { net { amount } gross { amount } } discounts { type } quantityToFulfill } } }"""
PENDING = "query($id: ID) { order(id: $id) { totalChargePending { amount } totalAuthorizePending { amount } } }"
ADD = """mutation($id: ID!, $lines: [CheckoutLineInput!]!) { checkoutLinesAdd(id: $id, lines: $lines) {
  checkout { quantity } errors { field code message } } }"""
ATTACH = """mutation($id: ID!, $customer: ID) { checkoutCustomerAttach(id: $id, customerId: $customer) {
  checkout { email } errors { field code message } } }"""


async def test_a_checkout_with_a_voucher_and_a_promotion(bare: World) -> None:
    team = next(row for row in bare.store.variants if row.sku == "GRID-TEAM")
    team.listings[0].discounted = Decimal("8")
    buyer = await bare.filled(seed.BUYER)
    await buyer.add_voucher("FIVE")
    shown = (await buyer.ask(CHECKOUT, id=buyer.checkout_id))["checkout"]
    assert (shown["quantity"], shown["voucherCode"], shown["discountName"]) == (2, "FIVE", "FIVE")
    assert shown["discount"]["amount"] == 5.0
    assert shown["subtotalPrice"]["gross"]["amount"] == 11.55
    assert shown["totalBalance"]["amount"] == -11.55
    assert (shown["authorizeStatus"], shown["chargeStatus"]) == ("NONE", "NONE")
    [line] = shown["lines"]
    assert line["undiscountedTotalPrice"]["amount"] == 20.0
    assert line["variant"]["pricing"] == {
        "onSale": True,
        "price": {"net": {"amount": 8.0}},
        "discount": {"net": {"amount": 2.0}},
    }
    assert [gateway["id"] for gateway in shown["availablePaymentGateways"]] == ["sandbox.card"]


async def test_a_checkout_for_nothing_needs_no_payment(bare: World) -> None:
    bare.store.vouchers[1].amount = Decimal("1000")
    buyer = await bare.filled(seed.BUYER)
    await buyer.add_voucher("FIVE")
    placed = await buyer.complete()
    assert (placed.gross, placed.charge_status) == (Decimal("0"), "FULL")


async def test_an_order_with_a_voucher(bare: World) -> None:
    buyer = await bare.filled(seed.BUYER)
    await buyer.add_voucher("WELCOME10")
    await buyer.pay("sandbox.card")
    placed = await buyer.complete()
    shown = (await buyer.ask(ORDER, id=placed.id))["order"]
    assert (shown["isPaid"], shown["isShippingRequired"], shown["displayGrossPrices"]) == (True, False, False)
    assert shown["subtotal"] == {"net": {"amount": 18.0}, "gross": {"amount": 18.9}}
    assert shown["undiscountedTotal"] == {"net": {"amount": 20.0}, "gross": {"amount": 21.0}}
    assert shown["discounts"] == [{"type": "VOUCHER", "name": "WELCOME10", "total": {"amount": 2.0}}]
    assert (shown["totalCharged"], shown["totalBalance"]) == ({"amount": 18.9}, {"amount": 0.0})
    assert (shown["giftCards"], shown["payments"], shown["lines"][0]["quantityToFulfill"]) == ([], [], 2)
    with pytest.raises(SaleorError, match="MANAGE_ORDERS"):
        await buyer.ask(PENDING, id=placed.id)
    staff = await bare.staff()
    assert (await staff.ask(PENDING, id=placed.id))["order"]["totalChargePending"]["amount"] == 0.0


async def test_an_order_in_a_channel_with_gross_prices(bare: World) -> None:
    buyer = bare.buyer(seed.BUYER)
    await buyer.sign_in()
    await buyer.new_checkout("eu-channel", [("GRID-DEV", 1)])
    await buyer.set_billing({"streetAddress1": "Weg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"})
    await buyer.add_voucher("WELCOME10")
    await buyer.pay("sandbox.card")
    placed = await buyer.complete()
    shown = (await buyer.ask(ORDER, id=placed.id))["order"]
    assert shown["undiscountedTotal"] == {"net": {"amount": 100.0}, "gross": {"amount": 119.0}}
    assert placed.gross == Decimal("107.1")


async def test_more_of_the_same_and_an_own_line(bare: World) -> None:
    buyer = await bare.filled(seed.BUYER)
    id = next(row for row in bare.store.variants if row.sku == "GRID-TEAM").id
    await buyer.send(ADD, "checkoutLinesAdd", id=buyer.checkout_id, lines=[{"variantId": id, "quantity": 1}])
    payload = await buyer.send(
        ADD, "checkoutLinesAdd", id=buyer.checkout_id, lines=[{"variantId": id, "quantity": 1, "forceNewLine": True}]
    )
    assert payload["checkout"]["quantity"] == 4
    assert [line.quantity for line in bare.store.checkouts[0].lines] == [3, 1]
    assert [line.net for line in (await buyer.prices()).lines] == [Decimal("30"), Decimal("10")]


async def test_a_checkout_brings_its_addresses(bare: World) -> None:
    document = """mutation($input: CheckoutCreateInput!) { checkoutCreate(input: $input) { checkout { id } errors { code } } }"""
    content = {"channel": "default-channel", "lines": [], "billingAddress": NEW_YORK, "shippingAddress": NEW_YORK}
    await bare.buyer("").send(document, "checkoutCreate", input=content | {"metadata": [{"key": "a", "value": "b"}]})
    [checkout] = bare.store.checkouts
    assert checkout.billing_address is not None
    assert checkout.shipping_address is not None
    assert checkout.metadata == {"a": "b"}


async def test_an_empty_checkout_is_no_order(bare: World) -> None:
    guest = bare.buyer("")
    await guest.new_checkout("default-channel", [], "guest@example.com")
    with pytest.raises(StorefrontRefused) as refused:
        await guest.complete()
    assert refused.value.code == "NO_LINES"


async def test_only_who_may_impersonate_attaches_another(world: World) -> None:
    guest = world.buyer("")
    await guest.new_checkout("default-channel", [("GRID-TEAM", 1)], "guest@example.com")
    customer = world.store.user_by_email(seed.BUYER)
    assert customer is not None
    app = world.as_app()
    with pytest.raises(StorefrontRefused) as refused:
        await app.send(ATTACH, "checkoutCustomerAttach", id=guest.checkout_id, customer=None)
    assert refused.value.code == "REQUIRED"
    with pytest.raises(SaleorError, match="IMPERSONATE_USER"):
        await app.send(ATTACH, "checkoutCustomerAttach", id=guest.checkout_id, customer=customer.id)
    world.app.permissions.add("IMPERSONATE_USER")
    payload = await app.send(ATTACH, "checkoutCustomerAttach", id=guest.checkout_id, customer=customer.id)
    assert payload["checkout"]["email"] == seed.BUYER


async def test_an_invoice_needs_its_parts(world: World) -> None:
    order = await world.ordered()
    order.status = "UNFULFILLED"
    saleor = SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)
    with pytest.raises(SaleorRefused) as refused:
        await saleor.execute(INVOICE_CREATE, orderId=order.id, number="", url="https://x.example")
    assert refused.value.errors[0].code == "REQUIRED"
    await saleor.execute(INVOICE_CREATE, orderId=order.id, number="R-1", url="https://x.example/1")
    document = """mutation($id: ID!) { invoiceUpdate(id: $id, input: {url: "https://x.example/2"}) { errors { code } } }"""
    await world.as_app().send(document, "invoiceUpdate", id=order.invoices[0].id)
    assert (order.invoices[0].number, order.invoices[0].url) == ("R-1", "https://x.example/2")
    order.billing_address = None
    with pytest.raises(SaleorRefused) as refused:
        await saleor.execute(INVOICE_CREATE, orderId=order.id, number="R-2", url="https://x.example")
    assert refused.value.errors[0].code == "NOT_READY"
    await saleor.close()


async def test_the_dashboard_gives_an_apps_page_a_token_of_both(world: World) -> None:
    document = "query($id: ID) { app(id: $id) { accessToken problems { key } webhooks { id } } }"
    staff = await world.staff()
    token = (await staff.ask(document, id=world.app.id))["app"]["accessToken"]
    claims = world.sandbox.key.claims(token)
    assert (claims["type"], claims["app"]) == ("thirdparty", world.app.id)
    assert set(claims["permissions"]) == world.app.permissions
    assert set(claims["user_permissions"]) == seed.PERMISSIONS
    assert (await world.as_app().ask(document, id=world.app.id))["app"]["accessToken"] is None
    other = next(app for app in world.store.apps if app.identifier == "sandbox.card")
    with pytest.raises(SaleorError, match="MANAGE_APPS"):
        await world.as_app().ask(document, id=other.id)


async def test_a_channel_changes_whole(world: World) -> None:
    saleor = SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)
    change = {"name": "Shop", "defaultCountry": "DE", "paymentSettings": {"defaultTransactionFlowStrategy": "AUTHORIZATION"}}
    await saleor.execute(CHANNEL_UPDATE, id=world.channel.id, input=change)
    await saleor.close()
    assert (world.channel.name, world.channel.country, world.channel.default_transaction_flow_strategy) == (
        "Shop",
        "DE",
        "AUTHORIZATION",
    )
    world.fake.answers["transaction_initialize_session"] = {"result": "CHARGE_REQUEST", "pspReference": "x"}
    await (await world.filled()).pay(IDENTIFIER)
    assert world.fake.bodies("transaction_initialize_session")[0]["action"]["actionType"] == "AUTHORIZATION"


async def test_what_staff_see_of_shop_taxes_and_channels(bare: World) -> None:
    staff = await bare.staff()
    shown = await staff.ask(
        """{ shop { permissions { code } } channel(slug: "eu-channel") { name currencyCode defaultCountry { code country } }
        taxConfigurations(first: 9) { edges { node { channel { slug } } } }
        productVariant(sku: "GRID-DEV") { pricing { onSale } channelListings { channel { slug } price { amount } } } }"""
    )
    assert {entry["code"] for entry in shown["shop"]["permissions"]} == seed.PERMISSIONS
    assert shown["channel"]["defaultCountry"] == {"code": "DE", "country": "Germany"}
    assert len(shown["taxConfigurations"]["edges"]) == 3
    assert shown["productVariant"]["pricing"] is None


def test_events_without_a_reference_are_added_as_they_are() -> None:
    """What transactionCreate enters by hand (saleor `_handle_events_without_psp_reference`)."""
    item = Transaction(currency="USD", created_at=datetime(2026, 1, 1, tzinfo=UTC), created_by=None)
    for day, (kind, amount) in enumerate(
        [
            ("AUTHORIZATION_SUCCESS", "9"),
            ("AUTHORIZATION_ADJUSTMENT", "7"),
            ("CHARGE_SUCCESS", "5"),
            ("CHARGE_BACK", "1"),
            ("REFUND_SUCCESS", "2"),
            ("REFUND_REVERSE", "1"),
            ("CANCEL_SUCCESS", "3"),
            ("INFO", "100"),
        ]
    ):
        at = datetime(2026, 1, 1 + day, tzinfo=UTC)
        item.events.append(TransactionEvent(type=kind, amount=Decimal(amount), currency="USD", created_at=at))
    recalculate(item)
    assert (item.authorized, item.charged, item.refunded, item.canceled) == tuple(map(Decimal, ("7", "5", "2", "3")))


async def test_a_cancelation_draws_down_what_was_authorized(world: World) -> None:
    order = await world.ordered({"result": "AUTHORIZATION_SUCCESS", "pspReference": "BT-1"})
    world.fake.answers["transaction_cancelation_requested"] = {"pspReference": "C-1"}
    request = """mutation($id: ID!) { transactionRequestAction(id: $id, actionType: CANCEL) { errors { field code message } } }"""
    await (await world.staff()).send(request, "transactionRequestAction", id=order.transactions[0].id)
    await world.sandbox.settled()
    item = order.transactions[0]
    assert (item.authorized, item.cancel_pending) == (Decimal("0"), Decimal("18"))


@pytest.mark.parametrize(
    "details",
    [{"type": "CASH", "name": "x"}, {"type": "OTHER"}, {"type": "CARD", "name": "Visa", "brand": 7}],
)
async def test_a_payment_method_that_is_none_spoils_the_answer(world: World, details: dict[str, Any]) -> None:
    answer = {"result": "CHARGE_REQUEST", "pspReference": "x", "paymentMethodDetails": details}
    world.fake.answers["transaction_initialize_session"] = answer
    assert (await (await world.filled()).pay(IDENTIFIER)).result == "CHARGE_FAILURE"


async def test_a_full_answer_is_taken_whole(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = {
        "result": "CHARGE_REQUEST",
        "pspReference": "BT-1",
        "amount": "18.00",
        "time": "2026-01-02T03:04:05",
        "message": "m" * 600,
        "actions": ["REFUND", "DANCE"],
        "externalUrl": "https://bank.example/x",
        "paymentMethodDetails": {"type": "OTHER", "name": "Bank transfer"},
        "data": {"reference": "RF18"},
    }
    paid = await (await world.filled()).pay(IDENTIFIER)
    item = world.store.transactions[0]
    assert (len(paid.message), paid.data) == (512, {"reference": "RF18"})
    assert (item.actions, item.events[0].created_at) == (["REFUND"], datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


async def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with running(Starlette(), port=taken.getsockname()[1]):
                pass


async def test_an_application_that_does_not_start_is_an_error() -> None:
    @asynccontextmanager
    async def broken(application: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("no")
        yield

    with pytest.raises(OSError, match="did not start"):
        async with running(Starlette(lifespan=broken)):
            pass
