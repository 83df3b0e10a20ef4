from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import InvalidInput, NotFound, Refused
from app.pricing.content import Changes, Content, EntryKey, Terms
from app.pricing.draft import Draft
from app.pricing.list_file import read_list, write_list
from app.pricing.rules import Scope, StaffException
from app.pricing.service import change, difference_for_new, known_list, preview_draft, price_list, set_rate
from app.pricing.tables import PriceEntry, PriceListVersion
from app.pricing.versions import content_at, content_of, history, version_of
from tests.conftest import NOW
from tests.pricing.strategies import id_of

TODAY = NOW.date()
SIGNED: Any = {"cap": 10, "today": TODAY, "by": "anna", "at": NOW}
V1 = EntryKey(Scope.VARIANT, id_of(Scope.VARIANT, 1))
V2 = EntryKey(Scope.VARIANT, id_of(Scope.VARIANT, 2), 10, "USD", date(2026, 6, 1))
FIVE = Terms(Decimal(5), label="GRID")
FIXED = Terms(fixed_minor=950, valid_to=date(2026, 12, 31), label="CHART")


async def now(session: AsyncSession, name: str = "default") -> Content:
    return await content_of(session, await known_list(session, cap=10, name=name))


async def test_every_change_is_a_version_with_who_when_why_and_what(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await change(session, Draft(Decimal(8), {V1: FIVE}), **SIGNED, why=" spring ")
        await change(session, Draft(entries={V1: replace(FIVE, rate=Decimal(6)), V2: FIXED}), **SIGNED | {"by": "berta"})
        await change(session, Draft(entries={V1: None}), **SIGNED)
    async with database.tenant(tenant) as session:
        row = await known_list(session, cap=10)
        found = await history(session, row)
        assert [(one.version, one.by, one.why, one.added, one.changed, one.removed) for one in found] == [
            (4, "anna", "", 0, 0, 1),
            (3, "berta", "", 1, 1, 0),
            (2, "anna", "spring", 1, 0, 0),
        ]
        assert {one.at for one in found} == {NOW}
        changes = Changes.from_dict((await version_of(session, row, 2)).changes)
        assert (changes.rate, changes.entries[0].new) == ((Decimal(10), Decimal(8)), FIVE)
        assert await content_of(session, row) == Content(Decimal(8), {V2: FIXED})


async def test_an_older_version_is_known_as_an_order_was_priced_with_it(database: Database, tenant: str) -> None:
    states: list[Content] = []
    async with database.tenant(tenant) as session:
        row = await price_list(session, cap=10)
        states.append(await content_of(session, row))
        leave = StaffException(Decimal(20), "launch", date(2026, 12, 31))
        for draft in (Draft(Decimal(8), {V1: FIVE}), Draft(Decimal(15), exception=leave), Draft(entries={V1: None, V2: FIXED})):
            await change(session, draft, **SIGNED)
            states.append(await content_of(session, row))
    async with database.tenant(tenant) as session:
        row = await known_list(session, cap=10)
        assert [await content_at(session, row, version) for version in (1, 2, 3, 4)] == states
        for unknown in (0, 5):
            with pytest.raises(NotFound, match=f"Version {unknown} of the list 'default' is not known; changes 2 to 4"):
                await content_at(session, row, unknown)
        with pytest.raises(NotFound):
            await version_of(session, row, 1)


async def test_versions_before_the_record_began_are_not_made_up(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await price_list(session, cap=10)
        row.version = 5  # of an installation that is older than its record
        await session.flush()
        assert await content_at(session, row, 5) == Content(Decimal(10))
        with pytest.raises(NotFound, match="it has version 5 and no change on record"):
            await content_at(session, row, 4)
        await set_rate(session, Decimal(8), **SIGNED)
        assert (await content_at(session, row, 5)).rate == Decimal(10)
        with pytest.raises(NotFound, match="changes 6 to 6"):
            await content_at(session, row, 4)


async def test_nothing_new_makes_no_version_and_leaves_the_program_alone(database: Database, tenant: str) -> None:
    async def program_version() -> int:
        async with database.system() as session:
            return (await session.scalars(select(Tenant.program_version).where(Tenant.id == tenant))).one()

    async with database.tenant(tenant) as session:
        await change(session, Draft(Decimal(8), {V1: FIVE}), **SIGNED)
    before = await program_version()
    async with database.tenant(tenant) as session:
        row, found = await change(session, Draft(Decimal("8.00"), {V1: FIVE}, whole=True), **SIGNED)
        assert (row.version, bool(found.changes), found.unchanged) == (2, False, 1)
    assert await program_version() == before
    async with database.tenant(tenant) as session:
        await change(session, Draft(entries={V1: None}), **SIGNED)
    assert await program_version() == before + 1


async def test_a_dry_run_says_what_the_import_does_and_writes_nothing(database: Database, tenant: str) -> None:
    draft = read_list(["scope,target,rate,label\n", f"variant,{V1.target},6,GRID\n", f"variant,{id_of(Scope.VARIANT, 3)},5,\n"])
    async with database.tenant(tenant) as session:
        await change(session, Draft(entries={V1: FIVE, V2: FIXED}), **SIGNED)
    async with database.tenant_reading(tenant) as session:
        shown = await preview_draft(session, draft, cap=10, today=TODAY)
        with pytest.raises(NotFound, match="no price list 'gold'"):
            await preview_draft(session, draft, cap=10, today=TODAY, name="gold")
    assert [(one.kind, one.key.target) for one in shown.changes.entries] == [
        ("changed", V1.target), ("removed", V2.target), ("added", id_of(Scope.VARIANT, 3)),
    ]  # fmt: skip
    async with database.tenant(tenant) as session:
        assert (await now(session)).entries == {V1: FIVE, V2: FIXED}
        _, done = await change(session, draft, **SIGNED)
        assert done == shown
        assert "".join(write_list(await now(session))).count("\n") == 4
    assert difference_for_new(draft, cap=10, today=TODAY).changes.count("added") == 2


async def test_a_file_with_a_rate_above_the_cap_leaves_the_list_as_it_was(database: Database, tenant: str) -> None:
    lines = ["scope,target,rate\n", *(f"variant,v{n},5\n" for n in range(900)), "variant,x,15\n"]
    async with database.tenant(tenant) as session:
        with pytest.raises(Refused, match=r"line 902: rate: 15 % is above the cap of 10 %"):
            await change(session, read_list(lines), **SIGNED)
    async with database.tenant(tenant) as session:
        assert await now(session) == Content(Decimal(10))
        leave = StaffException(Decimal(15), "launch", date(2026, 12, 31))
        await change(session, replace(read_list(lines), exception=leave), **SIGNED)
        assert (await now(session)).exception == replace(leave, by="anna")


async def test_many_entries_are_replaced_at_once(database: Database, tenant: str) -> None:
    def many(first: int, rate: int) -> Draft:
        return Draft(
            entries={EntryKey(Scope.VARIANT, f"v{n}"): Terms(Decimal(rate)) for n in range(first, first + 300)}, whole=True
        )

    async with database.tenant(tenant) as session:
        await change(session, many(0, 5), **SIGNED)
        _, found = await change(session, many(100, 6), **SIGNED)
        assert [found.changes.count(kind) for kind in ("added", "changed", "removed")] == [100, 200, 100]
    async with database.tenant(tenant) as session:
        assert await session.scalar(select(func.count(PriceEntry.id))) == 300
        assert await now(session) == Content(Decimal(10), {k: v for k, v in many(100, 6).entries.items() if v})
        assert await content_at(session, await known_list(session, cap=10), 2) == Content(
            Decimal(10), {k: v for k, v in many(0, 5).entries.items() if v}
        )


@pytest.mark.parametrize("name", ["", " gold", "g" * 101, "a\nb"])
async def test_a_name_that_no_list_can_have(database: Database, tenant: str, name: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match="is no name"):
            await price_list(session, cap=10, name=name)


async def test_the_record_of_another_shop_is_not_seen(database: Database, tenant: str) -> None:
    from tests.conftest import install

    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        await set_rate(session, Decimal(8), **SIGNED)
    async with database.tenant(other) as session:
        assert list(await session.scalars(select(PriceListVersion))) == []
