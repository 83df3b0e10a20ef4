"""What somebody wants a price list to say, judged before it is carried out or planned (`rules.md` 2.2)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from app.errors import InvalidInput, Refused
from app.money import Money, shortest
from app.pricing.content import Changes, Content, EntryKey, Terms, between
from app.pricing.rules import PriceList, Scope, StaffException

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
LONGEST_TARGET, LONGEST_LABEL = 100, 250
MOST_QUANTITY = 1_000_000_000
MOST_MINOR = 10**15
"""More than any price; the column holds no more than 64 bits."""
SHOWN_PROBLEMS = 20
_TYPES = {
    "ProductVariant": Scope.VARIANT,
    "Product": Scope.PRODUCT,
    "Category": Scope.CATEGORY,
    "Collection": Scope.COLLECTION,
}
"""What Saleor calls them in its ids."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants a list to say; what it does not name stays, unless it is the `whole` list.

    An entry to be removed is None. `lines` tells where a file says it, the list's own rate under None.
    """

    rate: Decimal | None = None
    entries: Mapping[EntryKey, Terms | None] = field(default_factory=dict)
    whole: bool = False
    exception: StaffException | None = None
    lift_exception: bool = False
    lines: Mapping[EntryKey | None, int] = field(default_factory=dict)

    def on(self, content: Content) -> Changes:
        """What it would change."""
        entries = {} if self.whole else dict(content.entries)
        for key, terms in self.entries.items():
            if terms is None:
                entries.pop(key, None)
            else:
                entries[key] = terms
        exception = None if self.lift_exception else self.exception or content.exception
        return between(content, Content(content.rate if self.rate is None else self.rate, entries, exception))


@dataclass(frozen=True, slots=True)
class Difference:
    """What a draft changes, and how many entries it leaves as they are."""

    changes: Changes
    unchanged: int


def difference(draft: Draft, content: Content, *, cap: int, on: date) -> Difference:
    """What the draft changes when it takes effect on a day.

    Raises InvalidInput for a value that cannot be, and Refused for a rate above the cap that no exception allows on the first day
    it would count; both name every place. What a whole list leaves as it was is not judged again.
    """
    leave = draft.exception or (None if draft.lift_exception else content.exception)
    if draft.exception is not None:
        check_exception(draft.exception, on)
    if draft.rate is not None:
        check_rate(draft.rate)
    for key, terms in draft.entries.items():
        if terms is not None:
            check_entry(key, terms)
    limit = PriceList(0, cap=Decimal(cap), exception=leave)
    above = [(place, rate) for place, rate, day in _rates(draft, content, on) if rate > limit.highest_rate(day)]
    if above:
        highest = max(rate for _, rate in above)
        words = [f"{_place(draft, place)}{shortest(rate)} % is above the cap of {cap} %." for place, rate in above]
        raise Refused(
            f"{listed(words, ' ' if len(words) == 1 else chr(10))} Give an exception of at least {shortest(highest)} % with a "
            "reason and an expiry day that reaches the entry's first day.",
            code="above_cap",
        )
    changes = draft.on(content)
    left = len(content.entries) - changes.count("changed") - changes.count("removed")
    return Difference(changes, left)


def listed(words: list[str], separator: str = "\n") -> str:
    """The first of many findings, and how many more there are."""
    shown = words[:SHOWN_PROBLEMS]
    if len(words) > SHOWN_PROBLEMS:
        shown.append(f"... and {len(words) - SHOWN_PROBLEMS} more.")
    return separator.join(shown)


def check_rate(rate: Decimal) -> Decimal:
    """The rate, if it is a percentage from 0 to 100 with at most two decimals. Raises InvalidInput."""
    try:
        good = rate.is_finite() and 0 <= rate <= HUNDRED and rate == rate.quantize(CENT)
    except InvalidOperation:
        good = False
    if not good:
        raise InvalidInput(f"rate: {rate} is not a percentage from 0 to 100 with at most two decimals.", code="rate")
    return rate


def check_exception(exception: StaffException, on: date) -> None:
    """Raises InvalidInput for an exception without a reason, expired, or of no percentage."""
    if not exception.reason.strip():
        raise InvalidInput("reason: an exception from the cap needs a reason.", code="reason")
    if exception.expires < on:
        raise InvalidInput(f"expires: {exception.expires} is in the past.", code="expires")
    check_rate(exception.rate)


def scope_of_id(text: str) -> Scope | None:
    """What Saleor's id is of: they are `Type:key` in Base64 (saleor `graphql/core/utils/__init__.py`). None for no such id."""
    try:
        kind, colon, _ = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return None
    return _TYPES.get(kind) if colon else None


def check_id(scope: Scope, text: str) -> None:
    """Raises InvalidInput for what is no id of such a thing in Saleor: it would be kept and never price anything."""
    if (found := scope_of_id(text)) is not scope:
        instead = f"but of a {found.name.lower()}" if found else "in Saleor"
        raise InvalidInput(f"target: {text!r} is no id of a {scope.name.lower()} {instead}.", code="target_id")


def check_entry(key: EntryKey, terms: Terms) -> None:
    """Raises InvalidInput that names the field an entry cannot have so."""
    if (terms.rate is None) == (terms.fixed_minor is None):
        raise InvalidInput("price: give either a rate or a fixed price.", code="price")
    if terms.fixed_minor is not None and not 0 <= terms.fixed_minor <= MOST_MINOR:
        wrong = "below zero" if terms.fixed_minor < 0 else "more than a price can be"
        raise InvalidInput(f"price: {Money(terms.fixed_minor, key.currency)} is {wrong}.", code="price")
    if not key.target:
        raise InvalidInput("target: it is missing.", code="target")
    for field_, text, longest in (("target", key.target, LONGEST_TARGET), ("label", terms.label, LONGEST_LABEL)):
        if len(text) > longest:
            raise InvalidInput(f"{field_}: it has {len(text)} characters; at most {longest} are kept.", code=field_)
        if not text.isprintable() or text != text.strip():
            raise InvalidInput(f"{field_}: {text!r} has control characters or outer blanks.", code=field_)
    if not 1 <= key.minimum_quantity <= MOST_QUANTITY:
        wrong = "below 1" if key.minimum_quantity < 1 else f"above {MOST_QUANTITY}"
        raise InvalidInput(f"minimum_quantity: {key.minimum_quantity} is {wrong}.", code="minimum_quantity")
    if terms.valid_to is not None and terms.valid_to < key.valid_from:
        raise InvalidInput(f"valid_to: {terms.valid_to} is before the first day {key.valid_from}.", code="valid_to")
    if terms.rate is not None:
        check_rate(terms.rate)


def _rates(draft: Draft, content: Content, on: date) -> Iterator[tuple[EntryKey | None, Decimal, date]]:
    """Every rate to be judged, with the first day it would count."""
    if draft.rate is not None and not (draft.whole and draft.rate == content.rate):
        yield None, draft.rate, on
    for key, terms in draft.entries.items():
        if terms is not None and terms.rate is not None and not (draft.whole and content.entries.get(key) == terms):
            yield key, terms.rate, max(on, key.valid_from)


def _place(draft: Draft, place: EntryKey | None) -> str:
    return f"line {draft.lines[place]}: rate: " if place in draft.lines else ""
