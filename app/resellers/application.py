"""What makes an application complete, what staff should look at, and which companies may be the same one (`rules.md` 1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from app.errors import InvalidInput
from app.reasons import Reason, because, register
from app.resellers.addresses import country_code, us_state, us_zip
from app.resellers.companies import mail_domain, website_host

register(
    {
        "application_missing": "{field}: it is missing.",
        "application_wrong": "{sentence}",
        "email_not_confirmed": "The e-mail {email} is not confirmed in the store yet; open the link in the store's mail first.",
        "business_not_eligible": "Its main business is {business}; only companies that mainly resell IT products are eligible.",
        "sounds_like_consultancy": 'It says "{words}": a consultancy that buys for its projects is not eligible. Read {website}.',
        "free_mail_address": "{email} is a free mail address; nothing shows that it belongs to the company.",
        "other_mail_domain": "The e-mail's domain {domain} is not the website's, {host}.",
        "applied_before": "It was rejected on {on}: {reason}",
    }
)


class ApplicationState(StrEnum):
    """Where an application stands (`rules.md` 1.2)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    MORE_INFORMATION = "more_information"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """By the applicant; it may apply again at any time."""


OPEN = frozenset({ApplicationState.DRAFT, ApplicationState.SUBMITTED, ApplicationState.MORE_INFORMATION})
"""Not decided yet."""
EDITABLE = frozenset({ApplicationState.DRAFT, ApplicationState.MORE_INFORMATION})
"""The applicant may change it and submit it."""
WAITING = frozenset({ApplicationState.SUBMITTED, ApplicationState.MORE_INFORMATION})
"""Staff may decide about it."""


class Business(StrEnum):
    """What a company mainly does, as it says itself."""

    RESELLER = "reseller"
    DISTRIBUTOR = "distributor"
    CONSULTANCY = "consultancy"
    DEVELOPER = "developer"
    OTHER = "other"


ELIGIBLE = frozenset({Business.RESELLER, Business.DISTRIBUTOR})
"""They resell IT products (`rules.md` 1.1)."""

LONGEST: Mapping[str, int] = {
    "contact": 200,
    "company": 200,
    "street": 200,
    "street2": 200,
    "city": 100,
    "postal_code": 20,
    "country": 2,
    "region": 50,
    "tax_number": 50,
    "website": 200,
    "main_business": 20,
    "why": 4000,
    "language": 2,
}
"""The fields an applicant fills in, with the characters each may hold."""
REQUIRED = ("company", "street", "city", "postal_code", "country", "tax_number", "website", "main_business", "why")
MAX_ANSWERS = 50
MAX_QUESTION, MAX_ANSWER = 200, 4000
LANGUAGES = ("en", "de")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONSULTING = re.compile(
    r"\b(consult\w*|system integrat\w*|agenc(?:y|ies)|(?:projects|solutions) for (?:our )?(?:own )?(?:clients|customers)|"
    r"client projects|beratung\w*|berater\w*|agentur\w*|kundenprojekt\w*)\b",
    re.IGNORECASE,
)


class Filled(Protocol):
    """An application as the rules below look at it."""

    @property
    def email(self) -> str: ...
    @property
    def postal_code(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def website(self) -> str: ...
    @property
    def main_business(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def answers(self) -> Mapping[str, Any]: ...


def cleaned(changes: Mapping[str, str]) -> dict[str, str]:
    """The fields as they are stored: trimmed, one line but for `why`. Raises InvalidInput that names the first wrong one.

    A draft may be incomplete and even wrong; only what could not be stored or shown is refused here.
    """
    kept = {}
    for field, given in changes.items():
        if field not in LONGEST:
            raise InvalidInput(f"{field}: there is no such field; there are {', '.join(LONGEST)}.", code="field")
        kept[field] = _stored(field, given, LONGEST[field], lines=field == "why")
    for field in ("country", "main_business", "language"):
        if field in kept:
            kept[field] = kept[field].upper() if field == "country" else kept[field].lower()
    if kept.get("language", "en") not in LANGUAGES:
        raise InvalidInput(f"language: {kept['language']!r} is not one of en, de.", code="language")
    return kept


def cleaned_answers(answers: Mapping[str, str]) -> dict[str, str]:
    """The answers to the vendor's own questions as they are stored. Raises InvalidInput that names the wrong one."""
    if len(answers) > MAX_ANSWERS:
        raise InvalidInput(f"answers: at most {MAX_ANSWERS}.", code="answers")
    return {
        _stored("answers", question, MAX_QUESTION): _stored(f"answers: {question[:40]}", answer, MAX_ANSWER, lines=True)
        for question, answer in answers.items()
    }


def missing(application: Filled, *, email_confirmed: bool) -> tuple[Reason, ...]:
    """What an application lacks to be submitted; empty when it can be (`rules.md` 1.1, edge case 2)."""
    reasons = [because("application_missing", field=field) for field in REQUIRED if not str(getattr(application, field)).strip()]
    reasons += [because("application_wrong", sentence=wrong) for wrong in _wrong(application)]
    if not email_confirmed:
        reasons.append(because("email_not_confirmed", email=application.email))
    return tuple(reasons)


def checklist(application: Filled) -> tuple[Reason, ...]:
    """What staff should look at before they decide; nothing of it decides by itself (`rules.md` 1.1, edge case 3)."""
    reasons = []
    if application.main_business not in ELIGIBLE:
        reasons.append(because("business_not_eligible", business=application.main_business or "not given"))
    said = " / ".join([application.why, *map(str, application.answers.values())])
    if found := list(dict.fromkeys(match[0] for match in _CONSULTING.finditer(said))):
        words = ", ".join(found[:5])
        reasons.append(because("sounds_like_consultancy", words=words, website=application.website or "its website"))
    domain, host = mail_domain(application.email), website_host(application.website)
    if domain is None:
        reasons.append(because("free_mail_address", email=application.email))
    elif host is not None and domain != host and not host.endswith(f".{domain}") and not domain.endswith(f".{host}"):
        reasons.append(because("other_mail_domain", domain=domain, host=host))
    return tuple(reasons)


def may_apply_again(rejected_at: datetime, days: int) -> date:
    """The first day, in UTC, on which a rejected applicant may apply again; `days` is the cool-down (edge case 10)."""
    return rejected_at.date() + timedelta(days=days)


def _wrong(application: Filled) -> list[str]:
    """What is filled in and cannot be right."""
    sentences = []

    def check(value: str, rule: Callable[[str], str]) -> None:
        if value.strip():
            try:
                rule(value)
            except InvalidInput as error:
                sentences.append(error.sentence)

    check(application.country, country_code)
    if application.country == "US":
        check(application.postal_code, us_zip)
        if not application.region.strip():
            sentences.append("region: it is missing; sales tax follows the state.")
        check(application.region, lambda text: us_state(text, "region"))
    if application.website.strip() and website_host(application.website, shared=True) is None:
        sentences.append(f"website: {application.website!r} is not a web address like https://www.example.com.")
    if application.main_business.strip() and application.main_business not in set(Business):
        sentences.append(f"main_business: {application.main_business!r} is not one of {', '.join(Business)}.")
    return sentences


def _stored(field: str, given: str, longest: int, *, lines: bool = False) -> str:
    text = given.replace("\r\n", "\n").strip() if lines else " ".join(given.split())
    if _CONTROL.search(text):
        raise InvalidInput(f"{field}: it holds characters that are no text.", code=field.partition(":")[0])
    if len(text) > longest:
        raise InvalidInput(f"{field}: at most {longest} characters.", code=field.partition(":")[0])
    return text
