"""Installing, deleting and switching apps, their tokens, and the webhooks they keep themselves (saleor-facts 1)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.errors import SaleorError
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.operations import (
    APP_PROBLEM_CREATE,
    APP_SELF,
    CHANNEL_UPDATE,
    FLAT_RATES,
    INSTALLATION,
    SHOP_SETTINGS_UPDATE,
    TAX_CONFIGURATION_UPDATE,
    VARIANT_BY_SKU,
    VARIANT_PRICE,
    WEBHOOK_CREATE,
    WEBHOOK_DELETE,
    WEBHOOK_UPDATE,
    Operation,
)
from app.sandbox import seed
from app.sandbox.storefront import StorefrontRefused
from tests.sandbox.conftest import INSTALL, World
from tests.sandbox.fake_app import ASYNC, IDENTIFIER, PERMISSIONS, SYNC

DELETE = "mutation($id: ID!) { appDelete(id: $id) { app { id } errors { field code message } } }"
SWITCH = "mutation($id: ID!) { appDeactivate(id: $id) { app { isActive } errors { field code message } } }"
SWITCH_ON = "mutation($id: ID!) { appActivate(id: $id) { app { isActive } errors { field code message } } }"
FAILED = "{ appsInstallations { status message appName } }"
QUERY = "subscription { event { ... on OrderCreated { order { id } } } }"


async def run(world: World, operation: Operation[Any], **variables: Any) -> Any:
    saleor = SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)
    try:
        return await saleor.execute(operation, **variables)
    finally:
        await saleor.close()
        await world.sandbox.settled()


async def test_an_installation_brings_token_webhooks_and_granted_permissions(bare: World) -> None:
    await bare.install(permissions=["MANAGE_ORDERS", "HANDLE_TAXES"])
    app = bare.app
    assert bare.fake.token == app.auth_token
    assert len(app.auth_token) == 30
    assert app.name == "Test", "the installer's name, not the manifest's"
    assert app.permissions == {"MANAGE_ORDERS", "HANDLE_TAXES"}
    assert len(app.webhooks) == len(SYNC) + len(ASYNC)
    assert bare.store.installations == []
    told = bare.fake.registered
    assert told["saleor-api-url"] == bare.sandbox.api_url
    assert told["saleor-schema-version"] == "3.23"
    assert "saleor-signature" not in told
    answer = await run(bare, APP_SELF)
    assert (answer.app.id, answer.app.identifier, answer.shop.version) == (app.id, IDENTIFIER, bare.store.version)


@pytest.mark.parametrize(
    ("handshake", "sentence"),
    [
        (JSONResponse({"error": {"message": "Not on the list."}}, 403), "Not on the list."),
        (Response(status_code=500), "App internal error (500)"),
    ],
)
async def test_a_refused_handshake_leaves_nothing_behind(bare: World, handshake: Response, sentence: str) -> None:
    bare.fake.handshake = handshake  # type: ignore[assignment]
    await bare.install()
    assert [app.identifier for app in bare.store.apps] == ["sandbox.card"]
    staff = await bare.staff()
    [failed] = (await staff.ask(FAILED))["appsInstallations"]
    assert failed == {"status": "FAILED", "message": sentence, "appName": "Test"}
    guest = bare.buyer("")
    guest.token = bare.fake.token
    with pytest.raises(SaleorError, match="AUTHENTICATED_APP"):
        await guest.ask("{ app { id } }")


async def test_a_redirect_is_a_success(bare: World) -> None:
    bare.fake.handshake = RedirectResponse("/elsewhere")  # type: ignore[assignment]
    await bare.install()
    assert bare.app.is_active


@pytest.mark.parametrize("manifest", ["http://127.0.0.1:9/manifest", "/nothing"])
async def test_a_manifest_that_is_not_there(bare: World, manifest: str) -> None:
    await bare.install(manifestUrl=manifest if manifest.startswith("http") else bare.fake.url + manifest)
    assert bare.store.installations[0].status == "FAILED"


async def test_every_subscription_is_validated(bare: World) -> None:
    for query in ("subscription { event { nothing } }", "{ shop { name } }", "subscription {"):
        bare.fake.queries["order_created"] = query
        await bare.install()
        assert bare.store.installations[-1].status == "FAILED"


async def test_one_field_with_two_types_fails_the_installation(bare: World) -> None:
    """saleor-facts 0.8: `variant` is nullable on one side of the union and not on the other."""
    bare.fake.queries["checkout_calculate_taxes"] = (
        "subscription { event { ... on CalculateTaxes { taxBase { lines { sourceLine "
        "{ ... on CheckoutLine { variant { id } } ... on OrderLine { variant { id } } } } } } } }"
    )
    await bare.install()
    assert "variant" in (bare.store.installations[0].message or "")


async def test_the_same_app_twice_is_refused(world: World) -> None:
    await world.install()
    assert "already installed" in (world.store.installations[0].message or "")


async def test_events_are_derived_from_the_query_where_none_are_named(bare: World) -> None:
    bare.fake.more["order_paid"] = QUERY
    await bare.install()
    assert next(webhook for webhook in bare.app.webhooks if webhook.name == "order_paid").events == {"ORDER_PAID"}


async def test_installing_needs_manage_apps_and_only_grants_what_one_has(bare: World) -> None:
    buyer = bare.buyer()
    await buyer.sign_in()
    with pytest.raises(SaleorError, match="MANAGE_APPS"):
        await buyer.ask(INSTALL, input={"appName": "x", "manifestUrl": bare.fake.url})
    payload = await bare.install(permissions=["MANAGE_PLUGINS"])
    assert payload["errors"][0]["code"] == "OUT_OF_SCOPE_PERMISSION"


async def test_a_deleted_app_is_told_and_its_token_ends(world: World) -> None:
    app, token = world.app, world.app.auth_token
    await (await world.staff()).send(DELETE, "appDelete", id=app.id)
    await world.sandbox.settled()
    [body] = world.fake.bodies("app_deleted")
    assert body["app"] == {"id": app.id, "isActive": False}
    guest = world.buyer("")
    guest.token = token
    with pytest.raises(SaleorError, match="AUTHENTICATED_APP"):
        await guest.ask("{ app { id } }")
    await world.install()
    assert world.app.id != app.id
    assert world.app.auth_token != token


async def test_a_switched_app_is_told_in_both_directions(world: World) -> None:
    staff = await world.staff()
    await staff.send(SWITCH, "appDeactivate", id=world.app.id)
    await staff.send(SWITCH_ON, "appActivate", id=world.app.id)
    await world.sandbox.settled()
    assert sorted(body["app"]["isActive"] for body in world.fake.bodies("app_status_changed")) == [False, True]


async def test_an_app_keeps_its_webhooks_itself(world: World) -> None:
    fields = {"name": "extra", "targetUrl": f"{world.fake.url}/hook/extra", "query": QUERY, "asyncEvents": ["ORDER_CREATED"]}
    made = await run(world, WEBHOOK_CREATE, input=fields)
    id = made.webhook_create.webhook.id
    await run(world, WEBHOOK_UPDATE, id=id, input={"asyncEvents": ["ORDER_UPDATED"], "syncEvents": [], "isActive": False})
    found = next(webhook for webhook in (await run(world, APP_SELF)).app.webhooks if webhook.id == id)
    assert ([event.event_type for event in found.async_events], found.is_active) == (["ORDER_UPDATED"], False)
    await run(world, WEBHOOK_DELETE, id=id)
    with pytest.raises(SaleorRefused):
        await run(world, WEBHOOK_DELETE, id=id)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"targetUrl": "ftp://x"}, "INVALID"),
        ({"targetUrl": "http://x/" + "y" * 300}, "INVALID"),
        ({"query": "subscription {"}, "SYNTAX"),
        ({"query": "{ shop { name } }"}, "MISSING_SUBSCRIPTION"),
        ({"query": "subscription { event { nothing } }"}, "GRAPHQL_ERROR"),
    ],
)
async def test_a_wrong_webhook_is_refused_whole(world: World, change: dict[str, str], expected: str) -> None:
    webhook = world.app.webhooks[0]
    before = (webhook.target_url, webhook.subscription_query, set(webhook.events))
    with pytest.raises(SaleorRefused) as refused:
        await run(world, WEBHOOK_UPDATE, id=webhook.id, input={"syncEvents": [], **change})
    assert refused.value.errors[0].code == expected
    assert (webhook.target_url, webhook.subscription_query, set(webhook.events)) == before


async def test_problems_are_counted_by_key(world: World) -> None:
    for key in ("a", "b", "a"):
        await run(world, APP_PROBLEM_CREATE, input={"message": "Look here.", "key": key})
    assert [(problem.key, problem.count) for problem in world.app.problems] == [("a", 2), ("b", 1)]


async def test_what_the_installation_check_reads_and_repairs(world: World) -> None:
    answer = await run(world, INSTALLATION)
    channel = answer.channels[0]
    assert (channel.slug, channel.order_settings.allow_unpaid_orders) == ("default-channel", False)
    assert channel.tax_configuration.tax_app_id == IDENTIFIER
    await run(world, CHANNEL_UPDATE, id=channel.id, input={"orderSettings": {"allowUnpaidOrders": True}})
    await run(world, SHOP_SETTINGS_UPDATE, input={"fulfillmentAllowUnpaid": False})
    rows = [{"countryCode": "US", "chargeTaxes": True, "displayGrossPrices": False, "taxCalculationStrategy": "FLAT_RATES"}]
    change = {"taxCalculationStrategy": "TAX_APP", "taxAppId": IDENTIFIER, "updateCountriesConfiguration": rows}
    await run(world, TAX_CONFIGURATION_UPDATE, id=channel.tax_configuration.id, input=change)
    answer = await run(world, INSTALLATION)
    assert answer.channels[0].order_settings.allow_unpaid_orders is True
    assert answer.shop.fulfillment_allow_unpaid is False
    [row] = answer.channels[0].tax_configuration.countries
    assert (row.country.code, row.tax_calculation_strategy) == ("US", "FLAT_RATES")
    await run(world, TAX_CONFIGURATION_UPDATE, id=channel.tax_configuration.id, input={"removeCountriesConfiguration": ["US"]})
    assert world.channel.taxes.countries == []


async def test_a_tax_app_needs_its_webhook(world: World) -> None:
    id = world.channel.taxes.id
    with pytest.raises(SaleorRefused) as refused:
        await run(world, TAX_CONFIGURATION_UPDATE, id=id, input={"taxAppId": "sandbox.card"})
    assert refused.value.errors[0].code == "NOT_FOUND"


async def test_rates_and_variants_are_read(world: World) -> None:
    rates = (await run(world, FLAT_RATES)).tax_country_configurations
    assert {entry.country.code for entry in rates} == {"AT", "DE", "FR", "PL", "US"}
    found = (await run(world, VARIANT_BY_SKU, sku="GRID-DEV")).product_variant
    assert found.product.metadata["license.product"] == "grid-control"
    assert (await run(world, VARIANT_BY_SKU, sku="NONE")).product_variant is None
    priced = (await run(world, VARIANT_PRICE, id=found.id, channel=world.channel.slug)).product_variant
    (listed,) = [entry for entry in priced.channel_listings if entry.channel.slug == world.channel.slug]
    assert listed.price.amount == priced.pricing.price.net.amount
    assert listed.channel.tax_configuration.prices_entered_with_tax is False


async def test_an_unknown_token_is_nobody_and_a_forged_one_an_error_where_it_matters(world: World) -> None:
    guest = world.buyer("")
    for token in ("x" * 30, "a.b.c", "junk"):
        guest.token = token
        assert (await guest.ask("{ me { id } }"))["me"] is None
        with pytest.raises(SaleorError, match="AUTHENTICATED_APP"):
            await guest.ask("{ app { id } }")
    buyer = world.buyer()
    await buyer.sign_in()
    buyer.token = buyer.token[:-4] + "AAAA"
    assert (await buyer.ask("{ shop { name } }"))["shop"]["name"] == world.store.name
    with pytest.raises(SaleorError, match="Signature verification failed"):
        await buyer.ask("{ me { id } }")


async def test_lists_of_apps_are_for_staff(world: World) -> None:
    staff = await world.staff()
    listed = (await staff.ask("{ apps(first: 10) { totalCount edges { node { identifier tokens { id } } } } }"))["apps"]
    assert listed["totalCount"] == 2
    assert (await staff.ask("query($id: ID) { app(id: $id) { permissions { code } } }", id=world.app.id))["app"] == {
        "permissions": [{"code": code} for code in sorted(PERMISSIONS)]
    }
    buyer = world.buyer(seed.BUYER)
    await buyer.sign_in()
    for document in ("{ apps(first: 1) { totalCount } }", FAILED, "{ shop { version } }", "{ channels { slug } }"):
        with pytest.raises(SaleorError):
            await buyer.ask(document)
    with pytest.raises(StorefrontRefused):
        await staff.send(DELETE, "appDelete", id="QXBwOjk5OTk5")
