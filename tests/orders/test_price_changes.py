import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import Conflict, Refused
from app.mail.tables import Mail
from app.money import Money
from app.orders import price_changes
from app.orders.price_changes import cancel, carry_out, mail_lines, plan, tell
from app.orders.tables import StaffTask
from app.pricing.content import Changes, EntryChange, EntryKey, Terms
from app.pricing.draft import Draft
from app.pricing.rules import Scope, StaffException
from app.pricing.tables import PriceChange, PriceChangeNotice, PriceListVersion
from app.resellers.tables import Reseller, ResellerUser
from tests.conftest import NOW
from tests.orders.builders import World, opened, reseller, rows

JUNE = date(2026, 6, 1)
V1 = EntryKey(Scope.VARIANT, "v1")


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        yield world


async def planned(world: World, draft: Draft | None = None, on: date = JUNE, **changed: Any) -> PriceChange:
    facts: dict[str, Any] = {"on": on, "by": "anna", "why": "costs"} | changed
    async with world.database.tenant(world.shop.tenant_id) as session:
        return (await plan(session, world.services, world.shop, draft or Draft(Decimal(8)), **facts))[0]


async def told(world: World) -> list[int]:
    """What every call said until all were told."""
    counts: list[int] = []
    while not counts or counts[-1]:
        async with world.database.tenant(world.shop.tenant_id) as session:
            counts.append(await tell(session, world.services, world.shop))
    return counts


async def mails(world: World) -> list[tuple[str, str, str]]:
    return sorted((mail.kind, mail.recipient, mail.language) for mail in await rows(world, Mail))


async def test_every_user_is_told_in_their_language_once_before_the_change(world: World) -> None:
    await reseller(world, "texan")
    german = await reseller(world, "german", language="de")
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(ResellerUser(reseller_id=german.id, saleor_user_id="second", email="second@partner.example"))
    row = await planned(world)
    assert await told(world) == [0], "there are 91 days"
    world.clock.now = datetime(2026, 5, 2, tzinfo=UTC)
    assert await told(world) == [2, 0]
    assert await told(world) == [0]
    assert await mails(world) == [
        ("price_change", "german@partner.example", "de"),
        ("price_change", "second@partner.example", "de"),
        ("price_change", "texan@partner.example", "en"),
    ]
    jobs = [(workflow, args) for workflow, _, args in world.asked]
    assert jobs[0] == ("price_changes_in_shop", (world.shop.tenant_id, f"planned-{row.id}"))
    assert sorted(jobs[1:]) == sorted(("deliver_mail", (world.shop.tenant_id, mail.id)) for mail in await rows(world, Mail))
    (kept,) = await rows(world, PriceChange)
    assert kept.announced_at == world.clock.now


async def test_who_comes_later_is_told_too_and_nobody_twice(world: World) -> None:
    await reseller(world, "texan")
    await planned(world, on=NOW.date() + timedelta(30))
    assert await told(world) == [1, 0]
    await reseller(world, "late")
    assert await told(world) == [1, 0]
    assert [recipient for _, recipient, _ in await mails(world)] == ["late@partner.example", "texan@partner.example"]
    assert len(await rows(world, PriceChangeNotice)) == 2


async def test_many_are_told_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_changes, "BATCH", 2)
    for n in range(3):
        await reseller(world, f"r{n}")
    row = await planned(world, on=NOW.date() + timedelta(30))
    assert await told(world) == [2, 1, 0]
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel(session, world.services, world.shop, row.id, by="anna", reason="a mistake")
    assert await told(world) == [2, 1, 0]
    assert [kind for kind, _, _ in await mails(world)] == ["price_change"] * 3 + ["price_change_canceled"] * 3


