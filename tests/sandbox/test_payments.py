"""Sessions, reports and how their money counts (saleor-facts 0.3 and 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.errors import SaleorError
from app.saleor.client import SaleorClient, SaleorDenied, SaleorRefused
from app.saleor.operations import ORDER, TRANSACTION_EVENT_REPORT, TRANSACTION_REQUEST_ACTION
from app.sandbox import card, seed
from app.sandbox.rows.sales import Checkout, Order
from app.sandbox.storefront import StorefrontRefused
from tests.sandbox.conftest import World
from tests.sandbox.fake_app import IDENTIFIER

CREATE = """mutation($id: ID!, $transaction: TransactionCreateInput!) {
  transactionCreate(id: $id, transaction: $transaction) { transaction { id } errors { field code message } }
}"""
PROCESS = """mutation($id: ID!) { transactionProcess(id: $id) {
  transactionEvent { type message } data errors { field code message } } }"""
PROMISE = {"result": "CHARGE_REQUEST", "pspReference": "BT-1"}
ACCOUNT = {"result": "AUTHORIZATION_SUCCESS", "pspReference": "BT-1"}


def client(world: World) -> SaleorClient:
    return SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)


async def report(world: World, order: Order, psp: str, kind: str, amount: str, **more: Any) -> bool:
    """What the app reports on the order's only transaction; whether that was known already."""
    saleor, before = client(world), len(order.transactions[0].events)
    try:
        answer = await saleor.execute(
            TRANSACTION_EVENT_REPORT, id=order.transactions[0].id, pspReference=psp, type=kind, amount=Decimal(amount), **more
        )
    finally:
        await saleor.close()
        await world.sandbox.settled()
    assert answer.transaction_event_report is not None
    return len(order.transactions[0].events) == before


async def statuses(world: World, order: Order) -> tuple[str, str]:
    saleor = client(world)
    try:
        found = (await saleor.execute(ORDER, id=order.id)).order
    finally:
        await saleor.close()
    assert found is not None
    return found.charge_status, found.authorize_status


def checkout_of(world: World, id: str) -> Checkout:
    return next(row for row in world.store.checkouts if row.id == id)


# --- Sessions ---------------------------------------------------------------------------------------------------------


async def test_the_gateway_says_what_it_may_offer(world: World) -> None:
    world.fake.answers["payment_gateway_initialize_session"] = {"data": {"available": True}}
    buyer = await world.filled()
    assert await buyer.gateway(IDENTIFIER) == {"available": True}
    [body] = world.fake.bodies("payment_gateway_initialize_session")
    assert body["issuingPrincipal"] == {"__typename": "User", "id": buyer.user_id}
    assert body["sourceObject"]["totalPrice"]["net"]["amount"] == 18.0
    assert body["sourceObject"]["lines"][0]["variant"]["pricing"]["price"]["net"]["amount"] == 10.0
    assert await buyer.gateway("nobody") is None


async def test_a_gateway_without_data_has_none(world: World) -> None:
    world.fake.answers["payment_gateway_initialize_session"] = 422
    assert await (await world.filled()).gateway(IDENTIFIER) is None


