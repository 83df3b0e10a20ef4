"""The portal as its own application under `/portal`, with error pages of its own."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from app.errors import InvalidInput, NotFound, ResellerError
from app.orders.services import Services
from app.web.dispatch import Asgi
from app.web.portal import (
    applying,
    cases,
    certificates,
    customers,
    entry,
    home,
    obligations,
    orders,
    prices,
    statement,
    statements,
    users,
)
from app.web.portal.front import guarded
from app.web.portal.visit import Signed, SignInFirst, Visit, visiting
from app.web.storefront.access import Buckets

ROOMS = (home, applying, prices, orders, statement, statements, certificates, obligations, cases, users, customers, entry)
"""`entry` is the last: it takes every name that is no page for a shop's."""
STATIC = Path(__file__).parent / "static"


def portal_application(services: Services) -> Asgi:
    """The pages with all that stands around them; mounted by `main`."""
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages.state.services = services
    pages.state.buckets = Buckets()
    pages.state.attempts = Buckets()
    pages.mount("/static", StaticFiles(directory=STATIC))
    for room in ROOMS:
        pages.include_router(room.router)
    pages.add_exception_handler(ResellerError, _own)
    pages.add_exception_handler(RequestValidationError, _invalid)
    pages.add_exception_handler(HTTPException, _http)
    pages.add_exception_handler(Exception, _failed)
    return guarded(pages, services.settings.max_upload_bytes)


async def _visit(request: Request) -> Visit:
    """The visit as far as it came before the error."""
    found: Visit | None = getattr(request.state, "visit", None)
    return found or await visiting(request)


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, ResellerError)
    visit = await _visit(request)
    if isinstance(error, SignInFirst):
        return visit.go(entry.sign_in_path(visit, error.code))
    return visit.page("error.html", status=error.status, error=error, back=_back(visit))


async def _invalid(request: Request, error: Exception) -> Response:
    return await _own(request, InvalidInput("Something in the address is wrong.", code="address"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _own(request, NotFound("There is no such page.", code="no_page"))
    visit = await _visit(request)
    found = InvalidInput("The page cannot be asked for like this.", code="http_error")
    return visit.page("error.html", status=error.status_code, error=found, back=_back(visit))


async def _failed(request: Request, error: Exception) -> Response:
    # The front writes it to the log.
    return await _own(request, ResellerError("Something went wrong on our side; try again later."))


def _back(visit: Visit) -> str:
    return "/" if isinstance(visit, Signed) else "/sign-in"
