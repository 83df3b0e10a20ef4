"""Money that is sent back: asked for, exported once, and booked when it left."""

import hashlib
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.bank.tables import BankLineRow
from app.db.session import Database
from app.db.tenants import Tenant
from app.documents.sepa import SCHEMA
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders import bank_desk, refund_list
from app.orders.check import check
from app.orders.refund_list import Waiting, ask_refund, cancel_refund, export_again, export_refunds, send_to
from app.orders.refunds import book_refund, refund_sent
from app.orders.service import cancel_order
from app.orders.tables import MoneyReport, OrderEvent, RefundExport, RefundRequest, StaffTask
from app.resellers.service import find
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid
from tests.orders.builders import USD_ACCOUNT, World, opened, recorded, reseller, rows, wire

IBAN = "DE89370400440532013000"
PAYER = "FR1420041010050500013M02606"
EMAIL = "texan@partner.example"
EUR_ACCOUNT = {"currency": "EUR", "beneficiary": "Vendor GmbH", "iban": IBAN, "bic": "COBADEFFXXX"}


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        async with world.database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == tenant))).one()
            row.settings = {**row.settings, "bank_accounts": [USD_ACCOUNT, EUR_ACCOUNT]}
            row.program_version += 1
        await world.refresh()
        yield world


async def credit(world: World, amount: str = "30.00", currency: str = "EUR", **changed: Any) -> None:
    """A wire that no order takes: the reseller's credit."""
    facts: dict[str, Any] = {
        "currency": currency, "account": IBAN if currency == "EUR" else "123456", "reference_structured": None,
        "payer_account": PAYER, "payer_name": "Texan SARL",
    }  # fmt: skip
    line = paid("1", amount, **(facts | changed))
    await imported(world, line, account=str(facts["account"]), name=f"{amount}{currency}.xml")
    async with world.database.tenant(world.shop.tenant_id) as session:
        owner = (await find(session, EMAIL)).id
        kept = (await session.scalars(select(BankLineRow).where(BankLineRow.outcome.in_(("unmatched", "proposal"))))).one()
        await bank_desk.allocate(session, world.services, world.shop, kept.id, [], by="anna", reseller_id=owner)


async def ask(world: World, amount: str, currency: str = "EUR", **named: Any) -> RefundRequest:
    facts: dict[str, Any] = {"reason": "they asked for it", "by": "anna", "email": EMAIL} | named
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await ask_refund(session, world.services, world.shop, amount=Money.of(amount, currency), **facts)


async def listed(world: World) -> list[Waiting]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await refund_list.waiting_refunds(session)


async def export(world: World) -> tuple[RefundExport, list[Waiting]]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await export_refunds(session, world.services, world.shop, by="bob")


async def sent(world: World, refund_id: str, reference: str = "OUT-1") -> RefundRequest:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await refund_sent(
            session, world.services, world.shop, refund_id, bank_reference=reference, value_date=date(2026, 3, 3), by="bob"
        )


async def credits(world: World) -> int:
    """What the ledger has sent back, in minor units."""
    return sum(row.amount_minor for row in await rows(world, LedgerItem, LedgerItem.kind == Kind.REFUND))


def left(row: RefundRequest, amount: str, **changed: Any) -> Any:
    """A debit of the vendor's account that carries the refund's reference."""
    facts: dict[str, Any] = {"currency": "EUR", "account": IBAN, "reference_structured": None, "end_to_end": row.reference}
    return paid("1", amount, **facts | {"bank_reference": f"OUT{amount}"} | changed)


async def test_credit_goes_back_where_it_came_from_is_exported_once_and_booked_by_the_bank_line(world: World) -> None:
    await credit(world)
    row = await ask(world, "30.00")
    (waiting,) = await listed(world)
    assert (waiting.name, waiting.iban, waiting.by_hand, waiting.company) == ("Texan SARL", PAYER, None, "Texan")
    made, others = await export(world)
    assert (made.count, made.total_minor, made.iban, made.by, others) == (1, 3000, IBAN, "bob", [])
    assert made.sha256 == hashlib.sha256(made.content).hexdigest()
    assert SCHEMA.encode() in made.content
    assert row.reference.encode() in made.content
    assert PAYER.encode() in made.content
    with pytest.raises(Refused, match=f"--again {made.message_id}"):
        await export(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await export_again(session, made.message_id)).content == made.content
        with pytest.raises(NotFound):
            await export_again(session, "nothing")
    assert await credits(world) == 0, "nothing left yet"
    await imported(world, left(row, "-30.00"), account=IBAN, name="out.xml")
    assert await credits(world) == 3000
    (done,) = await rows(world, RefundRequest)
    assert (done.done_at, done.done_by, done.bank_reference) == (NOW, "ada", row.reference)
    await imported(world, left(row, "-30.00", bank_reference="AGAIN"), account=IBAN, name="again.xml")
    assert await credits(world) == 3000
    assert all(task.done_at for task in await rows(world, StaffTask) if task.key.startswith(("refund", "surplus")))
    assert await rows(world, MoneyReport) == [], "Saleor was never told of credit"


async def test_a_debit_of_another_amount_books_nothing_and_is_a_task(world: World) -> None:
    await credit(world)
    row = await ask(world, "30.00")
    await imported(world, left(row, "-29.00", end_to_end=None, reference_text=f"X {row.reference}"), account=IBAN, name="out.xml")
    assert await credits(world) == 0
    assert f"refund-differs:{row.id}" in {task.key for task in await rows(world, StaffTask, StaffTask.done_at.is_(None))}
    await sent(world, row.id[:8])
    assert await credits(world) == 3000
    assert await rows(world, StaffTask, StaffTask.done_at.is_(None), StaffTask.key.startswith("refund")) == []


