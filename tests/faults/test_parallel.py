"""The same thing at once, two things at once, and a shop that is away: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from app.ledger.service import receivable, receivable_id
from app.licenses.tables import License
from app.orders.tables import EndCustomer
from app.sandbox.seed import EXEMPT, RESELLER
from app.sandbox.webhooks import Delivery
from tests.faults.once import assert_nothing_contradicts, assert_released_once, recorded_once
from tests.journeys.harness import Journey, journey

NEW_CUSTOMER = "new@customer.example"
TOGETHER = 0.3
"""Seconds a delivery is held on its way, so that all of them arrive in one moment."""
NOTE = """mutation Note($id: ID!, $input: OrderNoteInput!) {
  orderNoteAdd(order: $id, input: $input) { order { id } errors { field code message } }
}"""


async def test_the_same_event_fifty_times_and_the_same_wire_twenty_times_at_once_make_one_of_everything(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path) as at:
        at.sandbox.webhooks.slow("ORDER_CREATED", TOGETHER)
        _, order = await at.buy(RESELLER, [("GRID-DEV", 2), ("CHART-YEAR", 1)], end_customer=NEW_CUSTOMER)
        created = await under_way(at, "ORDER_CREATED")
        assert await at.sandbox.webhooks.redeliver(created, 50) == [200] * 50
        await at.idle()
        bookings = await asyncio.gather(*(at.wire_came(order.number, reference="BANK-1") for _ in range(20)))
        assert sorted(booking.repeated for booking in bookings) == [False] + [True] * 19
        assert len({booking.payment_id for booking in bookings}) == 1
        await at.idle()
        await assert_released_once(at, order.number)
        await assert_nothing_contradicts(at)


async def test_case_25_two_orders_for_the_same_new_customer_at_once_make_one_account_with_both_licenses(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path) as at:
        for reseller in (RESELLER, EXEMPT):
            await at.trust(reseller)
        at.sandbox.webhooks.slow("ORDER_CREATED", TOGETHER)
        placed = await asyncio.gather(
            at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="Same@Customer.example"),
            at.buy(EXEMPT, [("GRID-TEAM", 3)], end_customer="same@customer.example"),
        )
        await at.idle()
        numbers = [order.number for _, order in placed]
        await asyncio.gather(*(at.wire_came(number) for number in numbers))
        await at.idle()
        for number in numbers:
            await assert_released_once(at, number)
        async with at.rows() as session:
            (customer,) = await session.scalars(select(EndCustomer))
            owners = (await session.scalars(select(License.end_customer_id))).all()
        assert owners == [customer.id] * 2
        await assert_nothing_contradicts(at)


async def test_different_events_of_one_order_and_its_wire_at_once_end_as_if_they_had_come_in_turn(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.idle()
        at.sandbox.webhooks.slow("ORDER_UPDATED", TOGETHER)
        (created,) = at.sandbox.webhooks.sent("ORDER_CREATED")
        (confirmed,) = at.sandbox.webhooks.sent("ORDER_CONFIRMED")
        await asyncio.gather(
            at.wire_came(order.number),
            at.sandbox.webhooks.redeliver(created),
            at.sandbox.webhooks.redeliver(confirmed, 3),
            *(
                at.staff.send(NOTE, "orderNoteAdd", id=order.id, input={"message": f"Called the reseller ({time})"})
                for time in range(3)
            ),
        )
        await at.idle()
        await assert_released_once(at, order.number)
        await assert_nothing_contradicts(at)


async def test_case_82_a_shop_that_is_down_when_the_wire_comes_keeps_it_paid_and_it_is_released_later(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.idle()
        async with at.shop_down():
            await at.wire_came(order.number)

            async def waits() -> bool:
                return any(work == ("money_came", "PENDING") for work in (await at.workflows()).values())

            await at.until(waits)
            await assert_paid_but_not_released(at, order.number)
        await at.idle()
        await assert_released_once(at, order.number)
        await assert_nothing_contradicts(at)


async def test_case_82_a_shop_that_fails_in_the_middle_of_a_release_keeps_it_paid_and_nothing_goes_out_twice(
    database_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, tmp_path) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.idle()
        at.wire.status, at.wire.only = 503, "customerCreate"
        await at.wire_came(order.number)

        async def refused() -> bool:
            return at.wire.refused > 0

        await at.until(refused)
        await assert_paid_but_not_released(at, order.number)
        at.wire.refused, at.wire.only = 0, "orderFulfill"
        await at.until(refused)
        await assert_paid_but_not_released(at, order.number)
        at.wire.status = None
        await at.idle()
        await assert_released_once(at, order.number)
        await assert_nothing_contradicts(at)


async def test_an_order_whose_event_was_lost_is_found_by_the_reconciliation(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        for event in ("ORDER_CREATED", "ORDER_UPDATED"):
            at.sandbox.webhooks.lose(event)
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.idle()
        assert await at.workflows() == {}
        for run in range(2):
            await at.start("reconcile", f"reconcile:{run}", datetime.now(UTC), None)
            await at.idle()
            assert (await recorded_once(at, order.number)).confirmed_at is not None
        await at.wire_came(order.number)
        await at.idle()
        await assert_released_once(at, order.number)
        await assert_nothing_contradicts(at)


async def test_a_release_does_not_wait_for_the_events_that_its_own_wire_caused(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.idle()
        before = set(await at.workflows())
        await at.wire_came(order.number)
        await at.idle()
        begun = [workflow_id.split(":")[0] for workflow_id in await at.begun() if workflow_id not in before]
        assert begun[0] == "wire"
        assert begun.index("release") < begun.index("order")


async def test_a_web_process_keeps_events_although_no_worker_ever_ran(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path, worker=False) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
        await at.sandbox.settled()
        (created,) = at.sandbox.webhooks.sent("ORDER_CREATED")
        assert created.statuses == [200]
        workflow_id = f"order:{at.tenant_id}:{order.id}"
        assert await at.workflows() == {workflow_id: ("attend_order", "ENQUEUED")}


async def under_way(at: Journey, event: str) -> Delivery:
    """The delivery of an event, made and not yet arrived."""

    async def made() -> bool:
        return bool(at.sandbox.webhooks.sent(event))

    await at.until(made)
    (delivery,) = at.sandbox.webhooks.sent(event)
    assert delivery.statuses == []
    return delivery


async def assert_paid_but_not_released(at: Journey, number: str) -> None:
    """The wire stands in the ledger, and the release is not through."""
    row = await recorded_once(at, number)
    async with at.rows() as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        assert (await receivable(session, debt)).fully_paid
    assert row.released_at is None
