"""People: signing in, customers, and who sees them (saleor-facts 7 and 8)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from ariadne import MutationType, ObjectType, QueryType

from app.errors import Unauthorized
from app.sandbox import context
from app.sandbox.addresses import address_from
from app.sandbox.context import Context, Info, Refused, mutation
from app.sandbox.ids import found, look_up
from app.sandbox.resolvers.shared import connection, country
from app.sandbox.rows.people import Address, CustomerType, User
from app.sandbox.rows.sales import Checkout, Order

query = QueryType()
mutate = MutationType()
user_type = ObjectType("User")
address_type = ObjectType("Address")

ACCESS_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=30)


def claims(caller: Context, user: User, kind: str, life: timedelta, **more: Any) -> dict[str, Any]:
    """The claims of a JWT of this shop; `kind` is access, refresh or thirdparty (saleor-facts 8)."""
    now = caller.store.clock()
    content: dict[str, Any] = {
        "iat": int(now.timestamp()),
        "owner": "saleor",
        "iss": caller.sandbox.api_url,
        "exp": int((now + life).timestamp()),
        "token": user.jwt_token_key,
        "email": user.email,
        "type": kind,
        "user_id": user.id,
        "is_staff": user.is_staff,
    }
    return content | more


def user_of(caller: Context, token: str, kind: str = "access") -> User:
    """Who signed in with a token.

    Raises Unauthorized; its code is Saleor's exception: InvalidSignatureError, ExpiredSignatureError or InvalidTokenError.
    """
    content = caller.sandbox.key.claims(token)
    if content.get("exp", 0) <= caller.store.clock().timestamp():
        raise Unauthorized("Signature has expired", code="ExpiredSignatureError")
    user = next((user for user in caller.store.users if user.id == content.get("user_id") and user.is_active), None)
    if user is None or content.get("type") != kind or content.get("token") != user.jwt_token_key:
        raise Unauthorized("Invalid token. Create new one by using tokenCreate mutation.", code="InvalidTokenError")
    return user


@mutate.field("tokenCreate")
@mutation
async def token_create(root: Any, info: Info, email: str, password: str, audience: str | None = None) -> dict[str, Any]:
    caller = context.of(info)
    user = caller.store.user_by_email(email)
    if user is None or user.password is None or user.password != password or not user.is_active:
        raise Refused("email", "Please, enter valid credentials", "INVALID_CREDENTIALS")
    if not user.is_confirmed:
        raise Refused("email", "Account needs to be confirmed via email.", "ACCOUNT_NOT_CONFIRMED")
    more = {"aud": f"custom:{audience}"} if audience else {}
    return {
        "token": caller.sandbox.key.token(claims(caller, user, "access", ACCESS_LIFE, **more)),
        "refresh_token": caller.sandbox.key.token(claims(caller, user, "refresh", REFRESH_LIFE, **more)),
        "csrf_token": secrets.token_urlsafe(32),
        "user": user,
    }


@mutate.field("tokenRefresh")
@mutation
async def token_refresh(root: Any, info: Info, refresh_token: str | None = None) -> dict[str, Any]:
    caller = context.of(info)
    try:
        user = user_of(caller, refresh_token or "", "refresh")
    except Unauthorized as error:
        raise Refused("refreshToken", "Incorrect refreshToken", "JWT_INVALID_TOKEN") from error
    audience = caller.sandbox.key.claims(refresh_token or "").get("aud")
    more = {"aud": audience} if audience else {}
    return {"token": caller.sandbox.key.token(claims(caller, user, "access", ACCESS_LIFE, **more))}


@mutate.field("tokenVerify")
@mutation
async def token_verify(root: Any, info: Info, token: str) -> dict[str, Any]:
    try:
        return {"is_valid": True, "user": user_of(context.of(info), token)}
    except Unauthorized as error:
        message, code = {
            "ExpiredSignatureError": ("Signature has expired", "JWT_SIGNATURE_EXPIRED"),
            "InvalidSignatureError": ("Error decoding signature", "JWT_DECODE_ERROR"),
        }.get(error.code, ("Invalid token", "JWT_INVALID_TOKEN"))
        return {"is_valid": False, "errors": [{"field": "token", "message": message, "code": code}]}


@query.field("me")
def resolve_me(root: Any, info: Info) -> User | None:
    return context.of(info).user


@query.field("user")
def resolve_user(root: Any, info: Info, id: str | None = None, email: str | None = None) -> User | None:
    """Customers only: pure staff stays hidden without MANAGE_STAFF (saleor-facts 7)."""
    caller = context.of(info)
    row = caller.store.user_by_email(email) if email is not None else look_up(caller.store.users, id, User)
    if row is None or not row.is_staff or caller.may("MANAGE_STAFF"):
        return row
    return row if any(order.user is row for order in caller.store.orders) else None


@query.field("customers")
def resolve_customers(root: Any, info: Info, first: int | None = None) -> dict[str, Any]:
    return connection([user for user in context.of(info).store.users if not user.is_staff], first)


@user_type.field("orders")
def resolve_orders(row: User, info: Info, first: int | None = None) -> dict[str, Any]:
    return connection([order for order in reversed(context.of(info).store.orders) if order.user is row], first)


@address_type.field("country")
def resolve_country(row: Address, info: Info) -> dict[str, str]:
    return country(row.country)


@mutate.field("accountRegister")
@mutation
async def account_register(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Never says whether the account existed; a new one waits for its confirmation."""
    caller = context.of(info)
    if caller.store.user_by_email(input["email"]) is None:
        user = User(
            email=input["email"].lower(),
            password=input["password"],
            first_name=input.get("first_name") or "",
            last_name=input.get("last_name") or "",
            is_confirmed=False,
        )
        caller.store.users.append(user)
        await caller.sandbox.user_event("CUSTOMER_CREATED", user, caller.principal)
    return {"user": None, "requires_confirmation": True}


