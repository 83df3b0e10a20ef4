"""The tax webhook against its floor (`performance.md`): `uv run python -m tests.bench.tax_webhook`. Asserts nothing.

The floor is a plain ASGI application on the same uvicorn: RS256 verified, the whole body parsed into the same structures (nobody
who answers per user, variant and tax class could parse less), one flat rate in Decimal per line, the answer encoded by msgspec.
The app is the real web process: `app.main` with everything it serves, its program loaded and polled. Retail prices and totals are
random per line, so that neither answers nor prices repeat.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

import app.tables  # noqa: F401
from app.db.base import Base
from app.db.session import Database
from app.db.tenants import Tenant
from app.pricing.tables import PriceEntry, PriceListRow
from app.resellers.tables import Reseller, ResellerUser
from app.tax.service import import_rates, register_state
from app.tax.tables import CertificateRow, FlatRateRow
from tests.bench.load import Run, run
from tests.bench.server import PATH, memory
from tests.saleor.keys import jwk, sign

URL = "http://shop.example/graphql/"
APP = "QXBwOjE="
STATES = ("TX", "NY", "WA", "CA", "FL")
START = date(2026, 1, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
BODIES = 2000
ENTRIES = 5000
ROUNDS = 2
CONSOLE = Console()


async def seed(url: str, resellers: int) -> None:
    """A shop with its whole program."""
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    tenant = Tenant(
        saleor_api_url=URL, domain="shop.example", app_id=APP, token="sealed", installed_at=NOW, jwks={"keys": [jwk("k")]}
    )
    async with database.system() as session:
        session.add(tenant)
    async with database.tenant(tenant.id) as session:
        prices = PriceListRow(name="default", rate=Decimal(10))
        session.add(prices)
        await session.flush()
        for n in range(ENTRIES):
            kind: dict[str, Any] = {"rate": Decimal(n % 9)} if n % 2 else {"fixed_minor": 950 + n % 50, "currency": "USD"}
            scope = ("variant", "product", "category", "collection")[n % 4]
            session.add(PriceEntry(price_list_id=prices.id, scope=scope, target=f"{scope[0]}{n}", created_at=NOW, **kind))
        for n in range(resellers):
            email = f"r{n}@partner.example"
            row = Reseller(
                email=email,
                company=f"Partner {n}",
                street="1 Main St",
                city="Austin",
                postal_code=f"{70000 + n % 5000}",
                country="DE" if n % 5 == 4 else "US",
                state="" if n % 5 == 4 else STATES[n % 5],
                status="approved",
                created_at=NOW,
                users=[ResellerUser(saleor_user_id=f"u{n}", email=email)],
                acceptances=[],
            )
            session.add(row)
            if n % 3 == 0:
                await session.flush()
                session.add(
                    CertificateRow(
                        reseller_id=row.id,
                        number=f"C{n}",
                        states=list(STATES),
                        state="approved",
                        signed_on=START,
                        valid_from=START,
                        created_at=NOW,
                    )
                )
        for country in ("US", "DE", "FR", "GB"):
            session.add(FlatRateRow(country=country, rate=Decimal(19)))
        for state in STATES[:4]:
            await register_state(session, state, valid_from=START)
        rates = "\n".join(f"{state},,6.25,2026-01-01" for state in STATES)
        zips = "\n".join(f"TX,{70000 + n},8.25,2026-01-01" for n in range(2500))
        await import_rates(session, f"state,zip,rate,valid_from\n{rates}\n{zips}\n", version="2026-01", at=NOW)
    await database.close()


def requests(lines: int, resellers: int) -> list[bytes]:
    """Distinct signed requests as Saleor sends them, three of four by resellers."""
    chance = random.Random(7)
    return [_request(number, lines, resellers, chance) for number in range(BODIES)]


def _request(number: int, lines: int, resellers: int, chance: random.Random) -> bytes:
    user = {"id": f"u{chance.randrange(resellers)}" if number % 4 else f"stranger{number}"}
    base = {
        "pricesEnteredWithTax": False,
        "currency": "USD",
        "channel": {"slug": "default-channel"},
        "address": {"country": {"code": "US"}, "countryArea": "CA", "postalCode": "90001"},
        "discounts": [],
        "shippingPrice": {"amount": 0.0},
        "lines": [_line(chance) for _ in range(lines)],
        "sourceObject": {"__typename": "Checkout", "id": f"Q2hlY2tvdXQ6{number}", "user": user},
    }
    body = json.dumps({"recipient": {"id": APP}, "taxBase": base}).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: app.example\r\nUser-Agent: Saleor/3.23\r\nAccept-Encoding: gzip, deflate\r\n"
        "Accept: */*\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nSaleor-Event: checkout_calculate_taxes\r\n"
        f"Saleor-Domain: shop.example\r\nSaleor-Api-Url: {URL}\r\nSaleor-Signature: {sign(body, 'k')}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _line(chance: random.Random) -> dict[str, Any]:
    item, quantity, cents = chance.randrange(ENTRIES), chance.randrange(1, 9), chance.randrange(500, 90000)
    product = {
        "id": f"p{item}",
        "category": {"id": f"c{item}"},
        "collections": [{"id": "c1"}, {"id": "c3"}],
        "taxClass": None,
        "productType": {"taxClass": {"id": "VGF4Q2xhc3M6MQ=="}},
    }
    listings = [{"channel": {"slug": slug}, "price": {"amount": cents / 100}} for slug in ("channel-pln", "default-channel")]
    return {
        "quantity": quantity,
        "chargeTaxes": True,
        "productName": f"Grid component {item}",
        "variantName": "One developer",
        "productSku": f"GRID-{item}",
        "unitPrice": {"amount": cents / 100},
        "totalPrice": {"amount": round(cents * quantity / 100, 2)},
        "sourceLine": {
            "__typename": "CheckoutLine",
            "id": f"Q2hlY2tvdXRMaW5lOj{item}",
            "variant": {"id": f"v{item}", "sku": f"GRID-{item}", "product": product, "channelListings": listings},
        },
    }


@contextmanager
def server(kind: str, port: int, url: str = "") -> Iterator[tuple[int, int, dict[str, float]]]:
    """A server of its own process: its port, its pid and what its start cost."""
    command = [sys.executable, "-m", "tests.bench.server", kind, str(port), url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"keys": [jwk("k")]}) + "\n")
    process.stdin.flush()
    try:
        yield port, process.pid, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def table(title: str, runs: dict[str, list[Run]]) -> None:
    """Medians of each server's rounds, and their ratio to the first server's."""
    shown = Table("server", "req/s", "CPU ms", "p50 ms", "p99 ms", "CPU ratio", "p99 ratio", title=title)
    base: Run | None = None
    for name, found in runs.items():
        columns = zip(*((one.rate, one.cpu, one.p50, one.p99) for one in found), strict=True)
        middle = Run(*(statistics.median(column) for column in columns))
        base = base or middle
        cells = (f"{middle.rate:.0f}", f"{middle.cpu:.3f}", f"{middle.p50:.2f}", f"{middle.p99:.2f}")
        shown.add_row(name, *cells, f"{middle.cpu / base.cpu:.2f}", f"{middle.p99 / base.p99:.2f}")
    CONSOLE.print(shown)


def measure(servers: dict[str, tuple[int, int, Any]], asked: list[bytes], count: int, *, kept: bool) -> dict[str, list[Run]]:
    """Interleaved rounds A B A B after a warm-up."""
    runs: dict[str, list[Run]] = {name: [] for name in servers}
    for port, pid, _ in servers.values():
        uvloop.run(run(port, pid, asked, 500, kept=kept))
    for _ in range(ROUNDS):
        for name, (port, pid, _) in servers.items():
            runs[name].append(uvloop.run(run(port, pid, asked, count, kept=kept)))
    return runs


async def run_with_reloads(database: Path, port: int, pid: int, asked: list[bytes], count: int, *, seconds: float = 1.0) -> Run:
    """A run in which the whole program changes, and is loaded again, every second."""

    async def change() -> None:
        with sqlite3.connect(database, isolation_level=None, timeout=10) as connection:
            while True:
                connection.execute("UPDATE tenant SET program_version = program_version + 1")
                await asyncio.sleep(seconds)

    changing = asyncio.create_task(change())
    try:
        return await run(port, pid, asked, count, kept=True)
    finally:
        changing.cancel()


def reloads(database: Path, app: tuple[int, int, Any], asked: list[bytes], count: int) -> dict[str, list[Run]]:
    """Interleaved rounds without and with changes of the program."""
    port, pid, _ = app
    runs: dict[str, list[Run]] = {"steady": [], "reloaded each second": []}
    for _ in range(ROUNDS):
        runs["steady"].append(uvloop.run(run(port, pid, asked, count, kept=True)))
        runs["reloaded each second"].append(uvloop.run(run_with_reloads(database, port, pid, asked, count)))
    return runs


def main() -> None:
    os.sched_setaffinity(0, {1})
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = {size: directory / f"{size}.db" for size in (100, 10_000)}
        urls = {size: f"sqlite+aiosqlite:///{path}" for size, path in databases.items()}
        for size, url in urls.items():
            asyncio.run(seed(url, size))
        plain = stack.enter_context(server("floor", 18471))
        large = stack.enter_context(server("app", 18472, urls[10_000]))
        small = stack.enter_context(server("app", 18473, urls[100]))
        for size, (_, _, facts) in ((100, small), (10_000, large)):
            CONSOLE.print(
                f"{size} resellers, {ENTRIES} entries: a real web process, loaded in {facts['load_seconds']:.2f} s, "
                f"memory {facts['memory_before']:.0f} -> {facts['memory']:.0f} MiB"
            )
        for lines in (10, 100):
            asked = requests(lines, 10_000)
            count = 40_000 // lines
            for kept in (True, False):
                mode = "kept connections" if kept else "a new connection per request"
                runs = measure({"floor": plain, "app": large}, asked, count, kept=kept)
                table(f"{lines} lines, {mode}, 16 at once", runs)
            few = measure({"100 resellers": small, "10,000 resellers": large}, requests(lines, 100), count, kept=True)
            table(f"{lines} lines: cost by number of resellers", few)
            table(f"{lines} lines: reloads during the load", reloads(databases[10_000], large, asked, 4 * count))
        CONSOLE.print(f"memory of the web process after all that: {memory(large[1]):.0f} MiB")


if __name__ == "__main__":
    main()
