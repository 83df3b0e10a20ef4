"""Installing the app in a shop: Saleor's token handshake, and what is left when the app is deleted there (saleor-facts 1).

Saleor does not sign the handshake. The caller is believed only because the token works: at an API URL the operator listed, it
must answer as this very app. The addresses behind the URL are looked up once before that; the list, not this look-up, is what
keeps a host that changes its address afterwards away.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.clock import Clock
from app.db.base import new_id
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Conflict, Forbidden, InvalidInput, SaleorError, Unauthorized
from app.saleor.client import SaleorClient, SaleorDenied
from app.saleor.jwks import fetch_jwks
from app.saleor.operations import APP_SELF
from app.saleor.resources import manifest_source
from app.settings import Settings

MAX_URL = 500
MAX_TOKEN = 200
PORTS = {"http": 80, "https": 443}
_INTERNET = IPv6Network("2000::/3")
"""All that IANA gave out of IPv6 to anybody."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""How a network with IPv6 alone reaches IPv4 (RFC 6052); the last four bytes are the address."""
# Saleor waits 18 seconds for this answer and deletes the app without one; two questions and a look-up have to fit.
LONGEST_QUESTION = 6.0

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""All addresses of a host name; OSError when there are none."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a handshake led to; `again` when the shop's earlier rows were taken up."""

    tenant_id: str
    api_url: str
    app_id: str
    again: bool


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses the system would connect to."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def normalize_api_url(url: str) -> str:
    """An API URL in the one form in which two can be compared: lower-case host, no default port, one slash at the end.

    Raises InvalidInput for anything but a plain http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _not_a_url(url) from None
    host = (parts.hostname or "").lower()
    plain = not (parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in PORTS or not host or not plain or len(url) > MAX_URL:
        raise _not_a_url(url)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, PORTS[parts.scheme]) else f"{shown}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}/"


async def register(
    *,
    api_url: str,
    domain: str,
    token: str,
    settings: Settings,
    database: Database,
    box: SecretBox,
    http: httpx.AsyncClient,
    clock: Clock,
    resolve: Resolve = resolve_host,
) -> Installed:
    """Believe a handshake and keep its token, or say why not: which URL was tried and what came back, never the token.

    The shop is kept under its URL exactly as Saleor writes it, since webhooks name it so. A re-install keeps the row's id and
    with it all history, and replaces token, app id and keys.

    Raises InvalidInput for a malformed URL or token, Forbidden for a shop that is not listed, a private address or another app's
    token, Unauthorized for a token the shop does not accept, SaleorError when the shop cannot be asked, Conflict when the same
    shop is installed at this very moment.
    """
    if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable():
        raise InvalidInput("The handshake carries no usable auth_token.", code="auth_token")
    url = normalize_api_url(api_url)
    if url not in {normalize_api_url(allowed) for allowed in settings.allowed_shops}:
        raise Forbidden(
            f"{url} is not among the shops that may install this app; add it to RESELLER_ALLOWED_SHOPS.", code="shop_not_allowed"
        )
    if not settings.allow_private_addresses:
        await _refuse_private(url, resolve)
    app_id = await _own_app_id(url, token, min(settings.saleor_timeout, LONGEST_QUESTION))
    jwks = await fetch_jwks(http, url)
    try:
        return await _keep(database, box, clock, api_url.strip(), domain[:255] or urlsplit(url).netloc, app_id, token, jwks)
    except IntegrityError as error:
        raise Conflict(f"{url} is being installed by another request; try again.", code="installing") from error


async def uninstall(database: Database, tenant_id: str, app_id: str, clock: Clock) -> bool:
    """The app was deleted in the shop: no webhook of it counts any more, everything else stays (`rules.md` 1, edge case 9).

    `app_id` is the deleted app's. False when a newer installation has taken its place: APP_DELETED may arrive late.
    """
    async with database.system() as session:
        found = await session.execute(
            update(Tenant)
            .where(Tenant.id == tenant_id, Tenant.app_id == app_id, Tenant.active)
            .values(active=False, removed_at=clock(), program_version=Tenant.program_version + 1)
            .returning(Tenant.id)
        )
        return found.first() is not None


def _not_a_url(url: str) -> InvalidInput:
    return InvalidInput(f"{url[:100]!r} is not a Saleor API URL like https://shop.example/graphql/.", code="api_url")


async def _refuse_private(url: str, resolve: Resolve) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        addresses = await resolve(host, parts.port or PORTS[parts.scheme])
    except OSError as error:
        raise SaleorError(f"The host of {url} could not be looked up: {error}", code="host") from error
    if (private := first_private(addresses)) is not None:
        raise Forbidden(
            f"{url} leads to {private}, a private address; set RESELLER_ALLOW_PRIVATE_ADDRESSES if that is meant.",
            code="private_address",
        )


def first_private(addresses: Iterable[str]) -> str | None:
    """The first of these addresses that is not one of the public Internet; None when all are."""
    for text in addresses:
        address = _reached(ipaddress.ip_address(text.partition("%")[0]))
        # `is_global` alone takes retired and translated IPv6 ranges for public ones, and a router may lead them inside.
        outside = address.version == 6 and address not in _INTERNET
        if not address.is_global or address.is_multicast or outside:
            return str(address)
    return None


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, by mapping, 6to4 or NAT64; otherwise the address itself."""
    if address.version == 4:
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


async def _own_app_id(url: str, token: str, seconds: float) -> str:
    """The id of our app in the shop, by the token alone."""
    client = SaleorClient(url, token, timeout=seconds, attempts=1)
    try:
        app = (await client.execute(APP_SELF)).app
    except SaleorDenied as error:
        raise Unauthorized(f"{url} was asked with the new token and does not accept it.", code="token_refused") from error
    finally:
        await client.close()
    if app is None:
        raise Unauthorized(f"{url} was asked with the new token and knows no app by it.", code="token_refused")
    expected = manifest_source()["id"]
    if app.identifier != expected:
        raise Forbidden(f"The token at {url} belongs to the app {app.identifier!r}, not to {expected!r}.", code="other_app")
    if not app.is_active:
        raise Forbidden(f"The app is switched off at {url}; install it activated.", code="app_inactive")
    return app.id


async def _keep(
    database: Database,
    box: SecretBox,
    clock: Clock,
    api_url: str,
    domain: str,
    app_id: str,
    token: str,
    jwks: dict[str, Any],
) -> Installed:
    normalized = normalize_api_url(api_url)
    async with database.system() as session:
        rows = (await session.scalars(select(Tenant).with_for_update())).all()
        row = next((row for row in rows if normalize_api_url(row.saleor_api_url) == normalized), None)
        again = row is not None
        if row is None:
            row = Tenant(id=new_id(), program_version=0)
            session.add(row)
        row.saleor_api_url = api_url
        row.domain = domain
        row.app_id = app_id
        row.token = box.encrypt(row.id, token)
        row.jwks = jwks
        row.active = True
        row.removed_at = None
        row.installed_at = clock()
        # Rows are locked, so that nobody's own increase is lost.
        row.program_version += 1
    return Installed(row.id, api_url, app_id, again)
