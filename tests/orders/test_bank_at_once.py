"""Two people, or a person and a file, at the same money in the same moment: one of them wins and the books agree."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import select

from app.bank.decisions import Outcome
from app.bank.tables import BankImport, BankLineRow
from app.errors import Conflict, InvalidInput, NotFound
from app.money import Money
from app.orders import bank_desk
from app.orders.bank_undo import undo_import, undo_line
from app.orders.check import check
from app.orders.refund_list import cancel_refund
from app.orders.tables import RefundRequest
from app.resellers.service import find
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, recorded, rows, wire
from tests.orders.test_bank_undoing import state
from tests.orders.test_refund_back import USD, of_order
from tests.orders.test_refund_list import EMAIL, IBAN, ask, credits, left, sent, world

__all__ = ["world"]
ROUNDS = range(3)


async def at_once(world: World, *work: Awaitable[Any]) -> list[Any]:
    """What each came to; one that lost is told so in a sentence, and the books agree afterwards."""
    found = await asyncio.gather(*work, return_exceptions=True)
    strange = [
        each for each in found if isinstance(each, BaseException) and not isinstance(each, Conflict | InvalidInput | NotFound)
    ]
    assert strange == []
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name: wrong for name, wrong in (await check(session, NOW)).items() if wrong} == {}
    return found


async def undo(world: World, import_id: str | None) -> BankImport:
    return await undo_import(world.services, world.shop, import_id or "", by="bob")


async def test_two_people_book_one_refund_under_two_references(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world, "9.00")
    found = await at_once(world, sent(world, row.id, "R1"), sent(world, row.id, "R2"))
    assert {type(each) for each in found} == {Conflict, RefundRequest}
    assert await credits(world) == 900


async def test_a_refund_is_taken_off_the_list_while_it_is_booked(world: World) -> None:
    await recorded(world)
    await wire(world)
    for time in ROUNDS:
        row = await of_order(world, "1.00")

        async def cancel(refund_id: str) -> None:
            async with world.database.tenant(world.shop.tenant_id) as session:
                await cancel_refund(session, world.services, world.shop, refund_id, by="bob", reason="no")

        await at_once(world, sent(world, row.id, f"R{time}"), cancel(row.id))
        (row,) = await rows(world, RefundRequest, RefundRequest.id == row.id)
        assert (row.done_at is None) != (row.canceled_at is None)


async def test_a_refund_is_undone_by_three_at_once(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    before = await state(world)
    report = await imported(world, left(row, "-19.49", **USD), name="out.xml")
    (debit,) = await rows(world, BankLineRow, BankLineRow.amount == "-19.49")

    async def one() -> None:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await undo_line(session, world.services, world.shop, debit.id, by="anna", reason="no")

    await at_once(world, undo(world, report.import_id), one(), undo(world, report.import_id))
    assert await state(world) == before


@pytest.mark.parametrize("surplus", [True, False])
async def test_a_line_is_booked_at_the_desk_while_its_file_is_undone(world: World, surplus: bool) -> None:
    await world.set(book_surplus=surplus)
    for number in ("1", "2"):
        await recorded(world, number, reference=rf(number))
    for time in ROUNDS:
        report = await imported(world, paid("1", "30.00", bank_reference=f"B{time}"), name="wire.xml")
        (line,) = await rows(world, BankLineRow, BankLineRow.undone == "")

        async def book(line_id: str) -> None:
            async with world.database.tenant(world.shop.tenant_id) as session:
                part = ("2", Money.of("5.00", "USD"))
                await bank_desk.allocate(session, world.services, world.shop, line_id, [part], by="anna")

        await at_once(world, book(line.id), undo(world, report.import_id))


async def test_credit_is_sent_back_while_the_file_that_brought_it_is_undone(world: World) -> None:
    for time in ROUNDS:
        line = paid("1", "30.00", currency="EUR", account=IBAN, reference_structured=None, bank_reference=f"C{time}")
        report = await imported(world, line, account=IBAN, name=f"{time}.xml")
        kept = (await rows(world, BankLineRow, BankLineRow.outcome != Outcome.BOOKED, BankLineRow.undone == ""))[0]
        async with world.database.tenant(world.shop.tenant_id) as session:
            owner = (await find(session, EMAIL)).id
            await bank_desk.allocate(session, world.services, world.shop, kept.id, [], by="anna", reseller_id=owner)
        row = await ask(world, "30.00")
        await at_once(world, sent(world, row.id, f"R{time}"), undo(world, report.import_id))
        async with world.database.tenant(world.shop.tenant_id) as session:
            for each in await session.scalars(select(RefundRequest).where(RefundRequest.done_at.is_(None))):
                each.canceled_at = NOW


async def test_a_wire_is_returned_while_it_is_sent_back(world: World) -> None:
    for time in ROUNDS:
        number = str(time)
        await recorded(world, number, reference=rf(number))
        await imported(world, paid(number), name=f"{number}.xml")
        row = await ask(world, "19.49", "USD", email="", number=number)
        back = paid(number, "-19.49", reversal=True)
        await at_once(world, sent(world, row.id, f"R{time}"), imported(world, back, name=f"{number}-back.xml"))
