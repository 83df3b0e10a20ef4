"""The storefront API as its own application under `/storefront/v1`, with its own OpenAPI document and error answers."""

from __future__ import annotations

from functools import partial

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.errors import ResellerError
from app.orders.services import Services
from app.web.dispatch import Asgi
from app.web.storefront.access import Buckets, TooMany
from app.web.storefront.common import PREFIX
from app.web.storefront.front import Front, problem
from app.web.storefront.openapi import document, operation_id
from app.web.storefront.problems import CODES, EVERYWHERE, PROBLEM, problems
from app.web.storefront.routers import ROUTERS
from app.web.storefront.uploads import FORM_BYTES

log = structlog.get_logger()

OUTSIDE = {502: "saleor_error", 503: "unavailable"}
"""What failed behind us, and how, is for the log: one code and its sentence are all that a customer needs."""
OPERATORS = frozenset({"base_url"})
"""Errors that only whoever runs the app can mend, by its settings."""
HTTP_CODES = {400: "body", 404: "not_found", 405: "method_not_allowed"}


def storefront_application(services: Services) -> Asgi:
    """The API with all that stands around it; mounted by `main`."""
    return Front(storefront_api(services), services.shops, services.settings.max_upload_bytes + FORM_BYTES)


def storefront_api(services: Services) -> FastAPI:
    """The API alone."""
    api = FastAPI(
        title="Reseller program: storefront API",
        version="1",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        responses=problems(*EVERYWHERE),
        generate_unique_id_function=operation_id,
    )
    api.state.services = services
    api.state.buckets = Buckets()
    for router in ROUTERS:
        api.include_router(router)
    api.add_exception_handler(ResellerError, _own)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.openapi = partial(document, api)  # type: ignore[method-assign]
    return api


def _problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return Response(problem(status, code, detail), status_code=status, media_type=PROBLEM, headers=headers)


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, ResellerError)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.wait)
    status, code, sentence = error.status, error.code, error.sentence
    if code in OPERATORS:
        status = 503
    if status in OUTSIDE:
        log.warning("storefront_unavailable", path=request.url.path, code=code, error=sentence)
        code = OUTSIDE[status]
        sentence = CODES[code][status]
    return _problem(status, code, sentence, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
    return _problem(422, "validation", "; ".join(places)[:1000])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, "http_error")
    sentence = CODES["body"][400] if code == "body" else str(error.detail)
    return _problem(error.status_code, code, sentence, dict(error.headers or {}))
