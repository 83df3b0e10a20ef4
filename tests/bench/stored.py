"""Whether an event, and an order, cost the same however many orders are stored: `uv run python -m tests.bench.stored`.

One private PostgreSQL holds an installation with few orders and one with many, filled by `tests.bench.filling`, and every figure
is taken of one and the other in turn, so that what else the machine does meets both. Besides times it tells processor time of our
process and of the database's backends: that is what stays true on a busy machine. The web process and the worker are on core 0,
PostgreSQL, the shop and the load on core 1. Then it asks `reseller check` in each, question by question, the hourly look at the
queue, and what each table holds per order. Asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from app.orders.check import QUESTIONS
from app.orders.measures import measure
from app.sandbox.seed import RESELLER
from app.settings import ProgramNumbers
from tests.bench import events
from tests.bench.filling import fill
from tests.bench.load import Run, cpu_seconds, run
from tests.bench.postgres import private_postgres
from tests.bench.release import worker
from tests.journeys.harness import PROGRAM, Journey, journey, reserved

RATE = 200
CONSOLE = Console(width=140)
UNPAID = ProgramNumbers(prepaid_orders=10_000)


@dataclass
class Cost:
    """What one look gave, in milliseconds: of our process and of the database's backends per event or order, and wall."""

    own: float
    database: float
    p50: float
    p99: float

    @property
    def both(self) -> float:
        """Processor time of both."""
        return self.own + self.database


