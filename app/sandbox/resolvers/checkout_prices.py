"""The priced fields of a checkout: they ask the tax app when they have to (saleor-facts 2 and 3)."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from app.sandbox import context
from app.sandbox.amounts import money, taxed
from app.sandbox.calculation import fresh_prices, unit_undiscounted, voucher_discount
from app.sandbox.context import Info, SaleorException
from app.sandbox.rows.sales import Checkout, CheckoutLine, Prices

checkout_type = ObjectType("Checkout")
line_type = ObjectType("CheckoutLine")

PAYMENT_EVENTS = ("PAYMENT_", "TRANSACTION_")


async def _guarded(checkout: Checkout, info: Info) -> Prices:
    """Priced fields are refused inside synchronous payloads, except payment ones (saleor-facts 2)."""
    caller = context.of(info)
    if caller.depth and not (caller.event or "").startswith(PAYMENT_EVENTS):
        raise SaleorException("Resolving this field is not allowed in synchronous events.", "CircularSubscriptionSyncEvent")
    return await _prices(checkout, info)


async def _prices(checkout: Checkout, info: Info) -> Prices:
    """Unguarded: inside a tax webhook this asks the same webhook again (saleor-facts 2)."""
    caller = context.of(info)
    return await fresh_prices(caller.sandbox, checkout, depth=caller.depth)


@checkout_type.field("totalPrice")
async def resolve_total(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.net, prices.gross, checkout.channel.currency_code)


@checkout_type.field("subtotalPrice")
async def resolve_subtotal(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.subtotal_net, prices.subtotal_gross, checkout.channel.currency_code)


@checkout_type.field("shippingPrice")
async def resolve_shipping(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.shipping_net, prices.shipping_gross, checkout.channel.currency_code)


@checkout_type.field("totalBalance")
async def resolve_balance(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _prices(checkout, info)
    return money(sum((item.charged for item in checkout.transactions), -prices.gross), checkout.channel.currency_code)


@checkout_type.field("authorizeStatus")
async def resolve_authorize_status(checkout: Checkout, info: Info) -> str:
    await _prices(checkout, info)
    return checkout.authorize_status


@checkout_type.field("chargeStatus")
async def resolve_charge_status(checkout: Checkout, info: Info) -> str:
    await _prices(checkout, info)
    return checkout.charge_status


@checkout_type.field("discount")
def resolve_discount(checkout: Checkout, info: Info) -> dict[str, Any]:
    return money(voucher_discount(checkout), checkout.channel.currency_code)


@checkout_type.field("discountName")
def resolve_discount_name(checkout: Checkout, info: Info) -> str | None:
    return checkout.voucher_code


@line_type.field("unitPrice")
async def resolve_unit(line: CheckoutLine, info: Info) -> dict[str, Any]:
    price = (await _guarded(line.checkout, info)).lines[line.pk]
    return taxed(price.unit_net, price.unit_gross, line.checkout.channel.currency_code)


@line_type.field("totalPrice")
async def resolve_line_total(line: CheckoutLine, info: Info) -> dict[str, Any]:
    price = (await _guarded(line.checkout, info)).lines[line.pk]
    return taxed(price.net, price.gross, line.checkout.channel.currency_code)


@line_type.field("undiscountedUnitPrice")
async def resolve_undiscounted_unit(line: CheckoutLine, info: Info) -> dict[str, Any]:
    await _prices(line.checkout, info)
    return money(unit_undiscounted(line), line.checkout.channel.currency_code)


@line_type.field("undiscountedTotalPrice")
async def resolve_undiscounted_total(line: CheckoutLine, info: Info) -> dict[str, Any]:
    await _prices(line.checkout, info)
    return money(unit_undiscounted(line) * line.quantity, line.checkout.channel.currency_code)


BINDABLES = [checkout_type, line_type]
