"""Apps: installing one as Saleor does, its life, and the webhooks it keeps itself (saleor-facts 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse, validate

from app.sandbox import context
from app.sandbox.context import Context, Info, Refused, mutation, require, require_app
from app.sandbox.resolvers.catalog import found
from app.sandbox.resolvers.shared import connection
from app.sandbox.shop import Principal, Sandbox
from app.sandbox.store import App, AppInstallation, AppProblem, Webhook

query = QueryType()
mutate = MutationType()
app_type = ObjectType("App")
webhook_type = ObjectType("Webhook")

MOST_PROBLEMS = 100
LONGEST_TARGET = 255
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


class InstallationFailed(Exception):
    """Why an installation came to nothing, as staff read it."""


# --- Reading ----------------------------------------------------------------------------------------------------------


@query.field("app")
def resolve_app(root: Any, info: Info, id: str | None = None) -> App | None:
    """Without an id, whose token this is."""
    caller = context.of(info)
    if id is None:
        return caller.app
    if caller.app is None or caller.app.id != id:
        require(info, "MANAGE_APPS")
    return caller.store.find(_installed(caller), id)


@query.field("apps")
def resolve_apps(root: Any, info: Info, first: int | None = None) -> dict[str, Any]:
    require(info, "MANAGE_APPS")
    return connection(_installed(context.of(info)), first)


@query.field("appsInstallations")
def resolve_installations(root: Any, info: Info) -> list[AppInstallation]:
    require(info, "MANAGE_APPS")
    return context.of(info).store.installations


@app_type.field("permissions")
def resolve_permissions(app: App, info: Info) -> list[dict[str, str]]:
    return [{"code": code, "name": code} for code in sorted(app.permissions)]


@app_type.field("tokens")
def resolve_tokens(app: App, info: Info) -> list[Any]:
    require(info, "MANAGE_APPS")
    return []


@webhook_type.field("syncEvents")
def resolve_sync(webhook: Webhook, info: Info) -> list[dict[str, str]]:
    return [{"event_type": event} for event in sorted(webhook.events & SYNC)]


@webhook_type.field("asyncEvents")
def resolve_async(webhook: Webhook, info: Info) -> list[dict[str, str]]:
    return [{"event_type": event} for event in sorted(webhook.events - SYNC)]


def _installed(caller: Context) -> list[App]:
    return [app for app in caller.store.apps if not app.removed]


# --- Installing -------------------------------------------------------------------------------------------------------


@mutate.field("appInstall")
@mutation
async def app_install(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Answers at once; the work is done in the background and its failure is read from `appsInstallations`."""
    require(info, "MANAGE_APPS")
    caller = context.of(info)
    granted = set(input.get("permissions") or ())
    if caller.principal is not None and granted - caller.principal.permissions:
        raise Refused("permissions", "You can't add permission that you don't have.", "OUT_OF_SCOPE_PERMISSION")
    now = caller.store.clock()
    installation = AppInstallation(
        app_name=input["app_name"],
        manifest_url=input["manifest_url"],
        permissions=granted,
        activate=input.get("activate_after_installation") is not False,
        created_at=now,
        updated_at=now,
    )
    caller.store.installations.append(installation)
    caller.sandbox.webhooks.start(_install(caller.sandbox, installation, caller.principal))
    return {"app_installation": installation}


async def _install(sandbox: Sandbox, installation: AppInstallation, principal: Principal) -> None:
    store = sandbox.store
    app = None
    try:
        manifest = await _manifest(sandbox, installation)
        app = _app(sandbox, installation, manifest)
        store.apps.append(app)
        await _handshake(sandbox, app, manifest.get("tokenTargetUrl"))
    except InstallationFailed as failure:
        if app in store.apps:
            store.apps.remove(app)
        installation.status, installation.message, installation.updated_at = "FAILED", str(failure), store.clock()
        return
    store.installations.remove(installation)
    await sandbox.webhooks.emit("APP_INSTALLED", {"app": app}, principal, only=app)


async def _manifest(sandbox: Sandbox, installation: AppInstallation) -> dict[str, Any]:
    headers = {"Saleor-Schema-Version": ".".join(sandbox.store.version.split(".")[:2])}
    try:
        response = await sandbox.webhooks.http.get(installation.manifest_url, headers=headers)
        response.raise_for_status()
        manifest = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise InstallationFailed("Failed to connect to app. Try later or contact with app support.") from error
    if not isinstance(manifest, dict) or not all(manifest.get(name) for name in ("id", "name", "version")):
        raise InstallationFailed("Incorrect manifest: id, name and version are required.")
    if any(app.identifier == manifest["id"] and not app.removed for app in sandbox.store.apps):
        raise InstallationFailed(f"identifier: App with the same identifier is already installed: {manifest['name']}")
    return manifest