async def test_a_promise_counts_for_the_checkout_but_not_for_the_order(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    paid = await buyer.pay(IDENTIFIER)
    assert (paid.result, paid.psp_reference, paid.amount) == ("CHARGE_REQUEST", "BT-1", Decimal("18"))
    checkout = checkout_of(world, buyer.checkout_id)
    assert (checkout.charge_status, checkout.authorize_status) == ("FULL", "FULL")
    placed = await buyer.complete()
    assert (placed.status, placed.charge_status, placed.authorize_status) == ("UNCONFIRMED", "NONE", "NONE")


async def test_on_account_is_authorized_and_drawn_by_each_charge(world: World) -> None:
    order = await world.ordered(ACCOUNT)
    assert await statuses(world, order) == ("NONE", "FULL")
    assert await report(world, order, "W-1", "CHARGE_SUCCESS", "5") is False
    assert (order.authorized, order.charged) == (Decimal("13"), Decimal("5"))
    assert await statuses(world, order) == ("PARTIAL", "FULL")
    await report(world, order, "W-2", "CHARGE_SUCCESS", "13")
    assert (order.authorized, order.charged) == (Decimal("0"), Decimal("18"))
    assert await statuses(world, order) == ("FULL", "FULL")


async def test_the_requests_own_reference_clears_what_is_pending_also_when_smaller(world: World) -> None:
    order = await world.ordered(PROMISE)
    assert order.transactions[0].charge_pending == Decimal("18")
    await report(world, order, "BT-1", "CHARGE_SUCCESS", "10")
    assert (order.transactions[0].charge_pending, order.charged) == (Decimal("0"), Decimal("10"))
    await report(world, order, "BT-1-2", "CHARGE_SUCCESS", "8")
    assert await statuses(world, order) == ("FULL", "FULL")


async def test_a_lapsed_promise_is_cleared_by_a_failure(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "BT-1", "CHARGE_FAILURE", "18")
    assert (order.transactions[0].charge_pending, order.charged) == (Decimal("0"), Decimal("0"))


async def test_the_same_report_again_is_known_and_another_amount_refused(world: World) -> None:
    order = await world.ordered(PROMISE)
    assert await report(world, order, "W-1", "CHARGE_SUCCESS", "5") is False
    assert await report(world, order, "W-1", "CHARGE_SUCCESS", "5") is True
    assert order.charged == Decimal("5")
    with pytest.raises(SaleorRefused) as refused:
        await report(world, order, "W-1", "CHARGE_SUCCESS", "6")
    assert refused.value.errors[0].code == "INCORRECT_DETAILS"
    assert order.charged == Decimal("5")


async def test_a_second_authorization_is_refused(world: World) -> None:
    order = await world.ordered(ACCOUNT)
    with pytest.raises(SaleorRefused) as refused:
        await report(world, order, "BT-2", "AUTHORIZATION_SUCCESS", "5")
    assert refused.value.errors[0].code == "ALREADY_EXISTS"
    await report(world, order, "BT-2", "AUTHORIZATION_ADJUSTMENT", "5")
    assert order.authorized == Decimal("5")


async def test_too_much_is_overcharged(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "W-1", "CHARGE_SUCCESS", "20")
    assert await statuses(world, order) == ("OVERCHARGED", "FULL")


async def test_of_a_success_and_a_failure_the_newer_counts(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "W-1", "CHARGE_SUCCESS", "18", time=datetime(2026, 1, 2, tzinfo=UTC).isoformat())
    await report(world, order, "W-1", "CHARGE_FAILURE", "18", time=datetime(2026, 1, 1, tzinfo=UTC).isoformat())
    assert order.charged == Decimal("18")
    await report(world, order, "W-2", "CHARGE_SUCCESS", "1", time=datetime(2026, 1, 2, tzinfo=UTC).isoformat())
    await report(world, order, "W-2", "CHARGE_FAILURE", "1", time=datetime(2026, 1, 3, tzinfo=UTC).isoformat())
    assert order.charged == Decimal("18")


async def test_charge_back_and_refunds(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "BT-1", "CHARGE_SUCCESS", "18")
    await report(world, order, "BT-1", "CHARGE_BACK", "3")
    assert order.charged == Decimal("15")
    await report(world, order, "R-1", "REFUND_SUCCESS", "5")
    assert (order.charged, order.transactions[0].refunded) == (Decimal("10"), Decimal("5"))
    await report(world, order, "R-1", "REFUND_REVERSE", "5")
    assert (order.charged, order.transactions[0].refunded) == (Decimal("15"), Decimal("0"))


async def test_money_that_comes_in_is_told(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "W-1", "CHARGE_SUCCESS", "5")
    assert world.fake.bodies("order_fully_paid") == []
    assert world.fake.bodies("order_updated")
    await report(world, order, "W-2", "CHARGE_SUCCESS", "13")
    await report(world, order, "W-3", "CHARGE_SUCCESS", "1")
    assert len(world.fake.bodies("order_fully_paid")) == 2, "again on each further charge"


async def test_a_charge_confirms_where_the_channel_confirms_all(world: World) -> None:
    order = await world.ordered(PROMISE)
    assert order.status == "UNCONFIRMED"
    world.channel.automatically_confirm_all_new_orders = True
    await report(world, order, "W-1", "CHARGE_SUCCESS", "1")
    assert order.status == "UNFULFILLED"


@pytest.mark.parametrize(
    "answer",
    [
        500,
        422,
        {"result": "CHARGE_SUCCESS"},
        {"result": "charge_success", "pspReference": "x"},
        {"result": "CHARGE_SUCCESS", "pspReference": "x", "amount": "much"},
        {"result": "CHARGE_SUCCESS", "pspReference": "x", "time": "yesterday"},
        ["list"],
    ],
)
async def test_an_answer_that_is_none_is_a_failure(world: World, answer: Any) -> None:
    world.fake.answers["transaction_initialize_session"] = answer
    buyer = await world.filled()
    paid = await buyer.pay(IDENTIFIER)
    assert paid.result == "CHARGE_FAILURE"
    assert checkout_of(world, buyer.checkout_id).authorize_status == "NONE"


@pytest.mark.parametrize(
    "result", ["CHARGE_FAILURE", "AUTHORIZATION_FAILURE", "CHARGE_ACTION_REQUIRED", "AUTHORIZATION_ACTION_REQUIRED"]
)
async def test_a_refusal_or_a_question_does_not_let_a_checkout_complete(world: World, result: str) -> None:
    world.fake.answers["transaction_initialize_session"] = {
        "result": result,
        "message": "No.",
        "data": {"code": "not_a_reseller"},
    }
    buyer = await world.filled()
    paid = await buyer.pay(IDENTIFIER)
    assert (paid.result, paid.message, paid.code, paid.refused) == (result, "No.", "not_a_reseller", True)
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.complete()
    assert refused.value.code == "CHECKOUT_NOT_FULLY_PAID"


async def test_an_unpaid_checkout_completes_only_where_the_channel_allows_it(world: World) -> None:
    buyer = await world.filled()
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.complete()
    assert refused.value.code == "CHECKOUT_NOT_FULLY_PAID"
    world.channel.allow_unpaid_orders = True
    world.channel.automatically_confirm_all_new_orders = True
    placed = await buyer.complete()
    assert placed.status == "UNCONFIRMED", "no transaction, no confirmation"
    await world.sandbox.settled()
    assert world.fake.bodies("order_confirmed"), "the event comes nevertheless"


async def test_anybody_may_start_a_session_with_any_amount(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    guest = world.buyer("")
    paid = await guest.pay(IDENTIFIER, {"note": "hello"}, amount=Decimal("0.01"), source=buyer.checkout_id)
    assert paid.amount == Decimal("0.01")
    [body] = world.fake.bodies("transaction_initialize_session")
    assert body["issuingPrincipal"] is None
    assert body["sourceObject"]["user"]["id"] == buyer.user_id
    assert body["data"] == {"note": "hello"}
    assert body["merchantReference"] == body["transaction"]["id"] == paid.transaction_id
    assert body["action"] == {"amount": 0.01, "currency": "USD", "actionType": "CHARGE"}


async def test_a_session_on_an_order_asks_for_what_is_open(world: World) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "BT-1", "CHARGE_SUCCESS", "5")
    paid = await world.buyer("").pay(IDENTIFIER, source=order.id)
    assert paid.amount == Decimal("13")
    assert world.fake.bodies("transaction_initialize_session")[-1]["sourceObject"]["__typename"] == "Order"


async def test_the_same_key_is_the_same_transaction(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    first = await buyer.pay(IDENTIFIER, key="k-1")
    again = await buyer.pay(IDENTIFIER, key="k-1", amount=Decimal("18"))
    assert first.transaction_id == again.transaction_id
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.pay(IDENTIFIER, key="k-1", amount=Decimal("1"))
    assert refused.value.code == "UNIQUE"
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.pay(IDENTIFIER, key="")
    assert refused.value.code == "INVALID"


async def test_an_unknown_gateway_is_not_found(world: World) -> None:
    with pytest.raises(StorefrontRefused) as refused:
        await (await world.filled()).pay("nobody")
    assert refused.value.code == "NOT_FOUND"


async def test_at_most_a_hundred_transactions(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = PROMISE
    buyer = await world.filled()
    await buyer.pay(IDENTIFIER)
    checkout = checkout_of(world, buyer.checkout_id)
    checkout.transactions *= 100
    with pytest.raises(StorefrontRefused, match="limit of 100"):
        await buyer.pay(IDENTIFIER)


async def test_a_session_goes_on_until_it_ends(world: World) -> None:
    world.fake.answers["transaction_initialize_session"] = {"result": "CHARGE_ACTION_REQUIRED", "data": {"step": 2}}
    world.fake.answers["transaction_process_session"] = PROMISE
    buyer = await world.filled()
    begun = await buyer.pay(IDENTIFIER)
    for _ in range(2):
        payload = await buyer.send(PROCESS, "transactionProcess", id=begun.transaction_id)
        assert payload["transactionEvent"]["type"] == "CHARGE_REQUEST"
    assert len(world.fake.bodies("transaction_process_session")) == 1, "what has ended is not asked for again"


async def test_only_an_app_chooses_the_action(world: World) -> None:
    buyer = await world.filled()
    document = """mutation($id: ID!) { transactionInitialize(id: $id, action: CHARGE, paymentGateway: {id: "test.app"}) {
      errors { code } } }"""
    with pytest.raises(SaleorError, match="HANDLE_PAYMENTS"):
        await buyer.ask(document, id=buyer.checkout_id)


# --- Who may do what --------------------------------------------------------------------------------------------------


async def test_staff_cannot_report_on_an_apps_transaction_but_can_pay_around_it(world: World) -> None:
    order = await world.ordered(PROMISE)
    staff = await world.staff()
    document = """mutation($id: ID!) { transactionEventReport(id: $id, pspReference: "x", type: CHARGE_SUCCESS, amount: 18) {
      errors { code } } }"""
    with pytest.raises(SaleorError, match="OWNER"):
        await staff.ask(document, id=order.transactions[0].id)
    amount = {"currency": "USD", "amount": "18"}
    await staff.send(CREATE, "transactionCreate", id=order.id, transaction={"name": "cash", "amountCharged": amount})
    assert await statuses(world, order) == ("FULL", "FULL")
    await world.sandbox.settled()
    assert world.fake.bodies("order_fully_paid")
    assert order.transactions[-1].created_by is world.store.user_by_email(seed.STAFF)


async def test_a_transaction_needs_the_orders_currency(world: World) -> None:
    order = await world.ordered(PROMISE)
    with pytest.raises(StorefrontRefused) as refused:
        amount = {"currency": "EUR", "amount": 1}
        await (await world.staff()).send(CREATE, "transactionCreate", id=order.id, transaction={"amountCharged": amount})
    assert refused.value.code == "INCORRECT_CURRENCY"


async def test_a_missing_permission_is_denied(world: World) -> None:
    order = await world.ordered(PROMISE)
    world.app.permissions.discard("HANDLE_PAYMENTS")
    with pytest.raises(SaleorDenied):
        await report(world, order, "W-1", "CHARGE_SUCCESS", "5")


# --- The card gateway, and refunds ------------------------------------------------------------------------------------


async def test_a_card_is_charged_for_anybody(world: World) -> None:
    buyer = await world.filled()
    paid = await buyer.pay(card.IDENTIFIER)
    assert paid.result == "CHARGE_SUCCESS"
    assert await buyer.gateway(card.IDENTIFIER) == {"publishableKey": "pk_sandbox"}
    assert (await buyer.complete()).charge_status == "FULL"


async def test_a_refund_is_asked_of_the_app_that_took_the_money(world: World) -> None:
    buyer = await world.filled()
    await buyer.pay(card.IDENTIFIER)
    await buyer.complete()
    await world.sandbox.settled()
    order = world.store.orders[-1]
    saleor = client(world)
    await saleor.execute(TRANSACTION_REQUEST_ACTION, id=order.transactions[0].id, actionType="REFUND", amount=Decimal("18"))
    await saleor.close()
    await world.sandbox.settled()
    assert (order.charged, order.transactions[0].refunded) == (Decimal("0"), Decimal("18"))
    assert world.fake.bodies("order_refunded")


@pytest.mark.parametrize(
    ("answer", "pending", "refunded"),
    [
        ({"pspReference": "R-1", "actions": []}, "18", "0"),
        ({"result": "REFUND_SUCCESS", "pspReference": "R-1", "amount": 18}, "0", "18"),
        ({"result": "REFUND_FAILURE", "message": "By hand."}, "0", "0"),
        ({}, "0", "0"),
        (500, "0", "0"),
    ],
)
async def test_what_a_refund_request_may_be_answered(world: World, answer: Any, pending: str, refunded: str) -> None:
    order = await world.ordered(PROMISE)
    await report(world, order, "BT-1", "CHARGE_SUCCESS", "18")
    world.fake.answers["transaction_refund_requested"] = answer
    saleor = client(world)
    await saleor.execute(TRANSACTION_REQUEST_ACTION, id=order.transactions[0].id, actionType="REFUND")
    await saleor.close()
    await world.sandbox.settled()
    item = order.transactions[0]
    assert (item.refund_pending, item.refunded) == (Decimal(pending), Decimal(refunded))
    assert world.fake.bodies("transaction_refund_requested")[0]["action"]["amount"] == 18.0


async def test_nobody_to_ask_for_a_refund(world: World) -> None:
    order = await world.ordered(PROMISE)
    world.app.webhooks = [webhook for webhook in world.app.webhooks if webhook.name != "transaction_refund_requested"]
    saleor = client(world)
    with pytest.raises(SaleorRefused) as refused:
        await saleor.execute(TRANSACTION_REQUEST_ACTION, id=order.transactions[0].id, actionType="REFUND")
    await saleor.close()
    assert refused.value.errors[0].code == "MISSING_TRANSACTION_ACTION_REQUEST_WEBHOOK"
