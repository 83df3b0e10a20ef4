"""Who is in the program and may order: decisions, policy acceptance, and the comparing of e-mails (`rules.md` 1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

import idna

from app.reasons import Reason, because, register

register(
    {
        "reseller_inactive": "The reseller is {status}; only an approved one may order.",
        "policy_not_accepted": "Version {version} of the Reseller Policy is not accepted; accept it to order again.",
    }
)

MAX_EMAIL = 254
MAX_LOCAL = 64
_LOCAL = re.compile(r"""[^\s@<>()\[\],;:\\".]+(\.[^\s@<>()\[\],;:\\".]+)*""")


class ResellerStatus(StrEnum):
    """Where a reseller stands. Only an approved one has partner prices (`rules.md` 1.2, 2.5)."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Decision(StrEnum):
    """What staff may decide about a reseller."""

    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    END = "end"
    REINSTATE = "reinstate"
    REOPEN = "reopen"
    """A rejected company applies again (edge case 10)."""


TRANSITIONS: Mapping[Decision, tuple[frozenset[ResellerStatus], ResellerStatus]] = {
    Decision.APPROVE: (frozenset({ResellerStatus.PENDING}), ResellerStatus.APPROVED),
    Decision.REJECT: (frozenset({ResellerStatus.PENDING}), ResellerStatus.REJECTED),
    Decision.SUSPEND: (frozenset({ResellerStatus.APPROVED}), ResellerStatus.SUSPENDED),
    Decision.END: (frozenset({ResellerStatus.APPROVED, ResellerStatus.SUSPENDED}), ResellerStatus.ENDED),
    Decision.REINSTATE: (frozenset({ResellerStatus.SUSPENDED, ResellerStatus.ENDED}), ResellerStatus.APPROVED),
    Decision.REOPEN: (frozenset({ResellerStatus.REJECTED}), ResellerStatus.PENDING),
}
"""From which states a decision can be made, and where it leads (`rules.md` 1.2)."""


def after(status: ResellerStatus, decision: Decision) -> ResellerStatus | None:
    """The state a decision leads to; None where it cannot be made."""
    allowed, target = TRANSITIONS[decision]
    return target if status in allowed else None


class Accepted(Protocol):
    """One acceptance of a version of the Reseller Policy."""

    @property
    def policy_version(self) -> str: ...


class Member(Protocol):
    """What the decision below needs of a reseller."""

    @property
    def status(self) -> str: ...
    @property
    def acceptances(self) -> Sequence[Accepted]: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """The Reseller Policy in force, since when, and the days a reseller has to accept it; `policy.in_force` loads it."""

    version: str
    since: date | None
    grace_days: int


def may_order(reseller: Member, policy: Policy, today: date) -> tuple[Reason, ...]:
    """Why the reseller may not order today; empty when it may (`rules.md` 1.2, 1.3, edge cases 6 and 9).

    An older acceptance counts through the last day of grace, which runs from the day the policy came into force; without that day
    there is no grace. A missing acceptance stops ordering only: partner prices stay visible.
    """
    reasons = []
    if reseller.status != ResellerStatus.APPROVED:
        reasons.append(because("reseller_inactive", status=reseller.status))
    accepted = {acceptance.policy_version for acceptance in reseller.acceptances}
    in_grace = bool(accepted) and policy.since is not None and today <= policy.since + timedelta(days=policy.grace_days)
    if policy.version not in accepted and not in_grace:
        reasons.append(because("policy_not_accepted", version=policy.version))
    return tuple(reasons)


def valid_email(text: str) -> bool:
    """Whether the text is shaped like an address that mail can reach: one `@`, a dotted name, a domain with a dot."""
    local, _, domain = text.rpartition("@")
    if len(text) > MAX_EMAIL or len(local) > MAX_LOCAL or not local.isprintable() or not _LOCAL.fullmatch(local):
        return False
    return "." in domain and ascii_domain(domain) is not None


def fold_email(text: str) -> str:
    """The address for storing and comparing: trimmed, lower case, the domain in its ASCII form (`rules.md` 8.2, edge case 23).

    A text that is no address is trimmed and lowered, so that it equals nothing but itself.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    return f"{local.lower()}{at}{ascii_domain(domain) or domain.lower()}"


def email_key(text: str) -> str:
    """The address for finding the same person again: `fold_email` without a plus-tag (edge case 23).

    For comparing only; mail goes to the address as given. The domain alone never identifies anybody (edge case 24).
    """
    local, at, domain = fold_email(text).rpartition("@")
    plain = local.partition("+")[0] or local
    return f"{plain}{at}{domain}"


def ascii_domain(domain: str) -> str | None:
    """The domain as DNS knows it; None where it cannot be one. IDNA 2008, in which `ß` stays a letter of its own."""
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return None
