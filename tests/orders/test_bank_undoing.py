"""Whatever files came, and in which order: undoing one restores books and review desk to the state before it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.bank.decisions import Outcome, Policy
from app.bank.lines import BankLine, LineStatus
from app.bank.rules import decide
from app.bank.tables import BankImport, BankLineRow, BankStatement
from app.db.session import Database
from app.ledger.rules import unallocated
from app.ledger.service import as_item, receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.bank_batch import give_back, take
from app.orders.bank_undo import undo_import
from app.orders.check import check
from app.orders.refund_list import ask_refund
from app.orders.refunds import CHARGES
from app.orders.tables import MoneyReport, RefundRequest, ResellerOrder, StaffTask
from tests.bank.lines import LETTERS, RF, ZEROS, candidates, debt, statement
from tests.bank.lines import line as bank_line
from tests.conftest import NOW, install
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import API, World, opened, recorded, reseller, rows, wire

DAY = date(2026, 3, 2)
ORDERS = ("1", "2", "3")


@st.composite
def lines(draw: st.DrawFn) -> BankLine:
    """Wires for one order or two, exact, short and over; what takes one back; totals of batches; what is nobody's."""
    number, day = draw(st.sampled_from(ORDERS)), DAY + timedelta(draw(st.integers(0, 1)))
    amount = draw(st.sampled_from(["19.49", "10.00", "25.00", "18.99"]))
    kind = draw(st.sampled_from(["wire", "wire", "wire", "back", "both", "total", "part", "pending", "nobody", "sent", "sent"]))
    facts: dict[str, Any] = {"booking_date": day, "value_date": day}
    if kind == "sent":
        # Of the refund that `story` asks for; its reference is filled in then.
        return paid("0", f"-{amount}", payer_name=None, reference_structured=None, end_to_end="REFUND", **facts)
    if kind == "back":
        return paid(number, f"-{amount}", reversal=True, **facts)
    if kind == "both":
        return paid("1", "38.98", reference_structured=f"{rf('1')}\n{rf('2')}", bank_reference="BOTH", **facts)
    if kind == "total":
        return paid("0", "38.98", payer_name=None, reference_structured=None, bank_reference="SUM", batch="SUM", **facts)
    if kind == "part":
        return paid(number, batch="SUM", **facts)
    if kind == "pending":
        return paid(number, amount, status=LineStatus.PENDING, **facts)
    if kind == "nobody":
        return paid("9", amount, reference_structured=None, **facts)
    return paid(number, amount, **facts)


async def state(world: World) -> dict[str, Any]:
    """Books and review desk, without the traces that undoing leaves behind."""
    opens = {}
    for order in await rows(world, ResellerOrder):
        async with world.database.tenant(world.shop.tenant_id) as session:
            opens[order.number] = (await receivable(session, await receivable_id(session, order.id) or "")).open_minor
    told: Counter[str] = Counter()
    for report in await rows(world, MoneyReport):
        told[report.order_id] += CHARGES[report.type] * report.amount_minor
    items = await rows(world, LedgerItem)
    credit = {payment: minor for payment, minor in unallocated(as_item(item) for item in items).items() if minor}
    kept = await rows(world, BankLineRow, BankLineRow.undone == "")
    return {
        "opens": opens,
        "told": {order: minor for order, minor in told.items() if minor},
        "credit": credit,
        "desk": sorted(
            (row.id, row.outcome, row.payment_id, row.reversed_by, row.details_import_id, str(row.parts)) for row in kept
        ),
        "statements": sorted(row.id for row in await rows(world, BankStatement, BankStatement.undone == "")),
        "tasks": sorted(task.key for task in await rows(world, StaffTask, StaffTask.done_at.is_(None))),
    }


