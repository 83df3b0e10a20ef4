import csv
import io
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from app.errors import InvalidInput, TooLarge
from app.pricing import list_file
from app.pricing.content import Content, EntryKey, Terms, between
from app.pricing.draft import Draft
from app.pricing.list_file import COLUMNS, decoded, guarded, plain, read_list, unknown_skus, with_ids, write_list
from app.pricing.rules import Scope
from tests.pricing.strategies import FEWER, TEXT, contents, id_of

HEADER = ",".join(COLUMNS) + "\n"
V1 = id_of(Scope.VARIANT, 1)


def read(text: str) -> Draft:
    return read_list(io.StringIO(text, newline=""))


def refused(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.code == "price_file"
    return caught.value.sentence


def test_a_whole_list_is_read() -> None:
    draft = read(
        HEADER
        + "list,,,7.50,,,,,\n"
        + "\n"
        + f"variant,{V1},GRID-DEV,5,,,,,\n"
        + f'Product,{id_of(Scope.PRODUCT, 7)},"Grid, all",,91.50,usd,10,2026-04-01,2026-06-30\n'
    )
    grid = EntryKey(Scope.PRODUCT, id_of(Scope.PRODUCT, 7), 10, "USD", date(2026, 4, 1))
    assert draft.rate == Decimal("7.5")
    assert draft.whole
    assert draft.entries == {
        EntryKey(Scope.VARIANT, V1): Terms(Decimal(5), label="GRID-DEV"),
        grid: Terms(fixed_minor=9150, valid_to=date(2026, 6, 30), label="Grid, all"),
    }
    assert draft.lines == {None: 2, EntryKey(Scope.VARIANT, V1): 4, grid: 5}


def test_the_separator_and_the_order_are_the_headers() -> None:
    draft = read(f"\ufeffrate;scope;target\n3;category;{id_of(Scope.CATEGORY, 1)}\n")
    assert draft.entries == {EntryKey(Scope.CATEGORY, id_of(Scope.CATEGORY, 1)): Terms(Decimal(3))}
    assert draft.rate is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("variant,v,,1O,,,,,", "line 2: rate '1O' is not a number like 7.5."),
        ('variant,v,,"7,5",,,,,', "line 2: rate '7,5' is not a number with a decimal point, like 7.5."),
        ("variant,v,,-1,,,,,", "line 2: rate '-1' is not a number"),
        ("variant,v,,NaN,,,,,", "line 2: rate 'NaN' is not a number"),
        ("variant,v,,١٠,,,,,", "line 2: rate '١٠' is not a number"),
        ("variant,v,,1.234,,,,,", "line 2: rate: 1.234 is not a percentage"),
        ("variant,v,,101,,,,,", "line 2: rate: 101 is not a percentage"),
        ("variant,v,,,9x,USD,,,", "line 2: fixed '9x' is not a number like 91.50."),
        ("variant,v,,,9.999,USD,,,", "line 2: fixed '9.999' has more decimals than USD allows."),
        ("variant,v,,,9.5,JPY,,,", "line 2: fixed '9.5' has more decimals than JPY allows."),
        ("variant,v,,,99999999999999,USD,,,", "line 2: fixed '99999999999999' is more than a price can be."),
        ("variant,v,,,9,,,,", "line 2: currency is missing"),
        ("variant,v,,,9,XQZ,,,", "line 2: currency 'XQZ' is not known"),
        ("variant,v,,5,,USD,,,", "line 2: currency 'USD' goes with a fixed price"),
        ("variant,v,,5,9,USD,,,", "line 2: rate and fixed: both are given"),
        ("variant,v,,,,,,,", "line 2: rate and fixed: both are empty"),
        ("variant,,,5,,,,,", "line 2: target is missing; give the variant's id in Saleor or SKU."),
        ("product,GRID,,5,,,,,", "line 2: target: 'GRID' is no id of a product in Saleor."),
        (f"product,{V1},,5,,,,,", f"line 2: target: '{V1}' is no id of a product but of a variant."),
        ("product,,GRID,5,,,,,", "line 2: target is missing; give the product's id in Saleor."),
        ("sku,v,,5,,,,,", "line 2: scope 'sku' is not one of list, variant, product, category, collection."),
        ("variant,v,,5,,,x,,", "line 2: minimum_quantity 'x' is not a whole number."),
        ("variant,v,,5,,,0,,", "line 2: minimum_quantity: 0 is below 1."),
        ("variant,v,,5,,,,01.04.2026,", "line 2: valid_from '01.04.2026' is not a day like 2026-03-01."),
        ("variant,v,,5,,,,,2026-02-30", "line 2: valid_to '2026-02-30' is not a day: day"),
        ("variant,v,,5,,,,2026-04-02,2026-04-01", "line 2: valid_to: 2026-04-01 is before the first day 2026-04-02."),
        ("variant,v,,5", "line 2: it has 4 columns, the header 9."),
        ('variant,"v"x,,5,,,,,', "line 2: it is not CSV"),
        ("variant,v," + "x" * 251 + ",5,,,,,", "line 2: label: it has 251 characters"),
        ("list,v,,5,,,,,", "line 2: target 'v' has no place in the line of the list's own rate."),
        ("list,,,5,,,2,,", "line 2: minimum_quantity '2' has no place"),
        ("list,,,x,,,,,", "line 2: rate 'x' is not a number"),
        ("list,,,5,,,,,\nlist,,,5,,,,,", "line 3: it repeats line 2: the list's own rate."),
        ("variant,v,,5,,,1,,\nvariant,v,,6,,,,,", "line 3: it repeats line 2: same target"),
    ],
)
def test_a_wrong_line_is_named_with_its_column(line: str, says: str) -> None:
    assert says in refused(HEADER + line + "\n")


