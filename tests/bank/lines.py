"""Bank lines and candidates for the tests of the ladder."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from app.bank.candidates import Bundle, Candidates, Debt, payer_key
from app.bank.lines import BankLine, LineStatus

DAY = date(2026, 3, 2)
RF = "RF18539007547034"
ZEROS = "RF63000102"
LETTERS = "RF20QW7K2MP3ZZT"
IBAN = "DE89370400440532013000"


def line(amount: str = "118.80", **changed: Any) -> BankLine:
    """A wire of Lone Star Software without any reference."""
    facts: dict[str, Any] = {
        "account": "US123", "booking_date": DAY, "value_date": DAY, "amount": Decimal(amount), "currency": "USD",
        "payer_name": "LONE STAR SOFTWARE LLC", "payer_account": None, "reference_structured": None, "reference_text": None,
        "bank_reference": None, "status": LineStatus.BOOKED, "reversal": False, "batch": None, "position": "entry 1",
    }  # fmt: skip
    return BankLine(**facts | changed)


def debt(id: str = "a", open_minor: int = 11_880, **changed: Any) -> Debt:
    """Order 1043 of the reseller `star`."""
    facts: dict[str, Any] = {
        "id": id, "reseller_id": "star", "currency": "USD", "total_minor": max(open_minor, 11_880), "open_minor": open_minor,
        "number": "1043", "due": "2026-04-01", "reference": RF, "invoice_number": "2026-00017", "po_number": "PO-77/A",
    }  # fmt: skip
    return Debt(**facts | changed)


def candidates(*debts: Debt, wire: int = 0, year: int = 0, payers: dict[str, str] | None = None) -> Candidates:
    """The debts, one tolerance for all, and payer accounts known for resellers."""
    found = Candidates(own_accounts=frozenset({IBAN}))
    for each in debts or (debt(),):
        found.add_debt(each)
    for reseller_id, company in (("star", "Lone Star Software, LLC"), ("other", "Other Tools GmbH")):
        found.add_company(reseller_id, company)
    found.default_tolerance = (wire, year)
    for account, reseller_id in (payers or {}).items():
        found.payers[payer_key(account, None)].add(reseller_id)
    return found


def statement(found: Candidates, *debts: str, reference: str = LETTERS, number: str = "S-2026-03-0007") -> None:
    found.add_bundle(Bundle("s", "star", "USD", debts, number, reference))
