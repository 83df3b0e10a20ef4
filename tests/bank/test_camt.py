"""CAMT.052, .053 and .054: samples of several versions, and one test per trap."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.bank.formats import Format
from app.bank.lines import ZERO_AMOUNT, Balance, FileRefused, LineStatus, StatementKind
from tests.bank.reading import Parsed, parse, sample

BOOKED = "<BookgDt><Dt>2026-03-31</Dt></BookgDt><ValDt><Dt>2026-03-31</Dt></ValDt>"


def entry(
    details: str = "", *, amount: str = "100.00", currency: str = "EUR", way: str = "CRDT", status: str = "BOOK", more: str = ""
) -> str:
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}<Sts>{status}</Sts>{BOOKED}'
        f"<AcctSvcrRef>R1</AcctSvcrRef>{details and f'<NtryDtls>{details}</NtryDtls>'}</Ntry>"
    )


def message(*entries: str, version: str = "08", head: str = "", kind: str = "053") -> str:
    outer, inner = {
        "052": ("BkToCstmrAcctRpt", "Rpt"),
        "053": ("BkToCstmrStmt", "Stmt"),
        "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[kind]
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{outer}><GrpHdr><MsgId>M</MsgId></GrpHdr>'
        f"<{inner}><Id>S</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>{head}{''.join(entries)}"
        f"</{inner}></{outer}></Document>"
    )


def detail(inner: str = "", amount: str | None = None) -> str:
    return f"<TxDtls>{f'<Amt Ccy={chr(34)}EUR{chr(34)}>{amount}</Amt>' if amount else ''}{inner}</TxDtls>"


def test_a_statement_of_version_02() -> None:
    parsed = sample("camt053_v02.xml")
    assert parsed.format is Format.CAMT
    (header,), (end,) = parsed.headers, parsed.ends
    assert (header.kind, header.account, header.currency) == (StatementKind.STATEMENT, "DE89370400440532013000", "EUR")
    assert (header.statement_id, header.sequence, header.page, end.last_page) == ("STMT-61", "61", 1, True)
    first = parsed.lines[0]
    assert (first.booking_date, first.value_date, first.amount) == (date(2026, 3, 31), date(2026, 4, 1), Decimal("118.80"))
    assert (first.payer_name, first.payer_account) == ("Müller & Söhne GmbH", "AT611904300234573201")
    assert (first.reference_structured, first.reference_text) == ("RF18539007547034", None)
    assert (first.bank_reference, first.end_to_end, first.transaction_code) == ("2026033100001", "PO-7781", "PMNT/RCDT/ESCT")
    assert (first.status, first.reversal, first.batch) == (LineStatus.BOOKED, False, None)
    assert first.position == "line 17, statement 1, entry 1"


def test_a_page_of_version_08_with_a_prefixed_namespace() -> None:
    parsed = sample("camt053_v08_batch.xml")
    (header,), (end,) = parsed.headers, parsed.ends
    assert (header.account, header.currency, header.sequence, header.page) == ("0532013000", "EUR", "7", 2)
    assert header.opening == Balance(amount=Decimal("-20.00"), currency="EUR", date=date(2026, 3, 31), intermediate=True)
    assert end.closing == Balance(amount=Decimal("760.00"), currency="EUR", date=date(2026, 3, 31), intermediate=True)
    assert (end.last_page, end.difference) == (False, Decimal("0.00"))


def test_a_report_of_the_day_in_latin_1() -> None:
    parsed = sample("camt052_v06_day.xml")
    assert parsed.headers[0].kind is StatementKind.INTRADAY
    assert [line.status.value for line in parsed.lines] == ["pending", "information", "booked"]


def test_a_notification_of_version_13_with_charges_and_other_currencies() -> None:
    parsed = sample("camt054_v13_foreign.xml")
    assert parsed.headers[0].kind is StatementKind.NOTIFICATION
    first = parsed.lines[0]
    assert (first.amount, first.currency, first.charges) == (Decimal("985.00"), "CHF", Decimal("15.00"))
    assert (first.payer_name, first.payer_account) == ("Hudson Components", "000123456789")
    assert first.reference_structured == "210000000003139471430009017\nRF18539007547034"
    assert first.reference_text == "2026-0042\nless bank fee"
    # The details are stated before charges: they make up the entry once the charges are taken off.
    assert [(line.amount, line.charges) for line in parsed.lines[1:]] == [(Decimal("485.00"), Decimal("15.00"))] * 2


@pytest.mark.parametrize(
    ("charges", "taken"),
    [
        ('<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">7.00</TtlChrgsAndTaxAmt></Chrgs>', "7.00"),
        (
            '<Chrgs><Rcrd><Amt Ccy="EUR">5.00</Amt></Rcrd>'
            '<Rcrd><Amt Ccy="EUR">2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Rcrd></Chrgs>',
            "3.00",
        ),
        ('<Chrgs><Amt Ccy="EUR">5.00</Amt></Chrgs><Chrgs><Amt Ccy="EUR">2.00</Amt></Chrgs>', "7.00"),
        ('<Chrgs><Amt Ccy="USD">5.00</Amt></Chrgs>', None),
        ("<Chrgs/>", None),
    ],
)
def test_case_50_what_the_bank_took_out_is_told(charges: str, taken: str | None) -> None:
    told = parse(message(entry(detail(charges)))).only.charges
    assert (told if told is None else f"{told:f}") == taken
    if charges.count("<Chrgs>") < 2:
        # Where the detail says nothing, the entry may.
        assert parse(message(entry(detail(), more=charges))).only.charges == told


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(2, 14)])
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_every_version_with_its_way_to_state_status_and_parties(version: str, kind: str) -> None:
    old = int(version) < 8
    party = "<Dbtr><Nm>A</Nm></Dbtr>" if old else "<Dbtr><Pty><Nm>A</Nm></Pty></Dbtr>"
    line = parse(
        message(
            entry(detail(f"<RltdPties>{party}</RltdPties>"), status="BOOK" if old else "<Cd>BOOK</Cd>"),
            version=version,
            kind=kind,
        )
    ).only
    assert (line.payer_name, line.status) == ("A", LineStatus.BOOKED)


def test_case_45_a_reference_over_two_texts_keeps_where_it_was_cut() -> None:
    assert sample("camt053_v02.xml").lines[1].reference_text == "Rechnung 2026-0017\nRF1853900\n7547034"
    # Two equal halves are both kept.
    line = parse(message(entry(detail("<RmtInf><Ustrd>1111</Ustrd><Ustrd>1111</Ustrd></RmtInf>")))).only
    assert line.reference_text == "1111\n1111"


def test_case_54_an_entry_in_another_currency_than_the_account_says_so() -> None:
    line = parse(message(entry(currency="USD"))).only
    assert (line.currency, line.amount) == ("USD", Decimal("100.00"))


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0.00", ZERO_AMOUNT),
        ("1,00", "amount"),
        ("1e3", "amount"),
        ("-5.00", "amount"),
        ("", "amount"),
        ("NaN", "amount"),
        ("1.234", "amount"),
    ],
)
def test_case_55_an_entry_without_an_amount_is_refused_alone(amount: str, code: str) -> None:
    parsed = parse(message(entry(), entry(amount=amount), entry()))
    assert (len(parsed.lines), [(refused.code, refused.position) for refused in parsed.refused]) == (
        2,
        [(code, "line 1, statement 1, entry 2")],
    )


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (entry(way="X"), "direction"),
        (entry(status="XYZ"), "status"),
        (entry(currency="XXY"), "amount"),
        (entry().replace('Ccy="EUR"', ""), "amount"),
        (entry().replace("2026-03-31", "2026-02-30"), "date"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_alone(broken: str, code: str) -> None:
    parsed = parse(message(entry(), broken, entry()))
    assert ([line.code for line in parsed.refused], len(parsed.lines)) == ([code], 2)


def test_case_56_debits_carry_the_class_the_bank_gives_them() -> None:
    fee = sample("camt053_v02.xml").lines[2]
    assert (fee.amount, fee.transaction_code, fee.reference_text) == (Decimal("-5.00"), "ACMT/MDOP/CHRG", "KONTOFÜHRUNG MÄRZ")


def test_case_57_pending_entries_are_shown_as_such() -> None:
    parsed = sample("camt053_v02.xml")
    pending = parsed.lines[3]
    assert (pending.status, pending.booking_date, pending.end_to_end, pending.bank_reference) == (
        LineStatus.PENDING,
        None,
        None,
        None,
    )
    # They are no part of the booked balances.
    assert parsed.ends[0].difference == Decimal("0.00")
    for status, meant in {"FUTR": "pending", "INFO": "information", "<Prtry>XX</Prtry>": "information"}.items():
        assert parse(message(entry(status=status))).only.status.value == meant


@pytest.mark.parametrize(("kind", "meant"), [("052", "pending"), ("053", "booked"), ("054", "pending")])
def test_case_57_without_a_status_only_a_statement_is_booked(kind: str, meant: str) -> None:
    assert parse(message(entry().replace("<Sts>BOOK</Sts>", ""), kind=kind)).only.status.value == meant


def test_case_58_a_reversed_credit_is_negative_with_its_reason_and_the_original_payer() -> None:
    line = sample("camt053_v02.xml").lines[1]
    assert (line.amount, line.reversal, line.return_reason, line.end_to_end) == (Decimal("-50.00"), True, "AC04", "PO-7700")
    assert (line.payer_name, line.payer_account) == ("Kurz KG", "DE02120300000000202051")


def test_case_58_a_reversed_debit_is_positive_and_names_whom_we_paid() -> None:
    parties = (
        "<RltdPties><Dbtr><Nm>Us</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
        "<Cdtr><Nm>Them</Nm></Cdtr></RltdPties>"
    )
    line = parse(message(entry(detail(parties), more="<RvslInd>true</RvslInd>"))).only
    assert (line.amount, line.reversal, line.payer_name) == (Decimal("100.00"), True, "Them")
    # A bank that turns the roles around still names the other side.
    turned = parties.replace("Dbtr", "X").replace("Cdtr", "Dbtr").replace("X", "Cdtr")
    assert parse(message(entry(detail(turned), more="<RvslInd>true</RvslInd>"))).only.payer_name == "Them"


def test_case_58_a_return_without_the_indicator_is_known_by_its_code() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"
    assert parse(message(entry(more=code))).only.reversal
    assert parse(message(entry(detail("<RtrInf><Rsn><Cd>AC01</Cd></Rsn></RtrInf>")))).only.return_reason == "AC01"


def test_case_59_a_batch_becomes_a_line_per_detail() -> None:
    parsed = sample("camt053_v08_batch.xml")
    assert [(line.amount, line.payer_name, line.reference_text, line.end_to_end) for line in parsed.lines[:2]] == [
        (Decimal("100.00"), "Anton", "4711", "A"),
        (Decimal("200.00"), "Berta", "4712", "B"),
    ]
    # The details share the bank's reference and the batch; their places differ.
    assert {(line.bank_reference, line.batch) for line in parsed.lines[:2]} == {("SAMMLER-9", "PMT-5")}
    assert [line.position for line in parsed.lines[:2]] == [
        "line 22, statement 1, entry 1, detail 1",
        "line 28, statement 1, entry 1, detail 2",
    ]


def test_case_59_a_batch_whose_details_do_not_make_up_the_entry_stays_whole() -> None:
    whole = sample("camt053_v08_batch.xml").lines[2]
    assert (whole.amount, whole.payer_name, whole.batch, whole.reference_text) == (
        Decimal("480.00"),
        None,
        "FILE-3",
        "4713\n4714",
    )


@pytest.mark.parametrize(
    "details",
    [
        detail() + detail(),
        detail(amount="50.00") + detail(),
        detail(amount="50.00") + detail(amount="x"),
        detail(amount="100.00") + detail(amount="0.00"),
        '<TxDtls><Amt Ccy="USD">50.00</Amt></TxDtls>' * 2,
        detail("<CdtDbtInd>X</CdtDbtInd>", amount="50.00") * 2,
        "<Btch><NbOfTxs>3</NbOfTxs></Btch>" + detail("<RmtInf><Ustrd>4711</Ustrd></RmtInf>", amount="40.00"),
        "<Btch><NbOfTxs>3</NbOfTxs></Btch>",
    ],
)
def test_case_59_a_batch_that_cannot_be_told_apart_stays_whole(details: str) -> None:
    line = parse(message(entry(details))).only
    assert (line.amount, line.batch, line.payer_name, line.bank_reference) == (Decimal("100.00"), "R1", None, "R1")


def test_case_59_an_entry_of_two_batches_tells_of_which_each_payment_is() -> None:
    below = "</NtryDtls><NtryDtls><Btch><PmtInfId>B2</PmtInfId></Btch>"
    details = f"<Btch><PmtInfId>B1</PmtInfId></Btch>{detail(amount='60.00')}{below}{detail(amount='40.00')}"
    assert [line.batch for line in parse(message(entry(details))).lines] == ["B1", "B2"]


def test_case_59_debits_inside_a_credit_batch_count_against_it() -> None:
    details = detail(amount="130.00") + detail("<CdtDbtInd>DBIT</CdtDbtInd>", amount="30.00")
    assert parse(message(entry(details))).amounts == ["130.00", "-30.00"]


def test_case_59_one_detail_is_the_entry_itself_at_the_entrys_amount() -> None:
    line = parse(message(entry(detail("<RmtInf><Ustrd>4711</Ustrd></RmtInf>", amount="115.00")))).only
    assert (line.amount, line.batch, line.reference_text) == (Decimal("100.00"), None, "4711")


def test_case_60_two_equal_payments_of_one_day_are_two_lines() -> None:
    one, other = parse(message(entry(), entry())).lines
    assert one.position != other.position
    assert (one.amount, one.bank_reference) == (other.amount, other.bank_reference)


def test_case_62_balances_and_what_they_leave_unexplained() -> None:
    def balance(code: str, amount: str, way: str = "CRDT") -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>"
            "<Dt><Dt>2026-03-31</Dt></Dt></Bal>"
        )

    def ends(*balances: str) -> Parsed:
        return parse(message(entry(), head="".join(balances)))

    gap = ends(balance("OPBD", "10.00", "DBIT"), balance("CLBD", "95.00"))
    assert (gap.headers[0].opening and gap.headers[0].opening.amount, gap.ends[0].difference) == (
        Decimal("-10.00"),
        Decimal("5.00"),
    )
    between = ends(balance("ITBD", "1.00"), balance("ITBD", "101.00"))
    assert between.ends[0].difference == 0
    assert ends(balance("ITBD", "1.00"), balance("CLBD", "101.00")).ends[0].difference == 0
    only = ends(balance("ITBD", "7.00"))
    assert (only.headers[0].opening, only.ends[0].closing and only.ends[0].closing.amount) == (None, Decimal("7.00"))
    for broken in (balance("CLBD", "x"), balance("CLBD", "1", "X"), balance("OPBD", "")):
        with pytest.raises(FileRefused) as refused:
            ends(broken)
        assert (refused.value.code, refused.value.position) == ("balance", "line 1, statement 1")


def test_case_65_the_text_of_an_epc_qr_code_is_free_text() -> None:
    line = parse(message(entry(detail("<RmtInf><Ustrd>/RF18539007547034/ 2026-0042</Ustrd></RmtInf>")))).only
    assert (line.reference_structured, line.reference_text) == (None, "/RF18539007547034/ 2026-0042")


def test_several_statements_in_one_message() -> None:
    text = message(entry())
    start, end = text.index("<Stmt>"), text.index("</Stmt>") + len("</Stmt>")
    parsed = parse(text[:end] + text[start:end].replace("DE89370400440532013000", "DE02120300000000202051") + text[end:])
    assert [header.account for header in parsed.headers] == ["DE89370400440532013000", "DE02120300000000202051"]
    assert [line.account for line in parsed.lines] == [header.account for header in parsed.headers]
    assert parsed.lines[1].position == "line 1, statement 2, entry 1"


def test_a_message_in_an_envelope() -> None:
    wrapped = f"<Envelope><AppHdr><Fr>X</Fr></AppHdr>{message(entry())}</Envelope>"
    assert parse(wrapped).amounts == ["100.00"]


def test_a_statement_without_entries_is_one() -> None:
    parsed = parse(message())
    assert (len(parsed.headers), parsed.lines) == (1, [])


def test_the_banks_own_count_of_entries_is_checked() -> None:
    told = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>"
    assert len(parse(message(entry(), entry(), head=told)).lines) == 2
    with pytest.raises(FileRefused, match="counts 2 entries and the file holds 1") as refused:
        parse(message(entry(), head=told))
    assert refused.value.code == "control_total"
    # A page holds only a part of them.
    assert len(parse(message(entry(), head=f"<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>{told}")).lines) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"><CstmrCdtTrfInitn/></Document>', "no_statement"),
        ("<html><body>Please log in</body></html>", "no_statement"),
        ("<Document><BkToCstmrStmt/></Document>", "no_statement"),
        ("<Document><Ntry/></Document>", "structure"),
        (message(entry(entry())), "structure"),
    ],
)
def test_what_is_no_statement_is_refused(text: str, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text)
    assert (refused.value.code, refused.value.sentence.startswith("line 1")) == (code, True)
