"""Channels, taxes and what is for sale."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.sandbox.rows.base import ZERO, Numbered, Unguessable


@dataclass(eq=False, kw_only=True)
class TaxClass(Numbered):
    TYPE = "TaxClass"
    name: str
    rates: dict[str, Decimal] = field(default_factory=dict)
    """Percent per country code."""


@dataclass(kw_only=True)
class CountryTaxes:
    """How one country differs from the rest of a channel. A strategy of None means no strategy at all (saleor-facts 3)."""

    country: str
    charge_taxes: bool
    tax_calculation_strategy: str | None = None
    tax_app_id: str | None = None


@dataclass(eq=False, kw_only=True)
class TaxConfiguration(Numbered):
    TYPE = "TaxConfiguration"
    charge_taxes: bool = True
    tax_calculation_strategy: str = "FLAT_RATES"
    display_gross_prices: bool = False
    prices_entered_with_tax: bool = False
    tax_app_id: str | None = None
    countries: list[CountryTaxes] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Warehouse(Unguessable):
    TYPE = "Warehouse"
    name: str


@dataclass(eq=False, kw_only=True)
class Channel(Numbered):
    TYPE = "Channel"
    slug: str
    name: str
    currency_code: str
    country: str
    is_active: bool = True
    automatically_confirm_all_new_orders: bool = True
    allow_unpaid_orders: bool = False
    mark_as_paid_strategy: str = "TRANSACTION_FLOW"
    automatically_complete_fully_paid_checkouts: bool = False
    default_transaction_flow_strategy: str = "CHARGE"
    release_funds_for_expired_checkouts: bool = False
    taxes: TaxConfiguration = field(default_factory=TaxConfiguration)
    warehouses: list[Warehouse] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Category(Numbered):
    TYPE = "Category"
    name: str


@dataclass(eq=False, kw_only=True)
class Collection(Numbered):
    TYPE = "Collection"
    name: str


@dataclass(eq=False, kw_only=True)
class ProductType(Numbered):
    TYPE = "ProductType"
    name: str
    is_shipping_required: bool = False
    tax_class: TaxClass | None = None


@dataclass(eq=False, kw_only=True)
class Product(Numbered):
    TYPE = "Product"
    name: str
    slug: str
    product_type: ProductType
    category: Category | None = None
    collections: list[Collection] = field(default_factory=list)
    tax_class: TaxClass | None = None
    variants: list[Variant] = field(default_factory=list)

    @property
    def effective_tax_class(self) -> TaxClass | None:
        """The product's own, else its type's."""
        return self.tax_class or self.product_type.tax_class


@dataclass(eq=False, kw_only=True)
class Listing(Numbered):
    """A variant's price in a channel; `discounted` is a running promotion's."""

    TYPE = "ProductVariantChannelListing"
    channel: Channel
    price: Decimal | None
    discounted: Decimal | None = None


@dataclass(eq=False, kw_only=True)
class Variant(Numbered):
    TYPE = "ProductVariant"
    name: str
    sku: str
    product: Product
    listings: list[Listing] = field(default_factory=list)
    track_inventory: bool = False

    def listing(self, channel: Channel) -> Listing | None:
        """What it costs in a channel; None where it is not for sale."""
        return next((entry for entry in self.listings if entry.channel is channel and entry.price is not None), None)


@dataclass(eq=False)
class ShownVariant:
    """A variant in the channel it was asked in, taxed where the one who asks is: only so does it have a price to show."""

    row: Variant
    channel: Channel
    country: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@dataclass(kw_only=True)
class Voucher:
    """An entire-order voucher: percent off, or an amount."""

    code: str
    percent: Decimal | None = None
    amount: Decimal = ZERO
