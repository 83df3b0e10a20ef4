"""A tiny app server: installs itself, answers taxes and sessions as a test says, and keeps what it heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.saleor.resources import subscription

IDENTIFIER = "test.app"
SYNC = (
    "checkout_calculate_taxes",
    "payment_gateway_initialize_session",
    "transaction_initialize_session",
    "transaction_process_session",
    "transaction_charge_requested",
    "transaction_refund_requested",
    "transaction_cancelation_requested",
)
ASYNC = (
    "order_created",
    "order_updated",
    "order_confirmed",
    "order_fully_paid",
    "order_cancelled",
    "order_refunded",
    "fulfillment_created",
    "fulfillment_canceled",
    "customer_updated",
    "customer_deleted",
    "app_deleted",
    "app_status_changed",
)
PERMISSIONS = ["HANDLE_TAXES", "MANAGE_TAXES", "HANDLE_PAYMENTS", "MANAGE_CHECKOUTS", "MANAGE_ORDERS", "MANAGE_USERS"]
PERMISSIONS += ["MANAGE_CHANNELS", "MANAGE_SETTINGS"]

Answer = Callable[[dict[str, Any]], Any]


def net_of_each(unit: str, rate: str = "0") -> Answer:
    """A tax answer that makes every unit cost this much net, at a rate in percent."""

    def answer(body: dict[str, Any]) -> Any:
        lines = []
        for line in body["taxBase"]["lines"]:
            net = round(float(unit) * line["quantity"], 2)
            gross = round(net * (1 + float(rate) / 100), 2)
            lines.append({"total_net_amount": net, "total_gross_amount": gross, "tax_rate": rate})
        return {"shipping_price_net_amount": 0, "shipping_price_gross_amount": 0, "shipping_tax_rate": 0, "lines": lines}

    return answer


class FakeApp:
    """What a test sets: answers by event (a body, a status, or a function of the body), and the status of the handshake."""

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self.registered: dict[str, str] = {}
        self.handshake = JSONResponse({"success": True})
        self.answers: dict[str, Any] = {"checkout_calculate_taxes": net_of_each("9.00")}
        self.heard: list[tuple[str, dict[str, Any], dict[str, str], bytes]] = []
        self.more: dict[str, str] = {}
        self.queries: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/manifest", self._manifest),
                Route("/register", self._register, methods=["POST"]),
                Route("/hook/{event}", self._hook, methods=["POST"]),
            ]
        )

    def bodies(self, event: str) -> list[dict[str, Any]]:
        """What came under an event."""
        return [body for name, body, _, _ in self.heard if name == event]

    async def _manifest(self, request: Request) -> Response:
        webhooks = []
        for kind, events in (("syncEvents", SYNC), ("asyncEvents", ASYNC)):
            for event in events:
                query = self.queries.get(event) or subscription(event)
                webhooks.append({"name": event, "targetUrl": f"{self.url}/hook/{event}", "query": query, kind: [event.upper()]})
        for event, query in self.more.items():
            webhooks.append(
                {"name": event, "targetUrl": f"{self.url}/hook/{event}", "query": query, "asyncEvents": [event.upper()]}
            )
        return JSONResponse(
            {
                "id": IDENTIFIER,
                "name": "Test app",
                "version": "1",
                "tokenTargetUrl": f"{self.url}/register",
                "permissions": PERMISSIONS,
                "webhooks": webhooks,
            }
        )

    async def _register(self, request: Request) -> Response:
        self.registered = dict(request.headers)
        self.token = (await request.json())["auth_token"]
        return self.handshake

    async def _hook(self, request: Request) -> Response:
        event = request.path_params["event"]
        raw = await request.body()
        body = json.loads(raw)
        self.heard.append((event, body, dict(request.headers), raw))
        answer = self.answers.get(event, 200)
        if callable(answer):
            answer = answer(body)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Response):
            return answer
        return Response(status_code=answer) if isinstance(answer, int) else JSONResponse(answer)
