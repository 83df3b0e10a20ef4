import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typst

from app.documents import invoice as module
from app.documents.invoice import content, render_invoice
from app.documents.schemas import Corrected, DocumentKind, InvoiceData, Look
from app.documents.words import WORDS
from app.money import Money
from tests.documents.samples import BILL, SELLER, invoice, lines


def text_of(data: InvoiceData, tmp_path: Path) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    file = tmp_path / "document.pdf"
    file.write_bytes(render_invoice(data))
    return subprocess.run([tool, "-layout", str(file), "-"], check=True, capture_output=True, text=True).stdout


def test_the_same_invoice_is_the_same_bytes() -> None:
    pdf = render_invoice(invoice())
    assert pdf == render_invoice(invoice())
    assert pdf.startswith(b"%PDF-")
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert pdf != render_invoice(invoice(number="2026-00002"))


def test_an_english_invoice_says_all_there_is(tmp_path: Path) -> None:
    text = text_of(invoice(), tmp_path)
    for part in (
        "Invoice",
        "2026-00001",
        "March 2, 2026",
        "PO-7781",
        "Beta Reseller LLC",
        "San Francisco, CA 94105",
        "Acme GmbH",
        "70173 Stuttgart",
        "GRID-DEV-1",
        "899.10",
        "8.625%",
        "USD 155.09",
        "USD 1,953.29",
        "021000021",
        "RF18539007547034",
        "On account",
    ):
        assert part in text, part


def test_a_german_proforma_in_euro(tmp_path: Path) -> None:
    data = invoice(currency="EUR", language="de", kind=DocumentKind.PROFORMA, terms="prepay", number="P2026-00001")
    text = text_of(data, tmp_path)
    for part in ("Proforma-Rechnung", "P2026-00001", "1. April 2026", "1.953,29 EUR", "DE89 3704 0044 0532 0130 00", "Vorkasse"):
        assert part in text, part
    assert content(data)["payment"]["qr"].startswith("<svg")


def test_sixty_lines_repeat_the_heading(tmp_path: Path) -> None:
    text = text_of(invoice(60), tmp_path)
    pages = text.split("\f")[:-1]
    assert len(pages) > 2
    assert all("Net unit" in page for page in pages if "GRID-DEV-" in page)
    assert all(text.count(f"GRID-DEV-{n}\n") == 1 for n in range(1, 61))
    assert f"Page 2 of {len(pages)}" in pages[1]


def test_pages_carry_the_running_total_forward(tmp_path: Path) -> None:
    pages = text_of(invoice(60), tmp_path).split("\f")[:-1]
    carried = [found[1] for page in pages if (found := re.search(r"Carried forward\s+(\S+)", page))]
    brought = [found[1] for page in pages if (found := re.search(r"Brought forward\s+(\S+)", page))]
    assert carried == brought
    lines = re.findall(r"GRID-DEV-(\d+)", pages[0])
    assert carried[0] == f"{1798.20 * int(lines[-1]):,.2f}"
    assert "forward" not in text_of(invoice(8), tmp_path)
    assert "Carried forward" not in pages[-1]


def test_a_credit_note_names_the_invoice_and_asks_for_nothing(tmp_path: Path) -> None:
    corrected = Corrected("2026-00001", date(2026, 3, 1))
    data = invoice(kind=DocumentKind.CREDIT_NOTE, number="C2026-00001", corrects=corrected, correction_reason="It was canceled.")
    text = text_of(data, tmp_path)
    for part in (
        "Credit Note",
        "C2026-00001",
        "Corrects invoice",
        "2026-00001",
        "March 1, 2026",
        "It was canceled.",
        "Total credited",
    ):
        assert part in text, part
    for part in ("Due date", "RF18539007547034", "On account", "Please transfer"):
        assert part not in text, part


def test_reverse_charge_and_export_say_so_below_the_sums(tmp_path: Path) -> None:
    seller = SELLER.model_copy(update={"country": "DE", "tax_number": "DE123456789"})
    untaxed = lines(2, "USD", tax_rate=Decimal(0))
    assert (
        text_of(invoice(2, lines=untaxed, seller=seller, reverse_charge="Reverse charge."), tmp_path).count("Reverse charge.")
        == 1
    )
    assert "Not taxed: the buyer is outside the European Union" in text_of(invoice(2, lines=untaxed, seller=seller), tmp_path)


def test_the_footer_is_on_every_page(tmp_path: Path) -> None:
    pages = text_of(invoice(30, look=Look(footer="Directors: #A & B")), tmp_path).split("\f")[:-1]
    assert len(pages) > 1
    assert all("Directors: #A & B" in page for page in pages)