async def story(tables: Path, files: list[list[BankLine]], again: set[int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        shutil.copyfile(tables, f"{directory}/reseller.db")
        database = Database(f"sqlite+aiosqlite:///{directory}/reseller.db")
        async with opened(database, await install(database, API)) as world:
            await reseller(world)
            await world.set(book_surplus=True, fee_tolerance_minor=50, fee_tolerance_year_minor=70)
            for number in ORDERS:
                await recorded(world, number, reference=rf(number))
            # Money of before, which a debit of any file may send back; the newest wire that pays the order goes first.
            await wire(world, "1", "10.00")
            async with world.database.tenant(world.shop.tenant_id) as session:
                await ask_refund(
                    session, world.services, world.shop, amount=Money.of("10.00", "USD"), reason="r", by="anna", number="1"
                )
            done: list[tuple[str, dict[str, Any]]] = []
            for place, file in enumerate(files):
                before = await state(world)
                file = [await named(world, line) for line in file]
                report = await imported(world, *file, name=f"{place}.xml")
                assert report.import_id is not None
                if report.repeated:
                    assert await state(world) == before
                    continue
                done.append((report.import_id, before))
                if place in again:
                    await undone(world, *done.pop())
                    report = await imported(world, *file, name=f"{place}.xml")
                    done.append((report.import_id or "", before))
            for import_id, before in reversed(done):
                await undone(world, import_id, before)
            assert {row.state for row in await rows(world, BankImport)} <= {"undone"}
        await database.close()


async def named(world: World, line: BankLine) -> BankLine:
    """A debit with the reference of the refund that waits."""
    if line.end_to_end != "REFUND":
        return line
    (row,) = await rows(world, RefundRequest)
    return replace(line, end_to_end=row.reference)


async def undone(world: World, import_id: str, before: dict[str, Any]) -> None:
    await undo_import(world.services, world.shop, import_id, by="anna")
    assert await state(world) == before
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(lines(), min_size=1, max_size=4), min_size=1, max_size=4), st.sets(st.integers(0, 3)))
def test_undoing_files_restores_the_state_before_each(sqlite_tables: Path, files: list[list[BankLine]], again: set[int]) -> None:
    asyncio.run(story(sqlite_tables, files, again))


AMOUNTS = [Decimal("118.80"), Decimal("100.00"), Decimal("110.00"), Decimal("237.60"), Decimal("300.00")]
TEXTS = [RF, f"{RF} {ZEROS}", LETTERS, "order 1043", "invoice 2026-00017", "PO-77/A", ZEROS, "hello", "S-2026-03-0007"]


@given(st.lists(st.tuples(st.sampled_from(AMOUNTS), st.sampled_from(TEXTS)), max_size=8), st.booleans())
def test_what_lines_take_of_open_debts_they_give_back(wires: list[tuple[Decimal, str]], surplus: bool) -> None:
    found = candidates(
        debt("a"),
        debt("b", 11_880, reference=ZEROS, number="1044", invoice_number="2026-00018", po_number="PO-78"),
        debt("c", 5_000, reference="RF79C3", number="1045", invoice_number="", po_number="PO-77/A", reseller_id="other"),
        wire=1_500,
        year=2_000,
    )
    statement(found, "a", "b")
    before, charges = deepcopy(found), {key: tolerance.year_left_minor for key, tolerance in found.tolerances.items()}
    decided = []
    for amount, text in wires:
        one = decide(replace(bank_line(), amount=amount, reference_text=text), found, policy=Policy(surplus))
        take(found, one)
        decided.append(one)
        assert all(0 <= each.open_minor <= each.total_minor for each in found.debts.values())
        booked = [each for each in decided if each.outcome is Outcome.BOOKED]
        assert sum(part.charge_minor for each in booked for part in each.parts) <= 2_000
        assert all(sum(part.minor for part in each.parts) <= amount * 100 for each in decided[-1:])
    give_back(found, decided, charges)
    assert (found.debts, {key: owed for key, owed in found.open_of.items() if owed}) == (
        before.debts,
        {key: owed for key, owed in before.open_of.items() if owed},
    )
