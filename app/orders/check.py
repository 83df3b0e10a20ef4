"""`reseller check`: questions about the stored facts whose answer must be empty (`rules.md` 4, 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.tables import BankImport
from app.db.bulk import chunks
from app.db.reading import rows
from app.ledger.booking import DEBT_ID, OPEN_EFFECT
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.licenses.rules import LicenseKind, LicenseState
from app.licenses.tables import License
from app.mail.record import verify
from app.mail.service import QUEUED, SENT
from app.mail.tables import Mail, Mailbox
from app.orders.check_money import MONEY_QUESTIONS
from app.orders.record import add_task, finish_task
from app.orders.tables import MoneyReport, OrderLine, ResellerOrder, StaffTask
from app.reasons import because, register

register({"books_contradict": "{question}: {found}. See `reseller check`."})

STUCK_AFTER = timedelta(minutes=30)
RECORD = "correspondence_altered"
SHOWN = 10
"""Answers that a task names."""


async def check(session: AsyncSession, at: datetime) -> dict[str, list[str]]:
    """Every question with what contradicts it; all lists empty means that the books and licenses agree."""
    return {name: [str(row) for row in await question(session, at)] for name, question in QUESTIONS.items()}


async def show_contradictions(session: AsyncSession, at: datetime) -> int:
    """Ask everything (`HOURLY`) and make a task of each question with an answer; the others' are done. How many have one."""
    found = {name: [str(row) for row in await question(session, at)] for name, question in HOURLY.items()}
    for name, answers in found.items():
        key = f"check:{name}"
        if answers:
            shown = ", ".join(answers[:SHOWN]) + (f" and {len(answers) - SHOWN} more" if len(answers) > SHOWN else "")
            await add_task(session, key, None, [because("books_contradict", question=name, found=shown)], at)
        else:
            await finish_task(session, key, at)
    return sum(bool(answers) for answers in found.values())


