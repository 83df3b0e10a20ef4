"""The partner price of one unit, and the choice between it and the public price (`rules.md` 2).

The unit price is rounded half-up to the minor unit first and multiplied afterwards, so that catalogue, cart and invoice agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import IntEnum

from app.money import Money
from app.reasons import Reason, because, register

register(
    {
        "list_rate": "{rate} % off the retail price {retail} (price list version {version}).",
        "entry_rate": "{rate} % off the retail price {retail} by the entry for this {scope} (price list version {version}).",
        "entry_fixed": "The fixed price {price} by the entry for this {scope} (price list version {version}).",
        "capped": "The list gives {rate} %; the cap of {cap} % holds, as no exception allows more.",
        "above_retail": "The fixed price {price} is above the retail price; retail holds.",
        "partner_chosen": "The partner price {partner} is not above the public price {public}.",
        "public_chosen": "The public price {public} is below the partner price {partner}; reductions are not added together.",
    }
)

HUNDRED = Decimal(100)


class Scope(IntEnum):
    """What an entry is for; the higher, the more specific."""

    COLLECTION = 1
    CATEGORY = 2
    PRODUCT = 3
    VARIANT = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """An explicit price for one thing: either a rate in percent off retail or a fixed unit price. Both dates are inclusive."""

    scope: Scope
    target: str
    rate: Decimal | None = None
    fixed: Money | None = None
    minimum_quantity: int = 1
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.fixed is None):
            raise ValueError("an entry has either a rate or a fixed price")

    def applies(self, quantity: int, currency: str, on: date) -> bool:
        """Whether it counts for this quantity, currency and day; a rate counts in every currency."""
        return (
            quantity >= self.minimum_quantity
            and (self.fixed is None or self.fixed.currency == currency)
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on <= self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class StaffException:
    """Leave by staff to go above the cap, up to `rate` percent through the day `expires`, with the reason on record."""

    rate: Decimal
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class PriceList:
    """A version of a price list: `rate` percent off retail, entries over it, and the cap in percent both must keep."""

    version: int
    rate: Decimal = Decimal(10)
    cap: Decimal = Decimal(10)
    entries: Mapping[tuple[Scope, str], tuple[Entry, ...]] = field(default_factory=dict)
    exception: StaffException | None = None

    @classmethod
    def of(
        cls,
        version: int,
        entries: Iterable[Entry],
        *,
        rate: Decimal = Decimal(10),
        cap: Decimal = Decimal(10),
        exception: StaffException | None = None,
    ) -> PriceList:
        """A list with its entries put where a look-up finds them."""
        index: dict[tuple[Scope, str], tuple[Entry, ...]] = {}
        for entry in entries:
            key = (entry.scope, entry.target)
            index[key] = (*index.get(key, ()), entry)
        return cls(version, rate, cap, index, exception)

    def highest_rate(self, on: date) -> Decimal:
        """The largest discount in percent that is allowed on this day (`rules.md` 2.2)."""
        leave = self.exception
        return max(self.cap, leave.rate) if leave and on <= leave.expires else self.cap


@dataclass(frozen=True, slots=True)
class Item:
    """What is bought, by Saleor's ids."""

    variant: str
    product: str
    category: str | None = None
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerPrice:
    """The partner's price of one unit, with what gave it; frozen on the order with the list's version."""

    unit: Money
    retail: Money
    version: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LinePrice:
    """What a reseller pays for a line, and why this of the two prices."""

    total: Money
    partner: bool
    reasons: tuple[Reason, ...]


def partner_price(item: Item, quantity: int, retail: Money, prices: PriceList, on: date) -> PartnerPrice:
    """The partner price of one unit (`rules.md` 2.1, 2.2, 2.4).

    The most specific valid entry wins; among entries for the same thing the one with the largest minimum quantity, then the
    lowest price. Never above retail, never below what the cap or a staff exception in force allows.
    """
    entry = _entry(item, quantity, retail, prices, on)
    highest = prices.highest_rate(on)
    floor = _off(retail, highest)
    facts = {"retail": retail, "version": prices.version}
    if entry is not None and entry.fixed is not None:
        unit, reasons = (
            entry.fixed,
            [because("entry_fixed", price=entry.fixed, scope=entry.scope.name.lower(), version=prices.version)],
        )
        if retail < unit:
            unit = retail
            reasons.append(because("above_retail", price=entry.fixed))
        rate = (HUNDRED - unit.amount * HUNDRED / retail.amount).quantize(Decimal("0.01")) if retail else Decimal(0)
    elif entry is not None and entry.rate is not None:
        rate, unit = entry.rate, _off(retail, entry.rate)
        reasons = [because("entry_rate", rate=rate, scope=entry.scope.name.lower(), **facts)]
    else:
        rate, unit = prices.rate, _off(retail, prices.rate)
        reasons = [because("list_rate", rate=rate, **facts)]
    if unit < floor:
        unit = floor
        reasons.append(because("capped", rate=rate, cap=highest))
    return PartnerPrice(unit, retail, prices.version, tuple(reasons))


def choose(partner: PartnerPrice, quantity: int, public_total: Money) -> LinePrice:
    """What the reseller pays for the line: the lower of partner and public price, never both reductions (`rules.md` 2.3)."""
    total = partner.unit * quantity
    if public_total < total:
        return LinePrice(public_total, False, (*partner.reasons, because("public_chosen", public=public_total, partner=total)))
    return LinePrice(total, True, (*partner.reasons, because("partner_chosen", partner=total, public=public_total)))


def _entry(item: Item, quantity: int, retail: Money, prices: PriceList, on: date) -> Entry | None:
    places = [(Scope.VARIANT, item.variant), (Scope.PRODUCT, item.product)]
    if item.category is not None:
        places.append((Scope.CATEGORY, item.category))
    for place in places:
        if found := [entry for entry in prices.entries.get(place, ()) if entry.applies(quantity, retail.currency, on)]:
            return min(found, key=lambda entry: _rank(entry, retail))
    collected = [
        entry
        for collection in item.collections
        for entry in prices.entries.get((Scope.COLLECTION, collection), ())
        if entry.applies(quantity, retail.currency, on)
    ]
    return min(collected, key=lambda entry: _rank(entry, retail)) if collected else None


def _rank(entry: Entry, retail: Money) -> tuple[int, int]:
    price = entry.fixed or _off(retail, entry.rate or Decimal(0))
    return -entry.minimum_quantity, price.minor


def _off(retail: Money, rate: Decimal) -> Money:
    return Money.rounded(retail.amount * (HUNDRED - rate) / HUNDRED, retail.currency)
