"""Where the shop's Dashboard is: the only place that may put these pages into a frame.

Saleor's API does not tell it (dashboard-facts 7). The first request with a verified token names it and it is kept in the shop's
settings (`dashboard_origins`), where it can be changed; until then whoever asks for a frame gets the shell, which holds no data.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select

from app.db.tenants import Tenant
from app.orders.services import Services
from app.saleor.shops import Shop
from app.settings import ORIGIN

log = structlog.get_logger()


def origin_of(url: str) -> str:
    """The exact origin of an address; empty where it has none that a Dashboard could have."""
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        return ""
    return origin if re.fullmatch(ORIGIN, origin) else ""


def ancestors(shop: Shop | None, asking: str) -> list[str]:
    """Who may frame a page of this shop. `asking` is the address that the browser says the frame is in."""
    if shop is None:
        return []
    known = shop.settings.dashboard_origins
    return known or [found for found in [origin_of(asking)] if found]


async def learn(services: Services, shop: Shop, origin: str) -> None:
    """Keep where the Dashboard is, once, from a request whose token was verified."""
    found = origin_of(origin)
    if not found or shop.settings.dashboard_origins:
        return
    async with services.database.system() as session:
        row = (await session.scalars(select(Tenant).where(Tenant.id == shop.tenant_id).with_for_update())).one()
        if not row.settings.get("dashboard_origins"):
            row.settings = {**row.settings, "dashboard_origins": [found]}
            row.program_version += 1
            log.info("dashboard_origin_learned", shop=shop.api_url, origin=found)
    await services.shops.refresh()
