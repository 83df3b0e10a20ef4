"""OFX and QFX: samples of SGML and XML, and one test per trap."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from app.bank.formats import Format
from app.bank.lines import ZERO_AMOUNT, FileRefused, LineStatus
from tests.bank.reading import parse, sample

HEAD = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"


def entry(kind: str = "CREDIT", amount: str = "100.00", posted: str = "20260331", more: str = "") -> str:
    return f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{posted}<TRNAMT>{amount}<FITID>F1{more}</STMTTRN>\n"


def file(*entries: str, head: str = HEAD, account: str = "<BANKACCTFROM><ACCTID>1</BANKACCTFROM>") -> str:
    return (
        f"{head}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD{account}<BANKTRANLIST>\n"
        f"{''.join(entries)}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )


def test_version_1_in_windows_1252() -> None:
    parsed = sample("ofx1.qfx")
    assert parsed.format is Format.OFX
    first = parsed.lines[0]
    assert (first.account, first.currency, first.amount) == ("000123456789", "USD", Decimal("118.80"))
    # 23:00 in the bank's zone is that day, whatever day it is in ours.
    assert (first.booking_date, first.value_date) == (date(2026, 3, 31), None)
    assert (first.payer_name, first.reference_text) == ("LONE STAR & SONS SOFTWARE", "WIRE RF18 5390 0754 7034 café")
    assert (first.bank_reference, first.position) == ("2026033100001", "line 15, statement 1, entry 1")
    assert parsed.ends[0].closing is not None
    assert parsed.ends[0].closing.amount == Decimal("1053.80")


def test_tags_in_small_letters() -> None:
    text = re.sub(r"</?\w+>", lambda tag: tag[0].lower(), file(entry(), head=""))
    assert parse(text).amounts == ["100.00"]


def test_version_2_with_entities_and_cdata() -> None:
    parsed = sample("ofx2.ofx")
    first, pending = parsed.lines
    assert (first.payer_name, first.payer_account) == ("Société A & B", "FR1420041010050500013M02606")
    assert (first.reference_text, first.amount) == ("Facture <7> & RF18539007547034", Decimal("1234.56"))
    assert (pending.status, pending.booking_date, pending.bank_reference) == (LineStatus.PENDING, None, None)


def test_case_55_an_entry_without_an_amount_is_refused_alone() -> None:
    for amount, code in {
        "0.00": ZERO_AMOUNT,
        "-0": ZERO_AMOUNT,
        "": "amount",
        "1,234.56": "amount",
        "1.234": "amount",
        "ten": "amount",
        "1e5": "amount",
    }.items():
        parsed = parse(file(entry(), entry(amount=amount), entry()))
        assert ([line.code for line in parsed.refused], len(parsed.lines)) == ([code], 2), amount
        assert parsed.refused[0].position == "line 9, statement 1, entry 2"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (entry("DEBIT", "5.00"), "sign"),
        (entry("SRVCHG", "5.00"), "sign"),
        (entry(posted=""), "date"),
        (entry(posted="20260231"), "date"),
        (entry(posted="31.03.2026"), "date"),
        (entry(more="<CORRECTFITID>F0<CORRECTACTION>REPLACE"), "correction"),
        (entry(more="<CURRENCY><CURRATE>1.1<CURSYM>XXY</CURRENCY>"), "amount"),
    ],
)
def test_an_entry_that_cannot_be_trusted_is_refused_alone(broken: str, code: str) -> None:
    parsed = parse(file(entry(), broken))
    assert ([line.code for line in parsed.refused], len(parsed.lines)) == ([code], 1)


def test_cash_put_into_a_machine_is_money_in() -> None:
    assert parse(file(entry("ATM", "5.00"))).amounts == ["5.00"]


def test_case_54_an_amount_in_another_currency_says_so_and_a_converted_one_does_not() -> None:
    other = parse(file(entry(more="<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>"))).only
    converted = parse(file(entry(more="<ORIGCURRENCY><CURRATE>1.1<CURSYM>EUR</ORIGCURRENCY>"))).only
    assert (other.currency, converted.currency) == ("EUR", "USD")


def test_case_56_debits_carry_the_class_the_bank_gives_them() -> None:
    fee = sample("ofx1.qfx").lines[1]
    assert (fee.amount, fee.transaction_code, fee.value_date) == (Decimal("-15.00"), "DEBIT", date(2026, 4, 1))


def test_case_58_a_negative_credit_is_one_taken_back() -> None:
    line = sample("ofx1.qfx").lines[2]
    assert (line.amount, line.reversal, line.end_to_end) == (Decimal("-50.00"), True, "77")
    assert not parse(file(entry("DEBIT", "-5.00"))).only.reversal
    assert parse(file(entry(amount="-5.00", more="<MEMO>RETURNED AC04"))).only.return_reason == "AC04"


def test_case_60_two_payments_with_the_same_id_are_two_lines() -> None:
    assert parse(file(entry(), entry())).amounts == ["100.00", "100.00"]


@pytest.mark.parametrize(
    "text",
    [
        file(entry()).replace("\n", ""),
        file(entry()).replace("\n", "\r\n"),
        file(entry())
        .replace("<TRNTYPE>CREDIT", "<TRNTYPE>CREDIT</TRNTYPE>")
        .replace("<FITID>F1", "<FITID>F1</FITID><MEMO></MEMO>"),
        file(entry(more="<MEMO><NAME><X.EXTENSION>abc</X.EXTENSION><!-- > --><CHECKNUM/>")),
        file(entry()).replace("STMTTRN>", "stmttrn>"),
        "\ufeff" + file(entry(), head=""),
        file(entry(), head='<?xml version="1.0"?><?OFX OFXHEADER="200"?>\n'),
        file(entry(), account="<BANKACCTFROM><BANKID>1<ACCTID>1<ACCTTYPE>CHECKING</BANKACCTFROM><AVAILBAL/>"),
    ],
)
def test_how_banks_write_it(text: str) -> None:
    line = parse(text).only
    assert (line.amount, line.bank_reference, line.account) == (Decimal("100.00"), "F1", "1")


def test_a_list_of_entries_that_the_bank_forgets_to_close() -> None:
    assert parse(file(entry()).replace("</BANKTRANLIST>", "<LEDGERBAL><BALAMT>5.00</LEDGERBAL>")).amounts == ["100.00"]


def test_a_statement_without_a_currency_leaves_it_to_the_entries() -> None:
    text = file(entry(more="<CURRENCY><CURSYM>AUD</CURRENCY>"), entry("Debit", "-1")).replace("<CURDEF>USD", "<CURDEF>")
    parsed = parse(text.replace("</BANKTRANLIST>", "</BANKTRANLIST><LEDGERBAL><BALAMT>5.00</LEDGERBAL>"))
    assert (parsed.only.currency, [line.code for line in parsed.refused]) == ("AUD", ["currency"])
    assert (parsed.headers[0].currency, parsed.ends[0].closing) == (None, None)


def test_a_credit_card_statement() -> None:
    text = file(entry(), account="<CCACCTFROM><ACCTID>4</CCACCTFROM>").replace("STMTRS", "CCSTMTRS")
    assert parse(text).only.account == "4"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (file(entry()).replace("</OFX>", ""), "truncated", 7),
        (file(entry()).replace("</STMTTRN>", ""), "structure", 9),
        (file(entry()) + "<MORE>x", "structure", 10),
        (file(entry(entry())), "structure", 8),
        (file(entry()).replace("<OFX><BANKMSGSRSV1>", "<OFX><STMTTRN>"), "structure", 7),
        (file(entry()).replace("STMTTRNRS", "STMTRS"), "structure", 7),
        (file(entry(), account=""), "structure", 7),
        (file(entry()).replace("STMTRS", "INVSTMTRS"), "no_statement", 7),
        (HEAD + "<OFX><STATUS><CODE>2000<SEVERITY>ERROR</STATUS></OFX>", "no_statement", 7),
        (HEAD + "<OFX><SONRS></SONRS></OFX>", "no_statement", 7),
        (HEAD + "stray\n<OFX></OFX>", "structure", 8),
        (HEAD + "<XML><OFX></OFX>", "structure", 7),
        (HEAD + "<OFX><STMTTRN", "truncated", 7),
        (HEAD + "<OFX>< a></OFX>", "xml", 7),
        (HEAD + "<OFX><MEMO><![CDATA[x", "truncated", 7),
        (HEAD + "<OFX>" + "<STATUS>" * 40, "depth", 7),
        (HEAD + "<OFX><MEMO>" + "x\n" * 40_000, "size", 32776),
        (HEAD + "<OFX><MEMO><![CDATA[" + "x\n" * 40_000, "size", 32776),
        (file(entry(more="".join(f"<X{number}>1" for number in range(300)))), "size", 8),
        (file(entry()).replace("</BANKTRANLIST>", "</BANKTRANLIST><LEDGERBAL><BALAMT>x</LEDGERBAL>"), "balance", 7),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text)
    assert (refused.value.code, refused.value.position.partition(",")[0]) == (code, f"line {line}")
