"""Exemption certificates: handed in, decided by staff once, ended by time (`rules.md` 10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import page
from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.addresses import us_state
from app.tax.days import is_over
from app.tax.rules import CertificateState
from app.tax.tables import CertificateRow

DECISIONS = {
    CertificateState.APPROVED: frozenset({CertificateState.PENDING}),
    CertificateState.REJECTED: frozenset({CertificateState.PENDING}),
    CertificateState.EXPIRED: frozenset({CertificateState.APPROVED}),
    CertificateState.REVOKED: frozenset({CertificateState.APPROVED, CertificateState.EXPIRED}),
}
"""From which states staff may bring a certificate where (`rules.md` 10.3)."""
NEEDS_REASON = frozenset({CertificateState.REJECTED, CertificateState.REVOKED})
MAX_TEXT, MAX_REASON = 100, 4000
MAX_WAITING = 20
"""Certificates of one reseller that may wait for staff at the same time."""
BY_TIME = "the calendar"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


async def add_certificate(
    session: AsyncSession,
    *,
    reseller_id: str,
    number: str,
    states: Iterable[str],
    signed_on: date,
    valid_from: date,
    at: datetime,
    valid_to: date | None = None,
    form: str = "",
    by: str = "",
    file_id: str | None = None,
    replaces: str = "",
) -> CertificateRow:
    """A certificate as it came in: pending, and without effect until staff approve it.

    `states` are US states as codes or names; `valid_to` is the last day, None an open end (edge case 37); `replaces` is the id of
    the reseller's certificate that it renews. Raises InvalidInput that names the field, and Conflict for a number that waits
    already or is approved and not named in `replaces`, and for too many that wait.
    """
    number = _line("number", number, MAX_TEXT)
    form = _line("form", form, MAX_TEXT)
    if not number:
        raise InvalidInput("number: the certificate's number is missing.", code="number")
    codes = sorted({us_state(state, "states") for state in states})
    if not codes:
        raise InvalidInput("states: name at least one US state, like TX.", code="states")
    if valid_to is not None and valid_to < valid_from:
        raise InvalidInput(f"valid_to: {valid_to} is before the first day {valid_from}.", code="valid_to")
    for name, day in (("valid_from", valid_from), ("valid_to", valid_to)):
        if day is not None and not 1950 <= day.year <= 2200:
            raise InvalidInput(f"{name}: {day} cannot be right; leave valid_to out where there is no end.", code=name)
    if signed_on > (at + timedelta(days=1)).date():  # it may be tomorrow already where it was signed
        raise InvalidInput(f"signed_on: {signed_on} is in the future.", code="signed_on")
    old = await _replaced(session, reseller_id, replaces) if replaces else None
    own = select(CertificateRow).where(CertificateRow.reseller_id == reseller_id)
    if await session.scalar(own.where(CertificateRow.number == number, CertificateRow.state == CertificateState.PENDING.value)):
        raise Conflict(f"Certificate {number} is there already; it waits for a decision.", code="known_certificate")
    approved = own.where(CertificateRow.number == number, CertificateRow.state == CertificateState.APPROVED.value)
    for known in await session.scalars(approved):
        if old is None or known.id != old.id:
            raise Conflict(
                f"Certificate {number} is there already and approved; hand in its renewal as the one that replaces it.",
                code="known_certificate",
            )
    counted = select(func.count(CertificateRow.id)).where(
        CertificateRow.reseller_id == reseller_id, CertificateRow.state == CertificateState.PENDING.value
    )
    if (await session.scalar(counted) or 0) >= MAX_WAITING:
        raise Conflict(f"{MAX_WAITING} certificates wait for a decision already; hand in more after it.", code="too_many")
    row = CertificateRow(
        reseller_id=reseller_id,
        number=number,
        form=form,
        states=codes,
        state=CertificateState.PENDING.value,
        signed_on=signed_on,
        valid_from=valid_from,
        valid_to=valid_to,
        created_at=at,
        created_by=by[:254],
        file_id=file_id,
        replaces_id=old.id if old else None,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:  # the other click of a double click was first
        raise Conflict(f"Certificate {number} is there already; it waits for a decision.", code="known_certificate") from error
    return row


async def decide_certificate(
    session: AsyncSession,
    certificate_id: str,
    state: CertificateState,
    *,
    by: str,
    at: datetime,
    reason: str = "",
    version: int | None = None,
    review_days: int = 1095,
) -> CertificateRow:
    """Approve, reject, end or revoke a certificate. Past orders keep their evidence (edge cases 32 to 35).

    The reseller is told `reason`. An approved one without an end is looked at again after `review_days` (edge case 37); one that
    staff end is valid up to today. Raises InvalidInput without a reason where one is owed, NotFound, and Conflict that names who
    decided before when the state no longer allows it, or when `version`, the one that was read, is not the stored one any more.
    """
    told = reason.replace("\r\n", "\n").strip()
    if state in NEEDS_REASON and not told:
        raise InvalidInput("reason: say why; the reseller is told.", code="reason")
    if len(told) > MAX_REASON or _CONTROL.search(told):
        raise InvalidInput(f"reason: at most {MAX_REASON} characters of text.", code="reason")
    locked = select(CertificateRow).where(CertificateRow.id == certificate_id).with_for_update()
    row = (await session.scalars(locked.execution_options(populate_existing=True))).one_or_none()
    if row is None:
        raise NotFound("There is no such certificate; `reseller certificates list` shows all.", code="no_certificate")
    if row.state not in DECISIONS.get(state, ()):
        when = f" on {row.decided_at.date()}" if row.decided_at else ""
        told_state = f"was already decided by {row.decided_by}{when}: it is" if row.decided_by else "is still"
        raise Conflict(f"Certificate {row.number} {told_state} {row.state}.", code="already_decided")
    if version is not None and row.version != version:
        raise Conflict("The certificate was changed since it was read; read it again.", code="changed")
    row.state, row.decided_by, row.decided_at, row.reason = state.value, by, at, told
    row.review_on = None
    if state is CertificateState.APPROVED and row.valid_to is None:
        row.review_on = at.date() + timedelta(days=review_days)
    if state is CertificateState.EXPIRED and (row.valid_to is None or row.valid_to > at.date()):
        row.valid_to = max(at.date(), row.valid_from)
    await session.flush()
    return row


async def expire(session: AsyncSession, *, at: datetime, today: date | None) -> list[CertificateRow]:
    """Those whose last day is over become expired; repeated, it finds no more.

    The day is the one in the certificate's states (edge case 36), or `today`, the vendor's, where that is given.
    """
    # Nowhere is it later than in Guam and earlier than in Samoa: those that may be over in any of their states.
    late = (at + timedelta(hours=14)).date()
    over = select(CertificateRow).where(
        CertificateRow.state == CertificateState.APPROVED.value,
        CertificateRow.valid_to.is_not(None),
        CertificateRow.valid_to < late,
    )
    ended = []
    for row in await session.scalars(over.with_for_update().execution_options(populate_existing=True)):
        assert row.valid_to is not None
        if row.valid_to < today if today is not None else is_over(row.states, row.valid_to, at):
            row.state, row.decided_by, row.decided_at, row.reason = CertificateState.EXPIRED.value, BY_TIME, at, ""
            ended.append(row)
    await session.flush()
    return ended


async def ending(session: AsyncSession, first: date, last: date) -> list[CertificateRow]:
    """Approved certificates whose last day is in between, both inclusive."""
    query = select(CertificateRow).where(
        CertificateRow.state == CertificateState.APPROVED.value, CertificateRow.valid_to.between(first, last)
    )
    return list(await session.scalars(query.order_by(CertificateRow.valid_to, CertificateRow.id)))


async def to_review(session: AsyncSession, today: date) -> list[CertificateRow]:
    """Approved certificates without an end that staff should look at again (edge case 37)."""
    query = select(CertificateRow).where(
        CertificateRow.state == CertificateState.APPROVED.value, CertificateRow.review_on <= today
    )
    return list(await session.scalars(query.order_by(CertificateRow.review_on, CertificateRow.id)))


async def get_certificate(session: AsyncSession, certificate_id: str, reseller_id: str | None = None) -> CertificateRow:
    """One certificate, of this reseller where one is given. Raises NotFound."""
    query = select(CertificateRow).where(CertificateRow.id == certificate_id)
    if reseller_id is not None:
        query = query.where(CertificateRow.reseller_id == reseller_id)
    row = await session.scalar(query)
    if row is None:
        way_out = "; `reseller certificates list` shows all" if reseller_id is None else ""
        raise NotFound(f"There is no such certificate{way_out}.", code="no_certificate")
    return row


async def list_certificates(session: AsyncSession, reseller_id: str | None = None) -> list[CertificateRow]:
    """All certificates, or one reseller's, in the order they came."""
    rows = select(CertificateRow).order_by(CertificateRow.created_at, CertificateRow.id)
    return list(await session.scalars(rows.where(CertificateRow.reseller_id == reseller_id) if reseller_id else rows))


async def page_of_certificates(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[CertificateRow], str | None]:
    """A page of a reseller's certificates, the one that came last first, and the cursor of the next."""
    query = select(CertificateRow).where(CertificateRow.reseller_id == reseller_id)
    return await page(session, query, CertificateRow.created_at, CertificateRow.id, limit, cursor)


async def _replaced(session: AsyncSession, reseller_id: str, certificate_id: str) -> CertificateRow:
    query = select(CertificateRow).where(CertificateRow.id == certificate_id, CertificateRow.reseller_id == reseller_id)
    row = await session.scalar(query)
    if row is None:
        raise InvalidInput("replaces: this reseller has no such certificate.", code="replaces")
    return row


def _line(field: str, given: str, longest: int) -> str:
    text = " ".join(given.split())
    if _CONTROL.search(text):
        raise InvalidInput(f"{field}: it holds characters that are no text.", code=field)
    if len(text) > longest:
        raise InvalidInput(f"{field}: at most {longest} characters.", code=field)
    return text
