"""Beside a product in the Dashboard: what a reseller on the default list pays for its variants, and why."""

from __future__ import annotations

from starlette.responses import Response

from app.orders.product_prices import partner_prices
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import Visit


async def show(staff: Visit, of: str) -> Response:
    """The product with Saleor's id `of`. Raises MissingPermission."""
    staff.need(Permission.PRODUCTS)
    found = await partner_prices(staff.services, staff.shop, of)
    return staff.page("product_widget.html", prices=found)