def _app(sandbox: Sandbox, installation: AppInstallation, manifest: Mapping[str, Any]) -> App:
    return App(
        name=installation.app_name,
        identifier=manifest["id"],
        app_url=manifest.get("appUrl") or "",
        version=manifest["version"],
        # What staff granted, not what the manifest wishes.
        permissions=set(installation.permissions),
        is_active=installation.activate,
        webhooks=[_from_manifest(sandbox, entry) for entry in manifest.get("webhooks") or ()],
        created=sandbox.store.clock(),
    )


def _from_manifest(sandbox: Sandbox, entry: Mapping[str, Any]) -> Webhook:
    query_text = entry.get("query") or ""
    events = {event.upper() for event in (*(entry.get("syncEvents") or ()), *(entry.get("asyncEvents") or ()))}
    try:
        _check(sandbox, query_text)
        target = _target(entry.get("targetUrl") or "")
    except Refused as refused:
        raise InstallationFailed(f"webhooks: {entry.get('name')}: {refused.message}") from refused
    return Webhook(
        name=entry["name"],
        identifier=entry.get("identifier") or None,
        target_url=target,
        subscription_query=query_text,
        events=events or _events_of(query_text),
        is_active=entry.get("isActive", True),
        headers=dict(entry.get("customHeaders") or {}),
    )


async def _handshake(sandbox: Sandbox, app: App, target: str | None) -> None:
    """Not signed; whatever is below 400 is a success, and the token works already (saleor-facts 1)."""
    if not target:
        return
    domain = urlsplit(sandbox.url).netloc
    headers = {
        "Content-Type": "application/json",
        "Saleor-Domain": domain,
        "X-Saleor-Domain": domain,
        "Saleor-Api-Url": sandbox.api_url,
        "Saleor-Schema-Version": ".".join(sandbox.store.version.split(".")[:2]),
    }
    try:
        response = await sandbox.webhooks.http.post(target, json={"auth_token": app.auth_token}, headers=headers)
    except httpx.HTTPError as error:
        raise InstallationFailed("Failed to connect to app. Try later or contact with app support.") from error
    if response.status_code >= 400:
        raise InstallationFailed(_reason(response))


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"App internal error ({response.status_code})"


# --- Its life ---------------------------------------------------------------------------------------------------------


@mutate.field("appDelete")
@mutation
async def app_delete(root: Any, info: Info, id: str) -> dict[str, Any]:
    """The app is told although it is gone already."""
    require(info, "MANAGE_APPS")
    caller = context.of(info)
    app: App = found(_installed(caller), id)
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
    require(info, "MANAGE_APPS")
    caller = context.of(info)
    app: App = found(_installed(caller), id)
    app.is_active = active
    await caller.sandbox.webhooks.emit("APP_STATUS_CHANGED", {"app": app}, caller.principal, only=app)
    return {"app": app}


@mutate.field("appProblemCreate")
@mutation
async def problem_create(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """The same key again raises the count; the oldest go beyond a hundred."""
    app = require_app(info)
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
    app = require_app(info)
    webhook = Webhook()
    _edit(context.of(info), app, webhook, input)
    app.webhooks.append(webhook)
    return {"webhook": webhook}


@mutate.field("webhookUpdate")
@mutation
async def webhook_update(root: Any, info: Info, input: dict[str, Any], id: str | None = None) -> dict[str, Any]:
    app = require_app(info)
    webhook: Webhook = found(app.webhooks, id)
    _edit(context.of(info), app, webhook, input)
    return {"webhook": webhook}


@mutate.field("webhookDelete")
@mutation
async def webhook_delete(root: Any, info: Info, id: str | None = None) -> dict[str, Any]:
    app = require_app(info)
    webhook: Webhook = found(app.webhooks, id)
    app.webhooks.remove(webhook)
    return {"webhook": webhook}


def _edit(caller: Context, app: App, webhook: Webhook, input: Mapping[str, Any]) -> None:
    """All or nothing. Sync and async events are replaced together."""
    target = _target(input["target_url"]) if "target_url" in input else webhook.target_url
    text = input.get("query") or webhook.subscription_query
    _check(caller.sandbox, text)
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


def _target(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or len(url) > LONGEST_TARGET:
        raise Refused("targetUrl", "Enter a valid URL.", "INVALID")
    return url


def _check(sandbox: Sandbox, text: str) -> None:
    """Every subscription is validated, also at installation (saleor-facts 0.8)."""
    try:
        document = parse(text)
    except GraphQLError as error:
        raise Refused("query", error.message, "SYNTAX") from error
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.SUBSCRIPTION:
        raise Refused("query", "Subscription operation not found.", "MISSING_SUBSCRIPTION")
    if problems := validate(sandbox.schema, document):
        raise Refused("query", problems[0].message, "GRAPHQL_ERROR")


def _events_of(text: str) -> set[str]:
    """From type names, where an entry lists none: `OrderCreated` -> ORDER_CREATED; wrong for CalculateTaxes, as in Saleor."""
    names: Iterable[str] = (word for word in text.replace("{", " ").split() if word[:1].isupper())
    return {"".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_") for name in names}


BINDABLES = [query, mutate, app_type, webhook_type]
