"""The payment webhooks: a verified body to our gateway's decision and back. A business refusal is a 200 with a failure result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from app.errors import InvalidInput
from app.money import MoneyError
from app.orders import gateway, requests
from app.orders.services import Services
from app.saleor.payment_payload import ActionRequested, GatewayInitialize, Id, Session
from app.saleor.shops import Shop
from app.web.webhooks.signed import Answer, check_recipient

Payload = TypeVar("Payload", bound=BaseModel)


def payment_answers(services: Services) -> dict[str, Answer]:
    """The answer of each payment event by its name."""
    return {
        "payment_gateway_initialize_session": _answer(services, GatewayInitialize, gateway.initialize_gateway),
        "transaction_initialize_session": _answer(services, Session, gateway.answer_session),
        "transaction_process_session": _answer(services, Session, gateway.answer_session),
        "transaction_charge_requested": _answer(services, ActionRequested, requests.answer_charge),
        "transaction_refund_requested": _answer(services, ActionRequested, requests.answer_refund),
        "transaction_cancelation_requested": _answer(services, ActionRequested, requests.answer_cancelation),
    }


def _answer(
    services: Services, model: type[Payload], decide: Callable[[Services, Shop, Payload], Awaitable[dict[str, Any]]]
) -> Answer:
    async def answer(shop: Shop, body: bytes) -> bytes:
        payload = parse(model, body)
        recipient: Id | None = getattr(payload, "recipient", None)
        check_recipient(shop, recipient.id if recipient else None)
        try:
            # In the order of keys: PostgreSQL keeps an answer's keys in an order of its own, and a repetition gets equal bytes.
            return msgspec.json.encode(await decide(services, shop, payload), order="deterministic")
        except MoneyError as error:
            raise InvalidInput(f"The webhook holds an amount that is none: {error}.", code="amount") from error

    return answer


def parse(model: type[Payload], body: bytes) -> Payload:
    """The payload as typed. Raises InvalidInput that names the first wrong place."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise InvalidInput(f"The webhook cannot be read: {place}: {first['msg']}.", code="malformed") from error
