"""Money in minor units, its rounding and its fair division.

Amounts are whole minor units (cents) of an ISO 4217 currency, so that sums are exact and floats never appear. The number of
decimals per currency comes from Babel's CLDR data, which is also what Saleor rounds by (`core/prices.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

import msgspec
from babel.numbers import get_currency_precision, list_currencies

MILLION = 1_000_000
_HALF_MILLION = MILLION // 2
_PER_PERCENT = 10_000


class MoneyError(ValueError):
    """An amount or currency that cannot be money: unknown code, mixed currencies, too many decimals, not a number."""


_EXPONENTS: dict[str, int] = {}
"""Decimals by currency, as far as they were asked for."""


def exponent(currency: str) -> int:
    """Decimals of `currency` (USD 2, JPY 0, KWD 3).

    Raises MoneyError for a code that is not in ISO 4217.
    """
    if currency not in _EXPONENTS:
        if currency not in list_currencies():
            raise MoneyError(f"unknown currency {currency!r}")
        _EXPONENTS[currency] = get_currency_precision(currency)
    return _EXPONENTS[currency]


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """`amount` rounded half-up to the currency's minor unit (`rules.md` 2.4, edge case 11)."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), rounding=ROUND_HALF_UP)


def shortest(percent: Decimal) -> Decimal:
    """A percentage without the zeros a column adds: 8.25 instead of 8.2500, 10 instead of 10.00."""
    return Decimal(f"{percent.normalize():f}")


@lru_cache(maxsize=1024)
def millionths(percent: Decimal) -> int:
    """A percentage in millionths of the whole: 8.25 is 82,500.

    Four decimals are all that a rate may have (the columns that store one hold no more); raises MoneyError beyond.
    """
    scaled = percent * _PER_PERCENT
    if not percent.is_finite() or scaled != scaled.to_integral_value():
        raise MoneyError(f"{percent} % has more than four decimals")
    return int(scaled)


def portion(minor: int, parts: int) -> int:
    """`parts` millionths of minor units that are not negative, half-up: exact in whole numbers, and faster than Decimal."""
    return (minor * parts + _HALF_MILLION) // MILLION


# A msgspec structure instead of a dataclass: hundreds are made while a buyer waits, at a fifth of the price (performance.md).
class Money(msgspec.Struct, frozen=True, gc=False):
    """A whole number of minor units of one currency; negative where money goes the other way."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in _EXPONENTS:
            exponent(self.currency)

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        """An exact amount in major units. Raises MoneyError if it has more decimals than the currency."""
        try:
            value = Decimal(amount)
            scaled = value.scaleb(exponent(currency))
        except InvalidOperation as error:
            raise MoneyError(f"not an amount: {amount!r}") from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise MoneyError(f"{amount} has more decimals than {currency} allows")
        return cls(int(scaled), currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """`amount` in major units rounded half-up."""
        return cls.of(round_half_up(amount, currency), currency)

    @property
    def amount(self) -> Decimal:
        """Major units, with exactly the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def portion(self, parts: int) -> Money:
        """`parts` millionths of an amount that is not negative, half-up."""
        return Money(portion(self.minor, parts), self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        if other.currency != self.currency:
            raise _mixed(self, other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise _mixed(self, other)
        return other


def _mixed(one: Money, other: Money) -> MoneyError:
    return MoneyError(f"cannot combine {one.currency} with {other.currency}")


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` minor units divided in proportion to non-negative `weights`, summing exactly to `total`.

    What is left after rounding down goes one by one to the largest remainders, earliest first. With all weights 0 nothing can
    be spread; a `total` other than 0 then raises MoneyError.
    """
    if any(weight < 0 for weight in weights):
        raise MoneyError("weights must not be negative")
    whole = sum(weights)
    if whole == 0:
        if total:
            raise MoneyError("nothing to spread the amount over")
        return [0] * len(weights)
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [share for share, _ in shares]
    missing = abs(total) - sum(parts)
    for index in sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:missing]:
        parts[index] += 1
    return [sign * part for part in parts]
