"""Signing a person in against the shop it has its account in: the shop knows the password, we keep nothing of it.

The shop's address is ours, from the installation; what comes back is believed only after `tokens.customer` verified it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.errors import Unauthorized
from app.saleor import operations as ops
from app.saleor.client import SaleorRefused
from app.saleor.shops import Shop, Shops
from app.saleor.tokens import Customer, customer

MAX_PASSWORD = 1024
"""Characters; what is longer is not sent on."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with the tokens that say so: `access` for minutes, `refresh` for a new one."""

    customer: Customer
    access: str
    refresh: str


async def sign_in(shops: Shops, shop: Shop, email: str, password: str, now: datetime) -> SignedIn:
    """Ask the shop whether this is the account's password.

    Raises Unauthorized `sign_in` for whatever it refuses, in words that do not tell which of the two was wrong;
    `sign_in_unconfirmed` for an account whose e-mail is not confirmed; `sign_in_delayed` when the shop itself asks to wait.
    """
    refused = Unauthorized("The e-mail or the password is not right.", code="sign_in")
    if not email.strip() or not password or len(email) > 254 or len(password) > MAX_PASSWORD:
        raise refused
    client = await shops.client(shop)
    audience = shop.settings.storefront_audience or None
    try:
        answer = await client.execute(ops.TOKEN_CREATE, email=email.strip(), password=password, audience=audience)
    except SaleorRefused as error:
        codes = {found.code for found in error.errors}
        if "ACCOUNT_NOT_CONFIRMED" in codes:
            raise Unauthorized(
                "The e-mail is not confirmed yet; open the link in the shop's mail first.", code="sign_in_unconfirmed"
            ) from error
        if "LOGIN_ATTEMPT_DELAYED" in codes:
            raise Unauthorized("The shop asks to wait before another try.", code="sign_in_delayed") from error
        raise refused from error
    made = answer.token_create
    if made is None or not made.token or not made.refresh_token:
        raise refused
    return SignedIn(await _of(shops, shop, made.token, now), made.token, made.refresh_token)


async def refreshed(shops: Shops, shop: Shop, refresh: str, now: datetime) -> SignedIn:
    """The same person with a new access token. Raises Unauthorized once the shop gives none any more."""
    client = await shops.client(shop)
    try:
        answer = await client.execute(ops.TOKEN_REFRESH, token=refresh)
    except SaleorRefused as error:
        raise Unauthorized("The shop ended this session; sign in again.", code="session_ended") from error
    made = answer.token_refresh
    if made is None or not made.token:
        raise Unauthorized("The shop ended this session; sign in again.", code="session_ended")
    return SignedIn(await _of(shops, shop, made.token, now), made.token, refresh)


async def _of(shops: Shops, shop: Shop, token: str, now: datetime) -> Customer:
    found = await customer(shops, token, now)
    if found.shop.tenant_id != shop.tenant_id:
        raise Unauthorized("The token is of another shop.", code="token_issuer")
    return found
