"""BAI2: the cash management file of US banks, records 01 to 99, with continuations (88) and checked control totals.

Amounts are whole minor units of the group's or account's currency (USD where none is named). The type code of a record 16 says
whether money came in: 1xx-3xx and 920-959 are credits, 4xx-6xx and 960-999 debits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from app.bank.bai2_records import WHOLE, Fields, Record, Total, records, whole_number
from app.bank.lines import (
    ZERO_AMOUNT,
    Balance,
    BankItem,
    BankLine,
    BankStream,
    FileRefused,
    LineStatus,
    RefusedLine,
    StatementHeader,
    StatementKind,
)
from app.bank.values import Tally, Unreadable, given, joined, plain_date, return_reason, shown
from app.money import Money, MoneyError

_OPENING, _CLOSING = "010", "015"
_TAKEN_BACK = frozenset(["252", "255", "257", "258", "261", "266", "552", "555", "557", "558", "561", "566"])
"""Reversals, returned and rejected items; 5xx takes a credit back."""
_INTERIM = frozenset(["1", "3"])
MAX_SUMMARIES = 2000


def read(source: BinaryIO) -> BankStream:
    """The accounts of a BAI2 file as statements. Raises FileRefused with the line; unreadable records 16 are RefusedLines."""
    reading = _File()
    for record in records(source):
        yield from reading.take(record)
    reading.finish()


class _File:
    def __init__(self) -> None:
        self._file = Total()
        self._group: Total | None = None
        self._account: _Account | None = None
        self._day: date | None = None
        self._currency = "USD"
        self._interim = False
        self._begun = self._ended = False
        self._number = 0
        self._last = "line 1"

    def take(self, record: Record) -> Iterator[BankItem]:
        """The next logical record."""
        self._last = record.place
        if self._ended or (not self._begun and record.code != "01"):
            raise FileRefused(record.place, f"Record {record.code} stands outside the file (01 to 99).", code="structure")
        self._file.records += record.lines
        if self._group:
            self._group.records += record.lines
        if record.code == "01":
            self._need(record, self._begun is False)
            self._begun = True
        elif record.code == "02":
            self._need(record, self._group is None)
            self._open_group(record)
        elif record.code == "03":
            self._need(record, self._group is not None and self._account is None)
            self._number += 1
            self._account = _Account(record, self._number, self._day, self._currency, interim=self._interim)
        elif record.code == "16":
            self._need(record, self._account is not None)
            assert self._account is not None
            yield from self._account.entry(record)
        elif record.code == "49":
            self._need(record, self._account is not None)
            yield from self._close_account(record)
        elif record.code == "98":
            self._need(record, self._group is not None and self._account is None)
            self._close_group(record)
        else:
            self._need(record, self._group is None)
            self._file.check(record, parts="groups", what="file")
            self._ended = True

    def finish(self) -> None:
        """Raises FileRefused where the file has no end."""
        if not self._ended:
            raise FileRefused(
                self._last,
                "The file ends without its trailer (99), so it is cut off; fetch it from the bank again.",
                code="truncated",
            )

    def _need(self, record: Record, fits: bool) -> None:
        if not fits:
            raise FileRefused(record.place, f"Record {record.code} cannot stand here.", code="structure")

    def _open_group(self, record: Record) -> None:
        fields = record.fields()
        fields.skip(2)
        status, day, _, currency, modifier = (fields.next() for _ in range(5))
        if status not in ("1", "3"):
            kind = {"2": "deletes what was sent before", "4": "is a test"}.get(status, f"has the unknown status {shown(status)}")
            raise FileRefused(record.place, f"The group {kind}; it is not read as payments.", code="group_status")
        try:
            self._day = plain_date(day)
        except Unreadable as error:
            raise FileRefused(record.place, error.sentence, code="date") from error
        self._currency = currency or "USD"
        self._interim = modifier in _INTERIM
        self._group = Total(records=record.lines)

    def _close_account(self, record: Record) -> Iterator[BankItem]:
        assert self._account is not None
        assert self._group is not None
        yield from self._account.finish(record)
        self._group.amounts += self._account.total.amounts
        self._group.parts += 1
        self._account = None

    def _close_group(self, record: Record) -> None:
        assert self._group is not None
        self._group.check(record, parts="accounts", what="group")
        self._file.amounts += self._group.amounts
        self._file.parts += 1
        self._group = None


class _Account:
    def __init__(self, record: Record, number: int, day: date | None, currency: str, *, interim: bool) -> None:
        self.total = Total(records=record.lines)
        self._number = number
        self._entries = 0
        self._day = day
        fields = record.fields()
        account = fields.next()
        self._currency = fields.next() or currency
        balances = self._summaries(record, fields)
        self._closing = balances.get(_CLOSING)
        self._status = LineStatus.PENDING if interim else LineStatus.BOOKED
        self._header = StatementHeader(
            kind=StatementKind.INTRADAY if interim else StatementKind.STATEMENT,
            account=account or None,
            currency=self._currency,
            statement_id=None,
            sequence=None,
            page=None,
            opening=balances.get(_OPENING),
            position=f"{record.place}, account {number}",
        )
        self._tally = Tally(self._header)
        self._begun = False

    def entry(self, record: Record) -> Iterator[BankItem]:
        """A record 16."""
        yield from self._begin()
        self._entries += 1
        self.total.records += record.lines
        position = f"{record.place}, account {self._number}, entry {self._entries}"
        fields = record.fields()
        code, digits = fields.next(), fields.next()
        if not WHOLE.fullmatch(digits or "0"):
            # The control totals would be wrong too: it is the file that is damaged, not a line.
            raise FileRefused(position, f"{shown(digits)} is not an amount in whole minor units.", code="amount")
        self.total.amounts += int(digits or 0)
        try:
            yield self._tally.take(self._line(code, digits, fields, position))
        except Unreadable as error:
            yield RefusedLine(position=position, code=error.code, sentence=error.sentence)

    def finish(self, record: Record) -> Iterator[BankItem]:
        """The account's trailer."""
        yield from self._begin()
        self.total.records += record.lines
        self.total.check(record, parts=None, what="account")
        yield self._tally.end(self._closing, None)

    def _begin(self) -> Iterator[StatementHeader]:
        if not self._begun:
            self._begun = True
            yield self._header

    def _line(self, code: str, digits: str, fields: Fields, position: str) -> BankLine:
        sign = _sign(code)
        if digits.startswith(("-", "+")):
            raise Unreadable("sign", f"{shown(digits)}: the type code says whether money came in, so an amount has no sign.")
        value_date = _value_date(fields)
        bank, customer = fields.next(), fields.next()
        # Where nothing else is said, the customer's reference is all there is to search in.
        text, reversal = joined(fields.rest()) or given(customer), code in _TAKEN_BACK
        return BankLine(
            account=self._header.account,
            booking_date=self._day,
            value_date=value_date,
            amount=_money(int(digits or 0), self._currency) * sign,
            currency=self._currency,
            payer_name=None,
            payer_account=None,
            reference_structured=None,
            reference_text=text,
            bank_reference=given(bank),
            status=self._status,
            reversal=reversal,
            batch=None,
            position=position,
            end_to_end=given(customer),
            transaction_code=code,
            return_reason=return_reason(text) if reversal else None,
        )

    def _summaries(self, record: Record, fields: Fields) -> dict[str, Balance]:
        """Balances of the record 03; its amounts count for the control total."""
        balances: dict[str, Balance] = {}
        for _ in range(MAX_SUMMARIES):
            if not fields.more():
                return balances
            code, digits, _, funds = fields.next(), fields.next(), fields.next(), fields.next()
            _skip_funds(funds, fields, record.place)
            if not digits:
                continue
            minor = whole_number(digits, record, f"amount of type {shown(code)}")
            self.total.amounts += minor
            if code in (_OPENING, _CLOSING):
                try:
                    balances[code] = Balance(amount=_money(minor, self._currency), currency=self._currency, date=self._day)
                except Unreadable as error:
                    raise FileRefused(record.place, error.sentence, code="balance") from error
        raise FileRefused(record.place, "The account has more summaries than any bank gives.", code="size")


