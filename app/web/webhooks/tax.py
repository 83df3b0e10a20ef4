"""The synchronous tax webhook: the answer is the price (saleor-facts 0.1). Decided from memory alone."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import msgspec

from app.clock import Clock
from app.errors import InvalidInput
from app.money import Money, MoneyError, exponent
from app.orders.quote import LineRequest, Quote, QuoteRequest, quote
from app.orders.snapshot import Programs
from app.pricing.rules import Item
from app.saleor.shops import Shop, Shops
from app.saleor.tax_payload import CalculateTaxes, Line, LineAnswer, TaxAnswer, TaxBase, Variant
from app.settings import Settings
from app.web.dispatch import Asgi
from app.web.webhooks.signed import check_recipient, signed_endpoint

ZERO = Decimal(0)
MAX_AMOUNT = Decimal(10) ** 12
"""Above every price Saleor can hold (12 digits, 3 of them decimals)."""

_decoder = msgspec.json.Decoder(CalculateTaxes)
_encoder = msgspec.json.Encoder()


def tax_endpoint(shops: Shops, programs: Programs, settings: Settings, clock: Clock) -> Asgi:
    """The ASGI endpoint of CHECKOUT_CALCULATE_TAXES and ORDER_CALCULATE_TAXES.

    Answers 200 with prices and taxes, 422 with a sentence where a rule says no, and the other errors as saleor-facts 0.6 says.
    """

    async def answer(shop: Shop, body: bytes) -> bytes:
        try:
            payload = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"The body is not the tax request of this app's subscription: {error}.", code="malformed"
            ) from error
        check_recipient(shop, payload.recipient.id if payload.recipient else None)
        request = quote_request(payload.tax_base, shop, clock)
        return _encoder.encode(_answer(quote(request, programs.get(shop.tenant_id))))

    return signed_endpoint(shops, settings.max_body_bytes, answer)


def quote_request(base: TaxBase, shop: Shop, clock: Clock) -> QuoteRequest:
    """The checkout or order as the program prices it, on today's date in the vendor's zone.

    Raises InvalidInput for an unknown currency, an amount that cannot be a price, and a line whose variant is gone.
    """
    currency = base.currency
    channel = base.channel.slug
    try:
        exponent(currency)
    except MoneyError as error:
        raise InvalidInput(f"The currency {currency!r} is not known.", code="unknown_currency") from error
    try:
        subtotal = shipping = Money(0, currency)
        for discount in base.discounts:
            if discount.type == "SUBTOTAL":
                subtotal = subtotal + _money(discount.amount.amount, currency)
            else:
                shipping = shipping + _money(discount.amount.amount, currency)
        return QuoteRequest(
            channel=channel,
            currency=currency,
            prices_entered_with_tax=base.prices_entered_with_tax,
            user=base.source_object.user.id if base.source_object.user else None,
            country=base.address.country.code if base.address else None,
            on=clock().astimezone(ZoneInfo(shop.settings.time_zone)).date(),
            lines=[_line(line, channel, currency) for line in base.lines],
            shipping=_money(base.shipping_price.amount, currency),
            subtotal_discount=subtotal,
            shipping_discount=shipping,
        )
    except (MoneyError, InvalidOperation) as error:
        raise InvalidInput(f"The request holds no valid money: {error}.", code="money") from error


def _line(line: Line, channel: str, currency: str) -> LineRequest:
    variant = line.source_line.variant or line.source_line.order_variant
    base = _money(line.total_price.amount, currency)
    if variant is None:
        return LineRequest(None, line.product_name, line.quantity, base, None, None, line.charge_taxes)
    product = variant.product
    tax_class = product.tax_class or product.product_type.tax_class
    item = Item(
        variant.id,
        product.id,
        product.category.id if product.category else None,
        tuple([collection.id for collection in product.collections]) if product.collections else (),
    )
    retail = _retail(variant, channel, currency)
    class_id = tax_class.id if tax_class else None
    return LineRequest(item, line.product_name, line.quantity, base, retail, class_id, line.charge_taxes)


def _retail(variant: Variant, channel: str, currency: str) -> Money | None:
    for listing in variant.channel_listings or ():
        if listing.channel.slug == channel:
            return _money(listing.price.amount, currency) if listing.price else None
    return None


def _money(amount: Decimal, currency: str) -> Money:
    """Saleor's amount in minor units. It rounds its own prices already; a stray digit beyond must not stop a checkout."""
    if not ZERO <= amount < MAX_AMOUNT:  # refuses exponents that would take forever, too; comparing NaN raises InvalidOperation
        raise MoneyError(f"{amount} is not the amount of a price")
    scaled = amount.scaleb(exponent(currency))
    minor = int(scaled)
    return Money(minor if minor == scaled else int(scaled.to_integral_value(ROUND_HALF_UP)), currency)


def _answer(found: Quote) -> TaxAnswer:
    return TaxAnswer(
        _text(found.shipping_gross),
        _text(found.shipping_net),
        found.shipping_rate,
        [LineAnswer(_text(line.gross), _text(line.net), line.tax.rate) for line in found.lines],
    )


def _text(price: Money) -> str:
    """The amount in major units."""
    decimals = exponent(price.currency)
    if not decimals:
        return str(price.minor)
    digits = f"{price.minor:0{decimals + 1}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}"
