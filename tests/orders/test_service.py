import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.bank.learning import set_tolerance
from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.ledger.service import receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.licenses.rules import LicenseKind, LicenseState
from app.licenses.tables import License
from app.money import Money
from app.orders.conversion import Conversion
from app.orders.refunds import book_refund
from app.orders.service import (
    cancel_order,
    confirm_order,
    decide_release,
    ended_decisions,
    find_order,
    lock_order,
    order_gate,
    pending_reports,
    staff_accepts,
    staff_decides,
    waiting_orders,
)
from app.orders.tables import MoneyReport, OrderEvent, RefundRequest, ResellerOrder, StaffDecision, StaffTask
from app.orders.view import order_view
from app.reasons import Reason
from tests.conftest import NOW
from tests.orders.builders import World, address, opened, paid_orders, recorded, reseller, rows, wire


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def gate(world: World, row: ResellerOrder) -> tuple[bool, list[str]]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await order_gate(session, await lock_order(session, row.id), world.clock())
    return found.open, [reason.code for reason in found.reasons]


async def release(world: World, row: ResellerOrder) -> bool:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await decide_release(session, world.services, world.shop.tenant_id, row.id)


async def decides(world: World, *, hold: bool, number: str = "1", **changed: Any) -> ResellerOrder:
    facts: dict[str, Any] = {"number": number, "hold": hold, "by": "anna", "reason": "seen at the bank"}
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await staff_decides(session, world.services, world.shop.tenant_id, **facts | changed)


async def cancel(world: World, row: ResellerOrder) -> bool:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await cancel_order(session, row.id, NOW)


async def keys(world: World) -> list[str]:
    return [event.key for event in await rows(world, OrderEvent)]


async def test_an_order_is_found_by_its_number_with_or_without_a_mark(world: World) -> None:
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await find_order(session, " #1 ")).id == row.id
        for find in (find_order(session, "2"), lock_order(session, "nothing")):
            with pytest.raises(NotFound):
                await find


async def test_a_prepaid_order_waits_for_its_wire(world: World) -> None:
    row = await recorded(world, confirm=False)
    assert await gate(world, row) == (False, ["not_confirmed"])
    for _ in range(2):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await confirm_order(session, row.id, NOW)
    assert (await keys(world)).count("confirmed") == 1
    assert await gate(world, row) == (False, ["wire_missing"])
    assert not await release(world, row)
    booking = await wire(world)
    assert (booking.allocated_minor, booking.repeated) == (1949, False)
    assert await gate(world, row) == (True, ["wire_booked"])


async def test_an_order_on_account_does_not_wait(world: World) -> None:
    (buyer,) = {row.reseller_id for row in [await recorded(world, "9")]}
    assert buyer is not None
    await paid_orders(world, buyer, 3)
    assert await gate(world, await recorded(world, terms="on_account")) == (True, ["on_account"])


