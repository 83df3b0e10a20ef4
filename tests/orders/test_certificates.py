from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.files import service as files
from app.files.service import Upload
from app.files.tables import StoredFile
from app.mail.tables import Mail
from app.orders import mails as mail_room
from app.orders.certificates import HandedIn, LookedAfter, decide, document, hand_in, look_after, upload
from app.orders.record import open_tasks
from app.orders.tables import OrderEvent, OrderLine, StaffTask
from app.reasons import Reason, sentence
from app.resellers.rules import Decision
from app.resellers.service import decide as decide_reseller
from app.resellers.tables import Reseller
from app.tax.rules import CertificateState
from app.tax.service import import_rates
from app.tax.tables import CertificateRow
from tests.conftest import NOW
from tests.files.samples import PDF
from tests.orders.builders import World, opened, recorded, reseller, rows
from tests.orders.test_applications import jobs, mails, said

LAST = date(2026, 3, 31)
NOON = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def owner(world: World) -> Reseller:
    return (await rows(world, Reseller))[0]


async def handed(world: World, content: bytes | None = PDF, **changed: Any) -> CertificateRow:
    facts: dict[str, Any] = {
        "number": "TX-1", "states": ("TX",), "signed_on": NOW.date(), "valid_from": date(2026, 1, 1), "valid_to": LAST,
    }  # fmt: skip
    given = HandedIn(**facts | changed)
    upload = Upload(content, "paper.pdf") if content is not None else None
    return await hand_in(world.services, world.shop, (await owner(world)).id, given, upload, by="rita")


async def decided(world: World, row: CertificateRow, state: CertificateState, **changed: Any) -> CertificateRow:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await decide(session, world.services, world.shop, row.id, state, **{"by": "anna"} | changed)


async def approved(world: World, **changed: Any) -> CertificateRow:
    return await decided(world, await handed(world, **changed), CertificateState.APPROVED)


async def looked(world: World) -> LookedAfter:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await look_after(session, world.services, world.shop)


async def tasks(world: World) -> list[str]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return [sentence(Reason.from_dict(task.reasons[0])) for task, _ in await open_tasks(session)]


async def kinds(world: World) -> list[str]:
    return [mail.kind for mail in await mails(world)]


async def test_a_certificate_waits_for_staff_and_the_decision_is_mailed(world: World) -> None:
    row = await handed(world)
    assert await tasks(world) == ["Certificate TX-1 of Texan for TX waits for a decision."]
    assert await mails(world) == []
    await decided(world, row, CertificateState.APPROVED, version=row.version)
    assert await tasks(world) == []
    (mail,) = await mails(world)
    assert (mail.kind, mail.recipient, mail.language) == ("certificate_approved", "texan@partner.example", "en")
    assert "Texas" in said(mail)
    assert world.asked == [("deliver_mail", f"mail:{world.shop.tenant_id}:{mail.id}", (world.shop.tenant_id, mail.id))]
    async with world.database.tenant(world.shop.tenant_id) as session:
        file = await document(session, row.id, (await owner(world)).id)
        with pytest.raises(NotFound):
            await document(session, row.id, "another")
    assert await files.content(world.services.files, file) == PDF
    assert (file.purpose, file.reseller_id, file.uploaded_by) == ("certificate", row.reseller_id, "rita")


async def test_case_38_the_task_says_what_to_look_at(world: World) -> None:
    await handed(world, form="MTC", states=("TX", "NY"))
    (task,) = await rows(world, StaffTask)
    assert [reason["code"] for reason in task.reasons] == ["certificate_waits", "needs_state_form"]


async def test_a_german_reseller_reads_the_reason_in_german(world: World) -> None:
    await reseller(world, "berlin", language="de")
    row = await handed(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await session.scalars(select(CertificateRow))).one().reseller_id = next(
            one.id for one in await session.scalars(select(Reseller)) if one.language == "de"
        )
    await decided(world, row, CertificateState.REJECTED, reason="Die Unterschrift fehlt.")
    (mail,) = await mails(world)
    assert mail.subject == "Ihr Befreiungszertifikat TX-1 wurde nicht anerkannt"
    assert "> Die Unterschrift fehlt." in said(mail)


