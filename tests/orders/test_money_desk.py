from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Refused, ResellerError
from app.ledger.charging import charge_interest
from app.ledger.interest import DayCount, Rate
from app.ledger.rules import Kind
from app.ledger.service import receivable, receivable_id, reseller_receivables
from app.ledger.tables import Dispute, LedgerItem
from app.money import Money
from app.orders import money_desk
from app.orders.rules import CreditPolicy, Terms, standing
from app.orders.storefront import reseller_standing
from app.orders.tables import OrderEvent, ResellerOrder
from app.reasons import Reason
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, limits, opened, paid_orders, recorded, reseller, rows, wire

LATE = date(2027, 3, 2)
"""Some months after the orders' due date of 1 April 2026."""
TEN = [Rate(date(2020, 1, 1), Decimal(10))]


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def decides(world: World, what: Any, number: str = "1", reason: str = "they are right", **named: Any) -> Any:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await what(session, world.services, number=number, by="anna", reason=reason, **named)


async def charge(world: World, row: ResellerOrder, until: date = LATE) -> int:
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        return await charge_interest(session, debt, until=until, rates=TEN, day_count=DayCount.ACT_365, by="statement", at=NOW)


async def open_minor(world: World, row: ResellerOrder) -> int:
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        return (await receivable(session, debt)).open_minor


async def said(world: World, code: str) -> list[str]:
    events = await rows(world, OrderEvent)
    return [str(Reason.from_dict(event.what)) for event in events if event.what["code"] == code]


async def terms(world: World, row: ResellerOrder, today: date = LATE) -> Terms:
    assert row.reseller_id is not None
    async with world.database.tenant(world.shop.tenant_id) as session:
        debts = await reseller_receivables(session, row.reseller_id)
    return standing(debts, CreditPolicy(prepaid_orders=0), Money.of("10.00", "USD"), today).terms


async def test_case_78_a_contested_order_bears_no_interest_and_does_not_hold_others_until_it_is_settled(world: World) -> None:
    row = await recorded(world, terms="on_account")
    assert await terms(world, row) is Terms.PREPAY
    for _ in range(2):
        _, dispute = await decides(world, money_desk.contest, reason="wrong edition. ")
        assert (dispute.opened_by, dispute.reason) == ("anna", "wrong edition.")
    assert len(await rows(world, Dispute)) == 1
    assert await terms(world, row) is Terms.ON_ACCOUNT
    assert await charge(world, row) == 0
    assert await open_minor(world, row) == 1949, "it stays owed"
    async with world.database.tenant(world.shop.tenant_id) as session:
        owner = await session.get(Reseller, row.reseller_id)
        assert owner is not None
        world.clock.now = NOW + timedelta(days=365)
        shown = await reseller_standing(session, world.services, world.shop, owner, None)
    assert [(one.open.minor, one.overdue.minor) for one in shown.open] == [(1949, 0)]
    _, settled = await decides(world, money_desk.settle, reason="they keep it")
    assert (settled.closed_by, settled.close_reason) == ("anna", "they keep it")
    assert await terms(world, row) is Terms.PREPAY
    assert await charge(world, row) > 0
    with pytest.raises(Refused, match="Nobody contests"):
        await decides(world, money_desk.settle)
    _, again = await decides(world, money_desk.contest, reason="the other one, too")
    assert again.id != settled.id
    assert await said(world, "contested") == [
        "anna noted that the reseller contests the order: wrong edition. No interest, reminder or hold meanwhile.",
        "anna noted that the reseller contests the order: the other one, too. No interest, reminder or hold meanwhile.",
    ]
    assert await said(world, "settled") == ["anna settled the dispute: they keep it."]


