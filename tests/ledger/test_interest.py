from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.session import Database
from app.errors import InvalidInput, NotFound, Refused
from app.ledger.charging import (
    charge_interest,
    interest_of,
    waive_interest,
    write_off,
)
from app.ledger.disputes import close_dispute, disputed, open_dispute
from app.ledger.interest import DayCount, Rate, accrued_minor, days_between, rate_on, segments
from app.ledger.reversal import reverse_payments
from app.ledger.rules import Item, Kind
from app.ledger.service import receivable, reseller_receivables
from app.ledger.tables import LedgerItem
from tests.conftest import NOW
from tests.ledger.test_service import owe, pay

DUE = date(2026, 3, 1)
TEN = [Rate(date(2020, 1, 1), Decimal(10))]


def debt(minor: int = 365_000) -> Item:
    return Item("r", Kind.RECEIVABLE, minor, "USD", date(2026, 1, 30), receivable_id="r", due_date=DUE, order_number="1")


def part(minor: int, day: date, id: str = "p") -> Item:
    return Item(id, Kind.ALLOCATION, minor, "USD", day, receivable_id="r", payment_id="w")


def interest(items: list[Item], until: date, rates: list[Rate] = TEN, count: DayCount = DayCount.ACT_365) -> int:
    return accrued_minor(segments(items, "r", DUE, until, rates, count))


@pytest.mark.parametrize(
    ("until", "minor"), [(DUE - timedelta(days=9), 0), (DUE, 0), (date(2026, 3, 2), 100), (date(2026, 3, 31), 3_000)]
)
def test_interest_runs_from_the_day_after_the_due_date(until: date, minor: int) -> None:
    assert interest([debt()], until) == minor


@pytest.mark.parametrize(
    ("count", "start", "end", "days"),
    [
        (DayCount.ACT_365, date(2028, 2, 1), date(2028, 3, 1), 29),
        (DayCount.ACT_360, date(2027, 2, 1), date(2027, 3, 1), 28),
        (DayCount.THIRTY_360, date(2028, 2, 1), date(2028, 3, 1), 30),
        (DayCount.THIRTY_360, date(2026, 1, 31), date(2026, 3, 31), 60),
        (DayCount.THIRTY_360, date(2025, 12, 30), date(2026, 1, 31), 30),
    ],
)
def test_case_80_day_counts_and_29_february(count: DayCount, start: date, end: date, days: int) -> None:
    assert days_between(start, end, count) == days


def test_the_three_counts_of_one_stretch() -> None:
    until = date(2026, 3, 31)
    assert [interest([debt(3_600_000)], until, count=count) for count in DayCount] == [29_589, 30_000, 29_000]


def test_case_80_a_part_payment_on_day_10_makes_two_stretches() -> None:
    items = [debt(), part(182_500, DUE + timedelta(days=10))]
    found = segments(items, "r", DUE, DUE + timedelta(days=30), TEN, DayCount.ACT_365)
    assert [(segment.principal_minor, segment.days) for segment in found] == [(365_000, 10), (182_500, 20)]
    assert accrued_minor(found) == 1_000 + 1_000


def test_case_80_a_rate_change_inside_and_a_rate_of_0() -> None:
    rates = [*TEN, Rate(date(2026, 3, 11), Decimal(20)), Rate(date(2026, 3, 21), Decimal(0))]
    found = segments([debt()], "r", DUE, date(2026, 3, 31), rates, DayCount.ACT_365)
    assert [(int(segment.percent), segment.days) for segment in found] == [(10, 9), (20, 10)]
    assert accrued_minor(found) == 900 + 2_000
    assert rate_on(rates, date(2019, 1, 1)) == 0
    assert interest([debt()], date(2026, 3, 31), []) == 0


def test_case_80_a_payment_taken_back_never_paid() -> None:
    paid = part(365_000, DUE + timedelta(days=5))
    back = Item("x", Kind.ALLOCATION, -365_000, "USD", DUE + timedelta(days=20), "r", "w", reverses_id="p")
    assert interest([debt(), paid], DUE + timedelta(days=30)) == 500
    assert interest([debt(), paid, back], DUE + timedelta(days=30)) == 3_000


def test_case_81_no_interest_on_interest() -> None:
    charged = Item("i", Kind.INTEREST, 3_000, "USD", DUE + timedelta(days=30), receivable_id="i")
    assert interest([debt(), charged], DUE + timedelta(days=60)) == interest([debt()], DUE + timedelta(days=60))


