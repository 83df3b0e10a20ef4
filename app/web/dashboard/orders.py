"""Orders: what is held or waits, and one order with its gate, money, licenses and documents, and every decision about it."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal, InvalidOperation

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.documents.service import fetch
from app.errors import InvalidInput, NotFound
from app.licenses.rules import LicenseState
from app.licenses.service import license_file_name
from app.money import Money, MoneyError
from app.orders import desk
from app.orders.license_state import change_licenses
from app.orders.mail_again import resend_mail
from app.orders.service import confirm_wire, find_order, staff_accepts, staff_decides
from app.orders.tables import ResellerOrder
from app.orders.temporary import issue_temporary
from app.reasons import Reason
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import OrderStaff, Posted, Visit, a_day, path_part
from app.web.forms import Form

router = APIRouter()
WHICH = ("held", "waiting", "open")
COLUMNS = {"created": ResellerOrder.created_at, "due": ResellerOrder.due_date}
STATES = {"suspend": LicenseState.SUSPENDED, "revoke": LicenseState.REVOKED, "reinstate": LicenseState.ACTIVE}


@router.get("/orders")
async def show(staff: OrderStaff, request: Request) -> Response:
    """A page of the orders that nothing went out of yet, or the order with a number."""
    filters = asked(request.query_params, ("which", "q"))
    which = filters["which"] if filters["which"] in WHICH else "held"
    now = staff.services.clock()
    query = desk.numbered(filters["q"]) if filters["q"] else desk.open_orders(which, now)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            query,
            request.query_params,
            columns=COLUMNS,
            key=ResellerOrder.id,
            filters={**filters, "which": which},
            default="-created",
        )
        gates = await desk.gates(session, rows, now)
        companies = await desk.names(session, rows)
        counts = await desk.count_open(session, now)
    return staff.page("orders.html", rows=rows, table=table, gates=gates, companies=companies, counts=counts, which=which)


@router.get("/popup/order")
async def of_saleor(staff: OrderStaff, orderId: str = "") -> Response:
    """From the menu of an order in the Dashboard: its page here."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        order = desk.found(await desk.by_saleor_id(session, orderId))
    return staff.go(f"/orders/{path_part(order.number)}")


@router.get("/orders/{number}")
async def one(staff: OrderStaff, number: str) -> Response:
    """One order with everything known of it."""
    now = staff.services.clock()
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        file = await desk.order_file(session, await find_order(session, number), now)
    audit = [Reason.from_dict(reason) for reason in file.order.audit]
    return staff.page(
        "order.html",
        file=file,
        order=file.order,
        audit=audit,
        now=now,
        today=staff.services.today(staff.shop),
        events=[(event.at, Reason.from_dict(event.what)) for event in reversed(file.events)],
        # What the audit found is told as such.
        tasks=[task for task in file.tasks if file.order.audit_passed or not task.key.startswith("audit:")],
        released_by=[Reason.from_dict(reason) for reason in file.order.release_reasons],
    )


@router.post("/orders/{number}/decide")
async def decide(staff: OrderStaff, form: Posted, number: str) -> Response:
    """Hold or release it, or accept it so that its money decides."""
    services, shop, do = staff.services, staff.shop, form["do"]
    async with services.database.tenant(shop.tenant_id) as session:
        if do == "accept":
            await staff_accepts(session, services, shop.tenant_id, number=number, by=staff.by, reason=form["reason"])
        elif do in ("hold", "release"):
            await staff_decides(
                session,
                services,
                shop.tenant_id,
                number=number,
                hold=do == "hold",
                by=staff.by,
                reason=form["reason"],
                expires_at=_until(staff, form),
            )
        else:
            raise InvalidInput("Choose what to do: hold, release or accept.", code="form")
    return staff.go(back(staff, form, number), f"order_{do}")


@router.post("/orders/{number}/wire")
async def wire(staff: OrderStaff, form: Posted, number: str) -> Response:
    """Book a wire for it by hand."""
    services, shop = staff.services, staff.shop
    async with services.database.tenant(shop.tenant_id) as session:
        order = await find_order(session, number)
        _, booking = await confirm_wire(
            session,
            services,
            shop,
            number=number,
            amount=an_amount(form, "amount", order.currency),
            bank_reference=form["bank_reference"],
            value_date=a_day(form, "value_date"),
            by=staff.by,
        )
    return staff.go(back(staff, form, number), "wire_known" if booking.repeated else "wire_booked")


@router.post("/orders/{number}/licenses")
async def licenses(staff: OrderStaff, form: Posted, number: str) -> Response:
    """Issue temporary licenses, or suspend, revoke or reinstate those there are."""
    services, shop, do = staff.services, staff.shop, form["do"]
    async with services.database.tenant(shop.tenant_id) as session:
        if do == "temporary":
            await issue_temporary(session, services, shop, number=number, by=staff.by)
        elif do in STATES:
            subject = form["license"] or number
            await change_licenses(session, services, subject=subject, state=STATES[do], by=staff.by, reason=form["reason"])
        else:
            raise InvalidInput("Choose what to do with the licenses.", code="form")
    return staff.go(back(staff, form, number), f"license_{do}")


@router.post("/orders/{number}/mail")
async def mail(staff: OrderStaff, form: Posted, number: str) -> Response:
    """Send one of its mails once more."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        sent = await resend_mail(session, staff.services, staff.shop, form["mail"], to=form["to"].strip() or None)
    return staff.go(back(staff, form, number), "mail_sent_again", to=sent.recipient)


@router.get("/orders/{number}/documents/{document_id}")
async def document(staff: OrderStaff, number: str, document_id: str) -> Response:
    """A document of the order, to be saved."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        order = await find_order(session, number)
        found = await fetch(session, document_id)
        if found.order_id != order.id:
            raise NotFound("There is no such document.", code="no_document")
    return staff.file(found.content, found.media_type, found.file_name)


@router.get("/orders/{number}/licenses/{license_id}")
async def license_file(staff: OrderStaff, number: str, license_id: str) -> Response:
    """A license file of the order, to be saved."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        file = await desk.order_file(session, await find_order(session, number), staff.services.clock())
    found = next((license for license in file.licenses if license.id == license_id), None)
    if found is None:
        raise NotFound("There is no such license.", code="no_license")
    return staff.file(found.file, "application/octet-stream", license_file_name(found))


def back(staff: Visit, form: Form, number: str) -> str:
    """Where a form of an order leads: to the widget that it was in, or to the order's page."""
    if staff.frame == "widget" and form["of"]:
        return f"/widgets/order?of={path_part(form['of'])}"
    return f"/orders/{path_part(number)}"


def an_amount(form: Form, name: str, currency: str) -> Money:
    """An amount of a form, written like 118.80 or 118,80. Raises InvalidInput that names the field."""
    text = form[name].strip().replace(" ", "")
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        return Money.of(Decimal(text), currency)
    except (InvalidOperation, MoneyError):
        raise InvalidInput(f"{name}: {form[name]!r} is not an amount in {currency} like 118.80.", code="amount") from None


def _until(staff: Visit, form: Form) -> datetime | None:
    """The end of the day in the reader's zone on which a decision ends; None without one."""
    return datetime.combine(a_day(form, "until"), time(23, 59, 59), staff.zone) if form["until"] else None


PAGE = Page("/orders", "nav_orders", Permission.ORDERS, router)
