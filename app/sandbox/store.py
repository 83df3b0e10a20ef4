"""The shop's state, in memory: plain objects named as Saleor names them, and one `Store` that holds them all."""

from __future__ import annotations

import asyncio
import base64
import itertools
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from app.clock import Clock, system_clock

ZERO = Decimal(0)
_numbers = itertools.count(1)


def number() -> str:
    """A key as Saleor gives rows that are counted."""
    return str(next(_numbers))


def uid() -> str:
    """A key as Saleor gives rows whose id must not be guessed."""
    return str(uuid.uuid4())


@dataclass(eq=False, kw_only=True)
class Row:
    """Something with a global id, `base64("Type:key")`."""

    TYPE: ClassVar[str] = ""

    pk: str = field(default_factory=number)
    metadata: dict[str, str] = field(default_factory=dict)
    private_metadata: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Saleor's global id."""
        return base64.b64encode(f"{self.TYPE}:{self.pk}".encode()).decode()


@dataclass(eq=False, kw_only=True)
class Numbered(Row):
    """A row with a counted key."""


@dataclass(eq=False, kw_only=True)
class Unguessable(Row):
    """A row with a random key."""

    pk: str = field(default_factory=uid)


# --- The catalog ------------------------------------------------------------------------------------------------------


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


# --- People and apps --------------------------------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Address(Numbered):
    TYPE = "Address"
    first_name: str = ""
    last_name: str = ""
    company_name: str = ""
    street_address_1: str = ""
    street_address_2: str = ""
    city: str = ""
    city_area: str = ""
    postal_code: str = ""
    country: str = ""
    country_area: str = ""
    phone: str = ""

    def copy(self) -> Address:
        """The same address as a row of its own, metadata included (saleor-facts 7)."""
        return replace(self, pk=number(), metadata=dict(self.metadata), private_metadata={})


@dataclass(eq=False, kw_only=True)
class User(Numbered):
    TYPE = "User"
    email: str
    password: str | None = None
    first_name: str = ""
    last_name: str = ""
    is_staff: bool = False
    is_active: bool = True
    is_confirmed: bool = True
    language_code: str = "EN"
    external_reference: str | None = None
    addresses: list[Address] = field(default_factory=list)
    permissions: set[str] = field(default_factory=set)
    jwt_token_key: str = field(default_factory=lambda: secrets.token_hex(6))


@dataclass(eq=False, kw_only=True)
class Webhook(Numbered):
    TYPE = "Webhook"
    name: str = ""
    identifier: str | None = None
    target_url: str = ""
    subscription_query: str = ""
    events: set[str] = field(default_factory=set)
    """Names in upper case, synchronous and asynchronous ones."""
    is_active: bool = True
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class AppProblem(Numbered):
    TYPE = "AppProblem"
    message: str
    key: str
    count: int = 1


@dataclass(eq=False, kw_only=True)
class App(Numbered):
    TYPE = "App"
    name: str
    identifier: str
    app_url: str = ""
    version: str = ""
    auth_token: str = field(default_factory=lambda: secrets.token_hex(15))
    """Exactly 30 characters: that is how Saleor tells app tokens from JWTs (saleor-facts 1)."""
    permissions: set[str] = field(default_factory=set)
    webhooks: list[Webhook] = field(default_factory=list)
    problems: list[AppProblem] = field(default_factory=list)
    is_active: bool = True
    removed: bool = False
    created: datetime


@dataclass(eq=False, kw_only=True)
class AppInstallation(Numbered):
    TYPE = "AppInstallation"
    app_name: str
    manifest_url: str
    permissions: set[str]
    activate: bool
    created_at: datetime
    updated_at: datetime
    status: str = "PENDING"
    message: str | None = None


# --- Checkouts --------------------------------------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class CheckoutLine(Unguessable):
    TYPE = "CheckoutLine"
    checkout: Checkout
    variant: Variant
    quantity: int
    is_gift: bool = False


