"""Interest on what is overdue: simple, by the rate of each day, piecewise over part payments (`rules.md` 6, edge case 80)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from app.ledger.rules import EFFECT, Item, Kind, live
from app.money import round_half_up

HUNDRED = Decimal(100)


class DayCount(StrEnum):
    """How days become a part of a year."""

    ACT_365 = "act/365"
    ACT_360 = "act/360"
    THIRTY_360 = "30/360"


@dataclass(frozen=True, slots=True)
class Rate:
    """The yearly rate in percent from a day on, until the next one."""

    since: date
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Segment:
    """Interest of one stretch: the days after `after` up to and with `until`, with one principal and one rate."""

    after: date
    until: date
    principal_minor: int
    percent: Decimal
    days: int
    year_days: int

    @property
    def minor(self) -> Decimal:
        """Its interest in minor units, not rounded."""
        return Decimal(self.principal_minor) * self.percent * self.days / (HUNDRED * self.year_days)


def days_between(start: date, end: date, count: DayCount) -> int:
    """Days of a stretch. 30/360 is the European one (30E/360): a 31st counts as the 30th, February as it is written."""
    if count is DayCount.THIRTY_360:
        first, last = min(start.day, 30), min(end.day, 30)
        return (end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first
    return (end - start).days


def segments(
    items: Iterable[Item], debt_id: str, due: date, until: date, rates: Sequence[Rate], count: DayCount
) -> list[Segment]:
    """The stretches of a debt's overdue time up to and with a day; none before it is due.

    Money counts from its value date: the interest runs up to and with that day. What was taken back never paid (edge case 80).
    Interest is no part of the principal (edge case 81).
    """
    of_debt = [item for item in items if item.receivable_id == debt_id and item.kind is not Kind.INTEREST]
    changes: dict[date, int] = {}
    for item in live(of_debt):
        # A receivable is owed from the start, whatever day it was booked.
        day = date.min if item.kind is Kind.RECEIVABLE else item.value_date
        changes[day] = changes.get(day, 0) + EFFECT[item.kind][0] * item.amount_minor
    # A rate holds from its day on; a stretch is counted from the day after its start, so it begins the day before.
    turns = {due, until, *changes, *(rate.since - timedelta(days=1) for rate in rates if rate.since > date.min)}
    days = sorted(day for day in turns if due <= day <= until)
    found = []
    for after, to in itertools.pairwise(days):
        principal = sum(minor for day, minor in changes.items() if day <= after)
        percent = rate_on(rates, after + timedelta(days=1))
        length = days_between(after, to, count)
        if principal > 0 and percent and length:
            found.append(Segment(after, to, principal, percent, length, 365 if count is DayCount.ACT_365 else 360))
    return found


def rate_on(rates: Iterable[Rate], day: date) -> Decimal:
    """The rate in force on a day; 0 before the first."""
    known = [rate for rate in rates if rate.since <= day]
    return max(known, key=lambda rate: rate.since).percent if known else Decimal(0)


def accrued_minor(found: Iterable[Segment]) -> int:
    """The interest of all stretches in minor units: added up exactly, then rounded half-up once."""
    return int(round_half_up(sum((segment.minor for segment in found), Decimal(0)), "JPY"))
