"""What a price list says as a value, what somebody wants it to say, and how the two differ (`rules.md` 2.2).

A difference holds old and new of everything it touches, so that it can be shown, carried out later and undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from app.errors import InvalidInput, Refused
from app.money import Money, shortest
from app.pricing.rules import Entry, PriceList, Scope, StaffException

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
LONGEST_TARGET, LONGEST_LABEL = 100, 250
MOST_QUANTITY = 1_000_000_000
MOST_MINOR = 10**15
"""More than any price; the column holds no more than 64 bits."""
SHOWN_PROBLEMS = 20

Kind = Literal["added", "changed", "removed"]


class EntryKey(NamedTuple):
    """What makes an entry one of its list. `currency` is empty for a rate; `valid_from` is `date.min` without a first day."""

    scope: Scope
    target: str
    minimum_quantity: int = 1
    currency: str = ""
    valid_from: date = date.min


@dataclass(frozen=True, slots=True)
class Terms:
    """What an entry gives: a rate in percent off retail, or a fixed price in minor units of the key's currency."""

    rate: Decimal | None = None
    fixed_minor: int | None = None
    valid_to: date | None = None
    label: str = ""

    def price(self, key: EntryKey) -> Decimal | Money:
        """The rate in percent, or the fixed price."""
        if self.rate is not None:
            return self.rate
        assert self.fixed_minor is not None
        return Money(self.fixed_minor, key.currency)

    def as_dict(self) -> dict[str, Any]:
        return {
            "rate": None if self.rate is None else str(self.rate),
            "fixed_minor": self.fixed_minor,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "label": self.label,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Terms:
        return cls(
            None if stored["rate"] is None else Decimal(stored["rate"]),
            stored["fixed_minor"],
            date.fromisoformat(stored["valid_to"]) if stored["valid_to"] else None,
            stored["label"],
        )


@dataclass(frozen=True, slots=True)
class Content:
    """All that a list says: its rate in percent off retail, its entries, and the leave of staff to go above the cap."""

    rate: Decimal
    entries: Mapping[EntryKey, Terms] = field(default_factory=dict)
    exception: StaffException | None = None

    def as_list(self, version: int, cap: Decimal) -> PriceList:
        """As the price rules read it."""
        entries = [
            Entry(
                key.scope,
                key.target,
                terms.rate,
                None if terms.fixed_minor is None else Money(terms.fixed_minor, key.currency),
                key.minimum_quantity,
                None if key.valid_from == date.min else key.valid_from,
                terms.valid_to,
            )
            for key, terms in self.entries.items()
        ]
        return PriceList.of(version, entries, rate=self.rate, cap=cap, exception=self.exception)


@dataclass(frozen=True, slots=True)
class EntryChange:
    """An entry with what it was and what it becomes; None where there is none."""

    key: EntryKey
    old: Terms | None
    new: Terms | None

    @property
    def kind(self) -> Kind:
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @property
    def label(self) -> str:
        """What a person calls the thing."""
        terms = self.new or self.old
        return (terms.label if terms else "") or self.key.target


@dataclass(frozen=True, slots=True)
class Changes:
    """A difference: (old, new) of the rate and of the exception where they differ, and the entries that do."""

    rate: tuple[Decimal, Decimal] | None = None
    exception: tuple[StaffException | None, StaffException | None] | None = None
    entries: tuple[EntryChange, ...] = ()

    def __bool__(self) -> bool:
        return self.rate is not None or self.exception is not None or bool(self.entries)

    def count(self, kind: Kind) -> int:
        """Entries of a kind."""
        return sum(change.kind == kind for change in self.entries)

    def on(self, content: Content) -> Content:
        """The content with every new value in its place, whatever stood there; the rest stays."""
        entries = dict(content.entries)
        for change in self.entries:
            if change.new is None:
                entries.pop(change.key, None)
            else:
                entries[change.key] = change.new
        return Content(
            self.rate[1] if self.rate else content.rate,
            entries,
            self.exception[1] if self.exception else content.exception,
        )

    def undone(self) -> Changes:
        """The difference the other way round."""
        return Changes(
            self.rate and (self.rate[1], self.rate[0]),
            self.exception and (self.exception[1], self.exception[0]),
            tuple(EntryChange(change.key, change.new, change.old) for change in self.entries),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON form, as it is stored and shown."""
        return {
            "rate": [str(rate) for rate in self.rate] if self.rate else None,
            "exception": [_exception_dict(leave) for leave in self.exception] if self.exception else None,
            "entries": [
                {
                    "scope": change.key.scope.name.lower(),
                    "target": change.key.target,
                    "minimum_quantity": change.key.minimum_quantity,
                    "currency": change.key.currency,
                    "valid_from": None if change.key.valid_from == date.min else change.key.valid_from.isoformat(),
                    "old": change.old.as_dict() if change.old else None,
                    "new": change.new.as_dict() if change.new else None,
                }
                for change in self.entries
            ],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Changes:
        """The difference as it was stored by `as_dict`."""
        rate, exception = stored["rate"], stored["exception"]
        return cls(
            (Decimal(rate[0]), Decimal(rate[1])) if rate else None,
            (_exception_from(exception[0]), _exception_from(exception[1])) if exception else None,
            tuple(
                EntryChange(
                    EntryKey(
                        Scope[entry["scope"].upper()],
                        entry["target"],
                        entry["minimum_quantity"],
                        entry["currency"],
                        date.fromisoformat(entry["valid_from"]) if entry["valid_from"] else date.min,
                    ),
                    Terms.from_dict(entry["old"]) if entry["old"] else None,
                    Terms.from_dict(entry["new"]) if entry["new"] else None,
                )
                for entry in stored["entries"]
            ),
        )


def between(old: Content, new: Content) -> Changes:
    """How `new` differs from `old`; entries in the order of their keys."""
    keys = sorted(old.entries.keys() | new.entries.keys())
    return Changes(
        (old.rate, new.rate) if old.rate != new.rate else None,
        (old.exception, new.exception) if old.exception != new.exception else None,
        tuple(
            EntryChange(key, old.entries.get(key), new.entries.get(key))
            for key in keys
            if old.entries.get(key) != new.entries.get(key)
        ),
    )


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


def _exception_dict(leave: StaffException | None) -> dict[str, Any] | None:
    if leave is None:
        return None
    return {"rate": str(leave.rate), "reason": leave.reason, "expires": leave.expires.isoformat(), "by": leave.by}


def _exception_from(stored: Mapping[str, Any] | None) -> StaffException | None:
    if stored is None:
        return None
    return StaffException(Decimal(stored["rate"]), stored["reason"], date.fromisoformat(stored["expires"]), stored["by"])
