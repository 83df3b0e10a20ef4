"""Reports: sales, days to pay, ageing and exempt sales, as charts with their tables, by reseller, and as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_compact_decimal, format_decimal
from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.errors import InvalidInput, NotFound
from app.ledger.aging import Bucket
from app.mail.markup import LOCALES
from app.money import Money
from app.reports import files, reading, service
from app.reports.periods import CHOICES, OWN, Months, chosen
from app.reports.reading import Part
from app.reports.rules import average_days, percent
from app.statements.drawing import CSV
from app.web.dashboard.charts import Chart, Column, chart
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import PAGE as LENGTH
from app.web.dashboard.tables import Shown, asked
from app.web.dashboard.visit import OrderStaff, Posted, Visit

router = APIRouter()
FILTERS = ("period", "from", "to", "currency", "q")
SORTS = {
    "sales": ("net", "gross", "credit", "orders"),
    "days": ("days", "paid", "paid_orders", "late_orders"),
    "ageing": ("open", *(one.value for one in Bucket)),
    "exempt": ("exempt", "net", "share"),
}
"""What each report's resellers may be sorted by, first what they are."""
PATHS = {"sales": "", "days": "/days", "ageing": "/ageing", "exempt": "/exempt"}
LAST_PAGE = 100_000
AGED = {Bucket.NOT_DUE: "good", Bucket.TO_30: "warn", Bucket.TO_60: "warn", Bucket.TO_90: "bad", Bucket.OVER_90: "bad"}


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for; `currency` is empty while nothing was ever booked."""

    currency: str
    currencies: list[str]
    months: Months
    period: str
    filters: Mapping[str, str]

    @property
    def query(self) -> dict[str, str]:
        """What another report of the same months is asked for with."""
        own = {"from": f"{self.months.first:%Y-%m}", "to": f"{self.months.last:%Y-%m}"} if self.period == OWN else {}
        return {"period": self.period, **own, "currency": self.currency}


@router.get("/reports")
async def sales(staff: OrderStaff, request: Request) -> Response:
    """Net sales by month and reseller."""
    return await _by_month(staff, request, "sales", reading.SALES)


@router.get("/reports/days")
async def days(staff: OrderStaff, request: Request) -> Response:
    """Days to pay by month and reseller."""
    return await _by_month(staff, request, "days", reading.PAID)


@router.get("/reports/exempt")
async def exempt(staff: OrderStaff, request: Request) -> Response:
    """Net sales without tax by month, reason and reseller."""
    return await _by_month(staff, request, "exempt", reading.EXEMPT)


@router.get("/reports/ageing")
async def ageing(staff: OrderStaff, request: Request) -> Response:
    """What is open today by days past the due date, and by reseller."""
    today = staff.services.today(staff.shop)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        question, as_of = await _question(session, staff, request)
        found = await reading.ages(session, question.currency, today)
        part, table = _part("ageing", question, request)
        rows, table = _shown(await reading.reseller_ages(session, question.currency, today, part), table, part)
    columns = []
    for name, one in found.buckets.items():
        label = staff.speech.state("bucket", name)
        told = staff.speech.money(Money(one.open_minor, question.currency)) if question.currency else ""
        columns.append(Column(_major(one.open_minor, question.currency), label, f"{label}: {told}", AGED[name]))
    return staff.page(
        "report_ageing.html",
        **_common("ageing", question, as_of),
        found=found,
        table=table,
        rows=rows,
        today=today,
        chart=chart(columns, lambda value: _short(staff, value)),
    )


@router.get("/reports/{kind}/csv")
async def csv(staff: OrderStaff, request: Request, kind: str) -> Response:
    """Every reseller of a report as CSV, to be saved."""
    if kind not in files.KINDS:
        raise NotFound("There is no such page.", code="no_page")
    today = staff.services.today(staff.shop)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        question, _ = await _question(session, staff, request)
        columns, rows = await files.report(session, kind, question.currency, question.months, today)
    when = today.isoformat() if kind == "ageing" else str(question.months)
    name = f"{kind}-{when}-{question.currency}.csv" if question.currency else f"{kind}-{when}.csv"
    return staff.file(files.as_csv(columns, rows), CSV, name)


@router.post("/reports/refresh")
async def refresh(staff: OrderStaff, form: Posted) -> Response:
    """Let the worker bring the sums up to now."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        await service.refresh_by_hand(session, staff.services, staff.shop)
    return staff.go("/reports", "reports_refresh")


