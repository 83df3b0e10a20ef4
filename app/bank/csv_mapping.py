"""What a CSV file of one bank account means: a mapping that staff write once per account, and the readings it allows."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from app.bank.lines import FileRefused
from app.bank.values import Unreadable, amount, shown
from app.errors import InvalidInput

Column = str | int
"""A column by the name in the header, or by its number from 1 in a file without header."""
_GROUPS = ",.'’ \u00a0\u202f"
_PARTS = re.compile(r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})|([0-9]{8})")


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where each value stands. An amount is one signed column, or unsigned with `sign`, or two columns `credit` and `debit`."""

    booking_date: Column | None = None
    value_date: Column | None = None
    amount: Column | None = None
    credit: Column | None = None
    debit: Column | None = None
    sign: Column | None = None
    currency: Column | None = None
    account: Column | None = None
    payer_name: Column | None = None
    payer_account: Column | None = None
    reference_structured: Column | None = None
    reference_text: Column | list[Column] | None = None
    bank_reference: Column | None = None
    end_to_end: Column | None = None
    transaction_code: Column | None = None
    status: Column | None = None
    reversal: Column | None = None


class CsvMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mapping of one account's files.

    `encoding` None: the file's BOM, else UTF-8, else Windows-1252. `date_order` None accepts only dates that can be read in one
    way. The lists hold the words that a column uses. `open_end` says that the bank's last row has no line end; without it such
    a row counts as cut off, as a shortened amount looks like an amount.
    """

    columns: Columns
    decimal: Literal[".", ","]
    account: str | None = None
    currency: str | None = None
    delimiter: str = ","
    quote: str = '"'
    encoding: str | None = None
    date_order: Literal["DMY", "MDY", "YMD"] | None = None
    header: bool = True
    skip_lines: int = 0
    open_end: bool = False
    credit_words: list[str] = []
    debit_words: list[str] = []
    pending_words: list[str] = []
    reversal_words: list[str] = []


EXAMPLE: dict[str, Any] = {
    "account": "DE89370400440532013000",
    "currency": "EUR",
    "delimiter": ";",
    "quote": '"',
    "encoding": None,
    "decimal": ",",
    "date_order": "DMY",
    "header": True,
    "skip_lines": 0,
    "open_end": False,
    "columns": {
        "booking_date": "Buchungstag",
        "value_date": "Valuta",
        "amount": "Betrag",
        "payer_name": "Auftraggeber",
        "payer_account": "IBAN",
        "reference_text": ["Verwendungszweck", "Kundenreferenz"],
        "status": "Info",
    },
    "pending_words": ["Umsatz vorgemerkt"],
}
"""A mapping to begin with: that of a German bank."""


def read_mapping(data: Mapping[str, Any]) -> CsvMapping:
    """A mapping from its JSON form. Raises InvalidInput that names the field and what it should be."""
    try:
        mapping = msgspec.convert(data, CsvMapping)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The CSV mapping: {error}.", code="mapping") from error
    problem = _problem(mapping)
    if problem:
        raise InvalidInput(f"The CSV mapping: {problem}", code="mapping")
    return mapping


def _problem(mapping: CsvMapping) -> str | None:
    columns = mapping.columns
    if (columns.amount is None) == (columns.credit is None and columns.debit is None):
        return "columns needs either amount, or credit and debit."
    if columns.amount is None and (columns.credit is None or columns.debit is None or columns.sign is not None):
        return "columns needs both credit and debit, without sign."
    if columns.sign is not None and not (mapping.credit_words and mapping.debit_words):
        return "columns.sign needs credit_words and debit_words."
    if columns.status is not None and not mapping.pending_words:
        return "columns.status needs pending_words."
    if columns.reversal is not None and not mapping.reversal_words:
        return "columns.reversal needs reversal_words."
    if columns.booking_date is None and columns.value_date is None:
        return "columns needs booking_date or value_date."
    if columns.currency is None and mapping.currency is None:
        return "it needs a currency, or columns.currency."
    if len(mapping.delimiter) != 1 or len(mapping.quote) != 1 or mapping.delimiter == mapping.quote:
        return "delimiter and quote are one character each, and not the same."
    if mapping.skip_lines < 0:
        return "skip_lines is not negative."
    for name in columns.__struct_fields__:
        held = getattr(columns, name)
        for column in held if isinstance(held, list) else [held]:
            if column is not None and isinstance(column, int) == mapping.header:
                return f"columns.{name} is {'a name' if mapping.header else 'a number from 1'}, as the file has " + (
                    "a header." if mapping.header else "no header."
                )
            if isinstance(column, int) and column < 1:
                return f"columns.{name} is a number from 1."
    if mapping.encoding:
        try:
            codecs.lookup(mapping.encoding)
            "".encode(mapping.encoding)
        except LookupError:
            return f"the encoding {shown(mapping.encoding)} is unknown."
    return None


def read_amount(text: str, currency: str, decimal: str) -> Decimal:
    """A signed amount as people write it: 1.234,56 and 1'234.56, the minus before or behind, or in parentheses.

    Groups are of three digits and their mark is not the decimal mark, so an amount in the wrong style is refused, not misread.
    Raises Unreadable.
    """
    body = text.strip()
    negative = False
    if body.startswith("(") and body.endswith(")"):
        negative, body = True, body[1:-1].strip()
    elif body[:1] in ("-", "+", "−"):
        negative, body = body[0] != "+", body[1:].lstrip()
    elif body[-1:] in ("-", "+", "−"):
        negative, body = body[-1] != "+", body[:-1].rstrip()
    whole, mark, decimals = body.partition(decimal)
    separators = {character for character in whole if character in _GROUPS}
    if len(separators) > 1 or decimal in separators:
        raise Unreadable("amount", f"{shown(text)} is not an amount.")
    if separators:
        first, *groups = whole.split(separators.pop())
        if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise Unreadable("amount", f"{shown(text)} is not an amount with {decimal!r} before its decimals.")
        whole = first + "".join(groups)
    if mark and not decimals:
        raise Unreadable("amount", f"{shown(text)} is not an amount.")
    try:
        value: Decimal = amount(f"{whole}.{decimals}" if mark else whole, currency)
    except Unreadable as error:
        raise Unreadable("amount", f"{shown(text)} is not an amount of {currency or 'any currency'}.") from error
    return -value if negative else value


def read_date(text: str, order: str | None, place: str) -> date:
    """A date in the mapping's order; one that fits none, or more than one, puts all others in doubt too: raises FileRefused."""
    found = _PARTS.fullmatch(text.strip())
    if not found:
        raise Unreadable("date", f"{shown(text)} is not a date.")
    if found[5]:
        digits = found[5]
        parts = {"DMY": (digits[4:], digits[2:4], digits[:2]), "MDY": (digits[4:], digits[:2], digits[2:4])}.get(
            order or "YMD", (digits[:4], digits[4:6], digits[6:])
        )
        readings = {_day(*parts)} - {None}
    else:
        one, two, three = found[1], found[3], found[4]
        ways = {"DMY": (three, two, one), "MDY": (three, one, two), "YMD": (one, two, three)}
        if order is None and 4 in (len(one), len(three)):
            ways = {"YMD": ways["YMD"]} if len(one) == 4 else {"DMY": ways["DMY"], "MDY": ways["MDY"]}
        readings = {_day(*parts) for name, parts in ways.items() if order in (None, name)} - {None}
    days = [day for day in readings if day]
    if len(days) > 1:
        raise FileRefused(
            place,
            f"The date {shown(text)} can be read in more than one way; say date_order (DMY, MDY or YMD) in the mapping.",
            code="ambiguous_date",
        )
    if not days:
        raise FileRefused(place, f"{shown(text)} is no date in the order {order or 'year, month, day'}.", code="date")
    return days[0]


def _day(year: str, month: str, day: str) -> date | None:
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return None
    try:
        return date(int(year) if len(year) == 4 else 2000 + int(year), int(month), int(day))
    except ValueError:
        return None
