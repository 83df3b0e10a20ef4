import asyncio
import hashlib
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.db.session import Database
from app.errors import Unavailable
from app.files.tables import StoredFile
from app.mail import record
from app.mail.rules import sent_from, thread_token
from app.mail.service import deliver, resend
from app.mail.tables import Correspondence, CorrespondenceChain, Mail
from app.mail.tables import Mailbox as MailboxRow
from app.orders import evidence_bundle, mailbox
from app.orders.check import show_contradictions
from app.orders.evidence_bundle import write_bundle
from app.orders.inbound import Outcome, receive
from app.orders.mailbox import read_batch
from app.orders.obligations import overview
from app.orders.release import queue_order_received
from app.orders.service import lock_order
from app.orders.tables import OrderEvent, StaffTask
from app.reasons import Reason
from app.resellers.service import find
from app.resellers.tables import ResellerUser
from tests.conftest import NOW
from tests.mail.bounces import SHAPES, exchange, gmail, postfix, qmail
from tests.mail.imap import Mailbox, serving
from tests.mail.mails import SENDER, letter, report
from tests.orders.builders import World, opened, recorded, reseller, rows


@pytest.fixture
async def world(database: Database, tenant: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        changed = {
            "files_url": str(tmp_path / "files"), "mail_directory": str(tmp_path / "mail"),
            "inbound_secret": "a secret of the tests", "mail_from": "Program <resellers@vendor.example>",
            "inbound_per_hour": 3, "max_inbound_bytes": 5_000,
        }  # fmt: skip
        world.services = replace(world.services, settings=world.services.settings.model_copy(update=changed))
        await reseller(world)
        yield world


async def sent(world: World) -> Mail:
    """The mail that confirms order 1, delivered, with its bytes on the record."""
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await queue_order_received(session, world.services, world.shop, row.id)
        mail = (await session.scalars(select(Mail))).one()
    facts = (world.database, world.shop.tenant_id, mail.id, world.services.settings, world.services.clock)
    assert await deliver(*facts) == "sent"
    return mail


async def another(world: World, mail: Mail) -> Mail:
    """The same mail once more to the same address, delivered."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        again = await resend(session, mail.id, at=NOW)
    facts = (world.database, world.shop.tenant_id, again.id, world.services.settings, world.services.clock)
    assert await deliver(*facts) == "sent"
    return again


async def tasks(world: World) -> dict[str, str]:
    """Open tasks: key and what they say."""
    found = await rows(world, StaffTask, StaffTask.done_at.is_(None))
    return {task.key: " ".join(str(Reason.from_dict(reason)) for reason in task.reasons) for task in found}


async def wrong(world: World, *, everything: bool = True) -> list[str]:
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        return await record.verify(session, storage=world.services.files if everything else None)


async def test_an_answer_goes_on_the_record_in_its_thread_and_is_one_task(world: World) -> None:
    mail = await sent(world)
    assert mail.thread == thread_token(str(mail.order_id))
    answer = letter(In_Reply_To=f"<{mail.message_id}>")
    first = await receive(world.services, answer)
    assert first.outcome is Outcome.KEPT
    assert await receive(world.services, answer) == replace(first, outcome=Outcome.KNOWN)
    # Of somebody else, to the thread's address, and then to what was answered.
    token = letter("More", From="new@elsewhere.example", To=f"sales+{mail.thread}@vendor.example", Message_ID="<q2@x.example>")
    assert (await receive(world.services, token)).outcome is Outcome.KEPT
    third = letter("And", From="boss@elsewhere.example", References="<q2@x.example>", Message_ID="<q3@x.example>")
    assert (await receive(world.services, third)).outcome is Outcome.KEPT
    entries = sorted(await rows(world, Correspondence), key=lambda row: row.position)
    assert [(row.position, row.direction, row.kind) for row in entries] == [
        (1, "out", "mail"), (2, "in", "person"), (3, "in", "person"), (4, "in", "person"),
    ]  # fmt: skip
    assert {(row.chain, row.order_id, row.thread) for row in entries} == {(mail.reseller_id, mail.order_id, mail.thread)}
    (key, said), *others = (await tasks(world)).items()
    assert (key, others) == (f"mail-in:{mail.thread}", [])
    assert f"{SENDER} wrote 'A question' (about order 1)" in said
    assert await wrong(world) == []
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        bytes_of = [await record.exact_bytes(session, world.services.files, row) for row in entries]
    assert bytes_of[1:] == [answer, token, third]
    assert f"Reply-To: texan+{mail.thread}" not in bytes_of[0].decode()
    assert f"+{mail.thread}@" in bytes_of[0].decode()


async def test_a_resellers_own_mail_is_kept_and_one_about_nobody_is_not(world: World) -> None:
    assert (await receive(world.services, letter())).outcome is Outcome.KEPT
    assert (await receive(world.services, letter(From="spam@evil.example", Message_ID="<s@x.example>"))).outcome is Outcome.NOBODY
    (entry,) = await rows(world, Correspondence)
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        assert entry.chain == (await find(session, SENDER)).id
    assert [file.purpose for file in await rows(world, StoredFile)] == ["correspondence"]


async def test_our_own_mail_that_comes_back_is_no_mail(world: World) -> None:
    mail = await sent(world)
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        (entry,) = await session.scalars(select(Correspondence))
        content = await record.exact_bytes(session, world.services.files, entry)
    assert (await receive(world.services, b"Received: from loop\r\n" + content)).outcome is Outcome.OWN
    vendors = letter(From="resellers@vendor.example", To=f"sales+{mail.thread}@vendor.example", Message_ID="<v@vendor.example>")
    assert (await receive(world.services, vendors)).outcome is Outcome.KEPT
    assert await tasks(world) == {}, "what the vendor writes is no case"


async def test_case_83_a_bounce_marks_the_mail_and_tells_staff_once(world: World) -> None:
    mail = await sent(world)
    assert (await receive(world.services, report(mail.message_id, action="delayed"))).outcome is Outcome.KEPT
    assert (await rows(world, Mail))[0].state == "sent"
    assert await tasks(world) == {}, "late is for information"
    for content in (report(mail.message_id), report(mail.message_id), report(mail.message_id).replace(b"dsn-failed", b"dsn-2")):
        await receive(world.services, content)
    (row,) = await rows(world, Mail)
    assert (row.state, row.error) == ("bounced", f"{SENDER}: 550 5.1.1 no such user here (5.1.1)")
    said = await tasks(world)
    assert list(said) == [f"mail:{mail.id}"]
    assert "came back" in said[f"mail:{mail.id}"]
    assert [row.kind for row in await rows(world, Correspondence)].count("bounce") == 2
    codes = [event.what["code"] for event in await rows(world, OrderEvent)]
    assert (codes.count("mail_late"), codes.count("mail_bounced")) == (1, 1)
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        owed = await overview(session, await find(session, SENDER))
    assert owed.undelivered == [(SENDER, row.error)]


async def test_case_83_another_contact_is_tried_once(world: World) -> None:
    mail = await sent(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        who = await find(session, SENDER)
        for role in ("buyer", "accounts", "owner"):
            session.add(ResellerUser(reseller_id=who.id, saleor_user_id=role, email=f"{role}@partner.example", role=role))
    await receive(world.services, report(mail.message_id))
    again = next(row for row in await rows(world, Mail) if row.id != mail.id)
    assert (again.recipient, again.state, again.thread) == ("owner@partner.example", "queued", mail.thread)
    assert ("deliver_mail", f"mail:{world.shop.tenant_id}:{again.id}", (world.shop.tenant_id, again.id)) in world.asked
    await receive(world.services, report(again.message_id, recipient="owner@partner.example").replace(b"<dsn", b"<dsn2"))
    assert len(await rows(world, Mail)) == 2, "nobody is left"


@pytest.mark.parametrize("shape", SHAPES)
async def test_case_83_a_report_that_names_no_mail_is_about_the_one_whose_address_it_came_to(world: World, shape: str) -> None:
    mail = await sent(world)
    other = await another(world, mail)
    content = SHAPES[shape](sent_from(world.services.settings.mail_from, mail.id), recipient="moved@elsewhere.example")
    assert (await receive(world.services, content)).outcome is Outcome.KEPT
    assert (await receive(world.services, content)).outcome is Outcome.KNOWN
    states = {row.id: row.state for row in await rows(world, Mail)}
    assert (states[mail.id], states[other.id]) == ("bounced", "sent")
    entry = next(row for row in await rows(world, Correspondence) if row.direction == "in")
    assert (entry.kind, entry.chain, entry.order_id, entry.thread) == ("bounce", mail.reseller_id, mail.order_id, mail.thread)
    assert f"mail:{mail.id}" in await tasks(world)


@pytest.mark.parametrize("shape", SHAPES)
async def test_case_83_a_report_that_names_nothing_is_about_the_only_mail_its_recipient_got_lately(
    world: World, shape: str
) -> None:
    mail = await sent(world)
    assert (await receive(world.services, SHAPES[shape]())).outcome is Outcome.KEPT
    assert [row.state for row in await rows(world, Mail)] == ["bounced"]
    assert list(await tasks(world)) == [f"mail:{mail.id}"]


async def test_case_83_of_several_mails_staff_are_told_and_none_is_called_lost(world: World) -> None:
    mail = await sent(world)
    other = await another(world, mail)
    assert (await receive(world.services, exchange())).outcome is Outcome.KEPT
    assert {row.state for row in await rows(world, Mail)} == {"sent"}
    (entry,) = [row for row in await rows(world, Correspondence) if row.direction == "in"]
    said = await tasks(world)
    assert list(said) == [f"bounce:{SENDER}"]
    assert "which of the last 2 it was" in said[f"bounce:{SENDER}"]
    assert entry.id in said[f"bounce:{SENDER}"]
    # A delay is for information, and an older mail is not reported on any more.
    assert (await receive(world.services, gmail(action="delayed"))).outcome is Outcome.KEPT
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(Mail).where(Mail.id == other.id).values(created_at=NOW - timedelta(days=7)))
    await receive(world.services, postfix())
    assert {row.id: row.state for row in await rows(world, Mail)} == {mail.id: "bounced", other.id: "sent"}


async def test_a_report_on_nobodys_mail_is_not_kept(world: World) -> None:
    mail = await sent(world)
    assert (await receive(world.services, qmail(recipient="stranger@elsewhere.example"))).outcome is Outcome.NOBODY
    world.clock.now = NOW + timedelta(days=7)
    assert (await receive(world.services, qmail())).outcome is Outcome.NOBODY, "nobody reports so late"
    assert [row.state for row in await rows(world, Mail)] == ["sent"]
    assert mail.state == "queued"


async def test_a_holiday_answer_to_a_mails_own_address_is_kept_in_its_thread_and_nothing_more(world: World) -> None:
    mail = await sent(world)
    to = sent_from(world.services.settings.mail_from, mail.id)
    away = letter("550 5.1.1 is the number of my room.", To=to, Auto_Submitted="auto-replied", From="boss@elsewhere.example")
    assert (await receive(world.services, away)).outcome is Outcome.KEPT
    entry = next(row for row in await rows(world, Correspondence) if row.direction == "in")
    assert (entry.kind, entry.thread, entry.order_id) == ("automatic", mail.thread, mail.order_id)
    assert [row.state for row in await rows(world, Mail)] == ["sent"]
    assert await tasks(world) == {}


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Return_Path": "<>"}])
async def test_what_a_machine_wrote_is_kept_and_no_case(world: World, headers: dict[str, str]) -> None:
    assert (await receive(world.services, letter(**headers))).outcome is Outcome.KEPT
    assert [row.kind for row in await rows(world, Correspondence)] == ["automatic"]
    assert await tasks(world) == {}
    assert await rows(world, Mail) == [], "nothing is answered"


async def test_a_loop_is_kept_as_headers_and_told_once(world: World) -> None:
    outcomes = [(await receive(world.services, letter(f"n{n}", Message_ID=f"<n{n}@x.example>"))).outcome for n in range(6)]
    assert outcomes == [Outcome.KEPT] * 3 + [Outcome.HEADERS] * 3
    assert [key for key in await tasks(world) if "loop" in key] == [f"mail-loop:{SENDER}"]
    world.clock.now = NOW + timedelta(hours=1, seconds=1)
    assert (await receive(world.services, letter("later", Message_ID="<l@x.example>"))).outcome is Outcome.KEPT


async def test_case_83_more_bounces_of_one_relay_than_a_person_writes_all_count(world: World) -> None:
    mails = [await sent(world)]
    mails += [await another(world, mails[0]) for _ in range(5)]
    for number, mail in enumerate(mails):
        content = report(mail.message_id).replace(b"<dsn-failed@", f"<dsn{number}@".encode())
        assert (await receive(world.services, content)).outcome in (Outcome.KEPT, Outcome.HEADERS)
    assert {row.state for row in await rows(world, Mail)} == {"bounced"}
    assert not any("loop" in key for key in await tasks(world))


async def test_a_mail_that_is_too_large_is_kept_as_headers_with_a_note(world: World) -> None:
    large = letter("x" * 6_000)
    assert (await receive(world.services, large)).outcome is Outcome.HEADERS
    headers = large.partition(b"\r\n\r\n")[0].replace(b"q1@", b"q2@") + b"\r\n\r\n"
    assert (await receive(world.services, headers, size=30 * 1024 * 1024)).outcome is Outcome.HEADERS
    first, second = sorted(await rows(world, Correspondence), key=lambda row: row.position)
    assert first.size == len(large.partition(b"\r\n\r\n")[0]) + 4
    assert second.note.startswith("30.0 MB is more than is kept")
    assert any("its headers are kept" in said for said in (await tasks(world)).values())
    assert await wrong(world) == []


async def test_headers_alone_that_are_too_large_are_cut_and_keep_nothing_waiting(world: World) -> None:
    vast = b"X-Padding: " + b"x \r\n " * 100_000 + b"x\r\n" + letter()
    assert (await receive(world.services, vast)).outcome is Outcome.HEADERS
    again = vast.replace(b"q1@", b"q2@").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert (await receive(world.services, again, size=30 * 1024 * 1024)).outcome is Outcome.HEADERS
    found = await rows(world, Correspondence)
    assert [(row.sender, row.size < 70_000) for row in found] == [(SENDER, True)] * 2
    assert await wrong(world) == []


async def test_a_mail_that_cannot_be_taken_is_noted_and_the_mailbox_goes_on_after_it_was_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*facts: Any, **more: Any) -> Any:
        raise ZeroDivisionError("a fault of ours")

    async with serving(Mailbox()) as box:
        url = f"imap://user:p%40ss%20word@127.0.0.1:{box.port}/INBOX"
        world.services = replace(world.services, settings=world.services.settings.model_copy(update={"imap_url": url}))
        await read_batch(world.services)
        box.add(letter())
        with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
            patched.setattr(mailbox, "receive", fails)
            await read_batch(world.services)
        async with world.database.system() as session:
            (row,) = await session.scalars(select(MailboxRow))
            assert (row.failing_since, row.last_uid) == (NOW, 0)
            assert row.error == "The mail with the UID 1 cannot be taken: ZeroDivisionError: a fault of ours"
        assert (await read_batch(world.services)).outcomes == {"kept": 1}


async def test_what_was_changed_on_the_record_is_found(world: World, tmp_path: Path) -> None:
    await sent(world)
    for n in range(3):
        await receive(world.services, letter(f"n{n}", Message_ID=f"<n{n}@x.example>"))
    assert await wrong(world) == []
    # Bytes: of a file in the store, and of a sent mail in the database.
    first = next(iter(sorted(path for path in (tmp_path / "files").rglob("*") if path.is_file())))
    kept = first.read_bytes()
    first.write_bytes(kept.replace(b"A question", b"An answer!"))
    (said,) = await wrong(world)
    assert "gone or changed" in said
    assert await wrong(world, everything=False) == [], "the hourly check looks at the chain alone"
    first.write_bytes(kept)

    async def change(statement: Any) -> list[str]:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await session.execute(statement)
        return await wrong(world, everything=False)

    async with world.database.tenant(world.shop.tenant_id) as session:
        (row,) = await session.scalars(select(Mail))
        row.content = b"forged"
    assert len(await wrong(world)) == 1
    one = Correspondence.position == 2
    assert "it was changed" in (await change(update(Correspondence).where(one).values(subject="forged")))[0]
    assert await change(update(Correspondence).where(one).values(subject="A question")) == []
    assert "number 4" in (await change(delete(Correspondence).where(Correspondence.position == 4)))[0]
    assert "the end of its record is missing" in (await change(delete(CorrespondenceChain)))[0]


async def test_the_hourly_look_at_a_large_record_sees_each_chain_once_a_day_and_a_wrong_one_until_it_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sent(world)
    await receive(world.services, letter("A question"))
    monkeypatch.setattr(record, "AT_ONCE", 0)

    async def looked(hour: int) -> bool:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await show_contradictions(session, NOW.replace(hour=hour))
        return "check:correspondence_altered" in await tasks(world)

    async def rename(subject: str) -> None:
        async with world.database.tenant(world.shop.tenant_id) as session:
            await session.execute(update(Correspondence).where(Correspondence.position == 2).values(subject=subject))

    await rename("forged")
    found = [await looked(hour) for hour in range(24)]
    first = found.index(True)
    assert all(found[first:]), "what is known to be wrong is asked for every hour"
    assert {int(row.chain[:2], 16) % 24 for row in await rows(world, Correspondence)} == {first}
    await rename("A question")
    assert not await looked((first + 1) % 24)


async def test_two_mails_at_once_follow_each_other(world: World) -> None:
    world.services = replace(world.services, settings=world.services.settings.model_copy(update={"inbound_per_hour": 100}))
    mails = [letter(f"n{n}", Message_ID=f"<n{n}@x.example>") for n in range(5)]
    await asyncio.gather(*(receive(world.services, mail) for mail in mails for _ in range(2)))
    assert sorted(row.position for row in await rows(world, Correspondence)) == [1, 2, 3, 4, 5]
    assert await wrong(world) == []


async def test_the_evidence_of_a_reseller_is_the_same_each_time_and_can_be_checked(world: World, tmp_path: Path) -> None:
    await sent(world)
    await receive(world.services, letter("From here on\nFrom there on"))
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        who = await find(session, SENDER)
        made = [await write_bundle(session, world.services, world.shop, who, tmp_path / f"{n}.zip") for n in (1, 2)]
    assert made[0] == made[1]
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        box = bundle.read("mails.mbox")
        assert bundle.namelist() == ["mails/000001.eml", "mails/000002.eml", "mails.mbox", "manifest.json"]
        assert bundle.read("mails/000002.eml") == letter("From here on\nFrom there on")
    assert (manifest["mails"], manifest["head"], made[0].mails) == (2, manifest["entries"][-1]["hash"], 2)
    for entry in manifest["entries"]:
        sealed = json.dumps(entry["sealed"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert hashlib.sha256(sealed.encode()).hexdigest() == entry["hash"], "as the manifest says how"
    assert box.count(b"\n>From ") == 2
    assert box.count(b"\nFrom ") + 1 == 2


async def test_a_mail_that_comes_in_meanwhile_is_neither_a_fault_nor_half_in_a_bundle(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sent(world)
    come = iter(range(2))

    async def late(*facts: Any) -> bytes:
        if (number := next(come, None)) is not None:
            await receive(world.services, letter("late", Message_ID=f"<late{number}@x.example>"))
        return await record.exact_bytes(*facts)

    monkeypatch.setattr(evidence_bundle, "exact_bytes", late)
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        made = await write_bundle(session, world.services, world.shop, await find(session, SENDER), tmp_path / "e.zip")
    with zipfile.ZipFile(tmp_path / "e.zip") as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        assert bundle.read("mails.mbox").count(b"\nMessage-ID: ") == manifest["mails"] == made.mails == 1
    assert manifest["head"] == manifest["entries"][-1]["hash"]

    rows_of, more = record.chain_rows, iter([2])

    async def reading(*facts: Any) -> AsyncIterator[Correspondence]:
        for number in more:
            await receive(world.services, letter("late", Message_ID=f"<late{number}@x.example>"))
        async for row in rows_of(*facts):
            yield row

    monkeypatch.setattr(record, "chain_rows", reading)
    assert await wrong(world, everything=False) == []


async def test_the_mailbox_is_read_once_and_nothing_is_changed_in_it(world: World) -> None:
    box = Mailbox()
    box.add(letter("before", Message_ID="<old@x.example>"))
    async with serving(box):
        world.services = replace(
            world.services,
            settings=world.services.settings.model_copy(
                update={"inbound_per_hour": 100, "imap_url": f"imap://us%40er:p%40ss%20word@127.0.0.1:{box.port}/INBOX"}
            ),
        )
        assert (await read_batch(world.services)).outcomes == {}, "reading begins with what comes from now on"
        box.add(letter())
        box.add(letter("x" * 6_000, Message_ID="<large@x.example>"))
        box.add(letter(From="spam@evil.example", Message_ID="<s@x.example>"))
        assert (await read_batch(world.services)).outcomes == {"kept": 1, "headers": 1, "nobody": 1}
        assert (await read_batch(world.services)).outcomes == {}
        # The server numbers its mails anew: what is known is known by its content.
        box.validity, box.mails = 8, {uid + 10: content for uid, content in box.mails.items()}
        box.add(letter("new", Message_ID="<new@x.example>"))
        assert (await read_batch(world.services)).outcomes == {"kept": 2, "known": 2, "nobody": 1}
    assert {command.split()[0] for command in box.commands} == {"EXAMINE", "UID"}
    assert not any("BODY[" in command for command in box.commands), "PEEK alone leaves a mail unread"
    notes = [row.note for row in await rows(world, Correspondence) if row.note]
    assert len(notes) == 1
    async with world.database.system() as session:
        (row,) = await session.scalars(select(MailboxRow))
        assert (row.name, row.uid_validity, row.last_uid) == ("127.0.0.1/INBOX", 8, 15)
    with pytest.raises(Unavailable, match=r"The mailbox 127\.0\.0\.1/INBOX cannot be read"):
        await read_batch(world.services)
    async with world.database.system() as session:
        (row,) = await session.scalars(select(MailboxRow))
        assert (row.failing_since, row.last_uid) == (NOW, 15)


async def test_large_mails_are_fetched_some_at_a_time(world: World) -> None:
    async with serving(Mailbox()) as box:
        url = f"imap://user:p%40ss%20word@127.0.0.1:{box.port}/INBOX"
        changed = {"imap_url": url, "inbound_per_hour": 100}
        world.services = replace(world.services, settings=world.services.settings.model_copy(update=changed))
        await read_batch(world.services)
        for number in range(5):
            box.add(letter(("x" * 60 + "\n") * 60, Message_ID=f"<n{number}@x.example>"))
        found = [await read_batch(world.services) for _ in range(3)]
    assert [(reading.outcomes, reading.more) for reading in found] == [
        ({"kept": 2}, True),
        ({"kept": 2}, True),
        ({"kept": 1}, False),
    ]


@pytest.mark.parametrize(("change", "says"), [({"password": "other"}, "wrong password"), ({"refuse": "EXAMINE"}, "refused")])
async def test_a_mailbox_that_does_not_open_says_why(world: World, change: dict[str, str], says: str) -> None:
    async with serving(Mailbox(**change)) as box:  # type: ignore[arg-type]
        url = f"imap://user:p%40ss%20word@127.0.0.1:{box.port}/INBOX"
        world.services = replace(world.services, settings=world.services.settings.model_copy(update={"imap_url": url}))
        with pytest.raises(Unavailable, match=says):
            await read_batch(world.services)
