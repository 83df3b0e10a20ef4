from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.bank import learning
from app.bank.tables import BankLineRow, LearnedPayer
from app.db.session import Database
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused, ResellerError
from app.ledger.refunds import refund_order
from app.ledger.rules import Kind
from app.ledger.service import receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders import bank_desk
from app.orders.bank_undo import undo_import, undo_line
from app.orders.conversion import Conversion
from app.orders.remittance import advise
from app.orders.tables import MoneyReport, ResellerOrder, StaffTask
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, opened, recorded, reseller, rows

EUR: dict[str, Any] = {"currency": "EUR", "bank_reference": "E1"}


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def order(world: World, number: str = "1", **changed: Any) -> ResellerOrder:
    return await recorded(world, number, reference=rf(number), **changed)


async def line(world: World, *lines: Any) -> str:
    """Import lines; the id of the last one."""
    await imported(world, *(lines or (paid("1", "30.00"),)))
    return max(await rows(world, BankLineRow), key=lambda row: row.number).id


async def open_minor(world: World, row: ResellerOrder) -> int:
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        return (await receivable(session, debt)).open_minor


async def does(world: World, what: Any, *args: Any, **named: Any) -> BankLineRow:
    async with world.database.tenant(world.shop.tenant_id) as session:
        done: BankLineRow = await what(session, world.services, world.shop, *args, **named)
        return done


async def reject(world: World, line_id: str, reason: str = "not ours") -> BankLineRow:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await bank_desk.reject(session, world.services, line_id, by="anna", reason=reason)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


async def test_case_51_an_accepted_surplus_stays_credit_until_it_is_shared_out(world: World) -> None:
    first, second = await order(world), await order(world, "2")
    found = await line(world)
    for _ in range(2):
        row = await does(world, bank_desk.accept, found[:8], by="anna")
        assert (row.outcome, row.decided_by) == ("booked", "anna")
    assert len(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT)) == 1
    assert await open_minor(world, first) == 0
    tasks = {task.key.partition(":")[0]: task.done_at for task in await rows(world, StaffTask)}
    assert tasks == {"surplus": None, "bank": NOW}
    with pytest.raises(Conflict, match=r"Only 10\.51 USD"):
        await does(world, bank_desk.allocate, found, [("2", usd("10.52"))], by="anna")
    await does(world, bank_desk.allocate, found, [("2", usd("10.51"))], by="anna")
    assert await open_minor(world, second) == 1949 - 1051
    assert {task.key.partition(":")[0]: task.done_at for task in await rows(world, StaffTask)}["surplus"] == NOW
    reports = {report.psp_reference: report.amount_minor for report in await rows(world, MoneyReport)}
    assert reports == {"BT-T1": 1949, "BT-T2": 1051}
    with pytest.raises(Conflict, match=r"Only 0\.00 USD"):
        await does(world, bank_desk.allocate, found, [("2", usd("0.01"))], by="anna")


async def test_case_50_a_part_payment_leaves_the_rest_open(world: World) -> None:
    row = await order(world)
    found = await line(world, paid("1", "10.00"))
    await does(world, bank_desk.accept, found, by="anna")
    assert await open_minor(world, row) == 949


async def test_case_52_money_for_a_paid_order_becomes_credit(world: World) -> None:
    await order(world)
    found = await line(world, paid("1"), paid("1"))
    row = await does(world, bank_desk.accept, found, by="anna")
    assert row.outcome == "booked"
    assert len(await rows(world, LedgerItem, LedgerItem.kind == Kind.ALLOCATION)) == 1
    (task,) = [task for task in await rows(world, StaffTask) if task.key.startswith("surplus:")]
    assert task.order_id is None


