"""How a partner price comes about, step by step, for people who ask (`rules.md` 2): never on the hot path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.money import Money, shortest
from app.pricing.rules import Entry, Item, PartnerPrice, PriceList, Scope, partner_price
from app.reasons import Reason, because, register

register(
    {
        "retail_price": "The retail price is {retail}.",
        "list_base": "The price list (version {version}) gives {rate} % in general.",
        "entry_wins": "The entry for this {scope} counts: {price}.",
        "entry_quantity": "The entry for this {scope} ({price}) counts from {quantity} units on.",
        "entry_currency": "The entry for this {scope} ({price}) counts in its own currency only.",
        "entry_not_yet": "The entry for this {scope} ({price}) counts from {day} on.",
        "entry_over": "The entry for this {scope} ({price}) counted through {day}.",
        "entry_passed_over": "The entry for this {scope} ({price}) is passed over for a better one.",
        "cap": "The cap is {cap} %.",
        "cap_excepted": "The cap is {cap} %; an exception allows {rate} % through {day}.",
        "price_result": "The partner price is {unit} each, {total} in all.",
    }
)


@dataclass(frozen=True, slots=True)
class Preview:
    """The price of so many units on a day, and the chain of reasons from retail to it."""

    price: PartnerPrice
    quantity: int
    on: date
    reasons: tuple[Reason, ...]

    @property
    def total(self) -> Money:
        """Of all units, without tax."""
        return self.price.unit * self.quantity


def preview(item: Item, quantity: int, retail: Money, prices: PriceList, on: date) -> Preview:
    """The partner price as `rules.partner_price` has it, with retail, every entry for the item, the cap and the result told."""
    price = partner_price(item, quantity, retail, prices, on)
    return Preview(price, quantity, on, tuple(_chain(item, quantity, retail, prices, on, price)))


def _chain(item: Item, quantity: int, retail: Money, prices: PriceList, on: date, price: PartnerPrice) -> Iterator[Reason]:
    yield because("retail_price", retail=retail)
    yield because("list_base", rate=prices.rate, version=prices.version)
    for entry in _entries(item, prices):
        yield _considered(entry, quantity, retail, on, price.entry)
    leave = prices.exception
    if leave is not None and on <= leave.expires and leave.rate > prices.cap:
        yield because("cap_excepted", cap=shortest(prices.cap), rate=leave.rate, day=leave.expires)
    else:
        yield because("cap", cap=shortest(prices.cap))
    yield from price.reasons
    yield because("price_result", unit=price.unit, total=price.unit * quantity)


def _entries(item: Item, prices: PriceList) -> Iterator[Entry]:
    """Every entry for the item, the most specific first."""
    targets: tuple[tuple[Scope, tuple[str, ...]], ...] = (
        (Scope.VARIANT, (item.variant,)),
        (Scope.PRODUCT, (item.product,)),
        (Scope.CATEGORY, (item.category,) if item.category else ()),
        (Scope.COLLECTION, item.collections),
    )
    for scope, names in targets:
        for name in names:
            yield from prices.entries.get((scope, name), ())


def _considered(entry: Entry, quantity: int, retail: Money, on: date, winner: Entry | None) -> Reason:
    facts = {"scope": entry.scope.name.lower(), "price": _said(entry)}
    if entry is winner:
        return because("entry_wins", **facts)
    if entry.fixed is not None and entry.fixed.currency != retail.currency:
        return because("entry_currency", **facts)
    if quantity < entry.minimum_quantity:
        return because("entry_quantity", **facts, quantity=entry.minimum_quantity)
    if entry.valid_from is not None and on < entry.valid_from:
        return because("entry_not_yet", **facts, day=entry.valid_from)
    if entry.valid_to is not None and entry.valid_to < on:
        return because("entry_over", **facts, day=entry.valid_to)
    return because("entry_passed_over", **facts)


def _said(entry: Entry) -> str:
    return str(entry.fixed) if entry.fixed is not None else f"{shortest(entry.rate or Decimal(0))} %"
