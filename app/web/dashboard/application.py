"""The staff's pages as their own application under `/dashboard`: the shell of every frame, the session, the pages, errors."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from app.errors import Forbidden, InvalidInput, NotFound, ResellerError
from app.orders.services import Services
from app.saleor.shops import Shop
from app.web.dashboard import (
    customer_widget,
    health,
    inbox,
    licenses,
    orders,
    payments,
    prices,
    product_widget,
    reports,
    resellers,
    search,
    sessions,
    settings,
    statements,
    taxes,
    widgets,
)
from app.web.dashboard.origins import ancestors
from app.web.dashboard.pages import Page
from app.web.dashboard.rendering import STATIC, shell
from app.web.dashboard.session import HEADER
from app.web.dashboard.visit import MissingPermission, Reader, SessionOver, Staff, Visit, reading
from app.web.dispatch import Asgi, Receive, Scope, Send
from app.web.front import Front, Rules

PAGES: tuple[Page, ...] = (
    inbox.PAGE,
    resellers.PAGE,
    payments.PAGE,
    orders.PAGE,
    licenses.PAGE,
    statements.PAGE,
    reports.PAGE,
    prices.PAGE,
    taxes.PAGE,
    settings.PAGE,
    health.PAGE,
)
"""In the order of the menu; the first is where the app opens."""
POPUPS = "/popup/"
WITHOUT_SHELL = ("/static/", "/session")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Addresses name resellers and orders; nobody else learns them.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""No X-Frame-Options: the Dashboard shows a blank frame for any (dashboard-facts 7)."""


def dashboard_application(services: Services) -> Asgi:
    """The pages with all that stands around them; mounted by `main`."""
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages.state.services = services
    pages.state.menu = PAGES
    pages.mount("/static", StaticFiles(directory=STATIC))
    pages.include_router(sessions.router)
    pages.include_router(search.router)
    pages.include_router(widgets.router)
    pages.include_router(customer_widget.router)
    pages.include_router(product_widget.router)
    for page in PAGES:
        pages.include_router(page.router)
    pages.add_api_route("/", _home, response_model=None)
    pages.add_exception_handler(ResellerError, _own)
    pages.add_exception_handler(RequestValidationError, _invalid)
    pages.add_exception_handler(HTTPException, _http)
    pages.add_exception_handler(Exception, _failed)
    uploads = {path: services.settings.max_upload_bytes for page in PAGES for path in page.uploads}
    uploads |= {path: services.settings.max_bank_file_bytes for page in PAGES for path in page.bank_files}
    rules = Rules(
        "dashboard_failed",
        lambda scope: _headers(services, scope),
        "Accept-Encoding, Accept-Language, Dashboard-Locale, Dashboard-Session",
        lambda path: uploads.get(path, 0),
    )
    return GZipMiddleware(Front(_Shells(services, pages), rules), minimum_size=1000)


class _Shells:
    """Answers whatever a frame loads first with the shell: it gets its token by a message only, and then asks again."""

    def __init__(self, services: Services, pages: Asgi) -> None:
        self._services, self._pages = services, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if not path.startswith(WITHOUT_SHELL) and not any(name == HEADER.encode() for name, _ in scope["headers"]):
                frame = "popup" if path.startswith(POPUPS) else "page"
                origins = " ".join(_ancestors(self._services, scope))
                await HTMLResponse(shell(frame, origins))(scope, receive, send)
                return
        await self._pages(scope, receive, send)


def _headers(services: Services, scope: Scope) -> dict[str, str]:
    framing = " ".join(_ancestors(services, scope)) or "'none'"
    own = scope.get("state", {}).get("policy")
    if own:  # shown by a page of ours, which the Dashboard shows
        return {**HEADERS, "Content-Security-Policy": f"{own}; frame-ancestors 'self' {framing}"}
    return {**HEADERS, "Content-Security-Policy": f"{POLICY}; frame-ancestors {framing}"}


def _ancestors(services: Services, scope: Scope) -> list[str]:
    """Who may frame this answer. A page with a verified reader knows its shop; a shell is asked for in a shop's name.

    The name is from the address and may be anybody's (dashboard-facts 0.9): it only chooses among the installed shops.
    """
    headers = dict(scope["headers"])
    asking = headers.get(b"origin") or headers.get(b"referer") or b""
    return ancestors(scope.get("state", {}).get("shop") or _named(services, scope), asking.decode("latin-1"))


def _named(services: Services, scope: Scope) -> Shop | None:
    named = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=200).get("saleorApiUrl", [])
    shops = services.shops.all()
    found = [shop for url in named if (shop := services.shops.known(url)) is not None]
    return found[0] if found else shops[0] if len(shops) == 1 else None


async def _home(staff: Staff) -> Response:
    """To the first page that the reader may see."""
    page = next((page for page in PAGES if staff.may(page.permission)), PAGES[0])
    return staff.go(page.path)


def _reader(request: Request) -> Reader:
    """The visit as far as it came before the error."""
    found: Visit | None = getattr(request.state, "visit", None)
    return found or reading(request)


async def _own(request: Request, error: Exception) -> Response:
    """An error as what the page shows: in place of it, or beside the form that was sent (`dashboard.js`)."""
    assert isinstance(error, ResellerError)
    reader = _reader(request)
    if isinstance(error, SessionOver):
        return reader.page("over.html", status=error.status)
    if request.method != "GET":
        return reader.page("problem.html", status=error.status, error=error)
    if isinstance(error, MissingPermission):
        return reader.page("missing.html", status=error.status, permission=error.permission)
    return reader.page("error.html", status=error.status, error=error)


async def _invalid(request: Request, error: Exception) -> Response:
    return await _own(request, InvalidInput("Something in the address is wrong.", code="address"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _own(request, NotFound("There is no such page.", code="no_page"))
    if error.status_code == 405:
        return await _own(request, Forbidden("The page cannot be asked for like this.", code="http_error"))
    return await _own(request, InvalidInput("The page cannot be asked for like this.", code="http_error"))


async def _failed(request: Request, error: Exception) -> Response:
    # The front writes it to the log.
    return await _own(request, ResellerError("Something went wrong on our side; try again later."))
