import pytest

from app.bank.account_names import named_as, same_account

IBAN = "DE89370400440532013000"
OWN = [(IBAN,), ("123456", "021000021123456"), ("FR1420041010050500013M02606", "0500013")]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("de89 3704 0044 0532 0130 00", True),
        ("37040044/0532013000", True),
        ("37040044/532013000", True),
        ("37040044 532013000", True),
        ("37040045/532013000", False),
        ("37040044/53201300", False),
        ("0532013000", False),
        ("DE89370400440532013001", False),
        ("37040044", False),
        ("", False),
    ],
)
def test_a_german_account_is_its_iban_and_its_bank_code_with_its_number(name: str, same: bool) -> None:
    assert same_account(name, IBAN) is same_account(IBAN, name) is same


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("021000021/123456", "123456", True),
        ("123456", "0123456", False),
        ("0500013", "FR14 2004 1010 0505 0001 3M02 606", True),
        ("123456", IBAN, False),
    ],
)
def test_an_account_is_what_the_settings_call_it(name: str, other: str, same: bool) -> None:
    assert same_account(name, other, OWN) is same


def test_a_known_account_of_that_very_name_comes_first() -> None:
    known = [(IBAN, 1), ("370400440532013000", 2)]
    assert named_as("37040044/0532013000", known, OWN) == 2
    assert named_as("37040044/532013000", known, OWN) == 1
    assert named_as("37040045/532013000", known, OWN) is None
