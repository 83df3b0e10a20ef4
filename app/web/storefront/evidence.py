"""Evidence with an application: files its account adds while it is a draft or more was asked (`rules.md` 1.1)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.files.tables import StoredFile
from app.resellers import evidence as use_cases
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import Id
from app.web.storefront.problems import problems, register_problems
from app.web.storefront.uploads import FILE_PROBLEMS, download, file_answer, form_of, multipart, upload_of

router = APIRouter(tags=["program"])
register_problems(
    {
        "no_application": (404, "There is no application of this account in the works."),
        "not_editable": (409, "The application is submitted; its files change only while it is a draft."),
        "changed": (409, "The application was changed since; read it again."),
        "known_file": (409, "This file is with the application already."),
        "too_many": (409, "An application holds at most 10 files; delete one first."),
    }
)


@router.get("/application/evidence", response_model=s.EvidenceListOut, responses=problems("no_application"))
async def application_evidence(asking: Asking, services: Doors) -> s.EvidenceListOut:
    """The files with the account's application."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        return s.EvidenceListOut(files=[_shown(row) for row in await use_cases.evidence(session, asking.user_id)])


@router.post(
    "/application/evidence",
    response_model=s.EvidenceOut,
    status_code=201,
    responses=problems("no_application", "not_editable", "changed", "known_file", "too_many", *FILE_PROBLEMS),
    openapi_extra=multipart(),
)
async def upload_evidence(request: Request, asking: Asking, services: Doors) -> s.EvidenceOut:
    """Add a PDF, JPEG or PNG to the account's application, while it is a draft or more was asked."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        await use_cases.own_application(session, asking.user_id)
    limit = services.settings.max_upload_bytes
    async with form_of(request) as form:
        upload = await upload_of(form, limit)
    row = await use_cases.add_evidence(
        services.database,
        services.files,
        asking.shop.tenant_id,
        asking.user_id,
        upload,
        by=asking.email,
        at=services.clock(),
        limit=limit,
    )
    return _shown(row)


@router.get(
    "/application/evidence/{file_id}",
    response_class=Response,
    responses=file_answer("The file.") | problems("no_application", "no_file"),
)
async def evidence_file(file_id: Id, asking: Asking, services: Doors) -> Response:
    """A file with the account's application, as it was uploaded."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        file = await use_cases.own_evidence(session, asking.user_id, file_id)
    return await download(services, file)


@router.delete(
    "/application/evidence/{file_id}",
    status_code=204,
    response_class=Response,
    responses=problems("no_application", "no_file", "not_editable"),
)
async def delete_evidence(file_id: Id, asking: Asking, services: Doors) -> Response:
    """Take a file away from the account's application, while it is a draft or more was asked."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        await use_cases.remove_evidence(session, asking.user_id, file_id, by=asking.email, at=services.clock())
    return Response(status_code=204)


def _shown(row: StoredFile) -> s.EvidenceOut:
    return s.EvidenceOut(**{name: getattr(row, name) for name in s.EvidenceOut.model_fields})
