"""Extensions as Saleor keeps them from a manifest, and what the Dashboard finds wrong with one before it offers to install."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

PLACES = ("PRODUCT", "CATEGORY", "COLLECTION", "GIFT_CARD", "CUSTOMER", "ORDER", "DRAFT_ORDER", "DISCOUNT", "VOUCHER", "PAGE")
MENUS = ("CATALOG", "ORDERS", "CUSTOMERS", "DISCOUNTS", "TRANSLATIONS", "PAGES")
WIDGETS = frozenset(
    f"{place}_DETAILS_WIDGETS" for place in ("ORDER", "PRODUCT", "VOUCHER", "DRAFT_ORDER", "GIFT_CARD", "CUSTOMER", "COLLECTION")
) | {"HOMEPAGE_WIDGETS"}
MOUNTS = (
    WIDGETS
    | {f"NAVIGATION_{menu}" for menu in MENUS}
    | {
        f"{place}_{where}"
        for place in (*PLACES, "PAGE_TYPE", "MENU")
        for where in ("OVERVIEW_CREATE", "OVERVIEW_MORE_ACTIONS", "DETAILS_MORE_ACTIONS")
    }
    | {"TRANSLATIONS_MORE_ACTIONS", "SEARCH_ACTION"}
)
"""All that dashboard 3.23 knows (dashboard-facts 1)."""
NEWEST = frozenset({"HOMEPAGE_WIDGETS", "SEARCH_ACTION"})
"""Those that came with 3.23."""
TARGETS = frozenset({"POPUP", "APP_PAGE", "NEW_TAB", "WIDGET"})
OPTIONS = {"widgetTarget": "WIDGET", "homeWidgetTarget": "WIDGET", "newTabTarget": "NEW_TAB"}
VIEWS = frozenset(f"{place}_{kind}" for place in (*PLACES, "PAGE_TYPE", "MENU") for kind in ("LIST", "DETAILS"))
"""Where a search action may be offered (dashboard-facts 1)."""
SUBJECTS = {
    "ORDER_DETAILS": "orderId",
    "CUSTOMER_DETAILS": "customerId",
    "PRODUCT_DETAILS": "productId",
}
"""The parameter that names what a page of the Dashboard shows."""


def issues(manifest: Mapping[str, Any], version: str = "3.23") -> list[str]:
    """Why the Dashboard of this version would not let staff install it, or Saleor would refuse it; empty when all is well."""
    found = []
    own = set(manifest.get("permissions", ()))
    app_url = manifest.get("appUrl", "")
    known = MOUNTS - NEWEST if version == "3.22" else MOUNTS
    logo = manifest.get("brand", {}).get("logo", {}).get("default", "")
    if logo and not urlsplit(logo).scheme:
        found.append("brand.logo.default: not a whole address")
    if app_url.endswith("/"):
        found.append("appUrl: a slash at its end is doubled")
    if "MANAGE_APPS" in own:
        found.append("permissions: MANAGE_APPS is not given to apps")
    for entry in manifest.get("extensions", ()):
        found += [f"{entry.get('label')} at {entry.get('mount')}: {why}" for why in _wrong(entry, own, app_url, known)]
    return found


def _wrong(entry: Mapping[str, Any], own: set[str], app_url: str, known: frozenset[str]) -> list[str]:
    mount, target, url = entry.get("mount", ""), entry.get("target", "POPUP"), entry.get("url", "")
    checks = {
        "it has no label": not entry.get("label"),
        "there is no such mount": mount not in known,
        "there is no such target": target not in TARGETS,
        "widgets are not shown there": target == "WIDGET" and mount not in WIDGETS,
        "an app page is below appUrl": target == "APP_PAGE" and not (url.startswith("/") and app_url),
        "its address is joined wrongly": target != "APP_PAGE" and not urlsplit(url).scheme,
        "it leads to another origin than the app": bool(urlsplit(url).scheme) and _origin(url) != _origin(app_url),
        "its permissions are more than the app's": not set(entry.get("permissions", ())) <= own,
        "menus go on to another page with it": mount.startswith("NAVIGATION_") and target != "APP_PAGE",
    }
    found = [why for why, wrong in checks.items() if wrong]
    options = dict(entry.get("options", {}))
    views = options.pop("views", None)
    if mount == "SEARCH_ACTION" and not (views and set(views) <= VIEWS):
        found.append("a search action names the views it is offered on")
    elif mount != "SEARCH_ACTION" and views is not None:
        found.append("the option views is not for it")
    for name, chosen in options.items():
        if OPTIONS.get(name) != target or (name == "homeWidgetTarget") != (mount == "HOMEPAGE_WIDGETS"):
            found.append(f"the option {name} is not for it")
        elif chosen.get("method") not in ("GET", "POST"):
            found.append(f"{name}: the method is GET or POST")
    return found


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
