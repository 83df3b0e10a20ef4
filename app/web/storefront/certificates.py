"""A reseller's exemption certificates."""

from __future__ import annotations

from fastapi import APIRouter

from app.orders import storefront
from app.resellers.roles import Right
from app.tax.service import list_certificates
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.problems import MEMBER, problems

router = APIRouter(tags=["resellers"])


@router.get("/certificates", response_model=s.CertificatesOut, responses=problems(*MEMBER))
async def certificates(asking: Asking, services: Doors) -> s.CertificatesOut:
    """The reseller's exemption certificates."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CERTIFICATES)
        rows = await list_certificates(session, reseller.id)
    fields = s.CertificateOut.model_fields
    return s.CertificatesOut(certificates=[s.CertificateOut(**{name: getattr(row, name) for name in fields}) for row in rows])
