"""Installing an app as Saleor does: manifest, webhooks, token handshake; on any failure nothing is left (saleor-facts 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from ariadne import MutationType

from app.sandbox import context
from app.sandbox.context import Info, Refused, mutation
from app.sandbox.rows.people import App, AppExtension, AppInstallation, Webhook
from app.sandbox.shop import Principal, Sandbox
from app.sandbox.subscriptions import check, events_of, target_of

mutate = MutationType()


class InstallationFailed(Exception):
    """Why an installation came to nothing, as staff read it."""


@mutate.field("appInstall")
@mutation
async def app_install(root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Answers at once; the work is done in the background and its failure is read from `appsInstallations`."""
    caller = context.of(info)
    if caller.user is None or not caller.user.is_staff:
        raise context.denied(("AUTHENTICATED_STAFF_USER",))
    granted = set(input.get("permissions") or ())
    if granted - caller.user.permissions:
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
        extensions=[_extension(entry) for entry in manifest.get("extensions") or ()],
        created=sandbox.store.clock(),
    )


def _from_manifest(sandbox: Sandbox, entry: Mapping[str, Any]) -> Webhook:
    query_text = entry.get("query") or ""
    events = {event.upper() for event in (*(entry.get("syncEvents") or ()), *(entry.get("asyncEvents") or ()))}
    try:
        check(sandbox, query_text)
        target = target_of(entry.get("targetUrl") or "")
    except Refused as refused:
        raise InstallationFailed(f"webhooks: {entry.get('name')}: {refused.message}") from refused
    return Webhook(
        name=entry["name"],
        identifier=entry.get("identifier") or None,
        target_url=target,
        subscription_query=query_text,
        events=events or events_of(query_text),
        is_active=entry.get("isActive", True),
        headers=dict(entry.get("customHeaders") or {}),
    )


def _extension(entry: Mapping[str, Any]) -> AppExtension:
    return AppExtension(
        label=entry["label"],
        mount=entry["mount"].upper(),
        target=entry.get("target", "POPUP").upper(),
        url=entry["url"],
        permissions=set(entry.get("permissions") or ()),
        options=dict(entry.get("options") or {}),
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


BINDABLES = [mutate]
