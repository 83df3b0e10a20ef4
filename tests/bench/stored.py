"""Whether an event costs the same however many orders are stored: `uv run python -m tests.bench.stored`. Asserts nothing.

The asynchronous webhooks as in `tests.bench.events`, on PostgreSQL with few and with many orders of `tests.bench.standing`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from app.db.session import Database
from app.db.tenants import Tenant
from tests.bench import events, standing
from tests.bench.load import run
from tests.bench.postgres import private_postgres
from tests.journeys.harness import reserved

RATE = 200
CONSOLE = Console()


async def stored(url: str, orders: int) -> None:
    """An installed shop with so many orders."""
    await events.seed(url)
    database = Database(url)
    async with database.system_reading() as session:
        tenant = (await session.scalars(select(Tenant.id))).one()
    async with database.engine.connect() as connection:
        await standing.seed(connection, tenant, max(10, orders // 100), orders)
    await database.close()


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--orders", type=int, nargs="+", default=[1_000, 1_000_000])
    given.add_argument("--seconds", type=int, default=20)
    asked = given.parse_args()
    os.sched_setaffinity(0, {events.LOAD_CORE})
    shown = Table(
        "stored orders", "events/s", "CPU ms", "p50 ms", "p99 ms", title=f"asynchronous webhooks at {RATE}/s, PostgreSQL"
    )
    for orders in asked.orders:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = stack.enter_context(private_postgres(events.LOAD_CORE))
            if url is None:
                raise SystemExit("PostgreSQL is not installed here.")
            uvloop.run(stored(url, orders))
            port = stack.enter_context(reserved())
            pid = stack.enter_context(events.web(url, directory, port))
            uvloop.run(events.ready(port))
            uvloop.run(run(port, pid, events.requests(0, 200), 200, kept=False))
            found = uvloop.run(events.paced(port, pid, events.requests(200, RATE * asked.seconds), RATE))
            shown.add_row(f"{orders:,}", f"{found.rate:.0f}", f"{found.cpu:.2f}", f"{found.p50:.1f}", f"{found.p99:.1f}")
    CONSOLE.print(shown)


if __name__ == "__main__":
    main()
