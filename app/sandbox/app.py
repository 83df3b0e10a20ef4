"""The stand-in Saleor as an ASGI application: `/graphql/`, `/.well-known/jwks.json`, `/dashboard/`, the card gateway's door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from ariadne import load_schema_from_path, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import GraphQLError, GraphQLSchema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from app.errors import Unauthorized
from app.sandbox import card, permissions
from app.sandbox.context import Context, SaleorException
from app.sandbox.dashboard import pages as dashboard
from app.sandbox.keys import ShopKey
from app.sandbox.resolvers import (
    apps,
    catalog,
    checkout,
    checkout_prices,
    completion,
    customer_types,
    fulfillments,
    installing,
    invoices,
    metadata,
    orders,
    payments,
    sessions,
    shared,
    users,
)
from app.sandbox.rows.people import App
from app.sandbox.shop import Sandbox
from app.sandbox.store import Store

SCHEMA = Path(__file__).with_name("schema.graphql")
APP_TOKEN_LENGTH = 30


@lru_cache(maxsize=1)
def executable_schema() -> GraphQLSchema:
    """The schema with everything that answers it; it holds no state, so every sandbox shares it."""
    rooms: tuple[Any, ...] = (
        shared,
        catalog,
        users,
        checkout,
        checkout_prices,
        completion,
        customer_types,
        payments,
        sessions,
        orders,
        fulfillments,
        invoices,
        metadata,
        apps,
        installing,
    )
    bindables = [bindable for room in rooms for bindable in room.BINDABLES]
    schema = make_executable_schema(load_schema_from_path(str(SCHEMA)), *bindables, convert_names_case=True)
    shared.bind_metadata(schema)
    permissions.guard(schema)
    return schema


def create(
    store: Store,
    *,
    url: str = "http://127.0.0.1:8000",
    key: ShopKey | None = None,
    prices_ttl: timedelta = timedelta(hours=1),
    countdown: float = 0.05,
    read_timeout: float = 18.0,
) -> Starlette:
    """The application; its `state.sandbox` is the `Sandbox` with the hooks for tests.

    `url` is the origin it is served at, `prices_ttl` Saleor's CHECKOUT_PRICES_TTL, `countdown` the seconds before the first retry
    of an asynchronous webhook, `read_timeout` how long an answer may take.
    """
    sandbox = Sandbox(
        store, executable_schema(), url=url, key=key, prices_ttl=prices_ttl, countdown=countdown, read_timeout=read_timeout
    )

    async def jwks(request: Request) -> Response:
        return JSONResponse(sandbox.key.jwks())

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        card.install(sandbox)
        try:
            yield
        finally:
            await sandbox.webhooks.close()

    graphql = GraphQL(
        sandbox.schema,
        context_value=lambda request, data: _context(sandbox, request),
        error_formatter=_formatted,
    )
    routes = [
        Route("/.well-known/jwks.json", jwks),
        Route(card.PATH, card.answer, methods=["POST"]),
        Mount("/graphql", graphql),
        *dashboard.routes(sandbox),
    ]
    application = Starlette(routes=routes, lifespan=lifespan)
    application.state.sandbox = sandbox
    return application


def _context(sandbox: Sandbox, request: Request) -> Context:
    """Exactly 30 characters are an app's token, anything longer a person's JWT (saleor-facts 1).

    An app's token that is not known makes the caller a stranger, a bad JWT of a Saleor an error where it matters who calls.
    """
    header = request.headers.get("authorization-bearer") or request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ").removeprefix("JWT ").strip()
    nobody = Context(sandbox)
    if not token:
        return nobody
    if len(token) == APP_TOKEN_LENGTH:
        return Context(sandbox, _app(sandbox.store.apps, token))
    if not sandbox.key.is_of_saleor(token):
        return nobody
    try:
        return Context(sandbox, users.user_of(nobody, token))
    except Unauthorized as error:
        return Context(sandbox, problem=SaleorException(error.sentence, error.code))


def _app(installed: Iterable[App], token: str) -> App | None:
    return next((app for app in installed if app.auth_token == token and app.is_active and not app.removed), None)


def _formatted(error: GraphQLError, debug: bool = False) -> dict[str, Any]:
    """Every error names an exception, as Saleor's do."""
    formatted: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    if isinstance(cause, SaleorException):
        formatted["extensions"] = cause.extensions
    name = type(cause or error).__name__
    formatted.setdefault("extensions", {"exception": {"code": name, "stacktrace": []}})
    return formatted
