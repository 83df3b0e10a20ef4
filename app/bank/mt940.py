"""MT940 statements (and MT942, its report during the day), as banks send them: in SWIFT blocks or bare, one message or many.

Read by our own strict tokenizer: the library `mt-940` searches for tags with patterns, so it skips what it does not understand
without a word, keeps no line numbers, reads a reversed credit as money in, and gives the statement's own :86: to the last entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from stdnum import iban

from app.bank.lines import (
    Balance,
    BankItem,
    BankLine,
    BankStream,
    FileRefused,
    RefusedLine,
    StatementHeader,
    StatementKind,
)
from app.bank.mt940_entry import Field, entry_line
from app.bank.text import Encoding, choose, numbered_lines
from app.bank.values import Tally, Unreadable, amount, given, plain_date, shown

_TAG = re.compile(r":([0-9]{2}[A-Z]?|NS):")
_KNOWN = frozenset(
    [
        "13",
        "13D",
        "20",
        "21",
        "25",
        "25P",
        "28",
        "28C",
        "34F",
        "60F",
        "60M",
        "61",
        "62F",
        "62M",
        "64",
        "65",
        "86",
        "90C",
        "90D",
        "NS",
    ]
)
_CLOSING = frozenset(["62F", "62M", "34F", "13D", "90C", "90D"])
"""Fields after which a line of a single hyphen can only be the end of the message; before it is a text's."""
_ENVELOPE = re.compile(r"[A-Z0-9 ]{0,16}")
"""Lines that some banks put before a message: their own code, 940."""
_BLOCK = re.compile(r"[\x00-\x1f]*\{[1-5]:")
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]{0,18},[0-9]{0,8})")
MAX_FIELD_LINES = 200


def read(source: BinaryIO) -> BankStream:
    """The statements of an MT940 file. Raises FileRefused with the line; single unreadable :61: are RefusedLines."""
    encoding = choose(source)
    message: _Message | None = None
    count = 0
    for found in _fields(source, encoding):
        if found.tag == "20":
            if message:
                yield from message.finish(found.line)
            message, count = _Message(count + 1), count + 1
        if message is None:
            raise FileRefused(f"line {found.line}", f"Field :{found.tag}: stands before the first :20:.", code="structure")
        if found.tag == "end":
            yield from message.finish(found.line)
            message = None
        else:
            yield from message.take(found)
    if message:
        yield from message.finish(found.line)
    if not count:
        raise FileRefused("line 1", "The file holds no message; one begins with :20:.", code="no_statement")


def _fields(source: BinaryIO, encoding: Encoding) -> Iterator[Field]:
    """The fields in their order with the lines they go over; `end` where a message ends. Raises FileRefused for stray text."""
    current: Field | None = None
    begun = closable = False
    for number, raw in numbered_lines(source, encoding):
        line = raw.strip("\x01\x02\x03\x1a")
        if _BLOCK.match(line):
            block, _, rest = line.rpartition("{4:")
            line = rest if block else ""
            if current:
                yield current
                current = None
        if line.startswith("-}") or (line.rstrip() == "-" and (closable or current is None)):
            if current:
                yield current
                yield Field("end", number)
            current = None
            continue
        tag = _TAG.match(line)
        if tag and tag[1] in _KNOWN:
            if current:
                yield current
            current = Field(tag[1], number, [line[tag.end() :]])
            begun, closable = True, tag[1] in _CLOSING or (closable and tag[1] != "20")
        elif current:
            if len(current.lines) >= MAX_FIELD_LINES:
                raise FileRefused(f"line {number}", f"Field :{current.tag}: goes over too many lines.", code="size")
            current.lines.append(line)
        elif not _ENVELOPE.fullmatch(line.strip()) and (begun or number > 10):
            # A few lines before the first message are a header that some banks put there; later it would be a lost line.
            raise FileRefused(f"line {number}", f"{shown(line)} belongs to no field.", code="structure")
    if current:
        yield current


