"""Staff decide about licenses that went out."""

from collections.abc import AsyncIterator

import pytest

from app.bank.tables import BankLineRow
from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.licenses.rules import LicenseState
from app.licenses.tables import License
from app.orders.bank_undo import undo_line
from app.orders.license_state import change_licenses, keep_licenses
from app.orders.record import add_task
from app.orders.release import issue_licenses
from app.orders.service import decide_release
from app.orders.tables import OrderEvent, RefundRequest, ResellerOrder, StaffTask
from app.reasons import Reason, because
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, opened, recorded, reseller, rows


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def sold(world: World, *tasks: str) -> ResellerOrder:
    """An order whose license is out, with these tasks open."""
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await issue_licenses(session, world.services, world.shop, row.id)
        for key in tasks:
            await add_task(session, f"{key}:{row.id}", row.id, [because("canceled_after_release")], NOW)
    return row


async def change(world: World, subject: str, state: LicenseState, reason: str = "not paid.") -> list[str]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        changed = await change_licenses(session, world.services, subject=subject, state=state, by="anna", reason=reason)
        return [row.state for row in changed]


async def open_keys(world: World) -> list[str]:
    return [task.key.rsplit(":", 1)[0] for task in await rows(world, StaffTask, StaffTask.done_at.is_(None))]


async def test_a_decision_stands_on_the_order_and_ends_what_asked_for_it(world: World) -> None:
    row = await sold(world, "canceled", "refund:BT-R-1", "mail")
    assert await change(world, "#1", LicenseState.SUSPENDED) == ["suspended"]
    assert await open_keys(world) == ["mail"]
    events = await rows(world, OrderEvent, OrderEvent.order_id == row.id, OrderEvent.key.startswith("license:suspended"))
    (said,) = [str(Reason.from_dict(event.what)) for event in events]
    assert said.endswith("was suspended by anna: not paid.")


async def test_money_that_is_still_to_be_sent_is_not_forgotten(world: World) -> None:
    row = await sold(world, "canceled", "refund:BT-R-1")
    async with world.database.tenant(world.shop.tenant_id) as session:
        asked = RefundRequest(order_id=row.id, psp_reference="BT-R-1", amount_minor=100, currency="USD", requested_at=NOW)
        session.add(asked)
    await change(world, "1", LicenseState.REVOKED)
    assert await open_keys(world) == ["refund:BT-R-1"]


async def test_one_license_by_its_id(world: World) -> None:
    await sold(world, "canceled")
    (license,) = await rows(world, License)
    assert await change(world, license.id, LicenseState.REVOKED) == ["revoked"]
    assert await open_keys(world) == []
    assert await change(world, license.id, LicenseState.ACTIVE) == ["active"]


@pytest.mark.parametrize("subject", ["2", "no-license"])
async def test_what_is_not_there(world: World, subject: str) -> None:
    await sold(world)
    with pytest.raises(NotFound, match="There is no order"):
        await change(world, subject, LicenseState.REVOKED)


async def test_a_decision_needs_a_reason_and_something_to_change(world: World) -> None:
    await sold(world, "canceled")
    with pytest.raises(InvalidInput, match="needs a reason"):
        await change(world, "1", LicenseState.REVOKED, " ")
    with pytest.raises(NotFound, match="no license that could become active"):
        await change(world, "1", LicenseState.ACTIVE)
    assert await open_keys(world) == ["canceled"]


async def keep(world: World, number: str = "1", reason: str = "they paid by another way.") -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await keep_licenses(session, world.services, number=number, by="anna", reason=reason)


async def test_case_58_and_84_after_a_returned_wire_staff_keep_suspend_or_revoke(world: World) -> None:
    await sold(world, "returned", "mail")
    with pytest.raises(InvalidInput, match="needs a reason"):
        await keep(world, reason=" ")
    await keep(world)
    assert await open_keys(world) == ["mail"]
    with pytest.raises(Conflict, match="Nothing asks"):
        await keep(world)
    assert [row.state for row in await rows(world, License)] == ["active"]
    events = await rows(world, OrderEvent, OrderEvent.key.startswith("license:kept"))
    assert [str(Reason.from_dict(event.what)) for event in events] == [
        "anna decided that the license stays: they paid by another way."
    ]
    async with world.database.tenant(world.shop.tenant_id) as session:
        (order,) = await rows(world, ResellerOrder)
        await add_task(session, f"returned:{order.id}", order.id, [because("canceled_after_release")], NOW)
    await change(world, "1", LicenseState.REVOKED)
    assert await open_keys(world) == ["mail"]


async def test_case_58_a_return_that_is_taken_back_itself_asks_for_nothing_more(world: World) -> None:
    row = await recorded(world, reference=rf("1"))
    await imported(world, paid("1"))
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await decide_release(session, world.services, world.shop.tenant_id, row.id)
    await imported(world, paid("1", "-19.49", reversal=True, return_reason="AC04"), name="back.xml")
    assert await open_keys(world) == ["returned"]
    line = next(line for line in await rows(world, BankLineRow) if line.reversal)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await undo_line(session, world.services, world.shop, line.id, by="anna", reason="the bank's mistake")
    assert await open_keys(world) == []
