"""How long a document takes: an invoice cold (in a new process) under 150 ms, warm under 20 ms.

Run it with `python -m tests.bench.documents`.

Importing the program is counted apart: a worker does it once, before the first order.
"""

from __future__ import annotations

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


def milliseconds(data: InvoiceData) -> float:
    """One rendering."""
    begun = time.perf_counter()
    render_invoice(data)
    return (time.perf_counter() - begun) * 1000


def cold(name: str) -> float:
    """The first rendering of a new process."""
    code = f"from tests.bench.documents import DOCUMENTS, milliseconds; print(milliseconds(DOCUMENTS[{name!r}]()))"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> int:
    """Print the table; 1 where a bound does not hold. Sixty lines are shown, not bounded."""
    failed = False
    for name, make in DOCUMENTS.items():
        first = median(cold(name) for _ in range(5))
        times = [milliseconds(replace(make(), number=f"2026-{number:05d}")) for number in range(ROUNDS)]
        bounded = name != "invoice of 60 lines"
        failed |= bounded and (first > COLD or median(times) > WARM)
        sys.stdout.write(f"{name:24} cold {first:6.1f} ms   warm median {median(times):6.1f} ms   worst {max(times):6.1f} ms\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
