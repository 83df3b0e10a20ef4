"""The monthly statement as PDF, set by Typst from `templates/statement.typ`, and as CSV (`rules.md` 7).

Both are made from `StatementData` alone, which is kept as JSON: the same content gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from pydantic import BaseModel, ConfigDict

from app.colors import WHITE, readable
from app.documents import logo
from app.documents.bank_details import BankAccount, instructions
from app.documents.invoice import (
    LETTER_COUNTRIES,
    LOCALES,
    address_lines,
    cleaned,
    payment_block,
    plain_amount,
    printed_date,
    printed_money,
    seller_lines,
    template_files,
)
from app.documents.schemas import Address, Language
from app.documents.typesetting import pdf_of
from app.documents.words import WORDS
from app.money import Money
from app.pricing.list_file import guarded
from app.settings import Seller

TEMPLATE = Path(__file__).parent / "templates" / "statement.typ"
CSV_HEAD = (
    "statement", "date", "kind", "currency", "order_number", "order_date", "po_number", "due_date", "days_overdue", "bucket",
    "amount", "paid", "open", "interest", "disputed",
)  # fmt: skip
"""Of each row: an order, a bucket's sum, the credit, or what is to be paid. The names never change."""


class StatementLine(BaseModel):
    """An order with what is open of it; amounts in minor units. `bucket` is the name of its age."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_number: str
    order_date: date
    po_number: str
    due_date: date
    days_overdue: int
    bucket: str
    amount: int
    paid: int
    open: int
    interest: int
    disputed: bool


class StatementData(BaseModel):
    """All that a statement says, in one currency and in minor units. `to_pay` is 0 where nothing is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    reference: str
    language: Language
    period: str
    """Like `2026-02`."""
    dated: date
    snapshot_at: datetime
    time_zone: str
    currency: str
    seller: Seller
    bill_to: Address
    lines: tuple[StatementLine, ...]
    buckets: dict[str, int]
    """By name, the youngest first in `bucket_names`: JSON on PostgreSQL keeps no order."""
    bucket_names: tuple[str, ...]
    total: int
    interest: int
    disputed: int
    credit: int
    balance: int
    to_pay: int
    account: BankAccount | None
    accent: str = "#1f3a5f"
    footer: str = ""
    """Color and footer as the documents had them when it was drawn up."""

    def money(self, minor: int) -> Money:
        """An amount of this statement."""
        return Money(minor, self.currency)


def render_statement(data: StatementData, picture: bytes = b"") -> bytes:
    """The PDF, as PDF/A-3b like the invoice, with the vendor's logo if there is one."""
    shown = {**content(data), "logo": logo.FILE_NAME if picture else ""}
    return pdf_of(template_files(TEMPLATE, picture), {"data": json.dumps(cleaned(shown), ensure_ascii=False)}, data.dated)


def content(data: StatementData) -> dict[str, Any]:
    """The statement's words and figures as the template prints them, in its language."""
    words, language = WORDS[data.language], data.language
    month = date.fromisoformat(f"{data.period}-01")
    moment = data.snapshot_at.astimezone(ZoneInfo(data.time_zone))
    facts = [
        (words["statement_number"], data.number),
        (words["issued"], printed_date(data.dated, language)),
        (words["period"], format_date(month, "LLLL y", LOCALES[language])),
        (words["snapshot"], f"{printed_date(moment.date(), language)}, {moment:%H:%M} {data.time_zone}"),
    ]
    running, lines = 0, []
    for line in data.lines:
        running += line.open + line.interest
        lines.append(_line(data, line, running, words))
    return {
        "paper": "us-letter" if data.seller.country in LETTER_COUNTRIES else "a4",
        "language": language,
        "date": [data.dated.year, data.dated.month, data.dated.day],
        "title": words["statement"],
        "number": data.number,
        "accent": data.accent,
        "accent_ink": readable(data.accent, WHITE),
        "footer": data.footer,
        "words": words,
        "currency_note": words["currency"].format(currency=data.currency),
        "seller": seller_lines(data.seller, language),
        "bill_to": address_lines(data.bill_to, language, words),
        "facts": [[label, value] for label, value in facts],
        "with_interest": data.interest != 0,
        "lines": lines,
        "buckets": [
            {"label": words[name], "amount": plain_amount(data.money(data.buckets[name]), language)} for name in data.bucket_names
        ],
        "sums": _sums(data, words),
        "note": _note(data, words),
        "payment": _payment(data, words),
    }


