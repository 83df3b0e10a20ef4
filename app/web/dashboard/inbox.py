"""The inbox: everything that needs a person, the oldest first, with why and what can be done about it at once."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.cases.service import by_ids
from app.errors import NotFound
from app.orders.certificates import decide
from app.orders.mail_again import resend_mail
from app.orders.queue import KINDS, counts, waiting
from app.orders.record import finish_task
from app.orders.stuck import run_again
from app.tax.rules import CertificateState
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import Shown, asked
from app.web.dashboard.visit import OrderStaff, Posted

router = APIRouter()


@router.get("/inbox")
async def show(staff: OrderStaff, kind: str = "", cursor: str = "") -> Response:
    """A page of the queue, of one kind or all."""
    kind = kind if kind in KINDS else ""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        numbers = await counts(session)
        rows, following = await waiting(session, kind, cursor or None)
        cases = await by_ids(session, [row.subject for row in rows if row.kind == "cases"])
    filters = asked({"kind": kind}, ("kind",))
    table = Shown(filters, "since", False, cursor, following)
    return staff.page("inbox.html", kind=kind, counts=numbers, rows=rows, cases=cases, table=table)


@router.post("/inbox/done")
async def done(staff: OrderStaff, form: Posted) -> Response:
    """Somebody saw to it."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        if not await finish_task(session, form["key"], staff.services.clock()):
            raise NotFound("Somebody else has done this already.", code="no_task")
    return staff.go(_back(form["kind"]), "task_done")


@router.post("/inbox/again")
async def again(staff: OrderStaff, form: Posted) -> Response:
    """Run work that gave up once more."""
    await run_again(staff.services, staff.shop.tenant_id, form["subject"])
    return staff.go(_back(form["kind"]), "work_again")


@router.post("/inbox/mail")
async def mail(staff: OrderStaff, form: Posted) -> Response:
    """Send a refused mail once more, perhaps to another address."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        sent = await resend_mail(session, staff.services, staff.shop, form["subject"], to=form["to"].strip() or None)
    return staff.go(_back(form["kind"]), "mail_sent_again", to=sent.recipient)


@router.post("/inbox/certificate")
async def certificate(staff: OrderStaff, form: Posted) -> Response:
    """Decide about a certificate."""
    staff.need(Permission.TAXES)
    state = CertificateState.APPROVED if form["do"] == "approve" else CertificateState.REJECTED
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        await decide(session, staff.services, staff.shop, form["subject"], state, by=staff.by, reason=form["reason"])
    return staff.go(_back(form["kind"]), f"certificate_{state.value}")


def _back(kind: str) -> str:
    return f"/inbox?kind={kind}" if kind in KINDS else "/inbox"


PAGE = Page("/inbox", "nav_inbox", Permission.ORDERS, router)