async def test_the_second_decision_mails_nobody(world: World) -> None:
    row = await approved(world)
    with pytest.raises(Conflict, match="already decided by anna"):
        await decided(world, row, CertificateState.REJECTED, by="berta", reason="no")
    with pytest.raises(Conflict, match="read it again"):
        await decided(world, row, CertificateState.REVOKED, by="berta", reason="no", version=1)
    assert await kinds(world) == ["certificate_approved"]


@pytest.mark.parametrize(
    ("content", "changed"),
    [(b"<html>", {}), (b"", {}), (PDF, {"states": ("XX",)}), (PDF, {"number": ""}), (PDF, {"replaces": "x"})],
)
async def test_what_is_refused_leaves_nothing(world: World, content: bytes, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await handed(world, content, **changed)
    assert await rows(world, CertificateRow) == []
    assert await rows(world, StaffTask) == []
    await files.sweep(world.database, world.services.files, world.shop.tenant_id, world.clock())
    assert await rows(world, StoredFile) == []


async def test_the_same_twice_is_one(world: World) -> None:
    await handed(world)
    with pytest.raises(Conflict, match="waits for a decision"):
        await handed(world)
    assert [file.state for file in await rows(world, StoredFile)] == ["kept", "removed"]
    assert len(await tasks(world)) == 1


async def test_who_left_the_program_hands_in_nothing(world: World) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide_reseller(session, "texan@partner.example", Decision.END, by="a", at=NOW, policy_version="1", reason="r")
    with pytest.raises(Forbidden):
        await handed(world)
    assert await rows(world, CertificateRow) == []


async def test_staff_enter_from_paper_what_a_reseller_may_not_upload(world: World) -> None:
    over = {"number": "OLD", "valid_to": date(2026, 2, 1)}
    row = await handed(world, None, **over)
    async with world.database.tenant(world.shop.tenant_id) as session:
        with pytest.raises(NotFound, match="from paper"):
            await document(session, row.id)
    given = HandedIn("OLD-2", ("TX",), NOW.date(), date(2026, 1, 1), date(2026, 2, 1))
    with pytest.raises(InvalidInput, match="valid_to: it ended"):
        await upload(world.services, world.shop, row.reseller_id, given, Upload(PDF, "a.pdf"), by="rita")


async def test_reminders_go_once_each_at_60_30_and_7_days(world: World) -> None:
    row = await approved(world)
    sent: dict[date, int] = {}
    for day in range(-35, 40):
        world.clock.now = NOON + timedelta(days=day)
        for _hour in range(2):
            done = await looked(world)
            sent[world.clock.now.date()] = sent.get(world.clock.now.date(), 0) + len(done.reminded)
    assert [str(day) for day, count in sent.items() if count] == ["2026-01-30", "2026-03-01", "2026-03-24"]
    assert max(sent.values()) == 1
    found = await kinds(world)
    assert found.count("certificate_ending") == 3
    assert found.count("certificate_expired") == 1
    assert (await rows(world, CertificateRow, CertificateRow.id == row.id))[0].state == "expired"


async def test_who_was_not_reminded_in_time_gets_one_mail_later(world: World) -> None:
    await approved(world)
    world.clock.now = NOON + timedelta(days=26)
    assert len((await looked(world)).reminded) == 1
    assert await looked(world) == LookedAfter((), (), ())
    (mail,) = [mail for mail in await mails(world) if mail.kind == "certificate_ending"]
    assert "ends in 3 days" in said(mail)
    assert mail.key.endswith(":7")
    world.clock.now = NOON + timedelta(days=300)
    done = await looked(world)
    assert (len(done.expired), done.reminded) == (1, ())


async def test_a_renewal_ends_the_reminders(world: World) -> None:
    row = await approved(world)
    renewal = await handed(world, number="TX-1", replaces=row.id, valid_from=date(2026, 4, 1), valid_to=date(2027, 3, 31))
    world.clock.now = NOON
    assert (await looked(world)).reminded == (row.id,)
    assert "looking at it" in said((await mails(world))[-1])
    await decided(world, renewal, CertificateState.APPROVED)
    world.clock.now = NOON + timedelta(days=24)
    assert (await looked(world)).reminded == ()
    world.clock.now = NOON + timedelta(days=31)
    assert (await looked(world)).expired == (row.id,)
    assert "certificate_expired" not in await kinds(world), "nothing changes for the reseller"


@pytest.mark.parametrize(
    "changed", [{"states": ("OK",)}, {"valid_from": date(2026, 4, 2), "valid_to": date(2027, 1, 1)}, {"valid_to": LAST}]
)
async def test_what_does_not_cover_the_days_after_is_no_renewal(world: World, changed: dict[str, Any]) -> None:
    row = await approved(world)
    await approved(world, number="TX-2", **{"valid_to": None} | changed)
    world.clock.now = NOON
    assert row.id in (await looked(world)).reminded


async def test_case_36_the_vendors_day_decides_where_the_vendor_wants_it(world: World) -> None:
    await approved(world)
    world.clock.now = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)  # still March in Texas
    assert (await looked(world)).expired == ()
    await world.set(certificate_day_of_state=False)
    assert len((await looked(world)).expired) == 1


