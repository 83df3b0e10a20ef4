import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.refunds import refund_order
from app.ledger.rules import Kind, Receivable, unallocated
from app.ledger.service import as_item, book_wire, credit_order, receivable
from app.ledger.tables import LedgerItem
from app.money import Money
from tests.conftest import NOW
from tests.ledger.test_service import DAY, owe, pay


async def give_back(
    database: Database, tenant: str, amount: str, reference: str = "R1", order: str = "o1", currency: str = "USD"
) -> LedgerItem:
    async with database.tenant(tenant) as session:
        return await refund_order(
            session, order_id=order, amount=Money.of(amount, currency), bank_reference=reference, value_date=DAY, by="ada", at=NOW
        )


async def state(database: Database, tenant: str, debt: str) -> tuple[Receivable, dict[str, int]]:
    async with database.tenant(tenant) as session:
        items = [as_item(row) for row in await session.scalars(select(LedgerItem))]
        return await receivable(session, debt), unallocated(items)


async def count(database: Database, tenant: str) -> int:
    async with database.tenant(tenant) as session:
        return await session.scalar(select(func.count(LedgerItem.id))) or 0


async def test_all_of_it(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    await pay(database, tenant, "118.80")
    item = await give_back(database, tenant, "118.80", " R1 ")
    assert (item.kind, item.amount_minor, item.reference, item.order_number, item.booked_by) == (
        Kind.REFUND, 11_880, "R1", "1", "ada",
    )  # fmt: skip
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, found.fully_paid, free) == (0, 0, False, {})


async def test_a_part_leaves_the_rest_paid_and_nothing_asked_for(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    await pay(database, tenant, "118.80")
    await give_back(database, tenant, "18.80")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, found.fully_paid, free) == (0, 10_000, True, {})
    await give_back(database, tenant, "100.00", "R2")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, found.fully_paid, free) == (0, 0, False, {})


async def test_a_part_of_a_part_payment(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    await pay(database, tenant, "50.00")
    await give_back(database, tenant, "50.00")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, free) == (6_880, 0, {})


async def test_more_than_was_paid(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    with pytest.raises(InvalidInput, match=r"was paid 0\.00 USD"):
        await give_back(database, tenant, "0.01")
    await pay(database, tenant, "118.80")
    await give_back(database, tenant, "100.00")
    with pytest.raises(InvalidInput, match=r"was paid 18\.80 USD; no more"):
        await give_back(database, tenant, "18.81", "R2")
    assert await count(database, tenant) == 6


@pytest.mark.parametrize(("amount", "currency"), [("0.00", "USD"), ("-1.00", "USD"), ("1.00", "EUR")])
async def test_what_is_no_refund(database: Database, tenant: str, amount: str, currency: str) -> None:
    await owe(database, tenant)
    await pay(database, tenant, "118.80")
    with pytest.raises(InvalidInput, match="positive amount in USD"):
        await give_back(database, tenant, amount, currency=currency)
    with pytest.raises(NotFound, match="no receivable"):
        await give_back(database, tenant, "1.00", order="o9")


async def test_a_repetition_changes_nothing_and_another_meaning_is_refused(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    await owe(database, tenant, "o2")
    await pay(database, tenant, "118.80")
    await pay(database, tenant, "118.80", "B2", "o2")
    first = await give_back(database, tenant, "50.00")
    before = await count(database, tenant)
    again = await asyncio.gather(*(give_back(database, tenant, "50.00") for _ in range(5)))
    assert {item.id for item in again} == {first.id}
    assert await count(database, tenant) == before
    for order, amount in (("o1", "50.01"), ("o2", "50.00")):
        with pytest.raises(Conflict, match="booked before with another amount or order"):
            await give_back(database, tenant, amount, order=order)


@pytest.mark.parametrize("other", ["R%", "R_", "R1:x", "R"])
async def test_references_that_look_alike_are_two(database: Database, tenant: str, other: str) -> None:
    await owe(database, tenant)
    await pay(database, tenant, "118.80")
    await give_back(database, tenant, "10.00", "R1")
    await give_back(database, tenant, "20.00", other)
    await give_back(database, tenant, "10.00", "R1")
    async with database.tenant(tenant) as session:
        total = await session.scalar(select(func.sum(LedgerItem.amount_minor)).where(LedgerItem.kind == Kind.REFUND))
    assert total == 3_000


async def test_two_payments_the_newest_first(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    first = await pay(database, tenant, "50.00")
    async with database.tenant(tenant) as session:
        second = await book_wire(
            session, order_id="o1", amount=Money.of("68.80", "USD"), bank_reference="B2", value_date=DAY, by="ada",
            at=NOW + timedelta(hours=1),
        )  # fmt: skip
    await give_back(database, tenant, "80.00")
    async with database.tenant(tenant) as session:
        rows = (await session.scalars(select(LedgerItem).where(LedgerItem.kind == Kind.REFUND))).all()
    assert {row.payment_id: row.amount_minor for row in rows} == {second.payment_id: 6_880, first.payment_id: 1_120}
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, free) == (0, 3_880, {})
    assert (await give_back(database, tenant, "80.00")).kind == Kind.REFUND


async def test_a_wire_repeated_after_its_refund_still_says_what_it_paid(database: Database, tenant: str) -> None:
    await owe(database, tenant)
    first = await pay(database, tenant, "118.80")
    await give_back(database, tenant, "100.00")
    again = await pay(database, tenant, "118.80")
    assert (again.repeated, again.allocated_minor, again.surplus_minor) == (True, first.allocated_minor, 0)


async def test_case_69_what_a_bank_kept_is_no_payment_once_all_money_is_back(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    assert (await pay(database, tenant, "110.00")).bank_charge_minor == 880
    await give_back(database, tenant, "60.00")
    assert (await state(database, tenant, debt))[0].fully_paid
    await give_back(database, tenant, "50.00", "R2")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, found.fully_paid, free) == (0, 0, False, {})


async def test_case_51_a_surplus_is_sent_back_after_what_paid(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    paid = await pay(database, tenant, "120.00")
    await give_back(database, tenant, "119.00")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, free) == (0, 0, {paid.payment_id: 100})
    await give_back(database, tenant, "1.00", "R2")
    assert (await state(database, tenant, debt))[1] == {}


async def test_case_53_the_money_of_a_canceled_order_can_be_sent_back(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    await pay(database, tenant, "118.80")
    async with database.tenant(tenant) as session:
        await credit_order(session, "o1", reason="canceled", by="saleor", at=NOW)
    await give_back(database, tenant, "118.80")
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, free) == (0, 0, {})
    with pytest.raises(InvalidInput, match="no more can be sent back"):
        await give_back(database, tenant, "0.01", "R2")


async def test_a_cancellation_after_a_refund_credits_only_what_is_left(database: Database, tenant: str) -> None:
    debt = await owe(database, tenant)
    payment = await pay(database, tenant, "118.80")
    await give_back(database, tenant, "50.00")
    async with database.tenant(tenant) as session:
        assert await credit_order(session, "o1", reason="canceled", by="saleor", at=NOW) == 6_880
        assert await credit_order(session, "o1", reason="canceled", by="saleor", at=NOW) == 0
    found, free = await state(database, tenant, debt)
    assert (found.open_minor, found.paid_minor, free) == (0, 0, {payment.payment_id: 6_880})
