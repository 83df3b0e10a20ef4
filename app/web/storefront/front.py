"""What stands around every request of the storefront API, as plain ASGI: problem details, CORS, ETags, a limit on bodies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders

from app.errors import ResellerError, TooLarge
from app.saleor.shops import Shop, Shops
from app.web.dispatch import Asgi, Receive, Scope, Send
from app.web.storefront.problems import PROBLEM, problem_of

log = structlog.get_logger()

VISIT = "storefront_visit"
MAX_BODY = 64 * 1024
UPLOADS = frozenset({"/certificates", "/application/evidence"})
"""Paths, without what stands before them, whose POST takes more: a file and what its form needs around it."""
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
ASKED = "Accept-Language, Authorization, Content-Type, If-None-Match"
EXPOSED = "ETag, Retry-After, Content-Disposition"


@dataclass
class Visit:
    """One request; `shop` is set once its token was verified."""

    shop: Shop | None = None


def problem(status: int, code: str, detail: str) -> bytes:
    """An RFC 9457 problem as JSON."""
    return json.dumps(problem_of(status, code, detail)).encode()


class Front:
    """Around the API: nothing leaves without `Cache-Control: private`, and no error without its problem."""

    def __init__(self, app: Asgi, shops: Shops, upload_bytes: int) -> None:
        """`upload_bytes` is what the body of an upload may have."""
        self._app = app
        self._shops = shops
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        visit = scope[VISIT] = Visit()
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._answer(send, headers, visit, 204, b"", {})
            return
        status, answered, body = 500, MutableHeaders(), bytearray()

        async def collect(message: MutableMapping[str, Any]) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], MutableHeaders(raw=list(message.get("headers", [])))
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        taken = 0
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = self._upload_bytes if scope["method"] == "POST" and path in UPLOADS else MAX_BODY

        async def limited() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body") or b"")
            if taken > limit:
                # FastAPI would answer 400 for whatever is raised here; what it then says is replaced below.
                raise _too_large(limit)
            return message

        try:
            await self._app(scope, limited, collect)
            if taken > limit:
                raise _too_large(limit)
        except ResellerError as error:
            status, answered = error.status, MutableHeaders({"Content-Type": PROBLEM})
            body = bytearray(problem(status, error.code, error.sentence))
        except Exception:
            log.exception("storefront_failed", path=scope["path"])
            status, answered = 500, MutableHeaders({"Content-Type": PROBLEM})
            body = bytearray(problem(500, "internal_error", "Something went wrong on our side; try again later."))
        kept = {name: value for name, value in answered.items() if name != "content-length"}
        await self._answer(send, headers, visit, status, bytes(body), kept, scope["method"])

    async def _answer(
        self, send: Send, asked: Headers, visit: Visit, status: int, body: bytes, kept: dict[str, str], method: str = "OPTIONS"
    ) -> None:
        headers = MutableHeaders(kept)
        headers["Cache-Control"] = "private, no-cache" if status == 200 else "private, no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Vary"] = "Accept-Language, Authorization, Origin"
        if method == "GET" and status == 200:
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            headers["ETag"] = tag
            if _matches(asked.get("if-none-match", ""), tag):
                status, body = 304, b""
                del headers["content-type"]
        self._share(headers, asked.get("origin"), visit.shop, preflight=method == "OPTIONS")
        if status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        await send({"type": "http.response.start", "status": status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})

    def _share(self, headers: MutableHeaders, origin: str | None, shop: Shop | None, *, preflight: bool) -> None:
        """Let the verified shop's own storefront read the answer; before a token was verified, any installed shop's."""
        shops = [shop] if shop is not None else self._shops.all()
        if origin is None or all(origin not in one.settings.storefront_origins for one in shops):
            return
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED
        if preflight:
            headers["Access-Control-Allow-Methods"] = METHODS
            headers["Access-Control-Allow-Headers"] = ASKED
            headers["Access-Control-Max-Age"] = "600"


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A request may hold {limit} bytes.")


def _matches(asked: str, tag: str) -> bool:
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in asked.split(","))
