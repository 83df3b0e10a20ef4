"""Refunds whose bank line is undone, and those that come back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.bank.decisions import Outcome
from app.bank.lines import BankLine
from app.bank.tables import BankImport, BankLineRow
from app.documents.schemas import DocumentKind
from app.documents.tables import Document
from app.errors import Conflict
from app.money import Money
from app.orders import bank_desk
from app.orders.bank_undo import undo_import, undo_line
from app.orders.check import check
from app.orders.refund_list import cancel_refund
from app.orders.refunds import CHARGES, book_refund
from app.orders.service import cancel_order
from app.orders.tables import MoneyReport, OrderEvent, RefundRequest, ResellerOrder
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, recorded, rows, wire
from tests.orders.test_bank_undoing import state, undone
from tests.orders.test_refund_list import IBAN, ask, credit, credits, export, left, sent, world

__all__ = ["world"]
USD = {"currency": "USD", "account": "123456"}


async def of_order(world: World, amount: str = "19.49") -> RefundRequest:
    return await ask(world, amount, "USD", email="", number="1")


async def test_undoing_the_file_takes_back_the_refund_its_debit_booked(world: World) -> None:
    await credit(world)
    row = await ask(world, "30.00")
    await export(world)
    before = await state(world)
    for _ in range(2):
        report = await imported(world, left(row, "-30.00"), account=IBAN, name="out.xml")
        assert await credits(world) == 3000
        await undone(world, report.import_id or "", before)
        assert await credits(world) == 0
        (again,) = await rows(world, RefundRequest)
        assert (again.done_at, again.bank_reference, again.export_id is not None) == (None, "", True)
    await sent(world, row.id)
    assert await credits(world) == 3000


async def test_undoing_one_debit_at_the_desk_takes_its_refund_back(world: World) -> None:
    await credit(world)
    row = await ask(world, "30.00")
    await imported(world, left(row, "-30.00"), account=IBAN, name="out.xml")
    (debit,) = await rows(world, BankLineRow, BankLineRow.outcome == Outcome.IGNORED)
    for _ in range(2):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await undo_line(session, world.services, world.shop, debit.id, by="anna", reason="another transfer")
    assert await credits(world) == 0
    (debit,) = await rows(world, BankLineRow, BankLineRow.id == debit.id)
    assert (debit.outcome, debit.parts) == (Outcome.UNMATCHED, [])


@pytest.mark.parametrize(("came", "tolerance"), [("19.49", 0), ("25.00", 0), ("19.00", 100)])
async def test_a_file_with_a_wire_and_its_refund_is_undone_in_the_right_order(world: World, came: str, tolerance: int) -> None:
    await world.set(fee_tolerance_minor=tolerance, book_surplus=True)
    await recorded(world)
    await wire(world, amount=came)
    back = came if came != "25.00" else "19.49"
    row = await of_order(world, back)
    before = await state(world)
    report = await imported(world, left(row, f"-{back}", **USD), name="both.xml")
    kinds = {each.type for each in await rows(world, MoneyReport)}
    assert "REFUND_SUCCESS" in kinds
    await undone(world, report.import_id or "", before)
    for reference in ("", "again"):
        report = await imported(world, left(row, f"-{back}", **USD), name=f"both{reference}.xml")
        names = [each.psp_reference for each in await rows(world, MoneyReport)]
        assert len(set(names)) == len(names)
        await undone(world, report.import_id or "", before)
    assert [event.what["code"] for event in await rows(world, OrderEvent)].count("refund_taken_back") == 3


async def test_one_file_holds_the_wire_and_the_debit_that_sent_it_back(world: World) -> None:
    await recorded(world, reference=rf("1"))
    before = await state(world)
    first = await imported(world, paid("1"), name="wire.xml")
    row = await of_order(world)
    # The file of the whole month: the wire is known, the debit new. Undone, the wire's own file can be undone too.
    month = await imported(world, paid("1"), left(row, "-19.49", **USD), name="month.xml")
    with pytest.raises(Conflict, match="undo the bank line or file that sent it first"):
        await undo_import(world.services, world.shop, first.import_id or "", by="anna")
    await undo_import(world.services, world.shop, month.import_id or "", by="anna")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_refund(session, world.services, world.shop, row.id, by="bob", reason="they keep it")
    await undone(world, first.import_id or "", before)


async def test_a_refund_is_undone_after_its_order_was_canceled(world: World) -> None:
    order = await recorded(world)
    await wire(world)
    row = await of_order(world, "9.00")
    report = await imported(world, left(row, "-9.00", **USD), name="out.xml")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, order.id, NOW)
    await undo_import(world.services, world.shop, report.import_id or "", by="anna")
    found = await state(world)
    assert (list(found["opens"].values()), list(found["credit"].values())) == ([0], [1949])
    assert sum(CHARGES[each.type] * each.amount_minor for each in await rows(world, MoneyReport)) == 1949


async def test_a_refund_with_its_credit_note_is_named_before_anything_of_the_file_is_undone(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    report = await imported(world, left(row, "-19.49", **USD), paid("9", reference_structured=None), name="out.xml")
    async with world.database.tenant(world.shop.tenant_id) as session:
        order = (await session.scalars(select(ResellerOrder))).one()
        session.add(
            Document(
                kind=DocumentKind.INVOICE, number="I-1", order_id=order.id, occasion="", amount_minor=1949, file_name="i.pdf",
                media_type="application/pdf", content=b"", sha256="", issued_at=NOW,
            )
        )  # fmt: skip
    before = await state(world)
    (debit,) = await rows(world, BankLineRow, BankLineRow.amount == "-19.49")
    with pytest.raises(Conflict, match=f"{row.reference} of order 1 has its credit note"):
        await undo_import(world.services, world.shop, report.import_id or "", by="anna")
    with pytest.raises(Conflict, match="if the money came back"):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await undo_line(session, world.services, world.shop, debit.id, by="anna", reason="no")
    assert await state(world) == before
    assert {each.state for each in await rows(world, BankImport)} == {"done"}


async def test_case_58_a_refund_that_came_back_is_credit_and_waits_once_more(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    await imported(world, left(row, "-19.49", **USD), name="out.xml")
    before = await state(world)
    back = paid("1", "19.49", reversal=True, reference_structured=None, reference_text=f"AC04 {row.reference}")
    report = await imported(world, back, name="back.xml")
    (line,) = await rows(world, BankLineRow, BankLineRow.outcome == Outcome.PROPOSAL)
    for _ in range(2):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await bank_desk.accept(session, world.services, world.shop, line.id, by="anna")
    again, first = sorted(await rows(world, RefundRequest), key=lambda each: each.done_at is not None)
    assert (first.id, again.order_id, again.amount_minor, again.done_at) == (row.id, None, 1949, None)
    assert list((await state(world))["credit"].values()) == [1949]
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()
    await undone(world, report.import_id or "", before)
    report = await imported(world, back, name="back.xml")
    (line,) = await rows(world, BankLineRow, BankLineRow.outcome == Outcome.PROPOSAL, BankLineRow.undone == "")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await bank_desk.accept(session, world.services, world.shop, line.id, by="anna")
    (again,) = await rows(world, RefundRequest, RefundRequest.done_at.is_(None), RefundRequest.canceled_at.is_(None))
    await sent(world, again.id, "OUT-2")
    with pytest.raises(Conflict, match=f"{again.reference} went out again"):
        await undo_import(world.services, world.shop, report.import_id or "", by="a")
    assert (await state(world))["credit"] == {}


class Running:
    """A clock that goes on each time it is read, as real ones do."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


