"""How fast and in how much memory a bank file is read: `uv run python -m tests.bench.bank_parse [--megabytes 200]`.

The CAMT file is made on the fly and exists nowhere as a whole. Each size is read in a process of its own, whose peak memory is
the kernel's figure and so counts the interpreter and all imports. CPU seconds, as other work may share the machine.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO

from app.bank import camt
from tests.bank.writers import Movement, camt_pieces

LIMIT_MB = 100


def movements(megabytes: float, written: Source) -> Iterator[Movement]:
    """Payments until the file has that size."""
    first, number = date(2026, 1, 1), 0
    while written.given < megabytes * 1_000_000:
        day = first + timedelta(number // 5000 % 300)
        yield Movement(
            100 + number, day, day, f"Payer number {number}", f"Invoice 2026-{number:06} RF18539007547034", f"REF{number}"
        )
        number += 1


class Source(BytesIO):
    """Gives the file in pieces while it is being made."""

    def __init__(self, megabytes: float) -> None:
        super().__init__()
        self.given = 0
        self._left = bytearray()
        self._pieces = camt_pieces(movements(megabytes, self))

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        while len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece.encode()
        given = bytes(self._left[:size])
        del self._left[:size]
        self.given += len(given)
        return given


def one(megabytes: float) -> None:
    """Read one file and print its line of the table."""
    writing = Source(megabytes)
    began = time.process_time()
    while writing.read(65536):
        pass
    making = time.process_time() - began
    source = Source(megabytes)
    began = time.process_time()
    lines = sum(1 for _ in camt.read(source)) - 2
    seconds = time.process_time() - began - making
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201
        f"{source.given / 1e6:8.1f} MB {lines:9} lines {seconds:7.2f} s {lines / seconds:9.0f} lines/s  peak {peak:6.1f} MB"
    )
    if peak > LIMIT_MB:
        sys.exit(f"The peak is above {LIMIT_MB} MB.")


def main() -> None:
    """Read files of three sizes up to the one asked for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=float, default=200)
    options.add_argument("--one", action="store_true", help="Only this size, in this process.")
    given = options.parse_args()
    if given.one:
        one(given.megabytes)
        return
    for part in (100, 10, 1):
        command = [sys.executable, "-m", "tests.bench.bank_parse", "--one", "--megabytes", str(given.megabytes / part)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
