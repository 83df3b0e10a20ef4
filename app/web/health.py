"""Whether the process lives, and whether it can work: what a load balancer and an orchestrator ask."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from app.db.migrate import behind
from app.db.tenants import Tenant
from app.errors import Unavailable
from app.orders.measures import Measures
from app.orders.services import Services

router = APIRouter(tags=["health"])


@router.get("/health")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, object]:
    """200 when it can do its work, 503 with the reason in `status` until then.

    The database answers, its schema is not behind this program (a newer one is right: it only grows before the last old process
    is gone), the tokens of all shops can be opened with the configured keys, and every shop's program is loaded. The ages of the
    queue and, where there is one, of the mailbox are said and never make a process unready: taking one away would only make them
    older.
    """
    services: Services = request.app.state.services
    shops = len(services.shops.all())
    status, looked = await _state(request, services)
    if status != "ok":
        response.status_code = 503
    ages = {} if looked is None else {"queue_age_seconds": looked.queue_age, "mailbox_age_seconds": looked.mailbox_age}
    return {"status": status, "shops": shops} | {name: round(age, 1) for name, age in ages.items() if age is not None}


async def _state(request: Request, services: Services) -> tuple[str, Measures | None]:
    try:
        if await behind(services.database):
            return "schema behind", None
        async with services.database.system_reading() as session:
            sealed = [(row.id, row.token) for row in await session.scalars(select(Tenant).where(Tenant.active))]
        looked = await request.app.state.measured.get()
    except (OperationalError, InterfaceError):
        return "no database", None
    except ProgrammingError:
        return "schema behind", None
    try:
        for tenant_id, token in sealed:
            services.box.decrypt(tenant_id, token)
    except Unavailable:
        return "a secret key is missing", looked
    if any(not services.programs.loaded(shop.tenant_id) for shop in services.shops.all()):
        return "starting", looked
    return "ok", looked
