"""A month's statements: once, frozen, byte for byte the same, paid by one wire, and read by their own reseller alone."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.documents.statement import StatementData, render_statement, statement_csv
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.disputes import open_dispute
from app.ledger.service import book_wire, post_receivable, receivable_id
from app.ledger.tables import LedgerItem, PaymentReference
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.money import Money
from app.orders.tables import StaffTask
from app.resellers.roles import Role
from app.resellers.service import add_user, find
from app.resellers.tables import Reseller
from app.statements import drawing, part, service
from app.statements.rules import Period
from app.statements.tables import Statement, StatementRun
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, opened, recorded, reseller, rows, wire

MARCH = Period(2026, 3)
APRIL = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)


async def owed(
    world: World, buyer: Reseller, number: str, amount: str = "100.00", currency: str = "USD", *, on: date = date(2026, 2, 10)
) -> None:
    """An order of the ledger, due 30 days after its day."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        await post_receivable(
            session, reseller_id=buyer.id, order_id=f"o{number}", order_number=number, amount=Money.of(amount, currency),
            reference=f"RF-{number}", order_date=on, due=on + timedelta(days=30), at=NOW,
        )  # fmt: skip


async def begun(world: World, at: datetime = APRIL) -> list[Period]:
    world.clock.now = at
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await service.begin(session, world.services, world.shop)


async def made(world: World, buyer: Reseller, period: Period = MARCH) -> list[Statement]:
    """What the workflow of one reseller does."""
    tenant = world.shop.tenant_id
    async with world.database.tenant(tenant) as session:
        ids = await drawing.draw_up(session, world.services, world.shop, buyer.id, period)
    for statement_id in ids:
        await drawing.print_statement(world.database, world.shop, statement_id)
    async with world.database.tenant(tenant) as session:
        await drawing.mail_statements(session, world.services, world.shop, buyer.id, period)
    return await kept(world)


async def kept(world: World) -> list[Statement]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        query = select(Statement).options(undefer(Statement.content), undefer(Statement.pdf), undefer(Statement.csv))
        return list(await session.scalars(query.order_by(Statement.number)))


def said(row: Statement) -> StatementData:
    return StatementData.model_validate(row.content)


