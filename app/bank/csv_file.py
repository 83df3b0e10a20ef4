"""CSV of one account, read as its mapping says."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from app.bank.csv_mapping import Column, CsvMapping, read_amount, read_date
from app.bank.lines import (
    BankItem,
    BankLine,
    BankStream,
    FileRefused,
    LineStatus,
    RefusedLine,
    StatementHeader,
    StatementKind,
)
from app.bank.text import choose, raw_lines
from app.bank.values import Tally, Unreadable, given, joined, return_reason, shown

_HEADER_WITHIN = 50
"""Rows in which the header may stand: banks write a few lines about the account first."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]


def read(source: BinaryIO, mapping: CsvMapping) -> BankStream:
    """The lines of a CSV file. Raises FileRefused with the line; single unreadable rows are RefusedLines."""
    rows = _rows(source, mapping)
    places = _header(rows, mapping) if mapping.header else {}
    width = max(places.values(), default=0)
    statement: Tally | None = None
    count = 0
    for row in rows:
        if not any(cell.strip() for cell in row.cells):
            continue
        count += 1
        reading = _Reading(row, mapping, places, f"line {row.line}, row {count}")
        reading.check_width(width)
        account, currency = reading.account(), reading.currency()
        if statement is None or (statement.header.account, statement.header.currency) != (account, currency):
            if statement:
                yield statement.end(None, None)
            statement = Tally(_statement(account, currency, reading.position))
            yield statement.header
        yield _taken(statement, reading)
    if statement is None:
        statement = Tally(_statement(mapping.account, mapping.currency, "line 1"))
        yield statement.header
    yield statement.end(None, None)


def _taken(statement: Tally, reading: _Reading) -> BankItem:
    try:
        return statement.take(reading.line())
    except Unreadable as error:
        return RefusedLine(position=reading.position, code=error.code, sentence=error.sentence)


def _statement(account: str | None, currency: str | None, position: str) -> StatementHeader:
    return StatementHeader(
        kind=StatementKind.STATEMENT,
        account=account,
        currency=currency,
        statement_id=None,
        sequence=None,
        page=None,
        opening=None,
        position=position,
    )


def _rows(source: BinaryIO, mapping: CsvMapping) -> Iterator[_Row]:
    lines = _ended(raw_lines(source, choose(source, mapping.encoding)), open_end=mapping.open_end)
    for _ in range(mapping.skip_lines):
        next(lines, None)
    reader = csv.reader(lines, delimiter=mapping.delimiter, quotechar=mapping.quote, strict=True)
    began = mapping.skip_lines + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cut_off = "unexpected end" in str(error)
            raise FileRefused(
                f"line {began}",
                "The file ends inside a quoted cell; fetch it from the bank again." if cut_off else f"Not a CSV row: {error}.",
                code="truncated" if cut_off else "csv",
            ) from error
        yield _Row(began, cells)
        began = mapping.skip_lines + reader.line_num + 1


def _ended(lines: Iterator[str], *, open_end: bool) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if line[-1] not in "\r\n" and not open_end:
            raise FileRefused(
                f"line {number}",
                "The last line has no end, so it may be cut off; if the bank always writes it so, set open_end in the mapping.",
                code="truncated",
            )
        yield line


def _header(rows: Iterator[_Row], mapping: CsvMapping) -> dict[str, int]:
    """Cell number by column name; the header is the first row that has all the mapping's names. Raises FileRefused."""
    wanted = {name for name in _columns(mapping) if isinstance(name, str)}
    best: tuple[int, set[str]] = (1, wanted)
    for row, _ in zip(rows, range(_HEADER_WITHIN), strict=False):
        names = [cell.strip() for cell in row.cells]
        missing = wanted - set(names)
        if not missing:
            twice = next((name for name in wanted if names.count(name) > 1), None)
            if twice is not None:
                raise FileRefused(f"line {row.line}", f"Two columns are named {shown(twice)}.", code="columns")
            return {name: number for number, name in enumerate(names) if name in wanted} | {"": len(names) - 1}
        if len(missing) < len(best[1]):
            best = (row.line, missing)
    raise FileRefused(
        f"line {best[0]}",
        f"No header row has the columns of the mapping; missing here: {', '.join(map(shown, sorted(best[1])))}.",
        code="columns",
    )


