"""An end customer's licenses, page by page, and the links to claim one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.licenses.activation import STEPS
from app.licenses.rules import LicenseKind
from app.licenses.tables import License
from app.orders.release import issue_for_line
from app.orders.service import lock_order
from app.orders.tables import LicenseClaim, ResellerOrder
from tests.conftest import NOW
from tests.orders.builders import recorded, rows
from tests.web.storefront.conftest import Store, token


async def another(store: Store, number: str) -> None:
    """One more order of the reseller for `buyer`, with its license."""
    row = await recorded(store.world, number)
    (first,) = await rows(store.world, ResellerOrder, ResellerOrder.number == "1")
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        order = await lock_order(session, row.id)
        order.end_customer_id = first.end_customer_id
        await issue_for_line(session, store.world.services, store.world.shop, order, order.lines[0], LicenseKind.PERMANENT)


async def test_pages_of_licenses_join_without_gap_or_repetition(store: Store) -> None:
    for number in range(2, 8):
        store.world.clock.now = NOW + timedelta(minutes=number // 2)  # two share a moment
        await another(store, str(number))
    store.world.clock.now = NOW
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        body = (await store.call("buyer", "/licenses", params=query)).json()
        seen += [one["order_number"] for one in body["licenses"]]
        if (cursor := body["next"]) is None:
            break
    assert sorted(seen) == list("1234567")
    assert (seen[0] in "67", seen[-1]) == (True, "1")
    assert (await store.call("buyer", "/licenses", params={"cursor": "x"})).json()["code"] == "cursor"


@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_license_says_all_its_customer_needs(store: Store, language: str) -> None:
    body = (await store.call("buyer", f"/licenses/{store.license}", params={"language": language})).json()
    assert (body["order_number"], body["sku"], body["name"], body["quantity"]) == ("1", "GRID-1", "Grid (One)", 2)
    assert body["ordered_on"] == "2026-03-02"
    assert body["activation"] == list(STEPS[language])
    file = await store.client.get(body["href"], headers={"Authorization": f"Bearer {token('buyer')}"})
    assert file.headers["content-disposition"] == f'attachment; filename="{body["file_name"]}"'


async def test_case_22_a_link_is_shown_and_taken_once(store: Store) -> None:
    shown = (await store.call("buyer", f"/claims/{store.claim}")).json()
    assert (shown["order_number"], shown["licensee"], shown["lines"][0]["sku"]) == ("1", "ACME", "GRID-1")
    taken = await store.call("buyer", f"/claims/{store.claim}", "POST")
    assert taken.json() == {"order_number": "1", "licenses": "/storefront/v1/licenses"}
    for method in ("GET", "POST"):
        answer = await store.call("buyer", f"/claims/{store.claim}", method)
        assert (answer.status_code, answer.json()["code"]) == (409, "claim_used")
    assert len((await store.call("buyer", "/licenses")).json()["licenses"]) == 1


async def test_case_22_an_expired_a_foreign_and_a_made_up_link_are_told_apart(store: Store) -> None:
    for method in ("GET", "POST"):
        foreign = await store.call("stranger", f"/claims/{store.claim}", method)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "claim_foreign")
        made_up = await store.call("buyer", "/claims/made-up", method)
        assert (made_up.status_code, made_up.json()["code"]) == (404, "no_claim")
        assert (await store.call(None, f"/claims/{store.claim}", method)).status_code == 401
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        claim = await session.get_one(LicenseClaim, (await rows(store.world, LicenseClaim))[0].id)
        claim.expires_at = NOW
    expired = await store.call("buyer", f"/claims/{store.claim}", "POST")
    assert (expired.status_code, expired.json()["code"]) == (409, "claim_expired")


async def test_case_22_the_reseller_sees_the_same_order_whether_its_license_waits_or_not(store: Store) -> None:
    before = (await store.call("texan", "/orders/1")).content
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        license = await session.get_one(License, store.license)
        order = await session.get_one(ResellerOrder, license.order_id)
        license.end_customer_id = order.end_customer_id = None
    assert (await store.call("texan", "/orders/1")).content == before
