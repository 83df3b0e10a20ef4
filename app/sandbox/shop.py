"""One stand-in shop: its state, its key, its schema, and how it calls apps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from graphql import GraphQLSchema

from app.sandbox.keys import ShopKey, process_key
from app.sandbox.rows.people import App, User
from app.sandbox.rows.sales import Checkout, Fulfillment, Order, OrderEvent
from app.sandbox.store import Store
from app.sandbox.webhooks import Webhooks

Principal = User | App | None


class Sandbox:
    """What resolvers work on. `url` is where it is served; `prices_ttl` is Saleor's CHECKOUT_PRICES_TTL."""

    def __init__(
        self,
        store: Store,
        schema: GraphQLSchema,
        *,
        url: str = "http://127.0.0.1:8000",
        key: ShopKey | None = None,
        prices_ttl: timedelta = timedelta(hours=1),
        countdown: float = 0.05,
        read_timeout: float = 18.0,
    ) -> None:
        self.store = store
        self.schema = schema
        self.url = url
        self.key = key or process_key()
        self.prices_ttl = prices_ttl
        self.app_access: timedelta | None = None
        """JWT_TTL_APP_ACCESS, the life of the tokens that the Dashboard gives to apps; None is Saleor's own."""
        self.webhooks = Webhooks(self, countdown=countdown, read_timeout=read_timeout)

    @property
    def api_url(self) -> str:
        """As Saleor names it in headers and tokens."""
        return f"{self.url}/graphql/"

    async def settled(self) -> None:
        """Wait until every delivery is done."""
        await self.webhooks.settled()

    async def order_event(self, event: str, order: Order, principal: Principal) -> None:
        """Emit an ORDER_ event."""
        await self.webhooks.emit(event, {"order": order}, principal)

    async def fulfillment_event(self, event: str, fulfillment: Fulfillment, principal: Principal) -> None:
        """Emit a FULFILLMENT_ event."""
        await self.webhooks.emit(event, {"fulfillment": fulfillment, "order": fulfillment.order}, principal)

    async def user_event(self, event: str, user: User, principal: Principal, **more: Any) -> None:
        """Emit a CUSTOMER_ or ACCOUNT_ event."""
        await self.webhooks.emit(event, {"user": user, **more}, principal)

    async def checkout_event(self, event: str, checkout: Checkout, principal: Principal) -> None:
        """Emit a CHECKOUT_ event."""
        await self.webhooks.emit(event, {"checkout": checkout}, principal)

    def note(self, order: Order, kind: str, principal: Principal, message: str | None = None) -> OrderEvent:
        """An entry on an order's timeline."""
        event = OrderEvent(
            type=kind,
            date=self.store.clock(),
            message=message,
            user=principal if isinstance(principal, User) else None,
            app=principal if isinstance(principal, App) else None,
        )
        order.events.append(event)
        order.updated_at = self.store.clock()
        return event
