"""What each user of a reseller may do, as one table. Everything that acts for a reseller asks `allowed` first."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.errors import Forbidden, InvalidInput
from app.reasons import Reason, because, register

register({"role_may_not": "Your role is {role}; to {what} takes {roles}. Ask an owner of the reseller's account."})


class Role(StrEnum):
    """What a user is there for; each has exactly one."""

    OWNER = "owner"
    BUYER = "buyer"
    ACCOUNTS = "accounts"
    VIEWER = "viewer"


class Right(StrEnum):
    """One thing that a user may do; its value completes "to ..."."""

    SEE_STANDING = "see the standing"
    SEE_USERS = "see the users"
    SEE_PRICES = "see prices"
    SEE_ORDERS = "see orders"
    SEE_LICENSES = "see licenses"
    SEE_INVOICES = "see invoices"
    SEE_STATEMENTS = "see statements"
    SEE_CERTIFICATES = "see certificates"
    SEE_LISTINGS = "see the product listings"
    SEE_CASES = "see cases"
    ORDER = "order"
    ASK_LICENSES = "ask for temporary licenses"
    ASK_ADVICE = "ask for advice and support"
    CHANGE_CERTIFICATES = "hand in certificates"
    ADVISE_REMITTANCE = "advise a remittance"
    CHANGE_LISTINGS = "change the product listings"
    ACKNOWLEDGE_PRICES = "acknowledge price changes"
    ACCEPT_POLICY = "accept the policy"
    CHANGE_USERS = "change users"


_EVERYBODY = frozenset({Right.SEE_STANDING, Right.SEE_USERS, Right.SEE_LISTINGS})

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.BUYER: _EVERYBODY | {Right.SEE_PRICES, Right.SEE_ORDERS, Right.SEE_LICENSES, Right.ORDER, Right.ASK_LICENSES}
    | {Right.ACKNOWLEDGE_PRICES, Right.SEE_CASES, Right.ASK_ADVICE},
    Role.ACCOUNTS: _EVERYBODY | {Right.SEE_ORDERS, Right.SEE_INVOICES, Right.SEE_STATEMENTS, Right.SEE_CERTIFICATES}
    | {Right.CHANGE_CERTIFICATES, Right.ADVISE_REMITTANCE},
    Role.VIEWER: frozenset(right for right in Right if right.name.startswith("SEE_")),
}  # fmt: skip
"""The table. An order shows prices to whoever may see orders: accounts pay by them."""


class Post(StrEnum):
    """Mails about an order, by what they are for."""

    ORDERS = "orders"
    """The order is there, and how it is paid."""
    INVOICES = "invoices"
    LICENSES = "licenses"


def gets(role: Role, post: Post, *, placed: bool) -> bool:
    """Whether a user gets a mail about an order beside the reseller's own address (`rules.md` 8.1, 11.1).

    Accounts get what is to be paid of every order; others, of the orders they placed themselves, what their role may see.
    """
    if role is Role.ACCOUNTS:
        return post in (Post.ORDERS, Post.INVOICES)
    seen = {Post.ORDERS: Right.SEE_ORDERS, Post.INVOICES: Right.SEE_INVOICES, Post.LICENSES: Right.SEE_LICENSES}
    return placed and allowed(role, seen[post])


def allowed(role: Role, right: Right) -> bool:
    """Whether the role may do this."""
    return right in RIGHTS[role]


def refusal(role: Role, right: Right) -> Reason | None:
    """Why the role may not do this; None when it may."""
    if allowed(role, right):
        return None
    roles = " or ".join(other.value for other in Role if allowed(other, right))
    return because("role_may_not", role=role.value, what=right.value, roles=roles)


def require(role: Role, right: Right) -> None:
    """Raises Forbidden with the code `role` when the role may not do this."""
    if (reason := refusal(role, right)) is not None:
        raise Forbidden(str(reason), code="role")


def role_of(text: str) -> Role:
    """The role of this name. Raises InvalidInput that names all."""
    try:
        return Role(text.strip().lower())
    except ValueError:
        raise InvalidInput(f"role: {text[:40]!r} is not one of {', '.join(Role)}.", code="role") from None
