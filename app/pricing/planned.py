"""Changes of a price list that take effect on a day, announced before (`rules.md` 2.6, edge case 16).

What is planned is a difference: on its day it is carried out on what the list says then, so that what was announced takes effect,
and other changes made meanwhile stay. Days are the vendor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload, undefer

from app.db.pages import page
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.pricing.content import Changes, Content, between
from app.pricing.draft import Difference, Draft, difference
from app.pricing.rules import PriceList
from app.pricing.service import known_list, price_list, signed
from app.pricing.tables import (
    CANCELED,
    DEFAULT_LIST,
    IN_FORCE,
    PLANNED,
    PriceChange,
    PriceChangeNotice,
    PriceListAssignment,
    PriceListRow,
)
from app.pricing.versions import content_of, revise
from app.resellers.rules import ResellerStatus
from app.resellers.tables import Reseller


async def plan(
    session: AsyncSession,
    draft: Draft,
    *,
    on: date,
    cap: int,
    notice_days: int,
    today: date,
    by: str,
    at: datetime,
    why: str,
    short_notice: bool = False,
    name: str = DEFAULT_LIST,
) -> tuple[PriceChange, Difference]:
    """Plan that a list, which is there already, says from a day on what the draft wants.

    The difference is the one to what the list will say then, with what is planned for days before. Raises Refused for a day with
    less notice than `notice_days`, unless staff want it so (`short_notice`), and for a rate above the cap (`content.difference`);
    InvalidInput without a reason, for a day that is not to come, or a draft that changes no price; Conflict when a change of the
    list is planned for that day; NotFound.
    """
    if not why.strip():
        raise InvalidInput("why: a planned change needs a reason; staff see it beside the change.", code="why")
    if on <= today:
        raise InvalidInput(f"on: {on} is not a day to come; change the list itself for today.", code="on")
    earliest = today + timedelta(notice_days)
    if on < earliest and not short_notice:
        raise Refused(
            f"Resellers are told {notice_days} days before a price changes, so that {earliest} is the first day possible; "
            "choose that or a later day, or plan it with short notice.",
            code="short_notice",
        )
    await known_list(session, cap=cap, name=name)
    row = await price_list(session, cap=cap, name=name)
    if await session.scalar(_planned(row.id).where(PriceChange.effective_on == on)) is not None:
        raise Conflict(f"A change of the list {name!r} is planned for {on} already; cancel it first.", code="planned_already")
    found = difference(signed(draft, by), await content_on(session, row, on), cap=cap, on=on)
    if not found.changes:
        raise InvalidInput("The list will say this already on that day; there is nothing to plan.", code="no_difference")
    if found.changes.rate is None and not found.changes.priced():
        raise InvalidInput(
            "No price would change on that day; an exception or another name needs no announcement: give it at once.",
            code="no_difference",
        )
    change = PriceChange(
        price_list_id=row.id,
        state=PLANNED,
        effective_on=on,
        announce_on=max(today, on - timedelta(notice_days)),
        short_notice=on < earliest,
        planned_at=at,
        planned_by=by,
        why=why.strip(),
        added=found.changes.count("added"),
        changed=found.changes.count("changed"),
        removed=found.changes.count("removed"),
        changes=found.changes.as_dict(),
    )
    session.add(change)
    await session.flush()
    return change, found


async def preview_plan(session: AsyncSession, draft: Draft, *, on: date, cap: int, name: str = DEFAULT_LIST) -> Difference:
    """What `plan` would plan for a day; nothing is written. Raises as `content.difference` and NotFound."""
    row = await known_list(session, cap=cap, name=name)
    return difference(draft, await content_on(session, row, on), cap=cap, on=on)


async def cancel(session: AsyncSession, change_id: str, *, today: date, by: str, at: datetime, reason: str) -> PriceChange:
    """Cancel a planned change before its day. Who was told of it is told of this too (`to_be_retracted`).

    Raises NotFound, InvalidInput without a reason, and Conflict when it is not planned any more, its day has come, or another one
    planned for a later day of the same list builds on it.
    """
    if not reason.strip():
        raise InvalidInput("reason: a cancellation needs a reason.", code="reason")
    await _locked_list(session, change_id)  # whoever plans a later change in this moment builds on this one, or was first
    change = await _locked(session, change_id)
    if change is None:
        raise NotFound("There is no such planned change; `reseller prices planned` shows all.", code="no_price_change")
    if change.state == CANCELED:
        raise Conflict(f"It was canceled by {change.canceled_by} already.", code="canceled_already")
    if change.state == IN_FORCE or change.effective_on <= today:
        raise Conflict(
            f"It takes effect on {change.effective_on}, which has come; plan or make another change instead.", code="in_force"
        )
    later = await session.scalar(
        _planned(change.price_list_id).where(PriceChange.effective_on > change.effective_on).order_by(PriceChange.effective_on)
    )
    if later is not None:
        raise Conflict(
            f"The change planned for {later.effective_on} builds on this one; cancel that one first.", code="later_change"
        )
    change.state, change.canceled_at, change.canceled_by, change.cancel_reason = CANCELED, at, by, reason.strip()
    await session.flush()
    return change


async def due(session: AsyncSession, today: date) -> Sequence[str]:
    """The planned changes whose day has come, in the order of their days."""
    query = select(PriceChange.id).where(PriceChange.state == PLANNED, PriceChange.effective_on <= today)
    return (await session.scalars(query.order_by(PriceChange.effective_on, PriceChange.planned_at))).all()


async def take_effect(session: AsyncSession, change_id: str, *, today: date, at: datetime) -> bool:
    """Carry a planned change out, once, from its day on, however late; False when there is nothing to do any more."""
    row = await _locked_list(session, change_id)
    change = await _locked(session, change_id)
    if row is None or change is None or change.state != PLANNED or change.effective_on > today:
        return False
    content = await content_of(session, row)
    changes = between(content, Changes.from_dict(change.changes).on(content))
    await revise(session, row, changes, by=change.planned_by, at=at, why=change.why, change_id=change.id)
    change.state, change.in_force_at, change.version = IN_FORCE, at, row.version
    await session.flush()
    return True


async def content_on(session: AsyncSession, row: PriceListRow, on: date, *, told_to: str | None = None) -> Content:
    """What the list will say on a day, as far as it is planned - with `told_to` only as far as that reseller was told."""
    content = await content_of(session, row)
    if row.id is None:
        return content
    for change in await _until(session, row, on, told_to):
        content = Changes.from_dict(change.changes).on(content)
    return content


async def prices_on(session: AsyncSession, reseller_id: str, on: date, *, cap: int, announced: bool = True) -> PriceList:
    """The list a reseller will have on a day, as the price rules read it, for previews (`rules.md` 2.6).

    With `announced` only what the reseller was told of itself counts. Its version counts the planned changes until then as
    versions to come.
    """
    row = await list_of(session, reseller_id, cap=cap)
    told_to = reseller_id if announced else None
    content = await content_on(session, row, on, told_to=told_to)
    ahead = len(await _until(session, row, on, told_to)) if row.id is not None else 0
    return content.as_list(row.version + ahead, Decimal(cap))


async def list_of(session: AsyncSession, reseller_id: str, *, cap: int) -> PriceListRow:
    """The list a reseller has now."""
    own = select(PriceListRow).join(PriceListAssignment, PriceListAssignment.price_list_id == PriceListRow.id)
    found = own.where(PriceListAssignment.reseller_id == reseller_id).options(lazyload(PriceListRow.entries))
    row = (await session.scalars(found)).one_or_none()
    return row if row is not None else await known_list(session, cap=cap)


async def upcoming(
    session: AsyncSession, reseller_id: str, today: date, *, cap: int, limit: int, cursor: str | None = None
) -> tuple[Sequence[tuple[PriceChange, datetime]], str | None]:
    """A page of the changes of a reseller's list that are to come and that it was told of, each with when, the earliest first.

    They come with what they change; the cursor is that of the next page (`db.pages`).
    """
    row = await list_of(session, reseller_id, cap=cap)
    if row.id is None:
        return [], None
    query = _planned(row.id).where(exists(_told(reseller_id)), PriceChange.effective_on > today)
    query = query.options(undefer(PriceChange.changes))
    found, following = await page(session, query, PriceChange.effective_on, PriceChange.id, limit, cursor, ascending=True)
    notices = select(PriceChangeNotice.price_change_id, PriceChangeNotice.told_at).where(
        PriceChangeNotice.reseller_id == reseller_id, PriceChangeNotice.price_change_id.in_([change.id for change in found])
    )
    told = dict((await session.execute(notices)).all())
    return [(change, told[change.id]) for change in found], following


async def list_changes(session: AsyncSession, name: str | None = None) -> Sequence[tuple[PriceChange, str]]:
    """Every change that is or was planned with its list's name, the earliest day first, without what it changes."""
    query = select(PriceChange, PriceListRow.name).join(PriceListRow, PriceListRow.id == PriceChange.price_list_id)
    if name is not None:
        query = query.where(PriceListRow.name == name)
    found = await session.execute(query.order_by(PriceChange.effective_on, PriceChange.planned_at))
    return [(change, list_name) for change, list_name in found]


