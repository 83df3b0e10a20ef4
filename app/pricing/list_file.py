"""A price list as CSV: read strictly, every wrong line and column named, and written so that reading it changes nothing.

A list has one line with the scope `list` for its own rate, and one per entry. The separator, comma or semicolon, is the header's.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from app.csv_lines import records
from app.errors import InvalidInput, TooLarge
from app.money import Money, MoneyError, exponent, shortest
from app.pricing.content import Content, EntryKey, Terms
from app.pricing.draft import MOST_MINOR, Draft, check_entry, check_id, check_rate, listed, scope_of_id
from app.pricing.rules import Scope

REQUIRED = ("scope", "target", "rate")
COLUMNS = ("scope", "target", "label", "rate", "fixed", "currency", "minimum_quantity", "valid_from", "valid_to")
WHOLE_LIST = "list"
MOST_LINES = 100_000
"""More than any price list; a file beyond is refused before it fills the memory."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would calculate."""
QUOTE = "'"
SKU = "sku:"
"""Before the SKU of a variant whose id is still to be looked up; no id of Saleor has a colon."""
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_COUNT = re.compile(r"[0-9]{1,10}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SCOPES = {scope.name.lower(): scope for scope in reversed(Scope)}


def decoded(file: Iterable[bytes]) -> Iterator[str]:
    """The file's lines as text. Raises InvalidInput that names the first line that is no UTF-8."""
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"line {number}: byte {error.start + 1} is not UTF-8 text; save the file as CSV in UTF-8.", code="price_file"
            ) from error


def read_list(lines: Iterable[str]) -> Draft:
    """The whole list a file says; without a line `list` the list's own rate stays as it is.

    Raises InvalidInput that lists the wrong lines with their columns, and TooLarge.
    """
    wrong: list[str] = []
    rows = records(_bounded(lines), wrong)
    names = [name.strip().lower() for name in next(rows, (1, []))[1]]
    if wrong:
        raise InvalidInput(f"Nothing was read:\n{listed(wrong)}", code="price_file")
    if missing := [name for name in REQUIRED if name not in names]:
        raise InvalidInput(
            f"line 1: the header lacks {', '.join(missing)}; it has the names {', '.join(COLUMNS)}.", code="price_file"
        )
    if strange := [name for name in names if name not in COLUMNS or names.count(name) > 1]:
        raise InvalidInput(
            f"line 1: the header has {strange[0]!r} unknown or twice; known are {', '.join(COLUMNS)}.", code="price_file"
        )
    rate: Decimal | None = None
    entries: dict[EntryKey, Terms | None] = {}
    places: dict[EntryKey | None, int] = {}
    for number, cells in rows:
        try:
            if len(cells) != len(names):
                raise InvalidInput(f"it has {len(cells)} columns, the header {len(names)}.")
            cell = dict.fromkeys(COLUMNS, "") | {name: text.strip() for name, text in zip(names, cells, strict=True)}
            key: EntryKey | None = None
            if cell["scope"].lower() == WHOLE_LIST:
                own = _own_rate(cell)
            else:
                key, terms = _entry(cell)
            if key in places:
                same = "the list's own rate" if key is None else "same target, minimum quantity, currency and first day"
                raise InvalidInput(f"it repeats line {places[key]}: {same}.")
        except InvalidInput as error:
            wrong.append(f"line {number}: {error.sentence}")
            continue
        places[key] = number
        if key is None:
            rate = own
        else:
            entries[key] = terms
    if wrong:
        raise InvalidInput(f"Nothing was imported; these lines are wrong:\n{listed(wrong)}", code="price_file")
    return Draft(rate, entries, whole=True, lines=places)


def unknown_skus(draft: Draft) -> list[str]:
    """The SKUs of variants that the file names by them alone."""
    return sorted({key.target.removeprefix(SKU) for key in draft.entries if key.target.startswith(SKU)})


def with_ids(draft: Draft, ids: Mapping[str, str]) -> Draft:
    """The draft with variants' ids, by SKU, in the places of `unknown_skus`.

    Raises InvalidInput that lists the lines whose SKU has none, or whose variant another line names.
    """
    wrong: list[str] = []
    entries: dict[EntryKey, Terms | None] = {}
    places: dict[EntryKey | None, int] = {None: draft.lines[None]} if None in draft.lines else {}
    for key, terms in draft.entries.items():
        number, found = draft.lines[key], key
        if key.target.startswith(SKU):
            sku = key.target.removeprefix(SKU)
            if sku not in ids:
                wrong.append(f"line {number}: target: the store has no variant with the SKU {sku!r}.")
                continue
            found = key._replace(target=ids[sku])
        if found in places:
            wrong.append(f"line {number}: it repeats line {places[found]}: same variant.")
        entries[found], places[found] = terms, number
    if wrong:
        raise InvalidInput(f"Nothing was imported; these lines are wrong:\n{listed(wrong)}", code="price_file")
    return replace(draft, entries=entries, lines=places)


