"""The day it is where a reseller is: certificates and rates begin and end there, not where the vendor is (edge case 36)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

_ZONES = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Juneau": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU MP",
    "Pacific/Pago_Pago": "AS",
}
"""Where a state lies in several zones it is its capital's."""
ZONES = {state: zone for zone, states in _ZONES.items() for state in states.split()}
REMINDERS = (60, 30, 7)
"""Days before the last valid day at which a reseller is reminded, the first one first (`rules.md` 10.3)."""


def state_day(us_state: str, at: datetime) -> date:
    """The day it is in a US state at a moment. Raises KeyError for what is no state."""
    return at.astimezone(_zone(us_state)).date()


def is_over(states: Iterable[str], valid_to: date, at: datetime) -> bool:
    """Whether a certificate's last valid day has ended in all of its states."""
    return all(state_day(state, at) > valid_to for state in states)


def reminder_due(valid_to: date, today: date) -> int | None:
    """The reminder to send now: of those whose day has come the latest, so that who was missed gets one mail and not three.

    None while the first one is not due yet, and after the last valid day.
    """
    left = (valid_to - today).days
    return min((days for days in REMINDERS if left <= days), default=None) if left >= 0 else None


@cache
def _zone(us_state: str) -> ZoneInfo:
    return ZoneInfo(ZONES[us_state])
