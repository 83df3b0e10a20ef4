import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from stdnum import iso11649

from app.db.session import Database
from app.orders.intake import record
from app.orders.service import confirm_order, order_gate
from app.orders.tables import PaymentSession, RefundRequest, ResellerOrder, StaffDecision, StaffTask
from app.resellers.policy import publish
from app.resellers.roles import Role
from app.resellers.rules import Decision
from app.resellers.service import decide
from app.resellers.tables import ResellerUser
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState
from tests.conftest import NOW
from tests.orders.builders import USD_ACCOUNT, order, paid_orders, reseller, transaction
from tests.web.webhooks.shop import Sender, serving

APP = "QXBwOjE="
INITIALIZE = "transaction_initialize_session"
PROCESS = "transaction_process_session"
GATEWAY = "payment_gateway_initialize_session"


@pytest.fixture
async def saleor(database: Database, tenant: str) -> AsyncIterator[Sender]:
    async with serving(database, tenant) as sender:
        yield sender


def address(state: str, email: str = "") -> dict[str, Any]:
    return {
        "companyName": "", "firstName": "Ann", "lastName": "Lee", "streetAddress1": "1", "streetAddress2": "", "city": "Town",
        "postalCode": "78701", "countryArea": state, "country": {"code": "US"},
        "metadata": [{"key": "email", "value": email}] if email else [],
    }  # fmt: skip


def taxed(net: str, gross: str) -> dict[str, Any]:
    return {"net": {"amount": float(net)}, "gross": {"amount": float(gross)}}


def line(net: str = "18.00", gross: str = "19.49", quantity: int = 2, public: str = "10.00") -> dict[str, Any]:
    product = {
        "id": "P1", "name": "Grid", "category": {"id": "cat"}, "collections": [{"id": "col"}], "taxClass": None,
        "productType": {"taxClass": {"id": "class"}},
    }  # fmt: skip
    variant = {
        "id": "V1", "sku": "GRID-1", "name": "One", "product": product, "pricing": {"price": taxed(public, public)},
        "channelListings": [
            {"channel": {"slug": "other"}, "price": {"amount": 99.0}},
            {"channel": {"slug": "default"}, "price": {"amount": 10.0}},
        ],
    }  # fmt: skip
    return {"id": "L1", "quantity": quantity, "isGift": False, "totalPrice": taxed(net, gross), "variant": variant}


def checkout(user: str | None = "texan", **changed: Any) -> dict[str, Any]:
    return {
        "__typename": "Checkout", "id": "C1", "user": {"id": user} if user else None,
        "channel": {"slug": "default", "taxConfiguration": {"pricesEnteredWithTax": False}},
        "email": None, "languageCode": "EN_US", "voucherCode": None, "metadata": [],
        "totalPrice": {"currency": "USD", **taxed("18.00", "19.49")}, "shippingPrice": {"gross": {"amount": 0.0}},
        "discount": None,
        "billingAddress": address("TX"), "shippingAddress": address("CA", "buyer@customer.example"), "lines": [line()],
    } | changed  # fmt: skip


def paying_order(user: str | None = "texan", number: str = "O1") -> dict[str, Any]:
    return {
        "__typename": "Order", "id": number, "user": {"id": user} if user else None, "channel": {"slug": "default"},
        "number": "1", "total": {"currency": "USD", **taxed("18.00", "19.49")},
    }  # fmt: skip


def session(
    source: dict[str, Any] | None = None, *, caller: str | None = "texan", number: str = "T1", **changed: Any
) -> dict[str, Any]:
    action = {"amount": 19.49, "currency": "USD", "actionType": "CHARGE"} | changed.pop("action", {})
    return {
        "recipient": {"id": APP}, "issuedAt": NOW.isoformat(), "transaction": {"id": number, "pspReference": ""},
        "issuingPrincipal": {"__typename": "User", "id": caller} if caller else None, "merchantReference": "m", "data": None,
        "action": action, "sourceObject": source or checkout(),
    } | changed  # fmt: skip


async def answer(saleor: Sender, body: dict[str, Any], event: str = INITIALIZE) -> dict[str, Any]:
    found = await saleor.post(event, body)
    assert found.status_code == 200, found.text
    return dict(found.json())


async def refusal(saleor: Sender, body: dict[str, Any], event: str = INITIALIZE) -> str:
    found = await answer(saleor, body, event)
    assert (found["result"], found["actions"]) == ("CHARGE_FAILURE", [])
    assert found["data"]["message"]
    assert found["message"].startswith(found["data"]["message"])
    assert found["data"]["reasons"][0]["code"] == found["data"]["code"]
    assert "pspReference" not in found
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        assert await opened.scalar(select(PaymentSession.id)) is None
    return str(found["data"]["code"])


