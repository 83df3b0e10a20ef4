"""Tax: certificates with their documents and decisions, the states the vendor is registered in, and the rate table."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.responses import Response

from app.errors import Conflict, InvalidInput
from app.files.rules import JPEG, PNG
from app.files.service import content
from app.files.tables import StoredFile
from app.orders import certificates as desk
from app.resellers.addresses import US_STATES
from app.resellers.listing import filtered, get
from app.resellers.tables import Reseller
from app.tax import service
from app.tax.certificates import get_certificate
from app.tax.rules import CertificateState
from app.tax.tables import CertificateRow, RateImportRow, RegistrationRow, StateRateRow
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import Posted, TaxStaff, Visit, a_day
from app.web.forms import uploaded

router = APIRouter()
DECISIONS = {
    "approve": CertificateState.APPROVED,
    "reject": CertificateState.REJECTED,
    "revoke": CertificateState.REVOKED,
}
MOST_SHOWN = 4 * 1024 * 1024
"""Bytes of a picture that a page shows; a larger one is saved."""
IMPORTS = 10


@router.get("/tax")
async def show(staff: TaxStaff, request: Request) -> Response:
    """A page of the certificates, those that wait at first."""
    filters = asked(request.query_params, ("q", "status"))
    filters["status"] = filters["status"] or ("all" if filters["q"] else CertificateState.PENDING.value)
    query = select(CertificateRow)
    if filters["q"]:
        owners = filtered(filters["q"], "").with_only_columns(Reseller.id)
        query = query.where((CertificateRow.number == filters["q"]) | CertificateRow.reseller_id.in_(owners))
    if filters["status"] in set(CertificateState):
        query = query.where(CertificateRow.state == filters["status"])
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            query,
            request.query_params,
            columns={"came": CertificateRow.created_at, "number": CertificateRow.number, "from": CertificateRow.valid_from},
            key=CertificateRow.id,
            filters=filters,
            default="-came",
        )
        named = select(Reseller.id, Reseller.company).where(Reseller.id.in_({row.reseller_id for row in rows}))
        companies = dict((await session.execute(named)).all())
        by_state = select(CertificateRow.state, func.count()).group_by(CertificateRow.state)
        counts = dict((await session.execute(by_state)).all())
    states = list(CertificateState)
    return staff.page("taxes.html", tab="certificates", rows=rows, table=table, companies=companies, counts=counts, states=states)


@router.get("/tax/certificates/{certificate_id}")
async def certificate(staff: TaxStaff, certificate_id: str) -> Response:
    """One certificate with what to look at and its document."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await get_certificate(session, certificate_id)
        reseller = await get(session, row.reseller_id)
        file = await desk.document(session, certificate_id) if row.file_id else None
        old = await get_certificate(session, row.replaces_id) if row.replaces_id else None
    return staff.page(
        "certificate.html",
        row=row,
        reseller=reseller,
        file=file,
        old=old,
        picture=await _picture(staff, file),
        findings=desk.findings(row, reseller),
        names=US_STATES,
    )


@router.get("/tax/certificates/{certificate_id}/document")
async def document(staff: TaxStaff, certificate_id: str) -> Response:
    """Its document, to be saved."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        file = await desk.document(session, certificate_id)
    return staff.file(await content(staff.services.files, file), file.media_type, file.name)


@router.post("/tax/certificates/{certificate_id}")
async def decide(staff: TaxStaff, form: Posted, certificate_id: str) -> Response:
    """Approve, reject or revoke. What was read is what is decided about: somebody else's decision is shown first."""
    state = DECISIONS.get(form["do"])
    if state is None:
        raise InvalidInput("Choose what to decide.", code="form")
    version = int(form["version"]) if form["version"].isdecimal() else None
    services, shop = staff.services, staff.shop
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            await desk.decide(session, services, shop, certificate_id, state, by=staff.by, reason=form["reason"], version=version)
    except Conflict as error:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await get_certificate(session, certificate_id)
        return staff.page("certificate_conflict.html", status=error.status, error=error, row=row)
    return staff.go(f"/tax/certificates/{certificate_id}", f"certificate_{state.value}")


