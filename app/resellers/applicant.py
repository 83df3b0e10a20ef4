"""What an applicant does with an application beside filling it in: answer staff's question, and take it back (`rules.md` 1.2)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput
from app.resellers.application import MAX_QUESTION, OPEN, ApplicationState, cleaned_answers
from app.resellers.review import ASK, history, locked, not_possible, record
from app.resellers.tables import Application


async def question(session: AsyncSession, row: Application) -> str | None:
    """What staff ask now, as the name its answer has among the application's answers; None where nothing is asked.

    A question that was asked before counts its times, so that the answer from then stays.
    """
    if row.state != ApplicationState.MORE_INFORMATION:
        return None
    asked = _short(row.reason)
    times = sum(step.action == ASK and _short(step.reason) == asked for step in await history(session, row.id))
    return asked if times < 2 else f"{asked[: MAX_QUESTION - 10].rstrip()} ({times})"


async def keep_answer(session: AsyncSession, application_id: str, text: str) -> Application:
    """Keep the answer to what staff ask; a later one takes its place, until the application is submitted.

    Raises InvalidInput for an answer that is empty or too long, and Conflict when nothing is asked.
    """
    row = await locked(session, application_id, None)
    asked = await question(session, row)
    if asked is None:
        raise Conflict(f"Nothing is asked about the application: its state is {row.state}.", code="not_asked")
    if not text.strip():
        raise InvalidInput("answer: it is missing.", code="answers")
    row.answers = cleaned_answers({**row.answers, asked: text})
    await session.flush()
    return row


async def withdraw(session: AsyncSession, application_id: str, *, by: str, at: datetime) -> Application:
    """Take an application back before it is decided; once more changes nothing. Raises Conflict once it is decided."""
    row = await locked(session, application_id, None)
    if row.state == ApplicationState.WITHDRAWN:
        return row
    if row.state not in OPEN:
        raise Conflict(not_possible(row, "withdrawn"), code="already_decided")
    row.state, row.decided_at, row.decided_by, row.reason = ApplicationState.WITHDRAWN.value, at, by, ""
    await record(session, row, "withdraw", by=by, at=at)
    return row


def _short(question: str) -> str:
    return " ".join(question.split())[:MAX_QUESTION].strip()
