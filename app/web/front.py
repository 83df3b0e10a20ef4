"""What stands around server-rendered pages, as plain ASGI: headers against harm, a limit on bodies, no bare error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders

from app.errors import TooLarge
from app.web.dispatch import Asgi, Receive, Scope, Send

log = structlog.get_logger()

MAX_FORM = 128 * 1024
STATIC = "/static/"
FAILED = b"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>500</title><h1>Something went wrong on our side.</h1>"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of pages wants. `log_name` is the event of an error that no page could show."""

    log_name: str
    headers: Callable[[Scope], Mapping[str, str]]
    vary: str
    upload: Callable[[str], int]
    """Bytes of the file that the form at a path may carry; 0 where it carries none."""


class Front:
    """Around the pages: every answer has the headers of the rules, and none but a static file is kept by anybody."""

    def __init__(self, app: Asgi, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rules = self._rules
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = MAX_FORM + rules.upload(path)
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
                headers.update(rules.headers(scope))
                kept = path.startswith(STATIC) and status == 200
                headers["Cache-Control"] = "public, max-age=86400" if kept else "private, no-store"
                headers.add_vary_header(rules.vary)
                message = {**message, "headers": headers.raw}
            await send(message)

        try:
            await self._app(scope, limited, guarded)
        except Exception:
            log.exception(rules.log_name, path=scope["path"])
            if not status:  # not even the page that says so could be made
                kind = (b"content-type", b"text/html; charset=utf-8")
                await guarded({"type": "http.response.start", "status": 500, "headers": [kind]})
                await guarded({"type": "http.response.body", "body": FAILED})
            elif status < 500:
                raise
