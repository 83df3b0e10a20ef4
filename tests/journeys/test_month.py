"""A month of a late payer: orders on account, reminders, the 1st, interest, the statement, and the wire that pays it."""

from __future__ import annotations

import asyncio
import email.policy
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import Envelope
from sqlalchemy import select

from app.bank.reading import read
from app.mail.plain import plain_text
from app.mail.record import verify
from app.mail.schemas import MailKind
from app.mail.tables import Correspondence, Mail
from app.money import Money
from app.orders.bank_import import import_file
from app.sandbox.seed import EXEMPT
from app.settings import InterestRate
from app.statements import service
from app.statements.rules import Period
from app.statements.tables import Statement
from tests.bank.lines import line as bank_line
from tests.journeys.harness import PROGRAM, Journey, journey
from tests.mail.smtp import Server, serving
from tests.orders.bank_files import statement as bank_statement
from tests.orders.builders import Ticking

ACCOUNT = "000123456789"
LATE = PROGRAM.model_copy(
    update={
        "program": PROGRAM.program.model_copy(update={"interest_rates": [InterestRate(since=date(2020, 1, 1), percent="7.3")]})
    }
)


async def run(at: Journey, clock: Ticking, day: date) -> int:
    """Let the schedules come by at noon of a day; how many reminders there are then."""
    clock.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for schedule in ("statements", "reminders"):
        await at.start(schedule, f"{schedule}:{day}", clock.now, None)
    await at.idle()
    async with at.rows() as session:
        return len((await session.scalars(select(Mail.id).where(Mail.kind == MailKind.REMINDER))).all())


async def test_a_late_payer_is_reminded_gets_its_statement_and_pays_it_with_one_wire(tmp_path: Path) -> None:
    clock = Ticking(datetime.now(UTC))
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    async with (
        serving(Server()) as server,
        journey(url, tmp_path, clock=clock, program=LATE, smtp_url=f"smtp://127.0.0.1:{server.port}") as at,
    ):
        await at.trust(EXEMPT)
        orders = [(await at.buy(EXEMPT, [("GRID-DEV", 1)], end_customer="new@customer.example"))[1] for _ in range(2)]
        await at.idle()
        rows = [await at.recorded(order.number) for order in orders]
        due = rows[0].due_date
        assert await run(at, clock, due - timedelta(days=4)) == 0
        assert await run(at, clock, due - timedelta(days=3)) == 1
        assert await run(at, clock, due) == 2
        # The 1st after the due date; whatever it missed before is caught up.
        month = Period(due.year, due.month)
        reminded = await run(at, clock, month.dated + timedelta(days=1))
        async with at.rows() as session:
            statement = (await session.scalars(select(Statement).where(Statement.period == str(month)))).one()
            pays = await service.paid_by(session, statement.reference)
            assert pays is not None
        assert pays.open_minor == statement.to_pay_minor > sum(row.total_minor for row in rows), "with interest"
        arrived = [parsed(envelope) for envelope in server.taken]
        (letter,) = [mail for mail in arrived if mail["Subject"] == f"Statement of account for {month}"]
        assert [part.get_content_type() for part in letter.iter_attachments()] == ["application/pdf", "text/csv"]
        assert statement.number in str(letter.get_body(("plain",)))
        for mail in arrived:
            await assert_kept_as_it_came(at, mail)
        assert {str(mail["Subject"]) for mail in arrived if "reminder" in str(mail["Subject"])} == {"Payment reminder"}
        await wire(at, statement)
        await at.idle()
        async with at.rows() as session:
            pays = await service.paid_by(session, statement.reference)
            assert pays is not None
            assert pays.open_minor == 0
        assert await run(at, clock, due + timedelta(days=60)) == reminded, "nobody is reminded of what is paid"
        assert all(at.order(row.number).transactions[0].charged > 0 for row in rows), "the shop knows it too"


def parsed(envelope: Envelope) -> EmailMessage:
    """A mail that the server took."""
    assert isinstance(envelope.content, bytes)
    mail = email.message_from_bytes(envelope.content, _class=EmailMessage, policy=email.policy.default)
    assert envelope.rcpt_tos == [mail["To"].addresses[0].addr_spec]
    return mail


async def assert_kept_as_it_came(at: Journey, mail: EmailMessage) -> None:
    """The mail says the same in text and HTML, in the reseller's language, and its bytes are on the reseller's record."""
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "en")
    html = plain_text(page.get_content())
    for line in text.get_content().splitlines():
        for word in line.replace(" | ", " ").split():
            assert word.rstrip(":") in html or word == "--", line
    async with at.rows() as session:
        kept = await session.scalar(select(Correspondence).where(Correspondence.message_id == mail["Message-ID"].strip("<>")))
        assert kept is not None
        assert kept.chain, "a reseller's"
        assert await verify(session, storage=at.services.files) == []


async def wire(at: Journey, statement: Statement) -> None:
    """The bank's file with one wire of the statement's amount and reference."""
    facts: dict[str, Any] = {
        "account": ACCOUNT, "payer_name": "Exempt", "reference_structured": statement.reference, "bank_reference": "BANK-1",
        "booking_date": statement.dated, "value_date": statement.dated,
    }  # fmt: skip
    line = bank_line(str(Money(statement.to_pay_minor, statement.currency).amount), **facts)
    file = await asyncio.to_thread(lambda: read(bank_statement(line, account=ACCOUNT, day=statement.dated)))
    try:
        report = await import_file(at.services, at.shop, file, file_name="b.xml", sha256="0" * 64, format="camt", by="ada")
    finally:
        file.close()
    assert report.counts == {"booked": 1}
