"""What a reseller's books came to, month by month, as functions of its ledger items and its frozen orders. Pure.

**Sales** are orders that were owed, in the month of their order date; a credit lowers the month it was booked for (its value
date), as a credit note does, so that a month that was reported stays as it was. Gross amounts are the ledger's own; net ones go
with them as on invoice and credit note.

**Days to pay** are calendar days from the order date (a prepaid order has no invoice before its money) to the day since which
nothing was open any more, by the bank's value dates. They count in the month of that day. An order that was written off, even in
part, or that only a credit closed, was never paid. The average is weighted by the money that paid each order: a large order tells
more of a reseller than a small one.

**Ageing** is what is open of orders by days past the due date (`rules.md` 7); interest and unallocated credit stand beside it, as
on a statement of account.

**Exempt** is net without tax, by the reason frozen on the order's line (`rules.md` 10).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from app.documents.credit import Part, credit_parts
from app.ledger.rules import EFFECT, PAYING, Item, Kind, credits, interest_left
from app.money import spread

TENTH = Decimal("0.1")


class Exemption(StrEnum):
    """Why a line bore no tax."""

    CERTIFICATE = "certificate"
    NOT_REGISTERED = "not_registered"
    UNTAXED_CLASS = "untaxed_class"
    ZERO_RATE = "zero_rate"
    NOT_CHARGED = "not_charged"
    NO_RATE = "no_rate"
    OTHER = "other"


REASONS = {
    "tax_exempt": Exemption.CERTIFICATE,
    "tax_not_registered": Exemption.NOT_REGISTERED,
    "tax_class_untaxed": Exemption.UNTAXED_CLASS,
    "tax_flat": Exemption.ZERO_RATE,
    "tax_state": Exemption.ZERO_RATE,
    "tax_zip": Exemption.ZERO_RATE,
    "tax_not_charged": Exemption.NOT_CHARGED,
    "tax_no_flat_rate": Exemption.NO_RATE,
    "tax_no_state_rate": Exemption.NO_RATE,
}
"""By the codes of `tax.rules`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order in minor units; `exemption` is None where it was taxed."""

    net: int
    gross: int
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was frozen: its totals with the lines they are of."""

    net: int
    gross: int
    lines: tuple[Line, ...] = ()


@dataclass(slots=True)
class Month:
    """One month in one currency, amounts in minor units; what was credited is taken off `net` and `exempt`."""

    orders: int = 0
    gross_minor: int = 0
    credit_minor: int = 0
    net_minor: int = 0
    exempt_minor: int = 0
    paid_orders: int = 0
    late_orders: int = 0
    """Those of them that were paid after their due date."""
    paid_minor: int = 0
    paid_days: int = 0
    """Sum of the days to pay of each order."""
    paid_minor_days: int = 0
    """Sum of each order's days times what paid it."""


@dataclass(slots=True)
class Balance:
    """What stands in one currency. `orders` are all that were ever owed."""

    orders: int = 0
    interest_minor: int = 0
    credit_minor: int = 0


@dataclass(slots=True)
class Open:
    """What is open of orders with the same due date."""

    orders: int = 0
    open_minor: int = 0


@dataclass(slots=True)
class Summary:
    """All of a reseller. Keys are currency, the first of a month, exemption, due date."""

    months: dict[tuple[str, date], Month] = field(default_factory=lambda: defaultdict(Month))
    exempt: dict[tuple[str, date, Exemption], int] = field(default_factory=lambda: defaultdict(int))
    open: dict[tuple[str, date], Open] = field(default_factory=lambda: defaultdict(Open))
    balances: dict[str, Balance] = field(default_factory=lambda: defaultdict(Balance))


def exemption_of(taxed: bool, codes: Iterable[str]) -> Exemption | None:
    """Why a line bore no tax, by the codes of the reasons frozen on it; None where it bore some."""
    if taxed:
        return None
    return next((REASONS[code] for code in codes if code in REASONS), Exemption.OTHER)


def summary(items: Iterable[Item], orders: Mapping[str, Order]) -> Summary:
    """What a reseller's ledger items, in the order of their booking, and its orders by number came to."""
    items = list(items)
    found = Summary()
    of_debt: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.receivable_id is not None:
            of_debt[item.receivable_id].append(item)
    debts = [item for item in items if item.kind is Kind.RECEIVABLE and item.amount_minor >= 0]
    for debt in debts:
        order = orders.get(debt.order_number or "", Order(debt.amount_minor, debt.amount_minor))
        found.balances[debt.currency].orders += 1
        _sold(found, debt, of_debt[debt.id], order)
        _paid(found, debt, of_debt[debt.id])
        _open(found, debt, of_debt[debt.id])
    currencies = {item.id: item.currency for item in items}
    for interest, minor in interest_left(items).items():
        found.balances[currencies[interest]].interest_minor += minor
    for currency, minor in credits(items).items():
        found.balances[currency].credit_minor += minor
    return found


