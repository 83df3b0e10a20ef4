"""Who works here: a short session, sealed, made from the token that the Dashboard gave the page and verified against the shop.

No cookie carries it. A page keeps it in memory and sends it in a header with each request, a widget has it in its own document;
so nothing that a browser sends by itself counts, in a frame of whatever site, and browsers without third-party cookies work too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from app.db.secrets import SecretBox
from app.errors import Unavailable
from app.saleor.tokens import Staff

HEADER = "dashboard-session"
LIFE = timedelta(minutes=30)
"""Pages renew theirs every five minutes with the Dashboard's own tokens; popups get no new one (dashboard-facts 0.7)."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a page is told of its reader. `permissions` are the user's own in the shop; `until` is the second it ends."""

    tenant_id: str
    app_id: str
    user_id: str
    email: str
    permissions: tuple[str, ...]
    until: int

    @classmethod
    def of(cls, staff: Staff, now: datetime) -> Session:
        """Of somebody whose token was just verified."""
        shop = staff.shop
        until = int((now + LIFE).timestamp())
        return cls(shop.tenant_id, shop.app_id, staff.user_id, staff.email, tuple(sorted(staff.permissions)), until)


def seal(box: SecretBox, session: Session) -> str:
    """The session as a page carries it."""
    fields = asdict(session)
    tenant_id = fields.pop("tenant_id")
    return f"{tenant_id}.{box.encrypt(_purpose(tenant_id), json.dumps(fields, separators=(',', ':')))}"


def unseal(box: SecretBox, value: str, now: datetime) -> Session | None:
    """The session; None for one that is over, changed, or sealed by a key we do not have any more."""
    tenant_id, _, sealed = value.partition(".")
    try:
        fields = json.loads(box.decrypt(_purpose(tenant_id), sealed))
        session = Session(tenant_id=tenant_id, **{**fields, "permissions": tuple(fields["permissions"])})
    except (Unavailable, TypeError, ValueError, KeyError):
        return None
    return session if now.timestamp() < session.until else None


def _purpose(tenant_id: str) -> str:
    # So that nothing else sealed for the shop can be put in as a session, and the other way round.
    return f"dashboard/{tenant_id}"