@mutate.field("customerCreate")
@mutation
async def customer_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Lower-cased, unconfirmed, without a password; only a redirect URL makes Saleor send a mail (saleor-facts 0.7)."""
    caller = context.of(info)
    email = (input.get("email") or "").strip().lower()
    if not email:
        raise Refused("email", "This field cannot be blank.", "REQUIRED")
    if "@" not in email:
        raise Refused("email", "Enter a valid email address.", "INVALID")
    redirect = input.get("redirect_url")
    if redirect and urlsplit(redirect).hostname not in caller.store.allowed_client_hosts:
        raise Refused("redirectUrl", f"{redirect} is not allowed. Please check `ALLOWED_CLIENT_HOSTS` setting.", "INVALID")
    if caller.store.user_by_email(email) is not None:
        raise Refused("email", "User with this Email already exists.", "UNIQUE")
    if redirect and not input.get("channel") and len(caller.store.channels) > 1:
        raise Refused("channel", "You need to provide a channel slug.", "MISSING_CHANNEL_SLUG")
    user = User(email=email)
    _apply(user, input)
    user.is_confirmed = False
    caller.store.users.append(user)
    await caller.sandbox.user_event("CUSTOMER_CREATED", user, caller.principal)
    if redirect:
        await caller.sandbox.user_event(
            "ACCOUNT_SET_PASSWORD_REQUESTED",
            user,
            caller.principal,
            redirect_url=redirect,
            token=password_token(user),
            channel=caller.store.channel(input.get("channel")) or caller.store.channels[0],
        )
    return {"user": user}


@mutate.field("setPassword")
@mutation
async def set_password(root: Any, info: Info, email: str, password: str, token: str) -> dict[str, Any]:
    """Confirms the account and links its earlier orders (saleor-facts 7)."""
    caller = context.of(info)
    user = caller.store.user_by_email(email)
    if user is None or token != password_token(user):
        raise Refused("token", "Invalid or expired token.", "INVALID")
    user.password, user.is_confirmed, user.jwt_token_key = password, True, secrets.token_hex(6)
    for order in caller.store.orders:
        if order.user is None and order.user_email.lower() == user.email:
            order.user = user
    return {"user": user, "token": caller.sandbox.key.token(claims(caller, user, "access", ACCESS_LIFE))}


@mutate.field("customerUpdate")
@mutation
async def customer_update(root: Any, info: Info, input: dict[str, Any], id: str | None = None) -> dict[str, Any]:
    caller = context.of(info)
    user = found([user for user in caller.store.users if not user.is_staff], id, User)
    email = (input.get("email") or user.email).lower()
    if caller.store.user_by_email(email) not in (None, user):
        raise Refused("email", "User with this Email already exists.", "UNIQUE")
    user.email = email
    if input.get("customer_type"):
        user.customer_type = found(caller.store.customer_types, input["customer_type"], CustomerType, "customerType")
    _apply(user, input)
    await caller.sandbox.user_event("CUSTOMER_UPDATED", user, caller.principal)
    return {"user": user}


@mutate.field("customerDelete")
@mutation
async def customer_delete(root: Any, info: Info, id: str | None = None) -> dict[str, Any]:
    """Orders of a deleted account stay, without their user."""
    caller = context.of(info)
    user = found([user for user in caller.store.users if not user.is_staff], id, User)
    caller.store.users.remove(user)
    owned_things: list[Order | Checkout] = [*caller.store.orders, *caller.store.checkouts]
    for owned in owned_things:
        if owned.user is user:
            owned.user = None
    await caller.sandbox.user_event("CUSTOMER_DELETED", user, caller.principal)
    return {"user": user}


def password_token(user: User) -> str:
    """What the set-your-password mail carries; good for one use."""
    return f"reset-{user.jwt_token_key}"


def _apply(user: User, input: Mapping[str, Any]) -> None:
    for name in ("first_name", "last_name", "is_active", "is_confirmed", "language_code", "external_reference"):
        if input.get(name) is not None and hasattr(user, name):
            setattr(user, name, input[name])
    for name, kept in (("metadata", user.metadata), ("private_metadata", user.private_metadata)):
        kept.update({item["key"]: item["value"] for item in input.get(name) or ()})
    for name in ("default_billing_address", "default_shipping_address"):
        if input.get(name):
            user.addresses.append(address_from(input[name]))


BINDABLES = [query, mutate, user_type, address_type]