async def test_a_new_reseller_prepays_with_instructions(saleor: Sender) -> None:
    buyer = await reseller(saleor.world)
    found = await answer(saleor, session())
    assert (found["result"], found["amount"], found["actions"]) == ("CHARGE_REQUEST", "19.49", [])
    assert found["pspReference"].startswith("BT-")
    assert "0 of 3 prepaid orders" in found["message"]
    data = found["data"]
    assert iso11649.is_valid(data["reference"])
    assert (data["terms"], data["counted_prepaid_orders"], data["required_prepaid_orders"]) == ("prepay", 0, 3)
    shown = {name: data[name] for name in ("beneficiary", "routing_number", "account_number", "bank_name")}
    assert shown == {name: USD_ACCOUNT[name] for name in shown}
    assert (data["amount"], data["currency"], data["due_date"]) == ("19.49", "USD", "2026-04-01")
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        (row,) = await opened.scalars(select(PaymentSession))
    assert (row.transaction_id, row.source_id, row.reseller_id, row.saleor_user_id) == ("T1", "C1", buyer.id, "texan")
    assert (row.psp_reference, row.reference, row.amount_minor) == (found["pspReference"], data["reference"], 1949)
    (kept,) = row.lines
    assert {name: kept[name] for name in ("variant", "quantity", "net", "gross")} == {
        "variant": "V1",
        "quantity": 2,
        "net": 1800,
        "gross": 1949,
    }
    assert (kept["tax_rate"], kept["certificate_id"], kept["price_list_version"]) == ("8.25", None, 1)
    assert [reason["code"] for reason in kept["reasons"]][-1] == "tax_state"


async def test_an_established_reseller_buys_on_account(saleor: Sender) -> None:
    buyer = await reseller(saleor.world)
    await paid_orders(saleor.world, buyer.id, 3)
    found = await answer(saleor, session())
    assert (found["result"], found["data"]["terms"]) == ("AUTHORIZATION_SUCCESS", "on_account")
    assert [reason["code"] for reason in found["data"]["reasons"]] == ["good_standing"]
    assert found["data"]["due_date"] == "2026-04-01"


async def test_a_repeated_session_gets_the_same_bytes_although_the_terms_changed(saleor: Sender) -> None:
    buyer = await reseller(saleor.world)
    first = await saleor.post(INITIALIZE, session())
    await paid_orders(saleor.world, buyer.id, 3)
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        await decide(opened, buyer.email, Decision.SUSPEND, by="a", at=NOW, policy_version="1", reason="x")
    for event in (INITIALIZE, PROCESS):
        assert (await saleor.post(event, session())).content == first.content
    second = await answer(saleor, session(number="T2"))
    assert second["data"]["code"] == "reseller_inactive"


async def test_two_sessions_of_one_checkout_have_one_reference(saleor: Sender) -> None:
    await reseller(saleor.world)
    first, second = await answer(saleor, session()), await answer(saleor, session(number="T2"))
    assert first["data"]["reference"] == second["data"]["reference"]
    assert first["pspReference"] != second["pspReference"]


async def test_twenty_deliveries_at_once_make_one_session(saleor: Sender) -> None:
    await reseller(saleor.world)
    found = await asyncio.gather(*(saleor.post(INITIALIZE, session()) for _ in range(20)))
    assert {item.status_code for item in found} == {200}
    assert len({item.content for item in found}) == 1
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        assert len((await opened.scalars(select(PaymentSession))).all()) == 1


REFUSALS = [
    (session(caller=None), "not_signed_in"),
    (session(caller="mallory"), "not_the_buyer"),
    (session(checkout(None)), "not_the_buyer"),
    (session(checkout(billingAddress=None)), "missing_address"),
    (session(checkout(shippingAddress=None)), "missing_address"),
    (session(checkout(shippingAddress=address("CA"))), "missing_end_customer_email"),
    (session(checkout(shippingAddress=address("CA", "nobody"))), "end_customer_email"),
    (session(checkout(billingAddress=address("CA"))), "billing_state"),
    (session(checkout(voucherCode="SAVE")), "voucher"),
    (session(action={"amount": 19.48}), "wrong_amount"),
    (session(action={"amount": -19.49}), "wrong_amount"),
    (session(action={"currency": "EUR"}), "wrong_amount"),
    (session(checkout(lines=[line("20.00", "21.65")])), "wrong_price"),
    (session(checkout(lines=[line("18.00", "18.00")])), "wrong_price"),
    (session(checkout(lines=[line(public="8.00")])), "wrong_price"),
]