async def test_case_54_another_currency_is_booked_at_a_rate_with_its_source(world: World) -> None:
    row = await order(world)
    found = await line(world, paid("1", "18.00", **EUR))
    with pytest.raises(Conflict):
        await does(world, bank_desk.accept, found, by="anna")
    with pytest.raises(InvalidInput, match="rate"):
        await does(world, bank_desk.allocate, found, [("1", Money.of("18.00", "EUR"))], by="anna")
    rate = Decimal("1.0828")
    for wrong in (
        Conversion(usd("19.50"), rate, "ECB"),
        Conversion(usd("19.49"), rate, " "),
        Conversion(usd("19.49"), Decimal(-1), "ECB"),
        Conversion(Money.of("18.00", "EUR"), Decimal(1), "ECB"),
    ):
        with pytest.raises(InvalidInput) as raised:
            await does(world, bank_desk.allocate, found, [("1", usd("19.49"))], by="anna", conversion=wrong)
        assert raised.value.code == "conversion"
    booked = Conversion(usd("19.49"), rate, "ECB 2 March")
    done = await does(world, bank_desk.allocate, found, [("1", usd("19.49"))], by="anna", conversion=booked)
    assert await open_minor(world, row) == 0
    assert any(reason["code"] == "converted" and reason["params"]["rate"] == "1.0828" for reason in done.reasons)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([("1", "30.01")], InvalidInput),
        ([("1", "19.50")], Conflict),
        ([("1", "0.00")], InvalidInput),
        ([("1", "1.00"), ("1", "1.00")], InvalidInput),
        ([("7", "1.00")], NotFound),
        ([], Refused),
    ],
)
async def test_what_cannot_be_shared_out(world: World, parts: list[tuple[str, str]], error: type[ResellerError]) -> None:
    row = await order(world)
    found = await line(world)
    with pytest.raises(error):
        await does(world, bank_desk.allocate, found, [(number, usd(amount)) for number, amount in parts], by="anna")
    assert await open_minor(world, row) == 1949
    assert len(await rows(world, LedgerItem)) == 1


async def test_a_line_is_never_shared_out_across_resellers(world: World) -> None:
    mine = await order(world)
    other = await reseller(world, "other")
    found = await line(world)
    with pytest.raises(Refused, match="across"):
        await does(world, bank_desk.allocate, found, [("1", usd("1.00"))], by="anna", reseller_id=other.id)
    done = await does(world, bank_desk.allocate, found, [], by="anna", reseller_id=other.id)
    assert done.reseller_id == other.id
    with pytest.raises(Refused, match="across"):
        await does(world, bank_desk.allocate, found, [("1", usd("1.00"))], by="anna")
    assert await open_minor(world, mine) == 1949


async def test_two_staff_at_once_the_first_decision_stands(world: World) -> None:
    await order(world)
    found = await line(world)
    for _ in range(2):
        row = await reject(world, found)
        assert row.outcome == "ignored"
    with pytest.raises(Conflict):
        await does(world, bank_desk.accept, found, by="bob")
    with pytest.raises(InvalidInput):
        await reject(world, found, " ")
    assert (await does(world, undo_line, found, by="bob", reason="it was ours")).outcome == "unmatched"
    await does(world, bank_desk.allocate, found, [("1", usd("19.49"))], by="bob")
    with pytest.raises(Conflict, match="booked by bob"):
        await reject(world, found)


async def test_a_line_taken_back_waits_again_and_can_be_shared_out_anew(world: World) -> None:
    row = await order(world)
    found = await line(world, paid("1"))
    with pytest.raises(InvalidInput):
        await does(world, undo_line, found, by="anna", reason="")
    for _ in range(2):
        assert (await does(world, undo_line, found, by="anna", reason="wrong order")).outcome == "unmatched"
    assert await open_minor(world, row) == 1949
    assert sorted(report.type for report in await rows(world, MoneyReport)) == ["CHARGE_BACK", "CHARGE_SUCCESS"]
    await does(world, bank_desk.allocate, found, [("1", usd("19.49"))], by="anna")
    assert await open_minor(world, row) == 0


async def test_what_was_sent_back_cannot_be_taken_back_too(world: World) -> None:
    row = await order(world)
    found = await line(world, paid("1"))
    async with world.database.tenant(world.shop.tenant_id) as session:
        await refund_order(
            session, order_id=row.id, amount=usd("5.00"), bank_reference="R1", value_date=date(2026, 3, 3), by="ada", at=NOW
        )
    (kept,) = await rows(world, BankLineRow)
    for undo in (
        does(world, undo_line, found, by="anna", reason="x"),
        undo_import(world.services, world.shop, kept.import_id, by="x"),
    ):
        with pytest.raises(Conflict, match="sent back"):
            await undo
    back = paid("1", "-19.49", reversal=True)
    assert (await imported(world, back)).counts == {"proposal": 1}


