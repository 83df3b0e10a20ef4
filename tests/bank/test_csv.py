"""CSV with a mapping per account: two samples, and one test per trap."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.bank.csv_mapping import CsvMapping, read_amount, read_date, read_mapping
from app.bank.formats import Format
from app.bank.lines import ZERO_AMOUNT, FileRefused, LineStatus
from app.bank.values import Unreadable
from app.errors import InvalidInput
from tests.bank.reading import SAMPLES, parse, sample

BASE: dict[str, Any] = {
    "account": "1",
    "currency": "EUR",
    "decimal": ".",
    "date_order": "DMY",
    "columns": {"booking_date": "Date", "amount": "Amount", "payer_name": "Name", "reference_text": "Text"},
}
HEAD = "Date,Amount,Name,Text\n"


def mapping(columns: dict[str, Any] | None = None, **changes: Any) -> CsvMapping:
    return read_mapping({**BASE, **changes, "columns": {**BASE["columns"], **(columns or {})}})


def of_sample(name: str) -> CsvMapping:
    return read_mapping(json.loads((SAMPLES / f"{name}.mapping.json").read_text()))


def test_case_63_a_german_file_with_a_mark_decimal_commas_and_lines_before_the_header() -> None:
    parsed = sample("csv_german.csv", of_sample("csv_german"))
    assert parsed.format is Format.CSV
    first, fee, pending = parsed.lines
    assert (first.booking_date, first.value_date, first.amount) == (date(2026, 3, 31), date(2026, 4, 1), Decimal("1234.56"))
    assert (first.payer_name, first.payer_account) == ("Müller & Söhne", "AT611904300234573201")
    # The row goes over two lines of the file.
    assert (first.reference_text, first.position, fee.position) == (
        "RF18 5390 0754 7034\nzweite Zeile",
        "line 5, row 1",
        "line 7, row 2",
    )
    assert fee.amount == Decimal("-5.00")
    assert pending.status is LineStatus.PENDING


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_case_63_every_encoding_a_bank_uses(codec: str) -> None:
    text = f"{HEAD}31/03/2026,1.00,Größe,ÄÖÜ\n"
    assert parse(text.encode(codec), mapping()).only.payer_name == "Größe"
    assert parse("\ufeff".encode("utf-16-be") + text.encode("utf-16-be"), mapping()).only.payer_name == "Größe"
    assert parse(text.encode("utf-16-le"), mapping()).only.payer_name == "Größe"


def test_case_63_a_byte_that_the_encoding_does_not_have() -> None:
    data = f"{HEAD}31/03/2026,1.00,A,B\n31/03/2026,1.00,Größe,B\n".encode("cp1252")
    with pytest.raises(FileRefused) as refused:
        parse(data, mapping(encoding="utf-8"))
    assert (refused.value.code, refused.value.position) == ("encoding", "line 3")
    with pytest.raises(FileRefused, match="line 2"):
        parse(f"{HEAD}31/03/2026,1.00,A\0,B\n", mapping())
    with pytest.raises(FileRefused, match="line 3"):
        parse(data.replace(b"\xf6", b"\x81"), mapping())


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1.234,56-", ",", "-1234.56"),
        ("-1.234,56", ",", "-1234.56"),
        ("1 234,56", ",", "1234.56"),
        ("1\u00a0234,56", ",", "1234.56"),
        ("1'234.56", ".", "1234.56"),
        ("+1,234,567.80", ".", "1234567.80"),
        ("(12.30)", ".", "-12.30"),
        ("− 5", ".", "-5.00"),
        ("0,5", ",", "0.50"),
        ("1.234", ",", "1234.00"),
        (",50", ",", "0.50"),
    ],
)
def test_case_63_amounts_as_people_write_them(text: str, decimal: str, amount: str) -> None:
    assert f"{read_amount(text, 'EUR', decimal):f}" == amount


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1,234.56", ","),
        ("1.234,56", "."),
        ("12.34", ","),
        ("1.23,45", ","),
        ("1.2345", ","),
        ("1.234'567,00", ","),
        ("1..234,00", ","),
        ("5,", ","),
        ("", ","),
        ("-", ","),
        ("--5", ","),
        ("5 EUR", ","),
        ("=1+1", ","),
        ("1,234", ","),
        ("٣", ","),
        ("1e5", "."),
    ],
)
def test_case_63_an_amount_in_the_wrong_style_is_not_misread(text: str, decimal: str) -> None:
    with pytest.raises(Unreadable):
        read_amount(text, "EUR", decimal)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("03/04/26", "DMY", date(2026, 4, 3)),
        ("03/04/26", "MDY", date(2026, 3, 4)),
        ("03-04-05", "YMD", date(2003, 4, 5)),
        ("3.4.2026", "DMY", date(2026, 4, 3)),
        ("20260403", None, date(2026, 4, 3)),
        ("03042026", "DMY", date(2026, 4, 3)),
        ("2026-04-03", None, date(2026, 4, 3)),
        ("31/03/2026", None, date(2026, 3, 31)),
        ("04/04/2026", None, date(2026, 4, 4)),
    ],
)
def test_case_63_dates_in_the_order_of_the_mapping(text: str, order: str | None, day: date) -> None:
    assert read_date(text, order, "line 1") == day


@pytest.mark.parametrize(
    ("text", "order", "code"),
    [
        ("03/04/26", None, "ambiguous_date"),
        ("03/04/2026", None, "ambiguous_date"),
        ("13/04/26", None, "ambiguous_date"),
        ("04/13/2026", "DMY", "date"),
        ("2026-04-03", "DMY", "date"),
        ("31/02/2026", None, "date"),
        ("99/99/9999", None, "date"),
    ],
)
def test_case_63_a_date_in_doubt_refuses_the_file(text: str, order: str | None, code: str) -> None:
    rows = f"{HEAD}31/03/2026,1,A,B\n{text},1,A,B\n" if order in (None, "DMY") else ""
    with pytest.raises(FileRefused) as refused:
        parse(rows, mapping(date_order=order))
    assert (refused.value.code, refused.value.position) == (code, "line 3, row 2")


def test_case_55_a_row_without_an_amount_is_refused_alone() -> None:
    rows = ["1.00", "0.00", "x", "", "1.00"]
    parsed = parse(HEAD + "".join(f"31/03/2026,{amount},A,B\n" for amount in rows), mapping())
    assert [(line.code, line.position) for line in parsed.refused] == [
        (ZERO_AMOUNT, "line 3, row 2"),
        ("amount", "line 4, row 3"),
        ("amount", "line 5, row 4"),
    ]
    assert parsed.amounts == ["1.00", "1.00"]
    assert parse(f"{HEAD}soon,1,A,B\n", mapping()).refused[0].code == "date"


def test_case_64_a_formula_is_only_text() -> None:
    pending = sample("csv_german.csv", of_sample("csv_german")).lines[2]
    assert (pending.payer_name, pending.reference_text) == ('=HYPERLINK("http://x")', "+49 @x")


def test_case_58_words_for_reversed_and_pending() -> None:
    told = mapping({"reversal": "Kind", "status": "State"}, reversal_words=["Retoure"], pending_words=["vorgemerkt"])
    lines = parse(
        "Date,Amount,Name,Text,Kind,State\n31/03/2026,-5,A,AC04,retoure,gebucht\n31/03/2026,5,A,B,,Vorgemerkt\n", told
    ).lines
    assert [(line.reversal, line.status.value, line.return_reason) for line in lines] == [
        (True, "booked", "AC04"),
        (False, "pending", None),
    ]


def test_case_60_two_equal_rows_are_two_lines() -> None:
    assert parse(f"{HEAD}{'31/03/2026,5,A,B' + chr(10)}" * 1 + "31/03/2026,5,A,B\n", mapping()).amounts == ["5.00", "5.00"]


def test_credit_and_debit_columns_without_a_header() -> None:
    lines = sample("csv_us.csv", of_sample("csv_us")).lines
    assert [(f"{line.amount:f}", line.payer_name) for line in lines] == [
        ("118.80", "LONE STAR, INC"),
        ("-15.00", "BANK"),
        ("-1015.00", "SOMEBODY"),
    ]
    both = parse("03/31/2026,X,Y,1.00,2.00,W\n03/31/2026,X,Y,,,W\n", of_sample("csv_us"))
    assert [line.code for line in both.refused] == ["amount", "amount"]
    with pytest.raises(FileRefused, match="line 1, row 1: The row has no column 6"):
        parse("03/31/2026,X,Y,1.00,\n", of_sample("csv_us"))


def test_a_sign_column() -> None:
    told = mapping({"sign": "S/H"}, credit_words=["H"], debit_words=["S"])
    rows = [("5", "H"), ("5", "s"), ("-5", "S"), ("-5", "H"), ("5", "?")]
    parsed = parse("Date,Amount,Name,Text,S/H\n" + "".join(f"31/03/2026,{amount},A,B,{way}\n" for amount, way in rows), told)
    assert (parsed.amounts, [line.code for line in parsed.refused]) == (["5.00", "-5.00", "-5.00"], ["sign", "sign"])


def test_another_accounts_rows_are_refused_and_several_accounts_are_statements() -> None:
    rows = "Date,Amount,Name,Text,Account,Ccy\n31/03/2026,1,A,B,DE1,EUR\n31/03/2026,2,A,B,de 1,EUR\n31/03/2026,3,A,B,DE2,USD\n"
    with pytest.raises(FileRefused) as refused:
        parse(rows, mapping({"account": "Account"}, account="DE1"))
    assert (refused.value.code, refused.value.position) == ("account", "line 4, row 3")
    parsed = parse(rows.replace("de 1", "DE1"), mapping({"account": "Account", "currency": "Ccy"}, account=None))
    assert [(header.account, header.currency) for header in parsed.headers] == [("DE1", "EUR"), ("DE2", "USD")]


def test_text_of_several_columns() -> None:
    told = mapping({"reference_text": ["Name", "Text"]})
    assert parse(f"{HEAD}31/03/2026,1,A,B\n", told).only.reference_text == "A\nB"


def test_a_row_without_a_currency_is_refused() -> None:
    told = mapping({"currency": "Ccy"}, currency=None)
    assert parse("Date,Amount,Name,Text,Ccy\n31/03/2026,1,A,B,\n", told).refused[0].code == "currency"


def test_other_delimiters_quotes_and_lines_to_skip() -> None:
    told = mapping(delimiter="\t", quote="'", skip_lines=1)
    parsed = parse("'broken\nDate\tAmount\tName\tText\n31/03/2026\t1\t'A\t'\t\n", told)
    assert (parsed.only.payer_name, parsed.only.position) == ("A", "line 3, row 1")


def test_an_empty_statement_is_one() -> None:
    parsed = parse(HEAD, mapping())
    assert (len(parsed.headers), parsed.headers[0].account, parsed.lines) == (1, "1", [])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (f"{HEAD}31/03/2026,1,A\n", "columns", "line 2, row 1"),
        (f"{HEAD}31/03/2026,1,A,B,C\n", "columns", "line 2, row 1"),
        (f'{HEAD}31/03/2026,1,A,"B\n', "truncated", "line 2"),
        (f'{HEAD}31/03/2026,1,"A"x,B\n', "csv", "line 2"),
        (f"{HEAD}31/03/2026,1,A,{'x' * 70_000}\n", "size", "line 2"),
        (f"{HEAD}31/03/2026,1,A,{chr(34)}" + "x\n" * 80_000, "csv", "line 2"),
        ("Date,Amount,Text\n", "columns", "line 1"),
        ("x\nDate,Amount,Name\n", "columns", "line 2"),
        ("Date,Amount,Name,Text,Text\n", "columns", "line 1"),
    ],
)
def test_a_file_that_does_not_fit_the_mapping_is_refused_with_its_line(text: str, code: str, line: str) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text, mapping())
    assert (refused.value.code, refused.value.position) == (code, line)


def test_extra_cells_that_say_nothing_are_no_harm() -> None:
    assert parse(f"{HEAD}31/03/2026,1,A,B,,\n\n,,,\n", mapping()).amounts == ["1.00"]


@pytest.mark.parametrize(
    ("columns", "changes", "named"),
    [
        ({}, {"decimal": ";"}, "decimal"),
        ({}, {"dezimal": ","}, "dezimal"),
        ({"betrag": "X"}, {}, "betrag"),
        ({"amount": None}, {}, "amount"),
        ({"amount": None, "credit": "C"}, {}, "credit and debit"),
        ({"credit": "C"}, {}, "amount"),
        ({"sign": "S"}, {}, "credit_words"),
        ({"status": "S"}, {}, "pending_words"),
        ({"reversal": "S"}, {}, "reversal_words"),
        ({"booking_date": None}, {}, "booking_date"),
        ({}, {"currency": None}, "currency"),
        ({}, {"delimiter": ";;"}, "delimiter"),
        ({}, {"delimiter": '"'}, "delimiter"),
        ({}, {"skip_lines": -1}, "skip_lines"),
        ({"amount": 2}, {}, "columns.amount"),
        ({}, {"header": False}, "a number from 1"),
        ({}, {"encoding": "klingon"}, "klingon"),
        ({}, {"encoding": "hex"}, "hex"),
    ],
)
def test_a_mapping_that_cannot_be_names_its_field(columns: dict[str, Any], changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=r"^The CSV mapping: ") as refused:
        mapping(columns, **changes)
    assert (refused.value.code, named in refused.value.sentence) == ("mapping", True)


def test_column_numbers_count_from_one() -> None:
    with pytest.raises(InvalidInput, match="a number from 1"):
        read_mapping({"decimal": ".", "currency": "EUR", "header": False, "columns": {"booking_date": 0, "amount": 2}})
