"""CAMT.052 (report of the day), .053 (statement) and .054 (notification) of ISO 20022, versions 02 and later.

Elements are found by their local name, so a bank's namespace and version do not matter where they mean the same; what moved
between versions (`Sts`, `Dbtr/Pty`, pages) is looked for in both places. A statement's entries come in `camt_entry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from app.bank.camt_entry import Entry, entry_lines
from app.bank.lines import (
    Balance,
    BankItem,
    BankStream,
    FileRefused,
    RefusedLine,
    StatementEnd,
    StatementHeader,
    StatementKind,
)
from app.bank.values import Tally, Unreadable, amount, iso_date
from app.bank.xml import Element, Event, attribute, events, first, value

_MESSAGES = {"BkToCstmrAcctRpt", "BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"}
_STATEMENTS = {"Rpt": StatementKind.INTRADAY, "Stmt": StatementKind.STATEMENT, "Ntfctn": StatementKind.NOTIFICATION}
_CONTAINERS = frozenset({"Document", *_MESSAGES, *_STATEMENTS, "Ntry", "NtryDtls"})
_PARENTS = {"NtryDtls": {"Ntry"}, "Ntry": set(_STATEMENTS), **dict.fromkeys(_STATEMENTS, _MESSAGES)}


def read(source: BinaryIO) -> BankStream:
    """The statements of a CAMT message. Raises FileRefused with the line; single unreadable entries are RefusedLines."""
    reading = _Message()
    line = 1
    for event in events(source, _CONTAINERS):
        line = event.line
        if event.node is not None:
            reading.part(event)
        else:
            yield from reading.turn(event)
    if not reading.statements:
        raise FileRefused(f"line {line}", "The message holds no statement, report or notification.", code="no_statement")


class _Message:
    def __init__(self) -> None:
        self.statements = 0
        self._group: Element | None = None
        self._statement: _Statement | None = None

    def part(self, event: Event) -> None:
        """A complete element."""
        if self._statement is not None:
            self._statement.part(event)
        elif event.name == "GrpHdr":
            self._group = event.node

    def turn(self, event: Event) -> Iterator[BankItem]:
        """A container that opens or closes."""
        if event.parent not in _PARENTS.get(event.name, {event.parent}):
            raise FileRefused(f"line {event.line}", f"{event.name} stands inside {event.parent or 'nothing'}.", code="structure")
        if event.name in _STATEMENTS:
            if not event.closes:
                self.statements += 1
                self._statement = _Statement(event, self.statements, self._group)
            elif self._statement is not None:
                yield from self._statement.finish(event.line)
                self._statement = None
        elif event.name == "Ntry" and self._statement is not None:
            if event.closes:
                yield from self._statement.close_entry()
            else:
                yield from self._statement.open_entry(event.line)


class _Statement:
    def __init__(self, opened: Event, number: int, group: Element | None) -> None:
        self._kind = _STATEMENTS[opened.name]
        self._number = number
        self._line = opened.line
        self._group = group
        self._parts: dict[str, Element] = {}
        self._balances: list[Element] = []
        self._tally: Tally | None = None
        self._entry: Entry | None = None
        self._entries = 0
        self._closing: Balance | None = None

    def part(self, event: Event) -> None:
        """An element of the statement, or of the entry that is open."""
        assert event.node is not None
        if self._entry is not None:
            self._entry.part(event.name, event.node, event.line)
        elif event.name == "Bal":
            if len(self._balances) > 1000:
                raise FileRefused(f"line {event.line}", "The statement has more than 1000 balances.", code="size")
            self._balances.append(event.node)
        else:
            self._parts.setdefault(event.name, event.node)

    def open_entry(self, line: int) -> Iterator[BankItem]:
        yield from self._begin()
        self._entries += 1
        self._entry = Entry(f"line {line}, statement {self._number}, entry {self._entries}", line)

    def close_entry(self) -> Iterator[BankItem]:
        entry, self._entry = self._entry, None
        assert entry is not None
        assert self._tally is not None
        try:
            lines = entry_lines(entry, self._tally.header)
        except Unreadable as error:
            yield RefusedLine(position=entry.position, code=error.code, sentence=error.sentence)
            return
        for line in lines:
            yield self._tally.take(line)

    def finish(self, line: int) -> Iterator[StatementHeader | StatementEnd]:
        yield from self._begin()
        assert self._tally is not None
        last = self._page("LastPgInd")
        self._check_total(line, paged=self._page("PgNb") not in (None, "1") or last == "false")
        yield self._tally.end(self._closing, None if last is None else last in ("true", "1"))

    def _begin(self) -> Iterator[StatementHeader]:
        if self._tally is not None:
            return
        place = f"line {self._line}, statement {self._number}"
        opening, self._closing = _ends(self._balances, place)
        page = self._page("PgNb")
        header = StatementHeader(
            kind=self._kind,
            account=self._value("Acct", "Id", "IBAN") or self._value("Acct", "Id", "Othr", "Id"),
            currency=self._value("Acct", "Ccy") or next((end.currency for end in (opening, self._closing) if end), None),
            statement_id=self._value("Id"),
            sequence=self._value("ElctrncSeqNb") or self._value("LglSeqNb"),
            page=int(page) if page and page.isdecimal() and len(page) < 10 else None,
            opening=opening,
            position=place,
        )
        self._tally = Tally(header)
        yield header

    def _check_total(self, line: int, *, paged: bool) -> None:
        """The bank's own count of entries, where it gives one for exactly what is here."""
        told = self._value("TxsSummry", "TtlNtries", "NbOfNtries")
        if told and told.isdecimal() and not paged and int(told) != self._entries:
            raise FileRefused(
                f"line {line}, statement {self._number}",
                f"The bank counts {told} entries and the file holds {self._entries}.",
                code="control_total",
            )

    def _value(self, name: str, *path: str) -> str | None:
        return value(self._parts.get(name), *path)

    def _page(self, name: str) -> str | None:
        return (
            self._value("StmtPgntn", name)
            or self._value("RptPgntn", name)
            or self._value("NtfctnPgntn", name)
            or value(self._group, "MsgPgntn", name)
        )


