"""How webhooks travel: signed, rendered, retried, lost, late and in parallel (saleor-facts 2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.responses import RedirectResponse, Response

from app.saleor.signature import BadSignature, KeySet, verify
from app.sandbox import seed
from app.sandbox.context import Context
from tests.sandbox.conftest import World
from tests.sandbox.fake_app import IDENTIFIER

RENAME = """mutation($id: ID!, $email: String!) { customerUpdate(id: $id, input: {email: $email}) {
  errors { field code message } } }"""


async def test_every_body_is_signed_as_saleor_signs(world: World) -> None:
    await world.ordered()
    keys = KeySet((await world.http.get(f"{world.sandbox.url}/.well-known/jwks.json")).json())
    assert {event for event, *_ in world.fake.heard} >= {"checkout_calculate_taxes", "order_created"}
    for event, _, headers, body in world.fake.heard:
        verify(headers["saleor-signature"], body, keys)
        with pytest.raises(BadSignature):
            verify(headers["saleor-signature"], body + b" ", keys)
        assert headers["saleor-event"] == headers["x-saleor-event"] == event
        assert headers["saleor-api-url"] == world.sandbox.api_url
        assert headers["saleor-domain"] == world.sandbox.url.removeprefix("http://")


async def test_a_body_is_the_value_of_event(world: World) -> None:
    order = await world.ordered()
    [body] = world.fake.bodies("order_created")
    assert body["order"] == {
        "id": order.id,
        "number": "1",
        "user": {"id": order.user.id if order.user else None},
        "channel": {"slug": "default-channel"},
        "status": "UNCONFIRMED",
    }
    assert body["recipient"] == {"id": world.app.id}
    assert body["issuingPrincipal"]["__typename"] == "User"


async def test_order_events_show_the_row_as_it_is_when_delivered(world: World) -> None:
    """Deferred: the body may show a later state."""
    order = await world.ordered()
    await world.sandbox.order_event("ORDER_UPDATED", order, None)
    order.status = "EXPIRED"
    await world.sandbox.settled()
    assert world.fake.bodies("order_updated")[-1]["order"]["status"] == "EXPIRED"


async def test_customer_events_show_the_row_as_it_was(world: World) -> None:
    user = world.store.user_by_email(seed.END_CUSTOMER)
    assert user is not None
    await world.sandbox.user_event("CUSTOMER_UPDATED", user, None)
    user.email = "later@example.com"
    await world.sandbox.settled()
    assert world.fake.bodies("customer_updated")[-1]["user"]["email"] == seed.END_CUSTOMER


async def test_no_mutation_waits_for_an_asynchronous_webhook(world: World) -> None:
    opened = asyncio.Event()

    async def answer() -> int:
        await opened.wait()
        return 200

    world.fake.answers["order_created"] = lambda body: answer()
    world.fake.answers["transaction_initialize_session"] = {"result": "AUTHORIZATION_SUCCESS", "pspReference": "x"}
    buyer = await world.filled()
    await buyer.pay(IDENTIFIER)
    assert (await buyer.complete()).number == "1"
    opened.set()
    await world.sandbox.settled()
    assert world.sandbox.webhooks.sent("order_created")[0].statuses == [200]


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (302, 1), (404, 1), (429, 1), (500, 6), (503, 6)])
async def test_only_server_errors_are_tried_again(world: World, status: int, attempts: int) -> None:
    world.fake.answers["order_created"] = lambda body: RedirectResponse("/x") if status == 302 else Response(status_code=status)
    world.sandbox.webhooks.countdown = 0.001
    await world.ordered()
    [delivery] = world.sandbox.webhooks.sent("order_created")
    assert len(delivery.statuses) == attempts


async def test_a_repeated_delivery_is_the_same_bytes(world: World) -> None:
    answers = iter([500, 200])
    world.fake.answers["order_created"] = lambda body: next(answers)
    await world.ordered()
    bodies = [(body, headers["saleor-signature"]) for event, _, headers, body in world.fake.heard if event == "order_created"]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


async def test_nobody_there_is_tried_again(world: World) -> None:
    world.sandbox.webhooks.countdown = 0.001
    webhook = next(webhook for webhook in world.app.webhooks if webhook.name == "order_created")
    webhook.target_url = "http://127.0.0.1:9/nobody"
    await world.ordered()
    assert world.sandbox.webhooks.sent("order_created")[0].statuses == [None] * 6


async def test_the_same_event_fifty_times_at_once(world: World) -> None:
    await world.ordered()
    [delivery] = world.sandbox.webhooks.sent("order_created")
    assert await world.sandbox.webhooks.redeliver(delivery, 50) == [200] * 50
    assert len(world.fake.bodies("order_created")) == 51
    assert delivery.content == world.fake.bodies("order_created")[0]


async def test_deliveries_can_be_lost(world: World) -> None:
    world.sandbox.webhooks.lose("order_created")
    await world.ordered()
    assert world.fake.bodies("order_created") == []
    await world.ordered()
    assert len(world.fake.bodies("order_created")) == 1


async def test_an_answer_that_comes_too_late_is_none_though_the_app_has_done_its_work(world: World) -> None:
    world.sandbox.webhooks._read_timeout = 0.05
    world.sandbox.webhooks.countdown = 0.001
    world.sandbox.webhooks.late("checkout_calculate_taxes", 9)
    world.sandbox.webhooks.late("order_created", 9)
    buyer = await world.filled()
    assert (await buyer.prices()).net == 20
    world.sandbox.webhooks.late("checkout_calculate_taxes", 0)
    await world.ordered()
    assert world.sandbox.webhooks.sent("order_created")[0].statuses == [None] * 6
    assert len(world.fake.bodies("order_created")) == 6


async def test_calls_can_be_slow(world: World) -> None:
    world.sandbox.webhooks.slow("checkout_calculate_taxes", 0.2)
    buyer = await world.filled()
    begun = asyncio.get_running_loop().time()
    await buyer.prices()
    assert asyncio.get_running_loop().time() - begun >= 0.2


@pytest.mark.parametrize("take", ["permission", "active", "webhook"])
async def test_an_app_that_may_not_hear_does_not(world: World, take: str) -> None:
    order = await world.ordered()
    if take == "permission":
        world.app.permissions.discard("MANAGE_ORDERS")
    elif take == "active":
        world.app.is_active = False
    else:
        next(webhook for webhook in world.app.webhooks if webhook.name == "order_updated").is_active = False
    before = len(world.fake.bodies("order_updated"))
    await world.sandbox.order_event("ORDER_UPDATED", order, None)
    await world.sandbox.settled()
    assert len(world.fake.bodies("order_updated")) == before


async def test_a_selection_that_fits_another_event_sends_nothing(bare: World) -> None:
    bare.fake.more["order_paid"] = "subscription { event { ... on OrderCreated { order { id } } } }"
    await bare.install()
    await bare.sandbox.webhooks.emit("ORDER_PAID", {"order": None}, None)
    await bare.sandbox.settled()
    assert bare.fake.bodies("order_paid") == []


async def test_events_of_one_paid_order(bare: World) -> None:
    """A card is charged before the order exists: it is created paid, and confirmed where the channel confirms all."""
    for event in ("order_paid", "checkout_fully_paid"):
        kind = "".join(word.capitalize() for word in event.split("_"))
        field = "checkout" if event.startswith("checkout") else "order"
        bare.fake.more[event] = f"subscription {{ event {{ ... on {kind} {{ issuedAt {field} {{ id }} }} }} }}"
    await bare.install()
    buyer = await bare.filled(seed.BUYER)
    await buyer.pay("sandbox.card")
    await buyer.complete()
    await bare.sandbox.settled()
    heard = [event for event, *_ in bare.fake.heard]
    assert sorted(set(heard)) == [
        "checkout_fully_paid",
        "order_confirmed",
        "order_created",
        "order_fully_paid",
        "order_paid",
        "order_updated",
    ]


async def test_customers_that_change_or_go(world: World) -> None:
    staff = await world.staff()
    user = world.store.user_by_email(seed.END_CUSTOMER)
    assert user is not None
    await staff.send(RENAME, "customerUpdate", id=user.id, email="Eva.New@acme.example")
    order = await world.ordered()
    order.user = user
    delete = "mutation($id: ID!) { customerDelete(id: $id) { user { id } errors { code field message } } }"
    await staff.send(delete, "customerDelete", id=user.id)
    await world.sandbox.settled()
    assert world.fake.bodies("customer_updated")[-1]["user"]["email"] == "eva.new@acme.example"
    assert world.fake.bodies("customer_deleted")[-1]["user"]["id"] == user.id
    assert order.user is None


async def test_a_webhook_of_the_app_may_ask_the_shop_meanwhile(world: World) -> None:
    """One process is enough for a synchronous webhook that calls back."""

    async def answer() -> Any:
        async with httpx.AsyncClient() as http:
            await http.get(f"{world.sandbox.url}/.well-known/jwks.json")
        return {"result": "CHARGE_REQUEST", "pspReference": "x"}

    world.fake.answers["transaction_initialize_session"] = lambda body: answer()
    assert (await (await world.filled()).pay(IDENTIFIER)).result == "CHARGE_REQUEST"


async def test_a_context_of_nobody_may_nothing(world: World) -> None:
    caller = Context(world.sandbox)
    assert (caller.user, caller.app, caller.may("MANAGE_ORDERS")) == (None, None, False)


async def test_custom_headers_and_field_names_are_kept(world: World) -> None:
    webhook = next(webhook for webhook in world.app.webhooks if webhook.name == "order_created")
    webhook.headers = {"X-Shop": "one"}
    await world.ordered()
    [(_, body, headers, raw)] = [entry for entry in world.fake.heard if entry[0] == "order_created"]
    assert headers["x-shop"] == "one"
    assert raw == json.dumps(body).encode(), "Python's separators, as Saleor writes them"


@pytest.mark.timeout(30)
async def test_what_is_done_in_the_same_moment_is_not_waited_for_without_end(world: World) -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    world.sandbox.webhooks.start(work())
    await asyncio.sleep(0)
    assert done.is_set()
    await world.sandbox.settled()
