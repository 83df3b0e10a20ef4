"""What single routes answer, and what stands around all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.licenses.rules import LicenseState
from app.licenses.service import set_state
from app.resellers.rules import Decision
from app.resellers.service import decide
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.orders.builders import API, limits, recorded, rows, wire
from tests.saleor.keys import access_token
from tests.web.storefront.conftest import AT, ORIGIN, OTHER, REFERENCE, VARIANT, Store, token


async def test_the_standing_says_terms_reasons_and_what_is_open(store: Store) -> None:
    body = (await store.call("texan", "/standing")).json()
    assert (body["terms"], body["counted_prepaid_orders"], body["required_prepaid_orders"]) == ("prepay", 0, 3)
    assert body["reasons"][0]["code"] == "prepaid_count"
    assert body["reasons"][0]["sentence"].startswith("0 of 3")
    assert body["open_amounts"] == [
        {"open": {"amount": "19.49", "currency": "USD"}, "overdue": {"amount": "0.00", "currency": "USD"}}
    ]
    assert (body["lifted_by"], body["unallocated"], body["credit_limit"]) == ([], [], None)
    await wire(store.world, amount="20.00")
    body = (await store.call("texan", "/standing")).json()
    assert (body["counted_prepaid_orders"], body["unallocated"]) == (1, [{"amount": "0.51", "currency": "USD"}])


async def test_case_79_the_standing_says_what_is_late_and_what_lifts_it(store: Store) -> None:
    (row,) = await rows(store.world, Reseller, Reseller.email == "texan@partner.example")
    await limits(store.world, row.id, credit_limit_minor=5000, order_limit_minor=1000, limit_currency="USD", prepaid_orders=0)
    store.world.clock.now = datetime(2026, 4, 7, 12, tzinfo=UTC)
    headers = {"Authorization": f"Bearer {access_token('k', API, 'texan', int(store.world.clock.now.timestamp()))}"}
    body = (await store.client.get("/storefront/v1/standing", headers=headers)).json()
    assert [one["sentence"] for one in body["reasons"]] == ["Order 1 is 6 days overdue; 19.49 USD lifts it."]
    assert body["lifted_by"] == [{"amount": "19.49", "currency": "USD"}]
    assert (body["credit_limit"]["amount"], body["order_limit"]["amount"]) == ("50.00", "10.00")


async def test_case_7_an_acceptance_twice_is_one(store: Store) -> None:
    await store.world.set(policy_version="2")
    assert (await store.call("texan", "/standing")).json()["obstacles"][0]["code"] == "policy_not_accepted"
    old = await store.call("texan", "/policy/acceptance", "POST", json={"version": "1"})
    assert (old.status_code, old.json()["code"]) == (409, "policy_version")
    answers = [(await store.call("texan", "/policy/acceptance", "POST", json={"version": "2"})).json() for _ in range(2)]
    assert answers == [{"version": "2", "new": True}, {"version": "2", "new": False}]
    assert (await store.call("texan", "/standing")).json()["may_order"] is True


@pytest.mark.parametrize(("public", "total"), [(10.0, "27.00"), (8.0, "24.00")])
async def test_a_price_is_the_lower_of_partner_and_public(store: Store, public: float, total: str) -> None:
    price = {"net": {"amount": public}, "gross": {"amount": public}}
    store.world.saleor.answers["VariantPrice"] = {"productVariant": VARIANT | {"pricing": {"price": price}}}
    body = {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 3}]}
    line = (await store.call("texan", "/prices", "POST", json=body)).json()["lines"][0]
    assert (line["retail"]["amount"], line["partner"]["amount"], line["total"]["amount"]) == ("10.00", "9.00", total)
    assert line["reasons"][0]["code"] == "list_rate"


async def test_case_17_a_variant_without_price_is_not_found(store: Store) -> None:
    body = {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 3}]}
    for answer in (None, VARIANT | {"channelListings": []}):
        store.world.saleor.answers["VariantPrice"] = {"productVariant": answer}
        assert (await store.call("texan", "/prices", "POST", json=body)).json()["code"] == "no_price"


async def test_a_suspended_reseller_reads_its_orders_and_gets_no_price(store: Store) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await decide(session, "texan@partner.example", Decision.SUSPEND, by="a", at=NOW, policy_version="1", reason="r")
    assert (await store.call("texan", "/orders/1")).status_code == 200
    body = {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 3}]}
    for path, sent in (("/prices", body), ("/orders/1/temporary-license", None)):
        assert (await store.call("texan", path, "POST", json=sent)).json()["code"] == "reseller_inactive"


async def test_an_order_says_how_to_pay_it(store: Store) -> None:
    body = (await store.call("texan", "/orders/1")).json()
    assert body["payment"]["amount"] == {"amount": "19.49", "currency": "USD"}
    assert (body["payment"]["reference"], body["payment"]["routing_number"]) == (REFERENCE, "021000021")
    assert body["reasons"][0]["code"] == "wire_missing"
    assert body["lines"][0]["unit"]["amount"] == "9.00"
    document = await store.client.get(body["documents"][0]["href"], headers={"Authorization": f"Bearer {token('texan')}"})
    assert (document.content, document.headers["content-disposition"]) == (
        b"%PDF 19.49 USD",
        'attachment; filename="invoice-2026-00001.pdf"',
    )
    await wire(store.world)
    assert (await store.call("texan", "/orders/1")).json()["payment"] is None


async def test_case_85_a_temporary_license_is_asked_once(store: Store) -> None:
    await recorded(store.world, "2")
    first = await store.call("texan", "/orders/2/temporary-license", "POST")
    assert first.status_code == 201
    file = await store.client.get(first.json()["licenses"][0]["href"], headers={"Authorization": f"Bearer {token('texan')}"})
    assert file.text.startswith("-----BEGIN")
    second = await store.call("texan", "/orders/2/temporary-license", "POST")
    assert (second.status_code, second.json()["code"]) == (422, "temporary_twice")


async def test_a_revoked_license_is_shown_but_not_handed_out(store: Store) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await set_state(session, store.license, LicenseState.REVOKED, reason="r", at=NOW)
    assert (await store.call("buyer", f"/licenses/{store.license}")).json()["state"] == "revoked"
    for user, path in (("buyer", f"/licenses/{store.license}/file"), ("texan", f"/orders/1/licenses/{store.license}")):
        assert (await store.call(user, path)).json()["code"] == "license_revoked"


async def test_pages_join_without_gap_or_repetition(store: Store) -> None:
    for number in range(2, 8):
        store.world.clock.now = NOW + timedelta(minutes=number // 2)  # two orders share a moment
        await recorded(store.world, str(number))
    store.world.clock.now = NOW
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        body = (await store.call("texan", "/orders", params=query)).json()
        seen += [one["number"] for one in body["orders"]]
        if (cursor := body["next"]) is None:
            break
    assert sorted(seen) == list("1234567")
    assert seen[0] in "67"
    assert seen[-1] == "1"


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwgImEiXQ", "é"])
async def test_a_wrong_cursor_is_named(store: Store, cursor: str) -> None:
    answer = await store.call("texan", "/orders", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor")


async def test_what_did_not_change_is_not_sent_again(store: Store) -> None:
    first = await store.call("texan", "/orders/1")
    again = await store.call("texan", "/orders/1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await wire(store.world)
    assert (await store.call("texan", "/orders/1", headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_a_user_has_so_many_requests_a_minute(store: Store) -> None:
    codes = [(await store.call("texan", "/certificates")).status_code for _ in range(121)]
    assert codes == [200] * 120 + [429]
    answer = await store.call("texan", "/certificates")
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("1", "rate_limited")
    assert (await store.call("rival", "/certificates")).status_code == 200
    store.world.clock.now += timedelta(seconds=1)
    assert [(await store.call("texan", "/certificates")).status_code for _ in range(3)] == [200, 200, 429]


async def test_only_the_shops_own_origins_may_read(store: Store) -> None:
    preflight = {"Access-Control-Request-Method": "GET"}
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None), (f"{ORIGIN}.evil.example", None), ("null", None)):
        for answer in (
            await store.call(None, "/orders", "OPTIONS", headers={"Origin": origin, **preflight}),
            await store.call("texan", "/orders", headers={"Origin": origin}),
            await store.call("texan", "/orders/999", headers={"Origin": origin}),
            await store.call(None, "/orders", headers={"Origin": origin}),
        ):
            assert answer.headers.get("access-control-allow-origin") == allowed
    # The other shop lists no origin: its tokens are not for this storefront.
    other = {"Authorization": f"Bearer {access_token('other', OTHER, 'x', AT)}", "Origin": ORIGIN}
    assert "access-control-allow-origin" not in (await store.call(None, "/orders", headers=other)).headers


async def test_every_error_is_a_problem(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*given: object) -> None:
        raise RuntimeError("secret")

    cases = [
        (await store.call("texan", "/prices", "POST", json={"channel": "", "lines": []}), 422, "validation"),
        (await store.call("texan", "/prices", "POST", content=b"{"), 422, "validation"),
        (await store.call("texan", "/prices", "POST", content=b"x" * 70_000), 413, "too_large"),
        (await store.call("texan", "/nothing"), 404, "not_found"),
        (await store.call("texan", "/orders", "DELETE"), 405, "method_not_allowed"),
        (await store.call("texan", "/orders", params={"limit": 101}), 422, "validation"),
    ]
    monkeypatch.setattr("app.orders.storefront.page_of_orders", broken)
    cases.append((await store.call("texan", "/orders"), 500, "internal_error"))
    for answer, status, code in cases:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert (answer.json()["status"], answer.json()["code"]) == (status, code)
        assert "secret" not in answer.text


async def test_prices_entered_with_tax_are_compared_with_tax(store: Store) -> None:
    listing = {"slug": "default", "currencyCode": "USD", "taxConfiguration": {"pricesEnteredWithTax": True}}
    store.world.saleor.answers["VariantPrice"] = {
        "productVariant": VARIANT
        | {
            "channelListings": [{"channel": listing, "price": {"amount": 10.0}}],
            "pricing": {"price": {"net": {"amount": 8.4}, "gross": {"amount": 10.0}}},
        }
    }
    body = {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 1}]}
    line = (await store.call("texan", "/prices", "POST", json=body)).json()["lines"][0]
    assert (line["total"]["amount"], line["includes_tax"]) == ("9.00", True)
