"""One entry of a CAMT statement: a single movement, or a collective one with a line per detail (edge cases 58 and 59)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.bank.lines import BankLine, FileRefused, LineStatus, StatementHeader, StatementKind
from app.bank.values import Unreadable, amount, given, iso_date, joined
from app.bank.xml import Element, attribute, every, first, value

MAX_DETAILS = 100_000
_SIGNS = {"CRDT": 1, "DBIT": -1}
_STATUS = {"BOOK": LineStatus.BOOKED, "PDNG": LineStatus.PENDING, "FUTR": LineStatus.PENDING, "INFO": LineStatus.INFORMATION}
_RETURNS = frozenset({"RRTN", "RPCR"})
"""Sub-families of ISO 20022 for a transfer that came back, and one recalled."""


@dataclass(frozen=True, slots=True)
class _Party:
    name: str | None
    account: str | None


_NOBODY = _Party(None, None)
_Charge = tuple[str, str, str | None, str | None]
"""Amount, currency, direction, and whether the payment's amount contains it."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """What is kept of one TxDtls; the element itself is let go, as a batch may have thousands."""

    amounts: tuple[tuple[str, str], ...]
    direction: str | None
    charges: tuple[_Charge, ...]
    debtor: _Party
    creditor: _Party
    structured: str | None
    text: str | None
    end_to_end: str | None
    bank_reference: str | None
    code: str | None
    returned: bool
    return_reason: str | None


class Entry:
    """Gathers the parts of an Ntry while they are read."""

    def __init__(self, position: str, line: int) -> None:
        self.position = position
        self.line = line
        self.parts: dict[str, Element] = {}
        self.batch: Element | None = None
        self.batches: list[Element | None] = []
        """Of each detail the batch it stands below: an entry may be of several."""
        self._below: Element | None = None
        self.details: list[_Detail] = []
        self.lines: list[int] = []

    def part(self, name: str, node: Element, line: int) -> None:
        """Take one element. Raises FileRefused for a batch beyond all measure."""
        if name == "TxDtls":
            if len(self.details) >= MAX_DETAILS:
                raise FileRefused(f"line {line}", f"The entry has more than {MAX_DETAILS} details.", code="size")
            self.details.append(_detail(node))
            self.lines.append(line)
            self.batches.append(self._below)
        elif name == "Btch":
            self._below = node
            self.batch = self.batch or node
        else:
            self.parts.setdefault(name, node)

    def value(self, name: str, *path: str) -> str | None:
        """The text of an element of the entry."""
        return value(self.parts.get(name), *path)


def entry_lines(entry: Entry, header: StatementHeader) -> list[BankLine]:
    """The lines of an entry: one per detail where the details' amounts make up the entry, else one. Raises Unreadable."""
    money = entry.parts.get("Amt")
    currency = attribute(money, "Ccy") or ""
    if money is None or not currency:
        raise Unreadable("amount", "The entry has no amount with a currency.")
    total = amount(value(money) or "", currency)
    direction = entry.value("CdtDbtInd")
    if direction not in _SIGNS:
        raise Unreadable("direction", f"The entry is neither credit nor debit: CdtDbtInd is {direction or 'missing'}.")
    total *= _SIGNS[direction]
    shares = _shares(entry, total, direction, currency)
    common = _Common(entry, header, currency, direction)
    if shares is None:
        return [common.whole(total)]
    return [
        common.line(detail, share, f"line {line}, {entry.position.partition(', ')[2]}, detail {number}", batch)
        for number, (detail, share, line, batch) in enumerate(
            zip(entry.details, shares, entry.lines, entry.batches, strict=True), 1
        )
    ]


def _shares(entry: Entry, total: Decimal, direction: str, currency: str) -> list[Decimal] | None:
    """The signed amount of each detail, before or after charges, if they sum to the entry's; None keeps the entry whole."""
    if len(entry.details) < 2:
        return None
    gross: list[Decimal] = []
    net: list[Decimal] = []
    for detail in entry.details:
        money = next((text for text, code in detail.amounts if code == currency), None)
        try:
            share = amount(money or "", currency) * _SIGNS[detail.direction or direction]
            gross.append(share)
            net.append(share - (_charges(detail.charges, currency, included=True) or 0))
        except (Unreadable, KeyError):
            return None
    return next((shares for shares in (gross, net) if sum(shares) == total and all(shares)), None)


