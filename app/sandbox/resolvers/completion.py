"""`checkoutComplete`: every refusal of saleor-facts 5, and the order that comes out."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from app.sandbox import context
from app.sandbox.calculation import BAD_ANSWER, fresh_prices, refresh_payment_status, unit_undiscounted, voucher_discount
from app.sandbox.context import Context, Info, Refused, mutation
from app.sandbox.ids import found
from app.sandbox.rows.people import Address, User
from app.sandbox.rows.sales import Checkout, Order, OrderLine, Prices
from app.sandbox.transactions import charged_events

mutate = MutationType()


@mutate.field("checkoutComplete")
@mutation
async def checkout_complete(
    root: Any, info: Info, id: str | None = None, metadata: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The order of a completed checkout is answered again; anybody with the id may complete it."""
    caller = context.of(info)
    if order := _order_of(caller, id):
        return _completed(order)
    checkout = found(caller.store.checkouts, id, Checkout)
    if not checkout.email:
        raise Refused(None, "Checkout email must be set.", "EMAIL_NOT_SET")
    if not checkout.lines:
        raise Refused("lines", "Cannot complete checkout without lines.", "NO_LINES")
    prices = await fresh_prices(caller.sandbox, checkout, again=checkout.tax_error is not None)
    if checkout.tax_error is not None:
        raise Refused(None, BAD_ANSWER, "TAX_ERROR")
    if checkout.billing_address is None:
        raise Refused("billingAddress", "Billing address is not set", "BILLING_ADDRESS_NOT_SET")
    if checkout.is_shipping_required and checkout.shipping_address is None:
        raise Refused("shippingAddress", "Shipping address is not set", "SHIPPING_ADDRESS_NOT_SET")
    refresh_payment_status(checkout)
    if checkout.authorize_status != "FULL" and not checkout.channel.allow_unpaid_orders:
        raise Refused("id", "The authorized amount doesn't cover the checkout's total amount.", "CHECKOUT_NOT_FULLY_PAID")
    if order := _order_of(caller, id):
        return _completed(order)  # by another call meanwhile
    checkout.metadata.update({item["key"]: item["value"] for item in metadata or ()})
    order = _create(caller, checkout, prices)
    await _announce(caller, order)
    return _completed(order)


def _completed(order: Order) -> dict[str, Any]:
    return {"order": order, "confirmation_needed": False, "confirmation_data": {}}


def _order_of(caller: Context, checkout_id: str | None) -> Order | None:
    return next((order for order in caller.store.orders if order.checkout_id == checkout_id), None)


def _buyer(caller: Context, checkout: Checkout) -> User | None:
    """The checkout's user; for an anonymous caller also the account of its e-mail (saleor-facts 4)."""
    if checkout.user is not None or caller.user is not None or not checkout.email:
        return checkout.user
    user = caller.store.user_by_email(checkout.email)
    return user if user and user.is_active else None


def _create(caller: Context, checkout: Checkout, prices: Prices) -> Order:
    """No waiting in here: the order exists and the checkout is gone in one step."""
    store = caller.store
    channel = checkout.channel
    user = _buyer(caller, checkout)
    confirmed = channel.automatically_confirm_all_new_orders and bool(checkout.transactions)
    now = store.clock()
    order = Order(
        number=str(store.next_order),
        channel=channel,
        created=now,
        updated_at=now,
        status="UNFULFILLED" if confirmed else "UNCONFIRMED",
        user=user,
        user_email=user.email if user else checkout.email or "",
        billing_address=_copied(checkout.billing_address),
        shipping_address=_copied(checkout.shipping_address),
        language_code=checkout.language_code.lower(),
        voucher=checkout.voucher,
        checkout_id=checkout.id,
        shipping_net=prices.shipping_net,
        shipping_gross=prices.shipping_gross,
        discount=voucher_discount(checkout),
        metadata=dict(checkout.metadata),
        private_metadata=dict(checkout.private_metadata),
    )
    store.next_order += 1
    order.lines = [
        OrderLine(
            order=order,
            variant=line.variant,
            product_name=line.variant.product.name,
            variant_name=line.variant.name,
            product_sku=line.variant.sku,
            product_variant_id=line.variant.id,
            is_shipping_required=line.variant.product.product_type.is_shipping_required,
            quantity=line.quantity,
            price=prices.lines[line.pk],
            undiscounted=unit_undiscounted(line),
            is_gift=line.is_gift,
            voucher_code=checkout.voucher_code,
            metadata=dict(line.metadata),
        )
        for line in checkout.lines
    ]
    order.transactions = checkout.transactions
    for transaction in order.transactions:
        transaction.order, transaction.checkout = order, None
    if user:
        _remember(user, checkout)
    store.orders.append(order)
    store.checkouts.remove(checkout)
    caller.sandbox.note(order, "PLACED", caller.principal)
    return order


async def _announce(caller: Context, order: Order) -> None:
    sandbox = caller.sandbox
    await sandbox.order_event("ORDER_CREATED", order, caller.principal)
    if order.gross and order.charged >= order.gross:
        await charged_events(sandbox, order, caller.principal)
    # Saleor says so even for an order that has no transaction and stays UNCONFIRMED (saleor-facts 6).
    if order.channel.automatically_confirm_all_new_orders:
        sandbox.note(order, "CONFIRMED", caller.principal)
        await sandbox.order_event("ORDER_CONFIRMED", order, caller.principal)


def _copied(address: Address | None) -> Address | None:
    return address.copy() if address else None


def _remember(user: User, checkout: Checkout) -> None:
    """The default puts even an end customer's address into the buyer's book (saleor-facts 7)."""
    for address, save in ((checkout.billing_address, checkout.save_billing), (checkout.shipping_address, checkout.save_shipping)):
        if address is not None and save:
            user.addresses.append(address.copy())


BINDABLES = [mutate]