@dataclass
class Installation:
    """One shop with so many stored orders."""

    orders: int
    url: str
    at: Journey
    directory: Path
    events: list[Cost] = field(default_factory=list)
    stories: list[Cost] = field(default_factory=list)
    sent: int = 0

    @property
    def plain_url(self) -> str:
        """As psycopg reads it."""
        return self.url.replace("+psycopg", "")

    @contextmanager
    def spent(self, pid: Callable[[], int]) -> Iterator[Callable[[], tuple[float, float]]]:
        """Seconds of processor time that a process and this database's backends spend within."""
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

            def of_backends() -> dict[int, float]:
                query = (
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' "
                    "AND pid <> pg_backend_pid()"
                )
                return {found: cpu_seconds(found) for (found,) in connection.execute(query)}

            before, own = of_backends(), cpu_seconds(pid())

            def so_far() -> tuple[float, float]:
                now = of_backends()
                return cpu_seconds(pid()) - own, sum(seconds - before.get(found, 0.0) for found, seconds in now.items())

            yield so_far

    async def ask_events(self, seconds: int) -> None:
        """Events at RATE, each about an order of its own; what they ask for is taken off the queue again."""
        api_url = self.at.sandbox.api_url
        sender = events.Sender(api_url, self.at.shop.app_id, self.at.sandbox.key.sign)
        with reserved() as port, events.web(self.url, self.directory, port, self.at.settings) as pid:
            await events.ready(port)
            await run(port, pid, events.requests(self._more(200), 200, sender), 200, kept=False)
            asked = events.requests(self._more(RATE * seconds), RATE * seconds, sender)
            with self.spent(lambda: pid) as so_far:
                found: Run = await events.paced(port, pid, asked, RATE)
                own, database = so_far()
        count = len(asked)
        self.events.append(Cost(own / count * 1000, database / count * 1000, found.p50, found.p99))
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            connection.execute("DELETE FROM dbos.workflow_status WHERE status = 'ENQUEUED'")

    def _more(self, count: int) -> int:
        first, self.sent = self.sent, self.sent + count
        return first

    async def play(self, count: int) -> None:
        """Prepaid orders from checkout to mails, one after the other, by a worker of its own; the first one warms it up."""
        times: list[float] = []
        with worker(self.at.settings, self.directory) as pid:
            await self._story(0)
            with self.spent(lambda: pid) as so_far:
                for number in range(count):
                    times.append(await self._story(number) * 1000)
                own, database = so_far()
        times.sort()
        self.stories.append(Cost(own / count * 1000, database / count * 1000, times[count // 2], times[-1]))

    async def _story(self, number: int) -> float:
        began = time.perf_counter()
        _, order = await self.at.buy(RESELLER, [("GRID-DEV", 2)], end_customer=f"c{number}@customer.example")
        await self._idle()
        await self.at.wire_came(order.number)
        await self._idle()
        assert (await self.at.recorded(order.number)).fulfilled_at is not None
        return time.perf_counter() - began

    async def _idle(self) -> None:
        """Until the worker has nothing to do. `Journey.idle` lists every workflow, of which there are too many here."""
        quiet = 0
        async with await psycopg.AsyncConnection.connect(self.plain_url, autocommit=True) as connection:
            while quiet < 2:
                await self.at.sandbox.settled()
                found = await connection.execute(
                    "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
                )
                quiet = 0 if (await found.fetchone() or (0,))[0] else quiet + 1
                await asyncio.sleep(0.02)

    async def ask_check(self) -> dict[str, tuple[float, float]]:
        """Each question of `reseller check`: seconds, and seconds of our own processor."""
        found = {}
        for name, question in QUESTIONS.items():
            async with self.at.services.database.tenant_reading(self.at.tenant_id) as session:
                began, worked = time.perf_counter(), time.process_time()
                answers = await question(session, self.at.services.clock())
                found[name] = time.perf_counter() - began, time.process_time() - worked
            if answers:
                CONSOLE.print(f"{self.orders:,}: {name} has {len(answers)} answers, like {answers[0]}", style="red")
        return found

    async def ask_measures(self) -> float:
        """Seconds of a look at what `/metrics` shows, the second one."""
        await measure(self.at.services)
        began = time.perf_counter()
        await measure(self.at.services)
        return time.perf_counter() - began

    def sizes(self) -> dict[str, tuple[float, float]]:
        """Of each table that grows: bytes per stored order of its rows, and of its indexes."""
        query = (
            "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace IN "
            "('public'::regnamespace, 'dbos'::regnamespace) ORDER BY pg_total_relation_size(oid) DESC"
        )
        with psycopg.connect(self.plain_url) as connection:
            rows = connection.execute(query).fetchall()
        return {name: (table / self.orders, index / self.orders) for name, table, index in rows if table / self.orders > 10}

    def left_by_one(self) -> dict[str, tuple[float, float]]:
        """Of each table: rows and bytes that one real order of the bench left, bytes of mails and documents with them."""
        found = {}
        with psycopg.connect(self.plain_url) as connection:
            since = connection.execute("SELECT min(created_at) FROM reseller_order WHERE number NOT LIKE 'S%'").fetchone()
            count = connection.execute("SELECT count(*) FROM reseller_order WHERE number NOT LIKE 'S%'").fetchone()
            assert since is not None
            assert count is not None
            for table, moment in LEFT.items():
                after = since[0] if not table.startswith("dbos.") else int(since[0].timestamp() * 1000)
                row = connection.execute(
                    f"SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM {table} t WHERE {moment} >= %s", (after,)
                ).fetchone()  # type: ignore[call-overload, unused-ignore]
                assert row is not None
                found[table] = float(row[0]) / count[0], float(row[1]) / count[0]
        return found


LEFT = {
    "reseller_order": "created_at",
    "payment_session": "created_at",
    "ledger_item": "booked_at",
    "license": "issued_at",
    "order_event": "at",
    "money_report": "at",
    "mail": "created_at",
    "correspondence": "at",
    "document": "issued_at",
    "end_customer": "created_at",
    "staff_task": "created_at",
    "dbos.workflow_status": "created_at",
    "dbos.operation_outputs": "started_at_epoch_ms",
}
"""What one order leaves rows in, with the column that says when."""


async def measured(base: str, orders: list[int], seconds: int, rounds: int, stories: int, directory: Path) -> None:
    """Fill, look, show."""
    async with AsyncExitStack() as stack:
        made = []
        for count in orders:
            name = f"stored_{count}"
            with psycopg.connect(base.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload, unused-ignore]
            url, own = base.rsplit("/", 1)[0] + f"/{name}", directory / name
            own.mkdir()
            program = PROGRAM.model_copy(update={"program": UNPAID})
            at = await stack.enter_async_context(journey(url, own, worker=False, program=program))
            installation = Installation(count, url, at, own)
            began = time.perf_counter()
            async with at.services.database.engine.connect() as filling:
                await fill(filling, at.tenant_id, max(10, count // 100), count)
            CONSOLE.print(f"{count:,} orders stored in {time.perf_counter() - began:.0f} s")
            made.append(installation)
        for _ in range(rounds):
            for installation in made:
                await installation.ask_events(seconds)
        for _ in range(rounds):
            for installation in made:
                await installation.play(stories)
        _show_costs("an event at 200/s", [(each.orders, each.events) for each in made])
        _show_costs("a prepaid order with its wire", [(each.orders, each.stories) for each in made])
        asked = {each.orders: await each.ask_check() for each in made}
        looks = {each.orders: await each.ask_measures() for each in made}
        sizes = {each.orders: each.sizes() for each in made}
        _show_check(asked, looks)
        _show_sizes(sizes, made[0].left_by_one())


def _show_costs(what: str, found: list[tuple[int, list[Cost]]]) -> None:
    """The least of all rounds: what else the machine did only ever adds."""
    columns = ("stored orders", "CPU ms, ours", "CPU ms, database", "both", "against the first", "p50 ms", "p99 ms")
    shown = Table(*columns, title=f"{what}, least of {len(found[0][1])} rounds")
    first = min(cost.both for cost in found[0][1])
    for orders, costs in found:
        least = min(costs, key=lambda cost: cost.both)
        shown.add_row(
            f"{orders:,}",
            f"{least.own:.2f}",
            f"{least.database:.2f}",
            f"{least.both:.2f}",
            f"{least.both / first:.2f}x",
            f"{min(cost.p50 for cost in costs):.1f}",
            f"{min(cost.p99 for cost in costs):.1f}",
        )
    CONSOLE.print(shown)


def _show_check(asked: dict[int, dict[str, tuple[float, float]]], looks: dict[int, float]) -> None:
    shown = Table("`reseller check`, s (own CPU)", *(f"{orders:,}" for orders in asked))
    for name in next(iter(asked.values())):
        shown.add_row(name, *(f"{found[name][0]:.3f} ({found[name][1]:.3f})" for found in asked.values()))
    shown.add_section()
    shown.add_row("all", *(f"{sum(wall for wall, _ in found.values()):.2f}" for found in asked.values()))
    shown.add_row("a look of /metrics", *(f"{seconds:.3f}" for seconds in looks.values()))
    CONSOLE.print(shown)


def _show_sizes(sizes: dict[int, dict[str, tuple[float, float]]], left: dict[str, tuple[float, float]]) -> None:
    most = max(sizes)
    shown = Table(
        "table", "bytes of rows per order", "bytes of indexes", title=f"among {most:,} orders, short mails and documents"
    )
    for name, (rows, index) in sizes[most].items():
        shown.add_row(name, f"{rows:,.0f}", f"{index:,.0f}")
    shown.add_row(
        "all", f"{sum(rows for rows, _ in sizes[most].values()):,.0f}", f"{sum(i for _, i in sizes[most].values()):,.0f}"
    )
    CONSOLE.print(shown)
    real = Table("table", "rows", "bytes", title="what one order of this bench left, its mails and documents whole")
    for name, (count, size) in left.items():
        real.add_row(name, f"{count:.1f}", f"{size:,.0f}")
    CONSOLE.print(real)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--orders", type=int, nargs="+", default=[1_000, 1_000_000])
    given.add_argument("--seconds", type=int, default=20)
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--stories", type=int, default=20, help="orders played through in each round")
    asked = given.parse_args()
    os.sched_setaffinity(0, {events.LOAD_CORE})
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(private_postgres(events.LOAD_CORE))
        if url is None:
            raise SystemExit("PostgreSQL is not installed here.")
        uvloop.run(measured(url, asked.orders, asked.seconds, asked.rounds, asked.stories, directory))


if __name__ == "__main__":
    main()