def _charges(charges: tuple[_Charge, ...], currency: str, *, included: bool = False) -> Decimal | None:
    """What was taken out as charges, in the entry's currency; `included`: only what the amount contains."""
    taken = [
        amount(text, code) * (-1 if direction == "CRDT" else 1)
        for text, code, direction, inside in charges
        if code == currency and not (included and inside == "false")
    ]
    return sum(taken, Decimal(0)) if taken else None


class _Common:
    """What all lines of one entry have in common."""

    def __init__(self, entry: Entry, header: StatementHeader, currency: str, direction: str) -> None:
        self._entry = entry
        self._header = header
        self._currency = currency
        self._credit = direction == "CRDT"
        self._reversal = entry.value("RvslInd") in ("true", "1")
        self._booking = _day(entry, "BookgDt")
        self._value = _day(entry, "ValDt")
        self._status = _status(entry, header.kind)
        self._code = _code(entry.parts.get("BkTxCd"))
        self._charges = _charges_of([entry.parts.get("Chrgs", "")])

    def whole(self, total: Decimal) -> BankLine:
        """The entry as one line. A batch that stays whole keeps the texts of all its details, and no payer."""
        entry, details = self._entry, self._entry.details
        told = value(entry.batch, "NbOfTxs")
        if len(details) == 1 and told in (None, "1"):
            return self._made(details[0], total, entry.position, None, entry.value("AddtlNtryInf"))
        is_batch = bool(details) or entry.batch is not None
        together = _Detail(
            amounts=(),
            direction=None,
            charges=(),
            debtor=_NOBODY,
            creditor=_NOBODY,
            structured=joined(detail.structured for detail in details[:100]),
            text=joined(detail.text for detail in details[:100]),
            end_to_end=None,
            bank_reference=None,
            code=None,
            returned=False,
            return_reason=None,
        )
        batch = self._batch(entry.batch) if is_batch else None
        return self._made(together, total, entry.position, batch, entry.value("AddtlNtryInf"))

    def line(self, detail: _Detail, share: Decimal, position: str, batch: Element | None) -> BankLine:
        """One detail of a batch."""
        return self._made(detail, share, position, self._batch(batch), None)

    def _batch(self, node: Element | None) -> str:
        named = value(node, "PmtInfId") or value(node, "MsgId")
        return named or self._entry.value("AcctSvcrRef") or self._entry.position

    def _made(self, detail: _Detail, money: Decimal, position: str, batch: str | None, otherwise: str | None) -> BankLine:
        code = detail.code or self._code
        returned = detail.returned or (code or "").rpartition("/")[2] in _RETURNS
        reversal = self._reversal or returned
        # The parties keep the roles of the original payment when it is taken back.
        other, ours = (detail.debtor, detail.creditor) if self._credit != reversal else (detail.creditor, detail.debtor)
        if reversal and (other == _NOBODY or (other.account and other.account == self._header.account)):
            other = ours if ours.account != self._header.account or not ours.account else _NOBODY
        return BankLine(
            account=self._header.account,
            booking_date=self._booking,
            value_date=self._value,
            amount=money,
            currency=self._currency,
            payer_name=other.name,
            payer_account=other.account,
            reference_structured=detail.structured,
            reference_text=detail.text or (joined([otherwise]) if detail.structured is None else None),
            bank_reference=detail.bank_reference or given(self._entry.value("AcctSvcrRef")),
            status=self._status,
            reversal=reversal,
            batch=batch,
            position=position,
            end_to_end=detail.end_to_end,
            transaction_code=code,
            return_reason=detail.return_reason,
            charges=_charges(detail.charges or (() if batch else self._charges), self._currency),
        )