@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.integers(-20, 80)), max_size=5),
    st.lists(st.tuples(st.integers(-50, 80), st.integers(0, 20)), min_size=1, max_size=4, unique_by=lambda pair: pair[0]),
    st.integers(0, 80),
    st.sampled_from([DayCount.ACT_365, DayCount.ACT_360]),
)
def test_day_by_day_it_comes_to_the_same(
    payments: list[tuple[int, int]], changes: list[tuple[int, int]], length: int, count: DayCount
) -> None:
    """Stretches are only a shorter way to add up single days, each with its own principal and rate."""
    items = [debt(), *(part(minor, DUE + timedelta(days=day), f"p{n}") for n, (minor, day) in enumerate(payments))]
    rates = [Rate(DUE + timedelta(days=day), Decimal(percent)) for day, percent in changes]
    daily = Decimal(0)
    for number in range(1, length + 1):
        day = DUE + timedelta(days=number)
        owed = 365_000 - sum(minor for minor, paid in payments if DUE + timedelta(days=paid) < day)
        daily += Decimal(max(0, owed)) * rate_on(rates, day) / (100 * (365 if count is DayCount.ACT_365 else 360))
    found = segments(items, "r", DUE, DUE + timedelta(days=length), rates, count)
    assert abs(sum((segment.minor for segment in found), Decimal(0)) - daily) < Decimal("0.0001")


async def charge(database: Database, tenant: str, debt_id: str, until: date) -> int:
    async with database.tenant(tenant) as session:
        return await charge_interest(session, debt_id, until=until, rates=TEN, day_count=DayCount.ACT_365, by="ada", at=NOW)


async def test_interest_is_a_debt_of_its_own_charged_once(database: Database, tenant: str) -> None:
    order = await owe(database, tenant, amount="3650.00")
    late = date(2026, 4, 11)
    assert [await charge(database, tenant, order, late) for _ in range(2)] == [1_000, 0]
    assert await charge(database, tenant, order, late + timedelta(days=1)) == 100
    async with database.tenant(tenant) as session:
        assert [item.amount_minor for item in await interest_of(session, order)] == [1_000, 100]
        assert (await receivable(session, order)).open_minor == 365_000
        assert [found.order_number for found in await reseller_receivables(session, "res")] == ["1"], "it is no order"


async def test_a_wire_of_an_earlier_day_credits_what_was_charged_too_much(database: Database, tenant: str) -> None:
    order = await owe(database, tenant, amount="3650.00")
    late = date(2026, 4, 11)
    await charge(database, tenant, order, late)
    booking = await pay(database, tenant, "3650.00")
    assert [await charge(database, tenant, order, late) for _ in range(2)] == [-1_000, 0]
    async with database.tenant(tenant) as session:
        await reverse_payments(session, [booking.payment_id], mark="line:x", by="ada", at=NOW, reason="AC04")
    assert [await charge(database, tenant, order, late) for _ in range(2)] == [1_000, 0]


async def test_waived_interest_does_not_come_back(database: Database, tenant: str) -> None:
    order = await owe(database, tenant, amount="3650.00")
    late = date(2026, 4, 11)
    await charge(database, tenant, order, late)
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput):
            await waive_interest(session, order, by="anna", at=NOW, reason=" ")
        waived = [await waive_interest(session, order, by="anna", at=NOW, reason="a good customer") for _ in range(2)]
    assert waived == [1_000, 0]
    assert await charge(database, tenant, order, late) == 0
    assert await charge(database, tenant, order, late + timedelta(days=1)) == 100


async def test_what_is_written_off_is_closed_and_not_paid(database: Database, tenant: str) -> None:
    order = await owe(database, tenant)
    await pay(database, tenant, "100.00")
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput):
            await write_off(session, order, by="anna", at=NOW, reason="")
        assert await write_off(session, order, by="anna", at=NOW, reason="insolvent") == 1_880
        with pytest.raises(Refused):
            await write_off(session, order, by="anna", at=NOW, reason="insolvent")
        with pytest.raises(NotFound):
            await write_off(session, "nothing", by="anna", at=NOW, reason="insolvent")
        found = await receivable(session, order)
        assert (found.open_minor, found.paid_minor) == (0, 10_000)


async def test_case_78_a_disputed_order_bears_no_interest(database: Database, tenant: str) -> None:
    order = await owe(database, tenant, amount="3650.00")
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput):
            await open_dispute(session, order, reason="", by="anna", at=NOW)
        first, new = await open_dispute(session, order, reason="wrong product", by="anna", at=NOW)
        assert new
        assert await open_dispute(session, order, reason="again", by="anna", at=NOW) == (first, False)
    assert await charge(database, tenant, order, date(2026, 4, 11)) == 0
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput):
            await close_dispute(session, order, reason=" ", by="bob", at=NOW)
        closed = await close_dispute(session, order, reason="a mistake", by="bob", at=NOW)
        assert closed is not None
        assert (closed.id, closed.closed_by, closed.close_reason) == (first.id, "bob", "a mistake")
        assert await close_dispute(session, order, reason="a mistake", by="bob", at=NOW) is None
        assert not await disputed(session, order)
    assert await charge(database, tenant, order, date(2026, 4, 11)) == 1_000
    async with database.tenant(tenant) as session:
        assert await session.get(LedgerItem, order) is not None
