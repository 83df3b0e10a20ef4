"""The benchmark's servers, each a process of its own on core 0: the floor, and the app's endpoint with a real program."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from app.main import running
from app.saleor.signature import KeySet, verify
from app.saleor.tax_payload import CalculateTaxes
from app.settings import Settings
from app.web.dispatch import Asgi, Receive, Scope, Send

PATH = "/api/webhooks/checkout-calculate-taxes"


def floor(jwks: dict[str, Any]) -> Asgi:
    """Verify, parse the whole body into its structures, one flat rate in Decimal per line, answer: what cannot be left out."""
    keys, decode, encode = KeySet(jwks), msgspec.json.Decoder(CalculateTaxes).decode, msgspec.json.Encoder().encode
    factor, cent = Decimal("1.0725"), Decimal("0.01")
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        signature = next(value for name, value in scope["headers"] if name == b"saleor-signature")
        verify(signature.decode(), body, keys)
        lines = []
        for line in decode(body).tax_base.lines:
            net = line.total_price.amount
            lines.append({"total_net_amount": net, "total_gross_amount": (net * factor).quantize(cent), "tax_rate": "7.25"})
        zero = {"shipping_price_gross_amount": "0", "shipping_price_net_amount": "0", "shipping_tax_rate": "0"}
        content = encode(zero | {"lines": lines})
        await send(start | {"headers": [*start["headers"], (b"content-length", b"%d" % len(content))]})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": content})

    return app


def memory(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


async def serve(kind: str, port: int, url: str, jwks: dict[str, Any]) -> None:
    """Serve until killed; says in one line of JSON when it is ready and what loading cost."""
    facts: dict[str, float] = {"memory_before": memory()}
    async with contextlib.AsyncExitStack() as stack:
        app = floor(jwks)
        if kind == "app":
            began = time.perf_counter()
            settings = Settings(secret_keys=["0123456789abcdef"], database_url=url)
            _, app = await stack.enter_async_context(running(settings, worker=False))
            facts["load_seconds"] = time.perf_counter() - began
        facts["memory"] = memory()
        gc.collect()
        gc.freeze()
        config = uvicorn.Config(
            app,
            port=port,
            http="httptools",
            log_level="error",
            access_log=False,
            lifespan="off",
            backlog=4096,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        print(json.dumps(facts), flush=True)  # noqa: T201
        await serving


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    import uvloop

    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.stdin.readline())))
