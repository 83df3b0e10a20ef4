"""How old what is open is: buckets by days past the due date, and what falls due on which day (`rules.md` 7). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.ledger.rules import Receivable
from app.money import Money


class Bucket(StrEnum):
    """How long an open amount is past its due date, in days."""

    NOT_DUE = "not_due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over_90"


LAST_DAY = {0: Bucket.NOT_DUE, 30: Bucket.TO_30, 60: Bucket.TO_60, 90: Bucket.TO_90}
"""The last day overdue of each bucket but the one without end."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What falls due on one day in one currency."""

    due_date: date
    amount: Money


def bucket(days_overdue: int) -> Bucket:
    """The bucket of an amount so many days past its due date; 0 and less is not due."""
    return next((found for last, found in LAST_DAY.items() if days_overdue <= last), Bucket.OVER_90)


def falling_due(debts: Iterable[Receivable], today: date) -> list[Upcoming]:
    """What falls due today or later, by day and currency."""
    sums: dict[tuple[date, str], int] = defaultdict(int)
    for debt in debts:
        if debt.open_minor > 0 and debt.due_date >= today:
            sums[debt.due_date, debt.currency] += debt.open_minor
    return [Upcoming(day, Money(minor, currency)) for (day, currency), minor in sorted(sums.items())]
