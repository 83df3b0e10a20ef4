"""Checkouts, transactions and orders."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.sandbox.rows.base import ZERO, Numbered, Unguessable
from app.sandbox.rows.catalog import Channel, Variant, Voucher, Warehouse
from app.sandbox.rows.people import Address, App, User


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
    number: str | None
    url: str | None
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

    def refresh_status(self) -> None:
        """What its fulfillments make of it, also of an unconfirmed or canceled order (saleor-facts 6)."""
        done = sum(line.quantity for row in self.fulfillments if row.status == "FULFILLED" for line in row.lines)
        whole = sum(line.quantity for line in self.lines)
        self.status = "UNFULFILLED" if not done else "PARTIALLY_FULFILLED" if done < whole else "FULFILLED"

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
