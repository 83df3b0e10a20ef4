"""Statements for tests and for looking at."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.documents.bank_details import BankAccount
from app.documents.schemas import Address
from app.documents.statement import StatementData, StatementLine
from app.ledger.aging import Bucket, bucket
from app.settings import Seller

EUR = BankAccount.of(beneficiary="Example Components GmbH", currency="EUR", iban="DE89370400440532013000", bic="COBADEFFXXX")
USD = BankAccount.of(
    beneficiary="Example Components Inc",
    currency="USD",
    routing_number="021000021",
    account_number="000123456789",
    bank_name="Bank",
)
SELLER = Seller(
    name="Example Components GmbH", street="Marienplatz 1", postal_code="80331", city="München", country="DE",
    email="sales@example.com", website="www.example.com", tax_number="DE123456789",
)  # fmt: skip
DATED = date(2026, 3, 1)


def line(number: int, *, days: int = 0, **changed: Any) -> StatementLine:
    """An order of 119.00 that is so many days overdue."""
    due = DATED - timedelta(days=days) if days else DATED + timedelta(days=number % 28)
    facts: dict[str, Any] = {
        "order_number": str(1000 + number), "order_date": due - timedelta(days=30), "po_number": f"PO-{number}", "due_date": due,
        "days_overdue": days, "bucket": bucket(days), "amount": 11900, "paid": 0, "open": 11900, "interest": 0, "disputed": False,
    }  # fmt: skip
    return StatementLine(**facts | changed)


def data(lines: tuple[StatementLine, ...] = (), credit: int = 0, **changed: Any) -> StatementData:
    """A statement of these lines."""
    sums = {name.value: sum(one.open for one in lines if one.bucket == name) for name in Bucket}
    total, interest = sum(one.open for one in lines), sum(one.interest for one in lines)
    disputed = sum(one.open + one.interest for one in lines if one.disputed)
    balance = total + interest - disputed - credit
    facts: dict[str, Any] = {
        "number": "S2026-00001", "reference": "RF18539007547034", "language": "en", "period": "2026-02", "dated": DATED,
        "snapshot_at": datetime(2026, 3, 1, 5, 15, tzinfo=UTC), "time_zone": "Europe/Berlin", "currency": "EUR", "seller": SELLER,
        "bill_to": Address(
            company="Lone Star Software", street="1 Congress Ave", postal_code="78701", city="Austin", state="TX", country="US"
        ),
        "lines": lines, "buckets": sums, "bucket_names": tuple(name.value for name in Bucket), "total": total,
        "interest": interest, "disputed": disputed, "credit": credit, "balance": balance, "to_pay": max(0, balance),
        "account": EUR,
    }  # fmt: skip
    return StatementData(**facts | changed)


LONG_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft mbH & Co. KG"


def long_names(language: str) -> StatementData:
    """Names that want to break the layout, parts paid, interest, a dispute and a credit."""
    lines = (
        line(1, days=95, po_number="4500012345-PROJECT-NORTHWIND-MIGRATION-2026-PHASE-2", paid=1900, open=10000, interest=132),
        line(2, days=45, disputed=True, order_number="ORDER-NUMBER-1234567890-LONG"),
        line(3, days=10, po_number="", amount=123456789, open=123456789, interest=40112),
        line(4),
    )
    address = Address(company=LONG_NAME, street="Straße des 17. Juni 135, Hinterhaus, Aufgang C", city="Berlin", country="DE")
    return data(lines, credit=5000, language=language, bill_to=address, seller=replace_seller(LONG_NAME))


def replace_seller(name: str) -> Seller:
    return SELLER.model_copy(update={"name": name})


def many(count: int, language: str, **changed: Any) -> StatementData:
    """So many orders of every age."""
    return data(tuple(line(number, days=(number * 7) % 120) for number in range(1, count + 1)), language=language, **changed)


__all__ = ["EUR", "USD", "data", "line", "long_names", "many"]
