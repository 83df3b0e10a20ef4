import email
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.errors import Conflict, InvalidInput
from app.mail.tables import Mail
from app.orders import mails as mail_room
from app.orders.applications import approve, ask_more, decide, reject
from app.orders.mirror import mirror_standing
from app.resellers.policy import publish
from app.resellers.review import accept_with, get
from app.resellers.rules import Decision
from app.resellers.tables import Application, Reseller
from app.saleor.client import SaleorRefused
from tests.conftest import NOW
from tests.orders.builders import World, no_types, opened, refused, reseller, rows
from tests.resellers.test_review import begun, submitted

WRITTEN = {"updatePrivateMetadata": {"item": {"__typename": "User"}, "errors": []}}


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        world.saleor.answers = {"PrivateMetadataUpdate": WRITTEN, "CustomerTypes": no_types}
        yield world


async def waiting(world: World, user: str = "rita", **changed: Any) -> Application:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await submitted(session, user, **changed)


async def run(world: World, step: Any, row: Application, **changed: Any) -> Any:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await step(session, world.services, world.shop, row.id, **{"by": "anna"} | changed)


async def mails(world: World) -> list[Mail]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(Mail).options(undefer(Mail.content)).order_by(Mail.created_at)))


def said(mail: Mail) -> str:
    parsed: EmailMessage = email.message_from_bytes(mail.content, policy=SMTP)  # type: ignore[assignment, unused-ignore]
    part = parsed.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def jobs(world: World) -> list[str]:
    return [workflow for workflow, _, _ in world.asked]


async def test_an_approval_is_mailed_and_mirrored(world: World) -> None:
    row = await waiting(world)
    made: Reseller = await run(world, approve, row)
    (mail,) = await mails(world)
    assert (mail.kind, mail.recipient, mail.language, mail.order_id) == (
        "application_approved", "rita@beta.example", "de", None,
    )  # fmt: skip
    text = said(mail)
    assert "Guten Tag Rita Resell" in text
    assert "Version 1 zu" in text, "the policy is still to be accepted"
    assert "Ihre ersten 3 Bestellungen" in text
    tenant = world.shop.tenant_id
    assert [(workflow, args) for workflow, _, args in world.asked] == [
        ("deliver_mail", (tenant, mail.id)),
        ("mirror_standing", (tenant, made.id)),
    ]


async def test_who_accepted_the_policy_in_force_is_not_asked_again(world: World) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await publish(session, "2", "English", "Deutsch", NOW.date(), NOW)
        draft = await begun(session)
        await accept_with(session, draft.id, version="2", language="en", address=None, at=NOW)
        row = await submitted(session, language="en")
    made: Reseller = await run(world, approve, row)
    assert [accepted.policy_version for accepted in made.acceptances] == ["2"]
    (mail,) = await mails(world)
    assert mail.subject == "Welcome to the reseller program"
    assert "accept" not in said(mail)


async def test_case_5_a_policy_published_while_it_waited_is_asked_for_in_the_mail(world: World) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        draft = await begun(session)
        await accept_with(session, draft.id, version="1", language="de", address=None, at=NOW)
        row = await submitted(session)
        await publish(session, "2", "English", "Deutsch", NOW.date(), NOW)
    made: Reseller = await run(world, approve, row)
    assert made.acceptances == []
    assert "Version 2 zu" in said((await mails(world))[0])


async def test_case_1_a_linked_account_is_told_for_whom_it_orders(world: World) -> None:
    known = await reseller(world)
    row = await waiting(world, language="en")
    made: Reseller = await run(world, approve, row, link_to=known.email)
    assert made.id == known.id
    text = said((await mails(world))[0])
    assert "Your account can now order for Texan." in text
    assert "prepaid" not in text
    assert jobs(world) == ["deliver_mail", "mirror_standing"]


@pytest.mark.parametrize("days", [30, 0])
async def test_case_3_the_reason_of_a_rejection_is_mailed(world: World, days: int) -> None:
    await world.set(reapply_days=days)
    row = await waiting(world, language="en")
    await run(world, reject, row, reason="You build portals for your clients.\n<b>Sorry</b>")
    (mail,) = await mails(world)
    text = said(mail)
    assert "> You build portals for your clients.\n> <b>Sorry</b>" in text.replace("\r\n", "\n")
    assert ("apply again from April 1, 2026" in text) == (days == 30)
    assert b"&lt;b&gt;Sorry" in mail.content
    assert jobs(world) == ["deliver_mail"]


