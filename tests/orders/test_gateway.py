from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from app.money import Money
from app.orders.gateway import bank_account, credit_policy, reference_for
from app.resellers.tables import Reseller
from app.settings import BankAccountSettings, ProgramNumbers, ShopSettings
from tests.orders.builders import USD_ACCOUNT

NUMBERS = ("prepaid_orders", "credit_limit_minor", "order_limit_minor", "limit_currency")


def account(name: str, **changed: str) -> BankAccountSettings:
    return BankAccountSettings(**USD_ACCOUNT | {"beneficiary": name} | changed)


@pytest.mark.parametrize(
    ("channel", "currency", "expected"),
    [("us", "USD", "ours"), ("other", "USD", "all"), ("us", "CAD", "canada"), ("us", "EUR", None)],
)
def test_a_channels_own_account_comes_before_the_one_for_all(channel: str, currency: str, expected: str | None) -> None:
    accounts = [account("all"), account("ours", channel="us"), account("theirs", channel="zz"), account("canada", currency="CAD")]
    found = bank_account(ShopSettings(bank_accounts=accounts), channel, currency)
    assert (found.beneficiary if found else None) == expected


def numbers(**changed: Any) -> Reseller:
    return Reseller(**dict.fromkeys(NUMBERS) | changed)


def test_a_resellers_own_numbers_stand_over_the_shops() -> None:
    shop = ProgramNumbers(prepaid_orders=3, payment_days=14, on_account=False)
    plain = credit_policy(shop, numbers())
    assert (plain.prepaid_orders, plain.payment_days, plain.on_account) == (3, 14, False)
    assert (plain.credit_limit, plain.order_limit) == (None, None)
    own = credit_policy(shop, numbers(prepaid_orders=0, credit_limit_minor=0, order_limit_minor=500, limit_currency="USD"))
    assert (own.prepaid_orders, own.credit_limit, own.order_limit) == (0, Money(0, "USD"), Money(500, "USD"))
    assert credit_policy(shop, numbers(credit_limit_minor=1)).credit_limit is None, "a limit without a currency limits nothing"


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_reference_is_valid_and_the_same_for_the_same(tenant: str, subject: str) -> None:
    found = reference_for(tenant, subject)
    assert iso11649.is_valid(found)
    assert len(found) <= 25
    assert not set(found[4:]) & set("O0I1")
    assert reference_for(tenant, subject) == found
    assert reference_for(tenant, subject + "x") != found
