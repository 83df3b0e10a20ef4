"""A checkout, as a storefront fills it; its priced fields ask the tax app when they have to (saleor-facts 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from app.sandbox import context
from app.sandbox.amounts import money, taxed
from app.sandbox.calculation import (
    country_of,
    expire_prices,
    fresh_prices,
    touch,
    unit_undiscounted,
    voucher_discount,
)
from app.sandbox.context import Context, Info, Refused, SaleorException, mutation
from app.sandbox.resolvers.users import address_from
from app.sandbox.store import Checkout, CheckoutLine, Prices, ShownVariant, Transaction, User

query = QueryType()
mutate = MutationType()
checkout_type = ObjectType("Checkout")
line_type = ObjectType("CheckoutLine")

PAYMENT_EVENTS = ("PAYMENT_", "TRANSACTION_")


@query.field("checkout")
def resolve_checkout(root: Any, info: Info, id: str | None = None) -> Checkout | None:
    """Anyone who has the id (saleor-facts 4)."""
    caller = context.of(info)
    return caller.store.find(caller.store.checkouts, id)


# --- Prices -----------------------------------------------------------------------------------------------------------


async def _guarded(checkout: Checkout, info: Info) -> Prices:
    """Priced fields are refused inside synchronous payloads, except payment ones (saleor-facts 2)."""
    caller = context.of(info)
    if caller.depth and not (caller.event or "").startswith(PAYMENT_EVENTS):
        raise SaleorException("Resolving this field is not allowed in synchronous events.", "CircularSubscriptionSyncEvent")
    return await _prices(checkout, info)


async def _prices(checkout: Checkout, info: Info) -> Prices:
    """Unguarded: inside a tax webhook this asks the same webhook again (saleor-facts 2)."""
    caller = context.of(info)
    return await fresh_prices(caller.sandbox, checkout, depth=caller.depth)


@checkout_type.field("totalPrice")
async def resolve_total(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.net, prices.gross, checkout.channel.currency_code)


@checkout_type.field("subtotalPrice")
async def resolve_subtotal(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.subtotal_net, prices.subtotal_gross, checkout.channel.currency_code)


@checkout_type.field("shippingPrice")
async def resolve_shipping(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _guarded(checkout, info)
    return taxed(prices.shipping_net, prices.shipping_gross, checkout.channel.currency_code)


@checkout_type.field("totalBalance")
async def resolve_balance(checkout: Checkout, info: Info) -> dict[str, Any]:
    prices = await _prices(checkout, info)
    return money(sum((item.charged for item in checkout.transactions), -prices.gross), checkout.channel.currency_code)


@checkout_type.field("authorizeStatus")
async def resolve_authorize_status(checkout: Checkout, info: Info) -> str:
    await _prices(checkout, info)
    return checkout.authorize_status


@checkout_type.field("chargeStatus")
async def resolve_charge_status(checkout: Checkout, info: Info) -> str:
    await _prices(checkout, info)
    return checkout.charge_status


@checkout_type.field("discount")
def resolve_discount(checkout: Checkout, info: Info) -> dict[str, Any]:
    return money(voucher_discount(checkout), checkout.channel.currency_code)


@checkout_type.field("discountName")
def resolve_discount_name(checkout: Checkout, info: Info) -> str | None:
    return checkout.voucher_code


@line_type.field("unitPrice")
async def resolve_unit(line: CheckoutLine, info: Info) -> dict[str, Any]:
    price = (await _guarded(line.checkout, info)).lines[line.pk]
    return taxed(price.unit_net, price.unit_gross, line.checkout.channel.currency_code)


@line_type.field("totalPrice")
async def resolve_line_total(line: CheckoutLine, info: Info) -> dict[str, Any]:
    price = (await _guarded(line.checkout, info)).lines[line.pk]
    return taxed(price.net, price.gross, line.checkout.channel.currency_code)


@line_type.field("undiscountedUnitPrice")
async def resolve_undiscounted_unit(line: CheckoutLine, info: Info) -> dict[str, Any]:
    await _prices(line.checkout, info)
    return money(unit_undiscounted(line), line.checkout.channel.currency_code)


@line_type.field("undiscountedTotalPrice")
async def resolve_undiscounted_total(line: CheckoutLine, info: Info) -> dict[str, Any]:
    await _prices(line.checkout, info)
    return money(unit_undiscounted(line) * line.quantity, line.checkout.channel.currency_code)


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
        line = next(
            (row for row in checkout.lines if row.id == change.get("line_id") or row.variant.id == change.get("variant_id")), None
        )
        if line is None:
            raise Refused("lineId", "There is no line with this id in the checkout.", "INVALID")
        quantity = change.get("quantity", line.quantity)
        if quantity < 0:
            raise Refused("quantity", "The quantity should be higher than zero.", "ZERO_QUANTITY")
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
    if caller.principal is None:
        raise context.denied(("AUTHENTICATED_APP", "AUTHENTICATED_USER"))
    customer = caller.user
    if customer_id and (customer is None or customer.id != customer_id):
        context.require(info, "IMPERSONATE_USER")
        customer = caller.store.find(caller.store.users, customer_id)
    if checkout.user is not None:
        raise context.denied(("IMPERSONATE_USER",))
    if customer is None:
        raise Refused("customerId", "Could not find the customer.", "NOT_FOUND")
    checkout.user, checkout.email = customer, customer.email
    return await _touched(info, checkout)


@mutate.field("checkoutCustomerDetach")
@mutation
async def customer_detach(root: Any, info: Info, id: str | None = None) -> dict[str, Any]:
    """Prices stay as they are: a detached checkout keeps its partner price until they expire (saleor-facts 4)."""
    caller = context.of(info)
    checkout = own(info, id)
    if checkout.user is not None and checkout.user is not caller.user and not caller.may("IMPERSONATE_USER"):
        raise context.denied(("IMPERSONATE_USER",))
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
    caller = context.of(info)
    checkout = caller.store.find(caller.store.checkouts, id)
    if checkout is None:
        raise Refused("id", f"Couldn't resolve to a node: {id}", "NOT_FOUND")
    return checkout


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
        variant = caller.store.find(caller.store.variants, wanted["variant_id"])
        if wanted["quantity"] < 1:
            raise Refused("quantity", "The quantity should be higher than zero.", "ZERO_QUANTITY")
        if variant is None:
            raise Refused("variantId", f"Couldn't resolve to a node: {wanted['variant_id']}", "NOT_FOUND")
        if variant.listing(checkout.channel) is None:
            raise Refused("lines", "Cannot add lines with unavailable variants.", "UNAVAILABLE_VARIANT_IN_CHANNEL")
        same = next((line for line in checkout.lines if line.variant is variant), None)
        if same is not None and not wanted.get("force_new_line"):
            same.quantity += wanted["quantity"]
            continue
        metadata = {item["key"]: item["value"] for item in wanted.get("metadata") or ()}
        checkout.lines.append(CheckoutLine(checkout=checkout, variant=variant, quantity=wanted["quantity"], metadata=metadata))


# --- Who sees what ----------------------------------------------------------------------------------------------------


@checkout_type.field("user")
def resolve_user(checkout: Checkout, info: Info) -> User | None:
    caller = context.of(info)
    if checkout.user is None:
        return None
    if caller.user is checkout.user or caller.may("MANAGE_USERS"):
        return checkout.user
    raise context.denied(("MANAGE_USERS", "OWNER"))


@checkout_type.field("transactions")
def resolve_transactions(checkout: Checkout, info: Info) -> list[Transaction]:
    context.require(info, "MANAGE_CHECKOUTS", "HANDLE_PAYMENTS")
    return checkout.transactions


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