async def test_interest_is_waived_once_with_a_reason_and_not_charged_again(world: World) -> None:
    row = await recorded(world, terms="on_account")
    with pytest.raises(Refused, match="No interest"):
        await decides(world, money_desk.waive)
    charged = await charge(world, row)
    with pytest.raises(Conflict, match="open now, not"):
        await decides(world, money_desk.waive, expected=Money(charged + 1, "USD"))
    with pytest.raises(InvalidInput, match="in USD"):
        await decides(world, money_desk.waive, expected=Money(charged, "EUR"))
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert row.reseller_id is not None
        (before,) = await money_desk.interest_list(session, row.reseller_id)
    assert (before.order_number, before.charged.minor, before.open.minor, before.until) == ("1", charged, charged, LATE)
    done = await decides(world, money_desk.waive, reason="a good customer", expected=Money(charged, "USD"))
    assert (done.amount.minor, done.interest.minor) == (0, charged)
    with pytest.raises(Refused):
        await decides(world, money_desk.waive)
    assert await charge(world, row) == 0
    assert await said(world, "waived") == [f"anna waived {Money(charged, 'USD')} of interest: a good customer."]
    assert await open_minor(world, row) == 1949


async def test_a_write_off_closes_the_order_and_its_interest_and_pays_nothing(world: World) -> None:
    row = await recorded(world, terms="on_account")
    await wire(world, amount="10.00")
    interest = await charge(world, row)
    whole = Money(949 + interest, "USD")
    with pytest.raises(Conflict):
        await decides(world, money_desk.give_up, expected=Money(949, "USD"))
    done = await decides(world, money_desk.give_up, reason="insolvent", expected=whole)
    assert (done.amount.minor, done.interest.minor) == (949, interest)
    with pytest.raises(Refused, match="Nothing of order 1 is open"):
        await decides(world, money_desk.give_up)
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        found = await receivable(session, debt)
        gone = (await session.scalars(select(LedgerItem).where(LedgerItem.kind == Kind.WRITE_OFF))).all()
    assert (found.open_minor, found.paid_minor) == (0, 1000)
    assert {(item.booked_by, item.reason) for item in gone} == {("anna", "insolvent")}
    assert await terms(world, row) is Terms.ON_ACCOUNT, "nothing is overdue any more"
    assert await said(world, "written_off") == [f"anna wrote off {whole}: insolvent."]
    assert await charge(world, row, LATE + timedelta(days=100)) == 0


@pytest.mark.parametrize("what", [money_desk.contest, money_desk.settle, money_desk.waive, money_desk.give_up])
async def test_nothing_is_decided_without_a_reason_or_about_nothing(world: World, what: Any) -> None:
    row = await recorded(world, terms="on_account")
    await decides(world, money_desk.contest)
    await decides(world, money_desk.settle)
    await charge(world, row)
    before = len(await rows(world, LedgerItem))
    with pytest.raises(InvalidInput, match="reason"):
        await decides(world, what, reason=" ")
    with pytest.raises(NotFound):
        await decides(world, what, number="9")
    await recorded(world, "2", confirm=False, user=None)
    with pytest.raises(ResellerError):
        await decides(world, what, number="2")
    assert len(await rows(world, LedgerItem)) == before


async def test_case_68_three_orders_in_one_wire_count_three_and_case_67_the_fourth_before_is_prepaid(world: World) -> None:
    orders = [await recorded(world, number, reference=rf(number)) for number in "123"]
    buyer = orders[0].reseller_id
    assert buyer is not None

    async def now() -> tuple[Terms, int]:
        async with world.database.tenant(world.shop.tenant_id) as session:
            found = standing(await reseller_receivables(session, buyer), CreditPolicy(), Money.of("10.00", "USD"), NOW.date())
        return found.terms, found.counted

    assert await now() == (Terms.PREPAY, 0)
    text = " ".join(rf(number) for number in "123")
    report = await imported(world, paid("1", "58.47", reference_structured=None, reference_text=text))
    assert report.counts == {"booked": 1}
    assert await now() == (Terms.ON_ACCOUNT, 3)


async def test_case_79_the_hold_lifts_with_the_booking_itself(world: World) -> None:
    row = await recorded(world, terms="on_account")
    assert row.reseller_id is not None
    await paid_orders(world, row.reseller_id, 3)
    await limits(world, row.reseller_id, prepaid_orders=None)
    assert await terms(world, row) is Terms.PREPAY
    await wire(world, amount="10.00")
    assert await terms(world, row) is Terms.PREPAY, "a part lifts nothing"
    await wire(world, amount="9.49", reference="B2")
    assert await terms(world, row) is Terms.ON_ACCOUNT