@dataclass(frozen=True, kw_only=True)
class LinePrice:
    """A line's price after tax, in major units; `rate` is a fraction."""

    net: Decimal
    gross: Decimal
    rate: Decimal
    unit_net: Decimal
    unit_gross: Decimal


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a checkout costs, as last calculated; lines by their keys."""

    lines: dict[str, LinePrice]
    shipping_net: Decimal = ZERO
    shipping_gross: Decimal = ZERO

    @property
    def subtotal_net(self) -> Decimal:
        return sum((line.net for line in self.lines.values()), ZERO)

    @property
    def subtotal_gross(self) -> Decimal:
        return sum((line.gross for line in self.lines.values()), ZERO)

    @property
    def net(self) -> Decimal:
        return self.subtotal_net + self.shipping_net

    @property
    def gross(self) -> Decimal:
        return self.subtotal_gross + self.shipping_gross


@dataclass(eq=False, kw_only=True)
class Checkout(Unguessable):
    TYPE = "Checkout"
    channel: Channel
    created: datetime
    updated_at: datetime
    email: str | None = None
    user: User | None = None
    lines: list[CheckoutLine] = field(default_factory=list)
    billing_address: Address | None = None
    shipping_address: Address | None = None
    save_billing: bool = True
    save_shipping: bool = True
    language_code: str = "EN"
    voucher: Voucher | None = None
    prices: Prices | None = None
    prices_until: datetime | None = None
    """None when something changed that prices depend on."""
    tax_error: str | None = None
    transactions: list[Transaction] = field(default_factory=list)
    authorize_status: str = "NONE"
    charge_status: str = "NONE"
    calculating: asyncio.Lock = field(default_factory=asyncio.Lock)
    """The fields of one query ask for prices at once; the first of them calculates."""

    @property
    def voucher_code(self) -> str | None:
        return self.voucher.code if self.voucher else None

    @property
    def is_shipping_required(self) -> bool:
        return any(line.variant.product.product_type.is_shipping_required for line in self.lines)

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def token(self) -> str:
        return self.pk


# --- Money ------------------------------------------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class TransactionEvent(Unguessable):
    TYPE = "TransactionEvent"
    type: str
    amount: Decimal
    currency: str
    created_at: datetime
    psp_reference: str = ""
    message: str = ""
    external_url: str = ""
    created_by: User | App | None = None
    idempotency_key: str | None = None
    counts: bool = True
    """False for requests that wait for an answer and for refused reports: they are shown but not added up."""


@dataclass(eq=False, kw_only=True)
class Transaction(Unguessable):
    TYPE = "TransactionItem"
    currency: str
    created_at: datetime
    created_by: User | App | None
    name: str = ""
    message: str = ""
    psp_reference: str = ""
    external_url: str = ""
    actions: list[str] = field(default_factory=list)
    checkout: Checkout | None = None
    order: Order | None = None
    events: list[TransactionEvent] = field(default_factory=list)
    authorized: Decimal = ZERO
    authorize_pending: Decimal = ZERO
    charged: Decimal = ZERO
    charge_pending: Decimal = ZERO
    refunded: Decimal = ZERO
    refund_pending: Decimal = ZERO
    canceled: Decimal = ZERO
    cancel_pending: Decimal = ZERO


# --- Orders -----------------------------------------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class OrderLine(Unguessable):
    TYPE = "OrderLine"
    order: Order
    variant: Variant | None
    product_name: str
    variant_name: str
    product_sku: str
    product_variant_id: str
    is_shipping_required: bool
    quantity: int
    price: LinePrice
    undiscounted: Decimal
    """The unit's price before any reduction, as entered in the channel."""
    quantity_fulfilled: int = 0
    is_gift: bool = False
    is_price_overridden: bool = False
    voucher_code: str | None = None


@dataclass(eq=False, kw_only=True)
class FulfillmentLine(Numbered):
    TYPE = "FulfillmentLine"
    order_line: OrderLine
    quantity: int


