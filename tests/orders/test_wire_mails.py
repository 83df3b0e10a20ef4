"""Mails about wires that were not exactly what was owed."""

import email
from collections.abc import AsyncIterator
from email.policy import SMTP

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.bank.tables import BankLineRow
from app.db.session import Database
from app.errors import InvalidInput
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders import bank_desk
from app.orders.service import cancel_order
from app.orders.tables import StaffTask
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.orders.bank_files import imported, paid, rf
from tests.orders.builders import World, limits, opened, recorded, reseller, rows, wire


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


def plain(content: bytes) -> str:
    part = email.message_from_bytes(content, policy=SMTP).get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


async def told(world: World) -> list[str]:
    """The texts of the mails about wires, which are on their way."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        query = select(Mail).where(Mail.kind == MailKind.WIRE_BOOKED).options(undefer(Mail.content)).order_by(Mail.created_at)
        mails = (await session.scalars(query)).all()
    assert {f"mail:{world.shop.tenant_id}:{mail.id}" for mail in mails} <= {name for _, name, _ in world.asked}
    assert {mail.recipient for mail in mails} <= {"texan@partner.example"}
    return [plain(mail.content) for mail in mails]


async def test_a_wire_that_closes_its_order_needs_no_words(world: World) -> None:
    await recorded(world)
    await recorded(world, "2", reference=rf("2"))
    await wire(world)
    await imported(world, paid("2"))
    assert await told(world) == []


async def test_case_50_a_part_says_what_is_open_and_by_which_reference(world: World) -> None:
    row = await recorded(world)
    await wire(world, amount="10.00")
    (text,) = await told(world)
    assert f"Still open: USD 9.49 Reference: {row.reference}" in text
    assert "your credit" not in text
    await wire(world, amount="10.00")
    assert len(await told(world)) == 1, "the same wire again"


async def test_case_52_a_second_payment_stays_credit_and_the_reseller_is_told(world: World) -> None:
    await recorded(world)
    await wire(world)
    await wire(world, reference="B2")
    (text,) = await told(world)
    assert "USD 19.49 of it pays no order yet and stays your credit" in text
    assert "paid before, or canceled" in text
    assert "Still open" not in text


async def test_case_51_and_53_what_is_over_and_what_comes_after_a_cancellation(world: World) -> None:
    await recorded(world)
    await wire(world, amount="19.50")
    (text,) = await told(world)
    assert "Paid by this wire: USD 19.49" in text
    assert "USD 0.01 of it pays no order" in text
    row = await recorded(world, "2")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, row.id, NOW)
    await wire(world, "2", reference="B2")
    assert len(await told(world)) == 2


async def test_case_55_no_mail_for_nothing_and_none_for_a_proposal(world: World) -> None:
    await recorded(world, reference=rf("1"))
    with pytest.raises(InvalidInput):
        await wire(world, amount="0.00")
    await imported(world, paid("1", "10.00"), paid("1", "0.00", bank_reference="Z"))
    assert await told(world) == []
    (line,) = await rows(world, BankLineRow, BankLineRow.amount == "10")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await bank_desk.accept(session, world.services, world.shop, line.id, by="anna")
    (text,) = await told(world)
    assert "Still open: USD 9.49" in text


async def test_credit_without_an_order_is_told_too(world: World) -> None:
    await recorded(world, reference=rf("1"))
    await imported(world, paid("1", "10.00", reference_structured=None))
    (line,) = await rows(world, BankLineRow)
    async with world.database.tenant(world.shop.tenant_id) as session:
        owner = (await session.scalars(select(Reseller.id))).one()
        await bank_desk.allocate(session, world.services, world.shop, line.id, [], by="anna", reseller_id=owner)
    (text,) = await told(world)
    assert "names no order that is open" in text
    assert "USD 10.00 of it pays no order" in text


async def test_an_address_that_takes_no_mail_is_a_task_and_the_money_is_booked(world: World) -> None:
    row = await recorded(world)
    assert row.reseller_id is not None
    await limits(world, row.reseller_id, email="nobody")
    booking = await wire(world, amount="10.00")
    assert booking.allocated_minor == 1000
    assert [task.key for task in await rows(world, StaffTask)] == [f"wire-mail:{row.reseller_id}:nobody"]
