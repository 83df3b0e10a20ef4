import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.pricing import planned
from app.pricing.content import Changes, Content, EntryKey, Terms
from app.pricing.draft import Draft
from app.pricing.planned import (
    cancel,
    due,
    list_changes,
    plan,
    planned_change,
    preview_plan,
    prices_on,
    take_effect,
    to_be_announced,
    to_be_retracted,
    untold,
    upcoming,
)
from app.pricing.rules import Scope, StaffException
from app.pricing.service import assign, change, known_list, set_rate
from app.pricing.tables import PriceChange, PriceListVersion
from app.pricing.versions import content_of, history
from app.resellers.tables import Reseller
from tests.conftest import NOW

TODAY = NOW.date()
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
NOWADAYS: Any = {"cap": 10, "today": TODAY, "by": "anna", "at": NOW}
V1, V2 = EntryKey(Scope.VARIANT, "v1"), EntryKey(Scope.VARIANT, "v2")
FIVE, SIX = Terms(Decimal(5), label="GRID"), Terms(Decimal(6), label="GRID")


async def put(session: AsyncSession, draft: Draft, on: date = JUNE, **changed: Any) -> PriceChange:
    facts: dict[str, Any] = {"on": on, "notice_days": 30, "why": "costs"} | NOWADAYS | changed
    return (await plan(session, draft, **facts))[0]


