"""Reading what a reseller says a wire pays, and comparing it with what is owed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.remittance import MAX_LINE, Given, Owed, compare, known_currency, names, read_amount, read_text
from app.money import Money


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("118.80", "118.80"), ("118,80", "118.80"), ("1,234.56", "1234.56"), ("1.234,56", "1234.56"), ("1'234.56", "1234.56"),
        ("1,234,567", "1234567"), ("1.234.567", "1234567"), ("1000", "1000"), ("5,5", "5.5"), ("118.80.", "118.80"),
        ("1.234", None), ("1,234", None), ("1,2,3", None), ("1.2.3,4,5", None),
    ],
)  # fmt: skip
def test_an_amount_has_one_reading_or_none(text: str, amount: str | None) -> None:
    assert read_amount(text) == (Decimal(amount) if amount else None)


def test_a_pasted_text_is_read_line_by_line() -> None:
    text = """Payment advice

Reference\tAmount
Invoice 2026-00001   1.234,56 EUR
RF18 5390 0754 7034; $ 99.00
PO-77: 5,00
Order 1042 118.80 USD
Total 1,457.36
see our letter of 2026-03-02
1041  1.234
"""
    lines, unread = read_text(text)
    assert lines == [
        Given("Invoice 2026-00001", Decimal("1234.56"), "EUR"),
        Given("RF18 5390 0754 7034", Decimal("99.00"), "USD"),
        Given("PO-77", Decimal("5.00")),
        Given("Order 1042", Decimal("118.80"), "USD"),
    ]
    assert [str(reason) for reason in unread] == [
        'Line 9 was not understood: "see our letter of 2026-03-02".',
        'Line 10: "1.234" can be read in two ways; write it with two decimals.',
    ]


@given(st.text(alphabet=st.sampled_from("RF18 PO-1042.,;'€$\t\n:#Aé"), max_size=400))
def test_no_text_breaks_the_reading(text: str) -> None:
    for line in read_text(text)[0]:
        assert line.amount >= 0
        assert names(line.reference)


def test_a_line_that_is_too_long_is_no_line() -> None:
    lines, unread = read_text("A1" * MAX_LINE + " 5.00")
    assert (lines, [reason.code for reason in unread]) == ([], ["advice_unread"])


@pytest.mark.parametrize(
    ("reference", "groups"),
    [
        ("RF18 5390 0754 7034", (("RF18539007547034",), ("RF18 5390 0754 7034",), ("RF18", "5390", "0754", "7034"))),
        ("Invoice No. 2026-00001", (("Invoice No. 2026-00001",), ("2026-00001",))),
        ("Rechnung #7", (("Rechnung #7",), ("7",))),
        ("PO 1", (("PO 1",), ("1",))),
        ("nothing", ()),
    ],
)
def test_what_a_reference_may_mean(reference: str, groups: tuple[tuple[str, ...], ...]) -> None:
    assert names(reference) == groups


ORDER = Owed("1042", Money(11880, "USD"))


@pytest.mark.parametrize(
    ("given_line", "orders", "taken", "codes", "minor"),
    [
        (Given("1042", Decimal("118.80"), "USD"), [ORDER], set(), [], 11880),
        (Given("1042", Decimal("118.80")), [ORDER], set(), [], 11880),
        (Given("1042", Decimal("118.80")), [ORDER], {"1042"}, ["advice_twice"], 11880),
        (Given("1042", Decimal("100")), [ORDER], set(), ["advice_less"], 10000),
        (Given("1042", Decimal("200")), [ORDER], set(), ["advice_more"], 20000),
        (Given("1042", Decimal("5")), [Owed("1042", Money(0, "USD"))], set(), ["advice_closed"], 500),
        (Given("1042", Decimal("5"), "EUR"), [ORDER], set(), ["advice_currency"], None),
        (Given("1042", Decimal("5.005"), "USD"), [ORDER], set(), ["advice_amount"], None),
        (Given("9", Decimal("5")), [], set(), ["advice_unknown"], None),
        (Given("9", Decimal("5")), [ORDER, Owed("1043", Money(1, "USD"))], set(), ["advice_ambiguous"], None),
    ],
)
def test_a_line_beside_what_is_owed(
    given_line: Given, orders: list[Owed], taken: set[str], codes: list[str], minor: int | None
) -> None:
    line = compare(given_line, orders, taken)
    assert [reason.code for reason in line.reasons] == codes
    assert (line.amount.minor if line.amount else None) == minor
    assert all(str(reason) for reason in line.reasons)


def test_a_currency_is_one_of_iso_4217() -> None:
    assert [known_currency(code) for code in ("USD", "JPY", "ABC")] == [True, True, False]


def test_rows_of_a_csv_are_read_with_their_currency_behind_the_amount() -> None:
    found, unread = read_text('reference;amount;currency\nRF34TEST7;"19,49";USD\n1043\t1.234,50\tEUR\n')
    assert ([(each.amount, each.currency) for each in found], unread) == (
        [(Decimal("19.49"), "USD"), (Decimal("1234.50"), "EUR")],
        [],
    )
    assert [each.reference for each in found] == ["RF34TEST7", "1043"]