def _sign(code: str) -> int:
    number = int(code) if re.fullmatch(r"[0-9]{3}", code) else 0
    if 100 <= number <= 399 or 920 <= number <= 959:
        return 1
    if 400 <= number <= 699 or 960 <= number <= 999:
        return -1
    if number == 890:
        raise Unreadable(ZERO_AMOUNT, "Type code 890 is a message without money.")
    raise Unreadable("type_code", f"Type code {shown(code)} is neither a credit nor a debit.")


def _value_date(fields: Fields) -> date | None:
    """The funds type's own fields; only a value-dated one (V) names a day."""
    funds = fields.next()
    if funds == "V":
        day, _ = fields.next(), fields.next()
        return plain_date(day) if day else None
    _skip_funds(funds, fields, "")
    return None


def _skip_funds(funds: str, fields: Fields, place: str) -> None:
    """Step over what a funds type brings: S three amounts, V day and time, D pairs of days and amounts."""
    if funds == "D":
        count = fields.next()
        if not re.fullmatch(r"[0-9]{1,3}", count):
            sentence = f"{shown(count)} is not a number of distributions."
            raise FileRefused(place, sentence, code="structure") if place else Unreadable("structure", sentence)
        fields.skip(2 * int(count))
    elif funds in ("S", "V"):
        fields.skip(3 if funds == "S" else 2)


def _money(minor: int, currency: str) -> Decimal:
    try:
        return Money(minor, currency).amount
    except MoneyError as error:
        raise Unreadable("amount", f"{error}.") from error
