"""Completion, confirmation, fulfillment and invoices (saleor-facts 5, 6, 7, 9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.errors import SaleorError
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.operations import (
    INVOICE_CREATE,
    ORDER,
    ORDER_CONFIRM,
    ORDER_FULFILL,
    ORDER_FULFILLMENT_CANCEL,
    ORDER_NOTE_ADD,
    ORDERS_CHANGED,
    WAREHOUSES,
    Operation,
)
from app.sandbox import seed
from app.sandbox.rows.sales import Order
from app.sandbox.storefront import StorefrontRefused
from tests.sandbox.conftest import AUSTIN, NEW_YORK, World
from tests.sandbox.fake_app import IDENTIFIER

FULFILL = """mutation($order: ID!, $input: OrderFulfillInput!) { orderFulfill(order: $order, input: $input) {
  fulfillments { id status } order { status } errors { field code message } } }"""
APPROVE = """mutation($id: ID!) { orderFulfillmentApprove(id: $id, notifyCustomer: false) {
  fulfillment { status } order { status } errors { field code message } } }"""
PAID = """mutation($id: ID!) { orderMarkAsPaid(id: $id) { order { chargeStatus } errors { field code message } } }"""
CANCEL = """mutation($id: ID!) { orderCancel(id: $id) { order { id status } errors { field code message } } }"""
NUMBERED = """query($number: Int!) { orders(first: 1, where: { number: { eq: $number } }) { edges { node { id } } } }"""
SHOWN = """query($id: ID!) { order(id: $id) { number userEmail total { gross { amount } } } }"""
PROMISE = {"result": "CHARGE_REQUEST", "pspReference": "BT-1"}


async def run(world: World, operation: Operation[Any], **variables: Any) -> Any:
    """An operation of the app, by the app."""
    saleor = SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)
    try:
        return await saleor.execute(operation, **variables)
    finally:
        await saleor.close()
        await world.sandbox.settled()


async def code(world: World, operation: Operation[Any], **variables: Any) -> str:
    """The code an operation is refused with."""
    with pytest.raises(SaleorRefused) as refused:
        await run(world, operation, **variables)
    return str(refused.value.errors[0].code)


def stocks(world: World, order: Order, quantity: int | None = None) -> list[dict[str, Any]]:
    return [
        {"orderLineId": line.id, "stocks": [{"quantity": quantity or line.quantity, "warehouse": world.store.warehouses[0].id}]}
        for line in order.lines
    ]


async def fulfill(world: World, order: Order, quantity: int | None = None) -> Any:
    return await run(world, ORDER_FULFILL, order=order.id, lines=stocks(world, order, quantity))


# --- Completion -------------------------------------------------------------------------------------------------------


async def test_completion_needs_an_email_and_a_billing_address(world: World) -> None:
    world.channel.allow_unpaid_orders = True
    guest = world.buyer("")
    await guest.new_checkout("default-channel", [("GRID-TEAM", 1)])
    for step, expected in ((None, "EMAIL_NOT_SET"), ("email", "BILLING_ADDRESS_NOT_SET")):
        if step:
            await guest.set_email("guest@example.com")
        with pytest.raises(StorefrontRefused) as refused:
            await guest.complete()
        assert refused.value.code == expected
    await guest.set_billing(NEW_YORK)
    assert (await guest.complete()).number == "1"


async def test_goods_need_a_shipping_address_and_licenses_do_not(world: World) -> None:
    world.channel.allow_unpaid_orders = True
    buyer = world.buyer()
    await buyer.sign_in()
    await buyer.new_checkout("default-channel", [("BOOK", 1)])
    await buyer.set_billing(NEW_YORK)
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.complete()
    assert refused.value.code == "SHIPPING_ADDRESS_NOT_SET"
    await buyer.new_checkout("default-channel", [("GRID-DEV", 1)])
    await buyer.set_billing(NEW_YORK)
    await buyer.complete()


async def test_an_order_belongs_to_the_buyer_and_keeps_the_ship_to(world: World) -> None:
    order = await world.ordered()
    found = (await run(world, ORDER, id=order.id)).order
    assert found.user.email == found.user_email == seed.RESELLER
    assert found.shipping_address.metadata == {"email": "eva@acme.example"}
    assert (found.billing_address.country_area, found.shipping_address.country_area) == ("NY", "TX")
    assert found.transactions[0].created_by.identifier == IDENTIFIER
    assert found.lines[0].variant.metadata["license.edition"] == "team"
    assert found.lines[0].tax_rate == 0


async def test_completing_again_is_the_same_order(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    await buyer.pay(IDENTIFIER)
    placed = await asyncio.gather(*(buyer.complete() for _ in range(5)))
    assert len({order.id for order in placed}) == 1
    await world.sandbox.settled()
    assert len(world.fake.bodies("order_created")) == 1


async def test_metadata_travels_to_the_order_and_addresses_stay_out_of_the_book(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    await buyer.set_metadata(po_number="PO-7")
    await buyer.pay(IDENTIFIER)
    await buyer.complete()
    assert world.store.orders[-1].metadata == {"po_number": "PO-7"}
    user = world.store.user_by_email(seed.RESELLER)
    assert user is not None
    assert user.addresses == []


async def test_by_default_even_the_ship_to_lands_in_the_buyers_book(world: World) -> None:
    world.channel.allow_unpaid_orders = True
    buyer = await world.filled()
    document = """mutation($id: ID!, $address: AddressInput!) {
      checkoutShippingAddressUpdate(id: $id, shippingAddress: $address) { errors { code } } }"""
    await buyer.send(document, "checkoutShippingAddressUpdate", id=buyer.checkout_id, address=AUSTIN)
    await buyer.complete()
    user = world.store.user_by_email(seed.RESELLER)
    assert user is not None
    assert [address.city for address in user.addresses] == ["AUSTIN"]


async def test_anyone_with_the_id_sees_totals_and_the_email(world: World) -> None:
    order = await world.ordered()
    shown = (await world.buyer("").ask(SHOWN, id=order.id))["order"]
    assert shown["total"]["gross"]["amount"] == 18.0
    assert shown["userEmail"] == seed.RESELLER


async def test_the_whole_way_in_one_call(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = world.buyer()
    paid, placed = await buyer.buy(
        "default-channel", [("GRID-DEV", 1)], NEW_YORK, AUSTIN, IDENTIFIER, end_customer="eva@acme.example", po_number="PO-1"
    )
    assert (paid.result, placed.gross) == ("CHARGE_REQUEST", Decimal("9"))
    world.fake.answers["transaction_initialize_session"] = {
        "result": "CHARGE_FAILURE",
        "message": "No.",
        "data": {"code": "policy"},
    }
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.buy("default-channel", [("GRID-DEV", 1)], NEW_YORK, None, IDENTIFIER)
    assert (refused.value.code, refused.value.sentence) == ("policy", "No.")


# --- Confirmation and cancellation ------------------------------------------------------------------------------------


async def test_without_automatic_confirmation_an_order_waits(world: World) -> None:
    order = await world.ordered()
    assert order.status == "UNCONFIRMED"
    assert world.fake.bodies("order_confirmed") == []
    await run(world, ORDER_CONFIRM, id=order.id)
    assert order.status == "UNFULFILLED"
    assert world.fake.bodies("order_confirmed")[0]["issuingPrincipal"] == {"__typename": "App", "id": world.app.id}
    assert await code(world, ORDER_CONFIRM, id=order.id) == "INVALID"


async def test_with_automatic_confirmation_a_transaction_confirms(world: World) -> None:
    world.channel.automatically_confirm_all_new_orders = True
    order = await world.ordered(PROMISE)
    assert order.status == "UNFULFILLED"
    assert len(world.fake.bodies("order_confirmed")) == 1


async def test_cancel_needs_an_order_without_active_fulfillments(world: World) -> None:
    order = await world.ordered()
    made = await fulfill(world, order)
    with pytest.raises(StorefrontRefused) as refused:
        await world.as_app().send(CANCEL, "orderCancel", id=order.id)
    assert refused.value.code == "CANNOT_CANCEL_ORDER"
    warehouse = world.store.warehouses[0].id
    await run(world, ORDER_FULFILLMENT_CANCEL, id=made.order_fulfill.fulfillments[0].id, warehouse=warehouse)
    await world.as_app().send(CANCEL, "orderCancel", id=order.id)
    await world.sandbox.settled()
    assert order.status == "CANCELED"
    assert world.fake.bodies("order_cancelled")[0]["order"]["status"] == "CANCELED"
    with pytest.raises(StorefrontRefused) as refused:
        await world.as_app().send(CANCEL, "orderCancel", id=order.id)
    assert refused.value.code == "CANNOT_CANCEL_ORDER"


# --- Fulfillment ------------------------------------------------------------------------------------------------------


async def test_an_unpaid_order_is_not_fulfilled_where_the_shop_forbids_it(world: World) -> None:
    world.store.fulfillment_allow_unpaid = False
    order = await world.ordered(PROMISE)
    assert await code(world, ORDER_FULFILL, order=order.id, lines=stocks(world, order)) == "CANNOT_FULFILL_UNPAID_ORDER"
    staff = await world.staff()
    with pytest.raises(StorefrontRefused) as refused:
        await staff.send(FULFILL, "orderFulfill", order=order.id, input={"lines": stocks(world, order)})
    assert refused.value.code == "CANNOT_FULFILL_UNPAID_ORDER"
    assert order.fulfillments == []


async def test_neither_unconfirmed_nor_canceled_stops_a_fulfillment(world: World) -> None:
    order = await world.ordered()
    order.status = "CANCELED"
    await fulfill(world, order, 1)
    assert order.status == "PARTIALLY_FULFILLED"
    await fulfill(world, order, 1)
    assert order.status == "FULFILLED"
    assert await code(world, ORDER_FULFILL, order=order.id, lines=stocks(world, order)) == "FULFILL_ORDER_LINE"


async def test_staff_fulfills_by_hand_and_the_app_hears_who_it_was(world: World) -> None:
    order = await world.ordered()
    staff = await world.staff()
    await staff.send(FULFILL, "orderFulfill", order=order.id, input={"lines": stocks(world, order)})
    await world.sandbox.settled()
    [body] = world.fake.bodies("fulfillment_created")
    assert body["issuingPrincipal"] == {"__typename": "User", "id": staff.user_id}
    assert body["fulfillment"]["status"] == "FULFILLED"
    assert body["order"]["id"] == order.id


async def test_a_fulfillment_waits_for_approval_and_for_the_money(world: World) -> None:
    world.store.fulfillment_auto_approve = False
    world.store.fulfillment_allow_unpaid = False
    order = await world.ordered(PROMISE)
    made = await fulfill(world, order)
    assert made.order_fulfill.fulfillments[0].status == "WAITING_FOR_APPROVAL"
    assert world.fake.bodies("fulfillment_created") == []
    staff = await world.staff()
    with pytest.raises(StorefrontRefused) as refused:
        await staff.send(APPROVE, "orderFulfillmentApprove", id=order.fulfillments[0].id)
    assert refused.value.code == "CANNOT_FULFILL_UNPAID_ORDER"
    world.store.fulfillment_allow_unpaid = True
    await staff.send(APPROVE, "orderFulfillmentApprove", id=order.fulfillments[0].id)
    await world.sandbox.settled()
    assert len(world.fake.bodies("fulfillment_created")) == 1
    with pytest.raises(StorefrontRefused):
        await staff.send(APPROVE, "orderFulfillmentApprove", id=order.fulfillments[0].id)


async def test_canceling_a_fulfillment_needs_a_warehouse(world: World) -> None:
    order = await world.ordered()
    await fulfill(world, order)
    id = order.fulfillments[0].id
    assert await code(world, ORDER_FULFILLMENT_CANCEL, id=id, warehouse=None) == "REQUIRED"
    await run(world, ORDER_FULFILLMENT_CANCEL, id=id, warehouse=world.store.warehouses[0].id)
    assert order.lines[0].quantity_fulfilled == 0
    assert order.status == "UNFULFILLED"
    assert world.fake.bodies("fulfillment_canceled")[0]["fulfillment"]["status"] == "CANCELED"
    assert await code(world, ORDER_FULFILLMENT_CANCEL, id=id, warehouse=None) == "CANNOT_CANCEL_FULFILLMENT"


async def test_one_that_waits_is_canceled_without_a_warehouse(world: World) -> None:
    world.store.fulfillment_auto_approve = False
    order = await world.ordered()
    await fulfill(world, order)
    await run(world, ORDER_FULFILLMENT_CANCEL, id=order.fulfillments[0].id, warehouse=None)
    assert [fulfillment.status for fulfillment in order.fulfillments] == ["CANCELED"]


async def test_nothing_is_not_a_fulfillment(world: World) -> None:
    order = await world.ordered()
    lines = [{"orderLineId": order.lines[0].id, "stocks": []}]
    assert await code(world, ORDER_FULFILL, order=order.id, lines=lines) == "ZERO_QUANTITY"


async def test_a_warehouse_of_the_channel_is_found(world: World) -> None:
    found = (await run(world, WAREHOUSES, channels=[world.channel.id])).warehouses
    assert [edge.node.id for edge in found.edges] == [world.store.warehouses[0].id]


# --- Notes, invoices, payment by hand, reading ------------------------------------------------------------------------


async def test_notes_are_on_the_timeline(world: World) -> None:
    order = await world.ordered()
    await run(world, ORDER_NOTE_ADD, order=order.id, message="Held for review.")
    found = (await run(world, ORDER, id=order.id)).order
    assert [event.message for event in found.events if event.type == "NOTE_ADDED"] == ["Held for review."]
    assert await code(world, ORDER_NOTE_ADD, order=order.id, message=" ") == "REQUIRED"


async def test_an_unconfirmed_order_has_no_invoice(world: World) -> None:
    order = await world.ordered()
    asked = {"orderId": order.id, "number": "R-1", "url": "https://app.example/i/1"}
    assert await code(world, INVOICE_CREATE, **asked) == "INVALID_STATUS"
    await run(world, ORDER_CONFIRM, id=order.id)
    await run(world, INVOICE_CREATE, **asked)
    assert [(invoice.number, invoice.status) for invoice in order.invoices] == [("R-1", "SUCCESS")]


async def test_marked_as_paid_only_without_transactions(world: World) -> None:
    order = await world.ordered()
    staff = await world.staff()
    with pytest.raises(StorefrontRefused) as refused:
        await staff.send(PAID, "orderMarkAsPaid", id=order.id)
    assert refused.value.code == "TRANSACTION_ERROR"
    order.transactions.clear()
    await staff.send(PAID, "orderMarkAsPaid", id=order.id)
    assert order.charged == order.gross


async def test_orders_are_found_by_number_and_by_change(world: World) -> None:
    order = await world.ordered()
    found = await world.as_app().ask(NUMBERED, number=int(order.number))
    assert found["orders"]["edges"] == [{"node": {"id": order.id}}]
    assert (await world.as_app().ask(NUMBERED, number=999))["orders"]["edges"] == []
    since = (order.updated_at - timedelta(seconds=1)).isoformat()
    page = (await run(world, ORDERS_CHANGED, since=since, after=None)).orders
    assert [edge.node.number for edge in page.edges] == [order.number]
    assert page.page_info.has_next_page is False
    later = (order.updated_at + timedelta(seconds=1)).isoformat()
    assert (await run(world, ORDERS_CHANGED, since=later, after=None)).orders.edges == []


async def test_pages_go_on_at_the_cursor(world: World) -> None:
    for _ in range(3):
        await world.ordered()
    app = world.as_app()
    document = """query($after: String) { orders(first: 2, after: $after, sortBy: {field: LAST_MODIFIED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor } edges { node { number } } } }"""
    first = (await app.ask(document, after=None))["orders"]
    rest = (await app.ask(document, after=first["pageInfo"]["endCursor"]))["orders"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert [edge["node"]["number"] for page in (first, rest) for edge in page["edges"]] == ["1", "2", "3"]


async def test_lists_need_a_length_of_at_most_a_hundred(world: World) -> None:
    for length in ("", "(first: 101)"):
        with pytest.raises(SaleorError):
            await world.as_app().ask(f"{{ orders{length} {{ totalCount }} }}")


async def test_another_email_links_the_order_by_exact_case(world: World) -> None:
    order = await world.ordered()
    staff = await world.staff()
    document = """mutation($id: ID!, $email: String!) { orderUpdate(id: $id, input: {userEmail: $email}) { errors { code } } }"""
    for email, owner in ((seed.BUYER, seed.BUYER), (seed.BUYER.upper(), None)):
        await staff.send(document, "orderUpdate", id=order.id, email=email)
        assert (order.user.email if order.user else None) == owner
