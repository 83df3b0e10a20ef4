"""One queue of everything that needs a person: tasks of staff and applications that wait, the oldest first.

Held orders, unclear money, certificates, refused mail, stuck work and problems of the installation are tasks, each with its
reasons (`orders.record.add_task`); an application is its own. A task's kind is the first part of its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import cursor_of, page
from app.orders.tables import ResellerOrder, StaffTask
from app.reasons import Reason, because, register
from app.resellers.application import ApplicationState
from app.resellers.tables import Application

register({"application_waits": "The application of {company} waits for a decision."})

KINDS: dict[str, tuple[str, ...]] = {
    "applications": (),
    "money": ("bank", "surplus", "returned", "report", "refund", "refund-differs", "other-payer"),
    "certificates": ("certificate", "certificate-review", "certificate-used"),
    "orders": ("audit", "other", "void", "changed", "canceled", "early", "fulfill", "e_invoice"),
    "accounts": ("customer", "claimed", "account", "unseen", "inactive", "listing", "no-listing"),
    "cases": ("case",),
    "mail": (
        "mail",
        "mail-in",
        "mail-to",
        "mail-loop",
        "price-mail",
        "certificate-mail",
        "statement",
        "reminder-mail",
        "wire-mail",
        "bounce",
    ),
    "work": ("stuck",),
    "setup": ("rates-old", "check", "template", "font"),
}
"""The kinds of the queue with the first parts of their tasks' keys; a key of none is shown among all."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that needs a person. `subject` is the id behind it: of an application, certificate, mail or workflow."""

    kind: str
    key: str
    subject: str
    since: datetime
    reasons: tuple[Reason, ...]
    order_number: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How much of a kind waits."""

    kind: str
    count: int


def kind_of(key: str) -> str:
    """The kind of a task; empty for a key that none names."""
    head = key.partition(":")[0]
    return next((kind for kind, heads in KINDS.items() if head in heads), "")


async def waiting(session: AsyncSession, kind: str, cursor: str | None, limit: int = 25) -> tuple[list[Waiting], str | None]:
    """A page of the queue, of one kind or with an empty one of all, and the cursor of the next.

    Raises InvalidInput for a wrong cursor.
    """
    found: list[tuple[datetime, str, Waiting]] = []
    if kind != "applications":
        found += await _tasks(session, kind, cursor, limit)
    if kind in ("", "applications"):
        found += await _applications(session, cursor, limit)
    found.sort(key=lambda one: one[:2])
    shown = found[:limit]
    following = cursor_of(shown[-1][0], shown[-1][1]) if len(found) > limit else None
    return [one for _, _, one in shown], following


async def counts(session: AsyncSession) -> list[Count]:
    """How much of each kind waits, in the order of the kinds."""
    kinds = [kind for kind in KINDS if KINDS[kind]]
    row = (
        await session.execute(
            select(*(func.coalesce(func.sum(case((_of(kind), 1), else_=0)), 0) for kind in kinds)).where(
                StaffTask.done_at.is_(None)
            )
        )
    ).one()
    applications = await session.scalar(select(func.count(Application.id)).where(_waits()))
    numbers = {"applications": applications or 0, **dict(zip(kinds, row, strict=True))}
    return [Count(kind, numbers[kind]) for kind in KINDS]


async def _tasks(session: AsyncSession, kind: str, cursor: str | None, limit: int) -> list[tuple[datetime, str, Waiting]]:
    query = select(StaffTask).where(StaffTask.done_at.is_(None))
    if kind:
        query = query.where(_of(kind))
    # One more than is shown, so that the merge knows whether there is a next page.
    rows, _ = await page(session, query, StaffTask.created_at, StaffTask.id, limit + 1, cursor, ascending=True)
    numbers = await _numbers(session, rows)
    return [
        (
            row.created_at,
            row.id,
            Waiting(
                kind_of(row.key),
                row.key,
                row.key.partition(":")[2],
                row.created_at,
                tuple(map(Reason.from_dict, row.reasons)),
                numbers.get(row.order_id or ""),
            ),
        )
        for row in rows
    ]


async def _numbers(session: AsyncSession, rows: Sequence[StaffTask]) -> dict[str, str]:
    ids = {row.order_id for row in rows if row.order_id}
    found = await session.execute(select(ResellerOrder.id, ResellerOrder.number).where(ResellerOrder.id.in_(ids)))
    return dict(found.all())


async def _applications(session: AsyncSession, cursor: str | None, limit: int) -> list[tuple[datetime, str, Waiting]]:
    query = select(Application).where(_waits())
    rows, _ = await page(session, query, Application.submitted_at, Application.id, limit + 1, cursor, ascending=True)  # type: ignore[arg-type]
    return [
        (
            row.submitted_at or row.created_at,
            row.id,
            Waiting(
                "applications",
                f"application:{row.id}",
                row.id,
                row.submitted_at or row.created_at,
                (because("application_waits", company=row.company or row.email),),
            ),
        )
        for row in rows
    ]


def _waits() -> ColumnElement[bool]:
    return and_(Application.state == ApplicationState.SUBMITTED, Application.submitted_at.is_not(None))


def _of(kind: str) -> ColumnElement[bool]:
    heads = KINDS.get(kind, ())
    return or_(*(or_(StaffTask.key == head, StaffTask.key.startswith(f"{head}:", autoescape=True)) for head in heads))
