"""Webhooks as Saleor sends them: bodies from the app's own subscriptions, signed, in-line or in the background (saleor-facts 2).

The hooks for tests: `settled`, `deliveries`, `redeliver`, `slow`, `late`, `lose`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from graphql import ExecutionResult, execute, parse

from app.sandbox.context import Context, SaleorException
from app.sandbox.rows.people import App, User, Webhook

if TYPE_CHECKING:
    from app.sandbox.shop import Sandbox

CONNECT_TIMEOUT = 2.0
RETRIES = 5
DEEPEST = 3
"""Tax webhooks inside each other before the recursion is stopped; Saleor has Python's limit only."""

LIFECYCLE = {"APP_INSTALLED", "APP_UPDATED", "APP_DELETED", "APP_STATUS_CHANGED"}
PERMISSIONS = (
    ("CHECKOUT_CALCULATE_TAXES", "HANDLE_TAXES"),
    ("ORDER_CALCULATE_TAXES", "HANDLE_TAXES"),
    ("PAYMENT_", "HANDLE_PAYMENTS"),
    ("TRANSACTION_", "HANDLE_PAYMENTS"),
    ("CHECKOUT_", "MANAGE_CHECKOUTS"),
    ("ORDER_", "MANAGE_ORDERS"),
    ("FULFILLMENT_", "MANAGE_ORDERS"),
    ("INVOICE_", "MANAGE_ORDERS"),
    ("CUSTOMER_", "MANAGE_USERS"),
    ("ACCOUNT_", "MANAGE_USERS"),
)
"""What an app needs to receive an event, by the beginning of its name; the first that fits."""

DEFERRED = ("ORDER_", "CHECKOUT_CREATED", "CHECKOUT_UPDATED", "FULFILLMENT_CANCELED")
"""Rendered when delivered, from the row as it is then."""