async def test_what_staff_had_to_do_about_a_refund_comes_back_with_it_on_a_clock_that_goes_on(world: World) -> None:
    world = replace(world, services=replace(world.services, clock=Running()))
    await credit(world)
    row = await ask(world, "30.00")
    before = await state(world)
    assert f"refund:{row.id}" in before["tasks"]
    report = await imported(world, left(row, "-30.00"), account=IBAN, name="out.xml")
    await undone(world, report.import_id or "", before)


def came_back(row: RefundRequest, words: str) -> BankLine:
    text = f"AC04 {row.reference} {words}"
    return paid("1", "19.49", reversal=True, reference_structured=None, reference_text=text, bank_reference=words)


async def test_a_return_that_two_files_tell_of_is_credit_once_and_its_debit_is_undone_after_it(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    out = await imported(world, left(row, "-19.49", **USD), name="out.xml")
    back = await imported(world, came_back(row, "ONE"), name="053.xml")
    await imported(world, came_back(row, "TWO"), name="054.xml")
    first, second = sorted(await rows(world, BankLineRow, BankLineRow.outcome == Outcome.PROPOSAL), key=lambda each: each.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await bank_desk.accept(session, world.services, world.shop, first.id, by="anna")
    with pytest.raises(Conflict, match="came back before"):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await bank_desk.accept(session, world.services, world.shop, second.id, by="anna")
    await imported(world, came_back(row, "THREE"), name="052.xml")
    (third,) = await rows(world, BankLineRow, BankLineRow.outcome == Outcome.UNMATCHED)
    assert third.reasons[0]["code"] == "refund_bounced_before"
    assert list((await state(world))["credit"].values()) == [1949]
    (debit,) = await rows(world, BankLineRow, BankLineRow.import_id == out.import_id)
    with pytest.raises(Conflict, match="Undo that line first"):
        await undo_import(world.services, world.shop, out.import_id or "", by="anna")
    with pytest.raises(Conflict, match="Undo that line first"):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await undo_line(session, world.services, world.shop, debit.id, by="anna", reason="no")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await undo_line(session, world.services, world.shop, first.id, by="anna", reason="another's")
    await undo_import(world.services, world.shop, out.import_id or "", by="anna")
    assert back.import_id
    assert (await state(world))["credit"] == {}


@pytest.mark.parametrize("turn", [1, -1])
async def test_a_refund_leaves_and_comes_back_within_one_file(world: World, turn: int) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    before = await state(world)
    report = await imported(world, *[left(row, "-19.49", **USD), came_back(row, "BACK")][::turn], name="month.xml")
    (line,) = await rows(world, BankLineRow, BankLineRow.outcome == Outcome.PROPOSAL)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await bank_desk.accept(session, world.services, world.shop, line.id, by="anna")
    assert list((await state(world))["credit"].values()) == [1949]
    await undone(world, report.import_id or "", before)


async def test_a_debit_whose_money_is_gone_is_asked_about_and_the_file_goes_on(world: World) -> None:
    await recorded(world)
    await wire(world)
    row = await of_order(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await book_refund(
            session, world.services, world.shop, number="1", amount=Money.of("19.49", "USD"), bank_reference="OTHER",
            value_date=NOW.date(), by="ada", request_id="none",
        )  # fmt: skip
    before = await state(world)
    report = await imported(world, left(row, "-19.49", **USD), name="out.xml")
    assert f"refund-differs:{row.id}" in (await state(world))["tasks"]
    await undone(world, report.import_id or "", before)
