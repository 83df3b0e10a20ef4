"""Drift of the installed webhooks, and its repair."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from graphql import build_schema, parse
from graphql.execution.values import get_variable_values

from app.errors import Refused, SaleorError
from app.saleor.answers import SaleorWebhook
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.manifest import render
from app.saleor.resources import ROOT, operation
from app.saleor.webhooks import (
    ChangedWebhook,
    Difference,
    MissingWebhook,
    SurplusWebhook,
    differences,
    drift,
    sync,
    wanted_webhooks,
)
from tests.saleor.test_registration import app_self

BASE = "https://resellers.example"
API = "https://shop.example/graphql/"
SCHEMAS = sorted((ROOT.parent / "shared" / "saleor").glob("schema-*.graphql"))


def installed(version: str = "3.23.28") -> list[dict[str, Any]]:
    """What Saleor has after an installation by our manifest."""
    return [
        {
            "id": f"V{number}",
            "name": entry["name"],
            "isActive": True,
            "targetUrl": entry["targetUrl"],
            "subscriptionQuery": entry["query"],
            "syncEvents": [{"eventType": event} for event in entry.get("syncEvents", ())],
            "asyncEvents": [{"eventType": event} for event in entry.get("asyncEvents", ())],
        }
        for number, entry in enumerate(render(BASE, version)["webhooks"])
    ]


def found(webhooks: list[dict[str, Any]]) -> list[Difference]:
    return differences([SaleorWebhook.model_validate(entry) for entry in webhooks], wanted_webhooks(BASE, "3.23.28"))


def test_a_fresh_installation_has_none() -> None:
    assert found(installed()) == []
    assert (
        differences([SaleorWebhook.model_validate(entry) for entry in installed("3.22.1")], wanted_webhooks(BASE, "3.22.1")) == []
    )


def test_blanks_and_comments_of_a_query_are_no_difference() -> None:
    webhooks = installed()
    webhooks[0]["subscriptionQuery"] = "# a comment\n" + " ".join(webhooks[0]["subscriptionQuery"].split())
    assert found(webhooks) == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"targetUrl": "https://old.example/api/webhooks/order-created"}, ("target_url",)),
        ({"isActive": False}, ("active",)),
        ({"subscriptionQuery": "subscription { event { issuedAt } }"}, ("query",)),
        ({"subscriptionQuery": "subscription {"}, ("query",)),
        ({"subscriptionQuery": None}, ("query",)),
        ({"name": "renamed by staff"}, ("name",)),
        ({"asyncEvents": [{"eventType": "ORDER_CREATED"}, {"eventType": "ORDER_UPDATED"}]}, ("async_events",)),
        ({"syncEvents": [{"eventType": "CHECKOUT_CALCULATE_TAXES"}], "asyncEvents": []}, ("sync_events", "async_events")),
    ],
)
def test_each_thing_that_can_differ_is_named(change: dict[str, Any], fields: tuple[str, ...]) -> None:
    webhooks = installed()
    entry = next(entry for entry in webhooks if entry["name"] == "order_created")
    entry |= change
    (difference,) = found(webhooks)
    assert isinstance(difference, ChangedWebhook)
    assert (difference.id, difference.wanted.name, difference.fields) == (entry["id"], "order_created", fields)
    assert str(difference) == f"order_created differs in {', '.join(fields)}"


def test_missing_surplus_and_double_webhooks() -> None:
    webhooks = installed()
    gone = webhooks.pop(0)
    webhooks.append(webhooks[0] | {"id": "double"})
    webhooks.append(
        {**webhooks[0], "id": "foreign", "name": "", "syncEvents": [], "asyncEvents": [{"eventType": "PRODUCT_CREATED"}]}
    )
    missing, double, foreign = found(webhooks)
    assert isinstance(missing, MissingWebhook)
    assert missing.wanted.name == gone["name"]
    assert (double, foreign) == (SurplusWebhook("double", webhooks[0]["name"]), SurplusWebhook("foreign", ""))
    assert [str(missing), str(foreign)] == [f"{gone['name']} is missing", "foreign is not wanted"]


class Shop:
    """A shop that keeps webhooks as Saleor does, as far as `sync` goes."""

    def __init__(self, webhooks: list[dict[str, Any]]) -> None:
        self.webhooks = {entry["id"]: entry for entry in webhooks}
        self.mutations: list[str] = []
        self.refuse = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        name = next((name for name in ("webhookCreate", "webhookUpdate", "webhookDelete") if name in sent["query"]), "")
        if not name:
            return httpx.Response(200, json=app_self(webhooks=list(self.webhooks.values())))
        self.mutations.append(name)
        variables = sent["variables"]
        if name == self.refuse:
            error = {"field": "targetUrl", "code": "INVALID", "message": "no"}
            return httpx.Response(200, json={"data": {name: {"webhook": None, "errors": [error]}}})
        id = variables.get("id") or f"new-{len(self.mutations)}"
        if name == "webhookDelete":
            del self.webhooks[id]
        else:
            given = variables["input"]
            self.webhooks[id] = {
                "id": id,
                "name": given["name"],
                "isActive": given["isActive"],
                "targetUrl": given["targetUrl"],
                "subscriptionQuery": given["query"],
                "syncEvents": [{"eventType": event} for event in given["syncEvents"]],
                "asyncEvents": [{"eventType": event} for event in given["asyncEvents"]],
            }
        return httpx.Response(200, json={"data": {name: {"webhook": {"id": id}, "errors": []}}})


@pytest.fixture
async def client() -> AsyncIterator[SaleorClient]:
    client = SaleorClient(API, "token", timeout=2.0)
    yield client
    await client.close()


def broken() -> Shop:
    webhooks = installed()
    webhooks[1]["isActive"] = False
    webhooks.append(webhooks.pop(0) | {"id": "odd", "name": "odd", "syncEvents": []})
    return Shop(webhooks)


@respx.mock
async def test_sync_repairs_once(client: SaleorClient) -> None:
    shop = broken()
    respx.post(API).mock(side_effect=shop)
    repaired = await sync(client, BASE)
    assert [type(repair) for repair in repaired] == [MissingWebhook, ChangedWebhook, SurplusWebhook]
    assert shop.mutations == ["webhookCreate", "webhookUpdate", "webhookDelete"], (
        "nothing is deleted before its replacement is there"
    )
    assert await drift(client, BASE) == []
    assert await sync(client, BASE) == []
    assert len(shop.mutations) == 3


@pytest.mark.parametrize("base", ["http://localhost:8001", "http://127.0.0.1:8001", "http://[::1]:8001", "http://0.0.0.0:8001"])
@respx.mock
async def test_sync_does_not_take_a_live_shops_webhooks_to_this_machine(client: SaleorClient, base: str) -> None:
    shop = broken()
    respx.post(API).mock(side_effect=shop)
    with pytest.raises(Refused, match=f"The shop calls {BASE}/.*Set RESELLER_BASE_URL") as caught:
        await sync(client, base)
    assert (caught.value.code, shop.mutations) == ("loopback_target", [])


@respx.mock
async def test_sync_moves_webhooks_between_addresses_of_this_machine_and_away_from_it(client: SaleorClient) -> None:
    shop = Shop([entry | {"targetUrl": entry["targetUrl"].replace(BASE, "http://localhost:8001")} for entry in installed()])
    respx.post(API).mock(side_effect=shop)
    for base in ("http://127.0.0.1:9001", "https://moved.example"):
        assert {type(repair) for repair in await sync(client, base)} == {ChangedWebhook}
        assert all(entry["targetUrl"].startswith(base) for entry in shop.webhooks.values())


@respx.mock
async def test_sync_goes_on_where_it_stopped(client: SaleorClient) -> None:
    shop = broken()
    shop.refuse = "webhookUpdate"
    respx.post(API).mock(side_effect=shop)
    with pytest.raises(SaleorRefused, match="targetUrl"):
        await sync(client, BASE)
    shop.refuse = ""
    assert [type(repair) for repair in await sync(client, BASE)] == [ChangedWebhook, SurplusWebhook]


@respx.mock
async def test_a_token_of_no_app_has_no_webhooks(client: SaleorClient) -> None:
    answer = app_self()
    answer["data"]["app"] = None
    respx.post(API).respond(json=answer)
    with pytest.raises(SaleorError, match="no app"):
        await drift(client, BASE)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
@respx.mock
async def test_what_is_sent_fits_every_saleor(path: Any, client: SaleorClient) -> None:
    schema = build_schema(path.read_text())
    route = respx.post(API).mock(side_effect=broken())
    await sync(client, BASE)
    for name in ("webhook_create", "webhook_update"):
        definition: Any = parse(operation(name)).definitions[0]
        sent = [json.loads(call.request.content) for call in route.calls]
        variables = next(item["variables"] for item in sent if definition.name.value in item["query"])
        assert not isinstance(get_variable_values(schema, definition.variable_definitions, variables), list)