class _Message:
    def __init__(self, number: int) -> None:
        self._number = number
        self._heads: dict[str, Field] = {}
        self._tally: Tally | None = None
        self._entry: Field | None = None
        self._entries = 0
        self._details: Field | None = None
        self._closing: tuple[Balance, str] | None = None

    def take(self, found: Field) -> Iterator[BankItem]:
        """The next field of the message."""
        if found.tag == "86":
            # After the closing balance, or before any entry, it speaks of the whole statement.
            if self._entry is not None and self._closing is None:
                if self._details is not None:
                    self._details.lines += found.lines
                else:
                    self._details = found
            return
        if found.tag == "NS" and (self._entry is not None or not self._tally):
            # Non-SWIFT: numbered lines of text for the entry, or about the account.
            if self._entry is not None and self._details is None:
                self._details = found
            return
        yield from self._flush()
        if found.tag == "61":
            if self._closing:
                raise FileRefused(f"line {found.line}", "An entry stands after the closing balance.", code="structure")
            yield from self._begin(found.line)
            self._entries += 1
            self._entry = found
        elif found.tag in ("62F", "62M"):
            if self._closing:
                raise FileRefused(f"line {found.line}", "The statement has two closing balances.", code="structure")
            yield from self._begin(found.line)
            self._closing = (_balance(found), found.tag)
        elif found.tag in self._heads and found.tag not in ("34F", "13D", "64", "65"):
            raise FileRefused(f"line {found.line}", f"Field :{found.tag}: comes twice in one message.", code="structure")
        else:
            self._heads.setdefault(found.tag, found)

    def finish(self, line: int) -> Iterator[BankItem]:
        """The end of the message. Raises FileRefused where it is cut off before its closing balance."""
        yield from self._flush()
        intraday = self._tally is not None and self._tally.header.kind is StatementKind.INTRADAY
        if not self._closing and not intraday and not self._is_report():
            raise FileRefused(
                f"line {line}",
                "The message ends without a closing balance (:62F:), so it is cut off; fetch it from the bank again.",
                code="truncated",
            )
        yield from self._begin(line)
        assert self._tally is not None
        balance, tag = self._closing or (None, None)
        yield self._tally.end(balance, None if tag is None else tag == "62F")

    def _is_report(self) -> bool:
        return not {"60F", "60M"} & self._heads.keys() and bool({"34F", "13D", "13", "90C", "90D"} & self._heads.keys())

    def _begin(self, line: int) -> Iterator[StatementHeader]:
        if self._tally is not None:
            return
        place = f"line {self._heads['20'].line}, message {self._number}"
        start = self._heads.get("60F") or self._heads.get("60M")
        account = self._heads.get("25") or self._heads.get("25P")
        report = self._is_report()
        if account is None or (start is None and not report):
            missing = ":25:" if account is None else ":60F:"
            raise FileRefused(f"line {line}", f"Message {self._number} has no {missing} before its entries.", code="structure")
        opening = _balance(start) if start else None
        floor = re.match(r"[A-Z]{3}", self._heads["34F"].text) if report and "34F" in self._heads else None
        currency = opening.currency if opening else floor and floor[0]
        if currency is None:
            raise FileRefused(f"line {line}", f"Message {self._number} names no currency.", code="structure")
        number = self._heads.get("28C") or self._heads.get("28")
        sequence, _, page = number.text.partition("/") if number else ("", "", "")
        header = StatementHeader(
            kind=StatementKind.INTRADAY if report else StatementKind.STATEMENT,
            account=_account(account.text, currency),
            currency=currency,
            statement_id=given(self._heads["20"].text),
            sequence=sequence or None,
            page=int(page) if re.fullmatch(r"[0-9]{1,9}", page) else None,
            opening=opening,
            position=place,
        )
        self._tally = Tally(header)
        yield header

    def _flush(self) -> Iterator[BankLine | RefusedLine]:
        entry, details, self._entry, self._details = self._entry, self._details, None, None
        if entry is None:
            return
        assert self._tally is not None
        position = f"line {entry.line}, message {self._number}, entry {self._entries}"
        try:
            yield self._tally.take(entry_line(entry, details, self._tally.header, position))
        except Unreadable as error:
            yield RefusedLine(position=position, code=error.code, sentence=error.sentence)


def _balance(found: Field) -> Balance:
    match = _BALANCE.fullmatch(found.text)
    try:
        if not match:
            raise Unreadable("balance", f"{shown(found.text)} is not a balance like C260331EUR1234,56.")
        sign, day, currency, digits = match.groups()
        value: Decimal = amount(digits.replace(",", "."), currency)
        return Balance(
            amount=value if sign == "C" else -value,
            currency=currency,
            date=plain_date(day),
            intermediate=found.tag.endswith("M"),
        )
    except Unreadable as error:
        raise FileRefused(f"line {found.line}", f"Field :{found.tag}: {error.sentence}", code="balance") from error


def _account(text: str, currency: str) -> str:
    """The account as the bank writes it; an IBAN without its blanks and without the currency some banks put behind it."""
    compact = text.replace(" ", "")
    shorter = compact.removesuffix(currency)
    return next((form for form in (compact, shorter) if iban.is_valid(form)), text)
