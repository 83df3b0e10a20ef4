"""Shop, channels, products, warehouses, taxes: what is for sale and how it is taxed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLError

from app.sandbox import context
from app.sandbox.amounts import money, quantize, taxed
from app.sandbox.calculation import flat_rate
from app.sandbox.context import Info, Refused, mutation
from app.sandbox.ids import found, look_up
from app.sandbox.resolvers.shared import connection, country
from app.sandbox.rows.base import ZERO
from app.sandbox.rows.catalog import (
    Channel,
    CountryTaxes,
    Listing,
    Product,
    ShownVariant,
    TaxClass,
    TaxConfiguration,
    Variant,
    Warehouse,
)
from app.sandbox.store import Store

query = QueryType()
mutate = MutationType()
shop = ObjectType("Shop")
channel = ObjectType("Channel")
taxes = ObjectType("TaxConfiguration")
per_country = ObjectType("TaxConfigurationPerCountry")
variant = ObjectType("ProductVariant")
listing = ObjectType("ProductVariantChannelListing")

UNPUBLISHED = ("MANAGE_ORDERS", "MANAGE_DISCOUNTS", "MANAGE_PRODUCTS")
"""Who sees products without naming a channel."""
WEBHOOKS_OF_A_TAX_APP = {"CHECKOUT_CALCULATE_TAXES", "ORDER_CALCULATE_TAXES"}


# --- Shop and channels ------------------------------------------------------------------------------------------------


@query.field("shop")
def resolve_shop(root: Any, info: Info) -> Store:
    return context.of(info).store


@shop.field("domain")
def resolve_domain(store: Store, info: Info) -> dict[str, str]:
    url = context.of(info).sandbox.url
    return {"host": urlsplit(url).netloc, "url": f"{url}/"}


@shop.field("version")
def resolve_version(store: Store, info: Info) -> str:
    return store.version


@shop.field("permissions")
def resolve_permissions(store: Store, info: Info) -> list[dict[str, str]]:
    return [{"code": code, "name": code} for code in sorted({code for user in store.users for code in user.permissions})]


@mutate.field("shopSettingsUpdate")
@mutation
async def shop_settings_update(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    store = context.of(info).store
    for name, value in input.items():
        setattr(store, name, value)
    return {"shop": store}


@query.field("channels")
def resolve_channels(root: Any, info: Info) -> list[Channel]:
    return context.of(info).store.channels


@query.field("channel")
def resolve_channel(root: Any, info: Info, slug: str | None = None) -> Channel | None:
    return context.of(info).store.channel(slug)


@channel.field("defaultCountry")
def resolve_default_country(row: Channel, info: Info) -> dict[str, str]:
    return country(row.country)


@channel.field("orderSettings")
@channel.field("checkoutSettings")
@channel.field("paymentSettings")
def resolve_settings(row: Channel, info: Info) -> Channel:
    return row


@channel.field("taxConfiguration")
def resolve_tax_configuration(row: Channel, info: Info) -> TaxConfiguration:
    return row.taxes


@mutate.field("channelUpdate")
@mutation
async def channel_update(root: Any, info: Info, id: str, input: dict[str, Any]) -> dict[str, Any]:
    row = found(context.of(info).store.channels, id, Channel)
    settings = {
        name: value
        for key in ("order_settings", "checkout_settings", "payment_settings")
        for name, value in input.pop(key, {}).items()
    }
    if "default_country" in input:
        input["country"] = input.pop("default_country")
    for name, value in (input | settings).items():
        setattr(row, name, value)
    return {"channel": row}


# --- Taxes ------------------------------------------------------------------------------------------------------------


@query.field("taxConfigurations")
def resolve_tax_configurations(root: Any, info: Info, first: int | None = None) -> dict[str, Any]:
    return connection([row.taxes for row in context.of(info).store.channels], first)


@taxes.field("channel")
def resolve_taxed_channel(row: TaxConfiguration, info: Info) -> Channel:
    return next(entry for entry in context.of(info).store.channels if entry.taxes is row)


@per_country.field("country")
def resolve_country(row: CountryTaxes, info: Info) -> dict[str, str]:
    return country(row.country)


@query.field("taxCountryConfigurations")
def resolve_tax_countries(root: Any, info: Info) -> list[dict[str, Any]]:
    store = context.of(info).store
    countries = sorted({*store.default_rates, *(code for entry in store.tax_classes for code in entry.rates)})
    return [{"country": country(code), "tax_class_country_rates": _rates(store, code)} for code in countries]


@mutate.field("taxConfigurationUpdate")
@mutation
async def tax_configuration_update(root: Any, info: Info, id: str, input: dict[str, Any]) -> dict[str, Any]:
    store = context.of(info).store
    row = found([entry.taxes for entry in store.channels], id, TaxConfiguration)
    identifier = input.get("tax_app_id")
    if identifier and not _is_tax_app(store, identifier):
        raise Refused("taxAppId", "Did not found Tax App with provided taxAppId.", "NOT_FOUND")
    for change in input.pop("update_countries_configuration", None) or ():
        code = change["country_code"]
        row.countries = [entry for entry in row.countries if entry.country != code]
        row.countries.append(
            CountryTaxes(
                country=code,
                charge_taxes=change["charge_taxes"],
                tax_calculation_strategy=change.get("tax_calculation_strategy"),
                tax_app_id=change.get("tax_app_id"),
            )
        )
    removed = input.pop("remove_countries_configuration", None) or ()
    row.countries = [entry for entry in row.countries if entry.country not in removed]
    for name, value in input.items():
        setattr(row, name, value)
    return {"tax_configuration": row}


# --- Products ---------------------------------------------------------------------------------------------------------


@query.field("product")
def resolve_product(root: Any, info: Info, id: str | None = None, channel: str | None = None) -> Product | None:
    """Without a channel for those alone who see what is not for sale; of buyers this shop's story needs none."""
    caller = context.of(info)
    return look_up(caller.store.products, id, Product) if caller.may(*UNPUBLISHED) else None


