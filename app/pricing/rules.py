"""The partner price of one unit, and the choice between it and the public price (`rules.md` 2).

The unit price is rounded half-up to the minor unit first and multiplied afterwards, so that catalogue, cart and invoice agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import IntEnum

import msgspec

from app.money import MILLION, Money, millionths, portion
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
CENT = Decimal("0.01")
ZERO = Decimal(0)


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
    kept: int = field(init=False, repr=False, compare=False)
    """What the rate leaves of the retail price, in millionths."""
    always: bool = field(init=False, repr=False, compare=False)
    """Whether it counts for every quantity and currency on every day, as most do."""

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.fixed is None):
            raise ValueError("an entry has either a rate or a fixed price")
        always = self.fixed is None and self.minimum_quantity <= 1 and self.valid_from is None and self.valid_to is None
        object.__setattr__(self, "kept", MILLION - millionths(self.rate or ZERO))
        object.__setattr__(self, "always", always)

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
    """Leave by staff to go above the cap, up to `rate` percent through the day `expires`; who gave it and why is on record."""

    rate: Decimal
    reason: str
    expires: date
    by: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """A version of a price list: `rate` percent off retail, entries over it, and the cap in percent both must keep."""

    version: int
    rate: Decimal = Decimal(10)
    cap: Decimal = Decimal(10)
    entries: Mapping[tuple[Scope, str], tuple[Entry, ...]] = field(default_factory=dict)
    exception: StaffException | None = None
    id: str = field(default="", compare=False)
    """The list's own, that its version counts for; empty for the default list that nobody has set yet."""
    kept: int = field(init=False, repr=False, compare=False)
    """What the rate leaves of the retail price, in millionths."""
    least: int = field(init=False, repr=False, compare=False)
    """What the cap alone leaves of it at least, in millionths."""
    by_target: tuple[Mapping[str, tuple[Entry, ...]], ...] = field(init=False, repr=False, compare=False)
    """The same entries by target alone, one mapping per scope, the most specific first."""

    def __post_init__(self) -> None:
        by_target: dict[Scope, dict[str, tuple[Entry, ...]]] = {scope: {} for scope in sorted(Scope, reverse=True)}
        for (scope, target), found in self.entries.items():
            by_target[scope][target] = found
        object.__setattr__(self, "by_target", tuple(by_target.values()))
        object.__setattr__(self, "kept", MILLION - millionths(self.rate))
        object.__setattr__(self, "least", MILLION - millionths(self.cap))

    @classmethod
    def of(
        cls,
        version: int,
        entries: Iterable[Entry],
        *,
        rate: Decimal = Decimal(10),
        cap: Decimal = Decimal(10),
        exception: StaffException | None = None,
        id: str = "",
    ) -> PriceList:
        """A list with its entries put where a look-up finds them."""
        index: dict[tuple[Scope, str], tuple[Entry, ...]] = {}
        for entry in entries:
            key = (entry.scope, entry.target)
            index[key] = (*index.get(key, ()), entry)
        return cls(version, rate, cap, index, exception, id)

    def highest_rate(self, on: date) -> Decimal:
        """The largest discount in percent that is allowed on this day (`rules.md` 2.2)."""
        leave = self.exception
        return max(self.cap, leave.rate) if leave and on <= leave.expires else self.cap


# msgspec structures where one is made for every line of every request: several times cheaper than a frozen dataclass.
class Item(msgspec.Struct, frozen=True, gc=False):
    """What is bought, by Saleor's ids."""

    variant: str
    product: str
    category: str | None = None
    collections: tuple[str, ...] = ()


