"""Months, sums and the ladder of reminders."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.ledger.aging import Bucket
from app.ledger.rules import Item, Kind
from app.money import Money
from app.statements.rules import (
    MAX_MONTHS,
    OrderFacts,
    Period,
    blocks,
    missing,
    nil_block,
    period_of,
    quiet,
    rung_of,
    snapshot,
)

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
DAY = date(2026, 3, 1)
FEBRUARY = Period(2026, 2)


def debt(number: str, minor: int = 10_000, *, due: date = DAY, on: date = date(2026, 1, 10), currency: str = "USD") -> Item:
    return Item(f"D{number}", Kind.RECEIVABLE, minor, currency, on, f"D{number}", None, due, number)


def test_a_month_is_over_at_the_vendors_midnight() -> None:
    before = datetime(2026, 2, 28, 22, 59, tzinfo=UTC)
    after = before + timedelta(minutes=1)
    assert (period_of(before, BERLIN), period_of(after, BERLIN)) == (Period(2026, 1), FEBRUARY)
    assert period_of(before, TOKYO) == FEBRUARY
    assert (FEBRUARY.dated, FEBRUARY.first, str(FEBRUARY)) == (DAY, date(2026, 2, 1), "2026-02")
    assert FEBRUARY.begins(BERLIN) == after


@given(st.integers(1, 9997), st.integers(1, 12))
def test_months_follow_each_other(year: int, month: int) -> None:
    period = Period(year, month)
    assert period.next.previous == period
    assert period.next.first == period.dated
    assert Period.parse(str(period)) == period
    assert period < period.next


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-2", "26-02", "0000-01", "9999-12", "2026-02-01", "x" * 100])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="a month like 2026-02"):
        Period.parse(text)


def test_case_72_months_missed_while_nobody_worked_are_caught_up_in_order() -> None:
    now = datetime(2026, 3, 9, tzinfo=UTC)
    assert missing(None, now, BERLIN) == [FEBRUARY], "a new shop begins with the newest"
    assert missing(FEBRUARY, now, BERLIN) == []
    assert missing(Period(2025, 11), now, BERLIN) == [Period(2025, 12), Period(2026, 1), FEBRUARY]
    assert len(missing(Period(2020, 1), now, BERLIN)) == MAX_MONTHS
    assert missing(Period(2026, 5), now, BERLIN) == [], "a clock that went back makes nothing"


def test_case_74_bookings_count_up_to_the_run_but_not_into_the_next_statement() -> None:
    late = datetime(2026, 3, 9, tzinfo=UTC)
    assert snapshot(FEBRUARY, late, BERLIN) == late
    assert snapshot(Period(2026, 1), late, BERLIN) == FEBRUARY.begins(BERLIN)


def test_buckets_and_sums() -> None:
    items = [
        debt("1", due=DAY),
        debt("2", 5_000, due=DAY - timedelta(days=1)),
        debt("3", 4_000, due=DAY - timedelta(days=61)),
        Item("A", Kind.ALLOCATION, 1_000, "USD", DAY, "D3", "P"),
        Item("P", Kind.PAYMENT, 1_700, "USD", DAY, None, "P"),
    ]
    (block,) = blocks(items, {"2": OrderFacts(date(2026, 1, 2), "PO-2")}, {}, set(), DAY)
    assert [(item.order_number, item.open.minor, item.days_overdue) for item in block.items] == [
        ("3", 3_000, 61), ("2", 5_000, 1), ("1", 10_000, 0),
    ]  # fmt: skip
    assert {name: amount.minor for name, amount in block.buckets.items()} == {
        Bucket.NOT_DUE: 10_000, Bucket.TO_30: 5_000, Bucket.TO_60: 0, Bucket.TO_90: 3_000, Bucket.OVER_90: 0,
    }  # fmt: skip
    assert (block.items[1].po_number, block.items[1].order_date) == ("PO-2", date(2026, 1, 2))
    assert (block.total.minor, block.credit.minor, block.balance.minor, block.to_pay.minor) == (18_000, 700, 17_300, 17_300)
    assert block.debts == ("D3", "D2", "D1")


def test_interest_is_a_debt_beside_its_order_even_when_that_is_paid() -> None:
    items = [
        debt("1"),
        Item("A", Kind.ALLOCATION, 10_000, "USD", DAY, "D1", "P"),
        Item("P", Kind.PAYMENT, 10_000, "USD", DAY, None, "P"),
        Item("I", Kind.INTEREST, 300, "USD", DAY, "I", None, DAY, "1"),
        Item("C", Kind.CREDIT, 100, "USD", DAY, "I"),
        Item("other", Kind.INTEREST, 9, "USD", DAY, "other"),
    ]
    (block,) = blocks(items, {}, {"I": "D1"}, set(), DAY)
    assert [(item.open.minor, item.interest.minor) for item in block.items] == [(0, 200)]
    assert (block.total.minor, block.interest.minor, block.to_pay.minor, block.debts) == (0, 200, 200, ("I",))


def test_case_76_a_credit_larger_than_the_debt_asks_for_nothing() -> None:
    items = [debt("1"), Item("C", Kind.CREDIT, 12_500, "USD", DAY, "D1")]
    (block,) = blocks(items, {}, {}, set(), DAY)
    assert (block.total.minor, block.balance.minor, block.to_pay.minor, block.debts) == (-2_500, -2_500, 0, ())


def test_case_77_currencies_stand_apart() -> None:
    euro, dollar = blocks([debt("1"), debt("2", 7, currency="EUR")], {}, {}, set(), DAY)
    assert (euro.currency, euro.total, dollar.currency, dollar.total) == ("EUR", Money(7, "EUR"), "USD", Money(10_000, "USD"))


def test_case_78_a_disputed_order_is_listed_and_not_asked_for() -> None:
    items = [debt("1"), debt("2", 4_000), Item("I", Kind.INTEREST, 50, "USD", DAY, "I", None, DAY, "2")]
    (block,) = blocks(items, {}, {"I": "D2"}, {"D2"}, DAY)
    assert [item.disputed for item in block.items] == [False, True]
    assert (block.disputed.minor, block.to_pay.minor, block.debts) == (4_050, 10_000, ("D1",))


def test_orders_of_the_statements_day_belong_to_the_next_one() -> None:
    items = [debt("1", on=date(2026, 2, 28)), debt("2", on=DAY)]
    (block,) = blocks(items, {}, {}, set(), DAY, before=DAY)
    assert [item.order_number for item in block.items] == ["1"]


def test_case_73_nothing_owed_has_a_block_only_when_asked_for() -> None:
    assert blocks([], {}, {}, set(), DAY) == []
    block = nil_block("EUR")
    assert (block.items, block.to_pay, list(block.buckets.values())) == ((), Money(0, "EUR"), [Money(0, "EUR")] * 5)


RUNGS = [-3, 0, 7, 14]


@pytest.mark.parametrize(
    ("days", "told", "rung"),
    [
        (-4, [], None), (-3, [], -3), (-1, [], -3), (-1, [-3], None), (0, [-3], 0), (0, [], 0), (6, [0], None), (7, [0], 7),
        (20, [], 14), (20, [-3, 0, 7], 14), (20, [14], None), (400, [14], None), (8, [14], None),
    ],
)  # fmt: skip
def test_the_newest_rung_reached_is_told_once(days: int, told: list[int], rung: int | None) -> None:
    assert rung_of(DAY, DAY + timedelta(days=days), RUNGS, told) == rung


def test_a_rung_before_the_due_date_is_not_made_up_for() -> None:
    assert rung_of(DAY, DAY, [-3], []) is None
    assert rung_of(DAY, DAY, [], []) is None


@pytest.mark.parametrize(
    ("hour", "begins", "ends", "silent"),
    [(17, 18, 8, False), (18, 18, 8, True), (7, 18, 8, True), (8, 18, 8, False), (12, 12, 14, True), (14, 12, 14, False),
     (5, 6, 6, False)],
)  # fmt: skip
def test_quiet_hours_are_the_vendors(hour: int, begins: int, ends: int, silent: bool) -> None:
    assert quiet(datetime(2026, 3, 2, hour, 30, tzinfo=BERLIN).astimezone(UTC), BERLIN, begins, ends) is silent
