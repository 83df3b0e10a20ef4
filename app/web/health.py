"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError

from app.db.tenants import Tenant
from app.orders.services import Services

router = APIRouter(tags=["health"])


@router.get("/health")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, object]:
    """The database answers and every installed shop's program is loaded; 503 until then."""
    services: Services = request.app.state.services
    try:
        async with services.database.system_reading() as session:
            await session.scalar(select(Tenant.id).limit(1))
    except (OperationalError, InterfaceError):
        response.status_code = 503
        return {"status": "no database", "shops": len(services.shops.all())}
    missing = [shop.api_url for shop in services.shops.all() if not services.programs.loaded(shop.tenant_id)]
    if missing:
        response.status_code = 503
    return {"status": "starting" if missing else "ok", "shops": len(services.shops.all())}
