"""Beside an order in the Dashboard: its gate, money, licenses and documents, and what staff decide about it."""

from __future__ import annotations

from starlette.responses import Response

from app.orders import desk
from app.reasons import Reason
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import Visit


async def show(staff: Visit, of: str) -> Response:
    """The order with Saleor's id `of`. Raises MissingPermission."""
    staff.need(Permission.ORDERS)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        order = await desk.by_saleor_id(session, of)
        file = await desk.order_file(session, order, staff.services.clock()) if order is not None else None
    return staff.page(
        "order_widget.html",
        of=of,
        file=file,
        audit=[Reason.from_dict(reason) for reason in order.audit] if order is not None else [],
        today=staff.services.today(staff.shop),
    )
