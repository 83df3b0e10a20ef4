"""Listings and price changes over the API."""

from __future__ import annotations

from app.resellers.service import find
from tests.orders.test_obligations import told
from tests.web.storefront.conftest import Store

URL = "https://partner.example/products"


async def test_listings_are_recorded_and_shown_to_their_own_company(store: Store) -> None:
    assert (await store.call("texan", "/listings")).json() == {"listings": [], "next": None}
    put = await store.call("texan", "/listings", "PUT", json={"urls": [URL, URL]})
    assert (put.status_code, [one["url"] for one in put.json()["listings"]]) == (200, [URL])
    assert put.json()["listings"][0]["checked_at"] is None
    assert (await store.call("texan", "/listings")).json() == put.json()
    assert (await store.call("rival", "/listings")).json() == {"listings": [], "next": None}
    wrong = await store.call("texan", "/listings", "PUT", json={"urls": ["http://127.0.0.1/"]})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "listing_url")


async def test_a_price_change_is_acknowledged(store: Store) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        made = await find(session, "texan@partner.example")
    change = await told(store.world, made)
    path = f"/price-changes/{change}/acknowledgement"
    assert [(await store.call("texan", path, "POST")).json() for _ in range(2)] == [{"new": True}, {"new": False}]
    assert (await store.call("rival", path, "POST")).json()["code"] == "no_price_change"
