"""Payments: bank files with what they came to, the review desk, one bank line with all that may become of it, and who pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from fastapi import APIRouter, Request
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer
from starlette.responses import Response

from app.bank import learning
from app.bank import service as bank
from app.bank.decisions import WAITING, Outcome
from app.bank.tables import BankImport, BankLineRow, FeeTolerance, LearnedPayer
from app.errors import Conflict, InvalidInput, NotFound
from app.files.rules import too_large
from app.money import Money, MoneyError
from app.orders import bank_desk, bank_review
from app.orders.bank_batch import ImportReport
from app.orders.bank_import import repeated_report
from app.orders.bank_jobs import ask_for_import, ask_for_undo
from app.orders.bank_undo import undo_line
from app.orders.bank_upload import import_bank_file
from app.orders.conversion import Conversion
from app.orders.service import confirm_wire, find_order
from app.reasons import Reason
from app.resellers import service as resellers
from app.resellers.tables import Reseller
from app.web.dashboard.orders import an_amount
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import Shown, asked, listed
from app.web.dashboard.visit import OrderStaff, Posted, Visit, a_day, path_part
from app.web.forms import Form

router = APIRouter()
UPLOAD = "/payments/imports"
DESK = 10
"""Lines of a page of the desk: each is shown with all that it may pay."""
OUTCOMES = tuple(one.value for one in Outcome)
PAYERS = ("waiting", "counting", "off")


@router.get("/payments")
async def desk(staff: OrderStaff, request: Request) -> Response:
    """A page of the lines that wait for a person, each beside what it would pay."""
    filters = asked(request.query_params, ("which", "q"))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            bank_review.waiting(filters["which"], filters["q"]).options(undefer(BankLineRow.day)),
            request.query_params,
            columns={"day": BankLineRow.day},
            key=BankLineRow.id,
            filters=filters,
            default="day",
            limit=DESK,
        )
        return staff.page(
            "payments.html",
            rows=rows,
            table=table,
            counts=await bank_review.waiting_counts(session),
            pays=await bank_review.proposed(session, rows),
            takes_back=await bank_review.originals(session, rows),
            companies=await bank_review.payers_of(session, rows),
            amount_of=_shown(staff),
            today=staff.services.today(staff.shop),
        )


@router.post("/payments/wire")
async def wire(staff: OrderStaff, form: Posted) -> Response:
    """Book a wire for an order by hand."""
    services, shop = staff.services, staff.shop
    async with services.database.tenant(shop.tenant_id) as session:
        order = await find_order(session, form["number"].strip().lstrip("#"))
        _, booking = await confirm_wire(
            session,
            services,
            shop,
            number=order.number,
            amount=an_amount(form, "amount", order.currency),
            bank_reference=form["bank_reference"],
            value_date=a_day(form, "value_date"),
            by=staff.by,
        )
    return staff.go(f"/orders/{path_part(order.number)}", "wire_known" if booking.repeated else "wire_booked")


@router.get("/payments/imports")
async def imports(staff: OrderStaff, request: Request) -> Response:
    """The form for a bank file, and a page of the files that came."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await _files(session, request)
        accounts = await bank.accounts(session)
    own = [one.iban or one.account_number for one in staff.shop.settings.bank_accounts]
    return staff.page(
        "payments_imports.html",
        rows=rows,
        table=table,
        accounts=[row.identifier for row in accounts],
        own=[one for one in own if one],
        limit=staff.services.settings.max_bank_file_bytes,
    )


@router.get("/payments/imports/list")
async def list_of_imports(staff: OrderStaff, request: Request) -> Response:
    """The files alone, asked for again and again while one is on its way."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await _files(session, request)
    return staff.page("payments_list.html", rows=rows, table=table)


@router.post("/payments/imports")
async def upload(staff: OrderStaff, form: Posted) -> Response:
    """Let a bank file be imported, or say what would become of it. The answer stands beside the form, which keeps its file."""
    services, limit = staff.services, staff.services.settings.max_bank_file_bytes
    if form.upload is None or not form.upload.filename:
        raise InvalidInput("file: choose the bank's file.", code="no_bank_file")
    if form.upload.size is not None and form.upload.size > limit:
        raise too_large(limit)
    name, account = form.upload.filename[:200], form["account"].strip()
    if form["do"] == "import":
        row, repeated = await ask_for_import(services, staff.shop, form.upload.file, file_name=name, by=staff.by, account=account)
        if not repeated:
            return staff.page("payments_progress.html", row=row, beside="form")
        report = repeated_report(row)
    else:
        source = form.upload.file
        report = await import_bank_file(services, staff.shop, source, file_name=name, by=staff.by, account=account, dry_run=True)
    return staff.page("payments_report.html", report=report, dry_run=not report.repeated, amount_of=_text_shown(staff))


@router.get("/payments/imports/{import_id}/progress")
async def progress(staff: OrderStaff, import_id: str, beside: str = "page") -> Response:
    """How far a file is, asked for again and again `beside` the form or on its page; in the end what became of it."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await session.scalar(select(BankImport).where(BankImport.id == import_id))
    if row is None:  # somebody else imported the same file first: that one counts
        report = ImportReport(None, True)
    elif row.state not in (bank.DONE, bank.UNDONE):
        return staff.page("payments_progress.html", row=row, beside=beside if beside == "form" else "page")
    else:
        report = ImportReport(row.id, False, Counter(row.counts), [Reason.from_dict(note) for note in row.notes])
    if beside == "form":
        return staff.page("payments_report.html", report=report, dry_run=False, amount_of=_text_shown(staff))
    return staff.page("payments_progress.html", row=row, beside="page")


