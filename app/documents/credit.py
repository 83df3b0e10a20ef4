"""How a credit note's amount falls on the lines of its invoice; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.money import spread


@dataclass(frozen=True, slots=True)
class Part:
    """Minor units of one line, or of what is credited of it."""

    net: int
    gross: int


def credit_parts(lines: Sequence[Part], earlier: Sequence[int], amount: int) -> list[Part]:
    """What of each line an amount (gross, minor units) takes back, in proportion to what earlier amounts left of them.

    Credited amounts that add up to the invoice's gross give back each line's net and tax to the last minor unit. Raises
    ValueError for more than is left.
    """
    left, taken = list(lines), [Part(0, 0)] * len(lines)
    for one in (*earlier, amount):
        if one > sum(part.gross for part in left):
            raise ValueError(f"{one} is more than the invoice has left")
        shares = spread(one, [part.gross for part in left])
        taken = [_share(part, gross) for part, gross in zip(left, shares, strict=True)]
        left = [Part(part.net - gone.net, part.gross - gone.gross) for part, gone in zip(left, taken, strict=True)]
    return taken


def _share(part: Part, gross: int) -> Part:
    """The net that goes with this much of the gross, rounded half up; all of it with all."""
    return Part((2 * part.net * gross + part.gross) // (2 * part.gross) if part.gross else 0, gross)
