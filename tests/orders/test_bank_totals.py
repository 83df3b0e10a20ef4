"""The total of a batch beside its payments one by one, and a file that is told of while it is read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from typing import Any

import pytest

from app.bank import reading
from app.bank.lines import BankLine, FileRefused
from app.bank.service import add_account
from app.bank.tables import BankImport, BankLineRow
from app.db.session import Database
from app.errors import Conflict
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.orders import bank_upload
from app.orders.bank_desk import accept, allocate, waiting_lines
from app.orders.bank_undo import undo_import
from app.orders.bank_upload import import_bank_file
from app.orders.check import check
from app.orders.tables import StaffTask
from tests.bank.writers import ACCOUNT, Movement, camt_pieces
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, opened, recorded, reseller, rows


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


def total(**changed: Any) -> BankLine:
    """The one entry of a statement for two payments that another file tells one by one."""
    facts: dict[str, Any] = {
        "payer_name": None, "reference_structured": None, "bank_reference": "SUM-1", "batch": "SUM-1",
    }  # fmt: skip
    return paid("0", "38.98", **facts | changed)


def details(batch: str = "PMT-9") -> tuple[BankLine, BankLine]:
    return paid("1", batch=batch), paid("2", batch=batch)


async def waiting(world: World) -> list[str]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return [line["id"] for line in await waiting_lines(session)]


async def open_file_tasks(world: World) -> list[str]:
    return [task.key for task in await rows(world, StaffTask, StaffTask.done_at.is_(None)) if task.key.startswith("bank:")]


async def payments(world: World) -> int:
    return len(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT))


async def test_case_59_a_total_waits_for_nobody_once_its_payments_came(world: World) -> None:
    for number in ("1", "2"):
        await recorded(world, number, reference=rf(number))
    first = await imported(world, total(), name="statement.xml")
    (sum_line,) = await waiting(world)
    assert (first.counts, await open_file_tasks(world)) == ({"unmatched": 1}, [f"bank:{first.import_id}"])
    dry = await imported(world, *details(), name="advice.xml", dry_run=True)
    assert (dry.counts, await waiting(world)) == ({"booked": 2}, [sum_line])

    second = await imported(world, *details(), name="advice.xml")
    assert second.counts == {"booked": 2}
    assert (await waiting(world), await open_file_tasks(world), await payments(world)) == ([], [], 2)
    for decide in (accept, allocate):
        with pytest.raises(Conflict):
            async with world.database.tenant(world.shop.tenant_id) as session:
                more: dict[str, Any] = {} if decide is accept else {"parts": [], "reseller_id": "r"}
                await decide(session, world.services, world.shop, sum_line, by="anna", **more)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()

    assert second.import_id is not None
    await undo_import(world.services, world.shop, second.import_id, by="anna")
    assert (await waiting(world), await open_file_tasks(world)) == ([sum_line], [f"bank:{first.import_id}"])


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"batch": None, "bank_reference": "pmt 9"},
        {"reference_text": f"{rf('1')} {rf('2')}"},
    ],
)
async def test_case_59_a_total_after_its_payments_is_not_booked_beside_them(world: World, told: dict[str, Any]) -> None:
    await world.set(book_surplus=True)
    for number in ("1", "2"):
        await recorded(world, number, reference=rf(number))
    first = await imported(world, *details(), name="advice.xml")
    second = await imported(world, total(**told), name="statement.xml")
    assert second.counts == {"ignored": 1}
    assert (await waiting(world), await payments(world)) == ([], 2)
    (line,) = await rows(world, BankLineRow, BankLineRow.import_id == second.import_id)
    assert line.reasons[0] == {"code": "told_one_by_one", "params": {"count": "2", "file": "advice.xml"}}
    assert first.import_id is not None
    await undo_import(world.services, world.shop, first.import_id, by="anna")
    assert await waiting(world) == [line.id]


@pytest.mark.parametrize("total_first", [True, False])
@pytest.mark.parametrize("told", [{}, {"batch": None}, {"batch": None, "bank_reference": "PMT-8"}])
async def test_case_59_one_entry_of_two_batches_is_told_by_its_total(
    world: World, told: dict[str, Any], total_first: bool
) -> None:
    for number in ("1", "2"):
        await recorded(world, number, reference=rf(number))
    split = [
        paid(
            number,
            batch=f"PMT-{place + 8}",
            bank_reference="SUM-1",
            position=f"line {place}, statement 1, entry 4, detail {place}",
        )
        for place, number in enumerate(("1", "2"))
    ]
    beside = paid("9", "5.00", reference_structured=None, batch="PMT-9", position="line 9, statement 1, entry 5, detail 1")
    files = [("statement.xml", [total(**told)]), ("advice.xml", [*split, beside])]
    for name, lines in files if total_first else files[::-1]:
        await imported(world, *lines, name=name)
    assert await payments(world) == 2
    (left,) = await waiting(world)
    (other,) = await rows(world, BankLineRow, BankLineRow.amount == "5")
    assert left == other.id


async def test_case_59_what_only_looks_like_a_total_is_its_own_money(world: World) -> None:
    for number in ("1", "2"):
        await recorded(world, number, reference=rf(number))
    await imported(world, *details(), name="advice.xml")
    alone = total(batch=None, bank_reference="OTHER")
    other_day = total(booking_date=date(2026, 3, 3))
    assert (await imported(world, alone, other_day, name="statement.xml")).counts == {"unmatched": 2}


async def test_case_59_payments_after_their_total_was_booked_wait(world: World) -> None:
    first, _ = [await recorded(world, number, reference=rf(number)) for number in ("1", "2")]
    await imported(world, total(), name="statement.xml")
    async with world.database.tenant(world.shop.tenant_id) as session:
        (line,) = await waiting_lines(session)
        await allocate(session, world.services, world.shop, line["id"], [], by="anna", reseller_id=first.reseller_id)
    report = await imported(world, *details("SUM-1"), name="advice.xml")
    assert (report.counts, await payments(world)) == ({"proposal": 2}, 1)
    lines = await rows(world, BankLineRow, BankLineRow.outcome == "proposal")
    assert {row.reasons[0]["code"] for row in lines} == {"batch_booked"}


class Slow(BytesIO):
    """A file whose second piece comes when it may."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.may = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        if size == 64 * 1024 and self.tell() >= size:
            assert self.may.wait(60)
        return super().read(size)


