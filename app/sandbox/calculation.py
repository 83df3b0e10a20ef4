"""What a checkout costs: base prices, flat rates, or the tax app's answer, which is the price (saleor-facts 0.1 and 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.sandbox.amounts import money, quantize
from app.sandbox.answers import TaxAnswer, tax_answer
from app.sandbox.rows.base import ZERO
from app.sandbox.rows.catalog import Channel, Variant
from app.sandbox.rows.people import Address, App
from app.sandbox.rows.sales import Checkout, CheckoutLine, LinePrice, Prices
from app.sandbox.store import Store

if TYPE_CHECKING:
    from app.sandbox.shop import Sandbox

BAD_ANSWER = "Configured Tax App returned invalid response."


async def fresh_prices(sandbox: Sandbox, checkout: Checkout, *, depth: int = 0, again: bool = False) -> Prices:
    """The prices of a checkout, calculated when they expired or when `again` is set.

    A failing tax app leaves base prices without tax and the failure in `checkout.tax_error`, good for as long as real prices.
    """
    if depth:
        # A field that asks the webhook it is part of: waiting for the outer question would be waiting for oneself.
        return await _calculated(sandbox, checkout, depth, again)
    async with checkout.calculating:
        return await _calculated(sandbox, checkout, depth, again)


async def _calculated(sandbox: Sandbox, checkout: Checkout, depth: int, again: bool) -> Prices:
    now = sandbox.store.clock()
    if checkout.prices and not again and checkout.prices_until and now < checkout.prices_until:
        return checkout.prices
    change = checkout.updated_at
    strategy, charge, tax_app = _strategy(sandbox, checkout)
    error = None
    prices = _flat(sandbox, checkout, charge=charge and strategy == "FLAT_RATES")
    if strategy == "TAX_APP":
        answer = await _asked(sandbox, checkout, tax_app, depth)
        prices, error = (_answered(checkout, answer), None) if answer else (prices, BAD_ANSWER)
    if change == checkout.updated_at:
        checkout.prices, checkout.tax_error = prices, error
        checkout.prices_until = now + sandbox.prices_ttl
        refresh_payment_status(checkout)
    return prices


def expire_prices(sandbox: Sandbox, checkout: Checkout) -> None:
    """Something that prices depend on changed."""
    checkout.prices_until = None
    touch(sandbox, checkout)


def touch(sandbox: Sandbox, checkout: Checkout) -> None:
    """The checkout changed now, and later than before even within one tick of the clock."""
    checkout.updated_at = max(sandbox.store.clock(), checkout.updated_at + timedelta(microseconds=1))


def refresh_payment_status(checkout: Checkout) -> None:
    """A checkout counts what is only pending, too; an order does not (saleor-facts 5)."""
    total = checkout.prices.gross if checkout.prices else ZERO
    charged = sum((item.charged + item.charge_pending for item in checkout.transactions), ZERO)
    covered = charged + sum((item.authorized + item.authorize_pending for item in checkout.transactions), ZERO)
    checkout.charge_status = status_of(charged, total, bool(checkout.lines))
    checkout.authorize_status = status_of(covered, total, bool(checkout.lines)).replace("OVERCHARGED", "FULL")


def status_of(amount: Decimal, total: Decimal, has_lines: bool = True) -> str:
    """NONE, PARTIAL, FULL or OVERCHARGED."""
    if total <= 0 and has_lines:
        return "OVERCHARGED" if amount > 0 else "FULL"
    if amount <= 0:
        return "NONE"
    return "PARTIAL" if amount < total else "FULL" if amount == total else "OVERCHARGED"


def unit_base(line: CheckoutLine) -> Decimal:
    """What one unit costs before a voucher: a running promotion's price, else the channel's."""
    listing = line.variant.listing(line.checkout.channel)
    if listing is None or listing.price is None:
        return ZERO
    return listing.discounted if listing.discounted is not None else listing.price


def unit_undiscounted(line: CheckoutLine) -> Decimal:
    """The channel's price of one unit."""
    listing = line.variant.listing(line.checkout.channel)
    return listing.price if listing and listing.price is not None else ZERO


def voucher_discount(checkout: Checkout) -> Decimal:
    """What an entire-order voucher takes off the subtotal; in no line's total (saleor-facts 3)."""
    subtotal = sum((unit_base(line) * line.quantity for line in checkout.lines), ZERO)
    if checkout.voucher is None:
        return ZERO
    off = subtotal * checkout.voucher.percent / 100 if checkout.voucher.percent is not None else checkout.voucher.amount
    return min(quantize(off, checkout.channel.currency_code), subtotal)


