"""A checkout, as a storefront fills it (saleor-facts 4 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from app.sandbox import context
from app.sandbox.addresses import address_from
from app.sandbox.calculation import (
    country_of,
    expire_prices,
    touch,
)
from app.sandbox.context import Context, Info, Refused, SaleorException, denied, mutation
from app.sandbox.ids import found, listed, look_up
from app.sandbox.rows.catalog import ShownVariant
from app.sandbox.rows.people import User
from app.sandbox.rows.sales import Checkout, CheckoutLine

query = QueryType()
mutate = MutationType()
checkout_type = ObjectType("Checkout")
line_type = ObjectType("CheckoutLine")


@query.field("checkout")
def resolve_checkout(root: Any, info: Info, id: str | None = None) -> Checkout | None:
    """Anyone who has the id (saleor-facts 4)."""
    return look_up(context.of(info).store.checkouts, id, Checkout)


@line_type.field("variant")
def resolve_line_variant(line: CheckoutLine, info: Info) -> ShownVariant:
    checkout = line.checkout
    country = country_of(checkout.channel, checkout.shipping_address, checkout.billing_address)
    return ShownVariant(line.variant, checkout.channel, country)


# --- Filling it -------------------------------------------------------------------------------------------------------


@mutate.field("checkoutCreate")
@mutation
async def checkout_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    caller = context.of(info)
    channel = caller.store.channel(input.get("channel"))
    if channel is None or not channel.is_active:
        code = "NOT_FOUND" if channel is None else "CHANNEL_INACTIVE"
        raise Refused("channel", f"Channel with '{input.get('channel')}' slug does not exist.", code)
    now = caller.store.clock()
    user = caller.user if caller.user and not caller.user.is_staff else None
    checkout = Checkout(
        channel=channel,
        created=now,
        updated_at=now,
        user=user,
        email=input.get("email") or (user.email if user else None),
        language_code=input.get("language_code") or "EN",
        save_billing=input.get("save_billing_address") is not False,
        save_shipping=input.get("save_shipping_address") is not False,
        metadata={item["key"]: item["value"] for item in input.get("metadata") or ()},
    )
    if input.get("billing_address"):
        checkout.billing_address = address_from(input["billing_address"])
    if input.get("shipping_address"):
        checkout.shipping_address = address_from(input["shipping_address"])
    _add(caller, checkout, input["lines"])
    caller.store.checkouts.append(checkout)
    await caller.sandbox.checkout_event("CHECKOUT_CREATED", checkout, caller.principal)
    return {"created": True, "checkout": checkout}


@mutate.field("checkoutLinesAdd")
@mutation
async def lines_add(root: Any, info: Info, lines: list[dict[str, Any]], id: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    _add(context.of(info), checkout, lines)
    return await _changed(info, checkout)


@mutate.field("checkoutLinesUpdate")
@mutation
async def lines_update(root: Any, info: Info, lines: list[dict[str, Any]], id: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    for change in lines:
        line = next((row for row in checkout.lines if row.variant.id == change.get("variant_id")), None)
        if line is None:
            line = listed(checkout.lines, change.get("line_id"), "lineId")
        quantity = change.get("quantity", line.quantity)
        if quantity < 0:
            raise Refused("quantity", "The quantity should be higher or equal zero.", "ZERO_QUANTITY")
        line.quantity = quantity
    checkout.lines = [line for line in checkout.lines if line.quantity]
    return await _changed(info, checkout)


@mutate.field("checkoutLineDelete")
@mutation
async def line_delete(root: Any, info: Info, id: str | None = None, line_id: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    checkout.lines = [line for line in checkout.lines if line.id != line_id]
    return await _changed(info, checkout)


@mutate.field("checkoutCustomerAttach")
@mutation
async def customer_attach(root: Any, info: Info, id: str | None = None, customer_id: str | None = None) -> dict[str, Any]:
    """Prices stay as they are (saleor-facts 3)."""
    caller = context.of(info)
    checkout = own(info, id)
    if checkout.user is not None:
        raise SaleorException("You cannot reassign a checkout that is already attached to a user.", "PermissionDenied")
    customer = caller.user
    if customer_id and (customer is None or customer.id != customer_id):
        context.require(info, "IMPERSONATE_USER")
        customer = found(caller.store.users, customer_id, User, "customerId")
    if customer is None:
        raise Refused("customerId", "The customerId value must be provided when running mutation as app.", "REQUIRED")
    checkout.user, checkout.email = customer, customer.email
    return await _touched(info, checkout)


@mutate.field("checkoutCustomerDetach")
@mutation
async def customer_detach(root: Any, info: Info, id: str | None = None) -> dict[str, Any]:
    """Prices stay as they are: a detached checkout keeps its partner price until they expire (saleor-facts 4)."""
    caller = context.of(info)
    checkout = own(info, id)
    if checkout.user is not None and checkout.user is not caller.user and not caller.may("IMPERSONATE_USER"):
        raise denied(("IMPERSONATE_USER",))
    checkout.user = None
    return await _touched(info, checkout)


@mutate.field("checkoutEmailUpdate")
@mutation
async def email_update(root: Any, info: Info, email: str, id: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    if "@" not in email:
        raise Refused("email", "Enter a valid email address.", "INVALID")
    checkout.email = email
    return await _touched(info, checkout)


@mutate.field("checkoutBillingAddressUpdate")
@mutation
async def billing_update(
    root: Any, info: Info, billing_address: dict[str, Any], id: str | None = None, save_address: bool = True
) -> dict[str, Any]:
    checkout = own(info, id)
    checkout.billing_address, checkout.save_billing = address_from(billing_address), save_address
    return await _changed(info, checkout)


@mutate.field("checkoutShippingAddressUpdate")
@mutation
async def shipping_update(
    root: Any, info: Info, shipping_address: dict[str, Any], id: str | None = None, save_address: bool = True
) -> dict[str, Any]:
    """Also for checkouts that need no shipping (saleor-facts 7)."""
    checkout = own(info, id)
    checkout.shipping_address, checkout.save_shipping = address_from(shipping_address), save_address
    return await _changed(info, checkout)


@mutate.field("checkoutAddPromoCode")
@mutation
async def promo_add(root: Any, info: Info, promo_code: str, id: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    voucher = next((row for row in context.of(info).store.vouchers if row.code == promo_code), None)
    if voucher is None:
        raise Refused("promoCode", "Promo code is invalid", "INVALID")
    checkout.voucher = voucher
    return await _changed(info, checkout)


@mutate.field("checkoutRemovePromoCode")
@mutation
async def promo_remove(root: Any, info: Info, id: str | None = None, promo_code: str | None = None) -> dict[str, Any]:
    checkout = own(info, id)
    if checkout.voucher_code == promo_code:
        checkout.voucher = None
    return await _changed(info, checkout)


def own(info: Info, id: str | None) -> Checkout:
    """The checkout with this id; nobody asks whose it is (saleor-facts 4). Raises Refused NOT_FOUND."""
    return found(context.of(info).store.checkouts, id, Checkout)


async def _changed(info: Info, checkout: Checkout) -> dict[str, Any]:
    """Something that prices depend on."""
    caller = context.of(info)
    expire_prices(caller.sandbox, checkout)
    await caller.sandbox.checkout_event("CHECKOUT_UPDATED", checkout, caller.principal)
    return {"checkout": checkout}


async def _touched(info: Info, checkout: Checkout) -> dict[str, Any]:
    caller = context.of(info)
    touch(caller.sandbox, checkout)
    await caller.sandbox.checkout_event("CHECKOUT_UPDATED", checkout, caller.principal)
    return {"checkout": checkout}


def _add(caller: Context, checkout: Checkout, lines: Sequence[Mapping[str, Any]]) -> None:
    for wanted in lines:
        variant = listed(caller.store.variants, wanted["variant_id"], "variantId")
        if wanted["quantity"] < 1:
            raise Refused("quantity", "The quantity should be higher than zero.", "ZERO_QUANTITY")
        if all(entry.listing(checkout.channel) is None for entry in variant.product.variants):
            sentence = "Cannot add lines for unavailable for purchase variants."
            raise Refused("lines", sentence, "PRODUCT_UNAVAILABLE_FOR_PURCHASE")
        if variant.listing(checkout.channel) is None:
            raise Refused("lines", "Cannot add lines with unavailable variants.", "UNAVAILABLE_VARIANT_IN_CHANNEL")
        same = next((line for line in checkout.lines if line.variant is variant), None)
        if same is not None and not wanted.get("force_new_line"):
            same.quantity += wanted["quantity"]
            continue
        metadata = {item["key"]: item["value"] for item in wanted.get("metadata") or ()}
        checkout.lines.append(CheckoutLine(checkout=checkout, variant=variant, quantity=wanted["quantity"], metadata=metadata))


@checkout_type.field("availablePaymentGateways")
def resolve_gateways(checkout: Checkout, info: Info) -> list[dict[str, Any]]:
    """Every app that takes sessions, in every channel (saleor-facts 5)."""
    caller = context.of(info)
    return [
        {"id": app.identifier, "name": app.name, "currencies": [checkout.channel.currency_code], "config": []}
        for app in caller.store.apps
        if caller.sandbox.webhooks.listens("TRANSACTION_INITIALIZE_SESSION", app)
    ]


BINDABLES = [query, mutate, checkout_type, line_type]
