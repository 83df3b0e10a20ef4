"""The whole story against the sandbox, with a live display: `reseller demo`.

One process plays everybody: the shop (a stand-in Saleor), this program on SQLite with its worker, the people in their browsers.
Every scene checks what it brought; the first that is not as the rules say ends the demo with an error.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table

from app import logs, settings
from app.cli.files import listen
from app.cli.story import Story
from app.db import migrate
from app.db.session import Database
from app.main import running
from app.sandbox.app import create
from app.sandbox.seed import demo_store
from app.sandbox.serve import running as serving
from app.settings import Settings

Scene = tuple[str, Callable[[], Awaitable[str]]]


async def play(directory: str, *, port: int, once: bool) -> None:
    """Play the story and say where its files lie; stay up unless `once`. Raises ResellerError where a scene went wrong."""
    logs.configure(logging.ERROR)
    folder = Path(directory)
    for wanted in (port, port + 1) if port else ():
        listen("127.0.0.1", wanted).close()
    _clear(folder)
    async with _stage(folder, port) as story:
        scenes = story.scenes()
        done: list[tuple[str, str]] = []
        console = Console()
        with Live(_table(scenes, done, None), console=console, refresh_per_second=8) as live:
            for number, (_, scene) in enumerate(scenes):
                live.update(_table(scenes, done, number))
                done.append(("[green]done[/]", await scene()))
                live.update(_table(scenes, done, None))
        files = await story.write_files(folder)
        console.print("\n[bold]What it left behind[/]")
        for name, where in files.items():
            console.print(f"  {name}: {where}", soft_wrap=True)
        if once:
            return
        console.print(f"\nThe shop's API is at {story.shop_url}, the program at {story.services.settings.base_url}.")
        console.print(f"Staff's pages are in its Dashboard: {story.shop_url.removesuffix('graphql/')}dashboard/")
        console.print(
            "Look around with: " + _environment(story.services.settings) + " uv run reseller orders tasks", soft_wrap=True
        )
        console.print("Ctrl-C ends it.")
        await asyncio.Event().wait()


@asynccontextmanager
async def _stage(folder: Path, port: int) -> AsyncIterator[Story]:
    shop = create(demo_store())
    own_port = port or _free_port()
    async with serving(shop, port + 1 if port else 0) as shop_origin:
        configured = settings.load(
            _env_file=None,
            database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}",
            base_url=f"http://127.0.0.1:{own_port}",
            secret_keys=["a passphrase of the demo alone"],
            allowed_shops=[f"{shop_origin}/graphql/"],
            allow_private_addresses=True,
            mail_directory=str(folder / "mail"),
            files_url=str(folder / "files"),
            smtp_url="",
            shop={},
        )
        database = Database(configured.database_url)
        await migrate.upgrade(database)
        await database.close()
        async with (
            running(configured, worker=True) as (services, application),
            serving(application, own_port),
            httpx.AsyncClient() as http,
        ):
            yield Story(services, shop.state.sandbox, http, f"{shop_origin}/graphql/")


def _table(scenes: list[Scene], done: list[tuple[str, str]], playing: int | None) -> Table:
    table = Table(title="The reseller program: one order after the other, from checkout to license", expand=True)
    table.add_column("", width=7)
    table.add_column("Scene", ratio=2)
    table.add_column("What came of it", ratio=3)
    for number, (title, _) in enumerate(scenes):
        if number < len(done):
            table.add_row(done[number][0], title, done[number][1])
        else:
            table.add_row("[yellow]plays[/]" if number == playing else "", title, "")
    return table


def _environment(used: Settings) -> str:
    return (
        f"RESELLER_BASE_URL={used.base_url} RESELLER_DATABASE_URL={used.database_url} "
        f"RESELLER_SECRET_KEYS='{used.secret_keys[0]}'"
    )


def _clear(folder: Path) -> None:
    """Take away what an earlier demo left, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in ("demo.db*", "mail/*/*.eml", "files/*"):
        for old in folder.glob(pattern):
            old.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
