"""Apps: who is installed, their life, and the webhooks they keep themselves (saleor-facts 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, calling_app, mutation, require
from app.sandbox.ids import found, look_up
from app.sandbox.resolvers.shared import connection
from app.sandbox.resolvers.users import ACCESS_LIFE, claims
from app.sandbox.rows.people import App, AppInstallation, AppProblem, Webhook
from app.sandbox.subscriptions import check, target_of

query = QueryType()
mutate = MutationType()
app_type = ObjectType("App")
webhook_type = ObjectType("Webhook")

MOST_PROBLEMS = 100
SYNC = {
    "CHECKOUT_CALCULATE_TAXES",
    "ORDER_CALCULATE_TAXES",
    "PAYMENT_GATEWAY_INITIALIZE_SESSION",
    "TRANSACTION_INITIALIZE_SESSION",
    "TRANSACTION_PROCESS_SESSION",
    "TRANSACTION_CHARGE_REQUESTED",
    "TRANSACTION_REFUND_REQUESTED",
    "TRANSACTION_CANCELATION_REQUESTED",
}


# --- Reading ----------------------------------------------------------------------------------------------------------


@query.field("app")
def resolve_app(root: Any, info: Info, id: str | None = None) -> App | None:
    """Without an id, whose token this is. An app sees others only with MANAGE_APPS, staff every one."""
    caller = context.of(info)
    if id is None:
        return caller.app
    if caller.app is not None and caller.app.id != id:
        require(info, "MANAGE_APPS")
    return look_up(installed(caller), id, App)


@query.field("apps")
def resolve_apps(root: Any, info: Info, first: int | None = None) -> dict[str, Any]:
    return connection(installed(context.of(info)), first)


@query.field("appsInstallations")
def resolve_installations(root: Any, info: Info) -> list[AppInstallation]:
    return context.of(info).store.installations


@app_type.field("permissions")
def resolve_permissions(app: App, info: Info) -> list[dict[str, str]]:
    return [{"code": code, "name": code} for code in sorted(app.permissions)]


@app_type.field("accessToken")
def resolve_access_token(app: App, info: Info) -> str | None:
    """What the Dashboard gives an app's pages: its permissions are those of both, of the user all (saleor-facts 8)."""
    caller = context.of(info)
    if caller.user is None or not caller.user.is_staff:
        return None
    more = {
        "app": app.id,
        "permissions": sorted(app.permissions & caller.user.permissions),
        "user_permissions": sorted(caller.user.permissions),
    }
    return caller.sandbox.key.token(claims(caller, caller.user, "thirdparty", ACCESS_LIFE, **more))


@app_type.field("tokens")
def resolve_tokens(app: App, info: Info) -> list[Any]:
    return []


@webhook_type.field("syncEvents")
def resolve_sync(webhook: Webhook, info: Info) -> list[dict[str, str]]:
    return [{"event_type": event} for event in sorted(webhook.events & SYNC)]


@webhook_type.field("asyncEvents")
def resolve_async(webhook: Webhook, info: Info) -> list[dict[str, str]]:
    return [{"event_type": event} for event in sorted(webhook.events - SYNC)]


def installed(caller: Context) -> list[App]:
    return [app for app in caller.store.apps if not app.removed]


# --- Its life ---------------------------------------------------------------------------------------------------------


@mutate.field("appDelete")
@mutation
async def app_delete(root: Any, info: Info, id: str) -> dict[str, Any]:
    """The app is told although it is gone already."""
    caller = context.of(info)
    app = found(installed(caller), id, App)
    app.removed, app.is_active = True, False
    await caller.sandbox.webhooks.emit("APP_DELETED", {"app": app}, caller.principal, only=app)
    return {"app": app}


@mutate.field("appActivate")
@mutation
async def app_activate(root: Any, info: Info, id: str) -> dict[str, Any]:
    return await _switch(info, id, active=True)


@mutate.field("appDeactivate")
@mutation
async def app_deactivate(root: Any, info: Info, id: str) -> dict[str, Any]:
    return await _switch(info, id, active=False)


async def _switch(info: Info, id: str, *, active: bool) -> dict[str, Any]:
    caller = context.of(info)
    app = found(installed(caller), id, App)
    app.is_active = active
    await caller.sandbox.webhooks.emit("APP_STATUS_CHANGED", {"app": app}, caller.principal, only=app)
    return {"app": app}


@mutate.field("appProblemCreate")
@mutation
async def problem_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """The same key again raises the count; the oldest go beyond a hundred."""
    app = calling_app(info)
    same = next((problem for problem in app.problems if problem.key == input["key"]), None)
    if same is not None:
        same.count, same.message = same.count + 1, input["message"]
    else:
        app.problems = [*app.problems, AppProblem(message=input["message"], key=input["key"])][-MOST_PROBLEMS:]
    return {}


# --- The webhooks an app keeps itself ---------------------------------------------------------------------------------


@mutate.field("webhookCreate")
@mutation
async def webhook_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    app = calling_app(info)
    webhook = Webhook()
    _edit(context.of(info), app, webhook, input)
    app.webhooks.append(webhook)
    return {"webhook": webhook}


@mutate.field("webhookUpdate")
@mutation
async def webhook_update(root: Any, info: Info, input: dict[str, Any], id: str | None = None) -> dict[str, Any]:
    app = calling_app(info)
    webhook = found(app.webhooks, id, Webhook)
    _edit(context.of(info), app, webhook, input)
    return {"webhook": webhook}


@mutate.field("webhookDelete")
@mutation
async def webhook_delete(root: Any, info: Info, id: str | None = None) -> dict[str, Any]:
    app = calling_app(info)
    webhook = found(app.webhooks, id, Webhook)
    app.webhooks.remove(webhook)
    return {"webhook": webhook}


def _edit(caller: Context, app: App, webhook: Webhook, input: Mapping[str, Any]) -> None:
    """All or nothing. Sync and async events are replaced together."""
    target = target_of(input["target_url"]) if "target_url" in input else webhook.target_url
    text = input.get("query") or webhook.subscription_query
    check(caller.sandbox, text)
    if input.get("identifier") and any(
        other is not webhook and other.identifier == input["identifier"] for other in app.webhooks
    ):
        raise Refused("identifier", "Webhook with this identifier already exists.", "UNIQUE")
    webhook.target_url, webhook.subscription_query = target, text
    if "sync_events" in input or "async_events" in input:
        webhook.events = {*(input.get("sync_events") or ()), *(input.get("async_events") or ())}
    for name in ("name", "identifier", "is_active"):
        if input.get(name) is not None:
            setattr(webhook, name, input[name])
    if input.get("custom_headers") is not None:
        webhook.headers = dict(input["custom_headers"])


BINDABLES = [query, mutate, app_type, webhook_type]
