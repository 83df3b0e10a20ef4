"""Issued documents under signed addresses that expire: what Saleor shows the reseller as the order's invoice (saleor-facts 9).

Documents issued before there were signatures are read under their unguessable address still: Saleor shows it for ever.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.documents.links import check_signature, check_statement
from app.documents.service import fetch
from app.errors import Forbidden, NotFound
from app.orders.services import Services
from app.statements.drawing import PDF, file_stem
from app.statements.service import printed

router = APIRouter(tags=["documents"])


@router.get("/documents/{tenant_id}/{document_id}")
async def read(tenant_id: str, document_id: str, request: Request, expires: int = 0, signature: str = "") -> Response:
    """The document's bytes as they were issued, 404, or 403 with a signature that is wrong or whose time is over."""
    services: Services = request.app.state.services
    try:
        async with services.database.tenant_reading(tenant_id) as session:
            document = await fetch(session, document_id)
        if document.signed_links:
            check_signature(services.settings.secret_keys, tenant_id, document_id, expires, signature, services.clock())
    except (NotFound, Forbidden) as error:
        return Response(error.sentence, status_code=error.status, media_type="text/plain")
    return _shown(document.content, document.media_type, document.file_name)


@router.get("/documents/{tenant_id}/statements/{statement_id}")
async def statement(tenant_id: str, statement_id: str, request: Request, expires: int = 0, signature: str = "") -> Response:
    """A statement's PDF as it was sent, for staff who opened it from the dashboard; 404, or 403 as `read`."""
    services: Services = request.app.state.services
    try:
        check_statement(services.settings.secret_keys, tenant_id, statement_id, expires, signature, services.clock())
        async with services.database.tenant_reading(tenant_id) as session:
            row = await printed(session, statement_id)
    except (NotFound, Forbidden) as error:
        return Response(error.sentence, status_code=error.status, media_type="text/plain")
    return _shown(row.pdf or b"", PDF, f"{file_stem(row)}.pdf")


def _shown(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
