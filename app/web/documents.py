"""Issued documents under signed addresses that expire: what Saleor shows the reseller as the order's invoice (saleor-facts 9).

Documents issued before there were signatures are read under their unguessable address still: Saleor shows it for ever.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.documents.links import check_signature
from app.documents.service import fetch
from app.errors import Forbidden, NotFound
from app.orders.services import Services

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
    headers = {
        "Content-Disposition": f'inline; filename="{document.file_name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(document.content, media_type=document.media_type, headers=headers)
