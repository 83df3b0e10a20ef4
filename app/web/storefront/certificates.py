"""Certificates, the tax answer, and evidence of applications: routes of `/storefront/v1` that take and hand out files."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.files.tables import StoredFile
from app.orders import certificates as use_cases
from app.orders import storefront
from app.resellers import evidence
from app.tax.answer import will_be_taxed
from app.tax.certificates import list_certificates
from app.tax.tables import CertificateRow
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.uploads import download, fields_of, form_of, multipart, upload_of

FILES = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("application/pdf", "image/jpeg", "image/png")
        }
    }
}
UPLOADS = ("/certificates", "/application/evidence")
"""Whose POST may have a body as large as a file."""
Id = Annotated[str, Path(max_length=36, pattern=r"^[^\x00]+$")]

certificates = APIRouter(tags=["resellers"])
applicants = APIRouter(tags=["applicants"])


@certificates.get("/certificates", response_model=s.CertificatesOut)
async def all_certificates(asking: Asking, services: Doors) -> s.CertificatesOut:
    """The reseller's exemption certificates."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        return s.CertificatesOut(certificates=[_certificate(row) for row in await list_certificates(session, reseller.id)])


@certificates.post("/certificates", response_model=s.CertificateOut, status_code=201, openapi_extra=multipart(s.CertificateIn))
async def upload_certificate(request: Request, asking: Asking, services: Doors) -> s.CertificateOut:
    """Upload an exemption certificate as PDF, JPEG or PNG; it counts once the vendor approved it."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
    async with form_of(request) as form:
        fields = fields_of(form, s.CertificateIn, {"states": ","})
        given = use_cases.HandedIn(**{**fields.model_dump(), "states": tuple(fields.states)})
        document = await upload_of(form, services.settings.max_upload_bytes)
    row = await use_cases.upload(services, asking.shop, reseller.id, given, document, by=asking.email)
    return _certificate(row)


@certificates.get("/certificates/{certificate_id}/document", response_class=Response, responses=FILES)  # type: ignore[arg-type]
async def certificate_document(certificate_id: Id, asking: Asking, services: Doors) -> Response:
    """The document of a certificate, as it was uploaded."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        file = await use_cases.document(session, certificate_id, reseller.id)
    return await download(services, file)


@certificates.get("/taxed", response_model=s.TaxedOut)
async def taxed(
    asking: Asking,
    services: Doors,
    day: Annotated[date | None, Query(description="Day of the order; today by default.")] = None,
    state: Annotated[
        str, Query(max_length=50, description="Another US state than that of the approved business address.", examples=["TX"])
    ] = "",
) -> s.TaxedOut:
    """Whether the reseller's orders are charged sales tax on a day, and why."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        today = use_cases.vendor_day(services, asking.shop)
        answer = await will_be_taxed(session, reseller, at=services.clock(), day=day, state=state, today=today)
    return s.TaxedOut(
        state=answer.us_state,
        day=answer.day,
        taxed=answer.taxed,
        rate=str(answer.decision.rate),
        certificate_id=answer.decision.certificate_id,
        reasons=[s.ReasonOut.of(reason) for reason in answer.reasons],
    )


@applicants.get("/application/evidence", response_model=s.EvidenceListOut)
async def all_evidence(asking: Asking, services: Doors) -> s.EvidenceListOut:
    """The files with the account's application."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        return s.EvidenceListOut(files=[_file(row) for row in await evidence.evidence(session, asking.user_id)])


@applicants.post("/application/evidence", response_model=s.EvidenceOut, status_code=201, openapi_extra=multipart())
async def upload_evidence(request: Request, asking: Asking, services: Doors) -> s.EvidenceOut:
    """Add a file to the account's application, while it is a draft or more was asked."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        await evidence.own_application(session, asking.user_id)
    limit = services.settings.max_upload_bytes
    async with form_of(request) as form:
        upload = await upload_of(form, limit)
    row = await evidence.add_evidence(
        services.database,
        services.files,
        asking.shop.tenant_id,
        asking.user_id,
        upload,
        by=asking.email,
        at=services.clock(),
        limit=limit,
    )
    return _file(row)


@applicants.get("/application/evidence/{file_id}", response_class=Response, responses=FILES)  # type: ignore[arg-type]
async def evidence_file(file_id: Id, asking: Asking, services: Doors) -> Response:
    """A file with the account's application, as it was uploaded."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        file = await evidence.own_evidence(session, asking.user_id, file_id)
    return await download(services, file)


@applicants.delete("/application/evidence/{file_id}", status_code=204, response_class=Response)
async def delete_evidence(file_id: Id, asking: Asking, services: Doors) -> Response:
    """Take a file away from the account's application, while it is a draft or more was asked."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        await evidence.remove_evidence(session, asking.user_id, file_id, by=asking.email, at=services.clock())
    return Response(status_code=204)


def _certificate(row: CertificateRow) -> s.CertificateOut:
    fields = set(s.CertificateOut.model_fields) - {"has_document"}
    return s.CertificateOut(**{name: getattr(row, name) for name in fields}, has_document=row.file_id is not None)


def _file(row: StoredFile) -> s.EvidenceOut:
    return s.EvidenceOut(**{name: getattr(row, name) for name in s.EvidenceOut.model_fields})
