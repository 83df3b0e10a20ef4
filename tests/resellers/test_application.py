from dataclasses import dataclass, field
from typing import Any

import pytest

from app.errors import InvalidInput
from app.reasons import sentence
from app.resellers.application import checklist, cleaned, cleaned_answers, may_apply_again, missing
from tests.conftest import NOW


@dataclass
class Form:
    email: str = "rita@beta.example"
    company: str = "Beta Resell GmbH"
    street: str = "Weg 1"
    city: str = "München"
    postal_code: str = "80331"
    country: str = "DE"
    region: str = ""
    tax_number: str = "DE123456789"
    website: str = "https://www.beta.example"
    main_business: str = "reseller"
    why: str = "We sell components to 400 companies."
    answers: dict[str, Any] = field(default_factory=dict)


def lacks(confirmed: bool = True, **changed: Any) -> list[str]:
    return [sentence(reason) for reason in missing(Form(**changed), email_confirmed=confirmed)]


def looks(**changed: Any) -> list[str]:
    return [reason.code for reason in checklist(Form(**changed))]


def test_a_complete_application_lacks_nothing() -> None:
    assert lacks() == []
    assert lacks(country="US", region="Texas", postal_code="75001") == []


@pytest.mark.parametrize(
    "name", ["company", "street", "city", "postal_code", "country", "tax_number", "website", "main_business", "why"]
)
def test_every_required_field_is_named(name: str) -> None:
    blank: dict[str, Any] = {name: " "}
    assert lacks(**blank) == [f"{name}: it is missing."]


def test_case_2_an_unconfirmed_email_keeps_it_back() -> None:
    (said,) = lacks(confirmed=False)
    assert said.startswith("The e-mail rita@beta.example is not confirmed")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"country": "XX"}, "country: 'XX'"),
        ({"country": "US", "region": "TX", "postal_code": "8033"}, "postal_code: '8033' is not a ZIP"),
        ({"country": "US", "postal_code": "75001"}, "region: it is missing"),
        ({"country": "US", "postal_code": "75001", "region": "Bayern"}, "region: 'Bayern'"),
        ({"website": "our shop"}, "website: 'our shop'"),
        ({"main_business": "bakery"}, "main_business: 'bakery' is not one of reseller"),
    ],
)
def test_what_cannot_be_right_is_named(changed: dict[str, Any], says: str) -> None:
    (said,) = lacks(**changed)
    assert said.startswith(says)


def test_a_reseller_gives_nothing_to_look_at() -> None:
    assert looks() == []
    assert looks(email="a@mail.beta.example") == []
    assert looks(website="https://shop.beta.example") == []
    assert looks(main_business="distributor") == []


@pytest.mark.parametrize("business", ["consultancy", "developer", "other", ""])
def test_a_business_that_is_not_eligible_is_for_staff_to_see(business: str) -> None:
    assert looks(main_business=business) == ["business_not_eligible"]
    assert lacks(main_business=business or "other") == [], "nothing is rejected by itself"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"why": "Our consultants build portals."}, "consultants"),
        ({"why": "Wir sind eine Agentur und Beratung."}, "Agentur, Beratung"),
        ({"answers": {"What do you do?": "Solutions for our own clients"}}, "Solutions for our own clients"),
    ],
)
def test_case_3_a_consultancy_that_ticks_reseller_is_shown_with_its_words(changed: dict[str, Any], words: str) -> None:
    (reason,) = checklist(Form(**changed))
    said = sentence(reason)
    assert reason.code == "sounds_like_consultancy"
    assert f'"{words}"' in said
    assert "https://www.beta.example" in said


def test_addresses_that_say_nothing_of_the_company() -> None:
    assert looks(email="beta@gmail.com") == ["free_mail_address"]
    assert looks(email="rita@other.example") == ["other_mail_domain"]


def test_fields_are_kept_trimmed_and_in_one_line() -> None:
    found = cleaned({"company": " Beta\tResell \u00a0GmbH\n", "country": "de", "why": " a\r\nb ", "main_business": "Reseller"})
    assert found == {"company": "Beta Resell GmbH", "country": "DE", "why": "a\nb", "main_business": "reseller"}
    assert cleaned({"company": "می‌خواهم 株式会社 🏳️‍🌈"})["company"] == "می‌خواهم 株式会社 🏳️‍🌈"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("company", "x" * 4096, "company: at most 200"),
        ("company", "a\x00b", "company: it holds characters"),
        ("company", "\ud800", "company: it holds characters"),
        ("why", "a\x1bb", "why: it holds characters"),
        ("why", "x" * 4001, "why: at most 4000"),
        ("country", "Germany", "country: at most 2"),
        ("language", "fr", "language: 'fr'"),
        ("state", "approved", "state: there is no such field"),
    ],
)
def test_what_cannot_be_stored_is_named(field: str, value: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        cleaned({"city": "Town", field: value})


def test_answers() -> None:
    assert cleaned_answers({" Since when? ": " 2001\n "}) == {"Since when?": "2001"}
    for wrong in ({"q": "x" * 4001}, {"q" * 201: "x"}, {str(n): "x" for n in range(51)}, {"q": "\x00"}):
        with pytest.raises(InvalidInput, match="answers"):
            cleaned_answers(wrong)


def test_case_10_the_cool_down() -> None:
    assert may_apply_again(NOW, 30).isoformat() == "2026-04-01"
    assert may_apply_again(NOW, 0) == NOW.date()
