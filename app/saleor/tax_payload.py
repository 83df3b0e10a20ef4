"""What CHECKOUT_CALCULATE_TAXES and ORDER_CALCULATE_TAXES tell, as the subscriptions in `graphql/subscriptions` select it.

msgspec instead of Pydantic: a buyer waits for this answer (`performance.md`). JSON numbers become Decimal as written, no float
between. What Saleor's schema lets be null is optional here; everything else missing is a malformed body.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class _Payload(msgspec.Struct, gc=False, rename="camel"):
    pass


class Id(_Payload):
    id: str


class Slug(_Payload):
    slug: str


class Price(_Payload):
    amount: Decimal


class Country(_Payload):
    code: str


class Address(_Payload):
    country: Country


class Discount(_Payload):
    """An entire-order discount (SUBTOTAL) or one on shipping; in no line's total (saleor-facts 3)."""

    type: Literal["SUBTOTAL", "SHIPPING"]
    amount: Price


class Listing(_Payload):
    channel: Slug
    price: Price | None = None


class TaxClassOwner(_Payload):
    tax_class: Id | None = None


class Product(_Payload):
    id: str
    product_type: TaxClassOwner
    category: Id | None = None
    collections: tuple[Id, ...] | None = None
    tax_class: Id | None = None


class Variant(_Payload):
    id: str
    product: Product
    channel_listings: tuple[Listing, ...] | None = None


class SourceLine(_Payload):
    """A checkout's line has `variant`; an order's has it under an alias (saleor-facts 0.8), null once it is deleted."""

    variant: Variant | None = None
    order_variant: Variant | None = None
    not_for_resale: str | None = None
    """The line's own metadata of that key (edge case 40)."""


class Line(_Payload):
    quantity: int
    charge_taxes: bool
    product_name: str
    total_price: Price
    source_line: SourceLine


class SourceObject(_Payload):
    id: str
    user: Id | None = None


class TaxBase(_Payload):
    prices_entered_with_tax: bool
    currency: str
    channel: Slug
    shipping_price: Price
    lines: tuple[Line, ...]
    source_object: SourceObject
    discounts: tuple[Discount, ...] = ()
    address: Address | None = None


class CalculateTaxes(_Payload):
    """The body of both events."""

    tax_base: TaxBase
    recipient: Id | None = None


class LineAnswer(msgspec.Struct, frozen=True, gc=False):
    """A line of the answer: amounts in major units, the rate in percent, all as text."""

    total_gross_amount: str
    total_net_amount: str
    tax_rate: str


class TaxAnswer(msgspec.Struct, frozen=True, gc=False):
    """The answer Saleor takes prices and taxes from; one line per line asked, in the same order."""

    shipping_price_gross_amount: str
    shipping_price_net_amount: str
    shipping_tax_rate: str
    lines: list[LineAnswer]
