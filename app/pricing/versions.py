"""The versions of a price list: every change makes the next one, with who, when, why and what (`rules.md` 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.db.reading import rows
from app.errors import NotFound
from app.money import shortest
from app.pricing.content import Changes, Content, EntryKey, Terms
from app.pricing.rules import Scope, StaffException
from app.pricing.tables import PriceEntry, PriceListRow, PriceListVersion

MANY = 100
"""From so many changes on all entries of a list are read instead of those that change."""


async def content_of(session: AsyncSession, row: PriceListRow) -> Content:
    """What the list says now. A list that nobody has set yet, and that is in no table, has no entries."""
    entries: dict[EntryKey, Terms] = {}
    if row.id is not None:
        columns = select(
            PriceEntry.scope,
            PriceEntry.target,
            PriceEntry.minimum_quantity,
            PriceEntry.currency,
            PriceEntry.valid_from,
            PriceEntry.rate,
            PriceEntry.fixed_minor,
            PriceEntry.valid_to,
            PriceEntry.label,
        ).where(PriceEntry.price_list_id == row.id)
        async for scope, target, quantity, currency, valid_from, rate, fixed_minor, valid_to, label in rows(session, columns):
            key = EntryKey(Scope[scope.upper()], target, quantity, currency, valid_from)
            entries[key] = Terms(None if rate is None else shortest(rate), fixed_minor, valid_to, label)
    return Content(shortest(row.rate), entries, exception_of(row))


def exception_of(row: PriceListRow) -> StaffException | None:
    """The leave of staff to go above the cap that stands on the list, in force or not any more."""
    if row.exception_rate is None or row.exception_expires is None:
        return None
    return StaffException(shortest(row.exception_rate), row.exception_reason, row.exception_expires, row.exception_by)


async def revise(
    session: AsyncSession,
    row: PriceListRow,
    changes: Changes,
    *,
    by: str,
    at: datetime,
    why: str = "",
    change_id: str | None = None,
) -> bool:
    """Carry a difference out on a list that the caller locked, as its next version; False when there is none."""
    if not changes:
        return False
    if changes.rate:
        row.rate = changes.rate[1]
    if changes.exception:
        leave = changes.exception[1]
        row.exception_rate = leave.rate if leave else None
        row.exception_reason = leave.reason if leave else ""
        row.exception_expires = leave.expires if leave else None
        row.exception_by = leave.by if leave else ""
    await _revise_entries(session, row, changes, at)
    row.version += 1
    session.add(
        PriceListVersion(
            price_list_id=row.id,
            version=row.version,
            at=at,
            by=by,
            why=why.strip(),
            added=changes.count("added"),
            changed=changes.count("changed"),
            removed=changes.count("removed"),
            changes=changes.as_dict(),
            price_change_id=change_id,
        )
    )
    await session.flush()
    return True


async def history(session: AsyncSession, row: PriceListRow) -> Sequence[PriceListVersion]:
    """The changes of a list, the newest first, without what each changed."""
    found = select(PriceListVersion).where(PriceListVersion.price_list_id == row.id)
    return (await session.scalars(found.order_by(PriceListVersion.version.desc()))).all()


async def version_of(session: AsyncSession, row: PriceListRow, version: int) -> PriceListVersion:
    """One change of a list with all it changed. Raises NotFound that names the versions there are."""
    found = select(PriceListVersion).where(PriceListVersion.price_list_id == row.id, PriceListVersion.version == version)
    change = await session.scalar(found.options(undefer(PriceListVersion.changes)))
    if change is None:
        raise await _unknown(session, row, version)
    return change


async def content_at(session: AsyncSession, row: PriceListRow, version: int) -> Content:
    """What the list said at a version, as an order was priced with it. Raises NotFound for one that is not known."""
    later = select(PriceListVersion).where(PriceListVersion.price_list_id == row.id, PriceListVersion.version > version)
    undone = (
        await session.scalars(later.order_by(PriceListVersion.version.desc()).options(undefer(PriceListVersion.changes)))
    ).all()
    if not 1 <= version <= row.version or len(undone) != row.version - version:
        raise await _unknown(session, row, version)
    content = await content_of(session, row)
    for change in undone:
        content = Changes.from_dict(change.changes).undone().on(content)
    return content


async def _revise_entries(session: AsyncSession, row: PriceListRow, changes: Changes, at: datetime) -> None:
    if not changes.entries:
        return
    old = [change.key for change in changes.entries if change.old is not None]
    stored: dict[EntryKey, PriceEntry] = {}
    if old:
        found = select(PriceEntry).where(PriceEntry.price_list_id == row.id)
        if len(old) <= MANY:
            found = found.where(PriceEntry.target.in_({key.target for key in old}))
        stored = {key_of(entry): entry for entry in await session.scalars(found)}
    for change in changes.entries:
        entry = stored.get(change.key)
        if change.new is None:
            if entry is not None:
                await session.delete(entry)
            continue
        if entry is None:
            key = change.key
            entry = PriceEntry(
                price_list_id=row.id,
                scope=key.scope.name.lower(),
                target=key.target,
                minimum_quantity=key.minimum_quantity,
                currency=key.currency,
                valid_from=key.valid_from,
                created_at=at,
            )
            session.add(entry)
        entry.rate, entry.fixed_minor = change.new.rate, change.new.fixed_minor
        entry.valid_to, entry.label = change.new.valid_to, change.new.label


def key_of(entry: PriceEntry) -> EntryKey:
    """The key of a stored entry."""
    return EntryKey(Scope[entry.scope.upper()], entry.target, entry.minimum_quantity, entry.currency, entry.valid_from)


async def _unknown(session: AsyncSession, row: PriceListRow, version: int) -> NotFound:
    first = await session.scalar(
        select(PriceListVersion.version)
        .where(PriceListVersion.price_list_id == row.id)
        .order_by(PriceListVersion.version)
        .limit(1)
    )
    known = (
        f"changes {first} to {row.version} are on record" if first else f"it has version {row.version} and no change on record"
    )
    return NotFound(f"Version {version} of the list {row.name!r} is not known; {known}.", code="no_version")