async def test_how_far_a_file_is_can_be_seen_and_a_refused_one_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_upload, "SHOWN_EVERY", 0.01)
    monkeypatch.setattr(reading, "PROGRESS_EVERY", 10)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await add_account(session, ACCOUNT, by="anna", at=NOW)
    day = date(2026, 3, 2)
    text = "".join(camt_pieces(Movement(100 + n, day, day, f"P{n}", f"text {n}", f"R{n}") for n in range(200)))
    source = Slow(text.encode())
    importing = asyncio.create_task(import_bank_file(world.services, world.shop, source, file_name="long.xml", by="ada"))
    async with asyncio.timeout(60):
        while True:
            found = await rows(world, BankImport)
            if found and found[0].lines_read:
                break
            await asyncio.sleep(0.01)
    assert (found[0].state, found[0].lines_read % 10, found[0].lines_done) == ("reading", 0, 0)
    source.may.set()
    assert (await importing).counts == {"unmatched": 200}
    (row,) = await rows(world, BankImport)
    assert (row.state, row.lines_read, row.lines_done) == ("done", 200, 200)
    again = await import_bank_file(world.services, world.shop, BytesIO(text.encode()), file_name="again.xml", by="ada")
    assert (again.repeated, again.counts) == (True, {"known": 200})

    cut = BytesIO(text[:-400].encode())
    with pytest.raises(FileRefused, match="ends in the middle"):
        await import_bank_file(world.services, world.shop, cut, file_name="cut.xml", by="ada")
    assert [row.file_name for row in await rows(world, BankImport)] == ["long.xml"]
