"""The months a report is about, as staff choose them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.errors import InvalidInput

MOST_MONTHS = 120
"""Months of one report; all time goes back no further."""
OWN = "own"
CHOICES = ("12_months", "month", "last_month", "year", "last_year", "all", OWN)


@dataclass(frozen=True, slots=True)
class Months:
    """Whole months from the first day of `first` to the last of `last`; both are firsts of a month."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        month = self.first
        while month <= self.last:
            yield month
            month = months_after(month, 1)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}_{self.last:%Y-%m}"


def chosen(name: str, first: str, last: str, today: date) -> Months:
    """The months of a choice, the last twelve by default; `own` is from `first` to `last`, like `2026-02`.

    Raises InvalidInput for what is no month, an end before the beginning, or more than ten years.
    """
    this = today.replace(day=1)
    if name == OWN:
        begin, end = a_month(first, "from"), a_month(last, "to")
        if begin > end:
            raise InvalidInput(f"from: {first} is after {last}.", code="period")
        if months_after(begin, MOST_MONTHS) <= end:
            raise InvalidInput(f"from: a report has at most {MOST_MONTHS} months.", code="period")
        return Months(begin, end)
    year = this.replace(month=1)
    return {
        "month": Months(this, this),
        "last_month": Months(months_after(this, -1), months_after(this, -1)),
        "year": Months(year, this),
        "last_year": Months(months_after(year, -12), months_after(year, -1)),
        "all": Months(months_after(this, 1 - MOST_MONTHS), this),
    }.get(name, Months(months_after(this, -11), this))


def a_month(text: str, field: str) -> date:
    """The first day of a month like `2026-02`. Raises InvalidInput that names the field."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text.strip(), re.ASCII)
    if found is None or not 2000 <= int(found[1]) <= 2999:
        raise InvalidInput(f"{field}: {text[:40]!r} is not a month like 2026-02.", code="period")
    return date(int(found[1]), int(found[2]), 1)


def months_after(month: date, count: int) -> date:
    """The first of the month so many months later, or earlier."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)
