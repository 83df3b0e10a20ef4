"""OFX and QFX: SGML of version 1 (leaves without end tags, all in one line or one tag a line) and XML of version 2.

One tokenizer of our own reads both: the library `ofxtools` builds the whole file in memory, refuses it entirely for one element
that a bank spells its own way, and has no line numbers. Only the five entities of XML and numbers are decoded, a document type
is refused, and every aggregate must be closed, so a file that is cut off is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from app.bank.lines import (
    Balance,
    BankItem,
    BankLine,
    BankStream,
    FileRefused,
    LineStatus,
    RefusedLine,
    StatementEnd,
    StatementHeader,
    StatementKind,
)
from app.bank.ofx_tokens import CLOSE, OPEN, Token, tokens
from app.bank.values import Tally, Unreadable, amount, given, joined, plain_date, return_reason, shown

_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS"})
_ENTRIES = frozenset({"STMTTRN", "STMTTRNP"})
_UNREAD = frozenset({"INVSTMTRS", "LOANSTMTRS"})
_MONEY_OUT = frozenset({"DEBIT", "CHECK", "PAYMENT", "DIRECTDEBIT", "SRVCHG", "CASH"})
_MONEY_IN = frozenset({"CREDIT", "DEP", "DIRECTDEP"})
"""Types whose negative amount is a credit taken back; OFX has no other word for that."""
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,15}(?:[.,][0-9]{0,8})?|[.,][0-9]{1,8})")
_TIME = re.compile(r"([0-9]{8})(?:[0-9]{4}(?:[0-9]{2})?(?:\.[0-9]{1,6})?)?\s*(?:\[.{0,40}\])?")
MAX_LEAVES = 200


def read(source: BinaryIO) -> BankStream:
    """The statements of an OFX file. Raises FileRefused with the line; single unreadable entries are RefusedLines."""
    reading = _Reading()
    line = 1
    for token in tokens(source):
        yield from reading.take(token)
        line = token.line
    if not reading.statements:
        raise FileRefused(f"line {line}", "The file holds no statement of a bank account.", code="no_statement")


@dataclass(slots=True)
class _Entry:
    line: int
    pending: bool
    values: dict[str, str]


class _Reading:
    def __init__(self) -> None:
        self.statements = 0
        self._path: list[str] = []
        self._values: dict[str, str] = {}
        self._began = 0
        self._tally: Tally | None = None
        self._entry: _Entry | None = None
        self._entries = 0

    def take(self, token: Token) -> Iterator[BankItem]:
        if token.kind == OPEN:
            yield from self._open(token)
        elif token.kind == CLOSE:
            self._path.pop()
            yield from self._close(token)
        else:
            self._leaf(token)

    def _open(self, token: Token) -> Iterator[BankItem]:
        if token.name in _UNREAD:
            raise FileRefused(f"line {token.line}", "The file holds statements of investments or loans.", code="no_statement")
        if token.name in _STATEMENTS:
            if self._inside():
                raise FileRefused(f"line {token.line}", "A statement begins inside another.", code="structure")
            self.statements += 1
            self._values, self._tally, self._entries, self._began = {}, None, 0, token.line
        elif token.name in _ENTRIES:
            if self._entry is not None or not self._inside():
                raise FileRefused(
                    f"line {token.line}", "An entry begins outside a statement or inside another.", code="structure"
                )
            yield from self._begin()
            self._entries += 1
            self._entry = _Entry(token.line, token.name == "STMTTRNP", {})
        self._path.append(token.name)

    def _close(self, token: Token) -> Iterator[BankItem]:
        if token.name in _ENTRIES and self._entry is not None:
            entry, self._entry = self._entry, None
            assert self._tally is not None
            position = f"line {entry.line}, statement {self.statements}, entry {self._entries}"
            try:
                yield self._tally.take(_line(entry, self._tally.header, position))
            except Unreadable as error:
                yield RefusedLine(position=position, code=error.code, sentence=error.sentence)
        elif token.name in _STATEMENTS:
            yield from self._begin()
            yield self._end()

    def _leaf(self, token: Token) -> None:
        parent = self._path[-1] if self._path else ""
        if token.name == "SEVERITY" and token.text == "ERROR":
            raise FileRefused(
                f"line {token.line}", "The bank answered with an error instead of a statement.", code="no_statement"
            )
        held = self._entry.values if self._entry else self._values
        if len(held) > MAX_LEAVES:
            raise FileRefused(f"line {token.line}", "One entry has more values than any bank gives.", code="size")
        # What stands directly in the entry or statement goes by its name, what is below by both names.
        key = token.name if parent in _ENTRIES | _STATEMENTS else f"{parent}.{token.name}"
        if token.text:
            held.setdefault(key, token.text)

    def _inside(self) -> bool:
        return bool(_STATEMENTS.intersection(self._path))

    def _begin(self) -> Iterator[StatementHeader]:
        if self._tally is not None:
            return
        account = self._values.get("BANKACCTFROM.ACCTID") or self._values.get("CCACCTFROM.ACCTID")
        currency = self._values.get("CURDEF")
        position = f"line {self._began}, statement {self.statements}"
        if not account:
            raise FileRefused(position, "The statement names no account.", code="structure")
        header = StatementHeader(
            kind=StatementKind.STATEMENT,
            account=account,
            currency=currency,
            statement_id=None,
            sequence=None,
            page=None,
            opening=None,
            position=position,
        )
        self._tally = Tally(header)
        yield header

    def _end(self) -> StatementEnd:
        assert self._tally is not None
        text, day, currency = (
            self._values.get("LEDGERBAL.BALAMT"),
            self._values.get("LEDGERBAL.DTASOF"),
            self._tally.header.currency,
        )
        try:
            closing = (
                text and currency and Balance(amount=_signed(text, currency), currency=currency, date=_day(day) if day else None)
            )
        except Unreadable as error:
            raise FileRefused(self._tally.header.position, f"The balance: {error.sentence}", code="balance") from error
        return self._tally.end(closing or None, None)


def _line(entry: _Entry, header: StatementHeader, position: str) -> BankLine:
    value = entry.values.get
    if value("CORRECTACTION") or value("CORRECTFITID"):
        raise Unreadable("correction", "The bank corrects an entry it gave before; compare both and book it by hand.")
    kind, posted = (value("TRNTYPE") or "").upper() or None, value("DTPOSTED") or value("DTTRAN")
    # CURRENCY says that the amount itself is in another currency; ORIGCURRENCY that it was converted already.
    currency = value("CURRENCY.CURSYM") or header.currency
    if currency is None:
        raise Unreadable("currency", "Neither the entry nor its statement names a currency.")
    money = _signed(value("TRNAMT") or "", currency)
    if kind in _MONEY_OUT and money > 0:
        raise Unreadable("sign", f"The entry is of type {kind} and its amount is positive: whether money came in is unclear.")
    if posted is None:
        raise Unreadable("date", "The entry has no date.")
    available, memo, reversal = value("DTAVAIL"), value("MEMO"), kind in _MONEY_IN and money < 0
    return BankLine(
        account=header.account,
        booking_date=None if entry.pending else _day(posted),
        value_date=_day(available) if available else None,
        amount=money,
        currency=currency,
        payer_name=value("NAME") or value("PAYEE.NAME") or value("EXTDNAME"),
        payer_account=value("BANKACCTTO.ACCTID") or value("CCACCTTO.ACCTID") or value("BANKACCTFROM.ACCTID"),
        reference_structured=None,
        reference_text=joined([memo]),
        bank_reference=value("FITID"),
        status=LineStatus.PENDING if entry.pending else LineStatus.BOOKED,
        reversal=reversal,
        batch=None,
        position=position,
        end_to_end=given(value("REFNUM") or value("CHECKNUM")),
        transaction_code=kind,
        return_reason=return_reason(memo) if reversal else None,
    )


def _signed(text: str, currency: str) -> Decimal:
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise Unreadable("amount", f"{shown(text)} is not an amount.")
    value = amount(found[2].replace(",", "."), currency)
    return -value if found[1] == "-" else value


def _day(text: str) -> date:
    """The day as the bank writes it, in the zone it writes: 20260331230000[-5:EST] is 31 March. Raises Unreadable."""
    found = _TIME.fullmatch(text)
    if not found:
        raise Unreadable("date", f"{shown(text)} is not a date like 20260331.")
    return plain_date(found[1])
