"""The worker is killed with SIGKILL at every step of a month's statements and reminders; in the end all are there once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import undefer

from app.db.tenants import Tenant
from app.documents.statement import StatementData, render_statement
from app.ledger.service import post_receivable
from app.ledger.tables import PaymentReference
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.money import Money
from app.resellers.tables import Reseller
from app.statements import workflow
from app.statements.rules import period_of
from app.statements.tables import Reminder, Statement
from tests.faults.lives import killed_at_every_step
from tests.faults.test_kill import BESIDE, STATEMENTS
from tests.faults.worker import Moment
from tests.journeys.harness import Journey, journey

LONG = 200.0


async def a_month(at: Journey) -> None:
    """Every reseller owes two orders of the month that is over, in two currencies, due a week ago."""
    now = datetime.now(UTC)
    day = period_of(now, ZoneInfo(at.shop.settings.time_zone)).first
    async with at.services.database.system() as session:
        kept = {**at.shop.settings.model_dump(mode="json")}
        kept["program"] |= {"reminder_quiet_from": 0, "reminder_quiet_until": 0}
        await session.execute(update(Tenant).where(Tenant.id == at.tenant_id).values(settings=kept))
    async with at.rows() as session:
        for reseller_id in await session.scalars(select(Reseller.id)):
            for currency in ("EUR", "USD"):
                await post_receivable(
                    session, reseller_id=reseller_id, order_id=f"{reseller_id[:20]}-{currency}", amount=Money(10_000, currency),
                    order_number=f"{currency}-{reseller_id[:8]}", reference="RF18539007547034", order_date=day,
                    due=now.date() - timedelta(days=7), at=now,
                )  # fmt: skip


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_case_72_a_month_is_sent_once_although_the_worker_dies_at_every_step(tmp_path: Path, moment: Moment) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        await a_month(at)
        with killed_at_every_step(at.settings, moment, "every", tmp_path) as lives:
            for turn in ("first", "second"):
                await at.start("statements", f"statements:{turn}", datetime.now(UTC), None)
                await at.start("reminders", f"reminders:{turn}", datetime.now(UTC), None)
                # One goes its own way beside the others, as if something of its own had gone wrong among them.
                async with at.rows() as session:
                    apart = (await session.scalars(select(Reseller.id).order_by(Reseller.email))).first()
                period = str(period_of(datetime.now(UTC), ZoneInfo(at.shop.settings.time_zone)))
                await at.start("make_statements", f"statement:{turn}", at.tenant_id, apart, period)
                await at.idle(LONG)
            async with at.rows() as session:
                resellers = list(await session.scalars(select(Reseller)))
                made = list(await session.scalars(select(Statement).options(undefer(Statement.content), undefer(Statement.pdf))))
                references = list(await session.scalars(select(PaymentReference)))
                reminders = list(await session.scalars(select(Reminder)))
                mails = list(await session.scalars(select(Mail)))
            assert sorted((row.reseller_id, row.currency) for row in made) == sorted(
                (row.id, currency) for row in resellers for currency in ("EUR", "USD")
            )
            year = made[0].dated.year
            assert sorted(row.number for row in made) == [f"S{year}-{number:05d}" for number in range(1, len(made) + 1)]
            assert [row.pdf for row in made] == [render_statement(StatementData.model_validate(row.content)) for row in made]
            assert sorted(row.reference for row in references) == sorted(row.reference for row in made)
            assert {row.rung for row in reminders} == {7}
            assert len(reminders) == len(made)
            for kind in (MailKind.STATEMENT, MailKind.REMINDER):
                assert sorted(mail.recipient for mail in mails if mail.kind == kind) == sorted(row.email for row in resellers)
            assert {mail.state for mail in mails} == {"sent"}
            names = lives.names()
            assert STATEMENTS <= names <= BESIDE | {"send_mail"}, sorted(names)
            assert sorted(lives.deaths()) == sorted(await at.steps())


def test_the_walk_reaches_every_step_there_is() -> None:
    names = set(re.findall(r'@DBOS\.step\(name="(\w+)"', Path(workflow.__file__).read_text()))
    assert names == STATEMENTS
