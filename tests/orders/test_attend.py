from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.db.tenants import Tenant
from app.money import Money
from app.orders import attend
from app.orders.record import hold
from app.orders.service import cancel_order, decide_release, lock_order, order_gate
from app.orders.tables import MoneyReport, OrderEvent, ResellerOrder, StaffDecision, StaffTask
from app.reasons import Reason, because
from app.saleor.client import SaleorRefused
from tests.conftest import NOW
from tests.orders.builders import (
    World,
    address,
    by_id,
    money,
    opened,
    order,
    order_json,
    recorded,
    refused,
    reseller,
    rows,
    taxed,
    transaction,
    wire,
)

CARD = {"__typename": "App", "id": "QXBwOjk=", "identifier": "stripe"}
STAFF = {"__typename": "User", "id": "u9", "identifier": None}
OK: dict[str, Any] = {
    "OrderConfirm": {"orderConfirm": {"order": {"id": "O1", "status": "UNFULFILLED"}, "errors": []}},
    "PrivateMetadataUpdate": {"updatePrivateMetadata": {"item": {"__typename": "Order"}, "errors": []}},
    "OrderNoteAdd": {"orderNoteAdd": {"event": {"id": "E"}, "errors": []}},
    "AppProblemCreate": {"appProblemCreate": {"errors": []}},
    "TransactionRequestAction": {"transactionRequestAction": {"transaction": {"id": "T9"}, "errors": []}},
    "OrderFulfillmentCancel": {"orderFulfillmentCancel": {"fulfillment": {"id": "F1", "status": "CANCELED"}, "errors": []}},
    "TransactionEventReport": {
        "transactionEventReport": {"alreadyProcessed": False, "transaction": {"id": "T1", "pspReference": "x"}, "errors": []}
    },
    "Warehouses": {"warehouses": {"edges": [{"node": {"id": "W1", "name": "Main"}}]}},
    "Installation": {
        "shop": {"version": "3.23.0", "fulfillmentAutoApprove": True, "fulfillmentAllowUnpaid": True},
        "channels": None,
    },
}


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        world.saleor.answers = dict(OK)
        yield world


def shows(world: World, *orders: dict[str, Any]) -> None:
    world.saleor.answers["Order"] = by_id(*orders)


async def closed(world: World, row: ResellerOrder) -> list[str]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await order_gate(session, await lock_order(session, row.id), world.clock())
    return [] if found.open else [reason.code for reason in found.reasons]


async def cancel(world: World, row: ResellerOrder) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, row.id, NOW)


async def release(world: World, row: ResellerOrder) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await decide_release(session, world.services, world.shop.tenant_id, row.id)


async def test_an_order_is_read_as_saleor_has_it_now(world: World) -> None:
    shows(world, order_json())
    found = await attend.read_order(world.services, world.shop, "O1")
    assert found is not None
    assert found == order()
    assert await attend.read_order(world.services, world.shop, "O9") is None


@pytest.mark.parametrize(("status", "asked"), [("UNCONFIRMED", 1), ("UNFULFILLED", 0), ("CANCELED", 0)])
async def test_only_an_unconfirmed_order_is_confirmed(world: World, status: str, asked: int) -> None:
    shows(world, order_json(status=status))
    await attend.confirm(world.services, world.shop, "O1")
    await attend.confirm(world.services, world.shop, "O9")
    assert world.saleor.named("OrderConfirm") == [{"id": "O1"}] * asked


async def follow(world: World, row: ResellerOrder, **changed: Any) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await attend.follow(session, world.services, world.shop, row.id, order(**changed))


@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED"])
async def test_a_cancellation_in_saleor_is_followed(world: World, status: str) -> None:
    row = await recorded(world)
    for _ in range(2):
        await follow(world, row, status=status)
    (kept,) = await rows(world, ResellerOrder)
    assert kept.canceled_at == NOW
    assert await closed(world, row) == ["order_canceled"]


async def test_another_total_than_was_frozen_holds_the_order_once(world: World) -> None:
    row = await recorded(world)
    await follow(world, row)
    assert await rows(world, StaffTask) == []
    for _ in range(2):
        await follow(world, row, total={"currency": "USD", **taxed("1.00", "1.08")})
    await wire(world)
    assert await closed(world, row) == ["staff_hold"]
    (task,) = await rows(world, StaffTask)
    assert "1.08 USD now; it was 19.49 USD" in str(Reason.from_dict(task.reasons[0]))
    assert len(await rows(world, StaffDecision)) == 1


