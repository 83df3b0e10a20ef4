import asyncio
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.migrate import upgrade
from app.db.session import Database
from app.errors import InvalidInput, NotFound, Unavailable
from app.mail.overrides import NAMES, built_in
from app.mail.samples import reminder
from app.mail.schemas import MailKind
from app.mail.tables import Mail, MailTemplate
from app.main import open_services
from app.orders.inbound import receive
from app.orders.mails import note_failure, send
from app.orders.tables import StaffTask
from app.resellers.tables import Reseller
from app.settings import load
from tests.cli.test_applications import call
from tests.conftest import NOW, install
from tests.mail.mails import SENDER, letter

KEY = "reminder:1"


async def prepare(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    reseller = Reseller(
        email=SENDER, company="Texan", street="1", city="Austin", postal_code="78701", country="US", state="TX",
        status="approved", created_at=NOW,
    )  # fmt: skip
    async with database.tenant(await install(database, "http://shop.example/graphql/")) as session:
        session.add(reseller)
    await database.close()


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migrated database with one shop and one reseller."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)
    asyncio.run(prepare(url))


def mail(state: str = "queued", key: str = KEY) -> str:
    """A reminder to the reseller in a state, with its task where it failed; its id."""

    async def made() -> str:
        async with open_services(load()) as services:
            (shop,) = services.shops.all()
            async with services.database.tenant(shop.tenant_id) as session:
                row = await send(
                    session, services, shop, key=key, kind=MailKind.REMINDER, recipient=SENDER, language="en", context=reminder()
                )
                row.state, row.error, row.attempts = state, "450 busy", 3
                await note_failure(session, services, shop, row)
                return row.id

    return asyncio.run(made())


async def stored(table: type[Any]) -> list[Any]:
    async with open_services(load()) as services:
        (shop,) = services.shops.all()
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return list(await session.scalars(select(table)))


def test_what_waits_is_shown_with_its_age_and_goes_again_to_the_address_shown() -> None:
    waiting, failed = mail(), mail("failed", "reminder:2")
    shown = call("mail", "queue")
    assert {row["id"]: row["state"] for row in shown} == {waiting: "queued", failed: "failed"}
    assert all(row["age"].startswith("0 d 0 h") and row["said"] == "450 busy" and row["attempts"] == 3 for row in shown)
    again = call("mail", "resend", failed, "--to", "Second <second@partner.example>")
    assert again["recipient"] == "Second <second@partner.example>"
    assert {row["id"] for row in call("mail", "queue")} == {waiting, again["id"]}
    assert all(task.done_at for task in asyncio.run(stored(StaffTask)))
    with pytest.raises(NotFound):
        call("mail", "resend", "nothing")


def test_a_test_mail_goes_out_at_once_or_says_what_the_server_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = call("mail", "test", "me@vendor.example", "--language", "de")
    assert (sent["state"], sent["subject"]) == ("sent", "Test der Mail-Einstellungen")
    assert "RESELLER_SMTP_URL" in sent["way_out"]
    assert len(list((tmp_path / "var" / "mail").rglob("*.eml"))) == 1
    monkeypatch.setenv("RESELLER_SMTP_URL", "smtp://127.0.0.1:1")
    with pytest.raises(AssertionError, match='"state": "failed"'):
        call("mail", "test", "me@vendor.example")
    assert call("mail", "queue") == [], "a test does not go out later"


def test_a_template_of_ones_own_and_back(tmp_path: Path) -> None:
    assert [row["name"] for row in call("mail", "templates", "list")] == list(NAMES)
    file = tmp_path / "reminder.en.mjml"
    file.write_text(built_in("reminder.en").replace("Hello,", "Howdy,"))
    assert call("mail", "templates", "set", str(file), "--by", "anna") == {"name": "reminder.en", "source": "own"}
    (own,) = [row for row in call("mail", "templates", "list") if row["source"] != "built in"]
    assert own["source"].startswith("own, set by anna")
    preview = call("mail", "preview", "reminder.en", "--out", str(tmp_path / "own.txt"))
    assert (preview["own"], preview["faults"]) == (True, [])
    assert "Howdy," in (tmp_path / "own.txt").read_text()
    file.write_text(built_in("reminder.en").replace("line.open ", "line.opened "))
    with pytest.raises(InvalidInput, match=r"reminder\.en, line \d+: .*opened.* stays in force"):
        call("mail", "templates", "set", str(file))
    with pytest.raises(InvalidInput, match="opened"):
        call("mail", "preview", "reminder", "--file", str(file), "--out", str(tmp_path / "not.html"))
    (row,) = asyncio.run(stored(MailTemplate))
    assert "Howdy," in row.source
    assert call("mail", "templates", "reset", "reminder.en")["was_own"] is True
    assert asyncio.run(stored(MailTemplate)) == []
    with pytest.raises(NotFound, match="no template 'other'"):
        call("mail", "templates", "set", str(file), "--name", "other")


def test_a_stored_template_that_fails_is_a_task_with_its_line_until_it_is_mended(tmp_path: Path) -> None:
    async def outdated() -> None:
        async with open_services(load()) as services:
            (shop,) = services.shops.all()
            source = built_in("reminder.en").replace("line.open ", "line.opened ")
            async with services.database.tenant(shop.tenant_id) as session:
                session.add(MailTemplate(name="reminder.en", source=source, set_by="an earlier release", set_at=NOW))

    asyncio.run(outdated())
    mail()
    (row,) = asyncio.run(stored(Mail))
    assert row.subject == "Payment reminder"
    (task,) = asyncio.run(stored(StaffTask))
    assert (task.key, task.done_at) == ("template:reminder.en", None)
    assert "reminder.en, line 10" in task.reasons[0]["params"]["fault"]
    call("mail", "templates", "reset", "reminder.en")
    (task,) = asyncio.run(stored(StaffTask))
    assert task.done_at is not None


@pytest.mark.parametrize("suffix", ["html", "txt", "eml"])
def test_previews_in_each_form(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"mail.{suffix}"
    assert call("mail", "preview", "order_received", "--language", "de", "--out", str(out))["name"] == "order_received.de"
    content = out.read_text()
    assert "cid:" not in content or suffix == "eml"
    assert {"html": "data:image/png;base64,", "txt": "Gesamtbetrag:", "eml": "Content-Language: de"}[suffix] in content
    with pytest.raises(InvalidInput, match="cannot be written"):
        call("mail", "preview", "order_received", "--out", str(out))
    with pytest.raises(InvalidInput, match="ends with"):
        call("mail", "preview", "layout", "--out", str(tmp_path / "mail.pdf"))
    with pytest.raises(NotFound, match="no mail 'nothing'"):
        call("mail", "preview", "nothing", "--out", str(out))


def test_the_record_is_listed_searched_shown_verified_and_exported(tmp_path: Path) -> None:
    async def arrived() -> None:
        async with open_services(load()) as services:
            await receive(services, letter("Where is the Grid license?"))
            await receive(services, letter("<b>Other</b>", Message_ID="<q2@x.example>", Subject="Another"))

    asyncio.run(arrived())
    listed = call("correspondence", "list", SENDER)
    assert {row["subject"] for row in listed} == {"A question", "Another"}
    (found,) = call("correspondence", "search", "GRID license")
    assert found["subject"] == "A question"
    assert call("correspondence", "search", "grid absent") == []
    shown = call("correspondence", "show", found["id"], "--save", str(tmp_path / "mail.eml"))
    assert shown["text"] == "Where is the Grid license?"
    assert (tmp_path / "mail.eml").read_bytes() == letter("Where is the Grid license?")
    assert call("correspondence", "verify") == {"wrong": []}
    made = call("correspondence", "export", SENDER, "--out", str(tmp_path / "bundle.zip"))
    assert made["mails"] == 2
    assert zipfile.is_zipfile(tmp_path / "bundle.zip")
    file = next(path for path in (tmp_path / "var" / "files").rglob("*") if path.is_file())
    file.write_bytes(b"forged")
    with pytest.raises(AssertionError, match="gone or changed"):
        call("correspondence", "verify", SENDER)
    with pytest.raises(AssertionError, match=r"correspondence_altered.*gone or changed"):
        call("check")
    with pytest.raises(Unavailable):
        call("correspondence", "export", SENDER, "--out", str(tmp_path / "other.zip"))
    assert not (tmp_path / "other.zip").exists()
    with pytest.raises(NotFound):
        call("correspondence", "show", "nothing")


def test_the_mailbox_wants_its_address() -> None:
    with pytest.raises(InvalidInput, match="RESELLER_IMAP_URL is not set"):
        call("mail", "poll")