def _day(entry: Entry, name: str) -> date | None:
    text = entry.value(name, "Dt") or entry.value(name, "DtTm")
    return iso_date(text) if text else None


def _status(entry: Entry, kind: StatementKind) -> LineStatus:
    """`<Sts>BOOK` in old versions, `<Sts><Cd>BOOK` in new ones. Without one only a statement is booked by definition."""
    code = entry.value("Sts") or entry.value("Sts", "Cd")
    if code is None:
        if entry.value("Sts", "Prtry"):
            return LineStatus.INFORMATION
        return LineStatus.BOOKED if kind is StatementKind.STATEMENT else LineStatus.PENDING
    if code not in _STATUS:
        raise Unreadable("status", f"The status {code[:20]} of the entry is unknown.")
    return _STATUS[code]


def _code(node: Element | None) -> str | None:
    """PMNT/RCDT/ESCT, or the bank's own code."""
    if node is None:
        return None
    domain = first(node, "Domn")
    codes = (value(domain, "Cd"), value(domain, "Fmly", "Cd"), value(domain, "Fmly", "SubFmlyCd"))
    return "/".join(filter(None, codes)) or value(node, "Prtry", "Cd")


_AMOUNTS = (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "CntrValAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt"))


def _detail(node: Element) -> _Detail:
    references, parties, remittance, returned = (first(node, name) for name in ("Refs", "RltdPties", "RmtInf", "RtrInf"))
    return _Detail(
        amounts=tuple(
            (value(money) or "", attribute(money, "Ccy") or "") for path in _AMOUNTS if (money := first(node, *path)) is not None
        ),
        direction=value(node, "CdtDbtInd"),
        charges=_charges_of(every(node, "Chrgs")),
        debtor=_party(parties, "Dbtr", "UltmtDbtr", "DbtrAcct"),
        creditor=_party(parties, "Cdtr", "UltmtCdtr", "CdtrAcct"),
        structured=joined(value(reference) for reference in every(remittance or "", "Strd", "CdtrRefInf", "Ref")),
        text=_text(remittance) or value(node, "AddtlTxInf"),
        end_to_end=given(value(references, "EndToEndId")),
        bank_reference=given(value(references, "AcctSvcrRef")),
        code=_code(first(node, "BkTxCd")),
        returned=returned is not None,
        return_reason=value(returned, "Rsn", "Cd") or value(returned, "Rsn", "Prtry"),
    )


def _charges_of(stated: list[Element]) -> tuple[_Charge, ...]:
    """Each charge where they are listed (records in new versions, repeated elements in old ones), else their total."""
    return tuple(
        (value(money) or "", attribute(money, "Ccy") or "", value(record, "CdtDbtInd"), value(record, "ChrgInclInd"))
        for charges in stated
        for record in (every(charges, "Rcrd") or [charges])
        if (money := first(record, "Amt") or first(record, "TtlChrgsAndTaxAmt")) is not None
    )


def _text(remittance: Element | None) -> str | None:
    """Free text, then what the structured part says besides the reference: document numbers and its own remarks."""
    if remittance is None:
        return None
    pieces = every(remittance, "Ustrd")
    for structured in every(remittance, "Strd"):
        pieces = [*pieces, *every(structured, "RfrdDocInf", "Nb"), *every(structured, "AddtlRmtInf")]
    return joined(map(value, pieces))


def _party(parties: Element | None, role: str, ultimate: str, account: str) -> _Party:
    """Name and account of a role; the ultimate party stands in for one without a name."""
    if parties is None:
        return _NOBODY
    identity = first(parties, account, "Id")
    return _Party(
        _name(first(parties, role)) or _name(first(parties, ultimate)), value(identity, "IBAN") or value(identity, "Othr", "Id")
    )


def _name(party: Element | None) -> str | None:
    """A party's name, where old versions, new ones, and a bank as the party have it."""
    if party is None:
        return None
    return value(party, "Nm") or value(party, "Pty", "Nm") or value(party, "Agt", "FinInstnId", "Nm")
