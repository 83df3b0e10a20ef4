"""Small pages that the Dashboard shows beside its own: they come by POST with the token in the body, and no message but
`tokenRefresh` ever reaches them (dashboard-facts 0.3). The first answer is the whole document; its forms then ask as pages do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.errors import NotFound, ResellerError
from app.web.dashboard import customer_widget, home_widget, order_widget, product_widget
from app.web.dashboard.rendering import PATH, fragment, widget
from app.web.dashboard.session import LIFE, seal
from app.web.dashboard.sessions import opened
from app.web.dashboard.visit import Anybody, Staff, Visit, path_part
from app.web.forms import read_form

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Widget:
    """What one shows: `field` is where the Dashboard puts Saleor's id of what it stands beside, `show` makes the content."""

    field: str
    show: Callable[[Visit, str], Awaitable[Response]]


WIDGETS: Mapping[str, Widget] = {
    "order": Widget("orderId", order_widget.show),
    "customer": Widget("customerId", customer_widget.show),
    "product": Widget("productId", product_widget.show),
    "home": Widget("", home_widget.show),
}


@router.get("/widgets/{name}")
async def again(staff: Staff, name: str, of: str = "") -> Response:
    """What a widget shows after one of its forms was carried out."""
    return await _widget(name).show(staff, of)


@router.post("/widgets/{name}")
async def first(reader: Anybody, request: Request, name: str) -> Response:
    """The widget's document."""
    request.state.frame = "widget"
    wanted = _widget(name)
    async with read_form(request) as form:
        token, of = form["accessToken"], form[wanted.field] if wanted.field else ""
    here = f"{PATH}/widgets/{name}?of={path_part(of)}"
    if not token:  # the user lacks the extension's permissions (dashboard-facts 0.8)
        return HTMLResponse(widget(reader, fragment(reader, "refused.html"), here))
    session = await opened(reader.services, token, request.headers.get("origin", ""))
    visit = Visit(request, reader.services, await reader.services.shops.by_tenant(session.tenant_id), session)
    request.state.visit, request.state.shop = visit, visit.shop
    try:
        shown = bytes((await wanted.show(visit, of)).body).decode()
    except ResellerError as error:
        shown = fragment(visit, "widget_error.html", error=error)
    return HTMLResponse(widget(visit, shown, here, seal(visit.services.box, session), int(LIFE.total_seconds())))


def _widget(name: str) -> Widget:
    if name not in WIDGETS:
        raise NotFound("There is no such page.", code="no_page")
    return WIDGETS[name]