@dataclass(eq=False)
class Delivery:
    """One webhook as it was sent, with what came back on every attempt: a status, or None for no answer."""

    event: str
    app: App
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    statuses: list[int | None] = field(default_factory=list)
    answer: bytes = b""

    @property
    def content(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Webhooks:
    """All sending of one sandbox. `countdown` is the seconds before the first retry, which double; `read_timeout` those after
    which an answer comes too late."""

    def __init__(self, sandbox: Sandbox, *, countdown: float, read_timeout: float) -> None:
        self._sandbox = sandbox
        self.countdown = countdown
        self._read_timeout = read_timeout
        self._http: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._slow: dict[str, float] = {}
        self._late: dict[str, float] = {}
        self._lost: dict[str, int] = defaultdict(int)
        self.deliveries: list[Delivery] = []

    async def close(self) -> None:
        """Stop what is under way and give connections back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @property
    def http(self) -> httpx.AsyncClient:
        """The client everything goes out by; a redirect is an answer, not followed."""
        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=httpx.Timeout(self._read_timeout, connect=CONNECT_TIMEOUT),
                follow_redirects=False,
                trust_env=False,
                headers={"User-Agent": "Saleor/3.23"},
            )
        return self._http

    # --- For tests ----------------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until nothing is under way, deliveries that cause deliveries included."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
            # What is done leaves in the loop's next turn, which gathering only what is done does not wait for (Python 3.12).
            await asyncio.sleep(0)

    def sent(self, event: str) -> list[Delivery]:
        """Deliveries of one event."""
        return [delivery for delivery in self.deliveries if delivery.event == event.upper()]

    async def redeliver(self, delivery: Delivery, times: int = 1) -> list[int | None]:
        """Send a delivery again, all at once, exactly as it was; what came back."""
        return await asyncio.gather(*(self._post(delivery) for _ in range(times)))

    def slow(self, event: str, seconds: float) -> None:
        """Hold calls of an event so long on their way to the app."""
        self._slow[event.upper()] = seconds

    def late(self, event: str, seconds: float) -> None:
        """Hold answers to an event so long on their way back; beyond the read timeout they never come, though the app did its
        work."""
        self._late[event.upper()] = seconds

    def lose(self, event: str, times: int = 1) -> None:
        """Lose the next asynchronous deliveries of an event, as a killed worker does."""
        self._lost[event.upper()] += times

    # --- For the shop -------------------------------------------------------------------------------------------------

    def start(self, work: Any) -> None:
        """Run a coroutine in the background; `settled` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def emit(
        self, event: str, content: Mapping[str, Any], principal: User | App | None, *, only: App | None = None
    ) -> None:
        """Queue an asynchronous event for every app that listens (or `only` for one, whatever its state)."""
        if self._lost[event] > 0:
            self._lost[event] -= 1
            return
        for app, webhook in self._listening(event, only):
            subject = self._event(event, app, content, principal)
            early = None if event.startswith(DEFERRED) else await self._rendered(event, app, webhook, subject)
            self.start(self._deliver(event, app, webhook, subject, early))

    async def call(
        self, event: str, app: App, content: Mapping[str, Any], principal: User | App | None, *, depth: int = 0
    ) -> Any:
        """Ask an app in-line, once. Its answer as JSON; None for none, an error status, a redirect, or what is no JSON."""
        delivery = await self._ask(event, app, content, principal, depth)
        if delivery is None:
            return None
        status = await self._post(delivery)
        return _read(delivery.answer) if status is not None and 200 <= status < 300 else None

    async def request(self, event: str, app: App, content: Mapping[str, Any], principal: User | App | None) -> Any:
        """Ask an app for an action on a transaction: tried again like an event, and its JSON counts even with a status of 4xx."""
        delivery = await self._ask(event, app, content, principal, 0)
        if delivery is None:
            return None
        await self._try(delivery)
        return _read(delivery.answer)

    async def _ask(
        self, event: str, app: App, content: Mapping[str, Any], principal: User | App | None, depth: int
    ) -> Delivery | None:
        """A call, ready to be sent; None when the app does not listen, or nothing could be rendered."""
        webhook = next((webhook for found, webhook in self._listening(event, None) if found is app), None)
        if webhook is None:
            return None
        body = await self._rendered(event, app, webhook, self._event(event, app, content, principal), depth)
        return self._signed(event, app, webhook, body) if body is not None else None

    def listens(self, event: str, app: App) -> bool:
        """Whether an app would be called."""
        return any(found is app for found, _ in self._listening(event, None))

    def _listening(self, event: str, only: App | None) -> list[tuple[App, Webhook]]:
        needed = next((permission for prefix, permission in PERMISSIONS if event.startswith(prefix)), None)
        apps = self._sandbox.store.apps if only is None else [only]
        return [
            (app, webhook)
            for app in apps
            for webhook in app.webhooks
            if webhook.is_active
            and event in webhook.events
            and (event in LIFECYCLE or (app.is_active and not app.removed))
            and (needed is None or needed in app.permissions)
        ]

    def _event(self, event: str, app: App, content: Mapping[str, Any], principal: User | App | None) -> dict[str, Any]:
        return {
            "__typename": _type_name(event),
            "issued_at": self._sandbox.store.clock(),
            "version": self._sandbox.store.version,
            "issuing_principal": principal,
            "recipient": app,
            **content,
        }

    async def _rendered(self, event: str, app: App, webhook: Webhook, subject: Mapping[str, Any], depth: int = 0) -> bytes | None:
        """The body: the value of `event`, GraphQL errors beside it and sent nevertheless; None when nothing was selected."""
        if depth > DEEPEST:
            raise SaleorException(f"maximum recursion depth exceeded while rendering {event}", "RecursionError")
        context = Context(self._sandbox, app, event=event, depth=depth)
        result = execute(self._sandbox.schema, parse(webhook.subscription_query), {"event": subject}, context)
        if not isinstance(result, ExecutionResult):
            result = await result
        body = (result.data or {}).get("event")
        if result.errors:
            body = {**(body or {}), "errors": [error.formatted for error in result.errors]}
        return json.dumps(body).encode() if body else None

    def _signed(self, event: str, app: App, webhook: Webhook, body: bytes) -> Delivery:
        domain = urlsplit(self._sandbox.url).netloc
        named = {
            "Event": event.lower(),
            "Domain": domain,
            "Signature": self._sandbox.key.sign(body),
            "Api-Url": self._sandbox.api_url,
        }
        headers = {"Content-Type": "application/json", **{f"Saleor-{name}": value for name, value in named.items()}}
        headers |= {f"X-Saleor-{name}": value for name, value in named.items()} | webhook.headers
        delivery = Delivery(event, app, webhook.target_url, headers, body)
        self.deliveries.append(delivery)
        return delivery

    async def _deliver(self, event: str, app: App, webhook: Webhook, subject: Mapping[str, Any], early: bytes | None) -> None:
        await asyncio.sleep(0)
        body = early if early is not None else await self._rendered(event, app, webhook, subject)
        if body is None:
            return
        await self._try(self._signed(event, app, webhook, body))

    async def _try(self, delivery: Delivery) -> None:
        for attempt in range(RETRIES + 1):
            status = await self._post(delivery)
            if status is not None and status < 500:
                return
            if attempt < RETRIES:
                await asyncio.sleep(self.countdown * 2**attempt)

    async def _post(self, delivery: Delivery) -> int | None:
        status, delivery.answer = None, b""
        await asyncio.sleep(self._slow.get(delivery.event, 0.0))
        try:
            response = await self.http.post(delivery.url, content=delivery.body, headers=delivery.headers)
            late = self._late.get(delivery.event, 0.0)
            await asyncio.sleep(min(late, self._read_timeout))
            if late < self._read_timeout:
                status, delivery.answer = response.status_code, response.content
        except httpx.HTTPError:
            pass  # no answer, which is what stays
        delivery.statuses.append(status)
        return status


def _type_name(event: str) -> str:
    if event.endswith("_CALCULATE_TAXES"):
        return "CalculateTaxes"
    return "".join(word.capitalize() for word in event.split("_"))


def _read(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
