"""The app manifest as one Saleor gets it (saleor `app/manifest_schema.py`).

Permissions and why: HANDLE_TAXES and MANAGE_TAXES answer tax webhooks and set the tax app per channel; HANDLE_PAYMENTS is the
gateway; MANAGE_CHECKOUTS reads buyers and addresses of checkouts; MANAGE_ORDERS audits, confirms and fulfills; MANAGE_USERS finds
and creates end customers; MANAGE_CHANNELS and MANAGE_SETTINGS let the installation check read and repair. Never MANAGE_APPS:
Saleor 3.24 refuses it. Where Saleor has customer types, MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES creates the one of resellers;
giving it to an account takes MANAGE_USERS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.errors import InvalidInput
from app.saleor.resources import manifest_source, subscription

MAX_TARGET_URL = 255
PAGES = "/dashboard"
"""Where the staff's pages are below the app's own address. No slash at its end: the Dashboard joins by plain concatenation."""
LOGO = f"{PAGES}/static/logo.png"
NEWEST = (3, 24)


def render(base_url: str, schema_version: str | None = None, *, customer_types: bool = True) -> dict[str, Any]:
    """The manifest for an app at `base_url` (a bare origin) and a Saleor that says `Saleor-Schema-Version: 3.23`.

    Without a version the newest supported one is assumed. Webhooks and permissions a version does not know are left out, since
    Saleor would refuse the whole installation for one of them. It names no patch: where a permission came with one, the manifest
    takes that patch and newer ones only. With `customer_types` off that permission is left out, and every patch is taken.

    Raises InvalidInput for a version that is none, or a base URL that is too long for Saleor.
    """
    version = _version(schema_version)
    source = manifest_source()
    webhooks = [
        _webhook(entry, base_url, version) for entry in source["webhooks"] if _version(entry.get("since", "3.0")) <= version
    ]
    permissions, required = list(source["permissions"]), source["requiredSaleorVersion"]
    for later in source["permissionsSince"] if customer_types else []:
        if _version(later["since"]) <= version:
            permissions.append(later["permission"])
        if _version(later["since"]) == version:
            required = f">={later['since']} {required.split()[-1]}"
    return {
        **{name: value for name, value in source.items() if name != "permissionsSince"},
        "permissions": permissions,
        "requiredSaleorVersion": required,
        "appUrl": base_url + PAGES,
        "brand": {"logo": {"default": base_url + LOGO}},
        "extensions": [
            _extension(entry, base_url)
            for entry in source["extensions"]
            # A mount that a Dashboard does not know switches its Install button off (dashboard-facts 0.16).
            if _version(entry.get("since", "3.0")) <= version
        ],
        "tokenTargetUrl": f"{base_url}/api/register",
        "webhooks": webhooks,
    }


def _extension(entry: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Pages of the app are named below `appUrl`, everything else by its whole address: each target joins in another way
    (dashboard-facts 0.14)."""
    made = {name: value for name, value in entry.items() if name != "since"}
    if entry["target"] != "APP_PAGE":
        made["url"] = base_url + PAGES + entry["url"]
    return made


def webhook_path(event: str) -> str:
    """Where an event arrives: `order_created` -> `/api/webhooks/order-created`."""
    return f"/api/webhooks/{event.replace('_', '-')}"


def _webhook(entry: dict[str, str], base_url: str, version: tuple[int, int]) -> dict[str, Any]:
    event = entry["event"]
    target = base_url + webhook_path(event)
    if len(target) > MAX_TARGET_URL:
        raise InvalidInput(f"The base URL is too long: {target} has more than {MAX_TARGET_URL} characters.", code="base_url")
    webhook: dict[str, Any] = {
        "name": event,
        "targetUrl": target,
        "query": subscription(event),
        # Always said: Saleor derives a wrong event name from `... on CalculateTaxes` (saleor-facts 1).
        f"{entry['kind']}Events": [event.upper()],
        "isActive": True,
    }
    if version >= (3, 23):
        webhook["identifier"] = event
    return webhook


def _version(text: str | None) -> tuple[int, int]:
    if text is None:
        return NEWEST
    matched = re.match(r"(\d{1,3})\.(\d{1,3})(\D|$)", text)
    if matched is None:
        raise InvalidInput(f"{text!r} is not a Saleor version like 3.23.", code="schema_version")
    return int(matched[1]), int(matched[2])