def _columns(mapping: CsvMapping) -> Iterator[Column]:
    for name in mapping.columns.__struct_fields__:
        held = getattr(mapping.columns, name)
        for column in held if isinstance(held, list) else [held]:
            if column is not None:
                yield column


class _Reading:
    def __init__(self, row: _Row, mapping: CsvMapping, places: dict[str, int], position: str) -> None:
        self._row = row
        self._mapping = mapping
        self._columns = mapping.columns
        self._places = places
        self.position = position

    def check_width(self, width: int) -> None:
        """Raises FileRefused for a row with fewer cells than the header, or more that say something."""
        cells = self._row.cells
        if self._mapping.header and (len(cells) <= width or any(cell.strip() for cell in cells[width + 1 :])):
            raise FileRefused(
                self.position,
                f"The row has {len(cells)} cells and the header {width + 1}; it is cut off or shifted.",
                code="columns",
            )

    def account(self) -> str | None:
        """The account of the row. Raises FileRefused where it is not the mapping's."""
        told = self._text(self._columns.account)
        ours = self._mapping.account
        if told and ours and _plain(told) != _plain(ours):
            raise FileRefused(self.position, f"The row is of the account {shown(told)}, the mapping of {ours}.", code="account")
        return ours or told

    def currency(self) -> str | None:
        """The currency of the row."""
        return self._text(self._columns.currency) or self._mapping.currency

    def line(self) -> BankLine:
        """The bank line. Raises Unreadable, or FileRefused for a date that puts all the others in doubt."""
        columns = self._columns
        currency = self.currency()
        if currency is None:
            raise Unreadable("currency", "The row names no currency.")
        columns_of_text = columns.reference_text if isinstance(columns.reference_text, list) else [columns.reference_text]
        text = joined(self._text(column) for column in columns_of_text)
        reversal = self._says(columns.reversal, self._mapping.reversal_words)
        return BankLine(
            account=self.account(),
            booking_date=self._date(columns.booking_date),
            value_date=self._date(columns.value_date),
            amount=self._amount(currency),
            currency=currency,
            payer_name=self._text(columns.payer_name),
            payer_account=self._text(columns.payer_account),
            reference_structured=self._text(columns.reference_structured),
            reference_text=text,
            bank_reference=self._text(columns.bank_reference),
            status=LineStatus.PENDING if self._says(columns.status, self._mapping.pending_words) else LineStatus.BOOKED,
            reversal=reversal,
            batch=None,
            position=self.position,
            end_to_end=given(self._text(columns.end_to_end)),
            transaction_code=self._text(columns.transaction_code),
            return_reason=return_reason(text) if reversal else None,
        )

    def _text(self, column: Column | None) -> str | None:
        if column is None:
            return None
        number = column - 1 if isinstance(column, int) else self._places[column]
        if number >= len(self._row.cells):
            raise FileRefused(self.position, f"The row has no column {number + 1}; it is cut off or shifted.", code="columns")
        return self._row.cells[number].strip() or None

    def _date(self, column: Column | None) -> date | None:
        text = self._text(column)
        return read_date(text, self._mapping.date_order, self.position) if text else None

    def _says(self, column: Column | None, words: list[str]) -> bool:
        text = self._text(column)
        return text is not None and text.casefold() in {word.casefold() for word in words}

    def _amount(self, currency: str) -> Decimal:
        columns, decimal = self._columns, self._mapping.decimal
        if columns.amount is None:
            credit, debit = (
                read_amount(text, currency, decimal) if (text := self._text(column)) else Decimal(0)
                for column in (columns.credit, columns.debit)
            )
            if credit and debit:
                raise Unreadable("amount", "The row has an amount in the credit column and one in the debit column.")
            if self._text(columns.credit) is None and self._text(columns.debit) is None:
                raise Unreadable("amount", "The row has no amount.")
            # Some banks repeat the minus in the debit column.
            return credit or -abs(debit)
        value = read_amount(self._text(columns.amount) or "", currency, decimal)
        if columns.sign is None:
            return value
        if self._says(columns.sign, self._mapping.debit_words):
            return -abs(value)
        if not self._says(columns.sign, self._mapping.credit_words):
            raise Unreadable(
                "sign", f"{shown(self._text(columns.sign) or '')} is neither a credit nor a debit word of the mapping."
            )
        if value < 0:
            raise Unreadable("sign", "The amount is negative and its sign column says credit.")
        return value


def _plain(account: str) -> str:
    return "".join(account.split()).upper()
