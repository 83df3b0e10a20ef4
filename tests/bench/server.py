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

import httpx
import msgspec
import uvicorn

from app.clock import system_clock
from app.db.secrets import SecretBox
from app.db.session import Database
from app.orders.snapshot import Programs
from app.saleor.shops import Shops
from app.saleor.signature import KeySet, verify
from app.settings import Settings
from app.web.dispatch import Dispatcher, Receive, Scope, Send
from app.web.webhooks.signed import respond
from app.web.webhooks.tax import tax_endpoint

PATH = "/api/webhooks/checkout-calculate-taxes"


class Amount(msgspec.Struct, gc=False):
    amount: Decimal


class FloorLine(msgspec.Struct, gc=False):
    totalPrice: Amount


class FloorBase(msgspec.Struct, gc=False):
    lines: list[FloorLine]


class FloorBody(msgspec.Struct, gc=False):
    taxBase: FloorBase


def floor(jwks: dict[str, Any]) -> Any:
    """Verify, parse, one flat rate, answer: what cannot be left out."""
    keys, decode, encode = KeySet(jwks), msgspec.json.Decoder(FloorBody).decode, msgspec.json.Encoder().encode
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
        for line in decode(body).taxBase.lines:
            net = line.totalPrice.amount
            lines.append({"total_net_amount": net, "total_gross_amount": (net * factor).quantize(cent), "tax_rate": "7.25"})
        zero = {"shipping_price_gross_amount": "0", "shipping_price_net_amount": "0", "shipping_tax_rate": "0"}
        content = encode(zero | {"lines": lines})
        await send(start | {"headers": [*start["headers"], (b"content-length", b"%d" % len(content))]})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": content})

    return app


def memory() -> float:
    """Resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 404, b"{}")


async def serve(kind: str, port: int, url: str, jwks: dict[str, Any]) -> None:
    """Serve until killed; says in one line of JSON when it is ready and what loading cost."""
    facts: dict[str, float] = {"memory_before": memory()}
    async with httpx.AsyncClient() as http, contextlib.AsyncExitStack() as stack:
        app: Any = floor(jwks)
        if kind == "app":
            settings = Settings(secret_keys=["0123456789abcdef"], database_url=url)
            database = Database(url)
            stack.push_async_callback(database.close)
            shops = Shops(database, SecretBox(settings.secret_keys), http, settings, system_clock)
            programs = Programs(database)
            await shops.refresh()
            began = time.perf_counter()
            await programs.refresh(shops.all())
            facts["load_seconds"] = time.perf_counter() - began
            polling = asyncio.create_task(programs.poll(shops))
            stack.callback(polling.cancel)
            app = Dispatcher({PATH.encode(): tax_endpoint(shops, programs, settings, system_clock)}, nothing)
        facts["memory"] = memory()
        gc.collect()
        gc.freeze()
        config = uvicorn.Config(
            app, port=port, http="httptools", log_level="error", access_log=False, lifespan="off", backlog=4096
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        print(json.dumps(facts), flush=True)  # noqa: T201
        await running


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    import uvloop

    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.stdin.readline())))
