"""Two web and two worker processes on one PostgreSQL share the work: both of each take part, and nothing is done twice."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from aiosmtpd.smtp import SMTP

from app.db.jobs import system_url
from app.sandbox.seed import EXEMPT, RESELLER
from app.settings import ProgramNumbers
from tests.conftest import postgres_database
from tests.faults.gates import Gate, Mailbox
from tests.faults.storm import SKEWS, Storm, both
from tests.journeys.harness import PROGRAM, journey, reserved

ORDERS = 6


async def test_two_web_and_two_worker_processes_share_the_work_and_do_nothing_twice(postgres_url: str, tmp_path: Path) -> None:
    chance = random.Random(1)
    program = PROGRAM.model_copy(update={"program": ProgramNumbers(prepaid_orders=100)})
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres_database(postgres_url))
        ports = {name: stack.enter_context(reserved()) for name in SKEWS}
        mailbox = Mailbox(chance)
        post = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
        stack.callback(post.close)
        at = await stack.enter_async_context(journey(url, tmp_path, worker=False, program=program))
        web = Gate([ports["web-1"], ports["web-2"]], chance)
        database = Gate([urlsplit(url).port or 5432], chance)
        for gate in (web, database):
            await gate.start()
            stack.push_async_callback(gate.close)
        settings = at.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{post.sockets[0].getsockname()[1]}"})
        storm = Storm(at, chance, settings, web, database, mailbox, tmp_path, ports)
        stack.callback(storm.end)
        for name in SKEWS:
            storm.start(name)
        await at.until(lambda: both(ports), 240)
        storm.through(web)
        placed = await asyncio.gather(
            *(
                at.buy(RESELLER if number % 2 else EXEMPT, [("GRID-DEV", 1)], end_customer="c@customer.example")
                for number in range(ORDERS)
            )
        )
        for event in at.sandbox.webhooks.sent("ORDER_CREATED"):
            await at.sandbox.webhooks.redeliver(event, 2)
        await at.idle(240)
        for _, order in placed:
            await at.wire_came(order.number)
        await at.idle(240)
        assert await storm.differences() == []
        assert len(await storm.recorded()) == ORDERS
        assert set(mailbox.received.values()) == {1}
        assert workers_of(url) == {"worker-1", "worker-2"}


def workers_of(url: str) -> set[str]:
    """The workers that finished something."""
    engine = sa.create_engine(system_url(url))
    with engine.connect() as connection:
        found = connection.scalars(
            sa.text("SELECT DISTINCT executor_id FROM dbos.workflow_status WHERE status = 'SUCCESS'")
        ).all()
    engine.dispose()
    return set(found)