def tax_base(checkout: Checkout) -> dict[str, Any]:
    """The `TaxableObject` a tax app is asked with. The address is the ship-to, as Saleor takes it (edge case 30)."""
    currency = checkout.channel.currency_code
    off = voucher_discount(checkout)
    return {
        "source_object": checkout,
        "prices_entered_with_tax": checkout.channel.taxes.prices_entered_with_tax,
        "currency": currency,
        "channel": checkout.channel,
        "address": checkout.shipping_address or checkout.billing_address,
        "shipping_price": money(ZERO, currency),
        "discounts": [{"type": "SUBTOTAL", "amount": money(off, currency)}] if off else [],
        "lines": [
            {
                "source_line": line,
                "quantity": line.quantity,
                "charge_taxes": checkout.channel.taxes.charge_taxes,
                "product_name": line.variant.product.name,
                "variant_name": line.variant.name,
                "product_sku": line.variant.sku,
                "unit_price": money(unit_base(line), currency),
                "total_price": money(unit_base(line) * line.quantity, currency),
            }
            for line in checkout.lines
        ],
    }


def flat_rate(store: Store, variant: Variant, country: str) -> Decimal:
    """The store's own rate as a fraction."""
    tax_class = variant.product.effective_tax_class
    rates = store.default_rates
    percent = tax_class.rates.get(country, rates.get(country, ZERO)) if tax_class else rates.get(country, ZERO)
    return percent / 100


def country_of(channel: Channel, shipping: Address | None, billing: Address | None) -> str:
    """Where a checkout is taxed."""
    address = shipping or billing
    return address.country if address and address.country else channel.country


async def _asked(sandbox: Sandbox, checkout: Checkout, app: App | None, depth: int) -> TaxAnswer | None:
    if app is None:
        return None
    lines = len(checkout.lines)
    body = await sandbox.webhooks.call("CHECKOUT_CALCULATE_TAXES", app, {"tax_base": tax_base(checkout)}, None, depth=depth + 1)
    return tax_answer(body, lines)


def _strategy(sandbox: Sandbox, checkout: Checkout) -> tuple[str | None, bool, App | None]:
    """How this checkout is taxed; a country's row replaces the channel's values, a missing strategy included (saleor-facts 3)."""
    taxes = checkout.channel.taxes
    country = country_of(checkout.channel, checkout.shipping_address, checkout.billing_address)
    row = next((entry for entry in taxes.countries if entry.country == country), None)
    strategy = row.tax_calculation_strategy if row else taxes.tax_calculation_strategy
    identifier = row.tax_app_id if row else taxes.tax_app_id
    app = next((app for app in sandbox.store.apps if app.identifier == identifier and app.is_active and not app.removed), None)
    charge = row.charge_taxes if row else taxes.charge_taxes
    return (strategy if charge else None), charge, app


def _answered(checkout: Checkout, answer: TaxAnswer) -> Prices:
    currency = checkout.channel.currency_code
    return Prices(
        lines={
            line.pk: line_price(said.total_net_amount, said.total_gross_amount, said.tax_rate / 100, line.quantity, currency)
            for line, said in zip(checkout.lines, answer.lines, strict=True)
        },
        shipping_net=answer.shipping_price_net_amount,
        shipping_gross=answer.shipping_price_gross_amount,
    )


def line_price(net: Decimal, gross: Decimal, rate: Decimal, quantity: int, currency: str) -> LinePrice:
    """A line from its totals; the unit is the total divided."""
    net, gross = quantize(net, currency), quantize(gross, currency)
    return LinePrice(
        net=net,
        gross=gross,
        rate=rate,
        unit_net=quantize(net / quantity, currency),
        unit_gross=quantize(gross / quantity, currency),
    )


def _flat(sandbox: Sandbox, checkout: Checkout, *, charge: bool) -> Prices:
    """Base prices, with the store's flat rates where they are charged."""
    currency = checkout.channel.currency_code
    country = country_of(checkout.channel, checkout.shipping_address, checkout.billing_address)
    totals = _spread(checkout.lines, voucher_discount(checkout), currency)
    lines = {}
    for line, total in zip(checkout.lines, totals, strict=True):
        rate = flat_rate(sandbox.store, line.variant, country) if charge else ZERO
        if checkout.channel.taxes.prices_entered_with_tax:
            lines[line.pk] = line_price(total / (1 + rate), total, rate, line.quantity, currency)
        else:
            lines[line.pk] = line_price(total, total * (1 + rate), rate, line.quantity, currency)
    return Prices(lines=lines)


def _spread(lines: Sequence[CheckoutLine], off: Decimal, currency: str) -> list[Decimal]:
    """Line totals after an entire-order discount, its share by value, the rest on the last line."""
    totals = [unit_base(line) * line.quantity for line in lines]
    whole = sum(totals, ZERO)
    left = off
    for index, total in enumerate(totals):
        share = left if index == len(totals) - 1 else quantize(off * total / whole, currency) if whole else ZERO
        totals[index] = total - share
        left -= share
    return totals
