"""The file of dated rates by state and ZIP, read as a whole with every wrong line named (`rules.md` 10.4)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.csv_lines import records
from app.errors import InvalidInput
from app.resellers.addresses import us_state

REQUIRED = ("state", "rate", "valid_from")
COLUMNS = (*REQUIRED, "zip", "valid_to", "tax_class")
_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")
_ZIP = re.compile(r"[0-9]{5}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Place = tuple[str, str, str, date]
"""State, ZIP, tax class and first day: there is one rate for each."""


@dataclass(frozen=True, slots=True)
class RateLine:
    """One line of the file: where and from when, and the rate in percent with its last day."""

    place: Place
    rate: Decimal
    valid_to: date | None


def read_rates(text: str) -> list[RateLine]:
    """The lines of a rate file: a header, then state, rate in percent and first day, with ZIP, last day and tax class optional.

    The separator, comma or semicolon, is the header's. Raises InvalidInput that lists every wrong line with its number.
    """
    wrong: list[str] = []
    rows = records(io.StringIO(text, newline=""), wrong)
    names = [name.strip().lower() for name in next(rows, (1, []))[1]]
    if missing := [name for name in REQUIRED if name not in names]:
        raise InvalidInput(
            f"line 1: the header lacks {', '.join(missing)}; it has the names {', '.join(COLUMNS)}.", code="rate_file"
        )
    if strange := [name for name in names if name not in COLUMNS or names.count(name) > 1]:
        raise InvalidInput(
            f"line 1: the header has {strange[0]!r} unknown or twice; known are {', '.join(COLUMNS)}.", code="rate_file"
        )
    lines: dict[Place, RateLine] = {}
    numbers: dict[Place, int] = {}
    for number, cells in rows:
        try:
            line = _line(names, cells)
            if line.place in lines:
                raise InvalidInput(f"it repeats line {numbers[line.place]}: same state, zip, tax class and first day.")
        except InvalidInput as error:
            wrong.append(f"line {number}: {error.sentence}")
        else:
            lines[line.place], numbers[line.place] = line, number
    if wrong:
        raise InvalidInput("Nothing was imported; these lines are wrong:\n" + "\n".join(wrong), code="rate_file")
    return list(lines.values())


def _line(names: list[str], cells: list[str]) -> RateLine:
    if len(cells) != len(names):
        raise InvalidInput(f"it has {len(cells)} columns, the header {len(names)}.")
    cell = dict.fromkeys(COLUMNS, "") | {name: text.strip() for name, text in zip(names, cells, strict=True)}
    if not _RATE.fullmatch(cell["rate"]) or Decimal(cell["rate"]) > 100:
        raise InvalidInput(f"rate: {cell['rate']!r} is not a percentage with a decimal point, like 8.25.")
    if cell["zip"] and not _ZIP.fullmatch(cell["zip"]):
        raise InvalidInput(f"zip: {cell['zip']!r} has not five digits (spreadsheets drop leading zeros).")
    start = _day(cell["valid_from"], "valid_from")
    end = _day(cell["valid_to"], "valid_to") if cell["valid_to"] else None
    if end is not None and end < start:
        raise InvalidInput(f"valid_to: {end} is before the first day {start}.")
    return RateLine((us_state(cell["state"]), cell["zip"], cell["tax_class"], start), Decimal(cell["rate"]), end)


def _day(text: str, field: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{field}: {text!r} is not a day: {error}.") from error
    raise InvalidInput(f"{field}: {text!r} is not a day like 2026-03-01.")
