"""Beside a product in the Dashboard, and from its menu: what a reseller on the default list pays for its variants, and why."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.orders.product_prices import partner_prices
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import ProductStaff, Visit

router = APIRouter()


async def show(staff: Visit, of: str) -> Response:
    """The product with Saleor's id `of`. Raises MissingPermission."""
    staff.need(Permission.PRODUCTS)
    found = await partner_prices(staff.services, staff.shop, of)
    return staff.page("product_widget.html", prices=found)


@router.get("/popup/product")
async def from_menu(staff: ProductStaff, productId: str = "") -> Response:
    """From the menu of a product: the same with the way to the price lists."""
    found = await partner_prices(staff.services, staff.shop, productId)
    return staff.page("product_popup.html", prices=found)
