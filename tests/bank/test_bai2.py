"""BAI2: a sample with two groups, and one test per trap."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest

from app.bank import bai2
from app.bank.formats import Format
from app.bank.lines import ZERO_AMOUNT, FileRefused, LineStatus, StatementKind
from tests.bank.reading import SAMPLES, parse, sample


def file(*entries: str, amounts: int, group: str = "02,R,O,1,260330,2359,USD,2/", account: str = "03,1,,,,,/") -> str:
    count = len(entries) + account.count("\n") + 2
    return "\n".join(
        [
            "01,S,R,260331,0200,1,,,2/",
            group,
            account,
            *entries,
            f"49,{amounts},{count}/",
            f"98,{amounts},1,{count + 2}/",
            f"99,{amounts},1,{count + 4}/",
            "",
        ]
    )


ENTRY = "16,195,10000,,B1,C1,TEXT/"


def test_two_groups_with_balances_and_continuations() -> None:
    parsed = sample("bai2.bai")
    assert parsed.format is Format.BAI2
    assert [(header.kind, header.account, header.currency) for header in parsed.headers] == [
        (StatementKind.STATEMENT, "0975312468", "USD"),
        (StatementKind.INTRADAY, "JP-1", "JPY"),
    ]
    assert (parsed.headers[0].opening and parsed.headers[0].opening.amount, parsed.ends[0].difference) == (
        Decimal("1000.00"),
        Decimal(0),
    )
    wire, ach, _, yen = parsed.lines
    assert (wire.booking_date, wire.value_date, wire.amount) == (date(2026, 3, 30), date(2026, 4, 1), Decimal("118.80"))
    assert (wire.bank_reference, wire.end_to_end, wire.transaction_code) == ("WIRE001", "PO-7781", "195")
    assert (ach.amount, ach.bank_reference, ach.end_to_end, ach.reference_text) == (
        Decimal("1435.00"),
        "ACH7",
        None,
        "HUDSON ACH",
    )
    # Yen have no decimals.
    assert (f"{yen.amount:f}", yen.currency, yen.bank_reference, yen.reference_text) == ("1200", "JPY", "J1", "TOKYO KK")


def test_case_45_a_text_over_two_records_keeps_commas_slashes_and_where_it_was_cut() -> None:
    assert sample("bai2.bai").lines[0].reference_text == (
        "WIRE IN ORIG:LONE STAR SOFTWARE, INC\nOBI:RF18 5390 0754 7034 / ORDER 1042"
    )


def test_case_55_an_entry_of_zero_or_without_money_is_refused_alone() -> None:
    parsed = parse(file(ENTRY, "16,195,0,,,,/", "16,195,,,,,/", "16,890,,,,,A MESSAGE/", amounts=10000))
    assert [line.code for line in parsed.refused] == [ZERO_AMOUNT] * 3
    assert parsed.amounts == ["100.00"]
    assert parsed.refused[0].position == "line 5, account 1, entry 2"


def test_case_55_an_amount_that_is_no_number_damages_the_file() -> None:
    with pytest.raises(FileRefused, match=r"^line 4, account 1, entry 1: '100\.00' is not an amount") as refused:
        parse(file("16,195,100.00,,,,/", amounts=10000))
    assert refused.value.code == "amount"


@pytest.mark.parametrize(
    ("broken", "amounts", "code"),
    [
        ("16,015,100,,,,/", 100, "type_code"),
        ("16,700,100,,,,/", 100, "type_code"),
        ("16,XX,100,,,,/", 100, "type_code"),
        ("16,195,-100,,,,/", -100, "sign"),
        ("16,195,100,V,260231,,,,/", 100, "date"),
        ("16,195,100,D,x,,,,/", 100, "structure"),
    ],
)
def test_an_entry_that_cannot_be_trusted_is_refused_alone(broken: str, amounts: int, code: str) -> None:
    parsed = parse(file(ENTRY, broken, amounts=10000 + amounts))
    assert ([line.code for line in parsed.refused], parsed.amounts) == ([code], ["100.00"])


def test_case_56_debits_and_custom_codes() -> None:
    lines = parse(file("16,495,1,,,,/", "16,698,2,,,,/", "16,925,3,,,,/", "16,965,4,,,,/", amounts=10)).lines
    assert [(line.transaction_code, f"{line.amount:f}") for line in lines] == [
        ("495", "-0.01"),
        ("698", "-0.02"),
        ("925", "0.03"),
        ("965", "-0.04"),
    ]


@pytest.mark.parametrize(
    ("modifier", "status"), [("1", "pending"), ("2", "booked"), ("3", "pending"), ("4", "booked"), ("", "booked")]
)
def test_case_57_interim_data_is_pending(modifier: str, status: str) -> None:
    line = parse(file(ENTRY, amounts=10000, group=f"02,R,O,1,260330,,,{modifier}/")).only
    assert (line.status, line.currency) == (LineStatus(status), "USD")


def test_case_58_a_reversed_credit_is_negative_with_its_reason() -> None:
    line = sample("bai2.bai").lines[2]
    assert (line.amount, line.reversal, line.return_reason, line.end_to_end) == (Decimal("-50.00"), True, "AC04", "PO-7700")
    back = parse(file("16,252,100,,,,/", amounts=100)).only
    assert (back.amount, back.reversal) == (Decimal("1.00"), True)


def test_case_60_two_equal_payments_of_one_day_are_two_lines() -> None:
    assert parse(file(ENTRY, ENTRY, amounts=20000)).amounts == ["100.00", "100.00"]


def test_where_no_text_is_the_customers_reference_is_searched_in() -> None:
    line = parse(file("16,195,100,,B1,RF18539007547034,/", amounts=100)).only
    assert (line.reference_text, line.end_to_end) == ("RF18539007547034", "RF18539007547034")


def test_a_continuation_of_nothing() -> None:
    with pytest.raises(FileRefused, match="line 1: A continuation"):
        list(bai2.read(BytesIO(b"88,x/\n")))


def test_an_unknown_currency_refuses_the_entry() -> None:
    assert parse(file(ENTRY, amounts=10000, account="03,1,ZZZ,,,,/")).refused[0].code == "amount"


def test_records_padded_to_a_fixed_length_and_blank_lines() -> None:
    text = (SAMPLES / "bai2.bai").read_text()
    padded = "\r\n\r\n".join(line.ljust(90) for line in text.splitlines())
    assert parse(padded).amounts == sample("bai2.bai").amounts


def test_summaries_with_distributions() -> None:
    account = "03,1,EUR,010,+500,,,190,100,1,S,50,30/\n88,20,191,100,1,D,1,0,100,015,600,,V,260330,,/"
    parsed = parse(file("16,195,100,,,,/", amounts=1400, account=account))
    assert (parsed.headers[0].opening and parsed.headers[0].opening.amount, parsed.ends[0].difference) == (
        Decimal("5.00"),
        Decimal(0),
    )


WHOLE = file(ENTRY, amounts=10000)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (WHOLE.replace("99,10000,1,7/\n", ""), "truncated", 6),
        (WHOLE.replace("49,10000,3/", "49,10001,3/"), "control_total", 5),
        (WHOLE.replace("49,10000,3/", "49,10000,4/"), "control_total", 5),
        (WHOLE.replace("49,10000,3/", "49,x,3/"), "control_total", 5),
        (WHOLE.replace("98,10000,1,5/", "98,10000,2,5/"), "control_total", 6),
        (WHOLE.replace("99,10000,1,7/", "99,1,1,7/"), "control_total", 7),
        (WHOLE.replace(f"{ENTRY}\n", ""), "control_total", 4),
        (WHOLE.replace("03,1,,,,,/\n", ""), "structure", 3),
        (WHOLE.replace("49,10000,3/\n", ""), "structure", 5),
        (WHOLE.replace("98,10000,1,5/\n", ""), "structure", 6),
        (WHOLE + ENTRY, "structure", 8),
        (WHOLE.replace(ENTRY, "17,what/"), "structure", 4),
        (WHOLE.replace(",2/\n02", ",2/\n01,S,R,260331,0200,1,,,2/\n02"), "structure", 2),
        (WHOLE.replace("01,S,R,260331,0200,1,,,2/\n", "01,S,R,260331,0200,1,,,2/\n\n03,1/\n"), "structure", 3),
        (WHOLE.replace("O,1,260330", "O,2,260330"), "group_status", 2),
        (WHOLE.replace("O,1,260330", "O,4,260330"), "group_status", 2),
        (WHOLE.replace("O,1,260330", "O,1,260230"), "date", 2),
        (WHOLE.replace("03,1,,,,,/", "03,1,ZZZ,010,5,,/"), "balance", 3),
        (WHOLE.replace("03,1,,,,,/", "03,1,USD,010,x,,/"), "control_total", 3),
        (WHOLE.replace("03,1,,,,,/", "03,1,USD,190,5,1,D,x/"), "structure", 3),
        (WHOLE.replace(ENTRY, ENTRY + "\n88,x" * 600), "size", 505),
        ("88,x/\n", "format", 1),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(FileRefused) as refused:
        parse(text)
    assert (refused.value.code, refused.value.position) == (code, f"line {line}")
