"""Answers to a case by mail: entries of that case, of those alone whose part it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app.cases import service
from app.cases.answers import written_by_mail
from app.cases.rules import MAX_TEXT, CaseState, opening
from app.cases.tables import Case, CaseEntry
from app.db.session import Database
from app.mail.schemas import MailKind
from app.mail.service import deliver
from app.mail.tables import Correspondence, Mail
from app.orders.inbound import Outcome, receive
from app.orders.tables import StaffTask
from app.resellers.tables import Reseller, ResellerUser
from tests.mail.mails import SENDER, letter
from tests.orders.builders import World, opened, reseller, rows

SALES = "sales@vendor.example"


@pytest.fixture
async def world(database: Database, tenant: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        changed = {
            "files_url": str(tmp_path / "files"), "mail_directory": str(tmp_path / "mail"), "inbound_per_hour": 3,
            "inbound_secret": "a secret of the tests", "mail_from": "Program <resellers@vendor.example>",
        }  # fmt: skip
        settings = world.services.settings.model_copy(update=changed)
        world.services = replace(world.services, settings=settings, followers=(written_by_mail,))
        await world.configure(seller={"name": "Example Components", "email": SALES})
        yield world


async def asked(world: World) -> tuple[Reseller, Case]:
    buyer = await reseller(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        what = opening("advice", "Volume for a bank", "They ask for 40 seats.")
        return buyer, (await service.open_case(session, world.services, world.shop, buyer, what, by=SENDER, language="en"))[0]


async def threads(world: World) -> dict[str, str]:
    """The threads of the mails about cases, by recipient."""
    return {mail.recipient: mail.thread for mail in await rows(world, Mail, Mail.kind == MailKind.CASE)}


async def written(world: World) -> list[tuple[str, bool, str]]:
    found = sorted(await rows(world, CaseEntry), key=lambda entry: entry.position)
    return [(entry.by, entry.from_staff, entry.text) for entry in found]


async def open_tasks(world: World) -> list[str]:
    return sorted(task.reasons[0]["code"] for task in await rows(world, StaffTask, StaffTask.done_at.is_(None)))


async def state(world: World) -> str:
    (case,) = await rows(world, Case)
    return case.state


async def test_both_sides_go_on_in_a_case_by_mail(world: World) -> None:
    await asked(world)
    thread = await threads(world)
    assert thread[SENDER] != thread[SALES], "the reseller never sees the address that speaks for staff"
    text = "15 % it is.\n\nOn Mon, Mar 2, 2026, Program <resellers@vendor.example> wrote:\n> They ask for 40 seats."
    answer = letter(
        text, From="Anna <Anna@vendor.example>", To=f"sales+{thread[SALES]}@vendor.example", Message_ID="<s@v.example>"
    )
    for outcome in (Outcome.KEPT, Outcome.KNOWN):
        assert (await receive(world.services, answer)).outcome is outcome
    assert (await written(world))[1:] == [("anna@vendor.example", True, "15 % it is.")]
    assert (await state(world), await open_tasks(world)) == (CaseState.ANSWERED, [])
    mails = await rows(world, Mail, Mail.recipient == SENDER)
    assert len(mails) == 2
    assert {mail.thread for mail in mails} == {thread[SENDER]}
    newest = max(mails, key=lambda mail: mail.created_at)
    back = letter("And for 60?", In_Reply_To=f"<{newest.message_id}>", Message_ID="<r@p.example>")
    assert (await receive(world.services, back)).outcome is Outcome.KEPT
    assert (await written(world))[2:] == [(SENDER, False, "And for 60?")]
    assert (await state(world), await open_tasks(world)) == (CaseState.OPEN, ["case_advice"])


async def test_mails_about_a_case_are_on_the_record_of_its_reseller(world: World) -> None:
    buyer, _ = await asked(world)
    for mail in await rows(world, Mail):
        facts = (world.database, world.shop.tenant_id, mail.id, world.services.settings, world.services.clock)
        assert await deliver(*facts) == "sent"
    kept = await rows(world, Correspondence)
    assert {row.recipients for row in kept} == {SENDER, SALES}
    assert {row.chain for row in kept} == {buyer.id}


@pytest.mark.parametrize("sender", ["stranger@elsewhere.example", "books@partner.example", "other@partner.example", SALES])
async def test_others_write_nothing_into_a_case(world: World, sender: str) -> None:
    buyer, _ = await asked(world)
    await reseller(world, "other")
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(ResellerUser(reseller_id=buyer.id, email="books@partner.example", role="accounts", saleor_user_id="books"))
    thread = await threads(world)
    to = f"sales+{thread[SENDER]}@vendor.example"
    received = await receive(world.services, letter(From=sender, To=to, Message_ID="<o@p.example>"))
    assert received.outcome is Outcome.KEPT, "it is on the record"
    assert len(await written(world)) == 1
    assert await open_tasks(world) == (["case_advice"] if sender == SALES else ["case_advice", "mail_came"])


async def test_a_reseller_cannot_speak_for_staff(world: World) -> None:
    await asked(world)
    to = f"sales+{(await threads(world))[SALES]}@vendor.example"
    await receive(world.services, letter("50 % off.", To=to))
    assert len(await written(world)) == 1
    assert await open_tasks(world) == ["case_advice", "mail_came"]


async def test_machines_floods_and_nothing_said_write_nothing(world: World) -> None:
    await asked(world)
    to = f"sales+{(await threads(world))[SENDER]}@vendor.example"
    await receive(world.services, letter("Out of office", To=to, Auto_Submitted="auto-replied", Message_ID="<a@p.example>"))
    await receive(world.services, letter("", To=to, Message_ID="<b@p.example>"))
    assert len(await written(world)) == 1
    for number in range(3):
        await receive(world.services, letter(f"Flood {number}", To=to, Message_ID=f"<f{number}@p.example>"))
    assert len(await written(world)) == 2, "one more in this hour, then the loop is stopped"
    assert "mail_loop" in await open_tasks(world)


async def test_a_long_answer_is_cut_and_a_closed_case_stays_closed(world: World) -> None:
    _, case = await asked(world)
    to = f"sales+{(await threads(world))[SENDER]}@vendor.example"
    await receive(world.services, letter("word " * MAX_TEXT, To=to, Message_ID="<l@p.example>"))
    (_, _, text) = (await written(world))[1]
    assert (len(text), text[-3:]) == (MAX_TEXT, "[…]")
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = (await session.scalars(select(Case).where(Case.id == case.id))).one()
        await service.close(session, world.services, world.shop, found, "Sold.", by="anna")
    await receive(world.services, letter("One more thing", To=to, Message_ID="<c@p.example>"))
    assert len(await written(world)) == 3
    assert await open_tasks(world) == ["mail_came"]