@dataclass(eq=False, kw_only=True)
class Fulfillment(Numbered):
    TYPE = "Fulfillment"
    order: Order
    fulfillment_order: int
    status: str
    created: datetime
    lines: list[FulfillmentLine]
    tracking_number: str = ""
    warehouse: Warehouse | None = None


@dataclass(eq=False, kw_only=True)
class OrderEvent(Numbered):
    TYPE = "OrderEvent"
    type: str
    date: datetime
    message: str | None = None
    user: User | None = None
    app: App | None = None


@dataclass(eq=False, kw_only=True)
class Invoice(Numbered):
    TYPE = "Invoice"
    number: str
    url: str
    created_at: datetime
    status: str = "SUCCESS"


@dataclass(eq=False, kw_only=True)
class Order(Unguessable):
    TYPE = "Order"
    number: str
    channel: Channel
    created: datetime
    updated_at: datetime
    status: str
    user: User | None
    user_email: str
    billing_address: Address | None
    shipping_address: Address | None
    language_code: str
    voucher: Voucher | None
    checkout_id: str
    shipping_net: Decimal = ZERO
    shipping_gross: Decimal = ZERO
    discount: Decimal = ZERO
    origin: str = "CHECKOUT"
    lines: list[OrderLine] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    events: list[OrderEvent] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)

    @property
    def net(self) -> Decimal:
        return sum((line.price.net for line in self.lines), self.shipping_net)

    @property
    def gross(self) -> Decimal:
        return sum((line.price.gross for line in self.lines), self.shipping_gross)

    @property
    def charged(self) -> Decimal:
        return sum((transaction.charged for transaction in self.transactions), ZERO)

    @property
    def authorized(self) -> Decimal:
        return sum((transaction.authorized for transaction in self.transactions), ZERO)


R = TypeVar("R", bound=Row)


@dataclass(kw_only=True)
class Store:
    """Everything the shop knows."""

    name: str = "Sandbox shop"
    version: str = "3.23.28"
    fulfillment_auto_approve: bool = True
    fulfillment_allow_unpaid: bool = True
    allowed_client_hosts: set[str] = field(default_factory=lambda: {"127.0.0.1", "localhost"})
    channels: list[Channel] = field(default_factory=list)
    tax_classes: list[TaxClass] = field(default_factory=list)
    default_rates: dict[str, Decimal] = field(default_factory=dict)
    """Percent per country for products without a tax class."""
    products: list[Product] = field(default_factory=list)
    vouchers: list[Voucher] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    apps: list[App] = field(default_factory=list)
    installations: list[AppInstallation] = field(default_factory=list)
    checkouts: list[Checkout] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    clock: Clock = system_clock
    next_order: int = 1

    @property
    def variants(self) -> Iterable[Variant]:
        """Every variant of every product."""
        return (variant for product in self.products for variant in product.variants)

    @property
    def warehouses(self) -> list[Warehouse]:
        """Every warehouse, each once."""
        return list(dict.fromkeys(warehouse for channel in self.channels for warehouse in channel.warehouses))

    def user_by_email(self, email: str) -> User | None:
        """Compared without case (saleor-facts 7)."""
        return next((user for user in self.users if user.email.lower() == email.strip().lower()), None)

    def channel(self, slug: str | None) -> Channel | None:
        """By its slug."""
        return next((channel for channel in self.channels if channel.slug == slug), None)

    def find(self, rows: Iterable[R], id: str | None) -> R | None:
        """The row with a global id."""
        return next((row for row in rows if row.id == id), None)

    def having_metadata(self, id: str) -> Any:
        """Whatever object may carry metadata and has this id; None when nothing does."""
        kinds: tuple[Iterable[Row], ...] = (
            self.checkouts,
            self.orders,
            self.users,
            self.products,
            self.variants,
            self.channels,
            self.transactions,
            (line for checkout in self.checkouts for line in checkout.lines),
            (line for order in self.orders for line in order.lines),
            (fulfillment for order in self.orders for fulfillment in order.fulfillments),
        )
        return next((row for rows in kinds for row in rows if row.id == id), None)
