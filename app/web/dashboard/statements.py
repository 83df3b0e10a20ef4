"""Statements of account: those that were made, the months that made them, what one would say now, and reminders that went out."""

from __future__ import annotations

import asyncio
from datetime import date
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import PlainTextResponse, Response

from app.documents.links import statement_url
from app.documents.statement import StatementData, render_statement
from app.errors import Conflict, InvalidInput
from app.ledger.tables import LedgerItem
from app.money import Money
from app.resellers import service as resellers
from app.resellers.listing import emails, get
from app.resellers.tables import Reseller
from app.statements import drawing, service
from app.statements.drawing import CSV, PDF, file_stem
from app.statements.rules import Period, period_of
from app.statements.tables import Reminder, Statement, StatementRun
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import OrderStaff, Posted, Visit, path_part

router = APIRouter()
RUNS = 12


@router.get("/statements")
async def show(staff: OrderStaff, request: Request) -> Response:
    """A page of the statements that fit."""
    filters = asked(request.query_params, ("q", "period"))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            await service.found(session, filters["q"], filters["period"]),
            request.query_params,
            columns={"created": Statement.created_at},
            key=Statement.id,
            filters=filters,
            default="-created",
        )
        ids = {row.reseller_id for row in rows}
        companies = dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(ids)))).all())
    return staff.page("statements.html", rows=rows, table=table, companies=companies, month_of=_month, newest=_newest(staff))


@router.get("/statements/runs")
async def runs(staff: OrderStaff, request: Request) -> Response:
    """The months that were run."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            select(StatementRun),
            request.query_params,
            columns={"period": StatementRun.period},
            key=StatementRun.id,
            filters={},
            default="-period",
            limit=RUNS,
        )
        made = await service.counts(session, [row.period for row in rows])
    return staff.page("statement_runs.html", rows=rows, table=table, made=made, month_of=_month, newest=_newest(staff))


@router.post("/statements/runs")
async def run(staff: OrderStaff, form: Posted) -> Response:
    """Let the worker make a month's statements."""
    period = Period.parse(form["period"]) if form["period"].strip() else None
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        chosen = await service.run_by_hand(session, staff.services, staff.shop, period)
    return staff.go("/statements/runs", "statements_run", period=chosen)


@router.get("/statements/reminders")
async def reminders(staff: OrderStaff, request: Request) -> Response:
    """A page of the reminders that went out."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            select(Reminder),
            request.query_params,
            columns={"at": Reminder.at},
            key=Reminder.id,
            filters={},
            default="-at",
        )
        debts = {
            row.id: row
            for row in await session.scalars(select(LedgerItem).where(LedgerItem.id.in_({row.receivable_id for row in rows})))
        }
        ids = {row.reseller_id for row in rows}
        companies = dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(ids)))).all())
    days = staff.shop.settings.program.reminder_days
    return staff.page("statement_reminders.html", rows=rows, table=table, debts=debts, companies=companies, days=days)


@router.get("/statements/preview")
async def preview(staff: OrderStaff, email: str = "", period: str = "") -> Response:
    """What a reseller's statements of a month would say now; nothing is kept and nothing sent."""
    reseller, month, found = await _preview(staff, email, period)
    return staff.page(
        "statement_preview.html",
        reseller=reseller,
        chosen=month,
        found=found,
        month_of=_month,
        query={"email": email, "period": str(month)},
    )


@router.get("/statements/preview/pdf")
async def preview_pdf(staff: OrderStaff, email: str = "", period: str = "", currency: str = "") -> Response:
    """A preview as PDF, to be saved."""
    _, month, found = await _preview(staff, email, period)
    data = next((one for one in found if one.currency == currency), None)
    if data is None:
        raise InvalidInput("There is no statement in this currency.", code="no_statement")
    return staff.file(await asyncio.to_thread(render_statement, data), PDF, f"preview-{month}-{data.currency}.pdf")


@router.get("/statements/{number}")
async def one(staff: OrderStaff, number: str) -> Response:
    """One statement as it was sent, with what is open of it now."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await service.by_number(session, number)
        reseller = await get(session, row.reseller_id)
        pays = await service.paid_by(session, row.reference)
        mails = await service.mails_of(session, row, emails(reseller))
    return staff.page(
        "statement.html",
        row=row,
        reseller=reseller,
        data=StatementData.model_validate(row.content),
        open_now=Money(pays.open_minor, row.currency) if pays else None,
        mails=mails,
        month_of=_month,
    )


@router.get("/statements/{number}/link")
async def link(staff: OrderStaff, number: str) -> Response:
    """An address that shows its PDF in a tab of its own, for some minutes."""
    row = await _printed(staff, number)
    settings = staff.services.settings
    base = settings.base_url or str(staff.request.base_url).rstrip("/").removesuffix("/dashboard")
    return PlainTextResponse(statement_url(base, settings.secret_keys, staff.shop.tenant_id, row.id, staff.services.clock()))


@router.get("/statements/{number}/pdf")
async def pdf(staff: OrderStaff, number: str) -> Response:
    """Its PDF, to be saved."""
    row = await _printed(staff, number)
    return staff.file(row.pdf or b"", PDF, f"{file_stem(row)}.pdf")


@router.get("/statements/{number}/csv")
async def csv(staff: OrderStaff, number: str) -> Response:
    """Its CSV, to be saved."""
    row = await _printed(staff, number)
    return staff.file(row.csv or b"", CSV, f"{file_stem(row)}.csv")


@router.post("/statements/{number}/mail")
async def mail(staff: OrderStaff, form: Posted, number: str) -> Response:
    """Mail it once more as it was, to everybody it went to or to one other address."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        sent = await service.send_again(session, staff.services, staff.shop, number=number, to=form["to"].strip() or None)
    return staff.go(f"/statements/{path_part(number)}", "statement_sent", to=", ".join(one.recipient for one in sent))


async def _preview(staff: Visit, email: str, period: str) -> tuple[Reseller, Period, list[StatementData]]:
    month = Period.parse(period) if period.strip() else _newest(staff)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await resellers.find(session, email)
        return reseller, month, await drawing.preview(session, staff.services, staff.shop, reseller, month, nil=True)


async def _printed(staff: Visit, number: str) -> Statement:
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await service.by_number(session, number)
    if row.pdf_sha256 is None:
        raise Conflict("The statement is not printed yet; that takes some moments.", code="not_printed")
    return row


def _month(period: str) -> date:
    return Period.parse(period).first


def _newest(staff: Visit) -> Period:
    return period_of(staff.services.clock(), ZoneInfo(staff.shop.settings.time_zone))


PAGE = Page("/statements", "nav_statements", Permission.ORDERS, router)