@router.get("/payments/imports/{import_id}")
async def one_import(staff: OrderStaff, request: Request, import_id: str) -> Response:
    """One file: what became of its lines, and what was odd about it."""
    filters = asked(request.query_params, ("outcome",))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await _import(session, import_id)
        query = select(BankLineRow).where(BankLineRow.import_id == row.id)
        if filters["outcome"] in OUTCOMES:
            query = query.where(BankLineRow.outcome == filters["outcome"])
        rows, table = await listed(
            session,
            query,
            request.query_params,
            columns={"number": BankLineRow.number},
            key=BankLineRow.id,
            filters=filters,
            default="number",
        )
        companies = await bank_review.payers_of(session, rows)
        booked = await bank_review.booked_now(session, row.id)
    return staff.page(
        "payments_import.html",
        row=row,
        rows=rows,
        table=table,
        companies=companies,
        notes=[Reason.from_dict(note) for note in row.notes],
        booked=booked,
        outcomes=OUTCOMES,
        amount_of=_shown(staff),
        beside="page",
    )


@router.post("/payments/imports/{import_id}/undo")
async def undo(staff: OrderStaff, form: Posted, import_id: str) -> Response:
    """Let everything that a file did be taken back."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await _import(session, import_id)
    row = await ask_for_undo(staff.services, staff.shop, row.id, by=staff.by)
    return staff.go(f"/payments/imports/{row.id}", "import_undone" if row.state == bank.UNDONE else "import_undoing")


@router.get("/payments/lines/{line_id}")
async def one_line(staff: OrderStaff, line_id: str, q: str = "") -> Response:
    """One line beside its proposal, with the editor that shares it out over several orders."""
    text = asked({"q": q}, ("q",))["q"]
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        line = await bank_review.one_line(session, line_id)
        file = await _import(session, line.import_id)
        left = await bank_review.left_of(session, line)
        found = await bank_review.candidates(session, line, text)
        named = (await bank_review.proposed(session, [line]))[line.id]
        takes_back = (await bank_review.originals(session, [line])).get(line.id)
        companies = await bank_review.payers_of(session, [line])
        paid = await bank_review.paid_by_line(session, line)
    amount = _money(line)
    waits = line.outcome in set(WAITING) and line.details_import_id is None
    return staff.page(
        "payment_line.html",
        line=line,
        file=file,
        q=text,
        named=named,
        takes_back=takes_back,
        found=[one for one in found if not one.interest],
        owners={**{one.reseller_id: one.company for one in found}, **companies},
        companies=companies,
        paid=paid,
        waits=waits,
        amount=amount,
        to_share=amount if waits and amount is not None and amount.minor > 0 else left if left and left.minor > 0 else None,
        foreign=waits and amount is not None and any(one.open.currency != amount.currency for one in found),
        reasons=[Reason.from_dict(reason) for reason in line.reasons],
        amount_of=_shown(staff),
    )


@router.post("/payments/lines/{line_id}")
async def decide(staff: OrderStaff, form: Posted, line_id: str) -> Response:
    """Accept, share out, put aside or take back. What was read is what is decided about."""
    services, shop, by, do = staff.services, staff.shop, staff.by, form["do"]
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            line = await bank.lock_line(session, line_id)
            if form["version"] != str(line.version):
                raise Conflict("Somebody else decided about this line meanwhile.", code="line_changed")
            if do == "accept":
                await bank_desk.accept(session, services, shop, line.id, by=by)
            elif do == "reject":
                await bank_desk.reject(session, services, line.id, by=by, reason=form["reason"])
            elif do == "allocate":
                await _allocate(staff, session, form, line)
            elif do == "undo":
                await undo_line(session, services, shop, line.id, by=by, reason=form["reason"])
            else:
                raise InvalidInput("Choose what to do with the line.", code="form")
    except Conflict as error:
        return await _both(staff, line_id, error)
    return staff.go("/payments" if form["of"] == "desk" else f"/payments/lines/{line.id}", f"line_{do}")


@router.get("/payments/payers")
async def payers(staff: OrderStaff, request: Request) -> Response:
    """A page of the payers that were learned, and what banks may keep of whose wires."""
    which = request.query_params.get("which", "")
    which = which if which in PAYERS else "waiting"
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            bank_review.learned(which),
            request.query_params,
            columns={"proposed": LearnedPayer.proposed_at},
            key=LearnedPayer.id,
            filters={"which": which},
            default="-proposed",
        )
        own = (await session.execute(_tolerances())).all()
        ids = {row.reseller_id for row in rows}
        companies = dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(ids)))).all())
    numbers = staff.shop.settings.program
    currencies = sorted({account.currency for account in staff.shop.settings.bank_accounts})
    of_others = [(Money(numbers.fee_tolerance_minor, one), Money(numbers.fee_tolerance_year_minor, one)) for one in currencies]
    return staff.page(
        "payments_payers.html", rows=rows, table=table, which=which, companies=companies, tolerances=own, of_others=of_others
    )


@router.post("/payments/payers")
async def decide_payer(staff: OrderStaff, form: Posted) -> Response:
    """Let a learned payer count, as its second person, or no more."""
    if form["do"] not in ("confirm", "off"):
        raise InvalidInput("Choose what to do with the payer.", code="form")
    decided = learning.confirm_payer if form["do"] == "confirm" else learning.switch_off_payer
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        await decided(session, form["payer"], by=staff.by, at=staff.services.clock())
    return staff.go(f"/payments/payers?which={path_part(form['which'])}", f"payer_{form['do']}")


@router.post("/payments/tolerance")
async def tolerance(staff: OrderStaff, form: Posted) -> Response:
    """Set what banks may keep of a reseller's wires."""
    currency = form["currency"].strip().upper()
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        reseller = await resellers.find(session, form["email"])
        of_wire, of_year = an_amount(form, "wire", currency), an_amount(form, "year", currency)
        await learning.set_tolerance(session, reseller.id, of_wire, of_year, by=staff.by, at=staff.services.clock())
    return staff.go("/payments/payers", "tolerance_set", company=reseller.company)


