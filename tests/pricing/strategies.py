"""Price lists of every kind, for Hypothesis."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from app.pricing.content import Content, EntryKey, Terms
from app.pricing.rules import Scope, StaffException

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
RATES = st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths) / 100)
TEXT = st.text(st.one_of(st.sampled_from("=+-@'\",;＝ "), st.characters(exclude_categories=("C", "Z"))), max_size=30).map(
    lambda text: "".join(letter for letter in text if letter.isprintable()).strip()
)
FEWER = settings(max_examples=60)
"""Whole lists take a while to make."""


def id_of(scope: Scope, key: int) -> str:
    """An id as Saleor's are, e.g. `UHJvZHVjdFZhcmlhbnQ6MQ==`."""
    kind = "ProductVariant" if scope is Scope.VARIANT else scope.name.capitalize()
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


@st.composite
def entries(draw: st.DrawFn) -> tuple[EntryKey, Terms]:
    fixed = draw(st.booleans())
    start = draw(st.one_of(st.just(date.min), DAYS))
    end = draw(st.one_of(st.none(), DAYS.filter(lambda day: day >= start)) if start.year < 2040 else st.none())
    scope = draw(st.sampled_from(Scope))
    key = EntryKey(
        scope,
        id_of(scope, draw(st.integers(1, 10**9))),
        draw(st.integers(1, 1000)),
        draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"])) if fixed else "",
        start,
    )
    label = draw(TEXT)
    if fixed:
        return key, Terms(fixed_minor=draw(st.integers(0, 10**9)), valid_to=end, label=label)
    return key, Terms(rate=draw(RATES), valid_to=end, label=label)


def contents() -> st.SearchStrategy[Content]:
    leave = st.builds(StaffException, RATES, st.text(min_size=1), DAYS, st.text())
    return st.builds(Content, RATES, st.lists(entries(), max_size=8).map(dict), st.one_of(st.none(), leave))
