"""Bank files: what a file says, without touching the books."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

import typer

from app.bank.csv_mapping import EXAMPLE, CsvMapping, read_mapping
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


File = Annotated[Path, typer.Argument(help="CAMT.052/053/054, MT940, OFX/QFX, BAI2, or CSV with --mapping.")]
Mapping = Annotated[
    Path | None, typer.Option(help="JSON file that says what a CSV's columns mean; `bank mapping` prints one to begin with.")
]


@bank.command()
def parse(file: File, mapping: Mapping = None, as_json: Json = False) -> None:
    """Print a bank file's lines as they are understood; exit code 1 where the file or one of its lines is refused."""
    _show(file, mapping, _lines_json if as_json else _lines_text, as_json=as_json)


@bank.command()
def statements(file: File, mapping: Mapping = None, as_json: Json = False) -> None:
    """Print a bank file's format, statements with their balances, and refused lines; exit codes as `parse` has them."""

    def facts(found: Format, seen: _Seen, spool: IO[str]) -> None:
        refused = [{"position": line.position, "code": line.code, "sentence": line.sentence} for line in seen.refused]
        show({"format": found.value, "statements": seen.statements, "refused": refused}, as_json=as_json)

    _show(file, mapping, facts, as_json=as_json)


def _show(file: Path, mapping: Path | None, answer: Callable[[Format, _Seen, IO[str]], None], *, as_json: bool) -> None:
    # The lines wait in a file of their own: nothing of a file that is refused at its end is printed, however long it is.
    with file.open("rb") as source, TemporaryFile("w+", encoding="utf-8") as spool:
        try:
            found, stream = read(source, _mapping(mapping) if mapping else None)
            seen = _spooled(stream, spool, as_json=as_json)
        except InvalidInput as error:
            if as_json:
                position = error.position if isinstance(error, FileRefused) else None
                show({"error": {"code": error.code, "sentence": error.sentence, "position": position}}, as_json=True)
            raise
        spool.seek(0)
        answer(found, seen, spool)
    for refused in seen.refused:
        typer.echo(f"{refused.position}: {refused.sentence}", err=True)
    if any(refused.code != ZERO_AMOUNT for refused in seen.refused):
        raise typer.Exit(1)


@bank.command("mapping")
def print_mapping(as_json: Json = False) -> None:
    """Print the mapping of a CSV file as JSON, to be changed to what your bank's file looks like."""
    typer.echo(json.dumps(EXAMPLE, ensure_ascii=False, indent=None if as_json else 2))


@dataclass
class _Seen:
    """What the file holds besides its lines."""

    statements: list[dict[str, Any]] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


def _mapping(path: Path) -> CsvMapping:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}.", code="mapping") from error
    if not isinstance(data, dict):
        raise InvalidInput(f"{path} is not a JSON object.", code="mapping")
    return read_mapping(data)


def _spooled(stream: BankStream, spool: IO[str], *, as_json: bool) -> _Seen:
    seen = _Seen()
    separator = ""
    for item in stream:
        if isinstance(item, BankLine):
            spool.write(separator + (json.dumps(line_as_json(item), ensure_ascii=False) if as_json else _row(item)))
            separator = ", " if as_json else "\n"
        elif isinstance(item, StatementHeader):
            seen.statements.append(_header(item))
        elif isinstance(item, StatementEnd):
            seen.statements[-1] |= {
                "closing": _balance(item.closing),
                "last_page": item.last_page,
                "lines": item.lines,
                "difference": None if item.difference is None else f"{item.difference:f}",
            }
        else:
            seen.refused.append(item)
    return seen


def _lines_json(found: Format, seen: _Seen, spool: IO[str]) -> None:
    typer.echo("[", nl=False)
    _copy(spool)
    typer.echo("]")


def _lines_text(found: Format, seen: _Seen, spool: IO[str]) -> None:
    show({"format": found.value, "statements": seen.statements}, as_json=False)
    typer.echo("lines:")
    _copy(spool)
    typer.echo()


def _copy(spool: IO[str]) -> None:
    while piece := spool.read(64 * 1024):
        sys.stdout.write(piece)


def _header(header: StatementHeader) -> dict[str, Any]:
    return {
        "kind": header.kind.value,
        "account": header.account,
        "currency": header.currency,
        "id": header.statement_id,
        "sequence": header.sequence,
        "page": header.page,
        "opening": _balance(header.opening),
        "position": header.position,
    }


def _balance(balance: Balance | None) -> dict[str, Any] | None:
    if balance is None:
        return None
    return {
        "amount": f"{balance.amount:f}",
        "currency": balance.currency,
        "date": balance.date and balance.date.isoformat(),
        "intermediate": balance.intermediate,
    }


def _row(line: BankLine) -> str:
    said = " ".join(filter(None, [line.payer_name, line.reference_structured, line.reference_text]))
    # What strangers wrote does not steer the operator's terminal.
    said = "".join(character if character.isprintable() else " " for character in said)
    marks = [line.status.value, "reversal" if line.reversal else "", "batch" if line.batch else ""]
    day = line.booking_date or line.value_date or "-"
    return f"  {day} {line.amount:f} {line.currency} {' '.join(filter(None, marks))}: {said or '-'}"
