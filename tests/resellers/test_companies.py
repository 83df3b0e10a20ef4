import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resellers.companies import Company, keys, mail_domain, name_key, same_company, tax_key, website_host

BETA = Company("Beta Resell GmbH", "80331", "DE 123 456 789", "https://www.beta.example", frozenset({"rita@beta.example"}))


def codes(one: Company, other: Company) -> list[str]:
    return [reason.code for reason in same_company(keys(one), keys(other))]


def other(name: str = "Other", postal: str = "", tax: str = "", website: str = "", *emails: str) -> Company:
    return Company(name, postal, tax, website, frozenset(emails))


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        (other(tax="de123456789"), ["same_tax_number"]),
        (other(website="http://BETA.example/shop?x=1"), ["same_website"]),
        (other("BETA-RESELL G.m.b.H.", "80 331"), ["same_name_and_place"]),
        (other("Beta Resell GmbH", "80332"), []),
        (other("Other", "", "", "", "sales@Beta.example"), ["same_mail_domain"]),
        (other("Beta", "", "", "https://shop.beta.example"), []),
        (BETA, ["same_tax_number", "same_website", "same_name_and_place", "same_mail_domain"]),
        (other(), []),
    ],
)
def test_case_1_what_makes_two_entries_one_company(company: Company, expected: list[str]) -> None:
    assert codes(BETA, company) == expected
    assert codes(company, BETA) == expected


@pytest.mark.parametrize(
    "email", ["rita@gmail.com", "rita@GMX.de", "rita@hotmail.co.uk", "rita@yahoo.fr", "rita@live.nl", "nobody", "x@localhost"]
)
def test_case_24_a_free_mail_domain_never_matches(email: str) -> None:
    assert mail_domain(email) is None
    assert codes(other("A", "", "", "", email), other("B", "", "", "", email)) == []


def test_an_international_domain_is_one() -> None:
    assert mail_domain("eva@MÜLLER.example") == mail_domain("x@xn--mller-kva.example") == "xn--mller-kva.example"
    assert website_host("https://müller.example./") == "xn--mller-kva.example"


@pytest.mark.parametrize("number", ["", "-", "n/a", "none", "unknown", "0", "12 34"])
def test_what_is_no_tax_number_never_matches(number: str) -> None:
    assert tax_key(number) is None
    assert codes(other("A", tax=number), other("B", tax=number)) == []


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("Müller & Söhne GmbH & Co. KG", "MULLER SOHNE"),
        ("ACME, Inc.", "Acme Incorporated"),
        ("Straße AG", "strasse"),
        ("Ltd", "LTD."),
    ],
)
def test_names_without_accents_and_legal_form(one: str, same: str) -> None:
    assert name_key(one) == name_key(same) != ""


@pytest.mark.parametrize(
    ("website", "host"),
    [
        ("beta.example", "beta.example"),
        ("https://www.beta.example:8443/x", "beta.example"),
        ("", None),
        ("beta", None),
        ("ftp://beta.example", None),
        ("javascript:alert(1)", None),
        ("https://127.0.0.1/", None),
        ("https://beta.example:99999999/", None),
        ("https://[beta.example", None),
        ("https://www.facebook.com/beta", None),
    ],
)
def test_hosts(website: str, host: str | None) -> None:
    assert website_host(website) == host


def test_a_page_on_a_host_of_many_is_a_website_but_no_proof() -> None:
    assert website_host("https://www.facebook.com/beta", shared=True) == "facebook.com"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_compared_and_with_itself_says_the_same_twice(name: str, postal: str, tax: str, web: str) -> None:
    company = Company(name, postal, tax, web, frozenset({name}))
    assert codes(company, company) == codes(company, company)
    assert codes(company, other(website="nowhere.example")) in ([], ["same_website"])
