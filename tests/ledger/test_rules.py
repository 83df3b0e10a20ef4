from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.rules import Item, Kind, allocate, credits, due_date, receivables, unallocated

DAY = date(2026, 3, 2)


def debt(amount: int = 10_000, due: date = DAY) -> Item:
    return Item("r", Kind.RECEIVABLE, amount, "USD", DAY, receivable_id="r", due_date=due, order_number="1")


def effect(kind: Kind, amount: int, *, payment: str | None = "p", day: date = DAY, id: str = "x") -> Item:
    return Item(id, kind, amount, "USD", day, receivable_id="r", payment_id=payment)


def wire(amount: int) -> Item:
    return Item("p", Kind.PAYMENT, amount, "USD", DAY, payment_id="p")


def test_a_wire_closes_its_receivable() -> None:
    items = [debt(), wire(10_000), effect(Kind.ALLOCATION, 10_000)]
    (found,) = receivables(items)
    assert (found.open_minor, found.paid_minor, found.paid_on) == (0, 10_000, DAY)
    assert found.fully_paid
    assert unallocated(items) == {}


def test_case_66_a_returned_wire_opens_it_again() -> None:
    items = [debt(), wire(10_000), effect(Kind.ALLOCATION, 10_000), effect(Kind.ALLOCATION, -10_000, id="y")]
    (found,) = receivables(items)
    assert found.open_minor == 10_000
    assert found.paid_on is None
    assert not found.fully_paid
    assert unallocated(items) == {"p": 10_000}


def test_case_51_what_no_order_took_is_credit_by_currency() -> None:
    items = [debt(), wire(12_500), effect(Kind.ALLOCATION, 10_000)]
    assert credits(items) == {"USD": 2_500}
    assert credits([*items, effect(Kind.REFUND, 2_500)]) == {}
    assert credits([debt(), wire(10_000), effect(Kind.ALLOCATION, 10_000)]) == {}


def test_case_69_a_zero_order_and_a_credited_one_do_not_count_as_paid() -> None:
    assert not receivables([debt(0)])[0].fully_paid
    assert not receivables([debt(), effect(Kind.CREDIT, 10_000, payment=None)])[0].fully_paid


@pytest.mark.parametrize(
    ("ordered", "due"),
    [(date(2026, 1, 31), date(2026, 3, 2)), (date(2028, 1, 31), date(2028, 3, 1)), (date(2026, 11, 25), date(2026, 12, 25))],
)
def test_case_70_due_in_calendar_days(ordered: date, due: date) -> None:
    assert due_date(ordered, 30) == due


@pytest.mark.parametrize(("today", "days"), [(date(2026, 3, 1), 0), (date(2026, 3, 2), 0), (date(2026, 3, 8), 6)])
def test_overdue_from_the_day_after(today: date, days: int) -> None:
    assert receivables([debt()])[0].overdue_days(today) == days
    assert receivables([debt(), effect(Kind.CREDIT, 10_000)])[0].overdue_days(today) == 0


@pytest.mark.parametrize(
    ("wired", "open_minor", "tolerance", "result"),
    [
        (10_000, 10_000, 0, (10_000, 0, 0)),
        (8_500, 10_000, 1_500, (8_500, 1_500, 0)),
        (8_499, 10_000, 1_500, (8_499, 0, 0)),
        (10_001, 10_000, 1_500, (10_000, 0, 1)),
        (10_000, 0, 1_500, (0, 0, 10_000)),
    ],
    ids=["exact", "case 50 within", "case 50 above", "case 51 over", "case 52 twice"],
)
def test_allocation_of_a_wire(wired: int, open_minor: int, tolerance: int, result: tuple[int, int, int]) -> None:
    assert allocate(wired, open_minor, tolerance) == result


@pytest.mark.parametrize("amount", [0, -1])
def test_case_55_a_wire_brings_money(amount: int) -> None:
    with pytest.raises(ValueError, match="bring money"):
        allocate(amount, 100, 0)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**5))
def test_nothing_of_a_wire_is_lost_or_made(wired: int, open_minor: int, tolerance: int) -> None:
    allocated, charge, surplus = allocate(wired, open_minor, tolerance)
    assert allocated + surplus == wired
    assert min(allocated, charge, surplus) >= 0
    assert allocated + charge <= open_minor
    assert charge <= tolerance
