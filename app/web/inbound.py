"""Mails posted by a mail service that takes them for us, each signed with the secret of the settings.

The body is the mail itself (`message/rfc822`), or JSON `{"raw": ...}` with the mail as text, or in Base64 with
`"encoding": "base64"`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError

from app.errors import InvalidInput, NotFound, ResellerError, Unauthorized
from app.orders.inbound import receive
from app.orders.services import Services
from app.web.webhooks.signed import read_body

log = structlog.get_logger()
TOLERANCE = 300
"""Seconds a signature counts."""
router = APIRouter(tags=["mail"])


@router.post("/mail/inbound")
async def inbound(request: Request) -> JSONResponse:
    """Take one mail: 200 with what became of it once it is stored; 401 for a wrong signature, 413 for one that is too large."""
    services: Services = request.app.state.services
    try:
        body = await _signed(request, services)
        received = await receive(services, _mail(request.headers.get("content-type", ""), body))
    except ResellerError as error:
        log.info("mail.refused", code=error.code, sentence=error.sentence)
        return JSONResponse({"error": {"code": error.code, "message": error.sentence}}, error.status)
    except (OperationalError, InterfaceError):
        log.exception("mail.database")
        return JSONResponse({"error": {"code": "unavailable", "message": "The database cannot be reached; try again."}}, 503)
    return JSONResponse({"outcome": received.outcome.value, "id": received.entry_id})


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What `X-Reseller-Signature` must hold: `sha256=` and the HMAC of the timestamp, a dot and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


async def _signed(request: Request, services: Services) -> bytes:
    settings = services.settings
    if not settings.inbound_secret:
        raise NotFound("Mails are not taken here: RESELLER_INBOUND_SECRET is not set.", code="no_inbound")
    timestamp, given = request.headers.get("x-reseller-timestamp", ""), request.headers.get("x-reseller-signature", "")
    age = abs(int(services.clock().timestamp()) - int(timestamp)) if re.fullmatch(r"[0-9]{1,12}", timestamp) else None
    if age is None or age > TOLERANCE:
        raise Unauthorized("X-Reseller-Timestamp: give the time now, in seconds since 1970.", code="inbound_timestamp")
    # Base64 and JSON make a mail longer; what it is then is looked at again.
    body = await read_body(request.receive, settings.max_inbound_bytes * 3 // 2 + 4096)
    if not hmac.compare_digest(signature(settings.inbound_secret, timestamp, body).encode(), given.encode()):
        raise Unauthorized("X-Reseller-Signature is not that of this body and time.", code="inbound_signature")
    return body


def _mail(content_type: str, body: bytes) -> bytes:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return body
    try:
        given = json.loads(body)
        raw = given["raw"]
        if given.get("encoding") == "base64":
            return base64.b64decode(raw, validate=True)
        return str(raw).encode("utf-8", "surrogateescape")
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError) as error:
        raise InvalidInput(
            'The body must be {"raw": "...", "encoding": "base64"}, or the mail itself.', code="inbound_body"
        ) from error
