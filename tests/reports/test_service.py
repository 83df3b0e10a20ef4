"""Sums that are kept: the same as the ledger and the statements say, whatever was booked meanwhile and in whichever order."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.session import Database
from app.ledger.aging import Bucket
from app.ledger.charging import charge_interest, write_off
from app.ledger.interest import DayCount, Rate
from app.ledger.reversal import reverse_payments
from app.ledger.rules import Kind
from app.ledger.service import post_receivable
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.refunds import book_refund
from app.orders.service import cancel_order
from app.orders.tables import ResellerOrder
from app.reports import files, reading, service
from app.reports.periods import Months
from app.reports.reading import Part
from app.reports.rules import Exemption
from app.reports.tables import EVERYBODY, ReportBalance, ReportExempt, ReportMonth, ReportOpen
from app.resellers.tables import Reseller
from app.statements.open_items import open_items
from tests.conftest import NOW
from tests.orders.builders import World, opened, order_line, promise, recorded, reseller, rows, taxed, transaction, wire

ALL = Months(date(2025, 4, 1), date(2026, 12, 1))
TABLES = (ReportMonth, ReportExempt, ReportOpen, ReportBalance)
EXEMPT = [{"code": "tax_exempt", "params": {"state": "TX", "number": "1"}}]


async def sums(world: World) -> set[tuple[Any, ...]]:
    """Everything that is kept, without ids."""
    return {
        (table.__name__, *(getattr(row, column) for column in table.__table__.columns.keys() if column != "id"))  # noqa: SIM118
        for table in TABLES
        for row in await rows(world, table)
    }


async def a_busy_quarter(world: World) -> None:
    """Orders prepaid and on account of two resellers in two currencies; a returned wire, a credit note, a refund, a surplus, a
    write-off, interest, and a sale without tax."""
    texan = await reseller(world)
    rival = await reseller(world, "rival", company='=Rival "Inc"')
    await world.set(fee_tolerance_minor=50, book_surplus=True)
    for number in range(1, 8):
        await recorded(world, str(number), terms="on_account" if number % 2 else "prepay")
    await wire(world, "1", "19.49", "B1", value_date=date(2026, 3, 20))
    await wire(world, "2", "19.19", "B2", value_date=date(2026, 4, 9))  # short by a bank charge
    await wire(world, "3", "25.00", "B3", value_date=date(2026, 3, 5))  # over
    await wire(world, "4", "19.49", "B4", value_date=date(2026, 3, 6))
    await wire(world, "5", "10.00", "B5", value_date=date(2026, 3, 7))
    line = order_line(1, id="L8-1", taxRate=0, totalPrice=taxed("18.00", "18.00"), unitPrice=taxed("9.00", "9.00"))
    kept = {
        "variant": "V1", "quantity": 2, "net": 1800, "gross": 1800, "tax_rate": "0", "certificate_id": None,
        "price_list_version": 1, "reasons": EXEMPT,
    }  # fmt: skip
    await promise(world, texan.id, "T8x", amount_minor=1800, lines=[kept])
    await recorded(world, "8", confirm=False, lines=[line], transactions=[transaction("T8x")])
    world.clock.now = NOW + timedelta(days=35)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (payment,) = await session.scalars(select(LedgerItem.id).where(LedgerItem.key == "payment:B4"))
        await reverse_payments(session, [payment], mark="back", by="ada", at=world.clock(), reason="returned")
        orders = {row.number: row.id for row in await session.scalars(select(ResellerOrder))}
        await cancel_order(session, orders["6"], world.clock())
        await cancel_order(session, orders["3"], world.clock())  # its money is credit again
        await post_receivable(
            session, reseller_id=rival.id, order_id="euro", order_number="EUR-1", amount=Money.of("119.00", "EUR"), reference="E",
            order_date=date(2026, 1, 31), due=date(2026, 2, 1), at=world.clock(),
        )  # fmt: skip
        debt = (await session.scalars(select(LedgerItem.id).where(LedgerItem.key == "receivable:euro"))).one()
        await charge_interest(
            session, debt, until=date(2026, 4, 6), rates=[Rate(date(2020, 1, 1), Decimal(9))], day_count=DayCount.ACT_365,
            by="ada", at=world.clock(),
        )  # fmt: skip
        owed = (await session.scalars(select(LedgerItem.id).where(LedgerItem.key == f"receivable:{orders['5']}"))).one()
        await write_off(session, owed, by="ada", at=world.clock(), reason="gone")
    await book_refund_of(world, "1", "4.49")


async def book_refund_of(world: World, number: str, amount: str) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await book_refund(
            session, world.services, world.shop, number=number, amount=Money.of(amount, "USD"), bank_reference=f"R{number}",
            value_date=date(2026, 4, 3), by="ada",
        )  # fmt: skip


async def agrees(world: World, today: date) -> None:
    """The reports say to the cent what the ledger and each reseller's statement say."""
    open_in: dict[str, dict[Bucket, int]] = defaultdict(lambda: dict.fromkeys(Bucket, 0))
    interest: dict[str, int] = defaultdict(int)
    credit: dict[str, int] = defaultdict(int)
    async with world.database.tenant(world.shop.tenant_id) as session:
        for person in await session.scalars(select(Reseller)):
            blocks = {block.currency: block for block in await open_items(session, person.id, today)}
            for currency, block in blocks.items():
                for bucket, amount in block.buckets.items():
                    open_in[currency][bucket] += amount.minor
                interest[currency] += block.interest.minor
                credit[currency] += block.credit.minor
                shown = {row.reseller_id: row for row in await reading.reseller_ages(session, currency, today, Part("open"))}
                if block.total or block.interest or block.credit:
                    row = shown[person.id]
                    assert row.buckets == {one: amount.minor for one, amount in block.buckets.items()}
                    assert (row.open_minor, row.balance.interest_minor, row.balance.credit_minor) == (
                        block.total.minor, block.interest.minor, block.credit.minor,
                    )  # fmt: skip
                else:
                    assert person.id not in shown
        for currency in await reading.currencies(session):
            found = await reading.ages(session, currency, today)
            assert {one: part.open_minor for one, part in found.buckets.items()} == open_in[currency]
            assert (found.balance.interest_minor, found.balance.credit_minor) == (interest[currency], credit[currency])
            total = reading.total((await reading.monthly(session, currency, ALL)).values())
            debts = select(LedgerItem.id).where(LedgerItem.kind == Kind.RECEIVABLE)

            async def booked(*where: Any, currency: str = currency) -> int:
                query = select(func.coalesce(func.sum(LedgerItem.amount_minor), 0)).where(LedgerItem.currency == currency, *where)
                return int(await session.scalar(query) or 0)

            assert total.gross_minor == await booked(LedgerItem.kind == Kind.RECEIVABLE)
            assert total.credit_minor == await booked(LedgerItem.kind == Kind.CREDIT, LedgerItem.receivable_id.in_(debts))
            everybody = await reading.resellers(session, currency, ALL, Part("net"), func.count() > 0)
            assert total == reading.total(row.sums for row in everybody)
            by_reason = await reading.exempt(session, currency, ALL)
            assert sum(by_reason.values()) == total.exempt_minor
            assert sum(row.net_minor for row in await reading.exempt_resellers(session, currency, ALL)) == total.exempt_minor


