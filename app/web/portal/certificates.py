"""A reseller's exemption certificates: where they stand, a new one with its document, and whether there will be tax."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import InvalidInput, ResellerError
from app.files.service import content
from app.orders import certificates as cases
from app.resellers.roles import Right
from app.tax.answer import will_be_taxed
from app.tax.certificates import list_certificates, page_of_certificates
from app.tax.rules import CertificateState
from app.web.forms import Form, uploaded
from app.web.portal.rendering import speech
from app.web.portal.visit import Person, Posted, Signed
from app.web.storefront.common import Cursor, Id

router = APIRouter()
PAGE = 20
RENEWABLE = frozenset({CertificateState.APPROVED, CertificateState.EXPIRED})
FIELDS = ("number", "form", "states", "signed_on", "valid_from", "valid_to", "replaces")


@router.get("/certificates")
async def show(person: Person, notice: str = "", cursor: Cursor = None) -> Response:
    """The certificates with their states, the form for a new one, and today's answer about tax."""
    return await _page(person, notice="uploaded" if notice == "uploaded" else "", cursor=cursor)


@router.post("/certificates")
async def upload(person: Person, form: Posted) -> Response:
    """Hand in a certificate; it counts once the vendor approved it."""
    services, shop = person.services, person.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await person.member(session, Right.CHANGE_CERTIFICATES)
    try:
        given = cases.HandedIn(
            number=form["number"],
            states=tuple(part.strip() for part in form["states"].replace(";", ",").split(",") if part.strip()),
            signed_on=_day(person, form, "signed_on"),
            valid_from=_day(person, form, "valid_from"),
            valid_to=_day(person, form, "valid_to") if form["valid_to"] else None,
            form=form["form"],
            replaces=form["replaces"],
        )
        document = await uploaded(form, services.settings.max_upload_bytes)
        await cases.upload(services, shop, reseller.id, given, document, by=person.customer.email)
    except ResellerError as error:
        if error.status >= 500:
            raise
        return await _page(person, form=form, error=error)
    return person.go("/certificates?notice=uploaded")


@router.get("/certificates/{certificate_id}/document")
async def document(person: Person, certificate_id: Id, request: Request) -> Response:
    """The document of a certificate, as it was uploaded."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_CERTIFICATES)
        file = await cases.document(session, certificate_id, reseller.id)
    return person.file(await content(person.services.files, file), file.media_type, file.name)


def _day(person: Signed, form: Form, name: str) -> date:
    try:
        return date.fromisoformat(form[name].strip())
    except ValueError:
        raise InvalidInput(f"{speech(person.language).label(name)}: give a day like 2026-12-31.", code="day") from None


async def _page(
    person: Signed,
    *,
    notice: str = "",
    form: Form | None = None,
    error: ResellerError | None = None,
    cursor: str | None = None,
) -> Response:
    services, shop = person.services, person.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_CERTIFICATES)
        rows, following = await page_of_certificates(session, reseller.id, PAGE, cursor)
        renewable = [row for row in await list_certificates(session, reseller.id) if row.state in RENEWABLE]
        today = cases.vendor_day(services, shop)
        answer = await will_be_taxed(session, reseller, at=services.clock(), day=None, state="", today=today)
    return person.page(
        "certificates.html",
        status=error.status if error else 200,
        certificates=rows,
        following=following,
        first=cursor is None,
        renewable=renewable,
        answer=answer,
        values={name: form[name] if form else "" for name in FIELDS},
        error=error,
        notice=notice,
    )
