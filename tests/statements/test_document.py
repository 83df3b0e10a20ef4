"""The statement as PDF and CSV."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path

import pytest

from app.colors import TEXT_CONTRAST, contrast
from app.documents.statement import CSV_HEAD, StatementData, content, render_statement, statement_csv
from tests.documents.test_logo import png
from tests.statements import samples


def text(data: StatementData, tmp_path: Path) -> str:
    """What a reader of the PDF sees."""
    path = tmp_path / "statement.pdf"
    path.write_bytes(render_statement(data))
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def rows(data: StatementData) -> list[dict[str, str]]:
    written = statement_csv(data).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(written)))


def test_case_75_the_same_content_gives_the_same_bytes_also_after_a_database_kept_it() -> None:
    data = samples.long_names("de")
    again = StatementData.model_validate_json(data.model_dump_json())
    assert render_statement(again) == render_statement(data)
    assert statement_csv(again) == statement_csv(data)


def test_an_english_statement_says_all_there_is(tmp_path: Path) -> None:
    seen = text(samples.long_names("en"), tmp_path)
    for part in ("S2026-00001", "February 2026", "March 1, 2026, 06:15 Europe/Berlin", "disputed", "1,234,567.89", "401.12",
                 "Your unallocated credit", "RF18539007547034", "DE89 3704 0044 0532 0130 00", "EUR 1,235,139.33"):  # fmt: skip
        assert part in seen


def test_a_german_statement_in_dollars(tmp_path: Path) -> None:
    data = samples.many(3, "de", currency="USD", account=samples.USD)
    seen = text(data, tmp_path)
    assert "Zu zahlen" in seen
    assert "357,00 USD" in seen
    assert "Zinsen" not in seen, "no column for what nobody owes"
    assert content(data)["payment"]["qr"] is None
    assert content(samples.many(3, "de"))["payment"]["qr"] is not None


@pytest.mark.parametrize(
    ("language", "over", "on"), [("en", "Carried forward", "Brought forward"), ("de", "Übertrag", "Übertrag")]
)
def test_sixty_lines_carry_their_sum_from_page_to_page(language: str, over: str, on: str, tmp_path: Path) -> None:
    first, second, *_ = (page.splitlines() for page in text(samples.many(60, language), tmp_path).split("\f"))
    (carried,) = [number for number, line in enumerate(first) if over in line or on in line]
    (brought,) = [number for number, line in enumerate(second) if over in line or on in line]
    assert carried > len(first) / 2 > brought
    assert over in first[carried]
    assert on in second[brought]
    assert first[carried].split()[-1] == second[brought].split()[-1]


def test_the_days_of_an_english_statement_are_read_alike_on_both_sides_of_the_ocean(tmp_path: Path) -> None:
    seen = text(samples.data((samples.line(1),)), tmp_path)
    assert "Mar 2, 2026" in seen
    assert "03/02/2026" not in seen


def test_case_76_a_credit_larger_than_the_debt_says_there_is_nothing_to_pay(tmp_path: Path) -> None:
    data = samples.data((samples.line(1, paid=15_000, open=-3_100),))
    seen = text(data, tmp_path)
    assert "There is nothing to pay. The balance is in your favor." in seen
    assert "RF18" not in seen
    assert content(data)["payment"] is None


def test_case_73_a_nil_statement(tmp_path: Path) -> None:
    assert "Es ist nichts offen. Es ist nichts zu zahlen." in text(samples.data(language="de"), tmp_path)


def test_it_looks_as_the_vendors_documents_do(tmp_path: Path) -> None:
    plain = samples.many(1, "en")
    own = plain.model_copy(update={"footer": "Court of Wake", "accent": "#aa0000"})
    assert "Court of Wake" in text(own, tmp_path)
    assert render_statement(own, png()) != render_statement(own) != render_statement(plain)


def test_a_light_color_of_the_vendors_is_for_rules_and_its_words_are_darker() -> None:
    own = content(samples.many(1, "en", accent="#ffdd00"))
    assert own["accent"] == "#ffdd00"
    assert contrast(own["accent_ink"], "#ffffff") >= TEXT_CONTRAST


def test_without_an_account_nothing_says_how_to_pay() -> None:
    assert content(samples.many(1, "en", account=None))["payment"] is None


def test_the_csv_adds_up_and_is_never_calculated() -> None:
    found = rows(samples.data((samples.line(1, po_number="=1+1"), samples.line(2, days=31, open=5_050)), credit=100))
    assert tuple(found[0]) == CSV_HEAD
    orders = [row for row in found if row["kind"] == "order"]
    assert [row["po_number"] for row in orders] == ["'=1+1", "PO-2"]
    assert [row["open"] for row in found if row["kind"] == "bucket"] == ["119.00", "0.00", "50.50", "0.00", "0.00"]
    assert {row["kind"]: row["amount"] for row in found[-3:]} == {"credit": "1.00", "balance": "168.50", "to_pay": "168.50"}


def test_a_currency_without_decimals() -> None:
    (row, *_) = rows(samples.data((samples.line(1),), currency="JPY", account=None))
    assert row["open"] == "11900"
