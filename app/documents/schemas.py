"""What an invoice or a proforma says, before it is set in type. Amounts are exact; words and formats come with the language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from app.documents.bank_details import Instructions
from app.money import Money
from app.settings import Seller

Language = Literal["en", "de"]
PaymentTerms = Literal["prepay", "on_account"]


class DocumentKind(StrEnum):
    """An invoice is issued at the release, a proforma before a prepaid wire; only a credit note corrects an invoice."""

    INVOICE = "invoice"
    PROFORMA = "proforma"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The invoice that a credit note refers to."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Look:
    """The vendor's own: `logo` is a checked picture (`logo.py`), `accent` a color like `#1f3a5f`, `footer` text of every page."""

    logo: bytes = b""
    accent: str = "#1f3a5f"
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as printed. `country` is the ISO 3166-1 code; empty parts are left out."""

    company: str = ""
    name: str = ""
    street: str = ""
    street_2: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    email: str = ""
    tax_number: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. `tax_rate` is in percent; `tax_reason` says why this rate, `certificate_number` what exempts it."""

    sku: str
    name: str
    quantity: int
    retail_unit: Money
    net_unit: Money
    net_total: Money
    tax_rate: Decimal
    tax_reason: str = ""
    certificate_number: str = ""


@dataclass(frozen=True, slots=True)
class TaxSum:
    """The tax of all lines of one rate (percent) and the net it is counted from."""

    rate: Decimal
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceData:
    """Everything a document prints. `number` is filled in by `service.issue_document`; `issued_on` is the seller's local day."""

    kind: DocumentKind
    language: Language
    issued_on: date
    seller: Seller
    bill_to: Address
    ship_to: Address
    order_number: str
    order_date: date
    due_date: date
    terms: PaymentTerms
    lines: tuple[InvoiceLine, ...]
    net: Money
    taxes: tuple[TaxSum, ...]
    gross: Money
    po_number: str = ""
    instructions: Instructions | None = None
    paid_on: date | None = None
    paid: Money | None = None
    number: str = ""
    corrects: Corrected | None = None
    correction_reason: str = ""
    delivered_on: date | None = None
    """The day of the release where it is not that of the document."""
    reverse_charge: str = ""
    """The text that leaves the tax of untaxed lines to the buyer; empty where that does not apply."""
    look: Look = Look()
    structured: bool = False
    """Whether the PDF carries the XML of EN 16931 (`einvoice.py`)."""
