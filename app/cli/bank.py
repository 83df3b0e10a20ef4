"""Bank files: what a file says, without touching the books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.bank.csv_mapping import CsvMapping, read_mapping
from app.bank.formats import Format, read
from app.bank.lines import (
    ZERO_AMOUNT,
    Balance,
    BankLine,
    BankStream,
    FileRefused,
    RefusedLine,
    StatementEnd,
    StatementHeader,
    line_as_json,
)
from app.cli.common import Json, show
from app.errors import InvalidInput

bank = typer.Typer(no_args_is_help=True, help="Bank files.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(bank, name="bank")


@bank.callback()
def _group() -> None:
    """Keep `parse` a command of its own while it is the only one."""


@bank.command()
def parse(
    file: Annotated[Path, typer.Argument(help="CAMT.052/053/054, MT940, OFX/QFX, BAI2, or CSV with --mapping.")],
    mapping: Annotated[Path | None, typer.Option(help="JSON file that says what a CSV's columns mean.")] = None,
    as_json: Json = False,
) -> None:
    """Print a bank file's lines as they are understood; exit code 1 where the file or a line of it is refused."""
    with file.open("rb") as source:
        try:
            found, stream = read(source, _mapping(mapping) if mapping else None)
            damaged = _print_json(found, stream) if as_json else _print_rows(stream)
        except FileRefused as error:
            _print_error(error, as_json=as_json)
            raise typer.Exit(1) from None
    if damaged:
        raise typer.Exit(1)