async def test_a_refusal_is_an_answer_with_its_reason(saleor: Sender) -> None:
    await reseller(saleor.world)
    for body, code in REFUSALS:
        for event in (INITIALIZE, PROCESS):
            assert await refusal(saleor, body, event) == code


async def test_who_is_no_reseller_may_not_order_or_did_not_accept(saleor: Sender) -> None:
    assert await refusal(saleor, session(checkout("eve"), caller="eve")) == "not_a_reseller"
    await reseller(saleor.world, "new", accept=False)
    assert await refusal(saleor, session(checkout("new"), caller="new")) == "policy_not_accepted"
    row = await reseller(saleor.world, "late")
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        await decide(opened, row.email, Decision.SUSPEND, by="a", at=NOW, policy_version="1", reason="x")
    assert await refusal(saleor, session(checkout("late"), caller="late")) == "reseller_inactive"


@pytest.mark.parametrize("role", Role)
async def test_only_an_owner_or_a_buyer_orders(saleor: Sender, role: Role) -> None:
    made = await reseller(saleor.world)
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as db:
        await db.execute(update(ResellerUser).where(ResellerUser.reseller_id == made.id).values(role=role.value))
    if role in (Role.OWNER, Role.BUYER):
        assert (await answer(saleor, session()))["result"] == "CHARGE_REQUEST"
    else:
        assert await refusal(saleor, session()) == "role_may_not"


async def test_case_6_a_published_policy_asks_again_once_its_grace_is_over(saleor: Sender) -> None:
    await reseller(saleor.world)
    await saleor.world.set(policy_grace_days=10)
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        await publish(opened, "2", "English", "Deutsch", NOW.date(), NOW)
    assert (await answer(saleor, session()))["result"] == "CHARGE_REQUEST"
    saleor.world.clock.now += timedelta(days=11)
    assert (await answer(saleor, session(number="T2")))["data"]["code"] == "policy_not_accepted"


async def test_no_bank_account_for_the_currency(saleor: Sender) -> None:
    await reseller(saleor.world)
    prices = checkout(totalPrice={"currency": "EUR", **taxed("18.00", "19.49")})
    assert await refusal(saleor, session(prices, action={"currency": "EUR"})) == "no_bank_account"


async def test_our_own_app_may_ask_for_a_buyer_and_another_may_not(saleor: Sender) -> None:
    await reseller(saleor.world)
    other = session(issuingPrincipal={"__typename": "App", "id": "QXBwOjk="})
    assert await refusal(saleor, other) == "not_signed_in"
    own = session(issuingPrincipal={"__typename": "App", "id": APP})
    assert (await answer(saleor, own))["result"] == "CHARGE_REQUEST"


async def recorded(saleor: Sender, **changed: Any) -> ResellerOrder:
    """The reseller's paid-by-session order, confirmed."""
    world = saleor.world
    await answer(saleor, session())
    async with world.database.tenant(world.shop.tenant_id) as opened:
        row = await record(opened, world.services, world.shop, order(transactions=[transaction()], **changed))
        assert row is not None
        assert row.audit_passed
        await confirm_order(opened, row.id, NOW)
    return row


async def test_a_used_purchase_order_number(saleor: Sender) -> None:
    await reseller(saleor.world)
    number = [{"key": "po_number", "value": "PO-7"}]
    await recorded(saleor, metadata=number)
    found = await answer(saleor, session(checkout(id="C2", metadata=number), number="T2"))
    assert found["data"]["code"] == "po_number_used"


async def test_an_order_has_its_instructions_already(saleor: Sender) -> None:
    await reseller(saleor.world)
    row = await recorded(saleor)
    found = await answer(saleor, session(paying_order(), number="T2"))
    assert (found["result"], found["data"]["code"]) == ("CHARGE_FAILURE", "order_session")
    assert (found["data"]["reference"], found["data"]["due_date"]) == (row.reference, "2026-04-01")
    for body, code in (
        (session(paying_order(), caller="mallory", number="T2"), "not_the_buyer"),
        (session(paying_order(), caller=None, number="T2"), "not_the_buyer"),
        (session(paying_order(None), number="T2"), "not_the_buyer"),
        (session(paying_order(number="O9"), number="T2"), "not_our_order"),
    ):
        refused = await answer(saleor, body)
        assert (refused["data"]["code"], "reference" in refused["data"]) == (code, False)


