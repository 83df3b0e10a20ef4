"""The `reseller` command. Each part prints for people, or JSON with `--json`.

Exit codes: 0 done; 1 refused or wrong, with a sentence on standard error; 2 wrong use of the command itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

import app.tables  # noqa: F401 - the schema commands need every table
from app import settings
from app.db import migrate as schema_steps
from app.db.session import Database
from app.errors import ResellerError

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__.splitlines()[0])

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def show(data: dict[str, Any], *, as_json: bool) -> None:
    """Print one result: as JSON, or a line per value."""
    text = json.dumps(data, default=str) if as_json else "\n".join(f"{name}: {value}" for name, value in data.items())
    typer.echo(text)


def with_database(work: Callable[[Database], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    """Run one piece of work on the configured database and close it."""

    async def run() -> dict[str, Any]:
        database = Database(settings.load().database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@cli.command()
def migrate(as_json: Json = False) -> None:
    """Bring the database to the newest schema. Running it again changes nothing."""

    async def work(database: Database) -> dict[str, Any]:
        before = await schema_steps.revision(database)
        return {"from": before, "to": await schema_steps.upgrade(database)}

    show(with_database(work), as_json=as_json)


@cli.command()
def schema(
    new: Annotated[str, typer.Option(help="Write the next migration with this message (for developers).")] = "",
    as_json: Json = False,
) -> None:
    """Say at which revision the database is; with --new, write the step to the mapped tables."""

    async def work(database: Database) -> dict[str, Any]:
        if new:
            await schema_steps.revise(database, new)
        return {"revision": await schema_steps.revision(database), "newest": schema_steps.head()}

    show(with_database(work), as_json=as_json)


def main() -> None:
    """Entry of the command: errors of the program become a sentence on standard error and exit code 1."""
    try:
        cli()
    except ResellerError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201 - the one place that speaks to the operator
        sys.exit(1)
