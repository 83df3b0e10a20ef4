"""The headers of the portal's pages, and which of them take a file (`app.web.front`)."""

from __future__ import annotations

from app.web.dispatch import Asgi
from app.web.front import Front, Rules

UPLOADS = ("/certificates", "/apply/evidence")
"""Pages whose form carries a file."""
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Forms name their own origin to this app; nobody else learns an address of the portal.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def guarded(pages: Asgi, max_upload: int) -> Front:
    """The portal's pages with all that stands around them."""
    rules = Rules(
        "portal_failed", lambda scope: HEADERS, "Cookie, Accept-Language", lambda path: max_upload if path in UPLOADS else 0
    )
    return Front(pages, rules)
