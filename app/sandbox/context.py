"""Who asks, what they may do, and how refusals travel: shared by all resolvers."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo

from app.sandbox.rows.people import App, User
from app.sandbox.store import Store

if TYPE_CHECKING:
    from app.sandbox.shop import Sandbox

Info = GraphQLResolveInfo
Resolver = Callable[..., Any]


class SaleorException(GraphQLError):
    """A GraphQL error as Saleor shows it: its exception's name in `extensions.exception.code`."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, extensions={"exception": {"code": code, "stacktrace": []}})


class Refused(Exception):
    """A mutation's business refusal; becomes its `errors`. `more` are further wrong fields, each with message and code."""

    def __init__(self, field: str | None, message: str, code: str, *more: tuple[str, str, str]) -> None:
        super().__init__(message)
        self.message, self.code = message, code
        self.errors = [
            {"field": field, "message": message, "code": code} for field, message, code in ((field, message, code), *more)
        ]


@dataclass(frozen=True)
class Context:
    """One request, or one webhook being rendered for an app (`event` is then its name).

    `problem` is what is wrong with the caller's token; as in Saleor it matters only where somebody asks who calls.
    """

    sandbox: Sandbox
    caller: User | App | None = None
    event: str | None = None
    depth: int = 0
    """How many tax webhooks are being rendered inside each other."""
    problem: SaleorException | None = None

    @property
    def store(self) -> Store:
        return self.sandbox.store

    @property
    def principal(self) -> User | App | None:
        """Who asks. Raises SaleorException for a token that was valid once, or is forged."""
        if self.problem is not None:
            raise self.problem
        return self.caller

    @property
    def user(self) -> User | None:
        return self.principal if isinstance(self.principal, User) else None

    @property
    def app(self) -> App | None:
        return self.principal if isinstance(self.principal, App) else None

    def may(self, *permissions: str) -> bool:
        """Whether the caller has one of these permissions, or is of one of these kinds."""
        kinds = set()
        if self.app is not None:
            kinds = {"AUTHENTICATED_APP"}
        elif self.user is not None:
            kinds = {"AUTHENTICATED_USER"} | ({"AUTHENTICATED_STAFF_USER"} if self.user.is_staff else set())
        granted = self.principal.permissions if self.principal is not None else set()
        return bool((granted | kinds) & set(permissions))


def of(info: Info) -> Context:
    """The request's context."""
    context: Context = info.context
    return context


def denied(permissions: Iterable[str] = ()) -> SaleorException:
    """Saleor's sentence for a missing permission."""
    named = ", ".join(permissions)
    return SaleorException(
        f"To access this path, you need one of the following permissions: {named}"
        if named
        else "You do not have permission to perform this action",
        "PermissionDenied",
    )


def require(info: Info, *permissions: str, owner: Any = None) -> None:
    """Raises PermissionDenied unless the caller has one of the permissions, or is the owner."""
    context = of(info)
    if not context.may(*permissions) and not (owner is not None and owner is context.principal):
        raise denied(permissions)


def calling_app(info: Info) -> App:
    """The app that asks, behind a guard that lets only apps through."""
    app = of(info).app
    assert app is not None
    return app


def mutation(resolver: Callable[..., Awaitable[dict[str, Any]]]) -> Resolver:
    """A mutation whose refusals become its `errors`."""

    @functools.wraps(resolver)
    async def answer(root: Any, info: Info, **arguments: Any) -> dict[str, Any]:
        try:
            return {"errors": [], **await resolver(root, info, **arguments)}
        except Refused as refused:
            return {"errors": refused.errors}

    return answer
