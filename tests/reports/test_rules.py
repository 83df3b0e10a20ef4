"""What books come to: days to pay, sales with their credits, exemptions, and sums that are the ledger's own to the cent."""

from __future__ import annotations

import inspect
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.ledger.rules import Item, Kind, credits, receivables
from app.reasons import SENTENCES
from app.reports.periods import Months, a_month, chosen, months_after
from app.reports.rules import REASONS, Exemption, Line, Order, average_days, exemption_of, paid_in_full, percent, summary
from app.tax import rules as tax
from tests.ledger.test_books import STEPS, Story

DAY = date(2026, 3, 2)
JUNE = date(2026, 6, 1)
P, A, B, C, W = Kind.PAYMENT, Kind.ALLOCATION, Kind.BANK_CHARGE, Kind.CREDIT, Kind.WRITE_OFF


def debt(amount: int = 10_000, number: str = "1", day: date = DAY) -> Item:
    return Item(f"r{number}", Kind.RECEIVABLE, amount, "USD", day, f"r{number}", None, day + timedelta(30), number)


def on(day: int, kind: Kind, amount: int, name: str = "", reverses: str | None = None) -> Item:
    """An item so many days after the order."""
    return Item(name or f"{kind}{day}{amount}", kind, amount, "USD", DAY + timedelta(day), "r1", "p", reverses_id=reverses)


@pytest.mark.parametrize(
    ("items", "days"),
    [
        ([on(9, A, 10_000)], 9),
        ([on(-2, A, 10_000)], 0),  # a wire that the bank dates before the order
        ([on(3, A, 4_000), on(12, A, 6_000)], 12),
        ([on(3, A, 9_990), on(3, B, 10)], 3),  # short by a bank charge
        ([on(3, A, 9_000)], None),
        ([on(3, A, 10_000), on(8, A, -10_000, reverses="x")], None),  # returned
        ([on(3, A, 10_000), on(8, A, -10_000, reverses="x"), on(40, A, 10_000)], 40),  # returned, and paid once more
        ([on(3, A, 10_000), on(8, A, -3_000), on(8, C, 3_000)], 3),  # a part refunded later
        ([on(3, A, 10_000), on(8, A, -10_000), on(8, C, 10_000)], None),  # all of it refunded
        ([on(3, C, 10_000)], None),  # canceled
        ([on(3, A, 7_000), on(20, C, 3_000)], 20),  # the rest credited
        ([on(3, A, 7_000), on(90, W, 3_000)], None),  # the rest written off
        ([], None),
    ],
)
def test_an_order_is_paid_since_nothing_of_it_is_open(items: list[Item], days: int | None) -> None:
    found = paid_in_full(debt(), [debt(), *items])
    assert (found and (found - DAY).days) == days


def test_case_69_a_zero_order_is_never_paid() -> None:
    assert paid_in_full(debt(0), [debt(0)]) is None


def test_days_to_pay_are_weighted_by_what_paid() -> None:
    items = [debt(10_000), on(10, A, 10_000), debt(90_000, "2"), on(40, A, 90_000)._replace(receivable_id="r2")]
    found = summary(items, {})
    march, april = found.months["USD", DAY.replace(day=1)], found.months["USD", date(2026, 4, 1)]
    assert (march.paid_orders, march.late_orders, march.paid_days, march.paid_minor_days) == (1, 0, 10, 100_000)
    assert (april.paid_orders, april.late_orders, april.paid_minor) == (1, 1, 90_000)
    both = march.paid_minor_days + april.paid_minor_days
    assert average_days(both, 100_000) == Decimal("37.0")
    assert average_days(50, 2) == Decimal("25.0")
    assert average_days(0, 0) is None


def test_a_credit_lowers_the_month_it_is_of_by_the_net_that_goes_with_it() -> None:
    order = Order(3_000, 3_190, (Line(1_000, 1_190), Line(2_000, 2_000, Exemption.CERTIFICATE)))
    items = [debt(3_190), on(60, C, 1_595, "c1"), on(95, C, 1_595, "c2")]
    found = summary(items, {"1": order})
    months = {
        month.month: (sums.gross_minor, sums.credit_minor, sums.net_minor, sums.exempt_minor)
        for (_, month), sums in found.months.items()
    }
    assert months == {3: (3_190, 0, 3_000, 2_000), 5: (0, 1_595, -1_500, -1_000), 6: (0, 1_595, -1_500, -1_000)}
    exempt = {(month.month, exemption): minor for (_, month, exemption), minor in found.exempt.items()}
    assert exempt == {(month, Exemption.CERTIFICATE): minor for month, minor in ((3, 2_000), (5, -1_000), (6, -1_000))}


