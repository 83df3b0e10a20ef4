"""Reminders: once per rung, in waking hours, never of what is paid, disputed or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.ledger.disputes import open_dispute
from app.ledger.service import book_wire, receivable_id
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.money import Money
from app.orders.tables import StaffTask
from app.resellers.service import find
from app.resellers.tables import Reseller
from app.statements import reminders
from app.statements.tables import Reminder
from tests.orders.builders import USD_ACCOUNT, World, opened, reseller, rows
from tests.statements.test_month import owed

DUE = date(2026, 3, 12)
"""Of the orders here, placed on February 10."""


def noon(day: int, month: int = 3, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


async def told(world: World, buyer: Reseller, at: datetime) -> int:
    """How many orders the reseller is reminded of at a moment."""
    world.clock.now = at
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await reminders.remind(session, world.services, world.shop, buyer.id)


async def test_the_ladder_is_climbed_once_and_left_at_payment(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        assert await told(world, buyer, noon(8)) == 0
        assert [await told(world, buyer, noon(9)) for _ in range(2)] == [1, 0]
        assert [await told(world, buyer, noon(12)) for _ in range(2)] == [1, 0]
        assert await told(world, buyer, noon(18)) == 0
        async with database.tenant(tenant) as session:
            await book_wire(
                session,
                order_id="o1",
                amount=Money.of("100.00", "USD"),
                bank_reference="w",
                value_date=DUE,
                by="ada",
                at=noon(18),
            )
        assert await told(world, buyer, noon(19)) == 0
        assert sorted(row.rung for row in await rows(world, Reminder)) == [-3, 0]
        mails = await rows(world, Mail, Mail.kind == MailKind.REMINDER)
        assert [mail.recipient for mail in mails] == ["texan@partner.example"] * 2
        assert [name for name, *_ in world.asked].count("deliver_mail") == 2


async def test_what_was_missed_is_one_reminder_for_all_orders(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await owed(world, buyer, "2", "7.00", "EUR", on=date(2026, 2, 20))
        await world.configure(
            bank_accounts=[USD_ACCOUNT, {"currency": "EUR", "beneficiary": "Vendor GmbH", "iban": "DE89370400440532013000"}]
        )
        assert await told(world, buyer, noon(20)) == 2
        assert sorted(row.rung for row in await rows(world, Reminder)) == [-3, 7]
        async with database.tenant(tenant) as session:
            (mail,) = await session.scalars(select(Mail).options(undefer(Mail.content)))
        for part in (
            b"RF-1",
            b"USD 100.00",
            b"RF-2",
            b"EUR 7.00",
            b"overdue for 8 days",
            b"(USD)",
            b"(EUR)",
            b"DE89 3704 0044 0532 0130 00",
        ):
            assert part in mail.content


async def test_nobody_is_reminded_in_a_quiet_hour_of_the_vendor(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        for hour in (0, 7, 18, 23):
            assert await told(world, buyer, noon(12, hour=hour)) == 0
        await world.set(reminder_quiet_from=0, reminder_quiet_until=0)
        assert await told(world, buyer, noon(12, hour=7)) == 1


async def test_never_of_a_disputed_or_a_zero_order(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await owed(world, buyer, "2", "0.00")
        async with database.tenant(tenant) as session:
            contested = await receivable_id(session, "o1")
            assert contested is not None
            await open_dispute(session, contested, reason="wrong quantity", by="rita", at=noon(1))
        assert await told(world, buyer, noon(20)) == 0
        assert await rows(world, Reminder) == []


async def test_a_ladder_without_rungs_and_a_debt_long_past_it_are_left_alone(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        assert await told(world, buyer, noon(1, 7)) == 0
        await world.set(reminder_days=[])
        assert await told(world, buyer, noon(12)) == 0


async def test_an_address_that_takes_no_reminder_is_a_task(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        async with database.tenant(tenant) as session:
            (await find(session, buyer.email)).email = "no address"
        await owed(world, buyer, "1")
        assert await told(world, buyer, noon(12)) == 1
        (task,) = await rows(world, StaffTask)
        assert task.reasons[0]["code"] == "no_reminder_mail"
