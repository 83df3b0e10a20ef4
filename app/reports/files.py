"""Reports as CSV files: UTF-8 with a byte order mark for sheets, amounts with a decimal point, text that none computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.aging import Bucket
from app.money import Money
from app.pricing.list_file import guarded
from app.reports import reading
from app.reports.periods import Months
from app.reports.reading import Part
from app.reports.rules import average_days, percent

KINDS = ("sales", "days", "ageing", "exempt")
WHO = ["company", "email", "currency"]


async def report(
    session: AsyncSession, kind: str, currency: str, months: Months, today: date
) -> tuple[list[str], list[list[Any]]]:
    """(columns, rows) of one of KINDS: every reseller, those with the most first."""
    return await _REPORTS[kind](session, currency, months, today)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The file."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(columns)
    for row in rows:
        lines.writerow(["" if value is None else value for value in row])
    return ("\ufeff" + written.getvalue()).encode()


async def _sales(session: AsyncSession, currency: str, months: Months, today: date) -> tuple[list[str], list[list[Any]]]:
    rows = await reading.resellers(session, currency, months, Part("net"), reading.SALES)
    return [*WHO, "from", "to", "orders", "gross", "credited", "net_after_credits"], [
        [
            *_who(row, currency), *_dates(months), row.sums.orders, *_amounts(
                currency, row.sums.gross_minor, row.sums.credit_minor, row.sums.net_minor
            ),
        ]
        for row in rows
    ]  # fmt: skip


async def _days(session: AsyncSession, currency: str, months: Months, today: date) -> tuple[list[str], list[list[Any]]]:
    rows = await reading.resellers(session, currency, months, Part("days"), reading.PAID)
    columns = [*WHO, "from", "to", "orders_paid", "paid", "days_to_pay_by_amount", "days_to_pay_by_order", "paid_late"]
    return columns, [
        [
            *_who(row, currency), *_dates(months), row.sums.paid_orders, *_amounts(currency, row.sums.paid_minor),
            average_days(row.sums.paid_minor_days, row.sums.paid_minor),
            average_days(row.sums.paid_days, row.sums.paid_orders), row.sums.late_orders,
        ]
        for row in rows
    ]  # fmt: skip


async def _ageing(session: AsyncSession, currency: str, months: Months, today: date) -> tuple[list[str], list[list[Any]]]:
    rows = await reading.reseller_ages(session, currency, today, Part("open"))
    columns = [*WHO, "on", *(one.value for one in Bucket), "open", "interest", "unallocated_credit"]
    return columns, [
        [
            *_who(row, currency), today.isoformat(), *_amounts(
                currency, *row.buckets.values(), row.open_minor, row.balance.interest_minor, row.balance.credit_minor
            ),
        ]
        for row in rows
    ]  # fmt: skip


async def _exempt(session: AsyncSession, currency: str, months: Months, today: date) -> tuple[list[str], list[list[Any]]]:
    sums = {
        row.reseller_id: row.sums
        for row in await reading.resellers(session, currency, months, Part("exempt"), reading.EXEMPT)
    }  # fmt: skip
    rows = sorted(
        await reading.exempt_resellers(session, currency, months),
        key=lambda row: (-sums[row.reseller_id].exempt_minor if row.reseller_id in sums else 0, row.reseller_id),
    )
    columns = [*WHO, "from", "to", "exemption", "net_exempt", "net_of_all_sales", "percent"]
    return columns, [
        [
            *_who(row, currency), *_dates(months), row.exemption.value,
            *_amounts(currency, row.net_minor, sums[row.reseller_id].net_minor if row.reseller_id in sums else 0),
            percent(row.net_minor, sums[row.reseller_id].net_minor) if row.reseller_id in sums else None,
        ]
        for row in rows
    ]  # fmt: skip


_REPORTS = {"sales": _sales, "days": _days, "ageing": _ageing, "exempt": _exempt}


def _who(row: Any, currency: str) -> list[str]:
    return [guarded(row.company), guarded(row.email), currency]


def _dates(months: Months) -> list[str]:
    return [f"{months.first:%Y-%m}", f"{months.last:%Y-%m}"]


def _amounts(currency: str, *minors: int) -> list[Any]:
    return [Money(minor, currency).amount for minor in minors]
