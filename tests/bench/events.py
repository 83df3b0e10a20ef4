"""The asynchronous webhooks (`performance.md`): `uv run python -m tests.bench.events`. Asserts nothing.

The web process is `reseller serve --web-only` on core 0; the load, and PostgreSQL, are on core 1. Every event opens a connection
of its own, as Saleor does, and has its own signed body about its own order. At 50 a second times count from the moment an event
was due, so that a server that falls behind is seen. Each accepted event must be a workflow row afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
import uvloop
from rich.console import Console
from rich.table import Table

import app.tables  # noqa: F401
from app.db.jobs import system_url
from app.db.session import Database
from app.db.tenants import Tenant
from app.settings import Settings
from tests.bench.load import Client, Run, cpu_seconds, run
from tests.bench.postgres import private_postgres
from tests.journeys.harness import migrate, reserved
from tests.saleor.keys import jwk, sign

URL = "http://shop.example/graphql/"
APP = "QXBwOjE="
PATH = "/api/webhooks/order-created"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
SERVER_CORE, LOAD_CORE = 0, 1
PACED_SECONDS = 20
SUSTAINED = 4000
CONNECTIONS = 16
CONSOLE = Console()


async def seed(url: str) -> None:
    """An installed shop whose keys are the benchmark's."""
    await migrate(url)
    database = Database(url)
    async with database.system() as session:
        session.add(
            Tenant(
                saleor_api_url=URL, domain="shop.example", app_id=APP, token="sealed", installed_at=NOW, jwks={"keys": [jwk("k")]}
            )
        )
    await database.close()


@dataclass(frozen=True, slots=True)
class Sender:
    """The shop that events come from: its API URL, our app's id in it, and what signs a body."""

    api_url: str
    app_id: str
    sign: Callable[[bytes], str]


BENCH = Sender(URL, APP, lambda body: sign(body, "k"))


def requests(first: int, count: int, sender: Sender = BENCH) -> list[bytes]:
    """Signed events about `count` orders, numbered from `first`."""
    return [_request(number, sender) for number in range(first, first + count)]


def _request(number: int, sender: Sender) -> bytes:
    order = {
        "id": f"T3JkZXI6{number:08}",
        "number": str(number),
        "user": {"id": "VXNlcjox"},
        "channel": {"slug": "default-channel"},
        "status": "UNCONFIRMED",
    }
    body = json.dumps(
        {
            "issuedAt": NOW.isoformat(),
            "recipient": {"id": sender.app_id},
            "issuingPrincipal": {"__typename": "User", "id": "VXNlcjox"},
            "order": order,
        }
    ).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: app.example\r\nUser-Agent: Saleor/3.23\r\nAccept-Encoding: gzip, deflate\r\n"
        "Accept: */*\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nSaleor-Event: order_created\r\n"
        f"Saleor-Domain: {urlsplit(sender.api_url).netloc}\r\nSaleor-Api-Url: {sender.api_url}\r\n"
        f"Saleor-Signature: {sender.sign(body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def web(url: str, directory: Path, port: int, settings: Settings | None = None) -> Iterator[int]:
    """The web part alone, as it is run in production; its pid. With the keys and shops of `settings` where there are some."""
    environment = os.environ | {
        "RESELLER_DATABASE_URL": url,
        "RESELLER_SECRET_KEYS": ",".join(settings.secret_keys) if settings else "a key of the benchmark alone",
        "RESELLER_ALLOWED_SHOPS": ",".join(settings.allowed_shops) if settings else URL,
        "RESELLER_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = ["taskset", "-c", str(SERVER_CORE), str(Path(sys.executable).with_name("reseller"))]
    with (directory / "web.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "serve", "--web-only", "--port", str(port)], env=environment, cwd=directory, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Client]:
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    try:
        yield client
    finally:
        assert client.transport is not None
        client.transport.close()


async def ready(port: int) -> None:
    """Wait until somebody listens. Raises TimeoutError."""
    async with asyncio.timeout(180):  # a busy machine takes its time
        while True:
            try:
                async with _connected(port):
                    return
            except OSError:
                await asyncio.sleep(0.1)


async def paced(port: int, pid: int, asked: list[bytes], rate: float) -> Run:
    """Send one event every 1/rate seconds whatever the server does; times from when each was due."""
    began, before = time.perf_counter(), cpu_seconds(pid)
    times: list[float] = []

    async def send(number: int) -> None:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with _connected(port) as client:
            answer = await client.ask(asked[number])
        times.append(time.perf_counter() - due)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise AssertionError(answer[:500])

    await asyncio.gather(*(send(number) for number in range(len(asked))))
    seconds = time.perf_counter() - began
    times.sort()
    count = len(times)
    cpu = (cpu_seconds(pid) - before) / count * 1000
    return Run(count / seconds, cpu, times[count // 2] * 1000, times[int(count * 0.99)] * 1000)


def rows(url: str) -> int:
    """How many workflows were asked for."""
    engine = sa.create_engine(system_url(url))
    table = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
    with engine.connect() as connection:
        count: int = connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()
    engine.dispose()
    return count


def measure(name: str, url: str, directory: Path, shown: Table) -> None:
    """Both loads on one database, after a warm-up."""
    uvloop.run(seed(url))
    with reserved() as port, web(url, directory, port) as pid:
        uvloop.run(ready(port))
        uvloop.run(run(port, pid, requests(0, 200), 200, kept=False))
        sent = 200
        for rate in (50, 200):
            count = rate * PACED_SECONDS
            found = uvloop.run(paced(port, pid, requests(sent, count), rate))
            sent += count
            _show(shown, name, f"{rate}/s", found, sent, url)
        found = uvloop.run(run(port, pid, requests(sent, SUSTAINED), SUSTAINED, kept=False, connections=CONNECTIONS))
        sent += SUSTAINED
        _show(shown, name, f"as fast as {CONNECTIONS} get answers", found, sent, url)


def _show(shown: Table, name: str, load: str, found: Run, sent: int, url: str) -> None:
    numbers = (f"{found.rate:.0f}", f"{found.cpu:.2f}", f"{found.p50:.1f}", f"{found.p99:.1f}")
    shown.add_row(name, load, *numbers, str(sent), str(rows(url)))


def main() -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    shown = Table(
        "database", "load", "events/s", "CPU ms", "p50 ms", "p99 ms", "accepted", "workflow rows", title="asynchronous webhooks"
    )
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measure("SQLite", f"sqlite+aiosqlite:///{directory}/events.db", directory, shown)
        postgres = stack.enter_context(private_postgres(LOAD_CORE))
        if postgres is not None:
            measure("PostgreSQL", postgres, directory, shown)
    CONSOLE.print(shown)


if __name__ == "__main__":
    main()
