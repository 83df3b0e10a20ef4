"""What measuring costs a webhook: `uv run python -m tests.bench.observing`. Asserts nothing.

The whole of what `signed_endpoint` does for metrics and traces around one answer, with tracing off, and logs' cost of one line.
"""

from __future__ import annotations

import timeit

from rich.console import Console
from rich.table import Table

from app import logs, metrics, tracing

CALLS = 200_000
CONSOLE = Console()


def measured() -> float:
    """Seconds of one webhook's metrics and of asking whether spans are made."""
    now, done = metrics.webhook_timer("bench")

    def one() -> None:
        began = now()
        if not tracing.on():
            done(began, metrics.OK)

    return min(timeit.repeat(one, number=CALLS, repeat=5)) / CALLS


def redacting() -> float:
    """Seconds of taking secrets out of one usual line."""
    line = {
        "event": "webhook_refused",
        "path": "/api/webhooks/order-created",
        "status": 422,
        "sentence": "The order 1042 is held.",
    }
    return min(timeit.repeat(lambda: logs.redacted(line), number=CALLS // 20, repeat=5)) / (CALLS // 20)


def main() -> None:
    shown = Table("what", "µs", title="observing")
    shown.add_row("metrics of one webhook, traces off", f"{measured() * 1e6:.2f}")
    shown.add_row("redaction of one log line", f"{redacting() * 1e6:.2f}")
    CONSOLE.print(shown)


if __name__ == "__main__":
    main()
