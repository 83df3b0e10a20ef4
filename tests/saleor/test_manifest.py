import re
import struct
from typing import Any

import pytest

from app.errors import InvalidInput
from app.saleor.manifest import render
from app.saleor.resources import ROOT
from app.sandbox.dashboard.extensions import issues
from app.web.dashboard.rendering import STATIC

BASE = "https://resellers.example"


def test_every_subscription_has_its_webhook_and_the_other_way_round() -> None:
    files = {path.stem for path in (ROOT / "graphql" / "subscriptions").glob("*.graphql")}
    webhooks = render(BASE)["webhooks"]
    assert {webhook["name"] for webhook in webhooks} == files
    for webhook in webhooks:
        assert webhook["targetUrl"] == f"{BASE}/api/webhooks/{webhook['name'].replace('_', '-')}"
        assert webhook["query"].startswith("subscription {")
        assert len({"syncEvents", "asyncEvents"} & set(webhook)) == 1


def test_the_tax_webhooks_name_their_event() -> None:
    events = {webhook["name"]: webhook.get("syncEvents") for webhook in render(BASE)["webhooks"]}
    assert events["checkout_calculate_taxes"] == ["CHECKOUT_CALCULATE_TAXES"]
    assert events["order_calculate_taxes"] == ["ORDER_CALCULATE_TAXES"]


def test_an_older_saleor_gets_what_it_knows() -> None:
    old, new = render(BASE, "3.22"), render(BASE, "3.23.28")
    assert {webhook["name"] for webhook in new["webhooks"]} - {webhook["name"] for webhook in old["webhooks"]} == {
        "customer_deleted"
    }
    assert all("identifier" not in webhook for webhook in old["webhooks"])
    assert all(webhook["identifier"] == webhook["name"] for webhook in new["webhooks"])


def test_permissions_are_the_least_and_never_over_apps() -> None:
    manifest = render(BASE)
    assert "MANAGE_APPS" not in manifest["permissions"]
    assert len(manifest["author"]) <= 60
    # A trailing slash would be doubled by the Dashboard (dashboard-facts 0.14).
    assert manifest["appUrl"] == f"{BASE}/dashboard"
    assert re.fullmatch(r"https://[^/]+/api/register", manifest["tokenTargetUrl"])


@pytest.mark.parametrize("version", ["3.22", "3.23", "3.24"])
def test_the_dashboard_finds_nothing_wrong_with_it(version: str) -> None:
    """Facts 0.14 to 0.18: joined addresses, menus as app pages only, known mounts, permissions within the app's."""
    assert issues(render(BASE, version), version) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mount": "CUSTOMER_SIDEBAR"}, "no such mount"),
        ({"mount": "NAVIGATION_ORDERS", "target": "POPUP"}, "go on to another page"),
        ({"url": "/relative"}, "joined wrongly"),
        ({"url": "https://other.example/x"}, "another origin"),
        ({"permissions": ["MANAGE_PRODUCTS"]}, "more than the app's"),
        ({"mount": "SEARCH_ACTION"}, "names the views"),
        ({"mount": "SEARCH_ACTION", "options": {"views": ["WAREHOUSE_LIST"]}}, "names the views"),
        ({"options": {"views": ["ORDER_LIST"]}}, "not for it"),
        ({"options": {"widgetTarget": {"method": "post"}}, "target": "WIDGET", "mount": "ORDER_DETAILS_WIDGETS"}, "GET or POST"),
        (
            {"options": {"homeWidgetTarget": {"method": "POST"}}, "target": "WIDGET", "mount": "ORDER_DETAILS_WIDGETS"},
            "not for it",
        ),
    ],
)
def test_what_the_dashboard_would_find(changed: dict[str, Any], said: str) -> None:
    manifest = render(BASE, "3.23")
    entry = next(one for one in manifest["extensions"] if one["target"] == "POPUP")
    manifest["extensions"] = [{**entry, **changed}]
    assert any(said in one for one in issues(manifest))


def test_what_came_later_goes_to_the_dashboard_that_knows_it() -> None:
    mounts = {version: {one["mount"] for one in render(BASE, version)["extensions"]} for version in ("3.22", "3.23")}
    assert mounts["3.23"] - mounts["3.22"] == {"HOMEPAGE_WIDGETS", "SEARCH_ACTION"}
    assert all("since" not in one for one in render(BASE)["extensions"])


def test_the_logo_is_one_that_saleor_takes() -> None:
    """Facts 4: a square PNG of at least 256 pixels."""
    logo = render(BASE)["brand"]["logo"]["default"]
    content = (STATIC / logo.rpartition("/")[2]).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == height >= 256


def test_a_permission_goes_to_the_saleor_that_knows_it() -> None:
    def asked(version: str | None, *, customer_types: bool = True) -> tuple[bool, str]:
        manifest = render(BASE, version, customer_types=customer_types)
        assert "permissionsSince" not in manifest
        return "MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES" in manifest["permissions"], manifest["requiredSaleorVersion"]

    assert asked("3.22") == (False, ">=3.22.0 <3.25.0")
    # Saleor says no patch: an older 3.23 is told by the range, not by a permission it does not know.
    assert asked("3.23") == (True, ">=3.23.26 <3.25.0")
    assert asked("3.24") == asked(None) == (True, ">=3.22.0 <3.25.0")
    assert asked("3.23", customer_types=False) == (False, ">=3.22.0 <3.25.0")


@pytest.mark.parametrize("version", ["", "three", "3", "3.x"])
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(InvalidInput, match=r"3\.23"):
        render(BASE, version)


def test_a_base_url_that_saleor_could_not_store() -> None:
    with pytest.raises(InvalidInput, match="too long"):
        render("https://" + "a" * 250)