class PartnerPrice(msgspec.Struct, frozen=True, gc=False):
    """The partner's price of one unit, with what gave it; frozen on the order with the list's version.

    `rate` is what the list or `entry` asked for in percent, None for a fixed price; `cap` is set where it changed the price.
    """

    unit: Money
    retail: Money
    version: int
    rate: Decimal | None
    entry: Entry | None = None
    cap: Decimal | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What gave the price. Put into words when read: thousands are computed for one that is."""
        return tuple(self._found())

    def _found(self) -> Iterator[Reason]:
        entry, rate = self.entry, self.rate
        if entry is None:
            yield because("list_rate", rate=rate, retail=self.retail, version=self.version)
        elif entry.fixed is None:
            scope = entry.scope.name.lower()
            yield because("entry_rate", rate=rate, scope=scope, retail=self.retail, version=self.version)
        else:
            yield because("entry_fixed", price=entry.fixed, scope=entry.scope.name.lower(), version=self.version)
            if self.retail < entry.fixed:
                yield because("above_retail", price=entry.fixed)
            rate = (HUNDRED - entry.fixed.amount * HUNDRED / self.retail.amount).quantize(CENT) if self.retail else Decimal(0)
        if self.cap is not None:
            yield because("capped", rate=rate, cap=self.cap)


class LinePrice(msgspec.Struct, frozen=True, gc=False):
    """What a reseller pays for a line: the partner total or, where it is lower, the public one."""

    total: Money
    partner: bool
    unit: PartnerPrice
    quantity: int
    public: Money

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What gave the partner price, and why this of the two prices."""
        code = "partner_chosen" if self.partner else "public_chosen"
        return (*self.unit.reasons, because(code, partner=self.unit.unit * self.quantity, public=self.public))


def partner_price(item: Item, quantity: int, retail: Money, prices: PriceList, on: date) -> PartnerPrice:
    """The partner price of one unit (`rules.md` 2.1, 2.2, 2.4).

    The most specific valid entry wins; among entries for the same thing the one with the largest minimum quantity, then the
    lowest price. Never above retail, never below what the cap or a staff exception in force allows.
    """
    unit, entry, cap = unit_price(item, quantity, retail.minor, retail.currency, prices, on)
    rate = prices.rate if entry is None else entry.rate
    return PartnerPrice(Money(unit, retail.currency), retail, prices.version, rate, entry, cap)


def unit_price(
    item: Item, quantity: int, retail: int, currency: str, prices: PriceList, on: date
) -> tuple[int, Entry | None, Decimal | None]:
    """What `partner_price` is made of: the unit price in minor units, the entry that gave it, and the cap where it changed it.

    In bare numbers, since a buyer waits for hundreds of them (`performance.md`); the words are made of them when somebody asks.
    """
    entry = _entry(item, quantity, retail, currency, prices, on) if prices.entries else None
    if entry is None or entry.fixed is None:
        kept = prices.kept if entry is None else entry.kept
        unit = portion(retail, kept)
        if kept >= prices.least:
            return unit, entry, None
    else:
        unit = min(retail, entry.fixed.minor)
    highest = prices.highest_rate(on)
    floor = portion(retail, MILLION - millionths(highest))
    return (floor, entry, highest) if unit < floor else (unit, entry, None)


def choose(partner: PartnerPrice, quantity: int, public_total: Money) -> LinePrice:
    """What the reseller pays for the line: the lower of partner and public price, never both reductions (`rules.md` 2.3)."""
    total = Money(partner.unit.minor * quantity, partner.unit.currency)
    if public_total < total:
        return LinePrice(public_total, False, partner, quantity, public_total)
    return LinePrice(total, True, partner, quantity, public_total)


def _entry(item: Item, quantity: int, retail: int, currency: str, prices: PriceList, on: date) -> Entry | None:
    variants, products, categories, collections = prices.by_target
    for found in (variants.get(item.variant), products.get(item.product), categories.get(item.category or "")):
        if found is not None and (best := _best(found, quantity, retail, currency, on)) is not None:
            return best
    best = None
    for collection in item.collections:
        if (found := collections.get(collection)) is not None:
            best = _best(found, quantity, retail, currency, on, best)
    return best


def _best(
    entries: Iterable[Entry], quantity: int, retail: int, currency: str, on: date, best: Entry | None = None
) -> Entry | None:
    """The best of valid entries for equally specific things, and of one found before."""
    for entry in entries:
        valid = entry.always or entry.applies(quantity, currency, on)
        if valid and (best is None or _rank(entry, retail) < _rank(best, retail)):
            best = entry
    return best


def _rank(entry: Entry, retail: int) -> tuple[int, int]:
    price = portion(retail, entry.kept) if entry.fixed is None else entry.fixed.minor
    return -entry.minimum_quantity, price
