from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import Money
from app.pricing.rules import Entry, Item, PriceList, Scope, StaffException, choose, partner_price

DAY = date(2026, 3, 2)
ITEM = Item("v1", "p1", "cat", ("c1", "c2"))
RETAIL = Money.of("100", "USD")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def rate(scope: Scope, target: str, percent: str, **more: object) -> Entry:
    return Entry(scope, target, rate=Decimal(percent), **more)  # type: ignore[arg-type]


def price(*entries: Entry, quantity: int = 1, retail: Money = RETAIL, cap: str = "50", **more: object) -> str:
    prices = PriceList.of(7, entries, cap=Decimal(cap), **more)  # type: ignore[arg-type]
    return str(partner_price(ITEM, quantity, retail, prices, DAY).unit.amount)


@pytest.mark.parametrize(
    ("retail", "unit"),
    [
        (usd("100"), "90.00"),
        (usd("0.05"), "0.05"),
        (usd("49.95"), "44.96"),
        (Money.of(995, "JPY"), "896"),
        (Money(1, "KWD"), "0.001"),
    ],
)
def test_case_11_ten_percent_rounded_half_up_per_currency(retail: Money, unit: str) -> None:
    assert price(retail=retail) == unit


def test_case_12_round_the_unit_then_multiply() -> None:
    partner = partner_price(ITEM, 3, usd("49.95"), PriceList(1), DAY)
    assert choose(partner, 3, usd("149.85")).total == usd("134.88")


def test_the_most_specific_entry_wins() -> None:
    entries = [
        rate(Scope.VARIANT, "v1", "1"),
        rate(Scope.PRODUCT, "p1", "2"),
        rate(Scope.CATEGORY, "cat", "3"),
        rate(Scope.COLLECTION, "c2", "4"),
    ]
    for first, expected in enumerate(["99.00", "98.00", "97.00", "96.00"]):
        assert price(*entries[first:]) == expected
    assert price(rate(Scope.VARIANT, "other", "20")) == "90.00"


def test_of_two_collections_the_lower_price() -> None:
    assert price(rate(Scope.COLLECTION, "c1", "4"), rate(Scope.COLLECTION, "c2", "6")) == "94.00"


def test_quantity_breaks_and_validity() -> None:
    breaks = [rate(Scope.VARIANT, "v1", "5"), rate(Scope.VARIANT, "v1", "12", minimum_quantity=10)]
    assert (price(*breaks, quantity=9), price(*breaks, quantity=10)) == ("95.00", "88.00")
    for window, unit in [((DAY, DAY), "95.00"), ((date(2026, 3, 3), None), "90.00"), ((None, date(2026, 3, 1)), "90.00")]:
        assert price(rate(Scope.VARIANT, "v1", "5", valid_from=window[0], valid_to=window[1])) == unit


def test_a_fixed_price_counts_in_its_currency_and_never_above_retail() -> None:
    assert price(Entry(Scope.VARIANT, "v1", fixed=usd("80"))) == "80.00"
    assert price(Entry(Scope.VARIANT, "v1", fixed=Money.of("80", "EUR"))) == "90.00"
    assert price(Entry(Scope.VARIANT, "v1", fixed=usd("120"))) == "100.00"


@pytest.mark.parametrize("entry", [rate(Scope.VARIANT, "v1", "20"), Entry(Scope.VARIANT, "v1", fixed=usd("80"))])
def test_the_cap_holds_unless_staff_excepted(entry: Entry) -> None:
    assert price(entry, cap="10") == "90.00"
    for expires, unit in [(DAY, "85.00"), (date(2026, 3, 1), "90.00")]:
        assert price(entry, cap="10", exception=StaffException(Decimal(15), "launch", expires)) == unit


def test_an_entry_is_a_rate_or_a_price() -> None:
    with pytest.raises(ValueError, match="either"):
        Entry(Scope.VARIANT, "v1")
    with pytest.raises(ValueError, match="either"):
        Entry(Scope.VARIANT, "v1", rate=Decimal(1), fixed=RETAIL)


@pytest.mark.parametrize(
    ("public", "total", "code"),
    [("200", "180.00", "partner_chosen"), ("180", "180.00", "partner_chosen"), ("150", "150.00", "public_chosen")],
)
def test_case_13_never_both_reductions(public: str, total: str, code: str) -> None:
    chosen = choose(partner_price(ITEM, 2, RETAIL, PriceList(1), DAY), 2, usd(public))
    assert str(chosen.total.amount) == total
    assert chosen.reasons[-1].code == code
    assert chosen.partner == (code == "partner_chosen")


def test_reasons_can_be_said() -> None:
    said = [
        str(reason) for reason in partner_price(ITEM, 1, RETAIL, PriceList.of(7, [rate(Scope.PRODUCT, "p1", "20")]), DAY).reasons
    ]
    assert said == [
        "20 % off the retail price 100.00 USD by the entry for this product (price list version 7).",
        "The list gives 20 %; the cap of 10 % holds, as no exception allows more.",
    ]


@given(st.integers(0, 10**9), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2), st.integers(1, 1000))
def test_never_above_retail_nor_below_the_cap(minor: int, percent: Decimal, cap: Decimal, quantity: int) -> None:
    retail = Money(minor, "USD")
    found = partner_price(ITEM, quantity, retail, PriceList.of(1, [], rate=percent, cap=cap), DAY)
    floor = Money.rounded(retail.amount * (100 - cap) / 100, "USD")
    assert floor <= found.unit <= retail


def test_a_fixed_price_of_nothing_is_a_price() -> None:
    free = Entry(Scope.VARIANT, "v1", fixed=usd("0"))
    assert price(free, cap="100") == "0.00"
    assert price(free, Entry(Scope.VARIANT, "v1", fixed=usd("1")), cap="100") == "0.00"
    found = partner_price(ITEM, 1, RETAIL, PriceList.of(7, [free]), DAY)
    assert [reason.code for reason in found.reasons] == ["entry_fixed", "capped"]
    assert dict(found.reasons[1].params) == {"rate": "100.00", "cap": "10"}
