"""A reseller's exemption certificates, and whether it will be taxed (`rules.md` 10)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.orders import certificates as use_cases
from app.orders import storefront
from app.resellers.roles import Right
from app.tax.answer import will_be_taxed
from app.tax.certificates import page_of_certificates
from app.tax.tables import CertificateRow
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import TEXT, Cursor, Id, Limit, shown_reasons
from app.web.storefront.problems import MEMBER, problems, register_problems
from app.web.storefront.uploads import FILE_PROBLEMS, download, fields_of, file_answer, form_of, multipart, upload_of

router = APIRouter(tags=["resellers"])
FIELDS = ("number", "form", "states", "us_state", "signed_on", "valid_from", "valid_to", "replaces")
register_problems(
    {
        **dict.fromkeys(FIELDS, (400, "valid_to: 2026-01-01 is before the first day 2026-03-01.")),
        "number": (400, "number: it holds characters that are no text."),
        "form": (400, "form: it holds characters that are no text."),
        "states": (400, "states: name at least one US state, like TX."),
        "us_state": (400, "state: 'XX' is not a US state; give its two letters, like TX."),
        "signed_on": (400, "signed_on: 2027-01-01 is in the future."),
        "replaces": (400, "replaces: this reseller has no such certificate."),
        "known_certificate": (409, "Certificate TX-4711 is there already; it waits for a decision."),
        "too_many": (409, "20 certificates wait for a decision already; hand in more after it."),
        "no_certificate": (404, "There is no such certificate."),
    }
)
Day = Annotated[
    date | None,
    Query(description="Day of the order; today in the reseller's state by default.", examples=["2026-03-02"]),
]
State = Annotated[
    str,
    Query(
        max_length=50,
        pattern=TEXT,
        description="Another US state than that of the approved business address.",
        examples=["TX"],
    ),
]


@router.get("/certificates", response_model=s.CertificatesOut, responses=problems(*MEMBER, "cursor"))
async def certificates(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> s.CertificatesOut:
    """The reseller's exemption certificates, with where they stand."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CERTIFICATES)
        rows, following = await page_of_certificates(session, reseller.id, limit, cursor)
    return s.CertificatesOut(certificates=[_shown(row) for row in rows], next=following)


@router.post(
    "/certificates",
    response_model=s.CertificateOut,
    status_code=201,
    responses=problems(*MEMBER, "reseller_inactive", "known_certificate", "too_many", *FIELDS, *FILE_PROBLEMS),
    openapi_extra=multipart(s.CertificateIn),
)
async def upload_certificate(request: Request, asking: Asking, services: Doors) -> s.CertificateOut:
    """Upload an exemption certificate as PDF, JPEG or PNG; it counts once the vendor approved it."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_CERTIFICATES)
    async with form_of(request) as form:
        document = await upload_of(form, services.settings.max_upload_bytes)
        fields = fields_of(form, s.CertificateIn, frozenset({"states"}))
    given = use_cases.HandedIn(**{**fields.model_dump(), "states": tuple(fields.states)})
    return _shown(await use_cases.upload(services, asking.shop, reseller.id, given, document, by=asking.email))


@router.get(
    "/certificates/{certificate_id}/document",
    response_class=Response,
    responses=file_answer("The document.") | problems(*MEMBER, "no_certificate", "no_file"),
)
async def certificate_document(certificate_id: Id, asking: Asking, services: Doors) -> Response:
    """The document of a certificate, as it was uploaded."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CERTIFICATES)
        file = await use_cases.document(session, certificate_id, reseller.id)
    return await download(services, file)


@router.get("/taxed", response_model=s.TaxedOut, responses=problems(*MEMBER, "us_state"))
async def taxed(asking: Asking, services: Doors, day: Day = None, state: State = "") -> s.TaxedOut:
    """Whether the reseller's orders are charged sales tax on a day, and why."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CERTIFICATES)
        today = use_cases.vendor_day(services, asking.shop)
        answer = await will_be_taxed(session, reseller, at=services.clock(), day=day, state=state, today=today)
    return s.TaxedOut(
        state=answer.us_state,
        day=answer.day,
        taxed=answer.taxed,
        rate=str(answer.decision.rate),
        certificate_id=answer.decision.certificate_id,
        reasons=shown_reasons(answer.reasons),
    )


def _shown(row: CertificateRow) -> s.CertificateOut:
    fields = set(s.CertificateOut.model_fields) - {"has_document"}
    return s.CertificateOut(**{name: getattr(row, name) for name in fields}, has_document=row.file_id is not None)