async def test_the_release_is_started_once(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    assert sorted(await asyncio.gather(*(release(world, row) for _ in range(6)))) == [False] * 5 + [True]
    started = [asked for asked in world.asked if asked[0] == "release_order"]
    tenant = world.shop.tenant_id
    assert started == [("release_order", f"release:{tenant}:{row.id}", (tenant, row.id))]
    (kept,) = await rows(world, ResellerOrder)
    assert kept.release_decided_at == NOW
    assert [reason["code"] for reason in kept.release_reasons] == ["wire_booked"]
    assert (await keys(world)).count("gate_open") == 1


async def test_a_wire_is_reported_under_the_sessions_psp_first_and_its_own_afterwards(world: World) -> None:
    row = await recorded(world)
    await wire(world, amount="10.00")
    await wire(world, amount="9.49", reference="B2")
    await wire(world, amount="9.49", reference="B2")
    async with world.database.tenant(world.shop.tenant_id) as session:
        first, second = sorted(await pending_reports(session, row.id), key=lambda report: report.amount_minor, reverse=True)
    assert (first.psp_reference, first.amount_minor, first.type) == ("BT-T1", 1000, "CHARGE_SUCCESS")
    assert second.psp_reference == f"BT-{second.ledger_item_id}"
    assert {report.transaction_id for report in (first, second)} == {"T1"}
    assert [name for name, _, _ in world.asked if name != "deliver_mail"] == ["money_came"] * 2


async def test_a_wire_for_an_order_on_account_has_its_own_psp(world: World) -> None:
    await recorded(world, terms="on_account")
    await wire(world)
    (report,) = await rows(world, MoneyReport)
    assert report.psp_reference == f"BT-{report.ledger_item_id}"


async def test_an_order_without_a_session_has_nothing_to_report(world: World) -> None:
    await recorded(world, transactions=[])
    await wire(world)
    assert await rows(world, MoneyReport) == []


async def test_case_51_a_surplus_stays_the_resellers_and_is_shown(world: World) -> None:
    await recorded(world)
    booking = await wire(world, amount="20.00")
    assert (booking.allocated_minor, booking.surplus_minor) == (1949, 51)
    (task,) = await rows(world, StaffTask)
    assert task.key == f"surplus:{booking.payment_id}"
    assert str(Reason.from_dict(task.reasons[0])).startswith("0.51 USD of the wire B1 is left over")


async def test_case_50_short_within_the_tolerance_is_a_bank_charge(world: World) -> None:
    await world.set(fee_tolerance_minor=100)
    row = await recorded(world)
    booking = await wire(world, amount="18.49")
    assert booking.bank_charge_minor == 100
    assert await gate(world, row) == (True, ["wire_booked"])
    assert f"charge:{booking.payment_id}" in await keys(world)


async def test_case_50_short_beyond_it_leaves_the_gate_closed(world: World) -> None:
    row = await recorded(world)
    assert (await wire(world, amount="19.48")).bank_charge_minor == 0
    assert await gate(world, row) == (False, ["wire_missing"])


async def test_case_50_bank_charges_by_hand_stay_within_the_year_too(world: World) -> None:
    await world.set(fee_tolerance_minor=100, fee_tolerance_year_minor=150)
    for number in "123":
        await recorded(world, number)
    assert (await wire(world, amount="18.49")).bank_charge_minor == 100
    assert (await wire(world, "2", "18.49", "B2")).bank_charge_minor == 0, "50 are left of the year"
    next_year = NOW.date().replace(year=2027)
    assert (await wire(world, "3", "18.49", "B3", value_date=next_year)).bank_charge_minor == 100


async def test_case_50_a_resellers_own_tolerance_counts_by_hand_too(world: World) -> None:
    row = await recorded(world)
    assert row.reseller_id is not None
    async with world.database.tenant(world.shop.tenant_id) as session:
        wires, year = Money.of("1.00", "USD"), Money.of("10.00", "USD")
        await set_tolerance(session, row.reseller_id, wires, year, by="anna", at=NOW)
    assert (await wire(world, amount="18.49")).bank_charge_minor == 100


async def test_case_54_a_wire_in_another_currency_is_booked_by_hand_at_a_rate_with_its_source(world: World) -> None:
    row = await recorded(world)
    arrived = Money.of("18.00", "EUR")
    with pytest.raises(InvalidInput, match="rate and where"):
        await wire(world, amount=arrived)
    wrong = Conversion(Money.of("19.50", "USD"), Decimal("1.0828"), "ECB")
    with pytest.raises(InvalidInput, match=r"18\.00 EUR at 1\.0828 are 19\.49 USD, not 19\.50 USD"):
        await wire(world, amount=arrived, conversion=wrong)
    right = Conversion(Money.of("19.49", "USD"), Decimal("1.0828"), "ECB of 2 March.")
    for repeated in (False, True):
        booking = await wire(world, amount=arrived, conversion=right)
        assert (booking.allocated_minor, booking.repeated) == (1949, repeated)
    (payment,) = await rows(world, LedgerItem, LedgerItem.kind == "payment")
    said = "18.00 EUR arrived; they were booked as 19.49 USD at 1.0828 (ECB of 2 March)."
    assert payment.reason == said
    assert said in [str(Reason.from_dict(event.what)) for event in await rows(world, OrderEvent)]
    assert await gate(world, row) == (True, ["wire_booked"])


async def test_case_52_a_repeated_wire_changes_nothing(world: World) -> None:
    await recorded(world)
    first, *others = await asyncio.gather(*(wire(world) for _ in range(5)))
    assert {booking.payment_id for booking in others} == {first.payment_id}
    assert len([asked for asked in world.asked if asked[0] == "money_came"]) == 1
    assert len(await rows(world, MoneyReport)) == 1
    again = await wire(world, reference="B2")
    assert (again.allocated_minor, again.surplus_minor) == (0, 1949)
    assert len(await rows(world, MoneyReport)) == 1


async def test_a_wire_for_a_held_order_is_refused(world: World) -> None:
    await recorded(world, giftCards=[{"id": "g", "last4CodeChars": "1234"}])
    with pytest.raises(Refused, match="accept it first with `reseller orders accept 1`"):
        await wire(world)
    await decides(world, hold=False)
    assert (await wire(world)).allocated_minor == 1949


async def test_staff_hold_and_release(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await decides(world, hold=True, reason="  asks the buyer ")
    assert await gate(world, row) == (False, ["staff_hold"])
    assert not await release(world, row)
    world.clock.now += timedelta(minutes=1)
    await decides(world, hold=False)
    assert await gate(world, row) == (True, ["staff_release"])
    assert [decision.reason for decision in sorted(await rows(world, StaffDecision), key=lambda found: found.at)] == [
        "asks the buyer", "seen at the bank",
    ]  # fmt: skip
    assert [asked[0] for asked in world.asked] == ["money_came", "attend_order", "attend_order"]
    assert await release(world, row)
    for hold in (True, False):
        with pytest.raises(Conflict, match="went out already"):
            await decides(world, hold=hold)


async def test_a_hold_ends_by_itself(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await decides(world, hold=True, expires_at=NOW + timedelta(hours=1))
    assert not (await gate(world, row))[0]
    world.clock.now += timedelta(hours=1)
    assert await gate(world, row) == (True, ["wire_booked"])


async def ended(world: World) -> list[str]:
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        return await ended_decisions(session, world.clock())


@pytest.mark.parametrize("away", [timedelta(minutes=1), timedelta(days=9)], ids=["a minute", "nine days"])
async def test_a_hold_that_ended_is_found_once_and_opens_however_long_no_worker_ran(world: World, away: timedelta) -> None:
    row = await recorded(world)
    await wire(world)
    await decides(world, hold=True, expires_at=NOW + timedelta(hours=1))
    assert await ended(world) == []
    world.clock.now += timedelta(hours=1) + away
    assert await ended(world) == [row.id]
    assert await release(world, row)
    assert await ended(world) == []
    (event,) = await rows(world, OrderEvent, OrderEvent.key.startswith("ended:"))
    assert str(Reason.from_dict(event.what)) == "The hold by anna has ended: seen at the bank."
    assert event.at == NOW + timedelta(hours=1)


async def test_a_hold_that_ended_under_another_one_is_noted_once(world: World) -> None:
    row = await recorded(world)
    await decides(world, hold=True)
    world.clock.now += timedelta(minutes=1)
    await decides(world, hold=True, reason="again", expires_at=world.clock.now + timedelta(days=1))
    world.clock.now += timedelta(days=2)
    for _ in range(2):
        assert not await release(world, row)
    assert await ended(world) == []
    assert len(await rows(world, OrderEvent, OrderEvent.key.startswith("ended:"))) == 1
    assert [workflow_id for _, workflow_id, _ in world.asked if workflow_id.startswith("ended:")] == [
        f"ended:{world.shop.tenant_id}:{decision.id}" for decision in await rows(world, StaffDecision) if decision.expires_at
    ]
    assert await gate(world, row) == (False, ["staff_hold"]), "the first hold has no end"


async def test_a_decision_that_ends_before_it_begins_is_refused(world: World) -> None:
    await recorded(world)
    with pytest.raises(InvalidInput, match="only; leave it out"):
        await decides(world, hold=True, expires_at=NOW)
    assert await rows(world, StaffDecision) == []


async def test_a_decision_needs_a_reason_and_an_order(world: World) -> None:
    await recorded(world)
    with pytest.raises(InvalidInput, match="needs a reason"):
        await decides(world, hold=True, reason=" ")
    with pytest.raises(NotFound):
        await decides(world, hold=True, number="7")


async def test_staff_accept_an_order_that_failed_its_audit(world: World) -> None:
    row = await recorded(world, shippingAddress=address("CA", "texan@partner.example"))
    assert await gate(world, row) == (False, ["not_confirmed"])
    accepted = await decides(world, hold=False, reason="their own test system")
    assert accepted.audit_passed
    assert [reason["code"] for reason in accepted.audit] == ["own_use", "audit_accepted"]
    (task,) = await rows(world, StaffTask)
    assert task.done_at == NOW
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        assert (await receivable(session, debt)).open_minor == 1949
        assert not (await order_gate(session, accepted, NOW)).open, "not confirmed yet"
        await confirm_order(session, row.id, NOW)
    assert await gate(world, row) == (True, ["staff_release"])
    await decides(world, hold=False, reason="again")
    assert len([item for item in await rows(world, LedgerItem) if item.kind == "receivable"]) == 1


async def accepts(world: World, reason: str = "known to us") -> ResellerOrder:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await staff_accepts(session, world.services, world.shop.tenant_id, number="1", by="anna", reason=reason)


async def test_staff_accept_without_releasing_and_the_money_decides(world: World) -> None:
    row = await recorded(world, shippingAddress=address("CA", "texan@partner.example"))
    accepted = await accepts(world)
    assert [reason["code"] for reason in accepted.audit] == ["own_use", "audit_accepted"]
    assert world.asked[-1][0] == "attend_order"
    async with world.database.tenant(world.shop.tenant_id) as session:
        await confirm_order(session, row.id, NOW)
    assert await gate(world, row) == (False, ["wire_missing"])
    await wire(world)
    assert await gate(world, row) == (True, ["wire_booked"])


async def test_accepting_ends_what_held_and_keeps_it_on_the_record(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await decides(world, hold=True)
    world.clock.now += timedelta(minutes=1)
    with pytest.raises(InvalidInput, match="needs a reason"):
        await accepts(world, " ")
    await accepts(world)
    assert await gate(world, row) == (True, ["wire_booked"])
    (decision,) = await rows(world, StaffDecision)
    assert (decision.hold, decision.expires_at) == (True, world.clock.now)
    assert [reason["code"] for reason in (await rows(world, ResellerOrder))[0].audit] == ["audit_passed"]
    await release(world, row)
    with pytest.raises(Conflict, match="went out already"):
        await accepts(world)


async def test_staff_may_hold_but_not_accept_an_order_of_nobody(world: World) -> None:
    await recorded(world, user="eve")
    await decides(world, hold=True)
    with pytest.raises(Refused, match="Nobody of the program"):
        await decides(world, hold=False)
    with pytest.raises(Refused, match="Nobody of the program"):
        await accepts(world)


async def test_a_cancellation_before_the_release(world: World) -> None:
    row = await recorded(world)
    await wire(world, amount="10.00")
    await issued(world, row, LicenseKind.TEMPORARY)
    assert [await cancel(world, row), await cancel(world, row)] == [True, False]
    assert await gate(world, row) == (False, ["order_canceled"])
    assert not await release(world, row)
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        assert (await receivable(session, debt)).open_minor == 0
    (license,) = await rows(world, License)
    assert license.state == LicenseState.REVOKED
    assert await rows(world, StaffTask) == []
    with pytest.raises(Conflict, match="is canceled"):
        await decides(world, hold=False)
    late = await wire(world, reference="B2")
    assert (late.allocated_minor, late.surplus_minor) == (0, 1949)


async def test_a_cancellation_of_a_held_order_ends_its_task(world: World) -> None:
    row = await recorded(world, giftCards=[{"id": "g", "last4CodeChars": "1234"}])
    assert await cancel(world, row)
    (task,) = await rows(world, StaffTask)
    assert task.done_at == NOW


async def issued(world: World, row: ResellerOrder, kind: LicenseKind) -> None:
    license = License(
        order_id=row.id, order_number=row.number, order_line_id=row.lines[0].id, kind=kind, sku="GRID-1", kid="k", payload={},
        file="", state=LicenseState.ACTIVE, state_at=NOW, issued_at=NOW,
    )  # fmt: skip
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(license)


async def test_a_cancellation_after_the_release_leaves_the_license_to_staff(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    assert await release(world, row)
    await issued(world, row, LicenseKind.PERMANENT)
    assert await cancel(world, row)
    (license,) = await rows(world, License)
    assert license.state == LicenseState.ACTIVE
    (task,) = await rows(world, StaffTask)
    assert [reason["code"] for reason in task.reasons] == ["canceled_after_release"]


async def test_money_for_one_order_may_open_others(world: World) -> None:
    first, second, third = [await recorded(world, number) for number in "123"]
    await cancel(world, third)
    await wire(world)
    assert await release(world, first)
    assert first.reseller_id is not None
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert [row.id for row in await waiting_orders(session, first.reseller_id)] == [second.id]


async def refund(world: World, amount: str = "19.49", reference: str = "R1") -> ResellerOrder:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await book_refund(
            session, world.services, world.shop, number="1", amount=Money.of(amount, "USD"), bank_reference=reference,
            value_date=NOW.date(), by="ada",
        )  # fmt: skip


async def requested(world: World, row: ResellerOrder, psp: str, minor: int) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(RefundRequest(order_id=row.id, psp_reference=psp, amount_minor=minor, currency="USD", requested_at=NOW))
        session.add(StaffTask(key=f"refund:{psp}:{row.id}", order_id=row.id, reasons=[], created_at=NOW))


async def test_a_refund_answers_its_request(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await requested(world, row, "BT-R-1", 500)
    await requested(world, row, "BT-R-2", 1000)
    for _ in range(2):
        await refund(world, "10.00")
    open_requests = {request.psp_reference: request.done_at for request in await rows(world, RefundRequest)}
    assert open_requests == {"BT-R-1": None, "BT-R-2": NOW}
    assert {task.key: task.done_at for task in await rows(world, StaffTask)} == {
        f"refund:BT-R-1:{row.id}": None, f"refund:BT-R-2:{row.id}": NOW,
    }  # fmt: skip
    (report,) = await rows(world, MoneyReport, MoneyReport.type == "REFUND_SUCCESS")
    assert (report.psp_reference, report.amount_minor, report.transaction_id) == ("BT-R-2", 1000, "T1")
    assert len([asked for asked in world.asked if asked[1].startswith("refund:")]) == 1
    assert await gate(world, row) == (True, ["wire_booked"]), "what is left is paid and nothing is open"


async def test_a_refund_nobody_asked_for_has_its_own_psp(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    await refund(world)
    (report,) = await rows(world, MoneyReport, MoneyReport.type == "REFUND_SUCCESS")
    assert report.psp_reference == f"BT-R-{report.ledger_item_id}"
    assert await gate(world, row) == (False, ["credited"])
    with pytest.raises(InvalidInput, match="no more can be sent back"):
        await refund(world, "0.01", "R2")
    with pytest.raises(InvalidInput, match="needs the bank's reference"):
        await refund(world, "0.01", " ")


async def test_a_refund_of_an_order_without_a_session_and_of_a_canceled_one(world: World) -> None:
    row = await recorded(world, transactions=[])
    await wire(world)
    await cancel(world, row)
    await refund(world)
    assert await rows(world, MoneyReport) == []


async def test_everything_known_of_an_order_is_shown(world: World) -> None:
    row = await recorded(world, metadata=[{"key": "po_number", "value": "PO-7"}])
    await wire(world, amount="10.00")
    await decides(world, hold=True)
    await issued(world, row, LicenseKind.TEMPORARY)
    async with world.database.tenant(world.shop.tenant_id) as session:
        shown = await order_view(session, "#1", NOW)
        assert await session.scalar(select(ResellerOrder.id)) == row.id
    assert (shown["state"], shown["total"], shown["open"], shown["po_number"]) == ("waiting", "19.49 USD", "9.49 USD", "PO-7")
    assert shown["gate"] == {"open": False, "reasons": ["Held by anna: seen at the bank."]}
    assert shown["audit"]["passed"]
    assert {item["kind"] for item in shown["ledger"]} == {"receivable", "payment", "allocation"}
    (line,) = shown["lines"]
    assert (line["unit"], line["tax_rate"], line["license_policy"]["product"]) == ("9.00 USD", "8.25 %", "grid")
    assert [len(shown[name]) for name in ("reports", "licenses", "decisions", "documents", "mails", "tasks")] == [
        1,
        1,
        1,
        0,
        0,
        0,
    ]
    assert any("A wire of 10.00 USD" in event["what"] for event in shown["events"])
    assert shown["ship_to"]["email"] == "buyer@customer.example"
    assert shown["end_customer"] is None


async def test_a_held_order_is_shown_without_a_debt(world: World) -> None:
    await recorded(world, user="eve")
    async with world.database.tenant(world.shop.tenant_id) as session:
        shown = await order_view(session, "1", NOW)
    assert (shown["state"], shown["open"], shown["gate"]["open"]) == ("held", None, False)
    assert shown["tasks"][0]["reasons"] == [
        "The order has prices of the reseller program, but belongs to eve@partner.example, not to an active reseller."
    ]