def write_list(content: Content) -> Iterator[str]:
    """The lines of the file that says this list, its own rate first. Text that a spreadsheet would calculate is quoted."""
    yield _csv(COLUMNS)
    yield _csv([WHOLE_LIST, "", "", _decimal(content.rate), "", "", "", "", ""])
    for key in sorted(content.entries):
        terms = content.entries[key]
        price = terms.price(key)
        yield _csv(
            [
                key.scope.name.lower(),
                guarded(key.target),
                guarded(terms.label),
                "" if isinstance(price, Money) else _decimal(price),
                str(price.amount) if isinstance(price, Money) else "",
                key.currency,
                str(key.minimum_quantity),
                "" if key.valid_from == date.min else key.valid_from.isoformat(),
                terms.valid_to.isoformat() if terms.valid_to else "",
            ]
        )


def guarded(text: str) -> str:
    """The text so that no spreadsheet calculates it: an apostrophe before what begins like a formula, which `plain` takes off."""
    risky = text.startswith(FORMULA) or (text.startswith(QUOTE) and text[1:].startswith((*FORMULA, QUOTE)))
    return QUOTE + text if risky else text


def plain(cell: str) -> str:
    """The text of a cell that `guarded` may have written."""
    return cell[1:] if cell.startswith(QUOTE) and cell[1:].startswith((*FORMULA, QUOTE)) else cell


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if number > MOST_LINES:
            raise TooLarge(f"line {number}: a price list has at most {MOST_LINES} lines.", code="price_file")
        yield line


def _own_rate(cell: dict[str, str]) -> Decimal:
    for column in ("target", "label", "fixed", "currency", "valid_from", "valid_to"):
        if cell[column]:
            raise InvalidInput(f"{column} {cell[column]!r} has no place in the line of the list's own rate.")
    if cell["minimum_quantity"] not in ("", "1"):
        raise InvalidInput(f"minimum_quantity {cell['minimum_quantity']!r} has no place in the line of the list's own rate.")
    return check_rate(_rate(cell["rate"]))


def _entry(cell: dict[str, str]) -> tuple[EntryKey, Terms]:
    scope = _SCOPES.get(cell["scope"].lower())
    if scope is None:
        raise InvalidInput(f"scope {cell['scope']!r} is not one of {', '.join((WHOLE_LIST, *_SCOPES))}.")
    label = plain(cell["label"])
    target = _target(scope, plain(cell["target"]), label)
    if bool(cell["rate"]) == bool(cell["fixed"]):
        given = "both are given" if cell["rate"] else "both are empty"
        raise InvalidInput(f"rate and fixed: {given}; give one of them.")
    quantity = 1
    if cell["minimum_quantity"]:
        if not _COUNT.fullmatch(cell["minimum_quantity"]):
            raise InvalidInput(f"minimum_quantity {cell['minimum_quantity']!r} is not a whole number.")
        quantity = int(cell["minimum_quantity"])
    start = _day(cell["valid_from"], "valid_from") if cell["valid_from"] else date.min
    end = _day(cell["valid_to"], "valid_to") if cell["valid_to"] else None
    if cell["rate"]:
        if cell["currency"]:
            raise InvalidInput(f"currency {cell['currency']!r} goes with a fixed price; a rate counts in every currency.")
        key, terms = EntryKey(scope, target, quantity, "", start), Terms(rate=_rate(cell["rate"]), valid_to=end, label=label)
    else:
        price = _price(cell["fixed"], cell["currency"].upper())
        key = EntryKey(scope, target, quantity, price.currency, start)
        terms = Terms(fixed_minor=price.minor, valid_to=end, label=label)
    # A SKU may be longer than any id, which takes its place.
    check_entry(key._replace(target=SKU) if target.startswith(SKU) else key, terms)
    return key, terms


def _target(scope: Scope, given: str, label: str) -> str:
    """The id in Saleor, or of a variant its SKU."""
    or_sku = " or SKU" if scope is Scope.VARIANT else ""
    if not (target := given or (label if scope is Scope.VARIANT else "")):
        raise InvalidInput(f"target is missing; give the {scope.name.lower()}'s id in Saleor{or_sku}.")
    if scope is Scope.VARIANT and scope_of_id(target) is None:
        return SKU + target
    check_id(scope, target)
    return target


def _rate(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(f"rate {text!r} is not a number{_like(text, '7.5')}.")
    return shortest(Decimal(text))


def _price(text: str, currency: str) -> Money:
    if not currency:
        raise InvalidInput("currency is missing; a fixed price needs one.")
    try:
        exponent(currency)
    except MoneyError as error:
        raise InvalidInput(f"currency {currency!r} is not known; give a code like USD.") from error
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(f"fixed {text!r} is not a number{_like(text, '91.50')}.")
    try:
        price = Money.of(text, currency)
    except MoneyError as error:
        raise InvalidInput(f"fixed {text!r} has more decimals than {currency} allows.") from error
    if price.minor > MOST_MINOR:
        raise InvalidInput(f"fixed {text!r} is more than a price can be.")
    return price


def _like(text: str, example: str) -> str:
    return f" with a decimal point, like {example}" if "," in text else f" like {example}"


def _day(text: str, column: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{column} {text!r} is not a day: {error}.") from error
    raise InvalidInput(f"{column} {text!r} is not a day like 2026-03-01.")


def _decimal(rate: Decimal) -> str:
    return str(shortest(rate))


def _csv(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()
