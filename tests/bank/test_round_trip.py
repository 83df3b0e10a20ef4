"""Whatever payments there are: written in a format and read back they are the same."""

from __future__ import annotations

import csv
import io
import string
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.bank.csv_mapping import read_mapping
from app.bank.formats import Format
from tests.bank.reading import Parsed, parse
from tests.bank.writers import ACCOUNT, Movement, bai2, camt_pieces, mt940, ofx

# What SWIFT allows in a text, without what would be structure there; other formats take more.
PLAIN = string.ascii_letters + string.digits + "().'"
ANY = PLAIN + 'äöüßé€&<>"?/,;:+-=@ '


def texts(alphabet: str, longest: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=longest).map(str.strip).filter(bool)


@st.composite
def movements(draw: st.DrawFn, alphabet: str, *, one_day: bool = False) -> list[Movement]:
    day = draw(st.dates(date(2001, 1, 1), date(2090, 1, 1)))
    made = []
    for _ in range(draw(st.integers(0, 6))):
        booked = day if one_day else day + timedelta(draw(st.integers(0, 30)))
        cents = draw(st.integers(1, 10**13)) * draw(st.sampled_from([1, -1]))
        made.append(
            Movement(
                cents=cents,
                booked=booked,
                value=booked + timedelta(draw(st.integers(-20, 20))),
                payer=draw(texts(alphabet, 54)),
                text=draw(texts(alphabet, 140)),
                reference=draw(texts(PLAIN, 16)),
                reversal=draw(st.booleans()),
            )
        )
    return made


def same(parsed: Parsed, expected: list[Movement]) -> None:
    assert parsed.refused == []
    assert [
        (line.account, line.amount, line.currency, line.booking_date, line.value_date, line.bank_reference)
        for line in parsed.lines
    ] == [(ACCOUNT, made.amount, "EUR", made.booked, made.value, made.reference) for made in expected]


@given(movements(ANY), st.integers(2, 13))
def test_camt(made: list[Movement], version: int) -> None:
    parsed = parse("".join(camt_pieces(made, version)))
    same(parsed, made)
    assert [(line.payer_name, line.reference_text, line.reversal) for line in parsed.lines] == [
        (one.payer, one.text, one.reversal) for one in made
    ]


@given(movements(PLAIN), st.integers(1, 3))
def test_mt940(made: list[Movement], pages: int) -> None:
    parsed = parse(mt940(made, pages=pages))
    same(parsed, made)
    # With the breaks taken out it is the text again: this is one of the two ways in which a reference is searched.
    assert [(line.payer_name, (line.reference_text or "").replace("\n", ""), line.reversal) for line in parsed.lines] == [
        (one.payer, one.text, one.reversal) for one in made
    ]
    assert all(end.difference == 0 for end in parsed.ends)


@given(movements(ANY), st.booleans())
def test_ofx(made: list[Movement], xml: bool) -> None:
    parsed = parse(ofx(made, xml=xml))
    same(parsed, made)
    assert [(line.payer_name, line.reference_text) for line in parsed.lines] == [(one.payer, one.text) for one in made]


@given(movements(PLAIN + ",/", one_day=True))
def test_bai2(made: list[Movement]) -> None:
    made = [one for one in made if not one.payer.endswith("/") and not one.text.endswith("/")]
    parsed = parse(bai2(made))
    same(parsed, made)
    assert [(line.reference_text, line.reversal) for line in parsed.lines] == [
        (f"{one.payer}\n{one.text}", one.reversal) for one in made
    ]


@given(
    movements(ANY + "\n\r"),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from([(".", ","), (",", "."), (",", "'"), (".", "")]),
    st.sampled_from([("DMY", "%d.%m.%Y"), ("MDY", "%m/%d/%y"), ("YMD", "%Y-%m-%d"), (None, "%Y%m%d")]),
)
def test_csv(made: list[Movement], delimiter: str, codec: str, marks: tuple[str, str], dates: tuple[str | None, str]) -> None:
    (decimal, group), (order, written) = marks, dates
    rows = io.StringIO(newline="")
    writer = csv.writer(rows, delimiter=delimiter)
    writer.writerow(["day", "value", "amount", "payer", "text", "ref"])
    for one in made:
        amount = f"{one.amount:,}".replace(",", "#").replace(".", decimal).replace("#", group)
        writer.writerow([one.booked.strftime(written), one.value.strftime(written), amount, one.payer, one.text, one.reference])
    columns = {
        "booking_date": "day",
        "value_date": "value",
        "amount": "amount",
        "payer_name": "payer",
        "reference_text": "text",
        "bank_reference": "ref",
    }
    mapping = read_mapping(
        {
            "account": ACCOUNT,
            "currency": "EUR",
            "delimiter": delimiter,
            "decimal": decimal,
            "date_order": order,
            "encoding": None if codec.startswith("utf") else codec,
            "columns": columns,
        }
    )
    parsed = parse(rows.getvalue().encode(codec), mapping)
    assert parsed.format is Format.CSV
    same(parsed, made)
    assert [(line.payer_name, line.reference_text) for line in parsed.lines] == [(one.payer, one.text) for one in made]