@router.get("/tax/registrations")
async def registrations(staff: TaxStaff, request: Request) -> Response:
    """Where the vendor collects sales tax."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            select(RegistrationRow),
            request.query_params,
            columns={"state": RegistrationRow.us_state, "from": RegistrationRow.valid_from},
            key=RegistrationRow.id,
            filters={},
            default="state",
            limit=100,
        )
        of_rates = select(StateRateRow.us_state).distinct()
        with_rates = set(await session.scalars(of_rates))
    today = staff.services.today(staff.shop)
    return staff.page(
        "registrations.html", tab="registrations", rows=rows, table=table, names=US_STATES, with_rates=with_rates, today=today
    )


@router.post("/tax/registrations")
async def register(staff: TaxStaff, form: Posted) -> Response:
    """Say where the vendor is registered from a day on, or the last day of it."""
    first = a_day(form, "valid_from")
    last = a_day(form, "valid_to") if form["valid_to"] else None
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        row = await service.register_state(session, form["us_state"], valid_from=first, valid_to=last)
        code = row.us_state
    return staff.go("/tax/registrations", "registered", state=US_STATES[code])


@router.get("/tax/rates")
async def rates(staff: TaxStaff, request: Request) -> Response:
    """The rate table and how old it is."""
    filters = asked(request.query_params, ("q", "us_state"))
    query = select(StateRateRow)
    if filters["us_state"] in US_STATES:
        query = query.where(StateRateRow.us_state == filters["us_state"])
    if filters["q"]:
        query = query.where((StateRateRow.zip_code == filters["q"][:5]) | (StateRateRow.version == filters["q"]))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            query,
            request.query_params,
            columns={"state": StateRateRow.us_state, "zip": StateRateRow.zip_code, "from": StateRateRow.valid_from},
            key=StateRateRow.id,
            filters=filters,
            default="state",
        )
        newest = select(RateImportRow).order_by(RateImportRow.at.desc()).limit(IMPORTS)
        imports = list(await session.scalars(newest))
        imported_at = await service.rates_imported_at(session)
    days = (staff.services.clock() - imported_at).days if imported_at else None
    allowed = staff.shop.settings.program.rate_table_days
    return staff.page(
        "rates.html",
        tab="rates",
        rows=rows,
        table=table,
        imports=imports,
        imported_at=imported_at,
        days=days,
        allowed=allowed,
        names=US_STATES,
        limit=staff.services.settings.max_upload_bytes,
    )


@router.post("/tax/import")
async def import_(staff: TaxStaff, form: Posted) -> Response:
    """A rate file: all of it or, where a line is wrong, nothing."""
    upload = await uploaded(form, staff.services.settings.max_upload_bytes, "a CSV file")
    try:
        text = upload.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = upload.content[: error.start].count(b"\n") + 1
        raise InvalidInput(f"line {line}: it is not UTF-8 text; save the file as CSV in UTF-8.", code="rate_file") from error
    version = form["version"].strip() or upload.name
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        done = await service.import_rates(session, text, version=version[:100], at=staff.services.clock())
    values: dict[str, Any] = {"added": done.added, "changed": done.changed, "unchanged": done.unchanged}
    if done.unregistered:
        return staff.go("/tax/rates", "rates_imported_but", **values, states=", ".join(done.unregistered))
    return staff.go("/tax/rates", "rates_imported", **values)


async def _picture(staff: Visit, file: StoredFile | None) -> str:
    """A picture as data, which can do nothing but be looked at; nothing of what is to be saved first."""
    if file is None or file.media_type not in (JPEG, PNG) or file.size > MOST_SHOWN:
        return ""
    bytes_ = await content(staff.services.files, file)
    return f"data:{file.media_type};base64,{base64.b64encode(bytes_).decode()}"


PAGE = Page("/tax", "nav_tax", Permission.TAXES, router, uploads=("/tax/import",))
