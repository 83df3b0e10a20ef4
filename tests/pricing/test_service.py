import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.errors import InvalidInput, NotFound, Refused
from app.money import Money
from app.pricing.rules import Entry, PriceList, Scope, StaffException
from app.pricing.service import assign, known_list, list_entries, load_prices, price_list, remove_entry, set_entry, set_rate
from app.pricing.tables import PriceEntry, PriceListAssignment, PriceListRow
from app.resellers.service import history
from app.resellers.tables import Reseller
from tests.conftest import NOW

TODAY = NOW.date()
LEAVE = StaffException(Decimal(20), "launch partner", date(2026, 12, 31), "anna")
SIGNED: Any = {"by": "anna", "at": NOW}


async def put(session: AsyncSession, **changed: Any) -> PriceEntry:
    facts: dict[str, Any] = {"scope": Scope.VARIANT, "target": "v1", "label": "GRID-1", "cap": 10, "today": TODAY} | SIGNED
    return await set_entry(session, **facts | changed)


async def loaded(session: AsyncSession, cap: int = 10) -> PriceList:
    return (await load_prices(session, cap=cap)).default


async def test_the_default_list_is_ten_percent_and_never_above_the_cap(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        assert await loaded(session) == PriceList(1, Decimal(10), Decimal(10))
        assert await loaded(session, cap=5) == PriceList(1, Decimal(5), Decimal(5))
        first, again = await price_list(session, cap=10), await price_list(session, cap=10)
        assert (first.name, first.rate, first.version) == ("default", Decimal(10), 1)
        assert again is first
        assert await loaded(session) == PriceList(1, Decimal(10), Decimal(10))


async def test_an_entry_set_again_is_replaced_and_raises_the_version_once_each(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await put(session, rate=Decimal(5))
        await put(session, rate=Decimal("7.5"), valid_to=date(2026, 12, 31))
        await put(session, rate=Decimal("7.5"), valid_to=date(2026, 12, 31))
    async with database.tenant(tenant) as session:
        prices = await loaded(session)
        assert prices.version == 3
        assert prices.entries == {
            (Scope.VARIANT, "v1"): (Entry(Scope.VARIANT, "v1", Decimal("7.5"), valid_to=date(2026, 12, 31)),)
        }


async def test_each_part_of_the_key_makes_another_entry(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await put(session, fixed=Money.of("9", "USD"))
        await put(session, fixed=Money.of("8", "EUR"))
        await put(session, fixed=Money.of("7", "USD"), minimum_quantity=10)
        await put(session, fixed=Money.of("6", "USD"), valid_from=date(2026, 6, 1))
        await put(session, scope=Scope.PRODUCT, rate=Decimal(1))
        await put(session, scope=Scope.COLLECTION, rate=Decimal(1))
    async with database.tenant(tenant) as session:
        prices = await loaded(session)
        assert sorted(map(len, prices.entries.values())) == [1, 1, 4]
        assert Entry(Scope.VARIANT, "v1", None, Money(600, "USD"), 1, date(2026, 6, 1)) in prices.entries[Scope.VARIANT, "v1"]
        assert len(await list_entries(session)) == 6


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "either a rate or a fixed price"),
        ({"rate": Decimal(1), "fixed": Money(1, "USD")}, "either a rate or a fixed price"),
        ({"fixed": Money(-1, "USD")}, "price: -0.01 USD is below zero"),
        ({"rate": Decimal(-1)}, "rate: -1 is not a percentage"),
        ({"rate": Decimal(101)}, "rate: 101"),
        ({"rate": Decimal("1.234")}, r"rate: 1\.234"),
        ({"rate": Decimal("NaN")}, "rate: NaN"),
        ({"rate": Decimal(1), "target": ""}, "target: "),
        ({"rate": Decimal(1), "minimum_quantity": 0}, "minimum_quantity: 0"),
        ({"rate": Decimal(1), "valid_from": TODAY, "valid_to": TODAY - timedelta(1)}, "valid_to: 2026-03-01 is before"),
        ({"rate": Decimal(20), "exception": StaffException(Decimal(20), " ", TODAY)}, "needs a reason"),
        ({"rate": Decimal(20), "exception": StaffException(Decimal(20), "x", TODAY - timedelta(1))}, "expires: 2026-03-01"),
        ({"rate": Decimal(20), "exception": StaffException(Decimal(120), "x", TODAY)}, "rate: 120"),
    ],
)
async def test_the_wrong_field_is_named(database: Database, tenant: str, changed: dict[str, Any], says: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match=says):
            await put(session, **changed)
        assert await list_entries(session) == []