async def test_a_cancellation_is_mailed_only_to_those_that_were_told(world: World) -> None:
    await reseller(world, "texan")
    row = await planned(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel(session, world.services, world.shop, row.id, by="anna", reason="a mistake")
    world.clock.now = datetime(2026, 5, 2, tzinfo=UTC)
    assert await told(world) == [0]
    assert await mails(world) == []
    assert [args[1] for workflow, _, args in world.asked] == [f"planned-{row.id}", f"canceled-{row.id}"]


async def test_case_16_the_vendors_midnight_decides(world: World) -> None:
    async with world.database.system() as session:
        from app.db.tenants import Tenant

        row = (await session.scalars(select(Tenant).where(Tenant.id == world.shop.tenant_id))).one()
        row.settings = {**row.settings, "time_zone": "America/Chicago"}
        row.program_version += 1
    await world.refresh()
    await planned(world)
    world.clock.now = datetime(2026, 6, 1, 4, 59, tzinfo=UTC)
    assert await carry_out(world.services, world.shop) == 0
    world.clock.now = datetime(2026, 6, 1, 5, 0, tzinfo=UTC)
    assert await carry_out(world.services, world.shop) == 1
    assert await carry_out(world.services, world.shop) == 0


async def test_case_16_orders_are_priced_by_the_list_in_force_and_keep_it(world: World) -> None:
    await reseller(world, "texan")
    await planned(world)
    await world.refresh()
    before = world.services.programs.get(world.shop.tenant_id).resellers["texan"].prices
    world.clock.now = datetime(2026, 6, 9, tzinfo=UTC)  # the worker was down for a week
    assert await carry_out(world.services, world.shop) == 1
    await world.refresh()
    after = world.services.programs.get(world.shop.tenant_id).resellers["texan"].prices
    assert (before.rate, before.version, after.rate, after.version) == (Decimal(10), 1, Decimal(8), 2)
    assert after.id == before.id != ""


async def test_what_was_missed_is_caught_up_in_the_order_of_days(world: World) -> None:
    await planned(world, on=JUNE)
    await planned(world, Draft(Decimal(7)), on=JUNE + timedelta(1))
    world.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert await carry_out(world.services, world.shop) == 2
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await session.execute(
            select(PriceListVersion.version, PriceListVersion.changes).order_by(PriceListVersion.version)
        )
        assert [(version, changes["rate"]) for version, changes in found] == [(2, ["10", "8"]), (3, ["8", "7"])]


async def test_a_change_with_short_notice_is_told_at_once(world: World) -> None:
    await world.set(price_notice_days=14)
    await reseller(world, "texan")
    with pytest.raises(Refused, match="told 14 days before"):
        await planned(world, on=NOW.date() + timedelta(2))
    assert (await planned(world, on=NOW.date() + timedelta(2), short_notice=True)).short_notice
    assert await told(world) == [1, 0]


async def test_an_address_that_takes_no_mail_is_a_task_and_keeps_nobody_else(world: World) -> None:
    await reseller(world, "texan")
    broken = await reseller(world, "broken")
    async with world.database.tenant(world.shop.tenant_id) as session:
        user = (await session.scalars(select(ResellerUser).where(ResellerUser.reseller_id == broken.id))).one()
        user.email = "bröken@partner.example"
    await planned(world, on=NOW.date() + timedelta(30))
    assert await told(world) == [2, 0]
    assert [recipient for _, recipient, _ in await mails(world)] == ["texan@partner.example"]
    (task,) = await rows(world, StaffTask)
    assert task.reasons[0]["code"] == "no_price_mail"


async def test_a_plan_and_its_job_are_kept_together_or_not_at_all(world: World) -> None:
    await planned(world)
    with pytest.raises(Conflict):
        await planned(world)
    assert len(world.asked) == 1
    assert len(await rows(world, PriceChange)) == 1


async def test_a_long_mail_says_how_much_more_there_is(world: World) -> None:
    await reseller(world, "texan")
    entries: dict[EntryKey, Terms | None] = {EntryKey(Scope.VARIANT, f"v{n}"): Terms(Decimal(5)) for n in range(45)}
    await planned(world, Draft(entries=entries), on=NOW.date() + timedelta(30))
    assert await told(world) == [1, 0]
    async with world.database.tenant(world.shop.tenant_id) as session:
        content = (await session.scalars(select(Mail.content))).one()
    assert b"5 more prices change" in content


def test_what_a_mail_lists() -> None:
    changes = Changes(
        (Decimal(10), Decimal(8)),
        (None, StaffException(Decimal(20), "secret", JUNE)),
        (
            EntryChange(V1, Terms(Decimal(5), label="A"), Terms(Decimal(5), label="B")),
            EntryChange(EntryKey(Scope.PRODUCT, "p", 5, "USD", JUNE), None, Terms(fixed_minor=950, label="Grid")),
        ),
    )
    first, second = mail_lines(changes)
    assert (first.scope, first.old and first.old.price, first.new and first.new.price) == ("", Decimal(10), Decimal(8))
    assert (second.scope, second.label, second.minimum_quantity, second.since) == ("product", "Grid", 5, JUNE)
    assert second.new is not None
    assert second.new.price == Money(950, "USD")


async def test_another_shop_is_told_nothing(world: World, database: Database) -> None:
    from tests.conftest import install

    await reseller(world, "texan")
    await planned(world, on=NOW.date() + timedelta(30))
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(other) as session:
        assert await tell(session, world.services, world.shop) == 0
        assert list(await session.scalars(select(Reseller))) == []


async def test_workers_at_once_tell_everybody_once_and_carry_out_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_changes, "BATCH", 2)
    for n in range(5):
        await reseller(world, f"r{n}")
    await planned(world, on=NOW.date() + timedelta(30))
    await asyncio.gather(*(told(world) for _ in range(3)))
    assert [recipient for _, recipient, _ in await mails(world)] == [f"r{n}@partner.example" for n in range(5)]
    assert len(await rows(world, PriceChangeNotice)) == 5
    world.clock.now = NOW + timedelta(31)
    assert sum(await asyncio.gather(*(carry_out(world.services, world.shop) for _ in range(3)))) == 1
    assert len(await rows(world, PriceListVersion)) == 1


async def test_a_cancellation_while_others_are_told_reaches_everybody_that_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_changes, "BATCH", 1)
    for n in range(4):
        await reseller(world, f"r{n}")
    row = await planned(world, on=NOW.date() + timedelta(30))

    async def canceled() -> None:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await cancel(session, world.services, world.shop, row.id, by="anna", reason="a mistake")

    await asyncio.gather(told(world), canceled())
    await told(world)
    heard = await mails(world)
    announced = {recipient for kind, recipient, _ in heard if kind == "price_change"}
    assert announced == {recipient for kind, recipient, _ in heard if kind == "price_change_canceled"}
    assert len(heard) == 2 * len(announced)
