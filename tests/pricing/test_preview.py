from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.money import Money
from app.pricing.content import Content
from app.pricing.preview import preview
from app.pricing.rules import Entry, Item, PriceList, Scope, StaffException, partner_price
from tests.pricing.strategies import FEWER, contents

DAY = date(2026, 3, 2)
ITEM = Item("v1", "p1", "cat", ("c1", "c2"))
RETAIL = Money.of("100", "USD")


def said(*entries: Entry, quantity: int = 1, cap: str = "10", exception: StaffException | None = None) -> list[str]:
    prices = PriceList.of(7, entries, cap=Decimal(cap), exception=exception)
    return [str(reason) for reason in preview(ITEM, quantity, RETAIL, prices, DAY).reasons]


def test_the_whole_chain_is_told() -> None:
    assert said(quantity=3) == [
        "The retail price is 100.00 USD.",
        "The price list (version 7) gives 10 % in general.",
        "The cap is 10 %.",
        "10 % off the retail price 100.00 USD (price list version 7).",
        "The partner price is 90.00 USD each, 270.00 USD in all.",
    ]


def test_every_entry_is_told_with_why_it_counts_or_not() -> None:
    chain = said(
        Entry(Scope.VARIANT, "v1", Decimal(9), minimum_quantity=10),
        Entry(Scope.VARIANT, "v1", fixed=Money.of("80", "EUR")),
        Entry(Scope.VARIANT, "v1", Decimal(8), valid_from=date(2026, 4, 1)),
        Entry(Scope.VARIANT, "v1", Decimal(7), valid_to=date(2026, 3, 1)),
        Entry(Scope.PRODUCT, "p1", Decimal("2.5")),
        Entry(Scope.CATEGORY, "cat", Decimal(9)),
        Entry(Scope.COLLECTION, "c2", fixed=Money.of("95", "USD")),
        Entry(Scope.COLLECTION, "other", Decimal(1)),
        quantity=2,
    )
    assert chain[2:-3] == [
        "The entry for this variant (9 %) counts from 10 units on.",
        "The entry for this variant (80.00 EUR) counts in its own currency only.",
        "The entry for this variant (8 %) counts from 2026-04-01 on.",
        "The entry for this variant (7 %) counted through 2026-03-01.",
        "The entry for this product counts: 2.5 %.",
        "The entry for this category (9 %) is passed over for a better one.",
        "The entry for this collection (95.00 USD) is passed over for a better one.",
    ]
    assert chain[-1] == "The partner price is 97.50 USD each, 195.00 USD in all."


def test_the_cap_and_an_exception_from_it_are_told() -> None:
    high = Entry(Scope.VARIANT, "v1", Decimal(15))
    assert said(high)[-3:] == [
        "15 % off the retail price 100.00 USD by the entry for this variant (price list version 7).",
        "The list gives 15 %; the cap of 10 % holds, as no exception allows more.",
        "The partner price is 90.00 USD each, 90.00 USD in all.",
    ]
    chain = said(high, exception=StaffException(Decimal(20), "secret", DAY, "anna"))
    assert "The cap is 10 %; an exception allows 20 % through 2026-03-02." in chain
    assert chain[-1] == "The partner price is 85.00 USD each, 85.00 USD in all."
    assert "secret" not in "".join(chain)
    assert "The cap is 10 %." in said(high, exception=StaffException(Decimal(20), "secret", date(2026, 3, 1)))


@FEWER
@given(contents(), st.integers(0, 10**7), st.integers(1, 2000))
def test_case_11_and_12_the_preview_is_the_price_of_the_checkout(content: Content, minor: int, quantity: int) -> None:
    prices, retail = content.as_list(1, Decimal(10)), Money(minor, "USD")
    for key in [*content.entries, None]:
        name = key.target if key else "x"
        item = Item(name, name, name, (name,))
        found = preview(item, quantity, retail, prices, DAY)
        assert found.price == partner_price(item, quantity, retail, prices, DAY)
        assert found.total == found.price.unit * quantity
        winners = [reason for reason in found.reasons if reason.code == "entry_wins"]
        assert len(winners) == (found.price.entry is not None)
