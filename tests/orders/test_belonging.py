"""When an account that was there already is obviously the end customer's, and when its holder is asked."""

from __future__ import annotations

from typing import Any

import pytest

from app.orders.belonging import Account, obviously_theirs


def account(
    email: str = "ann@mail.example", *, confirmed: bool = True, companies: Any = (), people: Any = ("Ann Lee",)
) -> Account:
    return Account(email, confirmed, frozenset(companies), frozenset(people))


@pytest.mark.parametrize(
    ("found", "company", "theirs"),
    [
        (account(companies=["ACME, Inc."]), "Acme GmbH", True),
        (account(companies=["Other Ltd", "Acme"]), "ACME", True),
        (account(companies=["Other Ltd"]), "Acme", False),
        (account(), "Acme", True),
        (account(people=[" "]), "Acme", False),
        (account(companies=["Acme"], confirmed=False), "Acme", False),
        (account("ann@acme.example", companies=["Other Ltd"]), "Acme Inc", True),
        (account("ann@mail.bigacme.co.uk", people=[]), "Big Acme Ltd", True),
        (account("ann@shop.co.uk", people=[]), "Co", False),
        (account(), "", True),
        (account(people=["Bob Ray"]), "", False),
    ],
)
def test_case_22_whose_account_it_is(found: Account, company: str, theirs: bool) -> None:
    assert obviously_theirs(found, company, "Ann Lee") is theirs


@pytest.mark.parametrize("email", ["ann@gmail.com", "ann@yahoo.co.uk"])
def test_case_24_a_free_mail_domain_tells_nothing(email: str) -> None:
    for company in ("Gmail", "Yahoo"):
        assert not obviously_theirs(account(email, people=[]), company, "")


def test_what_is_in_the_account_already_is_accepted_again() -> None:
    stranger = account(confirmed=False, people=[])
    assert obviously_theirs(stranger, "Acme Inc", "Ann Lee", [("ACME", "")])
    assert not obviously_theirs(stranger, "Other Ltd", "Ann Lee", [("ACME", "Ann Lee")])
    assert obviously_theirs(stranger, "", "Ann Lee", [("", "ann lee")])
    assert not obviously_theirs(stranger, "", "Bob Ray", [("", "Ann Lee")])
    assert not obviously_theirs(stranger, "", "", [])
