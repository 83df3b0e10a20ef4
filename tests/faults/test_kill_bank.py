"""The worker is killed with SIGKILL at every step that follows a bank file; in the end each of its orders went out once."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from sqlalchemy import select

from app.bank.tables import BankImport, BankLineRow
from app.orders.bank_jobs import ask_for_import, ask_for_undo
from app.orders.bank_upload import import_bank_file
from app.sandbox.seed import RESELLER
from tests.bank.writers import Movement, camt_pieces
from tests.faults.lives import killed_at_every_step
from tests.faults.once import assert_nothing_contradicts, assert_released_once
from tests.faults.test_kill import FILES, LONG, NEW_CUSTOMER, RELEASED, assert_died_everywhere
from tests.journeys.harness import BOOKKEEPER, journey


async def test_the_orders_of_one_file_go_out_once_although_the_worker_dies_at_every_step(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, "before", "kind", tmp_path) as lives:
            orders = [(await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER))[1] for _ in range(2)]
            await at.idle(LONG)
            day, wires = at.services.today(at.shop), []
            for order in orders:
                row = await at.recorded(order.number)
                wires.append(Movement(row.total_minor, day, day, "P", row.reference, f"B{order.number}", row.currency))
            file = BytesIO("".join(camt_pieces(wires)).encode())
            for _ in range(2):
                file.seek(0)
                report = await import_bank_file(at.services, at.shop, file, file_name="march.xml", by=BOOKKEEPER)
            assert report.repeated
            await at.start("reconcile", "reconcile:now", datetime.now(UTC), None)
            await at.idle(LONG)
            for order in orders:
                await assert_released_once(at, order.number, by_file=True)
            await assert_nothing_contradicts(at)
            asked = [arguments for arguments in await at.steps() if arguments[2] == "ask_for_each_order"]
            assert len(asked) == 1
            await assert_died_everywhere(at, lives, "kind", RELEASED | {"ask_for_each_order", "check_books"})


async def test_a_file_that_a_page_sent_is_imported_and_undone_once_although_the_worker_dies_at_every_step(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, "after", "kind", tmp_path) as lives:
            day = at.services.today(at.shop)
            wire = Movement(1949, day, day, "P", "nothing of ours", "B1", "USD")
            file = BytesIO("".join(camt_pieces([wire])).encode())
            kept, repeated = await ask_for_import(at.services, at.shop, file, file_name="march.xml", by=BOOKKEEPER)
            assert not repeated
            await at.idle(LONG)
            async with at.rows() as session:
                done = (await session.scalars(select(BankImport))).one()
                lines = (await session.scalars(select(BankLineRow))).all()
            assert (done.id, done.state, len(lines)) == (kept.id, "done", 1)
            await ask_for_undo(at.services, at.shop, kept.id, by=BOOKKEEPER)
            await at.idle(LONG)
            async with at.rows() as session:
                assert (await session.scalars(select(BankImport.state))).one() == "undone"
            assert lives.names() >= FILES
