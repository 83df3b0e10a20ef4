"""What the tests of bank files share: parse bytes or a sample, and look at the parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from pathlib import Path

from app.bank.csv_mapping import CsvMapping
from app.bank.formats import Format, read
from app.bank.lines import BankLine, RefusedLine, StatementEnd, StatementHeader

SAMPLES = Path(__file__).parent / "samples"


@dataclass
class Parsed:
    """The parts of one file."""

    format: Format
    headers: list[StatementHeader] = field(default_factory=list)
    lines: list[BankLine] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    ends: list[StatementEnd] = field(default_factory=list)

    @property
    def amounts(self) -> list[str]:
        return [f"{line.amount:f}" for line in self.lines]

    @property
    def only(self) -> BankLine:
        (line,) = self.lines
        return line


def parse(data: bytes | str, mapping: CsvMapping | None = None) -> Parsed:
    """All of a file. Every statement must begin and end, and its end must count its lines."""
    found, stream = read(BytesIO(data.encode() if isinstance(data, str) else data), mapping)
    parsed = Parsed(found)
    counted = 0
    for item in stream:
        if isinstance(item, StatementHeader):
            assert len(parsed.headers) == len(parsed.ends)
            parsed.headers.append(item)
            counted = 0
        elif isinstance(item, StatementEnd):
            assert item.lines == counted
            parsed.ends.append(item)
        elif isinstance(item, BankLine):
            parsed.lines.append(item)
            counted += 1
        else:
            parsed.refused.append(item)
    assert len(parsed.headers) == len(parsed.ends)
    return parsed


def sample(name: str, mapping: CsvMapping | None = None) -> Parsed:
    """A sample file."""
    return parse((SAMPLES / name).read_bytes(), mapping)


ZERO = Decimal(0)
