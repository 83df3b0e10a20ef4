from datetime import UTC, date, datetime

import pytest

from app.resellers.addresses import US_STATES
from app.tax.days import ZONES, reminder_due, state_day

LAST = date(2026, 3, 31)


def test_case_36_every_state_has_its_day() -> None:
    assert set(ZONES) == set(US_STATES)
    night = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
    days = {state: state_day(state, night) for state in US_STATES}
    assert days["TX"] == date(2026, 3, 1)
    assert days["GU"] == date(2026, 3, 2)
    assert state_day("NY", datetime(2026, 3, 2, 5, 0, tzinfo=UTC)) == date(2026, 3, 2)
    assert state_day("NY", datetime(2026, 7, 2, 4, 0, tzinfo=UTC)) == date(2026, 7, 2), "summer time"


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2026, 1, 29), None),
        (date(2026, 1, 30), 60),
        (date(2026, 2, 28), 60),
        (date(2026, 3, 1), 30),
        (date(2026, 3, 23), 30),
        (date(2026, 3, 24), 7),
        (LAST, 7),
        (date(2026, 4, 1), None),
    ],
)
def test_the_reminder_of_a_day(today: date, due: int | None) -> None:
    assert reminder_due(LAST, today) == due
