"""MT940: samples of a German and a Dutch bank, and one test per trap."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.bank.formats import Format
from app.bank.lines import ZERO_AMOUNT, FileRefused, LineStatus, StatementKind
from tests.bank.reading import Parsed, parse, sample


def statement(*fields: str, opening: str = "C260330EUR0,00", closing: str = ":62F:C260331EUR100,00", account: str = "1/2") -> str:
    return "\n".join([":20:X", f":25:{account}", ":28C:1/1", f":60F:{opening}", *fields, closing, "-", ""])


def only(entry: str, *details: str) -> Parsed:
    return parse(statement(entry, *(f":86:{text}" for text in details)))


ENTRY = ":61:2603310331C100,00NTRFNONREF//B1"


def test_a_german_statement_in_windows_1252() -> None:
    parsed = sample("mt940_german.sta")
    assert parsed.format is Format.MT940
    (header,), (end,) = parsed.headers, parsed.ends
    assert (header.account, header.statement_id, header.sequence, header.page) == ("37040044/0532013000", "STARTUMS", "00061", 1)
    assert (header.opening and header.opening.amount, end.closing and end.closing.amount) == (
        Decimal("1000.00"),
        Decimal("1068.80"),
    )
    assert (end.last_page, end.difference) == (True, Decimal("0.00"))
    first = parsed.lines[0]
    # The name went over two subfields in the middle of a word; the IBAN is not glued to it.
    assert (first.payer_name, first.payer_account) == ("Müller und Söhne Nachf. Großhandel GmbH", "DE02120300000000202051")
    assert (first.bank_reference, first.end_to_end, first.transaction_code) == ("2025123100001", "PO-7781", "166")
    assert first.position == "line 5, message 1, entry 1"


def test_a_dutch_statement_of_two_pages_in_swift_blocks() -> None:
    parsed = sample("mt940_swift.940")
    assert [(header.account, header.sequence, header.page) for header in parsed.headers] == [
        ("NL69INGB0123456789", "00090", None),
        ("NL69INGB0123456789", "00090", 2),
    ]
    assert [(end.last_page, end.difference) for end in parsed.ends] == [(False, Decimal("0.00")), (True, Decimal("0.00"))]
    assert [bool(end.closing and end.closing.intermediate) for end in parsed.ends] == [True, False]
    text, structured, returned, short = parsed.lines
    assert (text.payer_name, text.payer_account) == ("HUDSON COMPONENTS BV", "NL02ABNA0123456789")
    assert (text.reference_structured, text.reference_text) == (None, "Order 1042, RF1853900\n7547034")
    assert (structured.reference_structured, structured.reference_text) == ("9001123456789012", None)
    assert (returned.amount, returned.reversal, returned.return_reason) == (Decimal("-100.00"), True, "AC04")
    # The shortest entry that SWIFT allows says no booking date, and then there is none.
    assert (short.booking_date, short.value_date, short.bank_reference) == (None, date(2026, 3, 31), None)


def test_case_45_a_reference_over_two_subfields_keeps_where_it_was_cut() -> None:
    assert sample("mt940_german.sta").lines[0].reference_text == "Rechnung 2026-0017 RF\n18539007547034"


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ("166?00X?20RF18539?21007547034?22 4711?60 more", "RF18539\n007547034\n 4711\n more"),
        ("166@00X@20SVWZ+abc@21def", "abc\ndef"),
        ("?20SVWZ+abc", "abc"),
        ("166?00X?20before EREF+77?21SVWZ+after", "before\nafter"),
        ("166?00X?20EREF+77?21MREF+M?22CRED+DE1?23SVWZ+abc ABWA+Other", "abc"),
        ("166 no structure", "166 no structure"),
        ("123-45 RF18539007547034", "123-45 RF18539007547034"),
        ("069-20 RF18539007547034", "069-20 RF18539007547034"),
        ("104.33 for RF18539007547034", "104.33 for RF18539007547034"),
        ("?45 RF18539007547034", "?45 RF18539007547034"),
        ("166?00X?20who?45 RF18539007547034", "who?45 RF18539007547034"),
        ("free text\nover lines", "free text\nover lines"),
        ("/REMI/abc/EREF/77", "abc"),
        ("/NO/WORD", "/NO/WORD"),
    ],
)
def test_case_45_every_way_to_write_the_text(details: str, text: str) -> None:
    line = only(ENTRY, details).only
    assert (line.reference_text, line.end_to_end in ("77", None)) == (text, True)


def test_case_55_an_entry_without_an_amount_is_refused_alone() -> None:
    for broken, code in {
        ":61:2603310331C0,00NTRFNONREF": ZERO_AMOUNT,
        ":61:2603310331C100.00NTRFNONREF": "amount",
        ":61:2603310331CxNTRFNONREF": "amount",
        ":61:2603310331C1,234NTRFNONREF": "amount",
        ":61:2602310331C1,00NTRFNONREF": "date",
        ":61:2603311331C1,00NTRFNONREF": "date",
        ":61:nothing": "entry",
        ":61:": "entry",
    }.items():
        parsed = parse(statement(ENTRY, broken, ENTRY))
        assert [(line.code, line.position) for line in parsed.refused] == [(code, "line 6, message 1, entry 2")], broken
        assert len(parsed.lines) == 2


def test_case_56_debits_carry_the_class_the_bank_gives_them() -> None:
    fee = sample("mt940_german.sta").lines[2]
    # What stands on the line below the entry is its text where no :86: follows.
    assert (fee.amount, fee.transaction_code, fee.reference_text) == (Decimal("-5.00"), "NCHG", "KONTOFUEHRUNG")


def test_case_45_text_below_the_entry_is_kept_beside_the_details() -> None:
    line = only(":61:2603310331C1,00NTRF77//B1\nORDER 1043", "thank you").only
    assert line.reference_text == "thank you\nORDER 1043"


def test_case_57_a_report_of_the_day_and_expected_entries_never_are_booked() -> None:
    report = "\n".join(
        [
            ":20:X",
            ":25:1/2",
            ":28C:1/1",
            ":34F:EUR0,00",
            ":13D:2603311200+0100",
            ENTRY,
            ":86:early",
            ":90D:0EUR0,00",
            ":90C:1EUR100,00",
            "-",
        ]
    )
    parsed = parse(report)
    assert (parsed.headers[0].kind, parsed.headers[0].currency) == (StatementKind.INTRADAY, "EUR")
    assert (parsed.only.status, parsed.only.reference_text) == (LineStatus.PENDING, "early")
    assert only(":61:2603310331EC100,00NTRFNONREF").only.status is LineStatus.PENDING


@pytest.mark.parametrize(
    ("mark", "amount", "reversal"),
    [
        ("C", "7.00", False),
        ("D", "-7.00", False),
        ("RC", "-7.00", True),
        ("RD", "7.00", True),
        ("CR", "7.00", False),
        ("DR", "-7.00", False),
        ("RCR", "-7.00", True),
        ("RDR", "7.00", True),
    ],
)
def test_case_58_marks_with_and_without_a_funds_code(mark: str, amount: str, reversal: bool) -> None:
    line = only(f":61:2603310331{mark}7,NTRFNONREF").only
    assert (f"{line.amount:f}", line.reversal) == (amount, reversal)


def test_case_58_a_return_names_its_reason_and_the_original_reference() -> None:
    line = sample("mt940_german.sta").lines[1]
    assert (line.amount, line.reversal, line.return_reason, line.end_to_end) == (Decimal("-50.00"), True, "AC04", "PO-7700")


def test_case_60_two_equal_payments_of_one_day_are_two_lines() -> None:
    one, other = parse(statement(ENTRY, ENTRY)).lines
    assert (one.position, other.position) == ("line 5, message 1, entry 1", "line 6, message 1, entry 2")


def test_case_62_balances_and_what_they_leave_unexplained() -> None:
    gap = parse(statement(ENTRY, opening="D260330EUR10,", closing=":62F:C260331EUR95,"))
    assert (gap.headers[0].opening and gap.headers[0].opening.amount, gap.ends[0].difference) == (
        Decimal("-10.00"),
        Decimal("5.00"),
    )


def test_case_65_the_text_of_an_epc_qr_code_is_free_text() -> None:
    line = only(ENTRY, "166?00X?20SVWZ+RF18539007547034 2026-?210042").only
    assert (line.reference_structured, line.reference_text) == (None, "RF18539007547034 2026-\n0042")


@pytest.mark.parametrize(
    ("value", "entry", "booked"),
    [
        ("260102", "1231", date(2025, 12, 31)),
        ("251231", "0102", date(2026, 1, 2)),
        ("260331", "0331", date(2026, 3, 31)),
        ("280301", "0229", date(2028, 2, 29)),
        ("270301", "0229", date(2028, 2, 29)),
    ],
)
def test_entry_dates_near_the_turn_of_the_year(value: str, entry: str, booked: date) -> None:
    assert only(f":61:{value}{entry}C1,NTRFNONREF").only.booking_date == booked


def test_where_no_text_is_the_owners_reference_is_searched_in() -> None:
    line = only(":61:2603310331C1,00NTRFRF18539007547034//B1").only
    assert (line.reference_text, line.end_to_end, line.bank_reference) == ("RF18539007547034", "RF18539007547034", "B1")
    assert only(":61:2603310331C1,00NTRF77//B1\nPO 4711").only.reference_text == "PO 4711"
    assert only(":61:2603310331C1,00NTRF77//B1\n/TRCD/1/", "/REMI/STRD/CUR/1").only.reference_text is None


@pytest.mark.parametrize(
    ("reference", "end_to_end", "payer"),
    [
        ("KREF+", None, None),
        ("KREF+7700", "7700", None),
        ("EREF", None, None),
        ("NONREF", None, None),
        ("0121470966      W.P. Jansen", "0121470966", "W.P. Jansen"),
        ("NONREF          TOMTE", None, "TOMTE"),
    ],
)
def test_the_owners_reference(reference: str, end_to_end: str | None, payer: str | None) -> None:
    line = only(f":61:2603310331C1,00NTRF{reference}//B1").only
    assert (line.end_to_end, line.payer_name, line.reference_text) == (end_to_end, payer, end_to_end)


@pytest.mark.parametrize(
    "details", ["166?00X?20EREF+PO-1SVWZ+abc", "166?00X?20EREF+PO-1?21SV?22WZ+abc", "166?00X?20EREF+PO\n-1?21SVWZ\n+abc"]
)
def test_marks_without_a_break_before_them_or_with_one_inside(details: str) -> None:
    line = only(ENTRY, details).only
    assert (line.end_to_end, line.reference_text) == ("PO-1", "abc")


def test_a_decimal_comma_with_nothing_before_or_behind_it() -> None:
    assert only(":61:2603310331C,50NTRFNONREF").amounts == ["0.50"]
    assert only(":61:2603310331C5,NTRFNONREF").amounts == ["5.00"]
    assert only(":61:2603310331C500NTRFNONREF").amounts == ["500.00"]
    assert only(":61:2603310331C,NTRFNONREF").refused[0].code == "amount"


def test_30_february_is_the_last_day_of_it() -> None:
    assert [only(f":61:{day}0301C5,NTRFNONREF").only.value_date for day in ("260230", "260229", "280230", "280229")] == [
        date(2026, 2, 28),
        date(2026, 2, 28),
        date(2028, 2, 29),
        date(2028, 2, 29),
    ]


def test_numbered_lines_outside_the_standard() -> None:
    text = statement(
        ":NS:22Example Inc\n30BANK", "", ENTRY, ":NS:01Rechnung\n02 4711\n15Müller\n17Gutschrift", ENTRY.replace("NTRF", "S   ")
    )
    first, second = parse(text).lines
    assert (first.reference_text, first.payer_name) == ("Rechnung\n4711", "Müller")
    assert (second.reference_text, second.transaction_code, second.bank_reference) == (None, "S", "B1")


def test_text_of_the_statement_is_not_the_last_entrys() -> None:
    text = "\n".join(
        [":20:X", ":25:1/2", ":28C:1/1", ":60F:C260330EUR0,00", ":86:before", ENTRY, ":62F:C260331EUR100,00", ":86:after", "-"]
    )
    assert parse(text).only.reference_text is None


def test_two_details_of_one_entry_are_both_kept() -> None:
    assert only(ENTRY, "one", "two").only.reference_text == "one\ntwo"


def test_a_hyphen_in_a_text_does_not_end_the_message() -> None:
    parsed = only(ENTRY, "one\n-\ntwo")
    assert parsed.only.reference_text == "one\n-\ntwo"


def test_a_block_ends_the_field_before_it() -> None:
    text = statement(ENTRY).replace("\n-\n", "\n")
    parsed = parse(f"{{1:F01X}}{{4:\n{text}{{1:F01X}}{{4:\n{text}")
    assert parsed.amounts == ["100.00", "100.00"]


def test_messages_without_a_hyphen_between_and_with_the_banks_own_header() -> None:
    text = statement(ENTRY).replace("\n-\n", "\n")
    head = "ABNANL2A\n940\nABNANL2A\n"
    assert len(parse(f"{head}{statement(ENTRY)}{head}{statement(ENTRY)}").headers) == 2
    parsed = parse(f"{head}{text}{text}")
    assert (len(parsed.headers), parsed.amounts) == (2, ["100.00", "100.00"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    assert only(ENTRY, "one\ntwo").only == parse(statement(ENTRY, ":86:one\ntwo").replace("\n", end)).only


@pytest.mark.parametrize(
    ("account", "read"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("DE89370400440532013000EUR", "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("37040044/0532013000EUR", "37040044/0532013000EUR"),
    ],
)
def test_the_account(account: str, read: str) -> None:
    assert parse(statement(ENTRY, account=account)).only.account == read


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (statement(ENTRY).replace(":62F:C260331EUR100,00\n-\n", ""), "truncated", 5),
        (statement(ENTRY).replace(":62F:C260331EUR100,00", ":62F:C2603"), "balance", 6),
        (statement(ENTRY).replace(":60F:C260330EUR0,00\n", ""), "structure", 4),
        (statement(ENTRY).replace(":25:1/2\n", ""), "structure", 4),
        (statement(ENTRY).replace(":60F:C260330EUR0,00", ":60F:C260230EUR0,00"), "balance", 4),
        (statement(ENTRY).replace(":60F:C260330EUR0,00", ":60F:C260330ZZZ0,00"), "balance", 4),
        (statement(ENTRY, closing=f":62F:C260331EUR100,00\n{ENTRY}"), "structure", 7),
        (statement(ENTRY, closing=":62F:C260331EUR100,00\n:62F:C260331EUR100,00"), "structure", 7),
        (statement(":25:2/3", ENTRY), "structure", 5),
        (statement(ENTRY) + "lost text\n", "structure", 8),
        (statement(ENTRY) + ":61:2603310331C1,NTRFNONREF\n", "structure", 8),
        (statement(ENTRY, ":86:x" + "\nx" * 300), "size", 206),
        ("{1:F01X}\n", "no_statement", 1),
        (":20:X\n:25:1\n:13D:2603311200+0100\n" + ENTRY + "\n", "structure", 4),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text)
    assert (refused.value.code, refused.value.position) == (code, f"line {line}")
