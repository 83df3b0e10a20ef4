"""The worker is killed with SIGKILL at every step of reading the mailbox; in the end each mail is on the record once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.mail import record
from app.mail.samples import reminder
from app.mail.schemas import MailKind
from app.mail.tables import Correspondence, Mail
from app.orders import mailbox
from app.orders.mails import send
from app.orders.tables import StaffTask
from app.sandbox.seed import RESELLER
from tests.faults.lives import killed_at_every_step
from tests.faults.test_kill import BESIDE
from tests.faults.worker import Moment
from tests.journeys.harness import Journey, journey
from tests.mail.imap import Mailbox, serving
from tests.mail.mails import letter, report

LONG = 200.0
STEPS = {"read_mails"}


async def reminded(at: Journey) -> Mail:
    """A mail that a server took."""
    async with at.rows() as session:
        mail = await send(
            session, at.services, at.shop, key="reminder:1", kind=MailKind.REMINDER, recipient=RESELLER, language="en",
            context=reminder(),
        )  # fmt: skip
    await at.idle(LONG)
    return mail


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_what_comes_in_is_on_the_record_once_although_the_worker_dies_at_every_step(tmp_path: Path, moment: Moment) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    async with serving(Mailbox(password="secret")) as box:
        imap = f"imap://user:secret@127.0.0.1:{box.port}/INBOX"
        async with journey(url, tmp_path, worker=False, imap_url=imap) as at:
            with killed_at_every_step(at.settings, moment, "every", tmp_path) as lives:
                mail = await reminded(at)
                await at.start("mailbox", "mailbox:begin", datetime.now(UTC), None)
                await at.idle(LONG)
                for n in range(30):
                    box.add(letter(f"question {n}", From=RESELLER, Message_ID=f"<n{n}@x.example>"))
                box.add(report(mail.message_id, recipient=RESELLER))
                for turn in ("first", "second"):
                    await at.start("mailbox", f"mailbox:{turn}", datetime.now(UTC), None)
                    await at.idle(LONG)
                async with at.rows() as session:
                    entries = list(await session.scalars(select(Correspondence).order_by(Correspondence.position)))
                    assert await record.verify(session, storage=at.services.files) == []
                    (sent,) = await session.scalars(select(Mail))
                    tasks = list(await session.scalars(select(StaffTask.key).where(StaffTask.key.startswith("mail"))))
                assert [row.kind for row in entries] == ["mail", *["person"] * 30, "bounce"]
                assert [row.position for row in entries] == list(range(1, 33))
                assert sent.state == "bounced"
                assert tasks.count(f"mail:{mail.id}") == 1
                names = {"send_mail"} | STEPS
                assert names <= lives.names() <= names | BESIDE
                assert sorted(lives.deaths()) == sorted(await at.steps())


def test_the_walk_reaches_every_step_of_the_mailbox() -> None:
    assert set(re.findall(r'@DBOS\.step\(name="(\w+)"', Path(mailbox.__file__).read_text())) == STEPS