async def test_what_a_storefront_may_offer(saleor: Sender) -> None:
    buyer = await reseller(saleor.world)

    async def offer(source: dict[str, Any], caller: str | None = "texan") -> dict[str, Any]:
        principal = {"__typename": "User", "id": caller} if caller else None
        body = {"recipient": {"id": APP}, "issuingPrincipal": principal, "amount": None, "data": None, "sourceObject": source}
        return dict((await answer(saleor, body, GATEWAY))["data"])

    found = await offer(checkout())
    assert (found["available"], found["terms"], found["reasons"][0]["code"]) == (True, "prepay", "prepaid_count")
    found = await offer(checkout(billingAddress=None))
    assert (found["available"], [reason["code"] for reason in found["reasons"]]) == (False, ["missing_address"])
    assert found["reasons"][0]["sentence"] == "The billing address is missing."
    for source, caller, code in (
        (checkout("eve"), "eve", "not_a_reseller"),
        (checkout(), None, "not_signed_in"),
        (paying_order(), "texan", "order_session"),
    ):  # fmt: skip
        found = await offer(source, caller)
        assert (found["available"], found["reasons"][0]["code"], "terms" in found) == (False, code, False)
    found = await offer(checkout(), "mallory")
    assert (found["available"], [reason["code"] for reason in found["reasons"]]) == (False, ["not_the_buyer"])
    assert "terms" not in found, "nobody but the buyer learns of its terms"
    await paid_orders(saleor.world, buyer.id, 3)
    assert (await offer(checkout()))["terms"] == "on_account"


async def test_what_is_not_for_us_or_not_signed(saleor: Sender) -> None:
    for event in (INITIALIZE, PROCESS, GATEWAY, "transaction_charge_requested"):
        body = requested() if event.endswith("requested") else session() | {"amount": None}
        for recipient in (None, {"id": "QXBwOjk="}):
            found = await saleor.post(event, body | {"recipient": recipient})
            assert (found.status_code, found.json()["error"]["code"]) == (403, "wrong_recipient")
        assert (await saleor.post(event, body, Saleor_Signature=None)).status_code == 401
        assert (await saleor.post(event, body, Saleor_Signature="a..b")).status_code == 401
        assert (await saleor.post(event, body, Saleor_Api_Url="http://nobody.example/graphql/")).status_code == 401


UNREADABLE = [
    (b"", "malformed", "the body"),
    (b"[]", "malformed", "the body"),
    (b'{"recipient": null}', "malformed", "issuedAt"),
    (json.dumps(session(action={"amount": "much"})).encode(), "malformed", "action.amount"),
    (json.dumps(session(action={"currency": "XXY"})).encode(), "amount", "XXY"),
    (json.dumps(session(action={"amount": 19.499})).encode(), "amount", "19.499"),
]


async def test_what_cannot_be_read(saleor: Sender) -> None:
    await reseller(saleor.world)
    for body, code, words in UNREADABLE:
        found = await saleor.post(INITIALIZE, body)
        assert (found.status_code, found.json()["error"]["code"]) == (400, code)
        assert words in found.json()["error"]["message"]


def requested(amount: float | None = 19.49, number: str = "T1", **changed: Any) -> dict[str, Any]:
    return {
        "recipient": {"id": APP}, "issuedAt": NOW.isoformat(), "issuingPrincipal": None,
        "action": {"actionType": "REFUND", "amount": amount, "currency": "USD"},
        "transaction": {"id": number, "pspReference": "BT", "order": {"id": "O1", "number": "1"}, "checkout": None},
    } | changed  # fmt: skip


async def test_a_charge_request_is_refused(saleor: Sender) -> None:
    found = await answer(saleor, requested(), "transaction_charge_requested")
    assert (found["result"], found["amount"]) == ("CHARGE_FAILURE", "19.49")
    assert "A wire cannot be collected" in found["message"]


async def rows(saleor: Sender, table: Any) -> list[Any]:
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        return list(await opened.scalars(select(table)))


