"""On the Dashboard's home: the queue in numbers."""

from __future__ import annotations

from starlette.responses import Response

from app.orders.queue import counts
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import Visit


async def show(staff: Visit, of: str) -> Response:
    """How much of each kind waits. Raises MissingPermission."""
    staff.need(Permission.ORDERS)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        numbers = [one for one in await counts(session) if one.count]
    return staff.page("home_widget.html", counts=numbers)
