"""Whether an account that is there already belongs to the company an order is shipped to (`rules.md` 8.2). Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.resellers.companies import mail_domain, name_key

MIN_LABEL = 3
"""Letters of a company's name that a domain may tell by; shorter ones stand in domains of all kinds, like co.uk."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the shop as it is compared: who its addresses and it itself name. `confirmed` is its e-mail."""

    email: str
    confirmed: bool
    companies: frozenset[str]
    people: frozenset[str]


def obviously_theirs(account: Account, company: str, person: str, accepted: Collection[tuple[str, str]] = ()) -> bool:
    """Whether the license of an order for this company, or person where it names no company, goes into the account unasked.

    `accepted` are (company, person) of orders whose licenses are in the account already. Otherwise a confirmed account is theirs
    by the company of its addresses, by a mail domain that is the company's name (never one of free mail, edge case 24), or, where
    it names no company, by the person. Doubt is no: the holder of the mailbox is asked (edge case 22).
    """
    wanted, name = name_key(company), name_key(person)
    if any(name_key(known) == wanted and (wanted or name_key(other) == name) for known, other in accepted):
        return True
    if not account.confirmed:
        return False
    people = {name_key(known) for known in account.people} - {""}
    companies = {name_key(known) for known in account.companies} - {""}
    if not wanted:
        return name in people
    return wanted in companies or _is_domain(wanted, account.email) or (not companies and name in people)


def _is_domain(name: str, email: str) -> bool:
    label = name.replace(" ", "")
    domain = mail_domain(email)
    return len(label) >= MIN_LABEL and domain is not None and label in domain.split(".")[:-1]
