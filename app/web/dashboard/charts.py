"""Bars as plain geometry: what a template draws as SVG without a script or a style of its own. Pure.

A picture is `WIDTH` units wide, so that its letters are those of the page where the frame is as wide as the Dashboard's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 720, 264
LEFT, RIGHT, TOP, BOTTOM = 68, 8, 14, 30
MOST_TICKS = 5
LABEL = 52
"""Units a label below a bar takes; where bars are closer, some have none."""
WIDEST = 56


@dataclass(frozen=True, slots=True)
class Column:
    """A value with its words: `label` stands below it, `told` says it whole, `kind` colors it."""

    value: Decimal
    label: str
    told: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle with its label's middle; `label` is empty where there is no room for it."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    told: str
    kind: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across with what it stands for."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn; `zero` is the height of the axis."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    zero: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    labels: int = HEIGHT - 8


def chart(columns: Sequence[Column], said: Callable[[Decimal], str], least: Decimal = Decimal(1)) -> Chart:
    """Bars side by side over an axis of round numbers, which `said` writes; it reaches to `least` where all is less."""
    values = [column.value for column in columns]
    ticks = axis(min([*values, Decimal(0)]), max([*values, Decimal(0)]), least)
    low, high = ticks[0], ticks[-1]
    room = HEIGHT - TOP - BOTTOM

    def height_of(value: Decimal) -> float:
        return round(TOP + float((high - value) / (high - low)) * room, 2)

    step = (WIDTH - LEFT - RIGHT) / max(1, len(columns))
    every = max(1, -(-LABEL // int(max(1, step))))
    width = min(WIDEST, step * 0.7)
    bars = []
    for place, column in enumerate(columns):
        middle = LEFT + step * (place + 0.5)
        top, foot = sorted((height_of(column.value), height_of(Decimal(0))))
        # The newest is always named.
        label = column.label if (len(columns) - 1 - place) % every == 0 else ""
        size = max(foot - top, 1.0) if column.value else 0.0
        x, y = round(middle - width / 2, 2), round(min(top, foot - size), 2)
        bars.append(Bar(x, y, round(width, 2), round(size, 2), round(middle, 2), label, column.told, column.kind))
    return Chart(tuple(bars), tuple(Tick(height_of(value), said(value)) for value in ticks), height_of(Decimal(0)))


def axis(low: Decimal, high: Decimal, least: Decimal = Decimal(1)) -> list[Decimal]:
    """Round numbers, evenly apart, from at or below `low` (0 or less) to at or above `high`; at most MOST_TICKS + 1."""
    high = max(high, least) if low == 0 else high
    span = high - low
    step = Decimal(1).scaleb(span.adjusted() - 1)
    while True:
        for factor in (1, 2, Decimal("2.5"), 5):
            wide = step * factor
            first, last = (low / wide).__floor__(), (high / wide).__ceil__()
            if last - first <= MOST_TICKS:
                return [wide * number for number in range(first, last + 1)]
        step *= 10
