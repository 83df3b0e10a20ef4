"""A second payment app inside the shop: cards. It says yes to anybody, since no app can veto another (saleor-facts 5)."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.sandbox.rows.people import App, Webhook
from app.sandbox.shop import Sandbox

IDENTIFIER = "sandbox.card"
PATH = "/card/session"
SUBSCRIPTION = """subscription { event {
  ... on TransactionInitializeSession { action { amount } }
  ... on PaymentGatewayInitializeSession { amount }
  ... on TransactionRefundRequested { action { actionType amount } }
} }"""
EVENTS = {"PAYMENT_GATEWAY_INITIALIZE_SESSION", "TRANSACTION_INITIALIZE_SESSION", "TRANSACTION_REFUND_REQUESTED"}


def install(sandbox: Sandbox) -> App:
    """Put the card app into the shop, once."""
    known = next((app for app in sandbox.store.apps if app.identifier == IDENTIFIER), None)
    if known is not None:
        return known
    webhook = Webhook(name="card", target_url=f"{sandbox.url}{PATH}", subscription_query=SUBSCRIPTION, events=set(EVENTS))
    app = App(
        name="Card payments",
        identifier=IDENTIFIER,
        version="1.0.0",
        permissions={"HANDLE_PAYMENTS"},
        webhooks=[webhook],
        created=sandbox.store.clock(),
    )
    sandbox.store.apps.append(app)
    return app


async def answer(request: Request) -> Response:
    """Every card is good, every refund is done at once."""
    event = request.headers["saleor-event"]
    body: dict[str, Any] = await request.json()
    reference = f"card-{uuid.uuid4()}"
    if event == "payment_gateway_initialize_session":
        return JSONResponse({"data": {"publishableKey": "pk_sandbox"}})
    result = "REFUND_SUCCESS" if event == "transaction_refund_requested" else "CHARGE_SUCCESS"
    return JSONResponse(
        {"result": result, "pspReference": reference, "amount": body["action"]["amount"], "actions": ["REFUND"], "data": None}
    )
