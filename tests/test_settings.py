import pytest

from app.errors import InvalidInput
from app.settings import load, need_base_url

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


def test_the_apps_own_address_is_needed_only_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESELLER_SECRET_KEYS", GOOD["RESELLER_SECRET_KEYS"])
    with pytest.raises(InvalidInput, match="RESELLER_BASE_URL is not set"):
        need_base_url(load(_env_file=None))
    monkeypatch.setenv("RESELLER_BASE_URL", "https://resellers.example/")
    assert need_base_url(load(_env_file=None)) == "https://resellers.example"


@pytest.mark.parametrize("url", ["mail.example:587", "http://mail.example", "smtp://", "smtp://user@:587", "smtp://host:port"])
def test_a_mail_server_that_cannot_be_one_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RESELLER_SMTP_URL", url)
    with pytest.raises(InvalidInput, match="RESELLER_SMTP_URL: give smtp://"):
        load(_env_file=None, secret_keys="a long passphrase")


@pytest.mark.parametrize("url", ["", "smtp://mail.example", "smtps://us%40er:secret@mail.example:465"])
def test_mail_servers(url: str) -> None:
    assert load(_env_file=None, secret_keys="a long passphrase", smtp_url=url).smtp_url == url


def test_a_misspelled_number_of_the_program_is_named_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESELLER_SHOP__PROGRAM__PAYMANT_DAYS", "14")
    with pytest.raises(InvalidInput, match=r"did you mean shop\.program\.payment_days\?"):
        load(_env_file=None, secret_keys="a long passphrase")


@pytest.mark.parametrize(
    ("url", "says"), [("nothing://a", "nothing:// cannot be used"), ("memory://", "give a directory"), ("/", "give a directory")]
)
def test_a_file_store_that_cannot_be_one_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv("RESELLER_FILES_URL", url)
    with pytest.raises(InvalidInput, match=f"RESELLER_FILES_URL: {says}"):
        load(_env_file=None, secret_keys="a long passphrase")


@pytest.mark.parametrize("url", ["var/files", "/srv/files", "file:///srv/files", "memory://bucket/folder"])
def test_file_stores(url: str) -> None:
    assert load(_env_file=None, secret_keys="a long passphrase", files_url=url).files_url == url