def _line(data: StatementData, line: StatementLine, running: int, words: dict[str, str]) -> dict[str, Any]:
    def shown(minor: int) -> str:
        return plain_amount(data.money(minor), data.language)

    return {
        "order": line.order_number,
        "order_date": _short(line.order_date, data.language),
        "po_number": line.po_number,
        "due_date": _short(line.due_date, data.language),
        "days": str(line.days_overdue) if line.days_overdue else "–",
        "late": line.days_overdue > 0,
        "mark": words["disputed_mark"] if line.disputed else "",
        "amount": shown(line.amount),
        "paid": shown(line.paid),
        "open": shown(line.open),
        "interest": shown(line.interest) if line.interest else "–",
        "running": shown(running),
    }


def _sums(data: StatementData, words: dict[str, str]) -> list[dict[str, Any]]:
    rows = [("total_open", data.total, False)] if data.lines else []
    rows += [(name, minor, False) for name, minor in (("interest", data.interest), ("minus_disputed", -data.disputed)) if minor]
    rows += [("credit", -data.credit, False)] if data.credit else []
    rows.append(("to_pay" if data.to_pay else "balance", data.balance, True))
    return [
        {"label": words[name], "amount": printed_money(data.money(minor), data.language), "strong": strong}
        for name, minor, strong in rows
    ]


def _note(data: StatementData, words: dict[str, str]) -> str:
    if data.to_pay:
        return ""
    parts = [] if data.lines else [words["nothing_open"]]
    parts.append(words["nothing_to_pay"])
    return " ".join([*parts, *([words["balance_for_you"]] if data.balance < 0 else [])])


def _payment(data: StatementData, words: dict[str, str]) -> dict[str, Any] | None:
    if data.account is None or not data.to_pay:
        return None
    shown = instructions(data.account, data.money(data.to_pay), data.reference, data.dated)
    return payment_block(shown, words["pay_statement"], data.language, words)


def _short(day: date, language: Language) -> str:
    return format_date(day, "MMM d, yyyy" if language == "en" else "dd.MM.yyyy", LOCALES[language])


def statement_csv(data: StatementData) -> bytes:
    """UTF-8 with a byte order mark, for spreadsheets; amounts with a decimal point, text guarded against being calculated."""
    written = io.StringIO()
    rows = csv.DictWriter(written, CSV_HEAD, restval="", lineterminator="\r\n")
    rows.writeheader()
    common = {"statement": data.number, "date": data.dated.isoformat(), "currency": data.currency}
    for line in data.lines:
        rows.writerow(
            {
                **common,
                "kind": "order",
                "order_number": guarded(line.order_number),
                "order_date": line.order_date.isoformat(),
                "po_number": guarded(line.po_number),
                "due_date": line.due_date.isoformat(),
                "days_overdue": line.days_overdue,
                "bucket": line.bucket,
                "amount": _decimal(data, line.amount),
                "paid": _decimal(data, line.paid),
                "open": _decimal(data, line.open),
                "interest": _decimal(data, line.interest),
                "disputed": "yes" if line.disputed else "no",
            }
        )
    for name in data.bucket_names:
        rows.writerow({**common, "kind": "bucket", "bucket": name, "open": _decimal(data, data.buckets[name])})
    for kind, minor in (("credit", data.credit), ("balance", data.balance), ("to_pay", data.to_pay)):
        rows.writerow({**common, "kind": kind, "amount": _decimal(data, minor)})
    return ("\ufeff" + written.getvalue()).encode()


def _decimal(data: StatementData, minor: int) -> Decimal:
    return data.money(minor).amount
