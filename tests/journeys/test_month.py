"""A month of a late payer: orders on account, reminders, the 1st, interest, the statement, and the wire that pays it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import re
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import Envelope
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.bank.reading import read
from app.documents.statement import StatementData
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


def bytes_of(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


def letters(server: Server, subject: str) -> list[EmailMessage]:
    """What the mail server took for the reseller under this subject, each with text, HTML and what is attached."""
    taken = [
        email.message_from_bytes(bytes_of(envelope), _class=EmailMessage, policy=email.policy.default)
        for envelope in server.taken
        if envelope.rcpt_tos == [EXEMPT]
    ]
    return [mail for mail in taken if subject in str(mail["Subject"])]


def texts(mail: EmailMessage) -> tuple[str, str]:
    """Its text, and what of its HTML is read."""
    plain, shown = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert shown is not None
    return plain.get_content(), html.unescape(re.sub(r"<[^>]+>", " ", shown.get_content()))


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
        for row in rows:
            (details,) = letters(server, f"Order {row.number}: details and invoice")
            assert [part.get_content_type() for part in details.iter_attachments()] == ["application/pdf"]
            assert all(row.reference in text for text in texts(details))
        due = rows[0].due_date
        assert await run(at, clock, due - timedelta(days=4)) == 0
        assert await run(at, clock, due - timedelta(days=3)) == 1
        assert await run(at, clock, due) == 2
        # The 1st after the due date; whatever it missed before is caught up.
        month = Period(due.year, due.month)
        reminded = await run(at, clock, month.dated + timedelta(days=1))
        told = letters(server, "Payment reminder")
        assert len(told) == reminded >= 2
        for mail in told[:2]:
            assert all(row.number in text and row.reference in text for row in rows for text in texts(mail))
            assert list(mail.iter_attachments()) == []
        async with at.rows() as session:
            query = select(Statement).where(Statement.period == str(month))
            files = query.options(undefer(Statement.pdf), undefer(Statement.csv), undefer(Statement.content))
            statement = (await session.scalars(files)).one()
            pays = await service.paid_by(session, statement.reference)
            assert pays is not None
        interest = StatementData.model_validate(statement.content).interest
        assert interest > 0
        assert pays.open_minor == statement.to_pay_minor == sum(row.total_minor for row in rows) + interest
        (letter,) = letters(server, f"Statement of account for {date.fromisoformat(f'{month}-01'):%B %Y}")
        assert all(statement.number in text and statement.reference in text for text in texts(letter))
        pdf, table = letter.iter_attachments()
        assert (pdf.get_content_type(), pdf.get_content()) == ("application/pdf", statement.pdf)
        assert (table.get_content_type(), table.get_payload(decode=True)) == ("text/csv", statement.csv)
        assert pdf.get_filename() == f"statement-{statement.number}.pdf"
        for mail in map(parsed, server.taken):
            await assert_kept_as_it_came(at, mail)
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
