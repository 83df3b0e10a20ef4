"""Cases and support requests: once, on the record, mailed, and tasks of staff while they are theirs."""

from __future__ import annotations

import asyncio
import email
import email.policy

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.cases import service, support
from app.cases.rules import MAX_OPEN, CaseState, Opening, opening
from app.cases.tables import Case, CaseEntry, SupportRequest
from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.tables import StaffTask
from app.resellers.tables import Reseller
from tests.orders.builders import World, opened, recorded, reseller, rows

ASK = opening("advice", "Volume for a bank", "They ask for 40 seats.")
GIVE = opening("hand_over", "Too large for us", "Please take over.", "Acme GmbH", "Eva Ende, eva@acme.example")
SELLER = {"name": "Example Components", "email": "sales@vendor.example"}
RITA = "rita@partner.example"


async def ask(world: World, buyer: Reseller, what: Opening = ASK, language: str = "en") -> tuple[Case, bool]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await service.open_case(
            session, world.services, world.shop, buyer, what, by=RITA, language="de" if language == "de" else "en"
        )


async def letters(world: World) -> list[tuple[str, str, str]]:
    """(recipient, subject, text) of every mail."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await session.scalars(select(Mail).where(Mail.kind == MailKind.CASE).options(undefer(Mail.content)))
        parsed = [(mail.recipient, email.message_from_bytes(mail.content, policy=email.policy.default)) for mail in found]
    return [
        (recipient, str(mail["Subject"]), body.get_content() if (body := mail.get_body(("plain",))) else "")
        for recipient, mail in parsed
    ]


async def tasks(world: World) -> list[str]:
    return [task.reasons[0]["code"] for task in await rows(world, StaffTask) if task.done_at is None]


async def test_a_case_from_the_question_to_its_end(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await world.configure(seller=SELLER)
        buyer = await reseller(world)
        case, new = await ask(world, buyer)
        assert (case.number, case.state, new) == ("A2026-00001", CaseState.OPEN, True)
        assert sorted(to for to, _, _ in await letters(world)) == [RITA, "sales@vendor.example"]
        assert await tasks(world) == ["case_advice"]
        async with database.tenant(tenant) as session:
            found = await service.by_number(session, " a2026-00001 ")
            answered = await service.write(session, world.services, world.shop, found, "15 % it is.", by="anna", from_staff=True)
        assert answered.position == 2
        assert await tasks(world) == []
        async with database.tenant(tenant) as session:
            found = await service.own_case(session, buyer.id, case.id)
            assert found.state == CaseState.ANSWERED
            await service.write(session, world.services, world.shop, found, "And for 60?", by=RITA, from_staff=False)
        assert await tasks(world) == ["case_advice"]
        async with database.tenant(tenant) as session:
            await service.close(
                session, world.services, world.shop, await service.by_number(session, case.number), "Sold.", by="anna"
            )
        assert await tasks(world) == []
        sent = await letters(world)
        assert {subject for _, subject, _ in sent} == {"A2026-00001: Volume for a bank"}, "one thread in a mail program"
        to_rita = [text for to, _, text in sent if to == RITA]
        assert len(to_rita) == 3
        assert all(any(part in text for text in to_rita) for part in ("They ask for 40 seats.", "15 % it is.", "Sold."))
        assert [one.text for one in await rows(world, CaseEntry)] == [
            "They ask for 40 seats.",
            "15 % it is.",
            "And for 60?",
            "Sold.",
        ]
        async with database.tenant(tenant) as session:
            found = await service.by_number(session, case.number)
            assert (found.state, found.closed_by) == (CaseState.CLOSED, "anna")
            for staff in (True, False):
                with pytest.raises(Conflict, match="closed"):
                    await service.write(session, world.services, world.shop, found, "More", by="anna", from_staff=staff)
            with pytest.raises(Conflict, match="closed"):
                await service.close(session, world.services, world.shop, found, "Again", by="anna")
            assert await service.all_cases(session, closed=False, limit=9) == []
            assert [(one.number, company) for one, company in await service.all_cases(session, closed=True, limit=9)] == [
                (case.number, buyer.company)
            ]


async def test_a_deal_is_handed_over_in_german(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        await ask(world, buyer, GIVE, "de")
        ((to, _, text),) = await letters(world)
        assert to == RITA, "the vendor has no address: staff have their task"
        for part in ("dass Sie uns dieses Geschäft übergeben", "Acme GmbH", "Eva Ende, eva@acme.example", "Please take over."):
            assert part in text
        (task,) = await rows(world, StaffTask)
        assert task.reasons[0]["params"]["customer"] == "Acme GmbH"


async def test_the_same_once_more_is_the_same_case_and_entry(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer, other = await reseller(world), await reseller(world, "other")
        first, *more = await asyncio.gather(*(ask(world, buyer) for _ in range(3)))
        assert {case.id for case, _ in (first, *more)} == {first[0].id}
        assert sorted(new for _, new in (first, *more)) == [False, False, True]
        assert (await ask(world, other))[0].number == "A2026-00002", "another reseller's is its own"
        for _ in range(2):
            async with database.tenant(tenant) as session:
                found = await service.own_case(session, buyer.id, first[0].id)
                await service.write(session, world.services, world.shop, found, "News?", by=RITA, from_staff=False)
        assert [one.position for one in await rows(world, CaseEntry, CaseEntry.case_id == first[0].id)] == [1, 2]
        async with database.tenant(tenant) as session:
            with pytest.raises(NotFound):
                await service.own_case(session, other.id, first[0].id)
            with pytest.raises(NotFound):
                await service.by_number(session, "A2026-00009")


async def test_nobody_floods_the_vendor(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        async with database.tenant(tenant) as session:
            for number in range(MAX_OPEN):
                facts = {"kind": "advice", "state": "open", "subject": "S", "customer": "", "contact": "", "language": "en"}
                session.add(
                    Case(**facts, number=f"X{number}", reseller_id=buyer.id, opened_by=RITA, opened_at=world.clock(),
                         fingerprint=str(number))
                )  # fmt: skip
        with pytest.raises(Conflict, match="Too many"):
            await ask(world, buyer)


async def test_support_is_opened_only_if_the_customer_asked(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer, other = await reseller(world), await reseller(world, "other")
        await recorded(world, "1")

        async def attest(
            who: Reseller = buyer, order: str = "1", asked: bool = True, topic: str = "It does not print"
        ) -> tuple[SupportRequest, bool]:
            async with database.tenant(tenant) as session:
                return await support.attest(
                    session, world.services, world.shop, who, order_number=order, topic=topic, asked_by_customer=asked,
                    by=RITA, language="de", address="192.0.2.7",
                )  # fmt: skip

        with pytest.raises(Conflict, match="named no forum"):
            await attest()
        await world.configure(forum_url="https://forum.vendor.example")
        with pytest.raises(InvalidInput, match="only be opened if the customer asked"):
            await attest(asked=False)
        with pytest.raises(InvalidInput, match="topic"):
            await attest(topic=" ")
        for who, order in ((other, "1"), (buyer, "2")):
            with pytest.raises(NotFound):
                await attest(who, order)
        assert await rows(world, SupportRequest) == []
        row, new = await attest()
        assert (new, row.forum_url, row.address, row.attested_by) == (True, "https://forum.vendor.example", "192.0.2.7", RITA)
        assert row.words == "Mein Kunde hat mich gebeten, diese Support-Anfrage zu stellen."
        assert row.customer
        again, new = await attest()
        assert (again.id, new) == (row.id, False)
        async with database.tenant(tenant) as session:
            assert [one.id for one in (await support.page_of_requests(session, buyer.id, 5, None))[0]] == [row.id]
            assert (await support.page_of_requests(session, other.id, 5, None))[0] == []
            ((one, company),) = await support.all_requests(session, 5)
            assert (one.id, company) == (row.id, buyer.company)
