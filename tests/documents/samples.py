"""Invoice data for tests."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from app.documents.bank_details import BankAccount, instructions
from app.documents.schemas import Address, DocumentKind, InvoiceData, InvoiceLine, TaxSum
from app.money import Money
from app.settings import Seller

SELLER = Seller(
    name="Example Components, Inc.",
    street="500 Market Street",
    postal_code="27560",
    city="Morrisville",
    state="NC",
    country="US",
    email="billing@example.com",
    website="www.example.com",
    tax_number="56-1234567",
)
BILL = Address("Beta Reseller LLC", "Rita Resell", "1 Main Street", "Suite 4", "94105", "San Francisco", "CA", "US")
SHIP = Address("Acme GmbH", "Eva Ende", "Hauptstraße 5", "", "70173", "Stuttgart", "", "DE", "eva@acme.example")
USD = BankAccount.of(
    beneficiary="Example Components, Inc.",
    currency="USD",
    routing_number="021000021",
    account_number="123456789",
    bank_name="Example Bank, N.A.",
)
EUR = BankAccount.of(beneficiary="Example Components GmbH", currency="EUR", iban="DE89370400440532013000", bic="COBADEFFXXX")
DUE = date(2026, 4, 1)
REFERENCE = "RF18539007547034"


def lines(count: int, currency: str, **changes: Any) -> tuple[InvoiceLine, ...]:
    def money(text: str) -> Money:
        return Money.of(text, currency)

    one = InvoiceLine(
        "GRID-DEV", "Grid Component, Developer", 2, money("999.00"), money("899.10"), money("1798.20"), Decimal("8.6250")
    )
    return tuple(replace(one, sku=f"GRID-DEV-{n}", **changes) for n in range(1, count + 1))


def invoice(count: int = 1, currency: str = "USD", language: Any = "en", **changes: Any) -> InvoiceData:
    entries = changes.pop("lines", None) or lines(count, currency)
    net = Money(sum(line.net_total.minor for line in entries), currency)
    tax = Money.rounded(net.amount * entries[0].tax_rate / 100, currency)
    gross = net + tax
    account = EUR if currency == "EUR" else USD
    data = InvoiceData(
        kind=DocumentKind.INVOICE,
        language=language,
        issued_on=date(2026, 3, 2),
        seller=SELLER,
        bill_to=BILL,
        ship_to=SHIP,
        order_number="1042",
        order_date=date(2026, 3, 1),
        due_date=DUE,
        terms="on_account",
        lines=entries,
        net=net,
        taxes=(TaxSum(entries[0].tax_rate, net, tax),),
        gross=gross,
        po_number="PO-7781",
        instructions=instructions(account, gross, REFERENCE, DUE) if gross else None,
        number="2026-00001",
    )
    return replace(data, **changes)
