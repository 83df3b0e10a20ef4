import pytest

from app.errors import InvalidInput
from app.settings import load

GOOD = {"RESELLER_SECRET_KEYS": "a long passphrase, an older passphrase"}


def test_defaults_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        **GOOD,
        "RESELLER_ALLOWED_SHOPS": "https://a.example/graphql/",
        "RESELLER_SHOP__PROGRAM__PAYMENT_DAYS": "14",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(_env_file=None)
    assert settings.secret_keys == ["a long passphrase", "an older passphrase"]
    assert settings.allowed_shops == ["https://a.example/graphql/"]
    assert settings.shop.program.payment_days == 14
    assert settings.shop.program.prepaid_orders == 3


def test_all_errors_at_once_each_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "RESELLER_SECRET_KEYS": "short",
        "RESELLER_BASE_URL": "https://a.example/app/",
        "RESELLER_DATABASE_URL": "mysql://x",
        "RESELLER_SHOP__PROGRAM__PAYMENT_DAYS": "-1",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as caught:
        load(_env_file=None)
    for name in wrong:
        assert name in caught.value.sentence


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(InvalidInput, match="RESELLER_SECRET_KEYS: Field required"):
        load(_env_file=None)