async def test_reports_agree_with_ledger_and_statements_to_the_cent(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await a_busy_quarter(world)
        assert await service.refresh(world.services, world.shop) == 2
        for today in (world.clock().date(), date(2026, 5, 2), date(2026, 9, 9)):
            await agrees(world, today)
        async with database.tenant(tenant) as session:
            assert await reading.currencies(session) == ["USD", "EUR"]
            months = await reading.monthly(session, "USD", ALL)
            assert list(months) == [date(2026, month, 1) for month in range(3, 13)], "none before the first in which anything was"
            march, april = months[date(2026, 3, 1)], months[date(2026, 4, 1)]
            assert (march.orders, march.gross_minor, march.net_minor) == (8, 7 * 1949 + 1800, 8 * 1800)
            assert (march.exempt_minor, april.exempt_minor) == (1800, 0)
            assert await reading.exempt(session, "USD", ALL) == {Exemption.CERTIFICATE: 1800}
            assert april.credit_minor == 2 * 1949 + 449
            # Order 1 after 18 days less what was refunded of it, order 2 after 38: late. 3, 4 and 6 were taken back.
            assert (march.paid_orders, march.paid_minor, march.paid_minor_days) == (1, 1500, 1500 * 18)
            assert (april.paid_orders, april.late_orders, april.paid_days) == (1, 1, 38)


async def test_what_is_summed_up_again_and_again_is_what_all_at_once_gives(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await a_busy_quarter(world)
        await service.refresh(world.services, world.shop)
        first = await sums(world)
        for changed in (2, 0):  # what was booked within the overlap is looked at once more
            world.clock.now += timedelta(hours=2)
            assert await service.refresh(world.services, world.shop) == changed
        assert await sums(world) == first
        assert await service.refresh(world.services, world.shop, everything=True) == 2
        assert await sums(world) == first
        async with database.tenant(tenant) as session:
            assert await service.as_of(session) == world.clock.now
        world.clock.now += timedelta(hours=2)
        await wire(world, "4", "19.49", "B4-again", value_date=date(2026, 4, 20))
        assert await sums(world) == first, "a report says as of when it is"
        assert await service.refresh(world.services, world.shop) == 1, "the texan's alone"
        again = await sums(world)
        assert again != first
        await agrees(world, world.clock().date())
        assert await service.refresh(world.services, world.shop, everything=True) == 2
        assert await sums(world) == again


async def test_a_run_that_ends_late_takes_nothing_back(database: Database, tenant: str) -> None:
    """Two runs at once: the earlier one ends last, and the sums stay those of the later."""
    async with opened(database, tenant) as world:
        await a_busy_quarter(world)
        earlier = world.clock()
        world.clock.now += timedelta(minutes=5)
        await service.refresh(world.services, world.shop)
        later = world.clock()
        async with database.tenant(tenant) as session:
            await service.finish(session, earlier, changed=True)
            assert await service.as_of(session) == later
            totals = select(func.count()).select_from(ReportBalance).where(ReportBalance.reseller_id == EVERYBODY)
            assert await session.scalar(totals) == 2


async def test_a_booking_whose_transaction_was_long_is_not_missed(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await reseller(world)
        await recorded(world, "1")
        before = world.clock()
        world.clock.now += timedelta(minutes=30)
        await service.refresh(world.services, world.shop)
        world.clock.now = before + timedelta(minutes=1)  # it began before the run and is seen only after it
        await wire(world, "1")
        world.clock.now = before + timedelta(minutes=45)
        assert await service.refresh(world.services, world.shop) == 1
        await agrees(world, NOW.date())


async def test_resellers_are_sorted_found_and_paged(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await a_busy_quarter(world)
        await service.refresh(world.services, world.shop)
        never = Months(date(2020, 1, 1), date(2020, 12, 1))
        async with database.tenant(tenant) as session:
            for by in reading.ORDERS:
                found = await reading.resellers(session, "USD", ALL, Part(by), reading.SALES)
                assert [row.company for row in found] == ["Texan"]
                named = Part(by, down=False, text="texan@partner.example", limit=1)
                assert await reading.resellers(session, "USD", ALL, named, reading.SALES) == found
                assert await reading.resellers(session, "USD", ALL, Part(by, text="rival"), reading.SALES) == []
                assert await reading.resellers(session, "USD", ALL, Part(by, offset=1), reading.SALES) == []
                assert await reading.resellers(session, "USD", never, Part(by), reading.SALES) == []
            for by in ("open", *Bucket):
                (row,) = await reading.reseller_ages(session, "EUR", date(2026, 4, 6), Part(str(by), text="rival"))
                assert row.company == '=Rival "Inc"'


@pytest.mark.parametrize("kind", files.KINDS)
async def test_files_are_safe_to_open(database: Database, tenant: str, kind: str) -> None:
    """A company that begins like a formula is a text, and amounts are numbers."""
    async with opened(database, tenant) as world:
        await a_busy_quarter(world)
        await service.refresh(world.services, world.shop)
        async with database.tenant(tenant) as session:
            columns, found = await files.report(session, kind, "EUR", ALL, date(2026, 4, 6))
        content = files.as_csv(columns, found)
        assert content.startswith(b"\xef\xbb\xbf")
        lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
        if kind == "days":
            assert lines == []
            return
        (line,) = lines
        assert line["company"] == '\'=Rival "Inc"'
        assert line["currency"] == "EUR"
        assert {"sales": "gross", "ageing": "61-90", "exempt": "net_exempt"}[kind] in line
        assert "119.00" in line.values()


async def test_staff_ask_the_worker_to_bring_them_up_to_now(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        async with database.tenant(tenant) as session:
            assert await service.as_of(session) is None
            await service.refresh_by_hand(session, world.services, world.shop)
        assert [workflow for workflow, *_ in world.asked] == ["reports_in_shop"]
        assert datetime.fromisoformat(world.asked[0][1].split(":", 2)[2]).tzinfo == UTC
