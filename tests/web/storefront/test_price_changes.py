"""What a reseller is told of prices to come, and what it pays then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.money import Money
from app.orders.price_changes import plan, tell
from app.pricing.content import EntryKey, Terms
from app.pricing.draft import Draft
from app.pricing.rules import Scope
from app.pricing.service import assign, set_rate
from app.resellers.service import by_saleor_user
from tests.conftest import NOW
from tests.web.storefront.conftest import VARIANT, Store

TODAY = NOW.date()
DAY = TODAY + timedelta(30)
LINES = [{"variant_id": "V1", "quantity": 3}]


async def announced(store: Store, draft: Draft, name: str = "default") -> str:
    world = store.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        row, _ = await plan(session, world.services, world.shop, draft, on=DAY, by="anna", why="costs", name=name)
    return row.id


async def told(store: Store) -> None:
    world = store.world
    more = 1
    while more:
        async with world.database.tenant(world.shop.tenant_id) as session:
            more = await tell(session, world.services, world.shop)


async def price(store: Store, user: str = "texan", **changed: Any) -> Any:
    store.world.saleor.answers["VariantPrice"] = {"productVariant": VARIANT}
    return (await store.call(user, "/prices", "POST", json={"channel": "default", "lines": LINES} | changed)).json()


async def test_a_reseller_sees_what_it_was_told_of(store: Store) -> None:
    grid = EntryKey(Scope.VARIANT, "V1", 5, "USD", DAY)
    change = await announced(store, Draft(Decimal("7.50"), {grid: Terms(fixed_minor=950, label="GRID-1")}))
    assert (await store.call("texan", "/price-changes")).json() == {"price_changes": [], "next": None}
    await told(store)
    (shown,) = (await store.call("texan", "/price-changes")).json()["price_changes"]
    assert (shown["id"], shown["effective_on"]) == (change, str(DAY))
    general, entry = shown["prices"]
    assert (general["scope"], general["old"]["rate"], general["new"]["rate"]) == ("list", "10", "7.5")
    assert (entry["label"], entry["old"], entry["valid_from"], entry["minimum_quantity"]) == ("GRID-1", None, str(DAY), 5)
    assert entry["new"]["fixed"] == {"amount": "9.50", "currency": "USD"}


async def test_a_price_of_a_day_to_come_has_the_announced_changes(store: Store) -> None:
    await announced(store, Draft(Decimal(8)))
    assert (await price(store, on=str(DAY)))["lines"][0]["partner"]["amount"] == "9.00", "nobody was told yet"
    await told(store)
    for day, amount in [(None, "9.00"), (str(TODAY), "9.00"), (str(DAY - timedelta(1)), "9.00"), (str(DAY), "9.20")]:
        line = (await price(store, on=day))["lines"][0]
        assert line["partner"]["amount"] == amount
        assert line["chain"][0]["code"] == "retail_price"
        assert line["chain"][-1]["params"] == {"unit": f"{amount} USD", "total": str(Money.of(amount, "USD") * 3)}


async def test_a_day_that_is_over_has_no_price(store: Store) -> None:
    found = await price(store, on=str(TODAY - timedelta(1)))
    assert (found["status"], found["code"]) == (400, "day_over")


@pytest.mark.parametrize("user", ["texan", "rival"])
async def test_the_changes_of_another_list_are_not_shown(store: Store, user: str) -> None:
    world = store.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        await set_rate(session, Decimal(9), cap=10, today=TODAY, by="anna", at=NOW, name="gold")
        rival = await by_saleor_user(session, "rival")
        assert rival is not None
        await assign(session, rival.id, "gold", by="anna", at=NOW)
    await announced(store, Draft(Decimal(8)), "gold" if user == "texan" else "default")
    await told(store)
    assert (await store.call(user, "/price-changes")).json() == {"price_changes": [], "next": None}
    other = "rival" if user == "texan" else "texan"
    assert len((await store.call(other, "/price-changes")).json()["price_changes"]) == 1
