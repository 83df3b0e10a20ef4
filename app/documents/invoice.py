"""The invoice, the proforma and the credit note as PDF/A-3b, set by Typst from `templates/invoice.typ`.

All text goes to the template as JSON data, so that no name is ever read as markup. The same input gives the same bytes: the only
date in the file is the document's own. With `structured` the XML of EN 16931 is attached (Factur-X).
"""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from app.colors import WHITE, readable
from app.documents import logo
from app.documents.bank_details import Instructions
from app.documents.einvoice import FILE_NAME, Category, build_xml, is_vat_id, tax_groups
from app.documents.embedding import mark_as_facturx
from app.documents.schemas import Address, DocumentKind, InvoiceData, InvoiceLine, Language
from app.documents.typesetting import MAIN, is_archival, pdf_of
from app.documents.words import WORDS
from app.money import Money
from app.settings import Seller

TEMPLATE = Path(__file__).parent / "templates" / "invoice.typ"
PARTS = TEMPLATE.with_name("parts.typ")
LOCALES = {"en": "en_US", "de": "de_DE"}
LETTER_COUNTRIES = {"US", "CA", "MX"}
SHORT = 8
"""Lines that fit the first page with all around them: nothing is carried."""
PRINTED_ONCE = {Category.REVERSE_CHARGE, Category.EXPORT}
"""Their reason stands below the sums; a certificate's with its lines."""


def render_invoice(data: InvoiceData) -> bytes:
    """The PDF. PDF/A-3b, except where a name uses characters (Chinese, say) that the shipped fonts do not have."""
    files = template_files(TEMPLATE, data.look.logo)
    if data.structured:
        files[FILE_NAME] = build_xml(data)
    inputs = {"data": json.dumps(cleaned(content(data)), ensure_ascii=False)}
    pdf = pdf_of(files, inputs, data.issued_on)
    return mark_as_facturx(pdf) if data.structured and is_archival(pdf) else pdf


def template_files(template: Path, picture: bytes) -> dict[str, bytes]:
    """A template with what it takes from others, and the vendor's logo if there is one."""
    files = {MAIN: template.read_bytes(), PARTS.name: PARTS.read_bytes()}
    return files | ({logo.FILE_NAME: logo.as_file(picture)} if picture else {})


def content(data: InvoiceData) -> dict[str, Any]:
    """The document's words and figures as the template prints them, in the language of `data`."""
    words, language = WORDS[data.language], data.language
    credit = data.kind is DocumentKind.CREDIT_NOTE
    corrected = data.corrects
    paid = data.paid if data.paid is not None and data.paid.minor > 0 else None
    settled = paid is not None and data.gross <= paid
    facts = [
        (words[f"{data.kind}_number"], data.number),
        (words["issued"], printed_date(data.issued_on, language)),
        (words["corrected_invoice"], corrected.number if corrected else ""),
        (words["corrected_date"], printed_date(corrected.issued_on, language) if corrected else ""),
        (words["order"], data.order_number),
        (words["order_date"], printed_date(data.order_date, language)),
        (words["po_number"], data.po_number),
        (words["terms"], "" if credit else words[data.terms]),
        (words["due"], "" if settled or credit else printed_date(data.due_date, language)),
    ]
    return {
        "paper": "us-letter" if data.seller.country in LETTER_COUNTRIES else "a4",
        "language": language,
        "date": [data.issued_on.year, data.issued_on.month, data.issued_on.day],
        "title": words[data.kind],
        "number": data.number,
        "note": words["proforma_note"] if data.kind is DocumentKind.PROFORMA else data.correction_reason,
        "accent": data.look.accent,
        "accent_ink": readable(data.look.accent, WHITE),
        "footer": data.look.footer,
        "logo": logo.FILE_NAME if data.look.logo else "",
        "structured": data.structured,
        "words": words,
        "currency_note": words["currency"].format(currency=data.gross.currency),
        "seller": seller_lines(data.seller, language),
        "bill_to": address_lines(data.bill_to, language, words),
        "ship_to": address_lines(data.ship_to, language, words),
        "facts": [[label, value] for label, value in facts if value],
        "lines": [_line(position, line, data, words) for position, line in enumerate(data.lines, 1)],
        "carried": _carried(data) if len(data.lines) > SHORT else [],
        "sums": _sums(data, paid, words),
        "settled": words["paid_in_full"].format(date=printed_date(data.paid_on, language)) if settled and data.paid_on else "",
        "tax_notes": list(dict.fromkeys(group.reason for group in tax_groups(data) if group.category in PRINTED_ONCE)),
        "closing": words["credit_settled"] if credit else "",
        "payment": None if settled or credit else _payment(data, words),
    }


def _carried(data: InvoiceData) -> list[str]:
    """The running net total after each line, which pages carry forward."""
    totals = accumulate((line.net_total.minor for line in data.lines), initial=0)
    return [plain_amount(Money(minor, data.gross.currency), data.language) for minor in totals]


