from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import Money, MoneyError, exponent, round_half_up, spread


@pytest.mark.parametrize(("code", "decimals"), [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_decimals_of_a_currency(code: str, decimals: int) -> None:
    assert exponent(code) == decimals


@pytest.mark.parametrize(
    ("amount", "code", "rounded"),
    [("0.045", "USD", "0.05"), ("0.005", "USD", "0.01"), ("895.5", "JPY", "896"), ("-0.005", "USD", "-0.01")],
)
def test_case_11_half_up_per_currency(amount: str, code: str, rounded: str) -> None:
    assert round_half_up(Decimal(amount), code) == Decimal(rounded)
    assert Money.rounded(Decimal(amount), code).amount == Decimal(rounded)


@pytest.mark.parametrize(
    ("amount", "code"), [("1.005", "USD"), ("1.5", "JPY"), ("NaN", "USD"), ("Infinity", "USD"), ("ten", "USD"), ("1", "XXY")]
)
def test_what_is_not_money(amount: str, code: str) -> None:
    with pytest.raises(MoneyError):
        Money.of(amount, code)


def test_arithmetic() -> None:
    ten = Money.of("10", "USD")
    assert str(ten) == "10.00 USD"
    assert ten + ten == ten * 2 == Money(2000, "USD")
    assert ten - ten == Money(0, "USD")
    assert not ten - ten
    assert -ten < ten <= ten
    with pytest.raises(MoneyError, match="USD with EUR"):
        ten + Money(1, "EUR")


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_spread_sums_to_the_total_and_stays_within_one_unit(total: int, weights: list[int]) -> None:
    parts = spread(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


def test_spread_over_nothing() -> None:
    assert spread(0, [0, 0]) == [0, 0]
    with pytest.raises(MoneyError):
        spread(1, [0])
    with pytest.raises(MoneyError):
        spread(1, [-1, 2])