def _ends(nodes: list[Element], place: str) -> tuple[Balance | None, Balance | None]:
    """Opening and closing booked balance. An interim one (ITBD) is the missing end, or the end of a page."""
    found: dict[str, list[Balance]] = {}
    for node in nodes:
        code = value(node, "Tp", "CdOrPrtry", "Cd")
        if code in ("OPBD", "PRCD", "CLBD", "ITBD"):
            found.setdefault(code, []).append(_balance(node, code, place))
    interim = found.get("ITBD", [])
    opening = next((found[code][0] for code in ("OPBD", "PRCD") if code in found), None)
    closing = found["CLBD"][-1] if "CLBD" in found else None
    if opening is None and interim and (closing is not None or len(interim) > 1):
        opening = interim.pop(0)
    if closing is None and interim:
        closing = interim[-1]
    return opening, closing


def _balance(node: Element, code: str, place: str) -> Balance:
    money, sign = first(node, "Amt"), {"CRDT": 1, "DBIT": -1}.get(value(node, "CdtDbtInd") or "")
    day = value(node, "Dt", "Dt") or value(node, "Dt", "DtTm")
    currency = attribute(money, "Ccy")
    if money is None or currency is None or sign is None:
        raise FileRefused(place, f"The balance {code} has no amount, currency or sign.", code="balance")
    try:
        signed: Decimal = sign * amount(value(money) or "", currency)
        return Balance(
            amount=signed,
            currency=currency,
            date=iso_date(day) if day else None,
            intermediate=code == "ITBD" or value(node, "Tp", "SubTp", "Cd") == "INTM",
        )
    except Unreadable as error:
        raise FileRefused(place, f"The balance {code} cannot be read: {error.sentence}", code="balance") from error
