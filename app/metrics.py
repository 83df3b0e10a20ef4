"""What this process counts, as Prometheus reads it (`app.web.metrics` shows it). Names and labels are the operator's API.

What is counted here happened in this process; what stands in the database is measured when somebody asks (`orders.measures`).
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from prometheus_client import Counter, Histogram

WEBHOOK_SECONDS = Histogram(
    "reseller_webhook_seconds",
    "Seconds from a webhook's headers to its answer, by event and by outcome: ok, or the code of the refusal.",
    ["event", "outcome"],
    # Few: each observation walks them up to its own, and the tax webhook pays for every step.
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)
JWKS_REFRESHES = Counter(
    "reseller_jwks_refreshes", "Times a shop's keys were fetched again: changed, unchanged, or unreachable.", ["outcome"]
)
MAIL_ATTEMPTS = Counter(
    "reseller_mail_attempts", "Mails handed to the mail server: sent, failed for good, or later.", ["outcome"]
)

OK = "ok"


def webhook_timer(event: str) -> tuple[Callable[[], float], Callable[[float, str], None]]:
    """The clock of one webhook and what takes its beginning and its outcome. Outcomes are codes of `app.errors`, so few."""
    of_event: dict[str, Callable[[float], None]] = {OK: WEBHOOK_SECONDS.labels(event, OK).observe}

    def done(began: float, outcome: str) -> None:
        observe = of_event.get(outcome)
        if observe is None:
            observe = of_event[outcome] = WEBHOOK_SECONDS.labels(event, outcome).observe
        observe(perf_counter() - began)

    return perf_counter, done
