"""A few hot paths answered in front of FastAPI's stack, as plain ASGI (`performance.md`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Dispatcher:
    """Sends POSTs to an exact path to its own endpoint and everything else, lifespan included, to `fallback`."""

    def __init__(self, routes: Mapping[bytes, Asgi], fallback: Asgi) -> None:
        self._routes = {path.decode(): endpoint for path, endpoint in routes.items()}
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._routes.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        await self._fallback(scope, receive, send)
