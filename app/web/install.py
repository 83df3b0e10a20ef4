"""What a shop needs to install the app: its manifest, and the door the token comes through (saleor-facts 1)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Protocol

import httpx
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse

from app.clock import Clock
from app.db.secrets import SecretBox
from app.db.session import Database
from app.errors import InvalidInput, ResellerError, TooLarge
from app.saleor.manifest import render
from app.saleor.registration import register
from app.saleor.shops import Shops
from app.settings import Settings

MAX_BODY = 16 * 1024

router = APIRouter(tags=["installation"])


class Installation(Protocol):
    """What installing works with; `app.state.services` has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def box(self) -> SecretBox: ...
    @property
    def http(self) -> httpx.AsyncClient: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def shops(self) -> Shops: ...


def services(request: Request) -> Installation:
    """The process's services."""
    found: Installation = request.app.state.services
    return found


Services = Annotated[Installation, Depends(services)]


@router.get("/api/manifest")
async def manifest(
    at: Services,
    saleor_schema_version: Annotated[str | None, Header()] = None,
    schema_version: str | None = None,
) -> JSONResponse:
    """The manifest for the Saleor that asks; a person may name the version in the address."""
    try:
        return JSONResponse(
            render(
                at.settings.base_url,
                saleor_schema_version or schema_version,
                customer_types=at.settings.customer_types,
            )
        )
    except ResellerError as error:
        return _refusal(error)


@router.post("/api/register")
async def accept(
    request: Request,
    at: Services,
    saleor_api_url: Annotated[str, Header()] = "",
    saleor_domain: Annotated[str, Header()] = "",
) -> JSONResponse:
    """Saleor's token handshake. Staff read the sentence of a refusal in the Dashboard; Saleor then drops the app again."""
    try:
        token = _token(await _body(request))
        if not saleor_api_url:
            raise InvalidInput("The header Saleor-Api-Url is missing; is this Saleor calling?", code="saleor_api_url")
        installed = await register(
            api_url=saleor_api_url,
            domain=saleor_domain,
            token=token,
            settings=at.settings,
            database=at.database,
            box=at.box,
            http=at.http,
            clock=at.clock,
        )
        await at.shops.refresh()
    except ResellerError as error:
        return _refusal(error)
    return JSONResponse({"app": installed.app_id, "again": installed.again})


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge(f"A handshake has at most {MAX_BODY} bytes.")
    return bytes(body)


def _token(body: bytes) -> str:
    try:
        token: Any = json.loads(body)["auth_token"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str):
        raise InvalidInput('The body must be {"auth_token": "..."}.', code="auth_token")
    return token


def _refusal(error: ResellerError) -> JSONResponse:
    # The shape Saleor looks for (saleor `app/installation_utils.py`).
    return JSONResponse({"error": {"code": error.code, "message": error.sentence}}, status_code=error.status)