async def test_case_37_staff_look_again_at_one_without_an_end(world: World) -> None:
    await world.set(certificate_review_days=10)
    row = await approved(world, valid_to=None)
    world.clock.now = NOON + timedelta(days=9)
    assert (await looked(world)).to_review == ()
    world.clock.now = NOON + timedelta(days=10)
    assert (await looked(world)).to_review == (row.id,)
    assert (await looked(world)).to_review == ()
    assert "Certificate TX-1 of Texan has no end" in (await tasks(world))[0]
    await decided(world, row, CertificateState.REVOKED, reason="unused")
    assert not [told for told in await tasks(world) if "no end" in told]


async def test_case_35_orders_of_a_revoked_certificate_are_flagged_and_not_rewritten(world: World) -> None:
    row = await approved(world)
    orders = [await recorded(world, number) for number in "12"]
    async with world.database.tenant(world.shop.tenant_id) as session:
        line = (await session.scalars(select(OrderLine).where(OrderLine.order_id == orders[0].id))).one()
        line.certificate_id, line.certificate_number = row.id, row.number
        before = (line.net_minor, line.gross_minor, line.tax_rate)
    await decided(world, row, CertificateState.REVOKED, reason="It was false.")
    flags = await rows(world, OrderEvent, OrderEvent.key == f"certificate-revoked:{row.id}")
    assert [flag.order_id for flag in flags] == [orders[0].id]
    assert "was revoked: It was false." in sentence(Reason.from_dict(flags[0].what))
    assert await tasks(world) == ["Certificate TX-1 of Texan was revoked; 1 orders were not taxed by it: 1."]
    (after,) = await rows(world, OrderLine, OrderLine.order_id == orders[0].id)
    assert (after.net_minor, after.gross_minor, after.tax_rate, after.certificate_id) == (*before, row.id)


async def test_case_42_an_old_rate_table_is_a_task_until_a_newer_one_comes(world: World) -> None:
    world.clock.now = NOW + timedelta(days=100)
    await looked(world)
    assert await tasks(world) == []
    world.clock.now = NOW + timedelta(days=101)
    for _ in range(2):
        await looked(world)
    (told,) = await tasks(world)
    assert told.startswith("The rate table was imported on 2026-03-02, more than 100 days ago.")
    async with world.database.tenant(world.shop.tenant_id) as session:
        text = "state,rate,valid_from\nTX,8.25,2026-01-01\n"  # nothing new in it, and yet it was looked at
        await import_rates(session, text, version="2", at=world.clock())
    await looked(world)
    assert await tasks(world) == []


async def test_an_address_that_takes_no_mail_stops_nothing(world: World) -> None:
    row = await handed(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await session.scalars(select(Reseller))).one().email = "ü@partner.example"
    await decided(world, row, CertificateState.APPROVED)
    world.clock.now = NOON
    for _ in range(2):
        await looked(world)
    assert len([told for told in await tasks(world) if "could not be told about its certificate TX-1" in told]) == 2
    assert await mails(world) == []


async def test_a_mail_and_its_decision_are_kept_together_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: Any, **more: Any) -> Mail:
        raise RuntimeError("the mail could not be made")

    row = await handed(world)
    monkeypatch.setattr(mail_room, "send", broken)
    with pytest.raises(RuntimeError):
        await decided(world, row, CertificateState.APPROVED)
    assert (await rows(world, CertificateRow))[0].state == "pending"
    assert jobs(world) == []
