"""Tokens of people, as Saleor signs them (`core/jwt.py`): RS256, `kid` of the shop's key set, five minutes of life.

A customer brings its own access token; staff bring the one that the Dashboard gives to this app's pages (dashboard-facts 5).

The shop is found by the token's `iss` among the installed ones, never by anything else a request says. Refresh tokens and
tokens for apps carry the same signature, so the type is checked too. Saleor alone knows whether a token was revoked; within its
five minutes we do not ask.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.errors import Unauthorized
from app.saleor.shops import Shop, Shops
from app.saleor.signature import BadSignature, decode, verify_signed

MAX_TOKEN = 8192
LEEWAY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom a token speaks for. `user_id` is Saleor's global id, the only key to look anybody up by."""

    shop: Shop
    user_id: str
    email: str
    is_staff: bool


async def customer(shops: Shops, token: str, now: datetime) -> Customer:
    """The customer of a valid access token of an installed shop.

    Raises Unauthorized with a code: `token_malformed`, `token_algorithm`, `token_issuer`, `token_signature`, `token_owner`,
    `token_type`, `token_audience`, `token_expired`, `token_early`.
    """
    shop, said = await _signed(shops, token)
    audience = shop.settings.storefront_audience
    _check_kind(said, "access", "Only an access token is accepted, no refresh token and none of an app.")
    _check_audience(said, f"custom:{audience}" if audience else None)
    _check_person(said, now)
    return Customer(shop, said["user_id"], said["email"], said.get("is_staff") is True)


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff member in front of this app's pages in the Dashboard. `permissions` are all of the user's own in the shop."""

    shop: Shop
    user_id: str
    email: str
    permissions: frozenset[str]


async def staff(shops: Shops, token: str, now: datetime) -> Staff:
    """The staff member of a valid token that the Dashboard made for this app.

    An extension's token lists the extension's permissions as its own, so that what the user may do is read from
    `user_permissions`. Raises Unauthorized as `customer` does, and with `token_app` and `token_staff`.
    """
    shop, said = await _signed(shops, token)
    _check_kind(said, "thirdparty", "Only the token that the Dashboard makes for apps is accepted.")
    _check_audience(said, None)
    _check_person(said, now)
    if said.get("app") != shop.app_id:
        raise _refused("token_app", "The token was made for another app.")
    if said.get("is_staff") is not True:
        raise _refused("token_staff", "The token is not of staff.")
    own = said.get("user_permissions")
    if not isinstance(own, list) or not all(isinstance(name, str) for name in own):
        raise _refused("token_malformed", "The token does not say what its user may do.")
    return Staff(shop, said["user_id"], said["email"], frozenset(own))


async def _signed(shops: Shops, token: str) -> tuple[Shop, dict[str, Any]]:
    """The installed shop that signed the token, and what the token says."""
    if len(token) > MAX_TOKEN:
        raise _refused("token_malformed", "The token is too long to be one of Saleor's.")
    if not token.isascii() or token.count(".") != 2:
        raise _refused("token_malformed", "The token is not a signed JWT.")
    header, claims, signature = token.split(".")
    fields, said = _object(header), _object(claims)
    kid = fields.get("kid")
    if fields.get("alg") != "RS256" or not isinstance(kid, str) or "crit" in fields:
        raise _refused("token_algorithm", "The token is not signed by RS256 with a named key.")
    issuer = said.get("iss")
    shop = shops.known(issuer) if isinstance(issuer, str) else None
    if shop is None:
        raise _refused("token_issuer", "The token is of no shop that this app is installed in.")
    message = f"{header}.{claims}".encode()
    try:
        await shop.keys.check(lambda keys: verify_signed(kid, message, signature, keys))
    except BadSignature as error:
        raise _refused("token_signature", "The token was not signed by the shop it names.") from error
    return shop, said


def _check_kind(said: dict[str, Any], kind: str, otherwise: str) -> None:
    if said.get("owner") != "saleor":
        raise _refused("token_owner", "The token was not made by Saleor itself.")
    if said.get("type") != kind:
        raise _refused("token_type", otherwise)


def _check_audience(said: dict[str, Any], audience: str | None) -> None:
    if said.get("aud") != audience:
        raise _refused("token_audience", "The token was made for another audience.")


def _check_person(said: dict[str, Any], now: datetime) -> None:
    at, leeway = now.timestamp(), LEEWAY.total_seconds()
    if _number(said, "exp") <= at - leeway:
        raise _refused("token_expired", "The token has expired; ask the shop for a new one.")
    if _number(said, "iat") > at + leeway:
        raise _refused("token_early", "The token is of a time to come; check the clocks.")
    for name in ("user_id", "email"):
        if not isinstance(said.get(name), str) or not said[name]:
            raise _refused("token_malformed", f"The token names no {name}.")


def _object(part: str) -> dict[str, Any]:
    try:
        read = json.loads(decode(part))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise _refused("token_malformed", "The token cannot be read.") from error
    if not isinstance(read, dict):
        raise _refused("token_malformed", "The token cannot be read.")
    return read


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if type(value) is not int:
        raise _refused("token_malformed", f"The token names no {name}.")
    return value


def _refused(code: str, sentence: str) -> Unauthorized:
    return Unauthorized(sentence, code=code)
