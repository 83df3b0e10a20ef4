"""Who is signed in: tokens of the shop in a sealed cookie, and nothing on our side.

The cookie holds what the shop gave, sealed with the shop as associated data; HttpOnly, SameSite=Lax, for `/portal` alone and, on
https, Secure. A form shown before anybody signed in is guarded by the same cookie without tokens.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from http.cookies import SimpleCookie

from app.db.secrets import SecretBox
from app.errors import Forbidden, Unavailable
from app.saleor.accounts import SignedIn

COOKIE = "reseller_portal"
PATH = "/portal"
LIFE = timedelta(hours=12)
"""From signing in; the shop itself may end it earlier by refusing to refresh."""
MAX_COOKIE = 4000
"""Browsers keep 4096 bytes with name and attributes."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie says. Without `access` nobody is signed in. `until` is the second it ends."""

    tenant_id: str
    csrf: str
    until: int
    access: str = ""
    refresh: str = ""

    @classmethod
    def visitor(cls, tenant_id: str, now: datetime) -> Session:
        """Of somebody who is about to sign in to this shop."""
        return cls(tenant_id, secrets.token_urlsafe(24), int((now + LIFE).timestamp()))

    @classmethod
    def of(cls, tenant_id: str, signed: SignedIn, now: datetime) -> Session:
        """Of somebody who just signed in; its form token is a new one."""
        return replace(cls.visitor(tenant_id, now), access=signed.access, refresh=signed.refresh)

    def check(self, given: str) -> None:
        """Raises Forbidden for a form that this session did not show."""
        if not given or not hmac.compare_digest(self.csrf.encode(), given.encode()):
            raise Forbidden("This form is out of date; open the page again and send it once more.", code="form_token")


def seal(box: SecretBox, session: Session) -> str:
    """The cookie's value. Raises Unavailable when the shop's tokens are too long for one cookie."""
    fields = asdict(session)
    tenant_id = fields.pop("tenant_id")
    value = f"{tenant_id}.{box.encrypt(_purpose(tenant_id), json.dumps(fields, separators=(',', ':')))}"
    if len(value) > MAX_COOKIE:
        raise Unavailable("The shop's tokens are too long to be kept in a cookie.", code="session_too_long")
    return value


def unseal(box: SecretBox, value: str, now: datetime) -> Session | None:
    """The session of a cookie's value; None for one that is over, changed, or sealed by a key we do not have any more."""
    tenant_id, _, sealed = value.partition(".")
    try:
        session = Session(tenant_id=tenant_id, **json.loads(box.decrypt(_purpose(tenant_id), sealed)))
    except (Unavailable, TypeError, ValueError):
        return None
    return session if now.timestamp() < session.until else None


def cookie(name: str, value: str, *, secure: bool, max_age: int) -> str:
    """A `Set-Cookie` header; an empty value takes the cookie away."""
    made: SimpleCookie = SimpleCookie()
    made[name] = value
    kept = made[name]
    kept["path"], kept["samesite"], kept["max-age"] = PATH, "Lax", str(max_age if value else 0)
    kept["httponly"] = True  # type: ignore[assignment, unused-ignore]
    if secure:
        kept["secure"] = True  # type: ignore[assignment, unused-ignore]
    return kept.OutputString()


def _purpose(tenant_id: str) -> str:
    # So that nothing else sealed for the shop, such as its app token, can be put in as a cookie, and the other way round.
    return f"portal/{tenant_id}"
