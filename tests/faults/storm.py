"""A storm on a whole installation: `uv run python -m tests.faults.storm --minutes 5 [--seed 1]`.

PostgreSQL, two web and two worker processes whose clocks are wrong, resellers who go on buying and paying. Meanwhile processes
are killed with SIGKILL and started again, connections to the database are cut and slowed, the shop is slow or answers 503, the
mail server refuses, hangs up or loses its answer, events arrive twice, late and in another order. Then the sky clears, and
everything must be there once: `reseller check` is empty, every paid order has one license per line, its mails and one
fulfillment. Ends with status 1 and the differences otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from aiosmtpd.smtp import SMTP
from rich.console import Console
from sqlalchemy import select

from app.licenses.rules import LicenseKind
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders.tables import ResellerOrder
from app.sandbox.seed import EXEMPT, RESELLER
from app.sandbox.storefront import StorefrontRefused
from app.settings import ProgramNumbers, Settings
from tests.bench.postgres import private_postgres
from tests.faults.gates import Gate, Mailbox
from tests.faults.once import RELEASED
from tests.journeys.harness import PROGRAM, Journey, journey, reserved

CONSOLE = Console()
SKEWS = {"web-1": -90.0, "web-2": 75.0, "worker-1": 60.0, "worker-2": -120.0}
REFUSED = ("orderFulfill", "customerCreate", "transactionEventReport", "orderConfirm", "orderNoteAdd", "updatePrivateMetadata")
EVENTS = ("ORDER_CREATED", "ORDER_UPDATED", "ORDER_CONFIRMED", "ORDER_FULLY_PAID", "FULFILLMENT_CREATED")
LINES = (("GRID-DEV", 2), ("CHART-YEAR", 1), ("GRID-TEAM", 1))
BUYERS = 3
CALM_SECONDS = 240.0


@dataclass
class Storm:
    """The installation under it and what was done to it."""

    at: Journey
    chance: random.Random
    settings: Settings
    web: Gate
    database: Gate
    mailbox: Mailbox
    directory: Path
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    raging: bool = True

    def start(self, name: str) -> None:
        """Start one process, again or for the first time."""
        settings = self.settings.model_copy(update={"worker_id": name})
        command = [
            sys.executable,
            "-m",
            "tests.faults.storm_process",
            name.split("-")[0],
            str(SKEWS[name]),
            str(self.ports[name]),
        ]
        with (self.directory / f"{name}.log").open("a") as log:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True)
        assert process.stdin is not None
        with process.stdin as given:
            given.write(settings.model_dump_json() + "\n")
        self.processes[name] = process

    def through(self, web: Gate) -> None:
        """Let the shop's webhooks come to the web processes by this gate."""
        for app in self.at.sandbox.store.apps:
            for webhook in app.webhooks:
                webhook.target_url = webhook.target_url.replace(self.at.settings.base_url, f"http://127.0.0.1:{web.port}")

    def kill(self, name: str) -> None:
        """End one process in the middle of whatever it does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self) -> None:
        """End all processes."""
        for name in self.processes:
            self.kill(name)

    async def buy(self) -> None:
        """One reseller's day: orders, some paid at once, some later, some wires told twice; refusals are its own to bear."""
        while self.raging:
            lines = self.chance.sample(LINES, self.chance.randint(1, 2))
            customer = f"c{self.chance.randint(1, 20)}@customer.example"
            try:
                _, order = await self.at.buy(self.chance.choice((RESELLER, EXEMPT)), lines, end_customer=customer)
                self.done["orders placed"] += 1
                self.done[f"order {order.number}"] = 0
            except (StorefrontRefused, httpx.HTTPError, AssertionError):
                self.done["orders refused on the way"] += 1
            await asyncio.sleep(self.chance.uniform(0.1, 1.0))

    async def pay(self) -> None:
        """The bookkeeper books what is recorded and not paid yet, now and then a second time."""
        paid: set[str] = set()
        while self.raging:
            for number in await self.recorded():
                if number not in paid and self.chance.random() < 0.5:
                    paid.add(number)
                    for _ in range(self.chance.choice((1, 1, 2))):
                        await self.at.wire_came(number)
                        self.done["wires booked"] += 1
            await asyncio.sleep(0.5)

    async def recorded(self) -> list[str]:
        """Numbers of orders that the program knows and confirmed."""
        async with self.at.rows() as session:
            query = select(ResellerOrder.number).where(ResellerOrder.confirmed_at.is_not(None))
            return list(await session.scalars(query))

    async def repeat(self) -> None:
        """Deliveries come again, at once or long after; events are held up, so that later ones overtake them."""
        webhooks = self.at.sandbox.webhooks
        while self.raging:
            for event in EVENTS:
                webhooks.slow(event, self.chance.choice((0.0, 0.0, 0.5, 2.0)))
            events = [delivery for delivery in webhooks.deliveries if delivery.event in EVENTS and delivery.body]
            if events:
                await webhooks.redeliver(self.chance.choice(events), self.chance.randint(1, 3))
                self.done["events repeated"] += 1
            if self.chance.random() < 0.2:
                webhooks.lose(self.chance.choice(EVENTS))
                self.done["events lost"] += 1
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))

    async def rage(self) -> None:
        """One trouble after the other."""
        while self.raging:
            await asyncio.sleep(self.chance.uniform(0.5, 3.0))
            trouble = self.chance.choice(("kill", "kill", "cut", "slow database", "slow shop", "shop refuses", "mail", "calm"))
            self.done[trouble] += 1
            if trouble == "kill":
                name = self.chance.choice(list(self.processes))
                self.kill(name)
                await asyncio.sleep(self.chance.uniform(0.0, 2.0))
                self.start(name)
            elif trouble == "cut":
                self.chance.choice((self.database, self.web)).cut()
            elif trouble == "slow database":
                self.database.seconds = self.chance.uniform(0.005, 0.05)
            elif trouble == "slow shop":
                self.at.wire.seconds = self.chance.uniform(0.1, 1.0)
            elif trouble == "shop refuses":
                self.at.wire.status, self.at.wire.only = 503, self.chance.choice(REFUSED)
            elif trouble == "mail":
                self.mailbox.trouble = 0.5
            else:
                self.calm()

    def calm(self) -> None:
        """No trouble but kills and cuts."""
        self.database.seconds = self.at.wire.seconds = self.mailbox.trouble = 0.0
        self.at.wire.status, self.at.wire.only = None, ""

    async def clear(self) -> None:
        """The end of it: everything works, every process runs, what gave up runs again, what was lost is looked for."""
        self.calm()
        for event in EVENTS:
            self.at.sandbox.webhooks.slow(event, 0.0)
            self.at.sandbox.webhooks._lost[event] = 0
        for name, process in self.processes.items():
            if process.poll() is not None:
                self.start(name)
        await self.settle()
        for number in await self.recorded():
            await self.at.wire_came(number)
        await self.settle()

    async def settle(self) -> None:
        """Wait until all work is through, as it would be after an hour: by the schedule's own workflows, sooner."""
        for workflow in ("reconcile", "look_again"):
            await self.at.start(workflow, f"{workflow}:{time.monotonic_ns()}", datetime.now(UTC), None)
            await self.at.idle(CALM_SECONDS)

    async def differences(self) -> list[str]:
        """What is not as it must be; empty after a storm that was weathered."""
        found = [f"check: {name}: {rows}" for name, rows in (await self.at.contradictions()).items()]
        async with self.at.rows() as session:
            orders = (await session.scalars(select(ResellerOrder))).all()
            licenses = (await session.scalars(select(License).where(License.kind == LicenseKind.PERMANENT))).all()
            mails = (await session.scalars(select(Mail))).all()
        shop = [order for order in self.at.sandbox.store.orders if any(item.events for item in order.transactions)]
        known = {row.saleor_order_id for row in orders}
        found += [f"order {order.number} is not in the program" for order in shop if order.id not in known]
        for row in orders:
            lines = Counter(license.order_line_id for license in licenses if license.order_id == row.id)
            if lines != Counter(line.id for line in row.lines):
                found.append(f"order {row.number}: {dict(lines)} licenses for {len(row.lines)} lines")
            own = [mail for mail in mails if mail.order_id == row.id]
            if sorted(mail.kind for mail in own) != RELEASED or {mail.state for mail in own} != {"sent"}:
                found.append(f"order {row.number}: mails {[(mail.kind, mail.state) for mail in own]}")
            found += [
                f"order {row.number}: {mail.kind} never arrived" for mail in own if not self.mailbox.received[mail.message_id]
            ]
            order = self.at.order(row.number)
            charged = [event.amount for item in order.transactions for event in item.events if event.type == "CHARGE_SUCCESS"]
            if charged != [order.gross] or len(order.fulfillments) != 1 or order.status != "FULFILLED":
                found.append(f"order {row.number}: {charged} charged, {len(order.fulfillments)} fulfillments, {order.status}")
        found += [
            f"a mail nobody knows: {name}" for name in self.mailbox.received if name not in {mail.message_id for mail in mails}
        ]
        return found


