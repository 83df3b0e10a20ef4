"""The door: a token of the Dashboard, verified, becomes a session of ours."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.errors import Unauthorized
from app.orders.services import Services
from app.saleor.tokens import staff
from app.web.dashboard.origins import learn
from app.web.dashboard.session import LIFE, Session, seal
from app.web.dashboard.visit import Anybody

router = APIRouter()
ORIGIN = "dashboard-origin"
"""Header in which a page names the origin that its token came from."""


@router.post("/session")
async def begin(reader: Anybody, request: Request) -> Response:
    """A session for `Authorization: Bearer <the Dashboard's token>`. The shop is the one that signed it, nothing else."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send the token that the Dashboard gave this page.", code="token_missing")
    services = reader.services
    session = await opened(services, token, request.headers.get(ORIGIN, ""))
    return JSONResponse({"session": seal(services.box, session), "seconds": int(LIFE.total_seconds())})


async def opened(services: Services, token: str, origin: str) -> Session:
    """The session of a token; where it came from is learned. Raises Unauthorized as `tokens.staff`."""
    now = services.clock()
    found = await staff(services.shops, token.strip(), now)
    await learn(services, found.shop, origin)
    return Session.of(found, now)


@router.get("/refused")
async def refused(reader: Anybody) -> Response:
    """What a page shows whose reader got no token (dashboard-facts 0.8)."""
    return reader.page("refused.html")
