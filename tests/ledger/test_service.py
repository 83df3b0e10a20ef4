import asyncio
from datetime import date

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import DBAPIError

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.rules import Kind, unallocated
from app.ledger.service import Booking, as_item, book_wire, credit_order, post_receivable, receivable, reseller_receivables
from app.ledger.tables import LedgerItem
from app.money import Money
from tests.conftest import NOW

DAY = date(2026, 3, 2)


async def owe(database: Database, tenant: str, order: str = "o1", amount: str = "118.80") -> str:
    async with database.tenant(tenant) as session:
        item = await post_receivable(
            session,
            reseller_id="res",
            order_id=order,
            order_number=order[1:],
            amount=Money.of(amount, "USD"),
            reference="RF18539007547034",
            order_date=DAY,
            due=date(2026, 4, 1),
            at=NOW,
        )
        return item.id


async def pay(
    database: Database, tenant: str, amount: str, reference: str = "B1", order: str = "o1", currency: str = "USD"
) -> Booking:
    async with database.tenant(tenant) as session:
        return await book_wire(
            session,
            order_id=order,
            amount=Money.of(amount, currency),
            bank_reference=reference,
            value_date=DAY,
            by="ada@vendor.example",
            at=NOW,
            tolerance_minor=1500,
        )


async def test_a_receivable_is_posted_once(database: Database, tenant: str) -> None:
    assert await owe(database, tenant) == await owe(database, tenant)
    async with database.tenant(tenant) as session:
        (found,) = await reseller_receivables(session, "res")
    assert found.open_minor == 11_880


async def test_a_wire_pays_once_however_often_it_is_booked(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    first, *others = [await pay(database, tenant, "118.80") for _ in range(3)]
    assert (first.allocated_minor, first.surplus_minor, first.repeated) == (11_880, 0, False)
    assert [(b.payment_id, b.allocated_minor, b.repeated) for b in others] == [(first.payment_id, 11_880, True)] * 2
    async with database.tenant(tenant) as session:
        assert (await receivable(session, debt)).fully_paid


async def test_the_same_wire_fifty_times_at_once(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    await asyncio.gather(*(pay(database, tenant, "118.80") for _ in range(50)))
    async with database.tenant(tenant) as session:
        assert await session.scalar(select(func.count(LedgerItem.id))) == 3


async def test_case_50_and_51_and_52_short_over_and_twice(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    assert (await pay(database, tenant, "110.00")).bank_charge_minor == 880
    twice = await pay(database, tenant, "118.80", "B2")
    assert (twice.allocated_minor, twice.surplus_minor) == (0, 11_880)


async def test_two_part_payments(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    await pay(database, tenant, "50.00")
    async with database.tenant(tenant) as session:
        assert (await receivable(session, debt)).open_minor == 6_880
    assert (await pay(database, tenant, "68.80", "B2")).allocated_minor == 6_880


async def test_case_53_and_54_and_55_what_is_not_booked(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    with pytest.raises(InvalidInput, match="in USD, the wire in EUR"):
        await pay(database, tenant, "118.80", currency="EUR")
    with pytest.raises(InvalidInput, match="more than zero"):
        await pay(database, tenant, "0.00")
    with pytest.raises(InvalidInput, match="bank's reference"):
        await pay(database, tenant, "1.00", "  ")
    with pytest.raises(NotFound):
        await pay(database, tenant, "1.00", order="o9")
    await pay(database, tenant, "118.80")
    with pytest.raises(Conflict, match="another amount"):
        await pay(database, tenant, "118.81")
    async with database.tenant(tenant) as session:
        assert await session.scalar(select(func.count(LedgerItem.id))) == 3


async def test_case_53_a_canceled_order_owes_nothing_and_its_money_is_free(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    booking = await pay(database, tenant, "50.00")
    for credited in (11_880, 0):
        async with database.tenant(tenant) as session:
            assert await credit_order(session, "o1", reason="canceled", by="ada", at=NOW) == credited
    async with database.tenant(tenant) as session:
        found = await receivable(session, debt)
        items = [as_item(row) for row in await session.scalars(select(LedgerItem))]
    assert (found.open_minor, found.fully_paid) == (0, False)
    assert unallocated(items) == {booking.payment_id: 5_000}


@pytest.mark.parametrize(
    ("reference", "says"), [("x" * 141, "has 141 characters; at most 140"), (" ", "needs the bank's reference")]
)
async def test_a_reference_nobody_could_keep_is_refused(database: Database, tenant: str, reference: str, says: str) -> None:
    await owe(database, tenant)
    with pytest.raises(InvalidInput, match=says):
        await pay(database, tenant, "118.80", reference)
    booked = await pay(database, tenant, "118.80", f" {'x' * 140} ")
    async with database.tenant(tenant) as session:
        payment = (await session.scalars(select(LedgerItem).where(LedgerItem.id == booked.payment_id))).one()
    assert payment.reference == "x" * 140


async def test_what_a_wire_did_is_found_by_its_keys(database: Database, tenant: str) -> None:
    """Within the lock of a booking nothing may read the whole ledger."""
    await owe(database, tenant)
    said: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    await pay(database, tenant, "110.00")
    again = await pay(database, tenant, "110.00")
    assert (again.allocated_minor, again.bank_charge_minor, again.surplus_minor, again.repeated) == (11_000, 880, 0, True)
    assert not [statement for statement in said if " LIKE " in statement.upper()]


async def test_a_missing_debt_and_a_negative_one(database: Database, tenant: str) -> None:
    with pytest.raises(InvalidInput, match="negative total"):
        await owe(database, tenant, amount="-1.00")
    async with database.tenant(tenant) as session:
        with pytest.raises(NotFound):
            await credit_order(session, "o1", reason="", by="", at=NOW)
        with pytest.raises(NotFound):
            await receivable(session, "nothing")


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_rows_are_never_changed(database: Database, tenant: str, verb: str) -> None:
    await owe(database, tenant)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.tenant(tenant) as session:
            (row,) = await session.scalars(select(LedgerItem).where(LedgerItem.kind == Kind.RECEIVABLE))
            if verb == "update":
                row.amount_minor = 1
            else:
                await session.delete(row)