async def test_after_the_release_another_total_changes_nothing(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await release(world, row)
    await follow(world, row, total={"currency": "USD", **taxed("1.00", "1.08")})
    assert await rows(world, StaffTask) == []


async def test_a_hold_after_the_release_only_asks(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await release(world, row)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await hold(session, await lock_order(session, row.id), because("gift_card"), world.services, "k")
    assert await rows(world, StaffDecision) == []
    assert [task.key for task in await rows(world, StaffTask)] == [f"k:{row.id}"]


def fulfillment(number: str = "F1", status: str = "FULFILLED") -> dict[str, Any]:
    return {"id": number, "status": status, "metadata": [], "lines": []}


async def early(world: World, row: ResellerOrder, *found: dict[str, Any]) -> None:
    await attend.cancel_early_fulfillments(world.services, world.shop, row.id, order(fulfillments=list(found)))


async def test_what_was_fulfilled_before_the_release_is_taken_back(world: World) -> None:
    row = await recorded(world)
    await early(world, row)
    await early(world, row, fulfillment("F0", "CANCELED"))
    assert world.saleor.calls == []
    await early(world, row, fulfillment(), fulfillment("F2", "WAITING_FOR_APPROVAL"))
    assert world.saleor.named("OrderFulfillmentCancel") == [{"id": "F1", "warehouse": "W1"}, {"id": "F2", "warehouse": None}]
    assert sorted(task.key for task in await rows(world, StaffTask)) == ["early:F1", "early:F2"]


async def test_after_the_release_or_cancellation_a_fulfillment_stays(world: World) -> None:
    row, gone = await recorded(world), await recorded(world, "2")
    await wire(world)
    await release(world, row)
    await cancel(world, gone)
    for found in (row, gone):
        await early(world, found, fulfillment())
    assert world.saleor.calls == []


async def test_a_fulfillment_that_is_gone_meanwhile(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers["OrderFulfillmentCancel"] = refused("orderFulfillmentCancel", "cannot be canceled")
    shows(world, order_json(fulfillments=[fulfillment(status="CANCELED")]))
    await early(world, row, fulfillment())
    assert [task.key for task in await rows(world, StaffTask)] == ["early:F1"]
    shows(world, order_json(fulfillments=[fulfillment()]))
    with pytest.raises(SaleorRefused, match="cannot be canceled"):
        await early(world, row, fulfillment())


async def others(world: World, row: ResellerOrder, **changed: Any) -> None:
    await attend.refund_other_gateways(world.services, world.shop, row.id, order(**changed))


async def test_another_gateways_money_is_asked_back_once(world: World) -> None:
    row = await recorded(world)
    for _ in range(2):
        await others(world, row, transactions=[transaction(), transaction("T9", CARD, charged="19.49")])
    (asked,) = world.saleor.named("TransactionRequestAction")
    assert (asked["id"], asked["actionType"]) == ("T9", "REFUND")
    assert Money.of(str(asked["amount"]), "USD") == Money(1949, "USD")
    (task,) = await rows(world, StaffTask)
    assert [reason["code"] for reason in task.reasons] == ["other_gateway", "refund_of_other"]
    assert await closed(world, row) == ["staff_hold"]
    assert "refund_of_other" in [event.what["code"] for event in await rows(world, OrderEvent)]


async def test_an_authorization_elsewhere_is_voided(world: World) -> None:
    row = await recorded(world)
    await others(world, row, transactions=[transaction("T9", CARD) | {"authorizedAmount": money("5.00")}])
    (asked,) = world.saleor.named("TransactionRequestAction")
    assert (asked["actionType"], asked["amount"]) == ("CANCEL", None)


async def test_a_gateway_that_refuses_is_left_to_staff(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers["TransactionRequestAction"] = refused("transactionRequestAction", "no webhook")
    await others(world, row, transactions=[transaction("T9", CARD, charged="5.00")])
    said = [str(Reason.from_dict(event.what)) for event in await rows(world, OrderEvent)]
    assert any("stripe refused to give back 5.00 USD" in text and "by hand" in text for text in said)
    (task,) = await rows(world, StaffTask)
    assert [reason["code"] for reason in task.reasons] == ["other_gateway", "other_money_left"], "the list says it, too"
    assert await closed(world, row) == ["staff_hold"]


async def test_a_payment_plugins_money_holds_and_a_hand_entry_only_asks(world: World) -> None:
    row, hand = await recorded(world), await recorded(world, "2")
    paid = {"id": "p", "gateway": "plugin", "isActive": True, "capturedAmount": money("7.00")}
    await others(world, row, payments=[paid])
    await others(world, hand, transactions=[transaction("T9", STAFF, charged="19.49")])
    await others(world, hand, transactions=[transaction("T9", STAFF, charged="19.49")])
    assert world.saleor.calls == []
    assert (await closed(world, row), await closed(world, hand)) == (["staff_hold"], ["wire_missing"])
    assert sorted(task.reasons[0]["code"] for task in await rows(world, StaffTask)) == ["legacy_payment", "staff_payment"]


async def report(world: World) -> MoneyReport:
    (found,) = await rows(world, MoneyReport)
    await attend.report_money(world.services, world.shop, found.id)
    return (await rows(world, MoneyReport))[0]


async def test_booked_money_is_told_to_saleor(world: World) -> None:
    await recorded(world)
    await wire(world)
    found = await report(world)
    assert (found.reported_at, found.error) == (NOW, "")
    (said,) = world.saleor.named("TransactionEventReport")
    assert (said["id"], said["pspReference"], said["type"], said["availableActions"]) == (
        "T1", "BT-T1", "CHARGE_SUCCESS", ["REFUND"],
    )  # fmt: skip
    assert Money.of(str(said["amount"]), "USD") == Money(1949, "USD")
    await report(world)
    assert len([event for event in await rows(world, OrderEvent) if event.key == f"report:{found.id}"]) == 1


async def test_a_refused_report_is_shown_and_a_later_one_clears_it(world: World) -> None:
    await recorded(world)
    await wire(world)
    world.saleor.answers["TransactionEventReport"] = refused("transactionEventReport", "Transaction not found", "NOT_FOUND")
    found = await report(world)
    assert found.reported_at is None
    assert "Transaction not found" in found.error
    (task,) = await rows(world, StaffTask)
    assert task.key == f"report:{found.id}"
    world.saleor.answers["TransactionEventReport"] = OK["TransactionEventReport"]
    found = await report(world)
    assert (found.reported_at, found.error) == (NOW, "")
    assert (await rows(world, StaffTask))[0].done_at == NOW


@pytest.mark.parametrize(("terms", "kind"), [("prepay", "CHARGE_FAILURE"), ("on_account", "CANCEL_SUCCESS")])
async def test_a_canceled_orders_promise_is_cleared(world: World, terms: str, kind: str) -> None:
    row = await recorded(world, terms=terms)
    await attend.void_promise(world.services, world.shop, row.id)
    assert world.saleor.calls == []
    await cancel(world, row)
    await attend.void_promise(world.services, world.shop, row.id)
    (said,) = world.saleor.named("TransactionEventReport")
    assert (said["type"], said["pspReference"]) == (kind, "BT-T1")


async def test_a_promise_that_was_paid_or_never_made_is_not_cleared(world: World) -> None:
    paid, bare = await recorded(world), await recorded(world, "2", transactions=[])
    await wire(world)
    for row in (paid, bare):
        await cancel(world, row)
        await attend.void_promise(world.services, world.shop, row.id)
    assert world.saleor.calls == []


class Mirror:
    """One order in Saleor that keeps what is written on it."""

    def __init__(self, world: World, **changed: Any) -> None:
        self.order = order_json(**changed)
        world.saleor.answers |= {
            "Order": by_id(self.order), "PrivateMetadataUpdate": self.metadata, "OrderNoteAdd": self.note,
        }  # fmt: skip

    def metadata(self, variables: dict[str, Any]) -> Any:
        new = {item["key"]: item["value"] for item in self.order["privateMetadata"]} | {
            item["key"]: item["value"] for item in variables["input"]
        }
        self.order["privateMetadata"] = [{"key": key, "value": value} for key, value in new.items()]
        return OK["PrivateMetadataUpdate"]

    def note(self, variables: dict[str, Any]) -> Any:
        self.order["events"].append({"type": "NOTE_ADDED", "message": variables["message"]})
        return OK["OrderNoteAdd"]

    @property
    def written(self) -> dict[str, str]:
        return {item["key"]: item["value"] for item in self.order["privateMetadata"]}

    @property
    def notes(self) -> list[str]:
        return [event["message"] for event in self.order["events"]]


async def tell(world: World, row: ResellerOrder) -> list[str]:
    """The names of what was written."""
    before = len(world.saleor.calls)
    await attend.tell_saleor(world.services, world.shop, row.id)
    return [name for name, _ in world.saleor.calls[before:] if name != "Order"]


async def test_staff_see_the_state_and_nothing_is_written_twice(world: World) -> None:
    row = await recorded(world)
    mirror = Mirror(world)
    assert await tell(world, row) == ["PrivateMetadataUpdate", "OrderNoteAdd"]
    assert mirror.written == {
        "reseller.state": "waiting", "reseller.terms": "prepay", "reseller.reference": "RF-T1", "reseller.due": "2026-04-01",
        "reseller.end_customer": "buyer@customer.example",
    }  # fmt: skip
    assert mirror.notes == ["Reseller program: confirmed, reference RF-T1. 19.49 USD of 19.49 USD has not arrived."]
    assert await tell(world, row) == []
    await wire(world)
    await release(world, row)
    assert await tell(world, row) == ["PrivateMetadataUpdate"]
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).released_at = NOW
    await tell(world, row)
    assert mirror.written["reseller.state"] == "released"
    assert mirror.notes[-1].startswith("Reseller program: the license was released. The wire is booked")
    assert await tell(world, row) == []


async def test_a_held_order_is_a_note_and_a_problem_of_the_app_once(world: World) -> None:
    row = await recorded(world, shippingAddress=address("CA", "texan@partner.example"))
    mirror = Mirror(world)
    assert await tell(world, row) == ["PrivateMetadataUpdate", "OrderNoteAdd", "AppProblemCreate"]
    assert mirror.written["reseller.state"] == "held"
    assert "own use" in mirror.notes[0]
    (asked,) = world.saleor.named("AppProblemCreate")
    assert asked["input"]["key"] == f"audit:{row.id}"
    assert (await rows(world, StaffTask))[0].told_at == NOW
    assert await tell(world, row) == []


async def test_a_canceled_order_says_so_and_clears_its_promise(world: World) -> None:
    row = await recorded(world)
    mirror = Mirror(world)
    await cancel(world, row)
    assert await tell(world, row) == ["PrivateMetadataUpdate", "OrderNoteAdd", "TransactionEventReport"]
    assert (mirror.written["reseller.state"], len(mirror.notes)) == ("canceled", 1)


async def test_an_order_that_is_gone_in_saleor_is_told_nothing(world: World) -> None:
    row = await recorded(world)
    shows(world)
    assert await tell(world, row) == []


def test_the_states() -> None:
    def state(**facts: Any) -> str:
        known = dict.fromkeys(("canceled_at", "released_at", "release_decided_at", "confirmed_at")) | {"audit_passed": True}
        return attend.order_state(ResellerOrder(**known | facts))

    assert [
        state(), state(audit_passed=False), state(confirmed_at=NOW), state(release_decided_at=NOW, confirmed_at=NOW),
        state(released_at=NOW, release_decided_at=NOW), state(released_at=NOW, canceled_at=NOW),
    ] == ["received", "held", "waiting", "releasing", "released", "canceled"]  # fmt: skip


async def test_a_warehouse_of_the_channel_or_any_or_none(world: World) -> None:
    client = await world.services.shops.client(world.shop)
    assert await attend.warehouse_id(client, "default") == "W1"
    world.saleor.answers["Warehouses"] = {"warehouses": {"edges": []}}
    assert await attend.warehouse_id(client, "default") is None
    assert len(world.saleor.named("Warehouses")) == 3


def page(numbers: range, *, more: bool) -> dict[str, Any]:
    edges = [
        {
            "node": {
                "id": f"O{number}", "number": str(number), "updatedAt": NOW.isoformat(), "status": "UNCONFIRMED", "user": None,
                "channel": {"slug": "default"},
            }
        }
        for number in numbers
    ]  # fmt: skip
    return {"orders": {"pageInfo": {"hasNextPage": more, "endCursor": f"after-{numbers.stop}" if more else None}, "edges": edges}}


async def reconcile(world: World) -> int:
    return await attend.attend_changed(world.services, world.shop, "run", timedelta(minutes=10))


async def test_every_page_of_changed_orders_is_attended_once(world: World) -> None:
    pages = {None: page(range(3), more=True), "after-3": page(range(3, 5), more=False)}
    world.saleor.answers["OrdersChanged"] = lambda variables: pages[variables["after"]]
    assert await reconcile(world) == 5
    first, second = world.saleor.named("OrdersChanged")
    assert first["since"] == (NOW - timedelta(days=7, minutes=10)).isoformat() == second["since"]
    tenant = world.shop.tenant_id
    assert [asked[2] for asked in world.asked] == [(tenant, f"O{number}", "reconcile") for number in range(5)]
    world.clock.now += timedelta(hours=1)
    assert await reconcile(world) == 5
    assert world.saleor.named("OrdersChanged")[2]["since"] == (NOW - timedelta(minutes=10)).isoformat()
    assert len(world.asked) == 5, "an order that did not change is not attended again"
    async with world.database.system() as session:
        assert await session.scalar(select(Tenant.reconciled_to)) == world.clock.now


async def test_a_shop_without_orders_and_one_that_shows_none(world: World) -> None:
    world.saleor.answers["OrdersChanged"] = page(range(0), more=False)
    assert await reconcile(world) == 0
    world.saleor.answers["OrdersChanged"] = {"orders": None}
    assert await reconcile(world) == 0