def _line(position: int, line: InvoiceLine, data: InvoiceData, words: dict[str, str]) -> dict[str, str]:
    language = data.language
    note = line.tax_reason
    if line.certificate_number:
        note = words["exempt"].format(number=line.certificate_number)
    return {
        "position": str(position),
        "sku": line.sku,
        "name": line.name,
        "note": note,
        "quantity": format_decimal(line.quantity, locale=LOCALES[language]),
        "retail": plain_amount(line.retail_unit, language),
        "unit": plain_amount(line.net_unit, language),
        "net": plain_amount(line.net_total, language),
        "tax": _percent(line.tax_rate, language),
    }


def _sums(data: InvoiceData, paid: Money | None, words: dict[str, str]) -> list[dict[str, Any]]:
    language = data.language
    rows: list[tuple[str, Money, bool]] = [(words["net"], data.net, False)]
    for tax in data.taxes:
        label = words["tax_of"].format(rate=_percent(tax.rate, language), net=printed_money(tax.net, language))
        rows.append((label, tax.tax, False))
    rows.append((words["credited" if data.kind is DocumentKind.CREDIT_NOTE else "gross"], data.gross, True))
    if paid is not None:
        label = words["paid_on"].format(date=printed_date(data.paid_on, language)) if data.paid_on else words["paid"]
        rows.append((label, -paid, False))
        rows.append((words["open"], data.gross - paid, True))
    return [{"label": label, "amount": printed_money(amount, language), "strong": strong} for label, amount, strong in rows]


def _payment(data: InvoiceData, words: dict[str, str]) -> dict[str, Any] | None:
    if data.instructions is None:
        return None
    block = payment_block(data.instructions, words[f"pay_{data.terms}"], data.language, words)
    block["rows"].append([words["due"], printed_date(data.instructions.due, data.language)])
    return block


def payment_block(shown: Instructions, lead: str, language: Language, words: dict[str, str]) -> dict[str, Any]:
    """How to pay, as the templates print it."""
    account = shown.account
    rows = [
        (words["beneficiary"], account.beneficiary),
        (words["iban"], " ".join(account.iban[start : start + 4] for start in range(0, len(account.iban), 4))),
        (words["bic"], account.bic),
        (words["routing_number"], account.routing_number),
        (words["account_number"], account.account_number),
        (words["bank"], account.bank_name),
        (words["amount"], printed_money(shown.amount, language)),
        (words["reference"], shown.reference),
    ]
    return {"lead": lead, "rows": [[label, value] for label, value in rows if value], "qr": shown.qr_svg}


def seller_lines(seller: Seller, language: Language) -> dict[str, Any]:
    country = _country(seller.country, language)
    city = _city(seller.postal_code, seller.city, seller.state, seller.country)
    return {
        "name": seller.name,
        "address": [part for part in (seller.street, city, country) if part],
        "contact": [part for part in (seller.email, seller.website) if part],
        "tax_number": _tax_number(seller.tax_number, WORDS[language]),
    }


def address_lines(address: Address, language: Language, words: dict[str, str]) -> list[str]:
    city = _city(address.postal_code, address.city, address.state, address.country)
    lines = [address.company, address.name, address.street, address.street_2, city, _country(address.country, language)]
    lines += [address.email, _tax_number(address.tax_number, words)]
    return [line for line in lines if line.strip()]


def _tax_number(number: str, words: dict[str, str]) -> str:
    """A tax number behind the word for what it is."""
    return f"{words['vat_id' if is_vat_id(number) else 'tax_number']} {number}" if number else ""


def _city(postal_code: str, city: str, state: str, country: str) -> str:
    """American order (city, state and ZIP) where it is the custom, else postal code and city."""
    if country in LETTER_COUNTRIES:
        return ", ".join(part for part in (city, f"{state} {postal_code}".strip()) if part)
    return ", ".join(part for part in (f"{postal_code} {city}".strip(), state) if part)


def _country(code: str, language: Language) -> str:
    return str(Locale.parse(LOCALES[language]).territories.get(code, code))


def printed_date(day: date | None, language: Language) -> str:
    return format_date(day, "long" if language == "en" else "d. MMMM y", LOCALES[language]) if day else ""


def printed_money(money: Money, language: Language) -> str:
    return str(format_currency(money.amount, money.currency, format=_pattern(language), locale=LOCALES[language]))


def plain_amount(money: Money, language: Language) -> str:
    """The amount alone; the column's heading names the currency."""
    places = -int(money.amount.as_tuple().exponent)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return str(format_decimal(money.amount, pattern, LOCALES[language]))


def _pattern(language: Language) -> str:
    return "¤¤ #,##0.00" if language == "en" else "#,##0.00 ¤¤"


def _percent(rate: Decimal, language: Language) -> str:
    text = format_decimal(rate.normalize(), "#,##0.####", LOCALES[language])
    return f"{text}\u00a0%" if language == "de" else f"{text}%"


def cleaned(value: Any) -> Any:
    """Without control characters, which no font can draw."""
    if isinstance(value, str):
        return "".join(" " if unicodedata.category(letter) in {"Cc", "Cn", "Co", "Cs"} else letter for letter in value)
    if isinstance(value, dict):
        return {key: cleaned(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [cleaned(entry) for entry in value]
    return value