async def planned_change(session: AsyncSession, change_id: str) -> PriceChange:
    """One of them with what it changes. Raises NotFound."""
    query = select(PriceChange).where(PriceChange.id == change_id).options(undefer(PriceChange.changes))
    change = await session.scalar(query)
    if change is None:
        raise NotFound("There is no such planned change; `reseller prices planned` shows all.", code="no_price_change")
    return change


async def to_be_announced(session: AsyncSession, today: date) -> PriceChange | None:
    """The next planned change, locked, that somebody who has its list is still to be told of.

    One whose day came before anybody could be told is announced all the same, before it takes effect.
    """
    while True:
        query = select(PriceChange.id).where(PriceChange.state == PLANNED, PriceChange.announce_on <= today)
        query = query.where(or_(PriceChange.announced_at.is_(None), exists(_untold().correlate(PriceChange))))
        change_id = await session.scalar(query.order_by(PriceChange.effective_on).limit(1))
        if change_id is None:
            return None
        change = await _locked(session, change_id)
        if change is not None and change.state == PLANNED:
            return change


async def untold(session: AsyncSession, change: PriceChange, limit: int) -> Sequence[Reseller]:
    """Resellers of the program that have the change's list and were not told of it yet."""
    query = _untold(change).order_by(Reseller.id).limit(limit)
    return (await session.scalars(query)).all()