def test_an_exempt_line_names_its_certificate(tmp_path: Path) -> None:
    text = text_of(
        invoice(lines=lines(1, "USD", tax_rate=Decimal(0), certificate_number="CA-SR-2231", tax_reason="not shown")), tmp_path
    )
    assert "Exempt from tax, certificate no. CA-SR-2231" in text
    assert "USD 0.00" in text
    assert "not shown" not in text


def test_another_rate_says_why(tmp_path: Path) -> None:
    assert "Flat rate for DE" in text_of(invoice(lines=lines(1, "USD", tax_reason="Flat rate for DE")), tmp_path)


def test_paid_in_full_asks_for_nothing(tmp_path: Path) -> None:
    data = invoice()
    text = text_of(replace(data, paid=data.gross, paid_on=date(2026, 3, 2)), tmp_path)
    assert "Paid in full on March 2, 2026" in text
    assert "RF18539007547034" not in text
    assert "Due date" not in text


def test_paid_in_part_shows_what_is_open() -> None:
    sums = {row["label"]: row["amount"] for row in content(invoice(paid=Money.of("1000.00", "USD")))["sums"]}
    assert (sums["Paid"], sums["Amount due"]) == ("-USD 1,000.00", "USD 953.29")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "name", ["#panic() $x$ @a <b> \\ *_`", "#" * 300, '"};{', "漢字 العربية", "a\x00\ufffe\ud800b", "W" * 500]
)
def test_no_name_breaks_a_document(name: str, language: Any) -> None:
    data = invoice(
        language=language, bill_to=replace(BILL, company=name, tax_number=name), po_number=name, lines=lines(1, "USD", name=name)
    )
    assert render_invoice(data).startswith(b"%PDF-")


def test_markup_in_a_name_is_text(tmp_path: Path) -> None:
    assert "#upper[a] $x$ <b> \\" in text_of(invoice(bill_to=replace(BILL, company="#upper[a] $x$ <b> \\")), tmp_path)


def test_amounts_have_the_decimals_of_their_currency() -> None:
    yen = replace(
        invoice(), lines=lines(1, "USD", retail_unit=Money.of("1500", "JPY")), gross=Money.of("1500", "JPY"), instructions=None
    )
    shown = content(yen)
    assert (shown["lines"][0]["retail"], shown["sums"][-1]["amount"], shown["payment"]) == ("1,500", "JPY 1,500", None)


@pytest.mark.parametrize(
    ("language", "number", "printed"),
    [
        ("de", "DE123456789", "USt-IdNr. DE123456789"),
        ("de", "56-1234567", "Steuernummer 56-1234567"),
        ("en", "ATU12345678", "VAT ID ATU12345678"),
        ("en", "56-1234567", "Tax ID 56-1234567"),
        ("en", "", ""),
    ],
)
def test_a_tax_number_is_called_what_it_is(language: Any, number: str, printed: str) -> None:
    made = content(invoice(language=language, bill_to=replace(BILL, tax_number=number)))
    assert (made["bill_to"][-1] == printed) == bool(printed)
    seller = SELLER.model_copy(update={"tax_number": number})
    assert content(invoice(language=language, seller=seller))["seller"]["tax_number"] == printed


def test_words_in_a_light_color_of_the_vendors_are_darker() -> None:
    assert content(invoice(look=Look(accent="#ffdd00")))["accent_ink"] == "#7f6e00"
    assert content(invoice())["accent_ink"] == invoice().look.accent


def test_a_seller_in_europe_prints_on_a4() -> None:
    europe = SELLER.model_copy(update={"country": "DE", "state": ""})
    assert (content(invoice())["paper"], content(invoice(seller=europe))["paper"]) == ("us-letter", "a4")


def test_an_address_or_number_is_broken_where_its_parts_meet_and_gets_no_hyphen(tmp_path: Path) -> None:
    email = "a.very.long.mailbox.name.of.somebody@subdomain.department.customer.example"
    number = "4500012345-PROJECT-NORTHWIND-MIGRATION-2026-PHASE-2"
    ship_to = replace(BILL, company="«Программные Компоненты»", email=email)
    seen = text_of(invoice(ship_to=ship_to, po_number=number), tmp_path).replace("\u200b", "")
    for whole in (
        "mailbox.name.of.",
        "somebody@subdomain.department.",
        "customer.example",
        "4500012345-",
        "NORTHWIND-",
        "PHASE-2",
    ):
        assert whole in seen
    assert "«Программные" in seen, "a letter of two bytes counts once"


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["de"].keys()


def test_a_broken_template_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.typ"
    broken.write_text("#nothing")
    monkeypatch.setattr(module, "TEMPLATE", broken)
    with pytest.raises(typst.TypstError, match="nothing"):
        render_invoice(invoice())
