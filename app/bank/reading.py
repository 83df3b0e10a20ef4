"""Reading a bank file to its end before anything of it is kept: a file that is refused half way leaves nothing half done.

Its lines wait on disk, so that a file of any length needs little memory.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import IO

import msgspec

from app.bank.batches import Batch, Place, places_of
from app.bank.lines import BankItem, BankLine, BankStream, RefusedLine, StatementEnd, StatementHeader
from app.bank.prints import day_of, fingerprint
from app.bank.search import folded
from app.errors import InvalidInput

PROGRESS_EVERY = 1000


@dataclass(slots=True)
class ReadStatement:
    """One statement of the file: what it says of itself, and the days its lines lie between."""

    account: str
    header: StatementHeader
    end: StatementEnd | None = None
    first_day: date | None = None
    last_day: date | None = None


class ReadLine(msgspec.Struct, frozen=True, gc=False):
    """A line with its place in the file and what identifies it."""

    number: int
    account: str
    fingerprint: str
    occurrence: int
    line: BankLine


@dataclass(slots=True)
class ReadFile:
    """A whole file; `lines` gives its lines as often as they are wanted."""

    spool: IO[bytes]
    statements: list[ReadStatement] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    prints: defaultdict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each fingerprint is in the file, by account; as bytes, for a file may have a million lines."""
    batches: defaultdict[Place, Batch] = field(default_factory=lambda: defaultdict(Batch))
    """Lines that are parts of collective entries, or such entries as a whole, together."""
    count: int = 0

    def times(self, account: str, fingerprint: str) -> int:
        """How often the file has this line."""
        return self.prints[account][bytes.fromhex(fingerprint)] if account in self.prints else 0

    def lines(self, size: int) -> Iterator[list[ReadLine]]:
        """The lines in their order, at most `size` at a time."""
        self.spool.seek(0)
        decoder = msgspec.msgpack.Decoder(ReadLine)
        batch = []
        while head := self.spool.read(4):
            batch.append(decoder.decode(self.spool.read(int.from_bytes(head, "big"))))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def close(self) -> None:
        """Forget the lines."""
        self.spool.close()


def read(stream: BankStream, *, account: str = "", progress: Callable[[int], None] | None = None) -> ReadFile:
    """Read a parser's stream to its end. `account` is whose file it is where the file does not say.

    Raises what the parser raises, and InvalidInput for lines that belong to no account.
    """
    found = ReadFile(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as what is returned
    encoder = msgspec.msgpack.Encoder()
    try:
        for item in stream:
            _take(found, item, account, encoder)
            if progress is not None and found.count % PROGRESS_EVERY == 0 and isinstance(item, BankLine):
                progress(found.count)
    except BaseException:
        found.close()
        raise
    return found


def _take(found: ReadFile, item: BankItem, account: str, encoder: msgspec.msgpack.Encoder) -> None:
    match item:
        case StatementHeader():
            found.statements.append(ReadStatement(_account(item.account, account, item.position), item))
        case StatementEnd():
            found.statements[-1].end = item
        case RefusedLine():
            found.refused.append(item)
        case BankLine():
            own = found.statements[-1].account if found.statements else ""
            # The balance is in the statement's account; a line of a collective statement may name its own.
            whose = folded(item.account) if item.account else own or _account(None, account, item.position)
            printed = fingerprint(item)
            found.prints[whose][bytes.fromhex(printed)] += 1
            found.count += 1
            for place in places_of(whose, item):
                found.batches[place].take(item.amount, item.bank_reference, item.batch)
            kept = ReadLine(found.count, whose, printed, found.times(whose, printed), replace(item, account=whose))
            data = encoder.encode(kept)
            found.spool.write(len(data).to_bytes(4, "big") + data)
            if found.statements and (day := day_of(item)) is not None:
                statement = found.statements[-1]
                statement.first_day = min(day, statement.first_day or day)
                statement.last_day = max(day, statement.last_day or day)


def _account(named: str | None, given: str, position: str) -> str:
    account = folded(named or given)
    if not account:
        raise InvalidInput(
            f"{position}: the file does not say whose account it is of; name it with --account.", code="unknown_account"
        )
    return account
