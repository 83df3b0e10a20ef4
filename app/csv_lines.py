"""The lines of a CSV file that people wrote: comma or semicolon as the header has it, and what is no CSV named by its line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator


def records(lines: Iterable[str], wrong: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that is not blank; what is no CSV is told to `wrong`. A byte-order mark is left out."""
    source = iter(lines)
    first = next(source, "")
    rows = csv.reader(_chained(first, source), delimiter=";" if ";" in first else ",", strict=True)
    while True:
        number = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            wrong.append(f"line {number}: it is not CSV: {error}.")
            continue
        if any(cell.strip() for cell in cells):
            yield number, cells


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first.removeprefix("\ufeff")
    yield from rest
