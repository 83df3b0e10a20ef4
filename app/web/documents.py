"""Issued documents under their unguessable address: what Saleor shows the reseller as the order's invoice (saleor-facts 9)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.documents.service import fetch
from app.errors import NotFound
from app.orders.services import Services

router = APIRouter(tags=["documents"])


@router.get("/documents/{tenant_id}/{document_id}")
async def read(tenant_id: str, document_id: str, request: Request) -> Response:
    """The document's bytes as they were issued, or 404."""
    services: Services = request.app.state.services
    try:
        async with services.database.tenant_reading(tenant_id) as session:
            document = await fetch(session, document_id)
    except NotFound as error:
        return Response(error.sentence, status_code=404, media_type="text/plain")
    headers = {
        "Content-Disposition": f'inline; filename="{document.file_name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(document.content, media_type=document.media_type, headers=headers)