async def _released_without_evidence(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Permanent licenses of orders whose release nobody decided."""
    rows = (
        select(License.order_number)
        .join(ResellerOrder, ResellerOrder.id == License.order_id)
        .where(License.kind == LicenseKind.PERMANENT, ResellerOrder.release_decided_at.is_(None))
    )
    return (await session.scalars(rows)).all()


async def _released_without_license(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Lines of released orders that have no permanent license."""
    # Joined, for PostgreSQL looks up NOT IN row by row once its list is too long for its memory: hours with a million of each.
    licensed = License.order_line_id == OrderLine.id, License.kind == LicenseKind.PERMANENT
    rows = (
        select(ResellerOrder.number)
        .join(OrderLine, OrderLine.order_id == ResellerOrder.id)
        .where(
            ResellerOrder.released_at.is_not(None),
            OrderLine.license_policy.is_not(None),
            ~select(License.id).where(*licensed).exists(),
        )
    )
    return (await session.scalars(rows)).all()


async def _licensed_although_canceled(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Active licenses of orders canceled before their release."""
    rows = (
        select(License.order_number)
        .join(ResellerOrder, ResellerOrder.id == License.order_id)
        .where(
            ResellerOrder.canceled_at.is_not(None),
            ResellerOrder.release_decided_at.is_(None),
            License.state == LicenseState.ACTIVE,
        )
    )
    return (await session.scalars(rows)).all()


async def _stuck_releases(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Releases that were decided and are not through."""
    rows = select(ResellerOrder.number).where(
        ResellerOrder.release_decided_at < at - STUCK_AFTER, ResellerOrder.released_at.is_(None)
    )
    return (await session.scalars(rows)).all()


async def _not_confirmed(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Orders that passed their audit and are not confirmed in Saleor."""
    rows = select(ResellerOrder.number).where(
        ResellerOrder.audit_passed.is_(True),
        ResellerOrder.confirmed_at.is_(None),
        ResellerOrder.canceled_at.is_(None),
        ResellerOrder.created_at < at - STUCK_AFTER,
    )
    return (await session.scalars(rows)).all()


async def _paid_and_not_fulfilled(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Released orders that are paid and not fulfilled in Saleor; what was written off Saleor takes for unpaid for ever."""
    given_up = select(LedgerItem.id).where(LedgerItem.order_id == ResellerOrder.id, LedgerItem.kind == Kind.WRITE_OFF)
    open_minor = (
        select(func.sum(OPEN_EFFECT)).where(LedgerItem.order_id == ResellerOrder.id).correlate(ResellerOrder).scalar_subquery()
    )
    rows = select(ResellerOrder.number).where(
        ResellerOrder.released_at < at - STUCK_AFTER,
        ResellerOrder.fulfilled_at.is_(None),
        ResellerOrder.canceled_at.is_(None),
        ~given_up.exists(),
        open_minor <= 0,
    )
    return (await session.scalars(rows)).all()


async def _stuck_reports(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Money that Saleor was not told of."""
    rows = (
        select(ResellerOrder.number)
        .join(MoneyReport, MoneyReport.order_id == ResellerOrder.id)
        .where(MoneyReport.reported_at.is_(None), MoneyReport.at < at - STUCK_AFTER)
    )
    return (await session.scalars(rows)).all()


async def _stuck_mails(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Mails that no server took, or that came back, as long as nobody has sent them again."""
    told = select(StaffTask.key).where(StaffTask.key.startswith("mail:"), StaffTask.done_at.is_(None))
    open_ones = [key.removeprefix("mail:") for key in await session.scalars(told)]
    stuck = []
    late = (Mail.state == QUEUED) & (Mail.created_at < at - STUCK_AFTER)
    back = (Mail.state.not_in((QUEUED, SENT)) & Mail.id.in_(part) for part in chunks(open_ones))
    for wanted in (late, *back):
        query = select(Mail).where(wanted).order_by(Mail.created_at, Mail.key)
        async for (mail,) in rows(session, query):
            stuck.append(f"{mail.key} {mail.state} since {mail.created_at:%Y-%m-%d %H:%M} {mail.error}".strip())
    return stuck


async def _altered_record(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Mails of the written record that were changed, put between or taken away; the command looks at their bytes, too."""
    return await verify(session)


async def _altered_part(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """The same, of a large record in the course of a day; all of it while something is known to be wrong."""
    task = select(StaffTask.id).where(StaffTask.key == f"check:{RECORD}", StaffTask.done_at.is_(None))
    return await verify(session, hour=at.hour if await session.scalar(task) is None else None)


async def _mailbox_not_read(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """The mailbox of answers and bounces, where it could not be read for some time."""
    late = select(Mailbox).where(Mailbox.failing_since.is_not(None), Mailbox.failing_since < at - STUCK_AFTER)
    return [f"{box.name} since {box.failing_since:%Y-%m-%d %H:%M}: {box.error}" for box in await session.scalars(late)]


async def _released_without_reasons(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Permanent licenses of orders that keep no evidence of why their gate was open."""
    query = (
        select(ResellerOrder.number)
        .join(License, License.order_id == ResellerOrder.id)
        .where(
            License.kind == LicenseKind.PERMANENT,
            ResellerOrder.release_decided_at.is_not(None),
            cast(ResellerOrder.release_reasons, Text) == "[]",
        )
    )
    return (await session.scalars(query)).all()


async def _unpaid_although_released(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Prepaid orders released on their money that is not there any more, and of which no person was told."""
    sums = (
        select(DEBT_ID.label("debt"), func.sum(OPEN_EFFECT).label("open"))
        .where(DEBT_ID.is_not(None))
        .group_by(DEBT_ID)
        .having(func.sum(OPEN_EFFECT) > 0)
        .subquery()
    )
    told = select(StaffTask.id).where(StaffTask.order_id == ResellerOrder.id)
    query = (
        select(ResellerOrder.number)
        .join(LedgerItem, (LedgerItem.order_id == ResellerOrder.id) & (LedgerItem.kind == Kind.RECEIVABLE))
        .join(sums, sums.c.debt == LedgerItem.id)
        .where(
            ResellerOrder.release_decided_at.is_not(None),
            cast(ResellerOrder.release_reasons, Text).contains("wire_booked"),
            ResellerOrder.canceled_at.is_(None),
            ~told.exists(),
        )
    )
    return (await session.scalars(query)).all()


async def _unfinished_imports(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Bank files whose import, or whose undoing, did not come to its end."""
    query = select(BankImport.file_name).where(
        BankImport.state.in_(("reading", "running", "undoing")), BankImport.started_at < at - STUCK_AFTER
    )
    return (await session.scalars(query)).all()


QUESTIONS: dict[str, Callable[[AsyncSession, datetime], Awaitable[Sequence[Any]]]] = {
    **MONEY_QUESTIONS,
    "bank_files_not_finished": _unfinished_imports,
    "licenses_without_a_decided_release": _released_without_evidence,
    "releases_without_reasons": _released_without_reasons,
    "released_orders_no_longer_paid": _unpaid_although_released,
    "released_lines_without_a_license": _released_without_license,
    "active_licenses_of_canceled_orders": _licensed_although_canceled,
    "orders_not_confirmed": _not_confirmed,
    "releases_stuck": _stuck_releases,
    "paid_orders_not_fulfilled": _paid_and_not_fulfilled,
    "reports_to_saleor_stuck": _stuck_reports,
    "mails_stuck": _stuck_mails,
    "mailbox_not_read": _mailbox_not_read,
    RECORD: _altered_record,
}
HOURLY = QUESTIONS | {RECORD: _altered_part}
"""As the hourly look asks them."""
