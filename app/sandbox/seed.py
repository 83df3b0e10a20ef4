"""The demo shop: channels, licenses for sale, and the people of the story."""

from __future__ import annotations

from decimal import Decimal

from app.clock import Clock, system_clock
from app.sandbox.rows.catalog import (
    Category,
    Channel,
    Collection,
    Listing,
    Product,
    ProductType,
    TaxClass,
    TaxConfiguration,
    Variant,
    Voucher,
    Warehouse,
)
from app.sandbox.rows.people import User
from app.sandbox.store import Store

PASSWORD = "password"  # noqa: S105 - everybody's in a shop that exists only in memory
STAFF = "admin@example.com"
RESELLER = "reseller@example.com"
EXEMPT = "exempt@example.com"
BUYER = "buyer@example.com"
END_CUSTOMER = "eva@acme.example"
PERMISSIONS = {
    "MANAGE_USERS",
    "MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES",
    "MANAGE_STAFF",
    "IMPERSONATE_USER",
    "MANAGE_APPS",
    "MANAGE_CHECKOUTS",
    "HANDLE_CHECKOUTS",
    "HANDLE_TAXES",
    "MANAGE_TAXES",
    "MANAGE_CHANNELS",
    "MANAGE_DISCOUNTS",
    "MANAGE_GIFT_CARD",
    "MANAGE_ORDERS",
    "HANDLE_PAYMENTS",
    "MANAGE_PRODUCTS",
    "MANAGE_SHIPPING",
    "MANAGE_SETTINGS",
}
"""All that an administrator of this shop may do and grant."""


def demo_store(clock: Clock = system_clock) -> Store:
    """A shop as a vendor has it before the reseller program: own prices, own flat rates, orders confirmed by themselves."""
    warehouse = Warehouse(name="Licenses")
    channels = [
        Channel(slug="default-channel", name="Store", currency_code="USD", country="US", warehouses=[warehouse]),
        Channel(slug="eu-channel", name="Store Europe", currency_code="EUR", country="DE", warehouses=[warehouse]),
        Channel(slug="reseller-channel", name="Resellers", currency_code="USD", country="US", warehouses=[warehouse]),
    ]
    channels[1].taxes = TaxConfiguration(prices_entered_with_tax=True, display_gross_prices=True)
    software = TaxClass(
        name="Software", rates={"US": Decimal("5"), "DE": Decimal("19"), "FR": Decimal("20"), "AT": Decimal("20")}
    )
    store = Store(
        channels=channels,
        tax_classes=[software],
        default_rates={"US": Decimal("5"), "DE": Decimal("19"), "FR": Decimal("20"), "AT": Decimal("20"), "PL": Decimal("23")},
        vouchers=[Voucher(code="WELCOME10", percent=Decimal(10)), Voucher(code="FIVE", amount=Decimal(5))],
        clock=clock,
    )
    store.products = _products(channels, software)
    store.users = [
        User(email=STAFF, password=PASSWORD, first_name="Ada", last_name="Admin", is_staff=True, permissions=set(PERMISSIONS)),
        User(email=RESELLER, password=PASSWORD, first_name="Rita", last_name="Reseller"),
        User(email=EXEMPT, password=PASSWORD, first_name="Emil", last_name="Exempt"),
        User(email=BUYER, password=PASSWORD, first_name="Bob", last_name="Buyer"),
        User(email=END_CUSTOMER, password=PASSWORD, first_name="Eva", last_name="Endkunde"),
    ]
    return store


def _products(channels: list[Channel], tax_class: TaxClass) -> list[Product]:
    kind = ProductType(name="License", tax_class=tax_class)
    components = Category(name="Components")
    popular = Collection(name="Popular")
    grid = Product(
        name="Grid Control",
        slug="grid-control",
        product_type=kind,
        category=components,
        collections=[popular],
        metadata={"license.product": "grid-control", "license.maintenance_months": "12"},
    )
    chart = Product(
        name="Chart Studio",
        slug="chart-studio",
        product_type=kind,
        category=components,
        metadata={"license.product": "chart-studio", "license.term": "12 months"},
    )
    _variant(grid, channels, "Developer", "GRID-DEV", "100.00", "119.00")
    _variant(grid, channels, "Team", "GRID-TEAM", "10.00", "11.90", {"license.edition": "team", "license.seats_per_unit": "5"})
    _variant(chart, channels, "Subscription", "CHART-YEAR", "249.00", "299.00")
    boxed = Product(
        name="Printed Handbook",
        slug="handbook",
        product_type=ProductType(name="Book", is_shipping_required=True),
        category=components,
    )
    _variant(boxed, channels, "Paperback", "BOOK", "30.00", "35.00")
    return [grid, chart, boxed]


def _variant(
    product: Product, channels: list[Channel], name: str, sku: str, usd: str, eur: str, metadata: dict[str, str] | None = None
) -> None:
    prices = {"USD": Decimal(usd), "EUR": Decimal(eur)}
    listings = [Listing(channel=channel, price=prices[channel.currency_code]) for channel in channels]
    product.variants.append(Variant(name=name, sku=sku, product=product, listings=listings, metadata=metadata or {}))