async def _files(session: AsyncSession, request: Request) -> tuple[Sequence[BankImport], Shown]:
    return await listed(
        session,
        select(BankImport),
        request.query_params,
        columns={"started": BankImport.started_at},
        key=BankImport.id,
        filters={},
        default="-started",
        limit=15,
    )


async def _import(session: AsyncSession, import_id: str) -> BankImport:
    row = await session.scalar(select(BankImport).where(BankImport.id == import_id))
    if row is None:
        raise NotFound("There is no such bank file.", code="no_import")
    return row


async def _allocate(staff: Visit, session: AsyncSession, form: Form, line: BankLineRow) -> None:
    conversion = None
    if form["booked"].strip() or form["rate"].strip():
        currency = form["currency"].strip().upper()
        conversion = Conversion(an_amount(form, "booked", currency), _rate(form), form["source"])
    currency = conversion.booked.currency if conversion else line.currency
    given = Form({number: text for number, text in form.prefixed("part:").items() if text.strip()})
    parts = [(number, an_amount(given, number, currency)) for number in given.prefixed("")]
    if not parts and not form["credit"]:
        raise InvalidInput("Give an amount to at least one order, or choose whose credit it becomes.", code="no_parts")
    await bank_desk.allocate(
        session,
        staff.services,
        staff.shop,
        line.id,
        [part for part in parts if part[1].minor],
        by=staff.by,
        reseller_id=form["credit"] or None,
        conversion=conversion,
    )


async def _both(staff: Visit, line_id: str, error: Conflict) -> Response:
    """What became of the line meanwhile, beside what was typed."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        line = await bank_review.one_line(session, line_id)
    return staff.page(
        "payment_conflict.html",
        status=error.status,
        error=error,
        line=line,
        reasons=[Reason.from_dict(reason) for reason in line.reasons[-1:]],
    )


def _rate(form: Form) -> Decimal:
    try:
        return Decimal(form["rate"].strip().replace(",", "."))
    except InvalidOperation:
        raise InvalidInput(f"rate: {form['rate']!r} is not a rate like 1.0834.", code="rate") from None


def _money(line: BankLineRow) -> Money | None:
    """The line's amount; None where the bank's figures are no money."""
    try:
        return Money.of(Decimal(line.amount), line.currency)
    except (MoneyError, InvalidOperation):
        return None


def _shown(staff: Visit) -> Callable[[BankLineRow], str]:
    def shown(line: BankLineRow) -> str:
        amount = _money(line)
        return staff.speech.money(amount) if amount is not None else f"{line.amount} {line.currency}"

    return shown


def _text_shown(staff: Visit) -> Callable[[str], str]:
    """An amount of a dry run, which is still as the bank wrote it."""

    def shown(text: str) -> str:
        amount, _, currency = text.partition(" ")
        try:
            return staff.speech.money(Money.of(Decimal(amount), currency))
        except (MoneyError, InvalidOperation):
            return text

    return shown


def _tolerances() -> Select[FeeTolerance, str]:
    return (
        select(FeeTolerance, Reseller.company)
        .join(Reseller, Reseller.id == FeeTolerance.reseller_id)
        .order_by(Reseller.company, FeeTolerance.currency)
        .limit(200)
    )


PAGE = Page("/payments", "nav_payments", Permission.ORDERS, router, bank_files=(UPLOAD,))