async def closed(saleor: Sender, order_id: str) -> list[str]:
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        row = (await opened.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        gate = await order_gate(opened, row, NOW)
    assert not gate.open
    return [reason.code for reason in gate.reasons]


async def test_a_refund_request_is_taken_once_and_holds_the_order(saleor: Sender) -> None:
    await reseller(saleor.world)
    row = await recorded(saleor)
    found = await asyncio.gather(*(saleor.post("transaction_refund_requested", requested()) for _ in range(5)))
    assert {item.status_code for item in found} == {200}
    assert len({item.content for item in found}) == 1
    psp = found[0].json()["pspReference"]
    assert found[0].json() == {"pspReference": psp}, "no result yet: the money goes back by wire"
    (kept,) = await rows(saleor, RefundRequest)
    assert (kept.order_id, kept.psp_reference, kept.amount_minor, kept.done_at) == (row.id, psp, 1949, None)
    (decision,) = await rows(saleor, StaffDecision)
    assert (decision.hold, decision.by) == (True, "the program")
    (task,) = await rows(saleor, StaffTask)
    assert (task.key, task.done_at) == (f"refund:{psp}:{row.id}", None)
    assert await closed(saleor, row.id) == ["staff_hold"]
    assert await saleor.workflows() == [(f"request:{saleor.world.shop.tenant_id}:{psp}", "attend_order")]
    later = await answer(saleor, requested(issuedAt="2026-03-03T12:00:00+00:00"), "transaction_refund_requested")
    assert later["pspReference"] != psp


@pytest.mark.parametrize("transaction", [None, {"id": "T9", "pspReference": "", "order": None, "checkout": None}])
async def test_a_refund_of_what_we_do_not_know(saleor: Sender, transaction: dict[str, Any] | None) -> None:
    found = await answer(saleor, requested(transaction=transaction), "transaction_refund_requested")
    assert (found["result"], found["amount"]) == ("REFUND_FAILURE", "19.49")
    assert "not one of the reseller program" in found["message"]


async def test_a_refund_of_nothing(saleor: Sender) -> None:
    await reseller(saleor.world)
    await recorded(saleor)
    for amount in (None, 0, -1):
        found = await answer(saleor, requested(amount), "transaction_refund_requested")
        assert found["result"] == "REFUND_FAILURE"
    assert await rows(saleor, RefundRequest) == []


@pytest.mark.parametrize("amount", [None, 19.49])
async def test_a_promise_is_voided_once_and_the_order_held(saleor: Sender, amount: float | None) -> None:
    await reseller(saleor.world)
    row = await recorded(saleor)
    body = requested(amount)
    found = await answer(saleor, body, "transaction_cancelation_requested")
    again = await answer(saleor, body, "transaction_cancelation_requested")
    assert found == again
    assert (found["result"], found["amount"]) == ("CANCEL_SUCCESS", None if amount is None else "19.49")
    assert await closed(saleor, row.id) == ["staff_hold"]
    (task,) = await rows(saleor, StaffTask)
    assert task.key == f"void:{found['pspReference']}:{row.id}"
    assert len(await rows(saleor, StaffDecision)) == 1


async def test_a_void_of_a_checkouts_promise(saleor: Sender) -> None:
    await reseller(saleor.world)
    await answer(saleor, session())
    assert (await answer(saleor, requested(None), "transaction_cancelation_requested"))["result"] == "CANCEL_SUCCESS"


async def test_the_program_is_not_loaded_yet(database: Database, tenant: str) -> None:
    async with serving(database, tenant) as saleor:
        await reseller(saleor.world)
        saleor.world.services.programs._kept.clear()
        found: httpx.Response = await saleor.post(INITIALIZE, session())
        assert (found.status_code, found.json()["error"]["code"]) == (503, "loading")
        await saleor.world.refresh()
        assert (await saleor.post(INITIALIZE, session())).status_code == 200
        assert (await saleor.client.get("/health")).json() == {"status": "ok"}


async def test_case_40_the_session_accepts_a_line_for_own_use_only_with_its_tax(saleor: Sender) -> None:
    buyer = await reseller(saleor.world)
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        paper = await add_certificate(
            opened, reseller_id=buyer.id, number="TX-1", states=["TX"], signed_on=NOW.date(), valid_from=NOW.date(), at=NOW
        )
        await decide_certificate(opened, paper.id, CertificateState.APPROVED, by="anna", at=NOW)
    await saleor.world.refresh()
    own_use = line() | {"notForResale": "true"}
    untaxed = line("18.00", "18.00")
    total: dict[str, Any] = {"totalPrice": {"currency": "USD", **taxed("18.00", "18.00")}}
    cheap = checkout(lines=[untaxed | {"notForResale": "true"}], **total)
    assert await refusal(saleor, session(cheap, action={"amount": 18.0})) == "wrong_price"
    found = await answer(saleor, session(checkout(lines=[own_use])))
    assert found["result"] == "CHARGE_REQUEST"
    async with saleor.world.database.tenant(saleor.world.shop.tenant_id) as opened:
        (row,) = await opened.scalars(select(PaymentSession))
    (kept,) = row.lines
    assert (kept["tax_rate"], kept["certificate_id"]) == ("8.25", None)
    assert [reason["code"] for reason in kept["reasons"]][-2:] == ["tax_own_use", "tax_state"]