def test_a_credit_that_is_taken_back_gives_back_what_it_took() -> None:
    order = Order(1_800, 1_949, (Line(1_800, 1_949),))
    back = on(9, C, -700, "c2", "c1")
    found = summary([debt(1_949), back, on(5, C, 700, "c1"), on(12, C, 1_949, "c3")], {"1": order})
    sums = found.months["USD", DAY.replace(day=1)]
    assert (sums.gross_minor, sums.credit_minor) == (1_949, 1_949)
    assert (sums.orders, sums.exempt_minor) == (1, 0)


@pytest.mark.parametrize(
    ("order", "exempt"),
    [
        (Order(1_000, 1_190, (Line(500, 595),)), 0),  # shipping that is taxed
        (Order(1_000, 1_095, (Line(500, 595),)), 500),  # shipping that is not
        (Order(900, 1_000, (Line(1_000, 1_190), Line(500, 500, Exemption.ZERO_RATE))), 300),  # a discount on all of it
        (Order(1_000, 1_000), 1_000),
    ],
)
def test_what_is_beside_the_lines_is_counted_too(order: Order, exempt: int) -> None:
    sums = summary([debt(order.gross)], {"1": order}).months["USD", DAY.replace(day=1)]
    assert (sums.net_minor, sums.exempt_minor) == (order.net, exempt)


def test_every_reason_without_tax_has_its_exemption() -> None:
    known = {code for code in SENTENCES if f'"{code}": ' in inspect.getsource(tax)}
    assert known == set(REASONS) | {"tax_own_use"}, "what is not for resale is taxed"
    assert exemption_of(True, ["tax_exempt"]) is None
    assert exemption_of(False, ["price_list", "tax_exempt"]) is Exemption.CERTIFICATE
    assert exemption_of(False, ["tax_own_use", "tax_class_untaxed"]) is Exemption.UNTAXED_CLASS
    assert exemption_of(False, []) is Exemption.OTHER


def test_percent_is_of_something() -> None:
    assert percent(1, 3) == Decimal("33.3")
    assert percent(-5, 1_000) == Decimal("-0.5")
    assert percent(1, 0) is None
    assert percent(1, -4) is None


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=25))
def test_every_story_sums_up_to_the_ledger(steps: list[tuple[str, ...]]) -> None:
    story = Story()
    for what, *arguments in steps:
        getattr(story, what)(*arguments)
    items = story.items
    found = summary(items, {})
    debts = receivables(items)
    months = list(found.months.values())
    orders = {debt.id for debt in debts}
    assert sum(month.gross_minor for month in months) == sum(debt.amount_minor for debt in debts)
    assert sum(month.orders for month in months) == len(debts) == sum(balance.orders for balance in found.balances.values())
    credited = [item.amount_minor for item in items if item.kind is C and item.receivable_id in orders]
    assert sum(month.credit_minor for month in months) == sum(credited)
    assert sum(month.net_minor for month in months) == sum(debt.amount_minor for debt in debts) - sum(credited)
    written_off = {item.receivable_id for item in items if item.kind is W}
    paid = [debt for debt in debts if debt.fully_paid and debt.id not in written_off]
    assert sum(month.paid_orders for month in months) == len(paid)
    assert sum(month.paid_minor for month in months) == sum(debt.paid_minor for debt in paid)
    opens: Counter[date] = Counter()
    for debt in debts:
        opens[debt.due_date] += debt.open_minor
    assert {due: part.open_minor for (_, due), part in found.open.items()} == {
        due: minor for due, minor in opens.items() if minor
    }
    assert sum(balance.credit_minor for balance in found.balances.values()) == credits(items).get("USD", 0)
    interest = sum(story.open_minor(item.id) for item in story.of(Kind.INTEREST))
    assert sum(balance.interest_minor for balance in found.balances.values()) == interest


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("12_months", "2025-04", "2026-03"), ("", "2025-04", "2026-03"), ("month", "2026-03", "2026-03"),
        ("last_month", "2026-02", "2026-02"), ("year", "2026-01", "2026-03"), ("last_year", "2025-01", "2025-12"),
        ("all", "2016-04", "2026-03"), ("own", "2025-11", "2026-02"),
    ],
)  # fmt: skip
def test_months_are_chosen(name: str, first: str, last: str) -> None:
    assert chosen(name, "2025-11", "2026-02", DAY) == Months(a_month(first, "from"), a_month(last, "to"))


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02", "2026-01"), ("", "2026-01"), ("2026-13", "2026-12"), ("2016-02", "2026-02"), ("\u0662026-01", "2026-02")],
)
def test_months_that_are_none(first: str, last: str) -> None:
    with pytest.raises(InvalidInput):
        chosen("own", first, last, DAY)


def test_months_follow_each_other() -> None:
    months = Months(date(2025, 11, 1), date(2026, 2, 1))
    assert [f"{month:%Y-%m-%d}" for month in months] == ["2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01"]
    assert months_after(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert str(months) == "2025-11_2026-02"
