from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import NotFound
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.documents import issue_invoice
from app.orders.mail_again import resend_order_mail
from app.orders.mails import note_failure
from app.orders.release import issue_licenses, queue_order_received, queue_release_mails
from app.orders.service import lock_order
from app.orders.tables import OrderEvent, PaymentSession, StaffTask
from app.reasons import Reason
from app.resellers.roles import Role
from app.resellers.service import add_user
from app.resellers.tables import Reseller, ResellerUser
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller, rows, wire


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def sent(world: World, state: str) -> Mail:
    """The mail that confirms order 1, as its delivery left it."""
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await queue_order_received(session, world.services, world.shop, row.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        mail = (await session.scalars(select(Mail))).one()
        mail.state, mail.error = state, "550 no {such} user" if state == "failed" else ""
        await note_failure(session, world.services, world.shop, mail)
    return mail


async def again(world: World, **changed: Any) -> Mail:
    facts: dict[str, Any] = {"number": "#1", "kind": MailKind.ORDER_RECEIVED, "to": "second@partner.example"}
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await resend_order_mail(session, world.services, world.shop, **facts | changed)


async def test_case_83_a_refused_mail_is_a_task_until_it_is_sent_again(world: World) -> None:
    mail = await sent(world, "failed")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await note_failure(session, world.services, world.shop, mail)
    (task,) = await rows(world, StaffTask)
    assert (task.key, task.order_id, task.done_at) == (f"mail:{mail.id}", mail.order_id, None)
    said = str(Reason.from_dict(task.reasons[0]))
    assert "texan@partner.example" in said
    assert "550 no {such} user" in said
    new = await again(world)
    (task,) = await rows(world, StaffTask)
    assert task.done_at == NOW
    assert (new.recipient, new.order_id, new.state) == ("second@partner.example", mail.order_id, "queued")
    assert ("deliver_mail", f"mail:{world.shop.tenant_id}:{new.id}", (world.shop.tenant_id, new.id)) in world.asked
    keys = [event.key for event in await rows(world, OrderEvent)]
    assert (keys.count(f"mail-refused:{mail.id}"), keys.count(f"mail-again:{new.id}")) == (1, 1)


async def test_case_83_the_second_address_may_be_refused_too(world: World) -> None:
    await sent(world, "failed")
    new = await again(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = (await session.scalars(select(Mail).where(Mail.id == new.id))).one()
        row.state, row.error = "failed", "550 neither"
        await note_failure(session, world.services, world.shop, row)
    assert [task.key for task in await rows(world, StaffTask, StaffTask.done_at.is_(None))] == [f"mail:{new.id}"]
    third = await again(world, to=None)
    assert (third.recipient, third.key) == (new.recipient, f"order_received:{new.order_id}:again:2")
    assert await rows(world, StaffTask, StaffTask.done_at.is_(None)) == []


async def test_a_mail_that_arrived_is_no_task_and_can_be_sent_again(world: World) -> None:
    mail = await sent(world, "sent")
    assert await rows(world, StaffTask) == []
    assert (await again(world, to=None)).recipient == mail.recipient
    with pytest.raises(NotFound, match="has no license mail"):
        await again(world, kind=MailKind.LICENSE)


async def colleagues(world: World) -> None:
    """A user of each role beside the owner texan, and a second buyer; `buyer` is who placed the order."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        (texan,) = await session.scalars(select(Reseller))
        for name, role in {
            "buyer": Role.BUYER, "other": Role.BUYER, "accounts": Role.ACCOUNTS, "viewer": Role.VIEWER, "owner2": Role.OWNER,
        }.items():  # fmt: skip
            email = f"{name}@partner.example"
            await add_user(session, texan, saleor_user_id=name, email=email, by="anna", at=NOW, role=role)


async def test_order_mails_go_to_the_reseller_and_to_the_users_whose_part_they_are(world: World) -> None:
    await colleagues(world)
    row = await recorded(world)
    await wire(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (promise,) = await session.scalars(select(PaymentSession))
        promise.saleor_user_id = "buyer"
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await queue_order_received(session, world.services, world.shop, row.id)
        await issue_licenses(session, world.services, world.shop, row.id)
        await issue_invoice(session, world.services, world.shop, row.id)
        for _ in range(2):
            await queue_release_mails(session, world.services, world.shop, row.id)
    told: dict[str, set[str]] = {}
    for mail in await rows(world, Mail):
        told.setdefault(mail.kind, set()).add(mail.recipient.partition("@")[0])
    assert told == {
        "order_received": {"texan", "buyer", "accounts"},
        "order_details": {"texan", "accounts"},
        "license": {"texan", "buyer"},
    }


async def test_case_83_the_one_of_several_that_was_refused_is_sent_again(world: World) -> None:
    await colleagues(world)
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await queue_order_received(session, world.services, world.shop, row.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        for mail in await session.scalars(select(Mail)):
            mail.state = "failed" if mail.recipient == "accounts@partner.example" else "sent"
            await note_failure(session, world.services, world.shop, mail)
    assert (await again(world)).recipient == "second@partner.example"
    assert await rows(world, StaffTask, StaffTask.done_at.is_(None)) == []
    async with world.database.tenant(world.shop.tenant_id) as session:
        for mail in await session.scalars(select(Mail)):
            mail.state = "sent"
    assert (await again(world, to=None)).recipient == "texan@partner.example"


async def test_an_address_of_a_user_that_takes_no_mail_is_a_task_and_the_others_get_theirs(world: World) -> None:
    await colleagues(world)
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (user,) = await session.scalars(select(ResellerUser).where(ResellerUser.saleor_user_id == "accounts"))
        user.email = "no address"
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await queue_order_received(session, world.services, world.shop, row.id)
    assert [mail.recipient for mail in await rows(world, Mail)] == ["texan@partner.example"]
    (task,) = await rows(world, StaffTask)
    assert "could not go to no address" in str(Reason.from_dict(task.reasons[0]))