async def note_told(session: AsyncSession, change: PriceChange, resellers: Sequence[Reseller], at: datetime) -> None:
    """Keep that these were told; the change counts as announced from the first time on."""
    session.add_all(PriceChangeNotice(price_change_id=change.id, reseller_id=one.id, told_at=at) for one in resellers)
    change.announced_at = change.announced_at or at
    await session.flush()


async def to_be_retracted(
    session: AsyncSession, limit: int
) -> tuple[PriceChange, Sequence[tuple[PriceChangeNotice, Reseller]]] | None:
    """A change that was canceled after resellers were told of it, and the next notices, locked, of those to be told of that."""
    waiting = select(PriceChangeNotice.price_change_id).where(PriceChangeNotice.retracted_at.is_(None))
    canceled = select(PriceChange).where(PriceChange.state == CANCELED, PriceChange.id.in_(waiting))
    change = await session.scalar(canceled.order_by(PriceChange.canceled_at).limit(1).options(undefer(PriceChange.changes)))
    if change is None:
        return None
    query = (
        select(PriceChangeNotice, Reseller)
        .join(Reseller, Reseller.id == PriceChangeNotice.reseller_id)
        .where(PriceChangeNotice.price_change_id == change.id, PriceChangeNotice.retracted_at.is_(None))
        .order_by(PriceChangeNotice.id)
        .limit(limit)
        .with_for_update(of=PriceChangeNotice)
    )
    return change, [(notice, reseller) for notice, reseller in await session.execute(query)]


def _untold(change: PriceChange | None = None) -> Select[Reseller]:
    """Resellers that have a change's list and no notice of it; of the outer query's change when none is given."""
    change_id = PriceChange.id if change is None else change.id
    list_id = PriceChange.price_list_id if change is None else change.price_list_id
    own = select(PriceListAssignment.id).where(PriceListAssignment.reseller_id == Reseller.id)
    has_it = own.where(PriceListAssignment.price_list_id == list_id).correlate(PriceChange, Reseller)
    is_default = select(PriceListRow.id).where(PriceListRow.id == list_id, PriceListRow.name == DEFAULT_LIST)
    told = select(PriceChangeNotice.id).where(
        PriceChangeNotice.price_change_id == change_id, PriceChangeNotice.reseller_id == Reseller.id
    )
    return select(Reseller).where(
        Reseller.status == ResellerStatus.APPROVED.value,
        ~exists(told.correlate(PriceChange, Reseller)),
        or_(
            exists(has_it),
            ~exists(own.correlate(Reseller)) & exists(is_default.correlate(PriceChange)),
        ),
    )


def _told(reseller_id: str) -> Select[str]:
    """The notice to a reseller of the outer query's change."""
    notice = select(PriceChangeNotice.id).where(
        PriceChangeNotice.price_change_id == PriceChange.id, PriceChangeNotice.reseller_id == reseller_id
    )
    return notice.correlate(PriceChange)


async def _until(session: AsyncSession, row: PriceListRow, on: date, told_to: str | None) -> Sequence[PriceChange]:
    query = _planned(row.id).where(PriceChange.effective_on <= on)
    if told_to is not None:
        query = query.where(exists(_told(told_to)))
    query = query.order_by(PriceChange.effective_on, PriceChange.planned_at).options(undefer(PriceChange.changes))
    return (await session.scalars(query)).all()


async def _locked_list(session: AsyncSession, change_id: str) -> PriceListRow | None:
    """The list of a change under its row's lock: always before the change's own, so that nobody waits for each other."""
    of = select(PriceChange.price_list_id).where(PriceChange.id == change_id).scalar_subquery()
    found = select(PriceListRow).where(PriceListRow.id == of).options(lazyload(PriceListRow.entries))
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def _locked(session: AsyncSession, change_id: str) -> PriceChange | None:
    query = select(PriceChange).where(PriceChange.id == change_id).options(undefer(PriceChange.changes))
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).one_or_none()


def _planned(list_id: str) -> Select[PriceChange]:
    return select(PriceChange).where(PriceChange.price_list_id == list_id, PriceChange.state == PLANNED)
