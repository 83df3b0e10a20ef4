"""Writes plain lines in every format, for the round trips and the measurements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate
from xml.sax.saxutils import escape

ACCOUNT = "DE89370400440532013000"


@dataclass(frozen=True)
class Movement:
    """One payment as the tests make it up; amounts are whole cents, negative for money out."""

    cents: int
    booked: date
    value: date
    payer: str
    text: str
    reference: str
    currency: str = "EUR"
    reversal: bool = False

    @property
    def amount(self) -> Decimal:
        return Decimal(self.cents).scaleb(-2)


def camt_pieces(movements: Iterable[Movement], version: int = 8) -> Iterator[str]:
    """CAMT.053, an entry each, in pieces: it may be of any size."""
    old = version < 8
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02}">\n'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>\n<Stmt><Id>S</Id><Acct><Id><IBAN>{ACCOUNT}</IBAN></Id></Acct>\n"
    )
    for movement in movements:
        status = "BOOK" if old else "<Cd>BOOK</Cd>"
        name = f"<Nm>{escape(movement.payer)}</Nm>"
        role = "Cdtr" if (movement.cents < 0) != movement.reversal else "Dbtr"
        yield (
            f'<Ntry><Amt Ccy="{movement.currency}">{abs(movement.amount)}</Amt>'
            f"<CdtDbtInd>{'DBIT' if movement.cents < 0 else 'CRDT'}</CdtDbtInd>"
            f"<RvslInd>{str(movement.reversal).lower()}</RvslInd><Sts>{status}</Sts>\n"
            f"<BookgDt><Dt>{movement.booked}</Dt></BookgDt><ValDt><Dt>{movement.value}</Dt></ValDt>"
            f"<AcctSvcrRef>{escape(movement.reference)}</AcctSvcrRef>\n"
            "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>\n"
            f"<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>\n"
            f"<RltdPties><{role}>{name if old else f'<Pty>{name}</Pty>'}</{role}></RltdPties>\n"
            f"<RmtInf><Ustrd>{escape(movement.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
        )
    yield "</Stmt></BkToCstmrStmt></Document>\n"


def mt940(movements: Sequence[Movement], *, pages: int = 1) -> str:
    """MT940 in messages of equal length, the text in 27 characters per subfield and 65 per line, as banks cut it."""
    written: list[str] = []
    currency = _currency(movements)
    balances = [0, *accumulate(movement.cents for movement in movements)]
    size = max(1, -(-len(movements) // pages))
    for page in range(pages):
        first, last = min(page * size, len(movements)), min((page + 1) * size, len(movements))
        written += [":20:X", f":25:{ACCOUNT}{currency}", f":28C:1/{page + 1}"]
        written.append(f":60{'M' if page else 'F'}:{_balance(balances[first], currency)}")
        for movement in movements[first:last]:
            mark = {(False, False): "C", (True, False): "D", (True, True): "RC", (False, True): "RD"}[
                movement.cents < 0, movement.reversal
            ]
            written.append(
                f":61:{movement.value:%y%m%d}{movement.booked:%m%d}{mark}{_comma(movement.cents)}NTRFNONREF//{movement.reference}"
            )
            text = [f"?{20 + n}{movement.text[at : at + 27]}" for n, at in enumerate(range(0, len(movement.text), 27))]
            name = [f"?{32 + n}{movement.payer[at : at + 27]}" for n, at in enumerate(range(0, len(movement.payer), 27))]
            details = f":86:166?00X{''.join(text)}{''.join(name)}"
            written += [details[at : at + 65] for at in range(0, len(details), 65)]
        written += [f":62{'F' if page == pages - 1 else 'M'}:{_balance(balances[last], currency)}", "-"]
    return "\r\n".join(written) + "\r\n"


def ofx(movements: Sequence[Movement], *, xml: bool) -> str:
    """OFX of version 1 (leaves without end tags) or 2."""

    def leaf(name: str, text: str) -> str:
        return f"<{name}>{escape(text)}" + (f"</{name}>" if xml else "\n")

    head = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200"?>\n' if xml else "OFXHEADER:100\nENCODING:UTF-8\n\n"
    body = "".join(
        "<STMTTRN>"
        + leaf("TRNTYPE", "CREDIT" if movement.cents > 0 or movement.reversal else "DEBIT")
        + leaf("DTPOSTED", f"{movement.booked:%Y%m%d}120000[-5:EST]")
        + leaf("DTAVAIL", f"{movement.value:%Y%m%d}")
        + leaf("TRNAMT", str(movement.amount))
        + leaf("FITID", movement.reference)
        + leaf("NAME", movement.payer)
        + leaf("MEMO", movement.text)
        + "</STMTTRN>"
        for movement in movements
    )
    account = f"{leaf('CURDEF', _currency(movements))}<BANKACCTFROM>{leaf('ACCTID', ACCOUNT)}</BANKACCTFROM>"
    return (
        f"{head}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>{account}"
        f"<BANKTRANLIST>{body}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def bai2(movements: Sequence[Movement]) -> str:
    """BAI2 of one booking day (that of the first movement), the payer as the record's text and the text as its continuation."""
    day = movements[0].booked if movements else date(2026, 3, 31)
    records = ["01,S,R,260331,0200,1,,,2/", f"02,R,O,1,{day:%y%m%d},2359,{_currency(movements)},2/", f"03,{ACCOUNT},,,,,/"]
    for movement in movements:
        code = (252 if movement.reversal else 195) if movement.cents > 0 else (552 if movement.reversal else 495)
        records.append(f"16,{code},{abs(movement.cents)},V,{movement.value:%y%m%d},,{movement.reference},,{movement.payer}")
        records.append(f"88,{movement.text}")
    total = sum(abs(movement.cents) for movement in movements)
    records.append(f"49,{total},{len(records) - 1}/")
    records.append(f"98,{total},1,{len(records)}/")
    records.append(f"99,{total},1,{len(records) + 1}/")
    return "\n".join(records) + "\n"


def _currency(movements: Sequence[Movement]) -> str:
    return movements[0].currency if movements else "EUR"


def _balance(cents: int, currency: str) -> str:
    return f"{'C' if cents >= 0 else 'D'}260331{currency}{_comma(cents)}"


def _comma(cents: int) -> str:
    return f"{abs(cents) // 100},{abs(cents) % 100:02}"
