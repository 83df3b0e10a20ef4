"""Open items: buckets, currencies apart, credit on its own line."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.db.session import Database
from app.ledger.aging import Bucket, Upcoming, bucket, falling_due
from app.ledger.rules import Receivable
from app.ledger.service import post_receivable
from app.money import Money
from app.statements.open_items import open_items
from tests.conftest import NOW
from tests.orders.builders import opened, paid_orders, recorded, reseller, wire


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (0, Bucket.NOT_DUE), (1, Bucket.TO_30), (30, Bucket.TO_30), (31, Bucket.TO_60), (60, Bucket.TO_60), (61, Bucket.TO_90),
        (90, Bucket.TO_90), (91, Bucket.OVER_90), (4000, Bucket.OVER_90),
    ],
)  # fmt: skip
def test_a_bucket_ends_with_its_last_day(days: int, found: Bucket) -> None:
    assert bucket(days) is found


def test_what_is_upcoming_is_summed_by_day_and_currency() -> None:
    today = date(2026, 3, 2)

    def debt(days: int, currency: str, left: int) -> Receivable:
        return Receivable("r", "1", currency, 100, left, 0, today + timedelta(days=days), None)

    debts = [debt(0, "USD", 10), debt(0, "USD", 5), debt(0, "EUR", 1), debt(9, "USD", 7), debt(-1, "USD", 99), debt(9, "USD", 0)]
    assert falling_due(debts, today) == [
        Upcoming(today, Money(1, "EUR")), Upcoming(today, Money(15, "USD")), Upcoming(today + timedelta(days=9), Money(7, "USD")),
    ]  # fmt: skip


async def test_open_items_with_parts_paid_and_what_is_left_over(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await paid_orders(world, buyer.id, 1)
        await recorded(world, "1")
        await recorded(world, "2")
        await wire(world, "1", "10.00", "B1")
        await wire(world, "2", "25.00", "B2")
        async with database.tenant(tenant) as session:
            await post_receivable(
                session, reseller_id=buyer.id, order_id="euro", order_number="E-EUR", amount=Money.of("7.00", "EUR"),
                reference="E", order_date=NOW.date(), due=NOW.date() - timedelta(days=40), at=NOW,
            )  # fmt: skip
            euro, dollar = await open_items(session, buyer.id, NOW.date())
            assert await open_items(session, "another", NOW.date()) == []
    assert (euro.currency, euro.buckets[Bucket.TO_60], euro.total, euro.credit.minor) == (
        "EUR", Money.of("7.00", "EUR"), Money.of("7.00", "EUR"), 0,
    )  # fmt: skip
    (item,) = dollar.items
    assert (item.order_number, item.order_date, item.days_overdue) == ("1", NOW.date(), 0)
    assert (str(item.amount), str(item.paid), str(item.open)) == ("19.49 USD", "10.00 USD", "9.49 USD")
    assert (dollar.total, dollar.buckets[Bucket.NOT_DUE]) == (Money.of("9.49", "USD"), Money.of("9.49", "USD"))
    assert dollar.credit == Money.of("5.51", "USD"), "edge case 51: what order 2 did not need"


async def test_case_77_money_without_a_debt_is_a_block_too(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await recorded(world, "1")
        await wire(world, "1", "20.00")
        async with database.tenant(tenant) as session:
            (block,) = await open_items(session, buyer.id, NOW.date())
    assert (block.items, block.total.minor, block.credit) == ((), 0, Money.of("0.51", "USD"))