async def weather(url: str, seconds: float, seed: int, directory: Path) -> tuple[list[str], Counter[str], int, int]:
    """Let it rage so long; the differences, what was done, how many orders there are, and mails that came twice."""
    chance = random.Random(seed)
    program = PROGRAM.model_copy(update={"program": ProgramNumbers(prepaid_orders=10_000)})
    async with AsyncExitStack() as stack:
        ports = {name: stack.enter_context(reserved()) for name in SKEWS}
        mailbox = Mailbox(chance)
        post = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
        stack.callback(post.close)
        at = await stack.enter_async_context(journey(url, directory, worker=False, program=program))
        database, web = Gate([urlsplit(url).port or 5432], chance), Gate([ports["web-1"], ports["web-2"]], chance)
        for gate in (database, web):
            await gate.start()
            stack.push_async_callback(gate.close)
        settings = at.settings.model_copy(
            update={
                "database_url": url.replace(f":{urlsplit(url).port}/", f":{database.port}/"),
                "smtp_url": f"smtp://127.0.0.1:{post.sockets[0].getsockname()[1]}",
            }
        )
        storm = Storm(at, chance, settings, web, database, mailbox, directory, ports)
        for name in SKEWS:
            storm.start(name)
        stack.callback(storm.end)
        await at.until(lambda: both(ports), 240)
        storm.through(web)
        work: list[asyncio.Task[Any]] = [asyncio.create_task(part()) for part in (storm.pay, storm.repeat, storm.rage)]
        work += [asyncio.create_task(storm.buy()) for _ in range(BUYERS)]
        finished, _ = await asyncio.wait(work, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        storm.raging = False
        for task in finished:
            task.result()
        await asyncio.gather(*work)
        await storm.clear()
        twice = sum(count - 1 for count in mailbox.received.values())
        return await storm.differences(), storm.done, len(await storm.recorded()), twice


async def both(ports: dict[str, int]) -> bool:
    """Whether every process answers."""
    for name in SKEWS:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", ports[name])
            writer.close()
            continue
        return False
    return True


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--minutes", type=float, default=5.0)
    given.add_argument("--seed", type=int, default=int(time.time()))
    asked = given.parse_args()
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="reseller-storm-"))
        url = stack.enter_context(private_postgres((os.cpu_count() or 1) - 1))
        if url is None:
            sys.exit("PostgreSQL is not installed here.")
        CONSOLE.print(f"Seed {asked.seed}; the processes' logs lie in {directory}.")
        found, done, orders, twice = asyncio.run(weather(url, asked.minutes * 60, asked.seed, directory))
    for name, count in sorted(done.items()):
        if not name.startswith("order "):
            CONSOLE.print(f"  {name}: {count}")
    CONSOLE.print(f"  mails the server got twice, under the same Message-ID, for its answer was lost: {twice}")
    for difference in found[:50]:
        CONSOLE.print(f"[red]{difference}[/]")
    CONSOLE.print(f"{orders} orders; {len(found)} differences.")
    sys.exit(1 if found or not orders else 0)


if __name__ == "__main__":
    main()
