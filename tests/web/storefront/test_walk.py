"""Every route of the OpenAPI document with every kind of token, and what an end customer can reach."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.orders.builders import API, recorded
from tests.saleor.keys import access_token
from tests.web.storefront.conftest import AT, OTHER, Store, token

FOREIGN = re.compile(r"texan|GRID-1|RF-|19\.49|2026-00001|ACME|buyer@", re.I)

TOKENS = {
    "none": None,
    "garbage": "garbage",
    "expired": token("texan", exp=AT - 60),
    "refresh": token("texan", type="refresh"),
    "other shop": access_token("other", OTHER, "texan", AT),
    "forged": access_token("other", API, "texan", AT),
    "stranger": token("stranger", email="texan@partner.example"),
    "rival": token("rival"),
    "customer": token("buyer"),
    "reseller": token("texan"),
}
BODIES: dict[str, Any] = {
    "/policy/acceptance": {"version": "1"},
    "/prices": {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 3}]},
}
CHANNEL = {"slug": "default", "currencyCode": "USD", "taxConfiguration": {"pricesEnteredWithTax": False}}
VARIANT = {
    "id": "V1", "sku": "GRID-1", "name": "One",
    "channelListings": [{"channel": CHANNEL, "price": {"amount": 10.0}}],
    "pricing": {"price": {"net": {"amount": 10.0}, "gross": {"amount": 10.0}}},
    "product": {"id": "P1", "name": "Grid", "category": None, "collections": []},
}  # fmt: skip


async def walked(store: Store, name: str) -> list[tuple[str, str, httpx.Response]]:
    """(tag, path, answer) of every operation that the OpenAPI document names."""
    store.world.saleor.answers["VariantPrice"] = {"productVariant": VARIANT}
    document = (await store.call(None, "/openapi.json")).json()
    found = []
    for path, operations in document["paths"].items():
        known = {"number": "1", "document_id": store.document, "license_id": store.license, "token": store.claim}
        filled = path.format(**known) if "{" in path else path
        for method, operation in operations.items():
            sent = TOKENS[name]
            answer = await store.client.request(
                method,
                f"/storefront/v1{filled}",
                headers={"Authorization": f"Bearer {sent}"} if sent else {},
                json=BODIES.get(path),
            )
            assert str(answer.status_code) in operation["responses"], (path, answer.status_code)
            found.append((operation["tags"][0], path, answer))
    assert len(found) >= 12
    return found


@pytest.mark.parametrize("name", TOKENS)
async def test_every_route_with_every_token(store: Store, name: str) -> None:
    for tag, path, answer in await walked(store, name):
        code, own = answer.status_code, answer.text
        if name in ("none", "garbage", "expired", "refresh", "forged"):
            assert code == 401, path
        elif name == "other shop" and "{token}" in path:
            assert code == 404, path
        elif name in ("other shop", "stranger") or (name == "customer") != (tag == "end customers"):
            assert code == 403, path
        elif name == "rival":
            assert code == (404 if "{number}" in path else 200), path
        elif path.endswith("temporary-license"):
            assert code in (201, 409), path
        else:
            assert code == 200, (path, own)
        if code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"type", "title", "status", "detail", "code"}
        if name not in ("reseller", "customer") and path != "/prices":
            assert not FOREIGN.search(own), (path, own)
        assert answer.headers["cache-control"].startswith("private")


async def test_another_resellers_order_answers_like_an_unknown_one(store: Store) -> None:
    for tail in ("", f"/documents/{store.document}", f"/licenses/{store.license}"):
        theirs, none = [await store.call("rival", f"/orders/{number}{tail}") for number in ("1", "999")]
        assert (theirs.status_code, theirs.content, theirs.headers) == (none.status_code, none.content, none.headers)


async def test_a_document_or_license_counts_only_under_its_own_order(store: Store) -> None:
    await recorded(store.world, "2")
    for tail in (f"/documents/{store.document}", f"/licenses/{store.license}"):
        assert (await store.call("texan", f"/orders/1{tail}")).status_code == 200
        assert (await store.call("texan", f"/orders/2{tail}")).status_code == 404
