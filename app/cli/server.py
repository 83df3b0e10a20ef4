"""Running the program: serve, worker, demo, and bringing its database up."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import typer
import uvicorn
import uvloop

from app import logs, sentry, settings, tracing
from app.cli import demo as story
from app.cli.common import Json, show
from app.cli.files import listen
from app.db import migrate as schema_steps
from app.db.session import Database
from app.main import running
from app.orders.services import Services
from app.sandbox.serve import running as serving
from app.web.metrics import operations_application


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    for command in (serve, worker, demo, migrate, schema):
        cli.command()(command)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8001,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="No worker in this process; run `reseller worker` beside it.")
    ] = False,
) -> None:
    """Answer Saleor, and do the durable work in the same process unless --web-only is given."""

    async def work() -> None:
        configured = settings.load()
        settings.need_base_url(configured)
        _observe(configured)
        with listen(host, port) as listening:
            await _upgrade(configured.database_url)
            async with (
                running(configured, worker=not web_only) as (services, application),
                _operations(services),
            ):
                server = _Server(uvicorn.Config(application, log_config=None, access_log=False, lifespan="off"))
                await server.serve(sockets=[listening])

    # The loop the figures of performance.md are measured on.
    uvloop.run(work())


def worker() -> None:
    """Do the durable work only: releases, reports to Saleor, mails, reconciliation. RESELLER_WORKER_ID names this one."""

    async def work() -> None:
        configured = settings.load()
        settings.need_base_url(configured)
        _observe(configured)
        await _upgrade(configured.database_url)
        ended = asyncio.Event()
        for kind in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(kind, ended.set)
        async with running(configured, worker=True) as (services, _), _operations(services):
            typer.echo(f"Worker {configured.worker_id} is at work.")
            await ended.wait()

    asyncio.run(work())


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story, check its results and end with status 0.")] = False,
    directory: Annotated[str, typer.Option(help="Where the database, mails and documents of the demo go.")] = "var/demo",
    port: Annotated[
        int, typer.Option(min=0, max=65534, help="Port of the app; the sandbox takes the next one. 0 takes free ones.")
    ] = 0,
) -> None:
    """Play the whole story against a stand-in Saleor on this machine, on SQLite, with nothing else installed."""
    asyncio.run(story.play(directory, port=port, once=once))


def migrate(as_json: Json = False) -> None:
    """Bring the database to the newest schema. Running it again changes nothing."""

    async def work(database: Database) -> dict[str, Any]:
        before = await schema_steps.revision(database)
        return {"from": before, "to": await schema_steps.upgrade(database)}

    show(_with_database(work), as_json=as_json)


def schema(
    new: Annotated[str, typer.Option(help="Write the next migration with this message (for developers).")] = "",
    as_json: Json = False,
) -> None:
    """Say at which revision the database is; with --new, write the step to the mapped tables."""

    async def work(database: Database) -> dict[str, Any]:
        if new:
            await schema_steps.revise(database, new)
        return {"revision": await schema_steps.revision(database), "newest": schema_steps.head()}

    show(_with_database(work), as_json=as_json)


class _Server(uvicorn.Server):
    """Ends in order on a signal and lets the rest of the process do so, too: uvicorn would kill it with the signal afterwards."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for kind in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(kind, self.handle_exit, kind, None)
        yield


def _observe(configured: settings.Settings) -> None:
    logs.take_over(logging.getLevelNamesMapping()[configured.log_level.upper()])
    tracing.configure(configured)
    sentry.configure(configured)


@asynccontextmanager
async def _operations(services: Services) -> AsyncIterator[None]:
    """The operators' own port for as long as the block lasts, where the settings name one."""
    configured = services.settings
    try:
        if not configured.operations_port:
            yield
            return
        async with serving(operations_application(services), configured.operations_port, configured.operations_host):
            yield
    finally:
        tracing.close()


async def _upgrade(url: str) -> None:
    database = Database(url)
    try:
        await schema_steps.upgrade(database)
    finally:
        await database.close()


def _with_database(work: Callable[[Database], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def opened() -> dict[str, Any]:
        database = Database(settings.load().database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())