def test_a_typing_error_in_line_900_is_found_and_nothing_else() -> None:
    lines = [f"variant,v{n},,5,,,,,\n" for n in range(2, 1000)]
    lines[898] = "variant,v,,1O,,,,,\n"
    assert refused(HEADER + "".join(lines)) == (
        "Nothing was imported; these lines are wrong:\nline 900: rate '1O' is not a number like 7.5."
    )


def test_all_wrong_lines_are_counted_and_the_first_named() -> None:
    said = refused(HEADER + "variant,v,,x,,,,,\n" * 30)
    assert said.count("\nline ") == 20
    assert said.endswith("... and 10 more.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the header lacks scope, target, rate"),
        ("scope,target\n", "line 1: the header lacks rate"),
        ("scope,target,rate,price\n", "line 1: the header has 'price' unknown or twice"),
        ("scope,target,rate,rate\n", "line 1: the header has 'rate' unknown or twice"),
        ('"scope"x,target,rate\n', "line 1: it is not CSV"),
    ],
)
def test_a_header_that_cannot_be(text: str, says: str) -> None:
    assert says in refused(text)


def test_bytes_that_are_no_text_are_named() -> None:
    assert list(decoded(io.BytesIO("\ufeffa\nö\n".encode()))) == ["a\n", "ö\n"]
    with pytest.raises(InvalidInput, match=r"line 2: byte 9 is not UTF-8"):
        list(decoded(io.BytesIO(b"scope\nvariant,\xf6\n")))


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_file, "MOST_LINES", 3)
    with pytest.raises(TooLarge, match="line 4"):
        read(HEADER + "variant,v,,5,,,,,\n" * 9)


@FEWER
@given(contents())
def test_what_was_exported_and_imported_is_no_difference(content: Content) -> None:
    draft = read("".join(write_list(content)))
    assert not draft.on(content)
    assert not between(Content(content.rate, content.entries), draft.on(Content(Decimal(0))).on(Content(Decimal(0))))


@FEWER
@given(TEXT)
def test_no_cell_is_calculated_by_a_spreadsheet_and_none_changes(text: str) -> None:
    assert plain(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "＝"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "'=1", "''", "\t=1"])
def test_what_begins_like_a_formula_is_quoted(text: str) -> None:
    content = Content(Decimal(10), {EntryKey(Scope.VARIANT, V1): Terms(Decimal(5), label=text)})
    rows = list(csv.reader(io.StringIO("".join(write_list(content)), newline="")))
    assert rows[2][2] == "'" + text
    assert plain(rows[2][2]) == text


def test_ten_thousand_lines_take_no_noticeable_time() -> None:
    entries = {
        EntryKey(Scope.VARIANT, id_of(Scope.VARIANT, n), 1, "USD"): Terms(fixed_minor=n, label=f"SKU-{n}") for n in range(10_000)
    }
    text = "".join(write_list(Content(Decimal(10), entries)))
    began = time.process_time()
    assert len(read(text).entries) == 10_000
    assert time.process_time() - began < 5, "a few tenths of a second, measured"


def test_variants_may_be_named_by_their_sku() -> None:
    sku = "S" * 250
    draft = read(
        HEADER
        + f"list,,,8,,,,,\nvariant,,GRID-1,5,,,,,\nvariant,,{sku},6,,,,,\n"
        + f"variant,{V1},,7,,,,,\nvariant,GRID-4,the small one,4,,,,,\n"
    )
    assert unknown_skus(draft) == ["GRID-1", "GRID-4", sku]
    found = with_ids(draft, {"GRID-1": "v1", sku: "v2", "GRID-4": "v4"})
    assert {key.target: terms and terms.rate for key, terms in found.entries.items()} == {
        "v1": Decimal(5),
        "v2": Decimal(6),
        V1: Decimal(7),
        "v4": Decimal(4),
    }
    assert found.lines == {None: 2, EntryKey(Scope.VARIANT, "v1"): 3, EntryKey(Scope.VARIANT, "v2"): 4} | {
        EntryKey(Scope.VARIANT, V1): 5,
        EntryKey(Scope.VARIANT, "v4"): 6,
    }
    assert (found.rate, found.whole) == (Decimal(8), True)
    with pytest.raises(InvalidInput) as caught:
        with_ids(draft, {"GRID-1": V1, "GRID-4": "v4"})
    assert caught.value.sentence.splitlines()[1:] == [
        f"line 4: target: the store has no variant with the SKU {sku!r}.",
        "line 5: it repeats line 3: same variant.",
    ]
