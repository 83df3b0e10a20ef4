from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from app.documents.bank_details import BankAccount, creditor_reference, instructions, normalize_reference
from app.errors import InvalidInput
from app.money import Money

DUE = date(2026, 4, 1)
EUR = BankAccount.of(beneficiary="Vendor GmbH", currency="EUR", iban="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX")
USD = BankAccount.of(beneficiary="Vendor Inc.", currency="USD", routing_number="111000025", account_number="1234567")


def test_a_known_reference() -> None:
    assert creditor_reference("539007547034") == "RF18539007547034"


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21))
def test_every_reference_is_valid_and_found_again(body: str) -> None:
    reference = creditor_reference(body)
    assert iso11649.is_valid(reference)
    spaced = " ".join(reference[start : start + 4] for start in range(0, len(reference), 4)).lower()
    assert normalize_reference(spaced) == reference


@pytest.mark.parametrize("body", ["", "A" * 22, "abc", "A-1", "Ä"])
def test_what_cannot_be_a_reference(body: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 21"):
        creditor_reference(body)


@pytest.mark.parametrize("text", ["RF19539007547034", "", "539007547034", "RF"])
def test_case_46_wrong_check_digits_are_no_reference(text: str) -> None:
    assert normalize_reference(text) is None


def test_accounts_are_kept_compact() -> None:
    assert EUR.iban == "DE89370400440532013000"
    assert USD.routing_number == "111000025"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"iban": "DE89370400440532013000", "beneficiary": " "}, "beneficiary is missing"),
        ({}, "give one of the two"),
        ({"iban": "DE89370400440532013000", "routing_number": "111000025"}, "give one of the two"),
        ({"iban": "DE89370400440532013001"}, "iban is not valid"),
        ({"iban": "DE89370400440532013000", "bic": "NO"}, "bic is not valid"),
        ({"routing_number": "111000026", "account_number": "1234"}, "routing_number is not valid"),
        ({"routing_number": "111000025", "account_number": "12"}, "account_number must be"),
    ],
)
def test_a_wrong_account_names_the_field(fields: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        BankAccount.of(**{"beneficiary": "Vendor", "currency": "EUR", **fields})


def test_a_qr_code_in_euro_only() -> None:
    reference = creditor_reference("1042")
    euro = instructions(EUR, Money.of("118.80", "EUR"), reference, DUE)
    assert euro.qr_svg is not None
    assert euro.qr_svg.startswith("<svg")
    assert instructions(USD, Money.of("118.80", "USD"), reference, DUE).qr_svg is None
    assert instructions(EUR, Money.of("1000000000", "EUR"), reference, DUE).qr_svg is None


@pytest.mark.parametrize(
    ("amount", "reference", "says"),
    [
        (Money(0, "EUR"), "RF18539007547034", "nothing to pay"),
        (Money(1, "USD"), "RF18539007547034", "in EUR, the amount in USD"),
        (Money(1, "EUR"), "RF00X", "not a valid creditor reference"),
    ],
)
def test_what_cannot_be_paid(amount: Money, reference: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        instructions(EUR, amount, reference, DUE)
