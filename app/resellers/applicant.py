"""What an applicant does with an application beside filling it in: answer staff's question, and take it back (`rules.md` 1.2)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput
from app.reasons import Reason
from app.resellers.application import MAX_QUESTION, OPEN, ApplicationState, cleaned_answers
from app.resellers.review import locked, not_possible, record, submit
from app.resellers.tables import Application


async def answer(
    session: AsyncSession, application_id: str, text: str, *, email_confirmed: bool, by: str, at: datetime, email: str = ""
) -> tuple[Reason, ...]:
    """Keep the answer beside the question staff asked, and submit again; what the application lacks, like `review.submit`.

    An answer to the same question earlier stays. Raises InvalidInput for an answer that is empty or too long, and Conflict when
    nothing is asked.
    """
    row = await locked(session, application_id, None)
    if row.state != ApplicationState.MORE_INFORMATION:
        raise Conflict(f"Nothing is asked about the application: its state is {row.state}.", code="not_asked")
    if not text.strip():
        raise InvalidInput("answer: it is missing.", code="answers")
    asked = " ".join(row.reason.split())
    question, times = asked[:MAX_QUESTION], 1
    while question in row.answers:
        times += 1
        question = f"{asked[: MAX_QUESTION - 10]} ({times})"
    row.answers = cleaned_answers({**row.answers, question: text})
    await session.flush()
    return await submit(session, application_id, email_confirmed=email_confirmed, email=email, by=by, at=at)


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
