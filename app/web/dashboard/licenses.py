"""Licenses: looked up by order, license or key id, e-mail or product; one with every decision; a pasted file verified."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import Conflict, InvalidInput
from app.licenses import service as licenses
from app.licenses.rules import LicenseKind, LicenseState
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.orders import license_desk
from app.orders.license_state import change_licenses
from app.orders.mail_again import resend_order_mail
from app.orders.temporary import issue_temporary
from app.reasons import Reason
from app.web.dashboard.orders import STATES
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import OrderStaff, Posted, Visit

router = APIRouter()
MAX_FILE = 20_000
"""Characters of a pasted license file; those that we issue have some thousand."""


@router.get("/licenses")
async def show(staff: OrderStaff, request: Request) -> Response:
    """A page of the licenses that fit."""
    filters = asked(request.query_params, ("q", "state"))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            await license_desk.found(session, filters["q"], filters["state"]),
            request.query_params,
            columns={"issued": License.issued_at},
            key=License.id,
            filters=filters,
            default="-issued",
        )
        companies = await license_desk.companies(session, rows)
    return staff.page("licenses.html", rows=rows, table=table, companies=companies, states=[one.value for one in LicenseState])


@router.get("/licenses/verify")
async def verify_form(staff: OrderStaff) -> Response:
    """The form for a license file."""
    return staff.page("license_verify.html", text="", found=None, ours=None)


@router.post("/licenses/verify")
async def verify(staff: OrderStaff, form: Posted) -> Response:
    """Whether a pasted file is one of ours and still stands."""
    text = form["file"].strip()
    if not text or len(text) > MAX_FILE:
        raise InvalidInput("file: paste the text of one license file.", code="license_text")
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        found = await licenses.verify(session, text, staff.services.clock())
        ours = await session.get(License, str(found.license.get("id"))) if found.license is not None else None
    return staff.page("license_verify.html", text=text, found=found, ours=ours)


@router.get("/licenses/{license_id}")
async def one(staff: OrderStaff, license_id: str) -> Response:
    """One license with its order, whom it is for, its mails and what was decided."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        file = await license_desk.license_file(session, license_id)
        kinds = {row.kind for row in await licenses.of_order(session, file.order.id)}
    waits = file.order.release_decided_at is None and file.order.canceled_at is None and file.order.audit_passed
    return staff.page(
        "license.html",
        file=file,
        row=file.license,
        order=file.order,
        attributes=file.license.payload.get("attributes", {}),
        events=[(event.at, Reason.from_dict(event.what)) for event in file.events],
        may_be_temporary=waits and LicenseKind.TEMPORARY not in kinds,
        file_name=licenses.license_file_name(file.license),
    )


@router.post("/licenses/{license_id}")
async def decide(staff: OrderStaff, form: Posted, license_id: str) -> Response:
    """Send its mail again, issue a temporary one, or suspend, revoke or reinstate it. What was read is what is decided about."""
    services, shop, do = staff.services, staff.shop, form["do"]
    values: dict[str, object] = {}
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            file = await license_desk.license_file(session, license_id)
            if form["state"] != file.license.state:
                raise Conflict("Somebody else decided about this license meanwhile.", code="license_changed")
            if do == "mail":
                mail = await resend_order_mail(
                    session, services, shop, number=file.order.number, kind=MailKind.LICENSE, to=form["to"].strip() or None
                )
                values = {"to": mail.recipient}
            elif do == "temporary":
                await issue_temporary(session, services, shop, number=file.order.number, by=staff.by)
            elif do in STATES:
                await change_licenses(
                    session, services, subject=file.license.id, state=STATES[do], by=staff.by, reason=form["reason"]
                )
            else:
                raise InvalidInput("Choose what to do with the license.", code="form")
    except Conflict as error:
        return await _both(staff, license_id, error)
    return staff.go(f"/licenses/{license_id}", "mail_sent_again" if do == "mail" else f"license_{do}", **values)


@router.get("/licenses/{license_id}/file")
async def license_text(staff: OrderStaff, license_id: str) -> Response:
    """The file as it was sent, to be saved."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = (await license_desk.license_file(session, license_id)).license
    return staff.file(row.file, "application/octet-stream", licenses.license_file_name(row))


async def _both(staff: Visit, license_id: str, error: Conflict) -> Response:
    """What became of the license meanwhile, beside what was typed."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = (await license_desk.license_file(session, license_id)).license
    return staff.page("license_conflict.html", status=error.status, error=error, row=row)


PAGE = Page("/licenses", "nav_licenses", Permission.ORDERS, router)
