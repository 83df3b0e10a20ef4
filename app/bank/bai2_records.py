"""Logical records of a BAI2 file: a line and its continuations (88), cut into fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from app.bank.lines import FileRefused
from app.bank.text import choose, numbered_lines
from app.bank.values import shown

_CODES = frozenset(["01", "02", "03", "16", "49", "88", "98", "99"])
_RECORD = re.compile(r"([0-9][0-9])(,|/|$)(.*)")
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
MAX_CONTINUATIONS = 500


class Fields:
    """Reads the fields of a record one after the other, over its continuations."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = [piece.split(",") for piece in pieces]
        self._piece = self._field = 0

    def more(self) -> bool:
        """Whether a field is left."""
        return self._piece < len(self._pieces)

    def next(self) -> str:
        """The next field without blanks around it; empty where the record has ended."""
        if not self.more():
            return ""
        fields = self._pieces[self._piece]
        field = fields[self._field]
        self._field += 1
        if self._field == len(fields):
            self._piece, self._field = self._piece + 1, 0
        return field.strip()

    def skip(self, count: int) -> None:
        """Step over fields."""
        for _ in range(count):
            self.next()

    def rest(self) -> list[str]:
        """The free text that ends a record, commas and all, a piece per physical line."""
        pieces = self._pieces[self._piece :]
        return [",".join(fields[self._field if number == 0 else 0 :]) for number, fields in enumerate(pieces)]


@dataclass(frozen=True, slots=True)
class Record:
    """A logical record; `lines` are the physical ones it goes over, which trailers count."""

    code: str
    pieces: tuple[str, ...]
    place: str
    lines: int

    def fields(self) -> Fields:
        """Its fields, from the first after the record code."""
        return Fields(self.pieces)


def records(source: BinaryIO) -> Iterator[Record]:
    """All logical records. Raises FileRefused for a line that is none."""
    code, pieces, began = "", [""], 0
    for number, line in numbered_lines(source, choose(source)):
        text = line.strip("\x1a \t")
        if not text:
            continue
        found = _RECORD.fullmatch(text)
        if not found or found[1] not in _CODES:
            raise FileRefused(f"line {number}", f"{shown(text)} is not a record of BAI2.", code="structure")
        content = found[3].removesuffix("/")
        if found[1] == "88":
            if not code:
                raise FileRefused(f"line {number}", "A continuation (88) continues nothing.", code="structure")
            if len(pieces) > MAX_CONTINUATIONS:
                raise FileRefused(f"line {number}", "A record has too many continuations.", code="size")
            pieces.append(content)
            continue
        if code:
            yield Record(code, tuple(pieces), f"line {began}", len(pieces))
        code, pieces, began = found[1], [content], number
    if code:
        yield Record(code, tuple(pieces), f"line {began}", len(pieces))


@dataclass(slots=True)
class Total:
    """What a trailer states: the sum of all amounts below it, and how many parts and records there were."""

    amounts: int = 0
    parts: int = 0
    records: int = 0

    def check(self, record: Record, *, parts: str | None, what: str) -> None:
        """Compare with the trailer `record` of a `what`. Raises FileRefused where they differ."""
        fields = record.fields()
        stated = [whole_number(fields.next(), record, "control total")]
        read = [self.amounts]
        if parts is not None:
            stated.append(whole_number(fields.next(), record, f"number of {parts}"))
            read.append(self.parts)
        stated.append(whole_number(fields.next(), record, "number of records"))
        read.append(self.records)
        if stated != read:
            names = (
                ["sum of amounts", f"number of {parts}", "number of records"]
                if parts
                else ["sum of amounts", "number of records"]
            )
            wrong = next(n for n, (said, found) in enumerate(zip(stated, read, strict=True)) if said != found)
            raise FileRefused(
                record.place,
                f"The {what}'s {names[wrong]} is {read[wrong]}, its trailer says {stated[wrong]}; lines are missing or changed.",
                code="control_total",
            )


def whole_number(digits: str, record: Record, what: str) -> int:
    """A field that is a whole number. Raises FileRefused."""
    if not WHOLE.fullmatch(digits):
        raise FileRefused(record.place, f"The {what} is {shown(digits)}, not a whole number.", code="control_total")
    return int(digits)
