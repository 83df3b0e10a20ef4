from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import MILLION, Money, MoneyError, exponent, millionths, round_half_up, shortest, spread

RATES = st.decimals(0, 100, places=4)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])


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


@given(st.integers(0, 10**15), RATES, CURRENCIES)
def test_case_11_whole_numbers_round_as_decimal_does(minor: int, percent: Decimal, currency: str) -> None:
    price = Money(minor, currency)
    off = price.amount * (100 - percent) / 100
    grown = price.amount * (100 + percent) / 100
    assert price.portion(MILLION - millionths(percent)) == Money.rounded(off, currency)
    assert price.portion(MILLION + millionths(percent)) == Money.rounded(grown, currency)


@pytest.mark.parametrize("percent", ["8.25001", "NaN", "Infinity"])
def test_a_rate_has_four_decimals(percent: str) -> None:
    with pytest.raises(MoneyError, match="four decimals"):
        millionths(Decimal(percent))


@pytest.mark.parametrize(
    ("stored", "shown"), [("8.2500", "8.25"), ("10.00", "10"), ("0.0000", "0"), ("100", "100"), ("7.5", "7.5")]
)
def test_a_rate_is_shown_without_the_columns_zeros(stored: str, shown: str) -> None:
    assert str(shortest(Decimal(stored))) == shown


def test_a_currency_is_known_wherever_money_is_made() -> None:
    with pytest.raises(MoneyError, match="XXY"):
        Money(1, "XXY")
