"""What every webhook of Saleor needs before its content counts: size, shop, signature (saleor-facts 2), and its answer's form.

Plain ASGI: the synchronous webhooks are answered while a buyer waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from app import metrics, tracing
from app.errors import Forbidden, InvalidInput, ResellerError, TooLarge, Unauthorized
from app.saleor.shops import Shop, Shops
from app.web.dispatch import Asgi, Receive, Scope, Send

log = structlog.get_logger()

Answer = Callable[[Shop, bytes], Awaitable[bytes]]
"""A webhook's own part: the shop and the verified body in, the JSON of a 200 answer out; errors of the tree for the rest."""

_CONTENT_TYPE = (b"content-type", b"application/json")


def signed_endpoint(shops: Shops, max_body_bytes: int, answer: Answer, event: str) -> Asgi:
    """The endpoint of one webhook: `answer` is asked only for a body that a known shop signed (saleor-facts 0.6).

    `event` is what its metrics and spans are named by.
    """
    now, done = metrics.webhook_timer(event)

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        began, outcome, shop = now(), metrics.OK, None
        try:
            shop, body = await receive_signed(scope, receive, shops, max_body_bytes)
            if tracing.on():
                with tracing.span(f"webhook {event}", tenant=shop.tenant_id):
                    status, content = 200, await answer(shop, body)
            else:
                status, content = 200, await answer(shop, body)
        except ResellerError as error:
            status, content, outcome = error.status, error_json(error.code, error.sentence), error.code
            log.info(
                "webhook_refused",
                path=scope["path"],
                tenant=shop.tenant_id if shop is not None else None,
                status=status,
                code=error.code,
                sentence=error.sentence,
            )
        except (OperationalError, InterfaceError):
            status, outcome = 503, "unavailable"
            content = error_json(outcome, "The app's database cannot be reached; try again.")
            log.exception("webhook_database", path=scope["path"], tenant=shop.tenant_id if shop is not None else None)
        except Exception:
            status, outcome = 500, "internal_error"
            content = error_json(outcome, "Something went wrong in the app; its log says what.")
            log.exception("webhook_failed", path=scope["path"], tenant=shop.tenant_id if shop is not None else None)
        await respond(send, status, content)
        done(began, outcome)

    return endpoint


async def receive_signed(scope: Scope, receive: Receive, shops: Shops, max_body_bytes: int) -> tuple[Shop, bytes]:
    """The shop a webhook comes from, with the body it signed.

    The shop is looked up in memory only: an unknown sender must not cost a query. Raises Unauthorized for an unknown shop and for
    a missing or wrong signature, TooLarge above `max_body_bytes`, InvalidInput when the body ends early.
    """
    url = signature = b""
    for name, value in scope["headers"]:
        if name == b"saleor-api-url":
            url = value
        elif name == b"saleor-signature":
            signature = value
        elif name == b"content-length" and int(value) > max_body_bytes:
            raise _too_large(max_body_bytes)
    shop = shops.known(url.decode("latin-1"))
    if shop is None:
        raise Unauthorized("This app is not installed in that shop.", code="unknown_shop")
    body = await read_body(receive, max_body_bytes)
    await shop.keys.verify(signature.decode("latin-1"), body)
    return shop, body


def check_recipient(shop: Shop, recipient: str | None) -> None:
    """Refuse a webhook that the shop made for another app, or for nobody named. Raises Forbidden."""
    if recipient != shop.app_id:
        raise Forbidden("This webhook is meant for another app.", code="wrong_recipient")


async def respond(send: Send, status: int, content: bytes) -> None:
    """Write one JSON answer."""
    headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def error_json(code: str, message: str) -> bytes:
    """The one form of an error's answer."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


async def read_body(receive: Receive, limit: int) -> bytes:
    """A request's body. Raises TooLarge above `limit` bytes, InvalidInput when it ends early."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if len(body) > limit:
        raise _too_large(limit)
    if message["type"] == "http.disconnect":
        raise InvalidInput("The connection ended before the body did.", code="cut_body")
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.")
