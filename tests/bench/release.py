"""From a booked wire to a released license (`performance.md`): `uv run python -m tests.bench.release`. Asserts nothing.

The worker is `reseller worker` on core 0; the web part and the shop, which answers each request after 50 ms, are in this process
on core 1. Orders are prepaid and paid one after the other. Times count from the moment the wire is committed.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from app.clock import system_clock
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.sandbox.seed import RESELLER
from app.settings import ProgramNumbers, Settings
from tests.bench.postgres import private_postgres
from tests.faults.once import recorded_once
from tests.journeys.harness import PROGRAM, Journey, journey

ORDERS = 30
ANSWER_SECONDS = 0.05
WORKER_CORE, SHOP_CORE = 0, 1
CONSOLE = Console()


@contextmanager
def worker(settings: Settings, directory: Path) -> Iterator[int]:
    """The worker as it is run in production; its pid."""
    environment = os.environ | {
        "RESELLER_DATABASE_URL": settings.database_url,
        "RESELLER_SECRET_KEYS": ",".join(settings.secret_keys),
        "RESELLER_ALLOWED_SHOPS": ",".join(settings.allowed_shops),
        "RESELLER_BASE_URL": settings.base_url,
        "RESELLER_MAIL_DIRECTORY": settings.mail_directory,
    }
    command = ["taskset", "-c", str(WORKER_CORE), str(Path(sys.executable).with_name("reseller")), "worker"]
    with (directory / "worker.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def story(url: str, directory: Path, waiting: int) -> dict[str, list[float]]:
    """Milliseconds from the wire to each part of each release, while `waiting` more orders of the reseller stay unpaid."""
    program = PROGRAM.model_copy(update={"program": ProgramNumbers(prepaid_orders=10_000)})
    times: dict[str, list[float]] = {"license issued": [], "released": [], "license mail sent": []}
    async with journey(url, directory, worker=False, program=program) as at:
        with worker(at.settings, directory):
            for _ in range(waiting):
                await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="other@customer.example")
            for number in range(ORDERS):
                _, order = await at.buy(
                    RESELLER, [("GRID-DEV", 2), ("CHART-YEAR", 1)], end_customer=f"c{number}@customer.example"
                )
                await at.idle(120)
                at.wire.seconds = ANSWER_SECONDS
                await at.wire_came(order.number)
                began = system_clock()
                await at.idle(120)
                at.wire.seconds = 0.0
                for part, moment in (await moments(at, order.number)).items():
                    times[part].append((moment - began).total_seconds() * 1000)
    return times


async def moments(at: Journey, number: str) -> dict[str, datetime]:
    """When each part of an order's release was done, by the worker's clock, which is this machine's."""
    row = await recorded_once(at, number)
    async with at.rows() as session:
        issued = (await session.scalars(select(License.issued_at).where(License.order_id == row.id))).all()
        query = select(Mail.sent_at).where(Mail.order_id == row.id, Mail.kind == MailKind.LICENSE)
        sent = (await session.scalars(query)).one()
    assert row.released_at is not None
    assert sent is not None
    return {"license issued": max(issued), "released": row.released_at, "license mail sent": sent}


def main() -> None:
    os.sched_setaffinity(0, {SHOP_CORE})
    shown = Table("database", "unpaid orders beside it", "from the wire to", "p50 ms", "p95 ms", title=f"{ORDERS} prepaid orders")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite+aiosqlite:///{directory}/release.db"}
        postgres = stack.enter_context(private_postgres(SHOP_CORE))
        if postgres is not None:
            urls["PostgreSQL"] = postgres
        for name, url in urls.items():
            waiting = 0
            for part, found in asyncio.run(story(url, directory, waiting)).items():
                p95 = statistics.quantiles(found, n=20)[-1]
                shown.add_row(name, str(waiting), part, f"{statistics.median(found):.0f}", f"{p95:.0f}")
    CONSOLE.print(shown)


if __name__ == "__main__":
    main()
