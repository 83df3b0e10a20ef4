"""A customer's own access token, as Saleor signs it (`core/jwt.py`): RS256, `kid` of the shop's key set, five minutes of life.

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
    _check_claims(said, shop.settings.storefront_audience, now)
    return Customer(shop, said["user_id"], said["email"], said.get("is_staff") is True)


def _check_claims(said: dict[str, Any], audience: str, now: datetime) -> None:
    if said.get("owner") != "saleor":
        raise _refused("token_owner", "The token was not made by Saleor itself.")
    if said.get("type") != "access":
        raise _refused("token_type", "Only an access token is accepted, no refresh token and none of an app.")
    if said.get("aud") != (f"custom:{audience}" if audience else None):
        raise _refused("token_audience", "The token was made for another audience.")
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
