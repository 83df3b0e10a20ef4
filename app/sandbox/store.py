"""The shop's state, in memory: one `Store` that holds every row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.clock import Clock, system_clock
from app.sandbox.rows.base import Row
from app.sandbox.rows.catalog import Channel, Product, TaxClass, Variant, Voucher, Warehouse
from app.sandbox.rows.people import App, AppInstallation, CustomerType, User
from app.sandbox.rows.sales import Checkout, Order, Transaction


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
    customer_types: list[CustomerType] = field(
        default_factory=lambda: [CustomerType(name="Default customer", slug="default-customer", is_default=True)]
    )
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

    def having_metadata(self, id: str) -> Any:
        """Whatever object may carry metadata and has this id; None when nothing does."""
        kinds: tuple[Iterable[Row], ...] = (
            self.checkouts,
            self.orders,
            self.users,
            self.customer_types,
            self.products,
            self.variants,
            self.channels,
            self.transactions,
            (line for checkout in self.checkouts for line in checkout.lines),
            (line for order in self.orders for line in order.lines),
            (fulfillment for order in self.orders for fulfillment in order.fulfillments),
        )
        return next((row for rows in kinds for row in rows if row.id == id), None)
