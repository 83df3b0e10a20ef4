"""The tax answer is the price, when it is asked for, and what happens when it fails (saleor-facts 0.1, 2, 3, 4)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import SaleorError
from app.sandbox import seed
from app.sandbox.storefront import CREATE, StorefrontRefused
from tests.sandbox.conftest import AUSTIN, NEW_YORK, World
from tests.sandbox.fake_app import net_of_each

LINE = """query($id: ID!) { order(id: $id) { total { net { amount } gross { amount } } lines {
  unitPrice { net { amount } gross { amount } } undiscountedUnitPrice { net { amount } } unitDiscount { amount }
  taxRate isPriceOverridden totalPrice { gross { amount } } } } }"""


async def test_the_tax_answer_is_the_price(world: World) -> None:
    world.fake.answers["checkout_calculate_taxes"] = net_of_each("9.00", "10")
    buyer = await world.filled()
    prices = await buyer.prices()
    assert (prices.net, prices.gross) == (Decimal("18"), Decimal("19.8"))
    assert (prices.lines[0].unit_net, prices.lines[0].unit_undiscounted) == (Decimal("9"), Decimal("10"))


async def test_an_order_keeps_retail_as_undiscounted(world: World) -> None:
    order = await world.ordered()
    line = (await world.as_app().ask(LINE, id=order.id))["order"]["lines"][0]
    assert line["unitPrice"]["net"]["amount"] == 9.0
    assert line["undiscountedUnitPrice"]["net"]["amount"] == 10.0
    assert line["unitDiscount"]["amount"] == 1.0
    assert line["isPriceOverridden"] is False


async def test_the_app_is_told_ship_to_and_user(world: World) -> None:
    buyer = await world.filled()
    await buyer.prices()
    base = world.fake.bodies("checkout_calculate_taxes")[-1]["taxBase"]
    assert base["address"] == {"country": {"code": "US"}, "countryArea": "TX", "postalCode": "78701"}
    assert base["sourceObject"]["user"]["id"] == buyer.user_id
    assert base["lines"][0]["unitPrice"]["amount"] == 10.0
    assert base["lines"][0]["sourceLine"]["variant"]["channelListings"][0]["price"]["amount"] == 10.0


async def test_fresh_prices_are_not_asked_for_again(world: World) -> None:
    buyer = await world.filled()
    await buyer.prices()
    await buyer.prices()
    assert len(world.fake.bodies("checkout_calculate_taxes")) == 1
    await buyer.set_billing(NEW_YORK)
    await buyer.prices()
    assert len(world.fake.bodies("checkout_calculate_taxes")) == 2


async def test_prices_expire(world: World) -> None:
    world.sandbox.prices_ttl = timedelta(0)
    buyer = await world.filled()
    await buyer.prices()
    before = len(world.fake.bodies("checkout_calculate_taxes"))
    await buyer.prices()
    assert len(world.fake.bodies("checkout_calculate_taxes")) > before


@pytest.mark.parametrize(
    "answer",
    [
        422,
        500,
        {"lines": []},
        {"shipping_tax_rate": 0, "shipping_price_gross_amount": 0, "shipping_price_net_amount": 0, "lines": []},
    ],
)
async def test_a_failing_tax_app_leaves_base_prices_and_stops_completion(world: World, answer: object) -> None:
    world.fake.answers["checkout_calculate_taxes"] = answer
    buyer = await world.filled()
    prices = await buyer.prices()
    assert (prices.net, prices.tax) == (Decimal("20"), Decimal("0"))
    asked = len(world.fake.bodies("checkout_calculate_taxes"))
    await buyer.prices()
    assert len(world.fake.bodies("checkout_calculate_taxes")) == asked, "a failure is as fresh as a price"
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.complete()
    assert refused.value.code == "TAX_ERROR"
    assert len(world.fake.bodies("checkout_calculate_taxes")) == asked + 1, "completion asks again"


async def test_a_deactivated_tax_app_is_a_failing_one(world: World) -> None:
    world.app.is_active = False
    buyer = await world.filled()
    await buyer.prices()
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.complete()
    assert refused.value.code == "TAX_ERROR"


async def test_without_an_app_the_flat_rate_follows_the_ship_to(bare: World) -> None:
    buyer = await bare.filled(seed.BUYER)
    prices = await buyer.prices()
    assert (prices.net, prices.gross) == (Decimal("20"), Decimal("21"))


async def test_a_country_row_without_strategy_switches_the_app_off(world: World) -> None:
    from app.sandbox.rows.catalog import CountryTaxes

    world.channel.taxes.countries.append(CountryTaxes(country="US", charge_taxes=True))
    buyer = await world.filled()
    assert (await buyer.prices()).net == Decimal("20")
    assert world.fake.bodies("checkout_calculate_taxes") == []


async def test_a_voucher_is_in_no_line_total_and_the_answer_still_is_the_price(world: World) -> None:
    buyer = await world.filled()
    await buyer.add_voucher("FIVE")
    assert (await buyer.prices()).net == Decimal("18")
    base = world.fake.bodies("checkout_calculate_taxes")[-1]["taxBase"]
    assert base["discounts"] == [{"type": "SUBTOTAL", "amount": {"amount": 5.0}}]
    assert base["lines"][0]["totalPrice"]["amount"] == 20.0


async def test_a_detached_checkout_keeps_the_partner_price(world: World) -> None:
    """The hole of saleor-facts 4: no tax call, no user, partner price."""
    world.channel.allow_unpaid_orders = True
    buyer = await world.filled()
    await buyer.prices()
    asked = len(world.fake.bodies("checkout_calculate_taxes"))
    await buyer.detach()
    guest = world.buyer("")
    guest.checkout_id = buyer.checkout_id
    await guest.set_email("nobody@example.com")
    placed = await guest.complete()
    assert placed.net == Decimal("18")
    assert world.store.orders[-1].user is None
    assert len(world.fake.bodies("checkout_calculate_taxes")) == asked


async def test_a_guest_with_an_accounts_email_is_linked_at_completion(world: World) -> None:
    world.channel.allow_unpaid_orders = True
    guest = world.buyer("")
    await guest.new_checkout("default-channel", [("GRID-TEAM", 1)], seed.RESELLER)
    await guest.set_billing(AUSTIN)
    await guest.complete()
    assert world.fake.bodies("checkout_calculate_taxes")[-1]["taxBase"]["sourceObject"]["user"] is None
    assert world.store.orders[-1].user is world.store.user_by_email(seed.RESELLER)


RECURSIVE = (
    "totalBalance { amount }",
    "authorizeStatus",
    "chargeStatus",
    "lines { undiscountedUnitPrice { amount } }",
    "lines { undiscountedTotalPrice { amount } }",
)


@pytest.mark.parametrize("field", RECURSIVE)
async def test_unguarded_fields_ask_the_tax_webhook_inside_itself(bare: World, field: str) -> None:
    query = "subscription { event { ... on CalculateTaxes { taxBase { currency sourceObject { ... on Checkout { %s } } } } } }"
    bare.fake.queries["checkout_calculate_taxes"] = query % field
    await bare.install()
    bare.tax_by_app()
    buyer = await bare.filled()
    await buyer.prices()
    assert len(bare.fake.bodies("checkout_calculate_taxes")) > 1


async def test_guarded_fields_are_an_error_in_the_payload(bare: World) -> None:
    bare.fake.queries["checkout_calculate_taxes"] = (
        "subscription { event { ... on CalculateTaxes { taxBase { currency lines { quantity } sourceObject "
        "{ ... on Checkout { totalPrice { gross { amount } } } } } } } }"
    )
    bare.fake.answers["checkout_calculate_taxes"] = 422
    await bare.install()
    bare.tax_by_app()
    await (await bare.filled()).prices()
    [body] = bare.fake.bodies("checkout_calculate_taxes")
    assert "not allowed" in body["errors"][0]["message"]


async def test_a_variant_without_a_price_in_the_channel_is_not_for_sale(world: World) -> None:
    """Edge case 17."""
    variant = next(row for row in world.store.variants if row.sku == "CHART-YEAR")
    variant.listings[0].price = None
    grid = next(row for row in world.store.variants if row.sku == "GRID-DEV")
    grid.listings[0].price = None
    buyer = world.buyer()
    for sku in ("CHART-YEAR", "GRID-DEV"):
        with pytest.raises(StorefrontRefused, match="not for sale"):
            await buyer.new_checkout("default-channel", [(sku, 1)])
    for row, expected in ((variant, "PRODUCT_UNAVAILABLE_FOR_PURCHASE"), (grid, "UNAVAILABLE_VARIANT_IN_CHANNEL")):
        content = {"channel": "default-channel", "lines": [{"variantId": row.id, "quantity": 1}]}
        with pytest.raises(StorefrontRefused) as refused:
            await buyer.send(CREATE, "checkoutCreate", input=content)
        assert refused.value.code == expected


async def test_priced_fields_are_right_in_a_channel_with_gross_prices(bare: World) -> None:
    buyer = bare.buyer(seed.BUYER)
    await buyer.sign_in()
    await buyer.new_checkout("eu-channel", [("GRID-DEV", 1)])
    await buyer.set_billing({"streetAddress1": "Weg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"})
    prices = await buyer.prices()
    assert (prices.net, prices.gross, prices.currency) == (Decimal("100"), Decimal("119"), "EUR")


async def test_what_cannot_be_understood_is_said(bare: World) -> None:
    with pytest.raises(SaleorError, match="Cannot query field"):
        await bare.buyer().ask("{ nothing }")