async def test_above_the_cap_needs_an_exception_that_is_kept(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(Refused, match=r"15 % is above the cap of 10 %\. Give an exception") as caught:
            await put(session, rate=Decimal(15))
        assert caught.value.code == "above_cap"
        with pytest.raises(Refused):
            await put(session, rate=Decimal(25), exception=LEAVE)
        await put(session, rate=Decimal(15), exception=LEAVE)
        await set_rate(session, Decimal(12), cap=10, today=TODAY, **SIGNED)
    async with database.tenant(tenant) as session:
        prices = await loaded(session)
        assert (prices.rate, prices.exception, prices.version) == (Decimal(12), LEAVE, 3)
        with pytest.raises(Refused):
            await set_rate(session, Decimal(12), cap=10, today=date(2027, 1, 1), **SIGNED)


async def test_the_rate_of_a_list(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await set_rate(session, Decimal("7.5"), cap=10, today=TODAY, **SIGNED)
        await set_rate(session, Decimal("7.5"), cap=10, today=TODAY, **SIGNED)
        with pytest.raises(Refused):
            await set_rate(session, Decimal("10.01"), cap=10, today=TODAY, **SIGNED)
    async with database.tenant(tenant) as session:
        prices = await loaded(session)
        assert (prices.rate, prices.version) == (Decimal("7.5"), 2)


async def test_an_entry_is_removed_once(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        entry = await put(session, rate=Decimal(5))
    async with database.tenant(tenant) as session:
        await remove_entry(session, entry.id, **SIGNED)
        with pytest.raises(NotFound, match="no such price entry"):
            await remove_entry(session, entry.id, **SIGNED)
    async with database.tenant(tenant) as session:
        prices = await loaded(session)
        assert (prices.version, prices.entries) == (3, {})


async def test_a_reseller_with_a_list_of_its_own(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = Reseller(
            email="a@b.example",
            company="A",
            street="1",
            city="B",
            postal_code="1",
            country="DE",
            status="approved",
            created_at=NOW,
        )
        session.add(reseller)
        await session.flush()
        with pytest.raises(NotFound, match="no price list 'gold'"):
            await assign(session, reseller.id, "gold", **SIGNED)
        await set_rate(session, Decimal(8), cap=10, today=TODAY, name="gold", **SIGNED)
        await set_rate(session, Decimal(9), cap=10, today=TODAY, name="silver", **SIGNED)
        await put(session, rate=Decimal(3), name="gold")
        await put(session, rate=Decimal(4))
        await assign(session, reseller.id, "silver", **SIGNED)
        await assign(session, reseller.id, "gold", **SIGNED)
    async with database.tenant(tenant) as session:
        for prices in (await load_prices(session, cap=10), await load_prices(session, cap=10, reseller_id=reseller.id)):
            assert (prices.of(reseller.id).rate, len(prices.of(reseller.id).entries)) == (Decimal(8), 1)
        assert len((await load_prices(session, cap=10, reseller_id="another")).of("another").entries) == 1
        assert prices.of("another") is prices.default
        await assign(session, reseller.id, "default", **SIGNED)
        assert (await load_prices(session, cap=10)).of(reseller.id).rate == Decimal(10)


async def test_two_staff_who_assign_lists_at_once_leave_one_and_both_on_record(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = Reseller(
            email="r@partner.example", company="R", street="1", city="B", postal_code="1", country="DE", status="approved",
            created_at=NOW, users=[], acceptances=[],
        )  # fmt: skip
        session.add(reseller)
        for name in ("gold", "silver"):
            await set_rate(session, Decimal(8), cap=10, today=TODAY, name=name, **SIGNED)

    async def give(name: str) -> bool:
        async with database.tenant(tenant) as session:
            return await assign(session, reseller.id, name, **SIGNED)

    given = await asyncio.gather(*map(give, ["gold", "silver"] * 3))
    assert given.count(True) >= 2
    async with database.tenant(tenant) as session:
        assert len((await session.scalars(select(PriceListAssignment))).all()) == 1
        assert len(await history(session, reseller.id)) == given.count(True)


async def test_looking_at_a_list_makes_none(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        shown = await known_list(session, cap=5)
        assert (shown.name, shown.rate, shown.version) == ("default", Decimal(5), 1)
        with pytest.raises(NotFound, match="no price list 'gold'; there are: default"):
            await known_list(session, cap=10, name="gold")
    async with database.tenant(tenant) as session:
        assert list(await session.scalars(select(PriceListRow))) == []
        await set_rate(session, Decimal(8), cap=10, today=TODAY, name="gold", **SIGNED)
        assert (await known_list(session, cap=10, name="gold")).rate == Decimal(8)
        with pytest.raises(NotFound, match="there are: default, gold"):
            await known_list(session, cap=10, name="glod")
