"""A reseller's written record in the Dashboard: listed, searched, read as text, saved; what did not arrive is sent again."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from sqlalchemy import update

from app.cases.tables import Case
from app.mail.record import put_sent
from app.mail.tables import Correspondence, Mail
from app.orders.inbound import receive
from app.orders.record import add_task
from app.reasons import because
from app.resellers.service import find
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.mail.mails import SENDER, letter
from tests.orders.builders import World, rows
from tests.web.dashboard.conftest import Dashboard

HOSTILE = "<script>alert('x')</script><b>bold</b> https://evil.example"
THREAD = "a" * 20


async def mailed(world: World, *, state: str = "sent", subject: str = "Your order", key: str = "order:1", **more: Any) -> Mail:
    """A mail to the reseller; on the record where a server took it."""
    content = letter("Here it is.", From="sales@vendor.example", To=SENDER, Subject=subject, Message_ID=f"<{key}@vendor.example>")
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await find(session, SENDER)
        mail = Mail(
            key=key, kind="order_received", recipient=SENDER, language="en", subject=subject,
            message_id=f"{key}@vendor.example", content=content, state=state, created_at=NOW, thread=THREAD,
            **{"reseller_id": found.id, **more},
        )  # fmt: skip
        session.add(mail)
        await session.flush()
        if state in ("sent", "bounced"):
            await put_sent(session, mail, content, NOW)
    return mail


async def place(dashboard: Dashboard) -> str:
    async with dashboard.world.database.tenant_reading(dashboard.world.shop.tenant_id) as session:
        return f"/resellers/{(await find(session, SENDER)).id}/mails"


async def entry(world: World, direction: str) -> Correspondence:
    return (await rows(world, Correspondence, Correspondence.direction == direction))[0]


async def test_sent_and_received_are_listed_and_found_by_their_words(dashboard: Dashboard) -> None:
    world, at = dashboard.world, await place(dashboard)
    assert "Nothing is on the record yet." in (await dashboard.ask(at)).text
    mail = await mailed(world)
    await receive(world.services, letter("When does the Zebra come?", In_Reply_To=f"<{mail.message_id}>"))
    page = (await dashboard.ask(at, headers={"dashboard-zone": "Asia/Tokyo"})).text
    assert page.index("A question") < page.index("Your order"), "the newest first"
    for words in ("received", ">sent<", SENDER, "sales@vendor.example"):
        assert words in page, words
    for words, found in (("zebra WHEN", ["A question"]), ("here order", ["Your order"]), ("%", []), ("zebra lion", [])):
        page = (await dashboard.ask(at, params={"q": words})).text
        assert [one for one in ("A question", "Your order") if f">{one}</a>" in page] == found, words
    oldest = (await dashboard.ask(at, params={"by": "number"})).text
    assert oldest.index("Your order") < oldest.index("A question")
    german = (await dashboard.ask(at, headers={"dashboard-locale": "de"})).text
    assert "empfangen" in german


async def test_a_page_of_the_record_has_a_next_one(dashboard: Dashboard) -> None:
    at = await place(dashboard)
    for number in range(27):
        await mailed(dashboard.world, key=f"order:{number}", subject=f"Mail-{number:02}-")
    first = (await dashboard.ask(at)).text
    assert "Mail-26-" in first
    assert "Mail-01-" not in first
    query = first[first.index("cursor=") :].partition('"')[0]
    second = (await dashboard.ask(f"{at}?by=-number&{query}")).text
    assert "Mail-01-" in second
    assert "Mail-02-" not in second
    assert (await dashboard.ask(f"{at}?cursor=x")).status_code == 400


async def test_a_mail_is_shown_as_text_with_thread_hash_and_proof(dashboard: Dashboard) -> None:
    world, at = dashboard.world, await place(dashboard)
    mail = await mailed(world)
    page_of = EmailMessage(policy=SMTP)
    page_of["From"], page_of["To"], page_of["Subject"] = SENDER, "sales@vendor.example", "<i>Hello</i>"
    page_of["Message-ID"], page_of["In-Reply-To"], page_of["X-Odd"] = "<h@x.example>", f"<{mail.message_id}>", "<img src=x>"
    page_of.set_content(f"<p>Words of mine</p>{HOSTILE}", subtype="html")
    page_of.add_attachment(b"x", maintype="text", subtype="html", filename="<u>.html")
    content = page_of.as_bytes()
    await receive(world.services, content)
    row = await entry(world, "in")
    answer = await dashboard.ask(f"{at}/{row.id}")
    page = answer.text
    for words in ("Words of mine", row.hash, row.content_sha256, "The chain holds", "Your order", "X-Odd: &lt;img src=x&gt;"):
        assert words in page, words
    for tag in ("<script>alert", "<b>bold", "<i>Hello", "<img src=x", "<u>.html"):
        assert tag not in page, tag
    saved = await dashboard.ask(f"{at}/{row.id}/eml")
    assert saved.content == content
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.headers["content-type"].startswith("message/rfc822")
    assert saved.headers["x-content-type-options"] == "nosniff"


async def test_the_bundle_holds_every_mail_as_it_was(dashboard: Dashboard) -> None:
    at = await place(dashboard)
    await mailed(dashboard.world)
    row = await entry(dashboard.world, "out")
    answer = await dashboard.ask(f"{at}/bundle")
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert sorted(bundle.namelist()) == ["mails.mbox", "mails/000001.eml", "manifest.json"]
        assert row.hash in bundle.read("manifest.json").decode()


async def test_a_changed_record_and_changed_bytes_are_told(dashboard: Dashboard) -> None:
    world, at = dashboard.world, await place(dashboard)
    mail = await mailed(world)
    row = await entry(world, "out")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(Mail).where(Mail.id == mail.id).values(content=b"other"))
        await session.execute(update(Correspondence).values(subject="Another subject"))
    answer = await dashboard.ask(f"{at}/{row.id}")
    assert answer.status_code == 200
    for words in ("The chain is broken", "Its bytes are gone or changed", "Another subject"):
        assert words in answer.text, words
    assert (await dashboard.ask(f"{at}/{row.id}/eml")).status_code == 503
    assert (await dashboard.ask(f"{at}/bundle")).status_code == 503


async def test_a_mail_of_another_reseller_is_not_there(dashboard: Dashboard) -> None:
    await mailed(dashboard.world)
    row = await entry(dashboard.world, "out")
    rival = next(one.id for one in await rows(dashboard.world, Reseller) if one.id != row.chain)
    for path in (row.id, f"{row.id}/eml", "none"):
        assert (await dashboard.ask(f"/resellers/{rival}/mails/{path}")).status_code == 404
    assert "Your order" not in (await dashboard.ask(f"/resellers/{rival}/mails")).text
    data = {"mail": row.mail_id, "to": ""}
    assert (await dashboard.ask(f"/resellers/{rival}/mails/again", "POST", data=data)).status_code == 404


@pytest.mark.parametrize("state", ["failed", "bounced"])
async def test_what_did_not_arrive_is_sent_again_and_stands_above_no_more(dashboard: Dashboard, state: str) -> None:
    world, at = dashboard.world, await place(dashboard)
    mail = await mailed(world, state=state, reseller_id=None)  # to its address only
    other = await mailed(world, state="queued", key="order:10", subject="On its way")
    page = (await dashboard.ask(at)).text
    assert "Not arrived yet" in page
    assert f'value="{mail.id}"' in page
    assert other.subject in page
    assert f'value="{other.id}"' not in page
    users = await dashboard.session("MANAGE_USERS")
    assert f'value="{mail.id}"' not in (await dashboard.ask(at, session=users)).text
    data = {"mail": mail.id, "to": "second@partner.example"}
    assert (await dashboard.ask(f"{at}/again", "POST", session=users, data=data)).status_code == 403
    answer = await dashboard.ask(f"{at}/again", "POST", data=data)
    assert "notice=mail_sent_again" in answer.headers["location"]
    (again,) = await rows(world, Mail, Mail.recipient == "second@partner.example")
    assert (again.state, again.key) == ("queued", "order:1:again:1")
    assert f'value="{mail.id}"' not in (await dashboard.ask(at)).text


async def test_a_case_in_the_inbox_leads_to_what_was_written(dashboard: Dashboard) -> None:
    world, at = dashboard.world, await place(dashboard)
    async with world.database.tenant(world.shop.tenant_id) as session:
        reseller = await find(session, SENDER)
        case = Case(
            number="A2026-00001", reseller_id=reseller.id, kind="advice", state="open", subject="A deal", customer="", contact="",
            language="en", opened_by=SENDER, opened_at=NOW, fingerprint="f",
        )  # fmt: skip
        session.add(case)
        await session.flush()
        reason = because("case_advice", company=reseller.company, number=case.number, subject=case.subject)
        await add_task(session, f"case:{case.id}", None, [reason], NOW)
    link = f"{at}?q=A2026-00001"
    assert link in (await dashboard.ask("/inbox")).text
    assert link not in (await dashboard.ask("/inbox", session=await dashboard.session("MANAGE_ORDERS"))).text


async def test_mails_hold_amounts_so_they_need_both_permissions(dashboard: Dashboard) -> None:
    at = await place(dashboard)
    await mailed(dashboard.world)
    row = await entry(dashboard.world, "out")
    session = await dashboard.session("MANAGE_USERS")
    assert "Your order" in (await dashboard.ask(at, session=session)).text
    for path in (f"{at}/{row.id}", f"{at}/{row.id}/eml", f"{at}/bundle"):
        answer = await dashboard.ask(path, session=session)
        assert answer.status_code == 403, path
        assert "Here it is." not in answer.text
