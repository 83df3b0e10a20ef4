"""The storefront API as its own application under `/storefront/v1`, with its own OpenAPI document and error answers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.errors import ResellerError
from app.orders.services import Services
from app.web.dispatch import Asgi
from app.web.storefront.access import Buckets, TooMany
from app.web.storefront.certificates import UPLOADS, applicants, certificates
from app.web.storefront.front import PROBLEM, Front, problem
from app.web.storefront.routes import PREFIX, RESPONSES, customers, resellers
from app.web.storefront.schemas import ProblemOut
from app.web.storefront.uploads import PARTS

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {PROBLEM: {"schema": ProblemOut.model_json_schema()}}}
    for status, text in RESPONSES.items()
}


def storefront_application(services: Services) -> Asgi:
    """The API with all that stands around it; mounted by `main`."""
    api = FastAPI(
        title="Reseller program: storefront API",
        version="1",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        responses=ERRORS,
    )
    api.state.services = services
    api.state.buckets = Buckets()
    api.include_router(resellers)
    api.include_router(customers)
    api.include_router(certificates)
    api.include_router(applicants)
    api.add_exception_handler(ResellerError, _own)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    return Front(api, services.shops, dict.fromkeys(UPLOADS, services.settings.max_upload_bytes + PARTS))


def _problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return Response(problem(status, code, detail), status_code=status, media_type=PROBLEM, headers=headers)


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, ResellerError)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.wait)
    return _problem(error.status, error.code, error.sentence, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
    return _problem(422, "validation", "; ".join(places)[:1000])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _problem(error.status_code, code, str(error.detail), dict(error.headers or {}))
