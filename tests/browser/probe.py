"""An app that only listens: what the Dashboard asks for and says, kept to be looked at, and buttons that say something back."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PAGE = """<!doctype html><title>probe</title><script>
window.heard = [];
window.addEventListener("message", function (event) { if (event.source === window.parent) window.heard.push(event.data); });
window.say = function (type, payload) {
  window.parent.postMessage({type: type, payload: Object.assign({actionId: type}, payload)}, "*");
};
</script>"""


class Probe:
    """`asked` has each request: method, path, query as it came, and the fields of a form."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._page, methods=["GET", "POST"])])

    async def _page(self, request: Request) -> Response:
        if request.url.path == "/favicon.ico":
            return JSONResponse({})
        fields = dict((await request.form()).multi_items()) if request.method == "POST" else {}
        self.asked.append(
            {
                "method": request.method,
                "path": request.url.path,
                "query": request.url.query,
                "fields": fields,
                "destination": request.headers.get("sec-fetch-dest"),
                "referer": request.headers.get("referer"),
                "origin": request.headers.get("origin"),
            }
        )
        return HTMLResponse(PAGE)