async def test_what_sepa_does_not_send_is_listed_for_a_transfer_by_hand(world: World) -> None:
    await credit(world, currency="USD")
    row = await ask(world, "10.00", "USD")
    (waiting,) = await listed(world)
    assert str(waiting.by_hand) == "SEPA sends EUR only, not USD."
    with pytest.raises(Refused, match="No refund waits"):
        await export(world)
    for _ in range(2):
        await sent(world, row.id)
    assert await credits(world) == 1000
    with pytest.raises(Conflict, match="sent already"):
        await sent(world, row.id, "OUT-2")
    with pytest.raises(Conflict, match="sent already"):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await cancel_refund(session, world.services, world.shop, row.id, by="bob", reason="no")


async def test_an_account_may_be_entered_until_it_went_out(world: World) -> None:
    await credit(world, payer_account=None)
    row = await ask(world, "30.00")
    (waiting,) = await listed(world)
    assert waiting.by_hand is not None
    assert waiting.by_hand.code == "refund_no_account"
    async with world.database.tenant(world.shop.tenant_id) as session:
        with pytest.raises(InvalidInput, match="not a valid IBAN"):
            await send_to(session, row.id, beneficiary="T", iban="DE1")
        await send_to(session, row.id, beneficiary="Texan Two", iban="de89 3704 0044 0532 0130 00")
    made, _ = await export(world)
    assert b"Texan Two" in made.content
    async with world.database.tenant(world.shop.tenant_id) as session:
        with pytest.raises(Conflict, match="cannot change"):
            await send_to(session, row.id, beneficiary="T", iban=PAYER)


async def test_no_more_than_there_is_can_be_asked_for(world: World) -> None:
    await credit(world)
    first = await ask(world, "20.00")
    for wrong in ("10.01", "0.00", "-1.00"):
        with pytest.raises(InvalidInput, match=r"At most 10\.00 EUR"):
            await ask(world, wrong)
    with pytest.raises(InvalidInput, match="reason"):
        await ask(world, "1.00", reason=" ")
    with pytest.raises(InvalidInput, match="either"):
        await ask(world, "1.00", number="1")
    async with world.database.tenant(world.shop.tenant_id) as session:
        with pytest.raises(InvalidInput, match="reason"):
            await cancel_refund(session, world.services, world.shop, first.id, by="bob", reason="")
        await cancel_refund(session, world.services, world.shop, first.id, by="bob", reason="they keep it")
    await ask(world, "30.00")
    with pytest.raises(Conflict, match="off the list"):
        await sent(world, first.id)
    assert await credits(world) == 0


async def test_money_of_an_order_is_told_to_saleor_up_to_what_it_knows(world: World) -> None:
    await recorded(world)
    await wire(world, amount="25.00")
    row = await ask(world, "25.00", "USD", email="", number="1")
    with pytest.raises(InvalidInput, match=r"At most 0\.00 USD"):
        await ask(world, "1.00", "USD", email="", number="1")
    await sent(world, row.id)
    reports = [(report.type, report.amount_minor, report.psp_reference) for report in await rows(world, MoneyReport)]
    assert sorted(reports) == [("CHARGE_SUCCESS", 1949, "BT-T1"), ("REFUND_SUCCESS", 1949, row.psp_reference)]
    assert await credits(world) == 2500, "the surplus, of which Saleor never knew, went back too"
    assert {event.what["code"] for event in await rows(world, OrderEvent)} >= {"refund_asked", "refund_sent"}


async def test_a_bank_charge_that_pays_no_more_is_charged_back_in_saleor(world: World) -> None:
    await world.set(fee_tolerance_minor=100)
    await recorded(world)
    await wire(world, amount="19.00")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await book_refund(
            session, world.services, world.shop, number="1", amount=Money.of("19.00", "USD"), bank_reference="R1",
            value_date=NOW.date(), by="ada",
        )  # fmt: skip
    reports = sorted((report.type, report.amount_minor) for report in await rows(world, MoneyReport))
    assert reports == [("CHARGE_BACK", 49), ("CHARGE_SUCCESS", 1949), ("REFUND_SUCCESS", 1900)]


async def test_case_53_the_money_of_a_canceled_order_goes_back_in_parts(world: World) -> None:
    order = await recorded(world)
    await wire(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, order.id, NOW)
    for amount, reference in (("9.00", "R1"), ("10.49", "R2")):
        row = await ask(world, amount, "USD", email="", number="1")
        await sent(world, row.id, reference)
    reports = sorted((report.type, report.amount_minor) for report in await rows(world, MoneyReport))
    assert reports == [("CHARGE_SUCCESS", 1949), ("REFUND_SUCCESS", 900), ("REFUND_SUCCESS", 1049)]


async def test_an_exported_refund_that_never_left_is_named_after_a_week(world: World) -> None:
    await credit(world)
    row = await ask(world, "30.00")
    await export(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        early, late = [await check(session, NOW + timedelta(days=days)) for days in (7, 8)]
    assert early["refunds_exported_and_not_sent"] == []
    assert late["refunds_exported_and_not_sent"] == [row.reference]
