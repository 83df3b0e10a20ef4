"""What stands around every page, as plain ASGI: headers against harm in a browser, a limit on bodies, no bare error."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders

from app.errors import TooLarge
from app.web.dispatch import Asgi, Receive, Scope, Send

log = structlog.get_logger()

MAX_FORM = 128 * 1024
UPLOADS = ("/certificates", "/apply/evidence")
"""Pages whose form carries a file."""
STATIC = "/static/"
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
FAILED = b"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>500</title><h1>Something went wrong on our side.</h1>"


class Front:
    """Around the pages: every answer has the headers above, and none but the style sheet is kept by anybody."""

    def __init__(self, app: Asgi, max_upload: int) -> None:
        self._app = app
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = MAX_FORM + (self._max_upload if path in UPLOADS else 0)
        taken, status = 0, 0

        async def limited() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body") or b"")
            if taken > limit:
                raise TooLarge(f"A form may hold {limit // 1024} KiB; send less.")
            return message

        async def guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers.update(HEADERS)
                kept = path.startswith(STATIC) and status == 200
                headers["Cache-Control"] = "public, max-age=86400" if kept else "private, no-store"
                headers.add_vary_header("Cookie, Accept-Language")
                message = {**message, "headers": headers.raw}
            await send(message)

        try:
            await self._app(scope, limited, guarded)
        except Exception:
            log.exception("portal_failed", path=scope["path"])
            if not status:  # not even the page that says so could be made
                kind = (b"content-type", b"text/html; charset=utf-8")
                await guarded({"type": "http.response.start", "status": 500, "headers": [kind]})
                await guarded({"type": "http.response.body", "body": FAILED})
            elif status < 500:
                raise