async def test_every_question_is_a_mail_of_its_own(world: World) -> None:
    row = await waiting(world)
    await run(world, ask_more, row, reason="Welche Produkte?")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await submitted(session)
    world.clock.now = NOW.replace(hour=13)
    await run(world, ask_more, row, reason="Seit wann?")
    first, second = await mails(world)
    assert "> Welche Produkte?" in said(first)
    assert "> Seit wann?" in said(second)
    assert first.subject == "Eine Rückfrage zu Ihrer Bewerbung zum Wiederverkäuferprogramm"
    assert len(world.asked) == 2


async def test_case_4_the_decision_that_came_second_mails_nobody(world: World) -> None:
    row = await waiting(world)
    await run(world, reject, row, reason="no")
    with pytest.raises(Conflict, match="already decided by anna"):
        await run(world, approve, row, by="berta")
    with pytest.raises(InvalidInput, match="reason"):
        await run(world, reject, row, reason="")
    assert len(await mails(world)) == 1
    assert await rows(world, Reseller) == []


async def test_a_decision_and_its_mail_are_kept_together_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("the mail could not be made")

    row = await waiting(world)
    monkeypatch.setattr(mail_room, "queue", broken)
    with pytest.raises(RuntimeError):
        await run(world, approve, row)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await get(session, row.id)).state == "submitted"
    assert await rows(world, Reseller) == []


async def test_every_decision_about_a_reseller_is_mirrored_as_it_is_then(world: World) -> None:
    made = await reseller(world)
    for decision in (Decision.SUSPEND, Decision.REINSTATE, Decision.END):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await decide(session, world.services, world.shop, made.email, decision, by="anna", reason="as agreed")
    assert jobs(world) == ["deliver_mail", "mirror_standing"] * 3
    assert await mirror_standing(world.services, world.shop, made.id) == 1
    assert world.saleor.named("PrivateMetadataUpdate") == [
        {"id": "texan", "input": [{"key": "reseller.status", "value": "ended"}, {"key": "reseller.id", "value": made.id}]}
    ]


async def test_case_9_a_suspension_an_end_and_a_return_are_mailed(world: World) -> None:
    made = await reseller(world, language="de")
    for number, decision in enumerate((Decision.SUSPEND, Decision.REINSTATE, Decision.END)):
        world.clock.now = NOW.replace(hour=13 + number)
        async with world.database.tenant(world.shop.tenant_id) as session:
            await decide(session, world.services, world.shop, made.email, decision, by="anna", reason="<b>Rechnung 7</b> offen")
    suspended, reinstated, ended = await mails(world)
    assert [mail.kind for mail in (suspended, reinstated, ended)] == [
        "reseller_suspended",
        "reseller_reinstated",
        "reseller_ended",
    ]
    assert {mail.recipient for mail in (suspended, reinstated, ended)} == {made.email}
    assert "> <b>Rechnung 7</b> offen" in said(suspended)
    assert b"&lt;b&gt;Rechnung" in suspended.content
    assert "ändert sich nichts" in said(ended)
    assert "Rechnung" not in said(reinstated), "what staff wrote then is for the record"
    assert "Richtlinie" not in said(reinstated), "it is accepted already"
    await world.set(policy_version="2")
    world.clock.now = NOW.replace(hour=16)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, world.services, world.shop, made.email, Decision.REINSTATE, by="anna")
    assert "Wiederverkäufer-Richtlinie in der Version 2" in said((await mails(world))[-1])


async def test_an_account_that_is_gone_does_not_keep_the_others_from_the_mirror(world: World) -> None:
    made = await reseller(world)
    await run(world, approve, await waiting(world), link_to=made.email)
    gone = refused("updatePrivateMetadata", "Couldn't resolve to a node", "NOT_FOUND")
    world.saleor.answers["PrivateMetadataUpdate"] = lambda variables: gone if variables["id"] == "texan" else WRITTEN
    assert await mirror_standing(world.services, world.shop, made.id) == 1
    world.saleor.answers["PrivateMetadataUpdate"] = refused("updatePrivateMetadata", "Not today", "INVALID")
    with pytest.raises(SaleorRefused, match="Not today"):
        await mirror_standing(world.services, world.shop, made.id)