async def test_case_72_a_month_is_made_once_however_often_it_runs(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        assert await begun(world, APRIL + timedelta(days=8)) == [MARCH], "the server was off on the 1st"
        assert await service.ask_for_all(world.services, world.shop, MARCH) == 1
        name, workflow_id, args = world.asked[-1]
        assert (name, args) == ("make_part", (tenant, buyer.id, "2026-03"))
        assert workflow_id.startswith(f"statements:{tenant}:2026-03:")
        (row,) = await made(world, buyer)
        assert (row.number, row.period, row.dated, row.to_pay_minor) == ("S2026-00001", "2026-03", date(2026, 4, 1), 10_000)
        assert said(row).lines[0].days_overdue == 20, "as of the 1st, however late it ran"
        assert await begun(world) == []
        (again,) = await made(world, buyer)
        assert (again.id, again.pdf, again.csv) == (row.id, row.pdf, row.csv)
        assert [mail.recipient for mail in await rows(world, Mail, Mail.kind == MailKind.STATEMENT)] == [buyer.email]
        assert [run.period for run in await rows(world, StatementRun)] == ["2026-03"]


async def test_case_72_two_workers_at_once_make_one(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await begun(world)

        async def once() -> list[str]:
            async with database.tenant(tenant) as session:
                return await drawing.draw_up(session, world.services, world.shop, buyer.id, MARCH)

        first, *others = await asyncio.gather(*(once() for _ in range(4)))
        assert len(first) == 1
        assert others == [first] * 3
        assert [row.number for row in await kept(world)] == ["S2026-00001"]


async def test_a_part_of_the_resellers_is_made_at_once_and_repeated_without_a_trace(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer, other = await reseller(world), await reseller(world, "other")
        for number, one in (("1", buyer), ("2", other)):
            await owed(world, one, number)
        await begun(world)
        nobody = await reseller(world, "nobody")
        ids = [buyer.id, nobody.id, other.id]
        for _ in range(2):
            drawn = await part.draw_up_part(world.services, world.shop, ids, MARCH)
            assert list(drawn) == [buyer.id, other.id]
            assert await part.print_part(world.services, world.shop, drawn, MARCH) == [buyer.id, other.id]
            assert await part.mail_part(world.services, world.shop, [buyer.id, other.id], MARCH) == 2
        made = await kept(world)
        assert [row.number for row in made] == ["S2026-00001", "S2026-00002"]
        assert [row.pdf for row in made] == [render_statement(said(row)) for row in made]
        assert len(await rows(world, Mail, Mail.kind == MailKind.STATEMENT)) == 2


@pytest.mark.parametrize("step", ["draw_up", "printed_files", "mail_statements"])
async def test_one_that_fails_goes_its_own_way_and_keeps_nobody_waiting(
    database: Database, tenant: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database, tenant) as world:
        buyer, other = await reseller(world), await reseller(world, "other")
        for number, one in (("1", buyer), ("2", other)):
            await owed(world, one, number)
        await begun(world)
        original = getattr(drawing, step)

        def refuses(*args: Any) -> Any:
            if buyer.id in args or any(isinstance(one, dict) and one["number"] == "S2026-00001" for one in args):
                raise RuntimeError("no")
            return original(*args)

        monkeypatch.setattr(drawing, step, refuses)
        drawn = await part.draw_up_part(world.services, world.shop, [buyer.id, other.id], MARCH)
        printed = await part.print_part(world.services, world.shop, drawn, MARCH)
        await part.mail_part(world.services, world.shop, printed, MARCH)
        assert [mail.recipient for mail in await rows(world, Mail, Mail.kind == MailKind.STATEMENT)] == [other.email]
        apart = ("make_statements", f"statement:{tenant}:{buyer.id}:2026-03", (tenant, buyer.id, "2026-03"))
        assert world.asked.count(apart) == 1
        monkeypatch.undo()
        both = await made(world, buyer)
        assert [row.number for row in both if row.pdf] == ["S2026-00001", "S2026-00002"], "no number is left out"


async def test_case_73_nothing_owed_is_no_statement_unless_the_vendor_wants_one(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await begun(world)
        assert await service.ask_for_all(world.services, world.shop, MARCH) == 0
        assert await made(world, buyer) == []
        await world.set(nil_statements=True)
        assert await service.ask_for_all(world.services, world.shop, MARCH) == 1
        (row,) = await made(world, buyer)
        assert (row.to_pay_minor, row.currency, said(row).lines) == (0, "USD", ())
        assert await rows(world, PaymentReference) == []


async def test_case_74_and_75_what_comes_after_the_snapshot_is_not_in_it_and_the_reprint_is_equal(
    database: Database, tenant: str
) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await begun(world)
        world.clock.now = APRIL + timedelta(hours=3)
        async with database.tenant(tenant) as session:
            await book_wire(
                session, order_id="o1", amount=Money.of("100.00", "USD"), bank_reference="late", value_date=APRIL.date(),
                by="ada", at=world.clock.now,
            )  # fmt: skip
        (row,) = await made(world, buyer)
        data = said(row)
        assert (data.to_pay, data.snapshot_at) == (10_000, APRIL)
        assert row.pdf is not None
        assert row.csv is not None
        assert (render_statement(data), statement_csv(data)) == (row.pdf, row.csv)
        assert (hashlib.sha256(row.pdf).hexdigest(), hashlib.sha256(row.csv).hexdigest()) == (row.pdf_sha256, row.csv_sha256)


async def test_case_77_each_currency_has_a_statement_and_all_go_in_one_mail(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        async with database.tenant(tenant) as session:
            texan = await find(session, buyer.email)
            for name, role in (("books", Role.ACCOUNTS), ("buying", Role.BUYER)):
                await add_user(session, texan, saleor_user_id=name, email=f"{name}@partner.example", by="anna", at=NOW, role=role)
        await owed(world, buyer, "1")
        await owed(world, buyer, "2", "7.00", "EUR")
        await begun(world)
        euro, dollar = await made(world, buyer)
        assert [(row.currency, row.to_pay_minor) for row in (euro, dollar)] == [("EUR", 700), ("USD", 10_000)]
        assert euro.reference != dollar.reference
        async with database.tenant(tenant) as session:
            mails = list(await session.scalars(select(Mail).options(undefer(Mail.content)).order_by(Mail.recipient)))
        assert [mail.recipient for mail in mails] == ["books@partner.example", "texan@partner.example"]
        letter = email.message_from_bytes(mails[0].content, policy=email.policy.default)
        files = {part.get_filename(): part.get_payload(decode=True) for part in letter.iter_attachments()}
        assert files["statement-S2026-00001.pdf"] == euro.pdf
        assert sorted(name or "" for name in files) == [
            f"statement-{row.number}.{kind}" for row in (euro, dollar) for kind in ("csv", "pdf")
        ]
        assert [name for name, *_ in world.asked].count("deliver_mail") == 2


async def test_one_wire_pays_a_statement_by_its_reference(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await owed(world, buyer, "2", "50.00")
        await begun(world)
        (row,) = await made(world, buyer)
        spaced = f"{row.reference[:4].lower()} {row.reference[4:]}"
        async with database.tenant(tenant) as session:
            debts = [await receivable_id(session, order) for order in ("o1", "o2")]
            pays = await service.paid_by(session, spaced)
            assert pays is not None
            assert (pays.number, pays.reseller_id, pays.open_minor) == (row.number, buyer.id, row.to_pay_minor)
            assert set(pays.open) == set(debts)
            await book_wire(
                session, order_id="o1", amount=Money.of("100.00", "USD"), bank_reference="w", value_date=APRIL.date(), by="ada",
                at=APRIL,
            )  # fmt: skip
            pays = await service.paid_by(session, row.reference)
            assert pays is not None
            assert pays.open_minor == 5_000
            assert await service.paid_by(session, "RF00NONSENSE") is None
            assert await service.paid_by(session, "RF18539007547034") is None


async def test_case_78_and_80_interest_is_charged_once_and_not_on_what_is_disputed(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await world.set(interest_rates=[{"since": "2020-01-01", "percent": "7.3"}])
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        await owed(world, buyer, "2")
        await owed(world, buyer, "3", on=date(2026, 3, 20))
        async with database.tenant(tenant) as session:
            second = await receivable_id(session, "o2")
            assert second is not None
            await open_dispute(session, second, reason="wrong quantity", by="rita", at=NOW)
        await begun(world)
        (row,) = await made(world, buyer)
        # 20 days at 0.02 % a day on 100.00.
        assert [(line.order_number, line.interest, line.disputed) for line in said(row).lines] == [
            ("1", 40, False), ("2", 0, True), ("3", 0, False),
        ]  # fmt: skip
        assert (said(row).interest, said(row).disputed, row.to_pay_minor) == (40, 10_000, 20_040)
        (reference,) = await rows(world, PaymentReference)
        assert len(reference.debts) == 3
        assert len(await rows(world, LedgerItem, LedgerItem.kind == "interest")) == 1
        await begun(world, APRIL + timedelta(days=31))
        second_row = (await made(world, buyer, MARCH.next))[-1]
        assert said(second_row).lines[0].interest == 40 + 60
        assert said(second_row).lines[0].days_overdue == 50


async def test_missed_months_are_made_with_what_was_known_then(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await begun(world)
        await owed(world, buyer, "1", on=date(2026, 4, 10))
        assert await begun(world, APRIL + timedelta(days=65)) == [MARCH, Period(2026, 4), Period(2026, 5)]
        assert await made(world, buyer, MARCH) == [], "its order is of April"
        (april,) = await made(world, buyer, Period(2026, 4))
        assert said(april).snapshot_at == datetime(2026, 6, 1, tzinfo=UTC)
        assert [row.number for row in await made(world, buyer, Period(2026, 5))] == ["S2026-00001", "S2026-00002"]


async def test_running_by_hand(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await owed(world, buyer, "1")
        world.clock.now = APRIL
        async with database.tenant(tenant) as session:
            with pytest.raises(InvalidInput, match=r"^period: 2026-04 is not over; the newest is 2026-03"):
                await service.begin_one(session, world.services, world.shop, Period(2026, 4))
            with pytest.raises(NotFound, match="statements run"):
                await drawing.draw_up(session, world.services, world.shop, buyer.id, MARCH)
            assert await service.begin_one(session, world.services, world.shop) == MARCH
            (data,) = await drawing.preview(session, world.services, world.shop, buyer, MARCH)
            assert (data.number, data.to_pay) == (drawing.WAITING, 10_000)
            render_statement(data)
        assert await kept(world) == []
        (row,) = await made(world, buyer)
        async with database.tenant(tenant) as session:
            assert await service.begin_one(session, world.services, world.shop, MARCH) == MARCH
            assert [one.id for one in await service.all_statements(session, reseller_id=buyer.id, period=MARCH)] == [row.id]
            assert await service.all_statements(session, period=MARCH.next) == []
            with pytest.raises(NotFound):
                await service.by_number(session, "S2026-00009")
            with pytest.raises(NotFound):
                await service.own_statement(session, "another", row.id)
            with pytest.raises(Conflict, match="on its way"):
                await service.send_again(session, world.services, world.shop, number=row.number)
        async with database.tenant(tenant) as session:
            (again,) = await service.send_again(session, world.services, world.shop, number=row.number, to="new@partner.example")
        assert (again.recipient, again.state) == ("new@partner.example", "queued")


async def test_an_address_that_takes_no_mail_is_a_task_and_an_unmailed_statement_is_not_sent_again(
    database: Database, tenant: str
) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        async with database.tenant(tenant) as session:
            texan = await find(session, buyer.email)
            texan.email = "no address"
        await owed(world, buyer, "1")
        await begun(world)
        (row,) = await made(world, buyer)
        (task,) = await rows(world, StaffTask)
        assert task.reasons[0]["code"] == "no_statement_mail"
        async with database.tenant(tenant) as session:
            with pytest.raises(Conflict, match="not mailed yet"):
                await service.send_again(session, world.services, world.shop, number=row.number)


async def test_real_orders_give_their_own_number_and_channel(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await recorded(world, "1", metadata=[{"key": "po_number", "value": "PO-1"}])
        await wire(world, "1", "10.00")
        await begun(world)
        (row,) = await made(world, buyer)
        (line,) = said(row).lines
        assert (line.order_number, line.paid, line.open) == ("1", 1000, 949)
        account: Any = said(row).account
        assert account.routing_number == "021000021"
        assert Decimal(row.to_pay_minor) == 949


async def test_a_bank_line_with_the_statements_reference_pays_its_orders_by_itself(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        first, second = await recorded(world, "1", reference=rf("1")), await recorded(world, "2", reference=rf("2"))
        await begun(world)
        (row,) = await made(world, buyer)
        assert row.to_pay_minor == 3898
        report = await imported(world, paid("1", "38.98", reference_structured=row.reference, value_date=APRIL.date()))
        assert report.counts == {"booked": 1}
        async with database.tenant(tenant) as session:
            pays = await service.paid_by(session, row.reference)
            assert pays is not None
            assert pays.open == {await receivable_id(session, order.id): 0 for order in (first, second)}