async def company(session: AsyncSession, name: str, status: str = "approved") -> Reseller:
    row = Reseller(
        email=f"{name}@partner.example", company=name, street="1", city="B", postal_code="1", country="DE", status=status,
        created_at=NOW, users=[], acceptances=[],
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def content(session: AsyncSession, name: str = "default") -> Content:
    return await content_of(session, await known_list(session, cap=10, name=name))


async def seen(session: AsyncSession, reseller: Reseller, today: date = TODAY) -> list[str]:
    found, _ = await upcoming(session, reseller.id, today, cap=10, limit=10)
    return [change.id for change, _ in found]


async def test_a_planned_change_takes_effect_once_from_its_day_on_and_is_a_version(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await change(session, Draft(entries={V1: FIVE}), **NOWADAYS)
        row = await put(session, Draft(Decimal(8), {V1: SIX}))
        assert (row.state, row.announce_on, row.short_notice, row.changed) == ("planned", date(2026, 5, 2), False, 1)
    async with database.tenant(tenant) as session:
        assert await due(session, JUNE - timedelta(1)) == []
        assert not await take_effect(session, row.id, today=JUNE - timedelta(1), at=NOW)
        assert await content(session) == Content(Decimal(10), {V1: FIVE})
        assert list(await due(session, JUNE)) == [row.id]
    later = NOW + timedelta(200)
    async with database.tenant(tenant) as session:
        assert await take_effect(session, row.id, today=later.date(), at=later)
        assert not await take_effect(session, row.id, today=later.date(), at=later)
    async with database.tenant(tenant) as session:
        assert await content(session) == Content(Decimal(8), {V1: SIX})
        shown = await planned_change(session, row.id)
        assert (shown.state, shown.version, shown.in_force_at) == ("in_force", 3, later)
        newest = (await history(session, await known_list(session, cap=10)))[0]
        assert (newest.price_change_id, newest.by, newest.why) == (row.id, "anna", "costs")
        assert await due(session, later.date()) == []


async def test_taking_effect_is_seen_by_every_process(database: Database, tenant: str) -> None:
    async def version() -> int:
        async with database.system() as session:
            return (await session.scalars(select(Tenant.program_version).where(Tenant.id == tenant))).one()

    async with database.tenant(tenant) as session:
        await set_rate(session, Decimal(9), **NOWADAYS)
    before = await version()
    async with database.tenant(tenant) as session:
        row = await put(session, Draft(Decimal(8)))
    assert await version() == before, "a plan changes no price"
    async with database.tenant(tenant) as session:
        await take_effect(session, row.id, today=JUNE, at=NOW)
    assert await version() == before + 1


async def test_a_change_takes_effect_once_by_a_constraint(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await put(session, Draft(Decimal(8)))
        await take_effect(session, row.id, today=JUNE, at=NOW)
    with pytest.raises(IntegrityError):
        async with database.tenant(tenant) as session:
            session.add(
                PriceListVersion(
                    price_list_id=row.price_list_id,
                    version=99,
                    at=NOW,
                    by="x",
                    added=0,
                    changed=0,
                    removed=0,
                    changes={},
                    price_change_id=row.id,
                )
            )


async def test_what_was_announced_takes_effect_and_other_changes_stay(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await change(session, Draft(entries={V1: FIVE}), **NOWADAYS)
        row = await put(session, Draft(Decimal(8), {V1: SIX}, whole=True))
        await change(session, Draft(Decimal(7), {V1: Terms(Decimal(1)), V2: FIVE}), **NOWADAYS)
        await take_effect(session, row.id, today=JUNE, at=NOW)
        assert await content(session) == Content(Decimal(8), {V1: SIX, V2: FIVE})


async def test_what_the_list_says_already_on_its_day_makes_no_version(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await put(session, Draft(Decimal(8)))
        await set_rate(session, Decimal(8), **NOWADAYS)
        assert await take_effect(session, row.id, today=JUNE, at=NOW)
        assert (row.state, row.version, (await known_list(session, cap=10)).version) == ("in_force", 2, 2)


async def test_plans_of_several_days_build_on_each_other(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        first = await put(session, Draft(Decimal(8), {V1: FIVE}))
        second = await put(session, Draft(Decimal(8), {V1: SIX}, whole=True), JULY)
        assert Changes.from_dict((await planned_change(session, second.id)).changes).rate is None
        shown = await preview_plan(session, Draft(entries={V1: None}), on=date(2026, 6, 15), cap=10)
        assert [(one.kind, one.old) for one in shown.changes.entries] == [("removed", FIVE)]
        with pytest.raises(Conflict, match="planned for 2026-07-01 builds on this one"):
            await cancel(session, first.id, today=TODAY, by="anna", at=NOW, reason="no")
        assert list(await due(session, JULY)) == [first.id, second.id]
        for row in (first, second):
            await take_effect(session, row.id, today=JULY, at=NOW)
        assert await content(session) == Content(Decimal(8), {V1: SIX})
        assert [(one.id, name) for one, name in await list_changes(session)] == [(first.id, "default"), (second.id, "default")]
        assert await list_changes(session, "gold") == []


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"why": " "}, InvalidInput, "why: a planned change needs a reason"),
        ({"on": TODAY}, InvalidInput, "on: 2026-03-02 is not a day to come"),
        ({"on": TODAY + timedelta(29)}, Refused, "told 30 days before a price changes, so that 2026-04-01 is the first day"),
        ({"draft": Draft(Decimal(10))}, InvalidInput, "will say this already"),
        (
            {"draft": Draft(exception=StaffException(Decimal(20), "launch", date(2026, 12, 31)))},
            InvalidInput, "No price would change on that day",
        ),
        ({"draft": Draft(Decimal(12))}, Refused, "12 % is above the cap"),
        (
            {"draft": Draft(Decimal(12), exception=StaffException(Decimal(12), "x", JUNE - timedelta(1)))},
            InvalidInput, "expires: 2026-05-31 is in the past",
        ),
        ({"name": "gold"}, NotFound, "no price list 'gold'"),
    ],
)  # fmt: skip
async def test_a_plan_that_cannot_be(
    database: Database, tenant: str, changed: dict[str, Any], error: type[Exception], says: str
) -> None:
    given = {"draft": Draft(Decimal(8))} | changed
    async with database.tenant(tenant) as session:
        with pytest.raises(error, match=says):
            await put(session, **given)
    async with database.tenant(tenant) as session:
        assert await list_changes(session) == []


async def test_short_notice_is_possible_and_flagged(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await put(session, Draft(Decimal(8)), TODAY + timedelta(1), short_notice=True)
        assert (row.short_notice, row.announce_on) == (True, TODAY)
        exact = await put(session, Draft(Decimal(7)), TODAY + timedelta(30), short_notice=True)
        assert (exact.short_notice, exact.announce_on) == (False, TODAY)
        with pytest.raises(Conflict, match="is planned for 2026-03-03 already"):
            await put(session, Draft(Decimal(6)), TODAY + timedelta(1), short_notice=True)


async def test_a_canceled_change_never_takes_effect(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await put(session, Draft(Decimal(8)))
        with pytest.raises(InvalidInput, match="reason"):
            await cancel(session, row.id, today=TODAY, by="berta", at=NOW, reason="")
        with pytest.raises(Conflict, match="takes effect on 2026-06-01, which has come"):
            await cancel(session, row.id, today=JUNE, by="berta", at=NOW, reason="no")
        await cancel(session, row.id, today=TODAY, by="berta", at=NOW, reason="a mistake")
        with pytest.raises(Conflict, match="canceled by berta already"):
            await cancel(session, row.id, today=TODAY, by="anna", at=NOW, reason="no")
        assert not await take_effect(session, row.id, today=JULY, at=NOW)
        assert (row.canceled_by, row.cancel_reason) == ("berta", "a mistake")
        again = await put(session, Draft(Decimal(8)))
        await take_effect(session, again.id, today=JUNE, at=NOW)
        with pytest.raises(Conflict, match="has come"):
            await cancel(session, again.id, today=TODAY, by="berta", at=NOW, reason="no")
        for use in (cancel(session, "none", today=TODAY, by="a", at=NOW, reason="b"), planned_change(session, "none")):
            with pytest.raises(NotFound, match="no such planned change"):
                await use
        assert not await take_effect(session, "none", today=JUNE, at=NOW)


async def test_who_has_the_list_is_told_once(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await set_rate(session, Decimal(9), **NOWADAYS, name="gold")
        await company(session, "general")
        golden = await company(session, "golden")
        for status in ("suspended", "pending", "ended"):
            await company(session, status, status)
        await assign(session, golden.id, "gold", by="anna", at=NOW)
        default, gold = await put(session, Draft(Decimal(8))), await put(session, Draft(Decimal(8)), name="gold")
    async with database.tenant(tenant) as session:
        told = []
        assert await to_be_announced(session, date(2026, 5, 1)) is None
        while (row := await to_be_announced(session, date(2026, 5, 2))) is not None:
            resellers = await untold(session, row, 10)
            told.append((row.id, [one.company for one in resellers]))
            await planned.note_told(session, row, resellers, NOW)
        assert sorted(told) == sorted([(default.id, ["general"]), (gold.id, ["golden"])])
        late = await company(session, "late")
        row = await to_be_announced(session, date(2026, 5, 3))
        assert row is not None
        assert [one.id for one in await untold(session, row, 10)] == [late.id]
        await assign(session, late.id, "gold", by="anna", at=NOW)
        again = await to_be_announced(session, date(2026, 5, 3))
        assert again is not None
        assert again.id == gold.id


async def test_a_list_that_nobody_has_is_announced_all_the_same(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await put(session, Draft(Decimal(8)))
        row = await to_be_announced(session, JUNE)
        assert row is not None
        await planned.note_told(session, row, await untold(session, row, 10), NOW)
        assert row.announced_at == NOW
        assert await to_be_announced(session, JUNE) is None


async def test_who_was_told_hears_of_the_cancellation(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        told = await company(session, "told")
        row = await put(session, Draft(Decimal(8)))
        await planned.note_told(session, row, [told], NOW)
        await company(session, "untold")
        assert await to_be_retracted(session, 10) is None
        await cancel(session, row.id, today=TODAY, by="anna", at=NOW, reason="no")
        assert await to_be_announced(session, JUNE) is None
        found = await to_be_retracted(session, 10)
        assert found is not None
        canceled, ((notice, reseller),) = found
        assert (canceled.id, reseller.company) == (row.id, "told")
        notice.retracted_at = NOW
        assert await to_be_retracted(session, 10) is None


async def test_a_reseller_sees_what_it_was_told_of_and_its_prices_then(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session, "general")
        assert await seen(session, reseller) == []
        assert (await prices_on(session, reseller.id, JUNE, cap=10)).rate == Decimal(10)
        june, july = await put(session, Draft(Decimal(8), {V1: FIVE})), await put(session, Draft(Decimal(7)), JULY)
        assert await seen(session, reseller) == []
        assert (await prices_on(session, reseller.id, JUNE, cap=10)).rate == Decimal(10), "nobody was told yet"
        assert (await prices_on(session, reseller.id, JUNE, cap=10, announced=False)).rate == Decimal(8)
        await planned.note_told(session, june, [reseller], NOW)
        assert await seen(session, reseller) == [june.id]
        assert await seen(session, reseller, JUNE) == []
        await planned.note_told(session, july, [reseller], NOW)
        for day, rate, version in [(JUNE - timedelta(1), 10, 1), (JUNE, 8, 2), (JULY, 7, 3)]:
            prices = await prices_on(session, reseller.id, day, cap=10)
            assert (prices.rate, prices.version) == (Decimal(rate), version)
        other = await company(session, "not told yet")
        assert await seen(session, other) == [], "one of a later batch"
        assert (await prices_on(session, other.id, JULY, cap=10)).rate == Decimal(10)
        later = NOW + timedelta(hours=1)
        await planned.note_told(session, june, [other], later)
        ((change, told_at),), following = await upcoming(session, other.id, TODAY, cap=10, limit=1)
        assert (change.id, told_at, following) == (june.id, later, None)
        first, cursor = await upcoming(session, reseller.id, TODAY, cap=10, limit=1)
        second, end = await upcoming(session, reseller.id, TODAY, cap=10, limit=1, cursor=cursor)
        assert [change.id for change, _ in [*first, *second]] == [june.id, july.id]
        assert end is None
        await set_rate(session, Decimal(9), **NOWADAYS, name="gold")
        await assign(session, reseller.id, "gold", by="anna", at=NOW)
        assert await seen(session, reseller) == []
        assert (await prices_on(session, reseller.id, JULY, cap=10)).rate == Decimal(9)


async def test_canceling_waits_for_who_plans_a_later_change_in_the_same_moment(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        first = await put(session, Draft(Decimal(8)))
    planned_later, end = asyncio.Event(), asyncio.Event()

    async def later() -> None:
        async with database.tenant(tenant) as session:
            await put(session, Draft(Decimal(7)), JULY)
            planned_later.set()
            await end.wait()

    async def take_back() -> None:
        await planned_later.wait()
        async with database.tenant(tenant) as session:
            await cancel(session, first.id, today=TODAY, by="berta", at=NOW, reason="no")

    plan_work, cancel_work = asyncio.create_task(later()), asyncio.create_task(take_back())
    await planned_later.wait()
    done, _ = await asyncio.wait({cancel_work}, timeout=0.1)
    assert not done, "it waits for the list"
    end.set()
    await plan_work
    with pytest.raises(Conflict, match="planned for 2026-07-01 builds on this one"):
        await cancel_work
