"""The words of the staff's pages, a module per page; each has `WORDS` and, where its forms have fields of use cases, `FIELDS`."""

from __future__ import annotations

from collections.abc import Iterable

from app.web.dashboard.permissions import NAMES
from app.web.dashboard.words import (
    frame,
    health,
    inbox,
    licenses,
    orders,
    payments,
    prices,
    reports,
    resellers,
    search,
    settings,
    statements,
    taxes,
    widgets,
)
from app.web.speech import Words
from app.web.words import COMMON, COMMON_FIELDS

ROOMS = (
    frame,
    inbox,
    resellers,
    payments,
    licenses,
    statements,
    reports,
    orders,
    prices,
    taxes,
    settings,
    search,
    widgets,
    health,
)


def together(parts: Iterable[Words]) -> dict[str, tuple[str, str]]:
    """All in one. Raises ValueError where two pages say different things by one key."""
    made: dict[str, tuple[str, str]] = {}
    for part in parts:
        for key, both in part.items():
            if made.setdefault(key, both) != both:
                raise ValueError(f"the word {key!r} is there twice")
    return made


WORDS = together([NAMES, COMMON, *(room.WORDS for room in ROOMS)])
FIELDS = together([COMMON_FIELDS, *(room.FIELDS for room in ROOMS)])