async def _by_month(staff: Visit, request: Request, kind: str, having: Any) -> Response:
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        question, as_of = await _question(session, staff, request)
        months = await reading.monthly(session, question.currency, question.months)
        by_reason = await reading.exempt(session, question.currency, question.months) if kind == "exempt" else {}
        part, table = _part(kind, question, request)
        found = await reading.resellers(session, question.currency, question.months, part, having)
        rows, table = _shown(found, table, part)
    total = reading.total(months.values())
    return staff.page(
        f"report_{kind}.html",
        **_common(kind, question, as_of),
        total=total,
        months_shown=months,
        by_reason=by_reason,
        table=table,
        rows=rows,
        average=average_days,
        percent=percent,
        chart=_chart(staff, kind, question, months),
    )


def _chart(staff: Visit, kind: str, question: Question, months: Mapping[date, Any]) -> Chart:
    columns = []
    for month, sums in months.items():
        value: Decimal | None
        if kind == "sales":
            value, told = _major(sums.net_minor, question.currency), staff.speech.money(Money(sums.net_minor, question.currency))
        elif kind == "days":
            value = average_days(sums.paid_minor_days, sums.paid_minor)
            told = "–" if value is None else staff.speech.word("days_count", days=_number(staff, value))
        else:
            value = percent(sums.exempt_minor, sums.net_minor)
            told = "–" if value is None else f"{_number(staff, value)} %"
        label = str(format_date(month, "LLL yy", LOCALES[staff.language]))
        columns.append(Column(value or Decimal(0), label, f"{staff.speech.month(month)}: {told}"))
    unit = {"sales": "", "days": "", "exempt": " %"}[kind]
    return chart(columns, lambda value: f"{_short(staff, value)}{unit}", Decimal(100 if kind == "exempt" else 10))


async def _question(session: AsyncSession, staff: Visit, request: Request) -> tuple[Question, Any]:
    filters = asked(request.query_params, FILTERS)
    known = await reading.currencies(session)
    today = staff.services.today(staff.shop)
    period = filters["period"] if filters["period"] in CHOICES else CHOICES[0]
    if period == OWN and not (filters["from"] and filters["to"]):
        year = chosen("", "", "", today)
        filters |= {"from": filters["from"] or f"{year.first:%Y-%m}", "to": filters["to"] or f"{year.last:%Y-%m}"}
    months = chosen(period, filters["from"], filters["to"], today)
    currency = filters["currency"] if filters["currency"] in known else known[0] if known else ""
    return Question(currency, known, months, period, filters), await service.as_of(session)


def _common(kind: str, question: Question, as_of: Any) -> dict[str, Any]:
    return {
        "kind": kind, "question": question, "as_of": as_of, "choices": CHOICES, "tabs": PATHS, "currency": question.currency,
        "never": as_of is None, "nothing": not question.currencies,
    }  # fmt: skip


def _part(kind: str, question: Question, request: Request) -> tuple[Part, Shown]:
    """Which resellers are shown, by the page's number: what they are sorted by is a sum, and no row is added to a report."""
    by = request.query_params.get("by", "")
    if by.removeprefix("-") not in SORTS[kind]:
        by = f"-{SORTS[kind][0]}"
    cursor = request.query_params.get("cursor", "")
    if cursor and not (cursor.isascii() and cursor.isdecimal() and 0 < int(cursor[:9]) <= LAST_PAGE and len(cursor) < 9):
        raise InvalidInput("cursor: use the `next` of a page, as it is.", code="cursor")
    sort, down = by.removeprefix("-"), by.startswith("-")
    offset = int(cursor or 0) * LENGTH
    return Part(sort, down, question.filters["q"], LENGTH + 1, offset), Shown(question.filters, sort, down, cursor, None)


def _shown(rows: list[Any], table: Shown, part: Part) -> tuple[list[Any], Shown]:
    """The rows of a page, with the number of the next where there is one."""
    following = str(part.offset // LENGTH + 1) if len(rows) > LENGTH else None
    return rows[:LENGTH], Shown(table.filters, table.sort, table.down, table.cursor, following)


def _major(minor: int, currency: str) -> Decimal:
    return Money(minor, currency).amount if currency else Decimal(0)


def _short(staff: Visit, value: Decimal) -> str:
    """A round number in few letters."""
    if abs(value) >= 1_000_000 or (abs(value) >= 10_000 and staff.language == "en"):
        return str(format_compact_decimal(value, locale=LOCALES[staff.language], fraction_digits=1))
    return _number(staff, value)


def _number(staff: Visit, value: Decimal) -> str:
    return str(format_decimal(value, "#,##0.##", LOCALES[staff.language]))


PAGE = Page("/reports", "nav_reports", Permission.ORDERS, router)