def paid_in_full(debt: Item, items: Iterable[Item]) -> date | None:
    """The day since which nothing is open of an order; None while something is, or where not money alone closed it.

    Of one day's items all count together: a refund takes back a payment and credits the order at once. Nobody paid what was
    written off, and a zero-value order is never "paid" (edge case 69).
    """
    changes: dict[date, int] = defaultdict(int)
    paid = written_off = 0
    for item in items:
        changes[item.value_date] += EFFECT[item.kind][0] * item.amount_minor
        paid += item.amount_minor if item.kind in PAYING else 0
        written_off += item.amount_minor if item.kind is Kind.WRITE_OFF else 0
    if debt.amount_minor <= 0 or paid <= 0 or written_off:
        return None
    since: date | None = None
    left = 0
    for day in sorted(changes):
        left += changes[day]
        if left > 0:
            since = None
        elif since is None and day >= debt.value_date:
            since = day
    return since


def average_days(minor_days: int, minor: int) -> Decimal | None:
    """Days to pay to one decimal, weighted by amount; None where nothing was paid."""
    return (Decimal(minor_days) / minor).quantize(TENTH, ROUND_HALF_UP) if minor > 0 else None


def percent(part: int, whole: int) -> Decimal | None:
    """How many percent of the whole a part is, to one decimal; None of nothing, or of less."""
    return (Decimal(part * 100) / whole).quantize(TENTH, ROUND_HALF_UP) if whole > 0 else None


def _sold(found: Summary, debt: Item, items: Iterable[Item], order: Order) -> None:
    """The order in its month, its credits in theirs."""
    parts, kinds = _parts(order)
    _add(found, debt.currency, debt.value_date, parts, kinds, orders=1, gross=debt.amount_minor)
    left, taken = list(parts), {}
    waiting = []
    for item in items:
        if item.kind is not Kind.CREDIT:
            continue
        if item.reverses_id is not None:
            waiting.append(item)
            continue
        gone = credit_parts(left, (), max(0, min(item.amount_minor, sum(part.gross for part in left))))
        left = [Part(part.net - off.net, part.gross - off.gross) for part, off in zip(left, gone, strict=True)]
        taken[item.id] = gone
        _add(found, debt.currency, item.value_date, [Part(-off.net, -off.gross) for off in gone], kinds, credit=item.amount_minor)
    for item in waiting:  # what takes a credit back gives the order what that took
        gone = taken.get(item.reverses_id or "", [])
        taken[item.id] = [Part(-off.net, -off.gross) for off in gone]
        _add(found, debt.currency, item.value_date, gone, kinds[: len(gone)], credit=item.amount_minor)


def _add(
    found: Summary,
    currency: str,
    day: date,
    parts: Sequence[Part],
    kinds: Sequence[Exemption | None],
    *,
    orders: int = 0,
    gross: int = 0,
    credit: int = 0,
) -> None:
    first = day.replace(day=1)
    month = found.months[currency, first]
    month.orders += orders
    month.gross_minor += gross
    month.credit_minor += credit
    for part, kind in zip(parts, kinds, strict=True):
        month.net_minor += part.net
        if kind is not None:
            month.exempt_minor += part.net
            found.exempt[currency, first, kind] += part.net


def _parts(order: Order) -> tuple[list[Part], list[Exemption | None]]:
    """What the order's totals consist of: its lines and what is beside them, such as shipping.

    Where the lines come to more than the order, a reduction of the whole order is on each in proportion.
    """
    parts = [Part(line.net, line.gross) for line in order.lines]
    kinds = [line.exemption for line in order.lines]
    net, gross = order.net - sum(part.net for part in parts), order.gross - sum(part.gross for part in parts)
    if not net and not gross:
        return parts, kinds
    if net >= 0 and gross >= 0:
        return [*parts, Part(net, gross)], [*kinds, None if gross > net else Exemption.OTHER]
    nets = spread(order.net, [part.net for part in parts])
    return [Part(*pair) for pair in zip(nets, spread(order.gross, [part.gross for part in parts]), strict=True)], kinds


def _paid(found: Summary, debt: Item, items: Sequence[Item]) -> None:
    on = paid_in_full(debt, items)
    if on is None:
        return
    month = found.months[debt.currency, on.replace(day=1)]
    days, minor = (on - debt.value_date).days, sum(item.amount_minor for item in items if item.kind in PAYING)
    month.paid_orders += 1
    month.late_orders += on > (debt.due_date or debt.value_date)
    month.paid_minor += minor
    month.paid_days += days
    month.paid_minor_days += minor * days


def _open(found: Summary, debt: Item, items: Iterable[Item]) -> None:
    minor = sum(EFFECT[item.kind][0] * item.amount_minor for item in items)
    if minor:
        at = found.open[debt.currency, debt.due_date or debt.value_date]
        at.orders += 1
        at.open_minor += minor
