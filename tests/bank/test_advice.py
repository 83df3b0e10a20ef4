from decimal import Decimal

import pytest

from app.bank.advice import parse_advice
from app.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1043;118.80", ("1043", "118.80")),
        ("#1043, 1,118.80", ("1043", "1118.80")),
        ("1043\t1.118,80 EUR", ("1043", "1118.80")),
        ("RF18 5390 0754 7034 $ 50.00", ("RF18 5390 0754 7034", "50.00")),
        ("1043 120", ("1043", "120")),
    ],
)
def test_a_line_is_a_number_and_an_amount(line: str, found: tuple[str, str]) -> None:
    text = f"Order;Amount\n\n{line}\nTotal; 999.00\n"
    assert parse_advice(text) == [(found[0], Decimal(found[1]))]


@pytest.mark.parametrize(
    ("text", "words"), [("1043 paid 5 times!", "Line 1"), ("hello", "no order"), ("1 1.00\n" * 501, "at most")]
)
def test_what_is_no_advice(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_advice(text)
