"""A remittance advice as a reseller pastes it: a line per order with what is paid of it."""

from __future__ import annotations

import re
from decimal import Decimal

from app.errors import InvalidInput

MAX_LINES = 500
_LINE = re.compile(
    r"^\s*(?P<name>\S.*?)\s*(?:[;,\t|]|\s)\s*(?:[A-Z]{3}|[$€£])?\s*(?P<amount>\d{1,3}(?:[.,' ]\d{3})*[.,]\d{2}|\d+(?:[.,]\d{2})?)"
    r"\s*(?:[A-Z]{3}|[$€£])?\s*$"
)


def parse_advice(text: str) -> list[tuple[str, Decimal]]:
    """(order's number or reference, amount) of each line. Raises InvalidInput that names the first line without both.

    Two digits after the last comma or point are decimals. Empty lines, a header without digits and a total are left out.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or not re.search(r"\d", line) or re.match(r"\s*(total|sum|summe|gesamt)\b", line, re.IGNORECASE):
            continue
        match = _LINE.match(line)
        if match is None:
            raise InvalidInput(f"Line {number}: {line.strip()[:60]!r} is not an order's number and an amount.", code="advice")
        digits = re.sub(r"[.,' ](?=\d{3}(?:\D|$))", "", match["amount"]).replace(",", ".")
        found.append((match["name"].strip(" ;,\t|\"'#"), Decimal(digits)))
        if len(found) > MAX_LINES:
            raise InvalidInput(f"An announced payment has at most {MAX_LINES} lines.", code="advice")
    if not found:
        raise InvalidInput("There is no order's number with an amount in it.", code="advice")
    return found
