"""One request to a page of staff: the shop, who works, what it may, in which language and zone, and the form it carries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.errors import Forbidden, InvalidInput, Unauthorized
from app.files.rules import disposition
from app.mail.schemas import Language
from app.orders.services import Services
from app.saleor.shops import Shop
from app.web.dashboard.permissions import Permission
from app.web.dashboard.rendering import PATH, render, speech
from app.web.dashboard.session import HEADER, Session, unseal
from app.web.forms import Form, read_form
from app.web.speech import Speech, first_language

LOCALE, ZONE, FRAME = "dashboard-locale", "dashboard-zone", "dashboard-frame"
"""Headers in which a page says how it is read; the Dashboard tells pages in frames only by messages."""
FRAMES = ("page", "popup", "widget")


class SessionOver(Unauthorized):
    """The session ended or never was; the page gets itself a new one and sends the request again."""

    default_code = "session_over"


class MissingPermission(Forbidden):
    """The reader lacks a permission of Saleor that the page needs."""

    default_code = "missing_permission"

    def __init__(self, permission: Permission) -> None:
        super().__init__(f"This needs the permission {permission.value} in the shop.")
        self.permission = permission


@dataclass
class Reader:
    """How a page is read, by anybody: language, zone and kind of frame."""

    request: Request
    services: Services

    @property
    def language(self) -> Language:
        """The Dashboard's language, else the browser's."""
        headers = self.request.headers
        return first_language(headers.get(LOCALE) or headers.get("accept-language", ""))

    @property
    def frame(self) -> str:
        """page, popup or widget."""
        given = getattr(self.request.state, "frame", "") or self.request.headers.get(FRAME, "")
        return given if given in FRAMES else "page"

    @property
    def origins(self) -> list[str]:
        """Where the shop's Dashboard is known to be."""
        shop: Shop | None = getattr(self.request.state, "shop", None)
        return shop.settings.dashboard_origins if shop is not None else []

    @property
    def zone(self) -> ZoneInfo:
        """The reader's own time zone, as its browser says."""
        try:
            return ZoneInfo(self.request.headers.get(ZONE, "")[:64] or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")

    @property
    def speech(self) -> Speech:
        """The pages in the reader's language."""
        return speech(self.language, self.zone)

    def page(self, name: str, *, status: int = 200, **context: Any) -> Response:
        """A template as what the page shows now."""
        return HTMLResponse(render(self, name, context), status)


@dataclass
class Visit(Reader):
    """A request of staff who is known. `by` is the name on the record."""

    shop: Shop
    session: Session

    @property
    def by(self) -> str:
        """Who decides."""
        return self.session.email

    def may(self, permission: Permission | str) -> bool:
        """Whether the reader has a permission in the shop; for menus and buttons, pages `need` theirs."""
        return str(permission) in self.session.permissions

    def need(self, permission: Permission) -> None:
        """Raises MissingPermission."""
        if not self.may(permission):
            raise MissingPermission(permission)

    def go(self, path: str, notice: str = "", **values: object) -> Response:
        """To another page, by GET, as after a form that was carried out; `notice` is the word that it then tells once."""
        query = urlencode({"notice": notice, **values}) if notice else ""
        return RedirectResponse(f"{PATH}{path}" + (f"{'&' if '?' in path else '?'}{query}" if query else ""), 303)

    def file(self, content: bytes | str, media_type: str, name: str) -> Response:
        """A file to be saved, never shown in the app's own origin."""
        headers = {"Content-Disposition": disposition(" ".join(name.split()))}
        return Response(content, media_type=media_type, headers=headers)


def reading(request: Request) -> Reader:
    """A reader of whom nothing is known but how it reads."""
    return Reader(request, request.app.state.services)


async def working(request: Request) -> Visit:
    """The visit of a valid session. Raises SessionOver."""
    return visit_of(request, request.headers.get(HEADER, ""))


def visit_of(request: Request, sealed: str) -> Visit:
    """The visit of a session as a page carries it. Raises SessionOver."""
    services: Services = request.app.state.services
    session = unseal(services.box, sealed, services.clock())
    shop = next((shop for shop in services.shops.all() if session and shop.tenant_id == session.tenant_id), None)
    if session is None or shop is None or shop.app_id != session.app_id:
        raise SessionOver("The session is over; open the page again from the Dashboard.")
    visit = Visit(request, services, shop, session)
    request.state.visit = visit
    request.state.shop = shop
    return visit


Anybody = Annotated[Reader, Depends(reading)]
Staff = Annotated[Visit, Depends(working)]
"""Any staff; a page with data asks for a permission by one of the next."""


def needs(permission: Permission) -> Any:
    """The dependency of pages that need a permission."""

    async def allowed(visit: Staff) -> Visit:
        visit.need(permission)
        return visit

    return Depends(allowed)


OrderStaff = Annotated[Visit, needs(Permission.ORDERS)]
"""Orders, money and licenses."""
UserStaff = Annotated[Visit, needs(Permission.USERS)]
"""Resellers and applications."""
ProductStaff = Annotated[Visit, needs(Permission.PRODUCTS)]
"""Partner prices."""
TaxStaff = Annotated[Visit, needs(Permission.TAXES)]
"""Rates, registrations and certificates."""
AppStaff = Annotated[Visit, needs(Permission.APPS)]
"""Settings and the installation."""


async def posted(visit: Staff) -> AsyncIterator[Form]:
    """The form that somebody with a session sent."""
    async with read_form(visit.request) as form:
        yield form


Posted = Annotated[Form, Depends(posted)]


def a_day(form: Form, name: str) -> date:
    """A day of a form. Raises InvalidInput that names the field."""
    try:
        return date.fromisoformat(form[name])
    except ValueError:
        raise InvalidInput(f"{name}: give a day like 2026-12-31.", code="day") from None


def path_part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")
