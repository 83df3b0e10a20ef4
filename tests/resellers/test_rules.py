from dataclasses import dataclass
from datetime import date

import pytest

from app.reasons import sentence
from app.resellers.rules import Decision, Policy, ResellerStatus, after, email_key, fold_email, may_order, valid_email

SINCE = date(2026, 3, 1)
POLICY = Policy("2", SINCE, 30)


@dataclass
class Click:
    policy_version: str


@dataclass
class Company:
    status: str
    acceptances: list[Click]


def codes(status: str, versions: str, today: date = SINCE, policy: Policy = POLICY) -> list[str]:
    company = Company(status, [Click(version) for version in versions])
    return [reason.code for reason in may_order(company, policy, today)]


def test_an_approved_reseller_with_the_policy_in_force_may_order() -> None:
    assert codes("approved", "2", date(2030, 1, 1)) == []


def test_case_6_grace_runs_through_its_last_day_for_who_accepted_an_older_version() -> None:
    assert codes("approved", "1", date(2026, 3, 31)) == []
    assert codes("approved", "1", date(2026, 4, 1)) == ["policy_not_accepted"]
    assert codes("approved", "") == ["policy_not_accepted"]


def test_without_a_day_the_policy_came_into_force_there_is_no_grace() -> None:
    assert codes("approved", "1", policy=Policy("2", None, 30)) == ["policy_not_accepted"]


@pytest.mark.parametrize("status", [status for status in ResellerStatus if status is not ResellerStatus.APPROVED])
def test_case_9_only_an_approved_reseller_may_order(status: ResellerStatus) -> None:
    assert codes(status, "2") == ["reseller_inactive"]
    (reason,) = may_order(Company(status, [Click("2")]), POLICY, SINCE)
    assert sentence(reason) == f"The reseller is {status}; only an approved one may order."


def test_every_reason_is_told() -> None:
    assert codes("pending", "") == ["reseller_inactive", "policy_not_accepted"]


@pytest.mark.parametrize(
    ("status", "decision", "result"),
    [
        ("pending", "approve", "approved"),
        ("pending", "reject", "rejected"),
        ("approved", "suspend", "suspended"),
        ("approved", "end", "ended"),
        ("suspended", "end", "ended"),
        ("suspended", "reinstate", "approved"),
        ("ended", "reinstate", "approved"),
        ("rejected", "reopen", "pending"),
        ("approved", "approve", None),
        ("rejected", "approve", None),
        ("pending", "reinstate", None),
        ("ended", "suspend", None),
    ],
)
def test_transitions(status: str, decision: str, result: str | None) -> None:
    assert after(ResellerStatus(status), Decision(decision)) == result


@pytest.mark.parametrize(
    ("given", "folded", "key"),
    [
        (" Anna@Example.COM ", "anna@example.com", "anna@example.com"),
        ("Anna+Saleor@example.com", "anna+saleor@example.com", "anna@example.com"),
        ("anna+a+b@example.com", "anna+a+b@example.com", "anna@example.com"),
        ("+tag@example.com", "+tag@example.com", "+tag@example.com"),
        ("jörg@Bücher.example", "jörg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
        ("jo\u0308rg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example", "a@xn--strae-oqa.example"),
        ("a@b@c", "a@b@c", "a@b@c"),
        ("No Address", "no address", "no address"),
        ("a@-bad-", "a@-bad-", "a@-bad-"),
    ],
)
def test_case_23_addresses_are_compared_folded(given: str, folded: str, key: str) -> None:
    assert (fold_email(given), email_key(given)) == (folded, key)


def test_case_24_a_shared_domain_makes_nobody_the_same() -> None:
    assert email_key("anna@gmail.com") != email_key("berta@gmail.com")


def test_straße_is_not_strasse() -> None:
    assert fold_email("a@straße.example") != fold_email("a@strasse.example")


@pytest.mark.parametrize("text", ["a@b.example", "first.last+tag@sub.example.com", "o'neil@example.com", "jörg@bücher.example"])
def test_what_is_an_address(text: str) -> None:
    assert valid_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "@b.example", "a@", "a@localhost", "a b@c.example", "a@b@c.example", "a@b..example",
        ".a@b.example", "a..b@c.example",
        "a@b.example\n", "a\n@b.example", "a\x00@b.example", "<a@b.example>", "a@b.example, c@d.example", "a@-b.example",
        "a" * 65 + "@b.example", "a@" + "b." * 130 + "example",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert not valid_email(text)
