"""What Saleor shows of an order's money beside the ledger; the ledger decides."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from app.db.session import Database
from app.money import Money
from app.orders.reconciling import RECENT, Compared, Sums, compare_recent, differences
from app.orders.refunds import book_refund
from app.orders.service import cancel_order
from app.orders.tables import MoneyReport, OrderEvent, ResellerOrder, StaffTask
from app.reasons import because
from tests.conftest import NOW
from tests.orders.builders import World, money, opened, recorded, reseller, rows, wire


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


def shows(world: World, *orders: tuple[str, dict[str, str] | None]) -> None:
    """Saleor shows these amounts: charged, refunded, authorized, pending, asked back, each nothing by default."""

    def node(number: str, amounts: dict[str, str] | None) -> dict[str, Any]:
        names = {"charged": "chargedAmount", "refunded": "refundedAmount", "authorized": "authorizedAmount"}
        names |= {"pending": "chargePendingAmount", "asked": "refundPendingAmount"}
        shown = {field: money((amounts or {}).get(name, "0")) for name, field in names.items()}
        return {"node": {"id": f"O{number}", "transactions": [] if amounts is None else [{"id": f"T{number}"} | shown]}}

    edges = [node(*each) for each in orders]
    world.saleor.answers["OrdersMoney"] = lambda variables: {
        "orders": {"edges": [edge for edge in edges if edge["node"]["id"] in variables["ids"]]}
    }


async def told(world: World) -> None:
    """Saleor was told of everything an hour ago."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(MoneyReport).values(reported_at=NOW, at=NOW))
    world.clock.now = NOW + RECENT / 2


async def compare(world: World, *numbers: str) -> list[Compared]:
    return await compare_recent(world.services, world.shop, numbers)


async def tasks(world: World) -> list[list[str]]:
    return [
        [reason["code"] for reason in task.reasons]
        for task in await rows(world, StaffTask, StaffTask.done_at.is_(None), StaffTask.key.startswith("money:"))
    ]


async def test_a_difference_is_a_task_until_the_books_agree_again(world: World) -> None:
    await recorded(world)
    await wire(world)
    shows(world, ("1", {"charged": "0", "pending": "19.49"}))
    assert await compare(world) == [], "Saleor is not told yet"
    await told(world)
    (found,) = await compare(world)
    assert [str(reason) for reason in found.differences] == [
        "Saleor shows 0.00 USD as charged, the ledger 19.49 USD as paid.",
        "Saleor shows 19.49 USD as on its way; 0.00 USD are still expected.",
    ]
    assert await tasks(world) == [["money_charged", "money_pending"]]
    shows(world, ("1", {"charged": "19.50"}))
    await compare(world)
    assert await tasks(world) == [["money_charged"]], "as it is now"
    world.clock.now = NOW + RECENT * 2
    shows(world, ("1", {"charged": "19.49"}))
    assert await compare(world) == [Compared("1", ())], "what differed is looked at however long ago"
    assert await tasks(world) == []
    assert await compare(world) == []
    shows(world)
    (gone,) = await compare(world, "1")
    assert [reason.code for reason in gone.differences] == ["money_gone"]


@pytest.mark.parametrize(("terms", "amounts"), [("prepay", {"pending": "19.49"}), ("on_account", {"authorized": "19.49"})])
async def test_a_promise_is_pending_or_authorized_until_money_comes(world: World, terms: str, amounts: dict[str, str]) -> None:
    await recorded(world, terms=terms)
    shows(world, ("1", amounts))
    assert await compare(world) == [], "its money did not move"
    assert await compare(world, "1") == [Compared("1", ())]
    await wire(world, amount="10.00")
    await told(world)
    shows(world, ("1", {"charged": "10.00"} | ({"authorized": "9.49"} if terms == "on_account" else {})))
    assert await compare(world) == [Compared("1", ())]


async def test_refunds_and_cancellations_agree_when_saleor_was_told(world: World) -> None:
    first, second = [await recorded(world, number) for number in "12"]
    await recorded(world, "3")
    await wire(world)
    await wire(world, "2", reference="B2")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await book_refund(
            session, world.services, world.shop, number="1", amount=Money.of("5.00", "USD"), bank_reference="R1",
            value_date=NOW.date(), by="ada",
        )  # fmt: skip
        await cancel_order(session, second.id, NOW)
    await told(world)
    shows(
        world,
        ("1", {"charged": "10.49", "refunded": "5.00", "asked": "4.00"}),
        ("2", {"charged": "19.49"}),
        ("3", {"pending": "19.49"}),
    )
    assert await compare(world, "1", "2", "3") == [Compared(number, ()) for number in "123"]
    async with world.database.tenant(world.shop.tenant_id) as session:
        (third,) = await rows(world, type(first), ResellerOrder.number == "3")
        await cancel_order(session, third.id, NOW)
        session.add(OrderEvent(order_id=first.id, key="void:x", at=NOW, what=because("canceled").as_dict()))
    shows(world, ("1", {"charged": "14.49", "refunded": "5.00"}), ("3", {"pending": "19.49"}))
    found = {each.number: [reason.code for reason in each.differences] for each in await compare(world, "1", "3")}
    assert found == {"1": [], "3": ["money_pending"]}


async def test_a_report_on_its_way_while_saleor_was_asked_is_no_difference(world: World) -> None:
    await recorded(world)
    await wire(world)
    await told(world)
    world.clock.now = NOW
    shows(world, ("1", {}))
    assert await compare(world, "1") == []


async def test_many_orders_are_asked_for_some_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.orders.reconciling.AT_ONCE", 2)
    for number in "123":
        await recorded(world, number)
    shows(world, *((number, {"pending": "19.49"}) for number in "123"))
    assert [each.number for each in await compare(world, "1", "2", "3")] == ["1", "2", "3"]
    assert [len(asked["ids"]) for asked in world.saleor.named("OrdersMoney")] == [2, 1]


def test_what_differs_is_named_one_by_one() -> None:
    right = Sums(1, 2, 3, 4)
    assert differences(right, right, "USD") == ()
    assert [reason.code for reason in differences(Sums(0, 0, 0, 0), right, "USD")] == [
        "money_charged", "money_refunded", "money_authorized", "money_pending",
    ]  # fmt: skip
