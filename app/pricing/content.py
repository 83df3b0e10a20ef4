"""What a price list says as a value, and how two of them differ (`rules.md` 2.2).

A difference holds old and new of everything it touches, so that it can be shown, carried out later and undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from app.money import Money
from app.pricing.rules import Entry, PriceList, Scope, StaffException

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

    def priced(self) -> tuple[EntryChange, ...]:
        """Entries whose price or last day differs, and not only their name."""
        return tuple(change for change in self.entries if change.old is None or change.new is None or _price_differs(change))

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


def _price_differs(change: EntryChange) -> bool:
    assert change.old is not None
    assert change.new is not None
    return replace(change.old, label="") != replace(change.new, label="")


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


def shown(changes: Changes) -> dict[str, Any]:
    """The difference for people: how many entries of each kind, and old and new of all that differs, prices as text."""
    return {
        "rate": [f"{rate} %" for rate in changes.rate] if changes.rate else None,
        "exception": [exception_words(leave) for leave in changes.exception] if changes.exception else None,
        "added": changes.count("added"),
        "changed": changes.count("changed"),
        "removed": changes.count("removed"),
        "entries": [
            {
                "kind": change.kind,
                "for": f"{change.key.scope.name.lower()} {change.label}",
                "target": change.key.target,
                "minimum_quantity": change.key.minimum_quantity,
                "valid_from": None if change.key.valid_from == date.min else change.key.valid_from.isoformat(),
                "old": _words(change.key, change.old),
                "new": _words(change.key, change.new),
            }
            for change in changes.entries
        ],
    }


def _words(key: EntryKey, terms: Terms | None) -> str | None:
    if terms is None:
        return None
    price = terms.price(key)
    said = str(price) if isinstance(price, Money) else f"{price} %"
    until = f" through {terms.valid_to}" if terms.valid_to else ""
    return f"{said}{until} ({terms.label})" if terms.label else f"{said}{until}"


def exception_words(leave: StaffException | None) -> str | None:
    """Leave of staff to go above the cap, for staff."""
    return f"up to {leave.rate} % through {leave.expires} by {leave.by or '-'}: {leave.reason}" if leave else None


def _exception_dict(leave: StaffException | None) -> dict[str, Any] | None:
    if leave is None:
        return None
    return {"rate": str(leave.rate), "reason": leave.reason, "expires": leave.expires.isoformat(), "by": leave.by}


def _exception_from(stored: Mapping[str, Any] | None) -> StaffException | None:
    if stored is None:
        return None
    return StaffException(Decimal(stored["rate"]), stored["reason"], date.fromisoformat(stored["expires"]), stored["by"])
