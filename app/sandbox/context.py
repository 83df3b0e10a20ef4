"""Who asks, what they may do, and how refusals travel: shared by all resolvers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo

from app.sandbox.store import App, Store, User

if TYPE_CHECKING:
    from app.sandbox.shop import Sandbox

Info = GraphQLResolveInfo
Resolver = Callable[..., Any]


class SaleorException(GraphQLError):
    """A GraphQL error as Saleor shows it: its exception's name in `extensions.exception.code`."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, extensions={"exception": {"code": code, "stacktrace": []}})


class Refused(Exception):
    """A mutation's business refusal; becomes an entry of its `errors`."""

    def __init__(self, field: str | None, message: str, code: str) -> None:
        super().__init__(message)
        self.field, self.message, self.code = field, message, code


@dataclass(frozen=True)
class Context:
    """One request, or one webhook being rendered for an app (`event` is then its name)."""

    sandbox: Sandbox
    principal: User | App | None = None
    event: str | None = None
    depth: int = 0
    """How many tax webhooks are being rendered inside each other."""

    @property
    def store(self) -> Store:
        return self.sandbox.store

    @property
    def user(self) -> User | None:
        return self.principal if isinstance(self.principal, User) else None

    @property
    def app(self) -> App | None:
        return self.principal if isinstance(self.principal, App) else None

    def may(self, *permissions: str) -> bool:
        """Whether the caller has one of these permissions."""
        return self.principal is not None and bool(self.principal.permissions & set(permissions))


def of(info: Info) -> Context:
    """The request's context."""
    context: Context = info.context
    return context


def denied(permissions: Iterable[str] = ()) -> SaleorException:
    """Saleor's sentence for a missing permission."""
    named = ", ".join(permissions)
    needs = f" To access this path, you need one of the following permissions: {named}" if named else ""
    return SaleorException(needs.strip() or "To access this path, you need to be the owner.", "PermissionDenied")


def require(info: Info, *permissions: str) -> None:
    """Raises PermissionDenied unless the caller has one of the permissions."""
    if not of(info).may(*permissions):
        raise denied(permissions)


def require_app(info: Info) -> App:
    """The calling app. Raises PermissionDenied for anybody else."""
    app = of(info).app
    if app is None:
        raise denied(("AUTHENTICATED_APP",))
    return app


def mutation(resolver: Callable[..., Awaitable[dict[str, Any]]]) -> Resolver:
    """A mutation whose refusals become its `errors`."""

    @functools.wraps(resolver)
    async def answer(root: Any, info: Info, **arguments: Any) -> dict[str, Any]:
        try:
            return {"errors": [], **await resolver(root, info, **arguments)}
        except Refused as refused:
            return {"errors": [{"field": refused.field, "message": refused.message, "code": refused.code}]}

    return answer


def guarded(resolver: Resolver, permissions: tuple[str, ...]) -> Resolver:
    """A resolver behind a permission."""

    @functools.wraps(resolver)
    async def answer(root: Any, info: Info, **arguments: Any) -> Any:
        require(info, *permissions)
        found = resolver(root, info, **arguments)
        return await found if inspect.isawaitable(found) else found

    return answer