async def test_a_proposed_return_is_accepted_once(world: World) -> None:
    row = await order(world)
    await line(world, paid("1"))
    anonymous: dict[str, Any] = {"bank_reference": None, "reference_structured": None, "booking_date": date(2026, 3, 4)}
    await imported(world, paid("1", "-19.49", reversal=True, **anonymous))
    (found,) = await rows(world, BankLineRow, BankLineRow.outcome == "proposal")
    for _ in range(2):
        assert (await does(world, bank_desk.accept, found.id, by="anna")).outcome == "booked"
    assert await open_minor(world, row) == 1949
    (original,) = await rows(world, BankLineRow, BankLineRow.reversal.is_(False))
    with pytest.raises(Conflict, match="took this line back"):
        await does(world, undo_line, original.id, by="anna", reason="x")
    await does(world, undo_line, found.id, by="anna", reason="was another one")
    assert await open_minor(world, row) == 0


async def test_learned_payers_need_a_second_person_and_can_be_switched_off(world: World) -> None:
    await order(world)
    await order(world, "2")
    account: dict[str, Any] = {"payer_account": "DE02120300000000202051", "reference_structured": None}
    found = await line(world, paid("1", **account))
    await does(world, bank_desk.allocate, found, [("1", usd("19.49"))], by="anna")
    (payer,) = await rows(world, LearnedPayer)
    assert payer.confirmed_at is None
    assert (await imported(world, paid("2", bank_reference="B2", **account))).counts == {"unmatched": 1}
    tenant = world.shop.tenant_id
    async with world.database.tenant(tenant) as session:
        with pytest.raises(Forbidden, match="second person"):
            await learning.confirm_payer(session, payer.id, by="anna", at=NOW)
        await learning.confirm_payer(session, payer.id, by="bob", at=NOW)
        with pytest.raises(Conflict):
            await learning.confirm_payer(session, payer.id, by="carl", at=NOW)
    assert (await imported(world, paid("2", bank_reference="B3", **account))).counts == {"proposal": 1}
    async with world.database.tenant(tenant) as session:
        await learning.switch_off_payer(session, payer.id, by="carl", at=NOW)
        with pytest.raises(NotFound):
            await learning.switch_off_payer(session, "nobody", by="carl", at=NOW)
    assert (await imported(world, paid("2", bank_reference="B4", **account))).counts == {"unmatched": 1}


async def test_learning_can_be_switched_off(world: World) -> None:
    await world.set(learn_payers=False)
    await order(world)
    found = await line(world)
    await does(world, bank_desk.accept, found, by="anna")
    assert await rows(world, LearnedPayer) == []


async def test_an_announced_payment_is_proposed_and_used_once(world: World) -> None:
    first, second = await order(world), await order(world, "2")
    async with world.database.tenant(world.shop.tenant_id) as session:
        text = f"{rf('1')} 19.49 USD\n{rf('2')} 5.00 USD"
        await advise(session, str(first.reseller_id), text=text, lines=(), paid_on=None, by="anna", at=NOW)
    found = await line(world, paid("1", "24.49", reference_structured=None))
    await imported(world, paid("9", "7.50", reference_structured=None), name="other.xml")
    async with world.database.tenant(world.shop.tenant_id) as session:
        waiting = {each["amount"]: each for each in await bank_desk.waiting_lines(session)}
    assert waiting.keys() == {"24.49 USD", "7.50 USD"}
    shown = waiting["24.49 USD"]
    assert [part["number"] for part in shown["pays"]] == ["1", "2"]
    assert shown["rule"] == "remittance_advice"
    await does(world, bank_desk.accept, found, by="bob")
    assert [await open_minor(world, row) for row in (first, second)] == [0, 1449]
    again = paid("1", "24.49", reference_structured=None, bank_reference="B9")
    assert (await imported(world, again)).counts == {"unmatched": 1}, "its first order is paid"


async def test_a_resellers_own_tolerance(world: World) -> None:
    row = await order(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        for wire in (usd("0.50"), usd("1.00")):
            await learning.set_tolerance(session, str(row.reseller_id), wire, usd("9.00"), by="anna", at=NOW)
        with pytest.raises(InvalidInput):
            await learning.set_tolerance(session, str(row.reseller_id), usd("-1.00"), usd("9.00"), by="anna", at=NOW)
    assert (await imported(world, paid("1", "18.49"))).counts == {"booked": 1}
    assert await open_minor(world, row) == 0


async def test_a_line_is_named_by_its_beginning(world: World) -> None:
    await order(world)
    await line(world)
    for wrong in ("", "no-such-line"):
        with pytest.raises(NotFound):
            await does(world, bank_desk.accept, wrong, by="anna")
