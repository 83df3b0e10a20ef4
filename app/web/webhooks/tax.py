"""The synchronous tax webhook: the answer is the price (saleor-facts 0.1). Decided from memory alone."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from app.clock import Clock
from app.errors import InvalidInput
from app.money import Money, MoneyError, exponent
from app.orders.quote import LineRequest, Quote, QuoteRequest, for_resale, quote, tax_moment
from app.orders.snapshot import Programs
from app.pricing.rules import Item
from app.saleor.shops import Shop, Shops
from app.saleor.tax_payload import CalculateTaxes, Line, LineAnswer, TaxAnswer, TaxBase
from app.settings import Settings
from app.web.dispatch import Asgi
from app.web.webhooks.signed import check_recipient, signed_endpoint

ZERO = Decimal(0)
HALF = Decimal("0.5")
MAX_AMOUNT = Decimal(10) ** 12
"""Above every price Saleor can hold (12 digits, 3 of them decimals)."""

_decoder = msgspec.json.Decoder(CalculateTaxes)
_encoder = msgspec.json.Encoder()


def tax_endpoint(
    shops: Shops, programs: Programs, settings: Settings, clock: Clock, event: str = "checkout_calculate_taxes"
) -> Asgi:
    """The ASGI endpoint of CHECKOUT_CALCULATE_TAXES or ORDER_CALCULATE_TAXES.

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

    return signed_endpoint(shops, settings.max_body_bytes, answer, event)


def quote_request(base: TaxBase, shop: Shop, clock: Clock) -> QuoteRequest:
    """The checkout or order as the program prices it, on today's date in the vendor's zone.

    Raises InvalidInput for an unknown currency, an amount that cannot be a price, and a line whose variant is gone.
    """
    now = clock()
    currency = base.currency
    channel = base.channel.slug
    try:
        scale = Decimal(10) ** exponent(currency)
    except MoneyError as error:
        raise InvalidInput(f"The currency {currency!r} is not known.", code="unknown_currency") from error
    try:
        subtotal = shipping = Money(0, currency)
        for discount in base.discounts:
            if discount.type == "SUBTOTAL":
                subtotal = subtotal + Money(_minor(discount.amount.amount, scale), currency)
            else:
                shipping = shipping + Money(_minor(discount.amount.amount, scale), currency)
        return QuoteRequest(
            channel=channel,
            currency=currency,
            prices_entered_with_tax=base.prices_entered_with_tax,
            user=base.source_object.user.id if base.source_object.user else None,
            country=base.address.country.code if base.address else None,
            on=now.astimezone(ZoneInfo(shop.settings.time_zone)).date(),
            at=tax_moment(shop.settings, now),
            lines=[_line(line, channel, scale) for line in base.lines],
            shipping=Money(_minor(base.shipping_price.amount, scale), currency),
            subtotal_discount=subtotal,
            shipping_discount=shipping,
        )
    except (MoneyError, InvalidOperation) as error:
        raise InvalidInput(f"The request holds no valid money: {error}.", code="money") from error


def _line(line: Line, channel: str, scale: Decimal) -> LineRequest:
    base = _minor(line.total_price.amount, scale)
    variant = line.source_line.variant or line.source_line.order_variant
    resale = for_resale(line.source_line.not_for_resale)
    if variant is None:
        return LineRequest(None, line.product_name, line.quantity, base, None, None, line.charge_taxes, resale)
    product = variant.product
    category = product.category
    collections = product.collections
    tax_class = product.tax_class or product.product_type.tax_class
    retail = None
    for listing in variant.channel_listings or ():
        if listing.channel.slug == channel and listing.price:
            retail = _minor(listing.price.amount, scale)
            break
    return LineRequest(
        Item(
            variant.id,
            product.id,
            category.id if category else None,
            tuple([collection.id for collection in collections]) if collections else (),
        ),
        line.product_name,
        line.quantity,
        base,
        retail,
        tax_class.id if tax_class else None,
        line.charge_taxes,
        resale,
    )


def _minor(amount: Decimal, scale: Decimal) -> int:
    """Saleor's amount in minor units. It rounds its own prices already; a stray digit beyond must not stop a checkout."""
    if not ZERO <= amount < MAX_AMOUNT:  # refuses exponents that would take forever, too; comparing NaN raises InvalidOperation
        raise MoneyError(f"{amount} is not the amount of a price")
    return int(amount * scale + HALF)


def _answer(found: Quote) -> TaxAnswer:
    unit, fractions = _fractions(found.shipping_net.currency)
    lines = []
    for line in found.lines:
        net, gross = line.net_minor, line.gross_minor
        lines.append(
            LineAnswer(f"{gross // unit}{fractions[gross % unit]}", f"{net // unit}{fractions[net % unit]}", str(line.tax.rate))
        )
    net, gross = found.shipping_net.minor, found.shipping_gross.minor
    return TaxAnswer(
        f"{gross // unit}{fractions[gross % unit]}", f"{net // unit}{fractions[net % unit]}", str(found.shipping_rate), lines
    )


@lru_cache(maxsize=64)
def _fractions(currency: str) -> tuple[int, tuple[str, ...]]:
    """How many minor units a major one has, and how each of them is written behind it."""
    decimals = exponent(currency)
    return 10**decimals, tuple(f".{part:0{decimals}d}" for part in range(10**decimals)) if decimals else ("",)
