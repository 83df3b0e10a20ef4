"""How long a document takes: an invoice cold (in a new process) under 150 ms, warm under 20 ms; a statement of 500 orders
under 1 s.

Run it with `python -m tests.bench.documents`. On a busy machine the CPU's time says more than the clock's; both are printed, and
the load.

Importing the program is counted apart: a worker does it once, before the first order.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from app.documents.invoice import render_invoice
from app.documents.statement import render_statement
from tests.documents.samples import SELLER, invoice
from tests.statements.samples import many

BERLIN = SELLER.model_copy(update={"country": "DE", "state": "", "tax_number": "DE123456789"})


def print_invoice(lines: int, number: int) -> None:
    render_invoice(invoice(lines, number=f"2026-{number:05d}"))


def print_structured(number: int) -> None:
    render_invoice(invoice(2, "EUR", "de", seller=BERLIN, structured=True, number=f"2026-{number:05d}"))


def print_statement(orders: int, number: int) -> None:
    render_statement(many(orders, "en", number=f"S2026-{number:05d}"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How a document is made, a new one by each number; the milliseconds it may take cold and warm, 0 for no bound; how often."""

    made: Callable[[int], None]
    cold: float = 0
    warm: float = 0
    rounds: int = 40


DOCUMENTS = {
    "invoice": Bounds(lambda number: print_invoice(2, number), 150, 20),
    "invoice with XML": Bounds(print_structured, 150, 20),
    "invoice of 60 lines": Bounds(lambda number: print_invoice(60, number)),
    "statement of 12 orders": Bounds(lambda number: print_statement(12, number)),
    "statement of 500 orders": Bounds(lambda number: print_statement(500, number), 1000, 1000, 8),
}


def milliseconds(name: str, number: int = 0) -> tuple[float, float]:
    """One document: by the clock, and of the CPU."""
    begun, busy = time.perf_counter(), time.process_time()
    DOCUMENTS[name].made(number)
    return (time.perf_counter() - begun) * 1000, (time.process_time() - busy) * 1000


def cold(name: str) -> tuple[float, float]:
    """The first document of a new process."""
    code = f"from tests.bench.documents import milliseconds; print(*milliseconds({name!r}))"
    clock, cpu = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return float(clock), float(cpu)


def medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    """The median by the clock, and of the CPU."""
    return median(clock for clock, _ in times), median(cpu for _, cpu in times)


def main() -> int:
    """Print the table; 1 where a bound does not hold by the clock."""
    failed = False
    for name, bounds in DOCUMENTS.items():
        first, first_cpu = medians([cold(name) for _ in range(5)])
        milliseconds(name)  # the first one of this process is not warm
        times = [milliseconds(name, number) for number in range(1, bounds.rounds + 1)]
        usual, usual_cpu = medians(times)
        missed = [kind for kind, took, bound in (("cold", first, bounds.cold), ("warm", usual, bounds.warm)) if 0 < bound < took]
        failed |= bool(missed)
        sys.stdout.write(
            f"{name:24} cold {first:6.1f} ms (CPU {first_cpu:6.1f})   warm median {usual:6.1f} ms (CPU {usual_cpu:6.1f})   "
            f"worst {max(times)[0]:6.1f} ms{''.join(f'   {kind} too slow' for kind in missed)}\n"
        )
    sys.stdout.write(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