@query.field("products")
def resolve_products(root: Any, info: Info, channel: str | None = None, first: int | None = None) -> dict[str, Any]:
    store = context.of(info).store
    shown = store.channel(channel)
    rows = [row for row in store.products if shown is None or any(entry.listing(shown) for entry in row.variants)]
    return connection(rows, first)


@query.field("productVariant")
def resolve_variant(
    root: Any, info: Info, id: str | None = None, sku: str | None = None, channel: str | None = None
) -> Variant | ShownVariant | None:
    """Buyers see what is for sale in a channel; without one only staff and apps are answered, and then without prices."""
    caller = context.of(info)
    shown = caller.store.channel(channel)
    row = next((entry for entry in caller.store.variants if id == entry.id or (sku is not None and sku == entry.sku)), None)
    if not caller.may(*UNPUBLISHED):
        if channel is None:
            raise GraphQLError("More than one channel exists. Specify which channel to use.")
        if row is None or shown is None or row.listing(shown) is None:
            return None
    return ShownVariant(row, shown, shown.country) if row and shown else row


@variant.field("channelListings")
def resolve_listings(row: Variant, info: Info) -> list[Listing]:
    return row.listings


@listing.field("price")
def resolve_listing_price(row: Listing, info: Info) -> dict[str, Any] | None:
    return None if row.price is None else money(row.price, row.channel.currency_code)


@variant.field("pricing")
def resolve_pricing(row: Variant | ShownVariant, info: Info) -> dict[str, Any] | None:
    """With the store's own rate; None where the variant has no price, or no channel it was asked in."""
    entry = row.row.listing(row.channel) if isinstance(row, ShownVariant) else None
    if not isinstance(row, ShownVariant) or entry is None or entry.price is None:
        return None
    shown = row.channel
    rate = flat_rate(context.of(info).store, row.row, row.country) if shown.taxes.charge_taxes else ZERO

    def with_tax(amount: Decimal) -> dict[str, Any]:
        net, gross = (amount / (1 + rate), amount) if shown.taxes.prices_entered_with_tax else (amount, amount * (1 + rate))
        return taxed(quantize(net, shown.currency_code), quantize(gross, shown.currency_code), shown.currency_code)

    now = entry.price if entry.discounted is None else entry.discounted
    off = entry.price - now
    return {
        "on_sale": off > ZERO,
        "price": with_tax(now),
        "price_undiscounted": with_tax(entry.price),
        "discount": with_tax(off) if off else None,
    }


@query.field("warehouses")
def resolve_warehouses(root: Any, info: Info, filter: dict[str, Any] | None = None, first: int | None = None) -> dict[str, Any]:
    store = context.of(info).store
    asked = (filter or {}).get("channels")
    rows: list[Warehouse] = store.warehouses
    if asked is not None:
        rows = list(dict.fromkeys(row for entry in store.channels if entry.id in asked for row in entry.warehouses))
    return connection(rows, first)


def _rates(store: Store, code: str) -> list[dict[str, Any]]:
    entries: list[tuple[TaxClass | None, dict[str, Decimal]]] = [(None, store.default_rates)]
    entries += [(entry, entry.rates) for entry in store.tax_classes]
    return [{"rate": rates[code], "tax_class": tax_class} for tax_class, rates in entries if code in rates]


def _is_tax_app(store: Store, identifier: str) -> bool:
    return any(
        app.identifier == identifier
        and app.is_active
        and not app.removed
        and "HANDLE_TAXES" in app.permissions
        and any(webhook.events & WEBHOOKS_OF_A_TAX_APP for webhook in app.webhooks)
        for app in store.apps
    )


BINDABLES = [query, mutate, shop, channel, taxes, per_country, variant, listing]
