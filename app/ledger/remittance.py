"""What a reseller says a wire pays: its lines read out of a pasted text, and each compared with what is owed (`rules.md` 4.3).

An advice is a proposal. It books nothing; matching looks at it when the wire arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.money import Money, MoneyError, exponent
from app.reasons import Reason, because, register

register(
    {
        "advice_unknown": "{reference} names no order, invoice or purchase order of yours.",
        "advice_ambiguous": "{reference} names more than one order: {orders}.",
        "advice_closed": "Nothing is open of order {order}.",
        "advice_more": "{amount} is more than the {open} that is open of order {order}.",
        "advice_less": "{amount} is less than the {open} that is open of order {order}.",
        "advice_currency": "Order {order} is in {currency}, not in {given}.",
        "advice_amount": "{amount} is no amount in {currency}.",
        "advice_twice": "Order {order} is named more than once.",
        "advice_unread": 'Line {line} was not understood: "{text}".',
        "advice_two_ways": 'Line {line}: "{amount}" can be read in two ways; write it with two decimals.',
    }
)
MAX_LINES = 200
MAX_PARTS = 8
MAX_LINE, MAX_AMOUNT = 300, 20
"""Characters of what is read; a longer line is no line of an advice."""
SHOWN = 60
_AMOUNT = re.compile(
    r"(?P<text>.*?[0-9A-Za-z].*?)[\s;|:=]+(?:(?P<before>[A-Z]{3}|[$€£])\s*)?(?P<amount>[0-9][0-9.,']*)(?:\s*(?P<after>[A-Z]{3}|[$€£]))?[\s;|]*"
)
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}
_WORDS = re.compile(
    r"\b(invoices?|inv|orders?|purchase|po|reference|ref|no|nr|number|rechnung(?:en)?|bestellung(?:en)?|auftrag|kundenauftrag|referenz)\b"
    r"[.:#]*(?=[\s#:]|$)",
    re.IGNORECASE,
)
_RF = re.compile(r"RF\s*[0-9]{2}(?:\s*[A-Z0-9]){1,21}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """One line as the reseller gave it. `currency` is empty where it names none."""

    reference: str
    amount: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """An order as an advice is compared with it; `open` is negative or zero where nothing is owed."""

    order_number: str
    open: Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a proposal: the order it names, if one, with the amount in its currency, and what is odd about it."""

    given: Given
    order_number: str | None
    amount: Money | None
    open: Money | None
    reasons: tuple[Reason, ...]


def read_text(text: str) -> tuple[list[Given], list[Reason]]:
    """The lines of a pasted text, each a reference before an amount, and what was not understood.

    Lines without any digit are words around the advice; one whose reference has no digit is a sum. Neither counts.
    """
    found, unread = [], []
    for number, raw in enumerate(text.splitlines(), start=1):
        # A row of a CSV: what parts its columns is never a part of an amount.
        line = re.sub(r'[;\t|"]', " ", raw).strip()
        if not re.search(r"[0-9]", line):
            continue
        match = _AMOUNT.fullmatch(line) if len(line) <= MAX_LINE else None
        if match is None or len(match["amount"]) > MAX_AMOUNT:
            unread.append(because("advice_unread", line=number, text=line[:SHOWN]))
            continue
        if not re.search(r"[0-9]", match["text"]):
            continue
        amount = read_amount(match["amount"])
        if amount is None:
            unread.append(because("advice_two_ways", line=number, amount=match["amount"][:SHOWN]))
            continue
        sign = match["before"] or match["after"] or ""
        found.append(Given(match["text"].strip(" \t;|:=,"), amount, _SIGNS.get(sign, sign)))
    return found, unread


def read_amount(text: str) -> Decimal | None:
    """An amount in English or German writing; None for one that has two readings, like 1.234.

    The last of two kinds of marks is the decimal one; a single mark is, unless exactly three digits follow it.
    """
    plain = text.replace("'", "").rstrip(".,")
    marks = [mark for mark in plain if mark in ".,"]
    if not marks:
        return Decimal(plain)
    last = marks[-1]
    whole, _, decimals = plain.rpartition(last)
    if len(set(marks)) == 2:
        if marks.count(last) > 1:
            return None
        return Decimal(f"{re.sub('[.,]', '', whole)}.{decimals}")
    if len(marks) > 1:
        return Decimal(re.sub("[.,]", "", plain)) if len(decimals) == 3 else None
    return None if len(decimals) == 3 else Decimal(f"{whole}.{decimals}")


def names(reference: str) -> tuple[tuple[str, ...], ...]:
    """What a reference may mean, the likeliest first: creditor references, the whole text, it without words, and its parts."""
    found = [re.sub(r"\s", "", match[0]).upper() for match in _RF.finditer(reference)]
    plain = " ".join(reference.split())
    bare = " ".join(_WORDS.sub(" ", plain).replace("#", " ").split())
    parts = [part.strip(".,:;()") for part in bare.split()]
    groups = (found, [plain], [bare], parts[:MAX_PARTS])
    kept = (tuple(name for name in group if re.search(r"[0-9]", name)) for group in groups)
    return tuple(dict.fromkeys(group for group in kept if group))


def compare(given: Given, orders: Iterable[Owed], taken: set[str]) -> Line:
    """A line beside the orders its reference names; `taken` are the orders of the lines before."""
    found = {order.order_number: order for order in orders}
    if len(found) > 1:
        several = because("advice_ambiguous", reference=given.reference, orders=", ".join(sorted(found)))
        return Line(given, None, None, None, (several,))
    if not found:
        return Line(given, None, None, None, (because("advice_unknown", reference=given.reference),))
    (order,) = found.values()
    number, currency = order.order_number, order.open.currency
    if given.currency not in ("", currency):
        reason = because("advice_currency", order=number, currency=currency, given=given.currency)
        return Line(given, number, None, order.open, (reason,))
    try:
        amount = Money.of(given.amount, currency)
    except MoneyError:
        return Line(given, number, None, order.open, (because("advice_amount", amount=given.amount, currency=currency),))
    reasons = []
    if number in taken:
        reasons.append(because("advice_twice", order=number))
    if order.open.minor <= 0:
        reasons.append(because("advice_closed", order=number))
    elif amount != order.open:
        code = "advice_more" if order.open < amount else "advice_less"
        reasons.append(because(code, amount=amount, open=order.open, order=number))
    return Line(given, number, amount, order.open, tuple(reasons))


def known_currency(code: str) -> bool:
    """Whether it is a currency of ISO 4217."""
    try:
        exponent(code)
    except MoneyError:
        return False
    return True
