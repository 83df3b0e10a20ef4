"""The stand-in Dashboard over HTTP: one document for every path, and what it asks the shop for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.sandbox.context import Context
from app.sandbox.dashboard.extensions import SUBJECTS
from app.sandbox.resolvers.apps import installed
from app.sandbox.resolvers.users import ACCESS_LIFE, claims
from app.sandbox.rows.people import App, AppExtension, User
from app.sandbox.shop import Sandbox

HERE = Path(__file__).parent
MOUNT = "/dashboard"


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Below `/dashboard`, as Saleor's own image has it."""

    async def page(request: Request) -> Response:
        return FileResponse(HERE / "shell.html", media_type="text/html")

    async def script(request: Request) -> Response:
        return FileResponse(HERE / "shell.js", media_type="text/javascript")

    async def style(request: Request) -> Response:
        return FileResponse(HERE / "shell.css", media_type="text/css")

    async def data(request: Request) -> Response:
        """Everything a page shows, as the staff member `staff` sees it."""
        user = sandbox.store.user_by_email(request.query_params.get("staff", "")) or _administrator(sandbox)
        return JSONResponse(_data(sandbox, user))

    return [
        Route(f"{MOUNT}/shell.js", script),
        Route(f"{MOUNT}/shell.css", style),
        Route(f"{MOUNT}/data.json", data),
        Route(MOUNT, page),
        Route(f"{MOUNT}/{{path:path}}", page),
    ]


def _administrator(sandbox: Sandbox) -> User:
    return next(user for user in sandbox.store.users if user.is_staff)


def _data(sandbox: Sandbox, user: User) -> dict[str, Any]:
    store = sandbox.store
    return {
        "apiUrl": sandbox.api_url,
        "saleorVersion": store.version,
        "staff": user.email,
        "apps": [_app(sandbox, user, app) for app in installed(Context(sandbox)) if app.is_active],
        "subjects": SUBJECTS,
        "orders": [{"id": row.id, "name": f"Order #{row.number}"} for row in reversed(store.orders)],
        "customers": [{"id": row.id, "name": row.email} for row in store.users if not row.is_staff],
        "products": [{"id": row.id, "name": row.name} for row in store.products],
    }


def _app(sandbox: Sandbox, user: User, app: App) -> dict[str, Any]:
    token = _token(sandbox, user, app, sorted(app.permissions & user.permissions))
    return {
        "id": app.id,
        "name": app.name,
        "appUrl": app.app_url,
        "accessToken": token,
        "extensions": [_extension(sandbox, user, app, extension) for extension in app.extensions],
    }


def _extension(sandbox: Sandbox, user: User, app: App, row: AppExtension) -> dict[str, Any]:
    """Whoever lacks one of its permissions gets it all the same, with an empty token (dashboard-facts 0.8)."""
    allowed = row.permissions <= user.permissions
    return {
        "id": row.id,
        "label": row.label,
        "mount": row.mount,
        "target": row.target,
        "url": row.url,
        "options": row.options,
        "allowed": allowed,
        "accessToken": _token(sandbox, user, app, sorted(row.permissions), app_extension=row.id) if allowed else "",
    }


def _token(sandbox: Sandbox, user: User, app: App, permissions: list[str], **more: Any) -> str:
    own = {"app": app.id, "permissions": permissions, "user_permissions": sorted(user.permissions), **more}
    life = sandbox.app_access or ACCESS_LIFE
    return sandbox.key.token(claims(Context(sandbox), user, "thirdparty", life, **own))
