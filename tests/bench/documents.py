"""How long a document takes: an invoice cold (in a new process) under 150 ms, warm under 20 ms.

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
from dataclasses import replace
from statistics import median

from app.documents.invoice import render_invoice
from app.documents.schemas import InvoiceData
from tests.documents.samples import SELLER, invoice

COLD, WARM, ROUNDS = 150.0, 20.0, 40
"""Milliseconds, and how often each document is made."""
BERLIN = SELLER.model_copy(update={"country": "DE", "state": "", "tax_number": "DE123456789"})


def structured() -> InvoiceData:
    return invoice(2, "EUR", "de", seller=BERLIN, structured=True)


DOCUMENTS: dict[str, Callable[[], InvoiceData]] = {
    "invoice": lambda: invoice(2),
    "invoice with XML": structured,
    "invoice of 60 lines": lambda: invoice(60),
}


def milliseconds(data: InvoiceData) -> tuple[float, float]:
    """One rendering: by the clock, and of the CPU."""
    begun, busy = time.perf_counter(), time.process_time()
    render_invoice(data)
    return (time.perf_counter() - begun) * 1000, (time.process_time() - busy) * 1000


def cold(name: str) -> tuple[float, float]:
    """The first rendering of a new process."""
    code = f"from tests.bench.documents import DOCUMENTS, milliseconds; print(*milliseconds(DOCUMENTS[{name!r}]()))"
    clock, cpu = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return float(clock), float(cpu)


def medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    """The median by the clock, and of the CPU."""
    return median(clock for clock, _ in times), median(cpu for _, cpu in times)


def main() -> int:
    """Print the table; 1 where a bound does not hold. Sixty lines are shown, not bounded."""
    failed = False
    for name, make in DOCUMENTS.items():
        first, first_cpu = medians([cold(name) for _ in range(5)])
        times = [milliseconds(replace(make(), number=f"2026-{number:05d}")) for number in range(ROUNDS)]
        usual, usual_cpu = medians(times)
        bounded = name != "invoice of 60 lines"
        failed |= bounded and (first > COLD or usual > WARM)
        sys.stdout.write(
            f"{name:24} cold {first:6.1f} ms (CPU {first_cpu:6.1f})   warm median {usual:6.1f} ms (CPU {usual_cpu:6.1f})   "
            f"worst {max(times)[0]:6.1f} ms\n"
        )
    sys.stdout.write(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
