"""Price lists in the database: every change raises the list's version and is on record (`pricing.versions`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from app.db.reading import rows
from app.errors import InvalidInput, NotFound
from app.money import Money, shortest
from app.pricing.content import Content, EntryKey, Terms
from app.pricing.draft import Difference, Draft, difference
from app.pricing.rules import Entry, PriceList, Scope, StaffException
from app.pricing.tables import DEFAULT_LIST, PriceEntry, PriceListAssignment, PriceListRow
from app.pricing.versions import content_of, exception_of, key_of, revise
from app.resellers.service import lock
from app.resellers.tables import ResellerHistory

DEFAULT_RATE = Decimal(10)
"""Percent off retail of a list nobody has set yet (`rules.md` 2.1)."""
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Prices:
    """All lists of a shop for the hot path: by row id, and the one of resellers without another."""

    default: PriceList
    by_id: Mapping[str, PriceList]
    assigned: Mapping[str, str]
    """Reseller id to list id, for those that do not have the default list."""

    def of(self, reseller_id: str) -> PriceList:
        """The list of a reseller; the object is shared by all that have it."""
        return self.by_id[self.assigned[reseller_id]] if reseller_id in self.assigned else self.default


async def price_list(session: AsyncSession, *, cap: int, name: str = DEFAULT_LIST) -> PriceListRow:
    """The list of this name, created with the default rate (or the cap, where that is lower) when it is not there yet.

    The row stays locked until the transaction ends, so that two changes cannot get the same version. Raises InvalidInput for a
    name that cannot be one.
    """
    row = (await session.scalars(_by_name(name).with_for_update())).one_or_none()
    if row is not None:
        return row
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidInput(f"list: {name[:LONGEST_NAME]!r} is no name; give 1 to {LONGEST_NAME} plain characters.", code="list")
    try:
        async with session.begin_nested():
            session.add(_unset(name, cap))
    except IntegrityError:
        pass  # another one created it in this moment; both now read the same row
    return (await session.scalars(_by_name(name).with_for_update())).one()


async def known_list(session: AsyncSession, *, cap: int, name: str = DEFAULT_LIST) -> PriceListRow:
    """The list of this name to look at; nothing is written. The default one that nobody has set yet is shown as it is in force.

    Raises NotFound that names the lists there are.
    """
    row = (await session.scalars(_by_name(name))).one_or_none()
    if row is not None:
        return row
    if name == DEFAULT_LIST:
        return _unset(name, cap)
    names = sorted({DEFAULT_LIST, *await session.scalars(select(PriceListRow.name))})
    raise NotFound(f"There is no price list {name!r}; there are: {', '.join(names)}.", code="no_price_list")


async def preview_draft(session: AsyncSession, draft: Draft, *, cap: int, today: date, name: str = DEFAULT_LIST) -> Difference:
    """What a draft would change in a list that there is, as `change` would answer; nothing is written."""
    row = await known_list(session, cap=cap, name=name)
    return difference(draft, await content_of(session, row), cap=cap, on=today)


def difference_for_new(draft: Draft, *, cap: int, today: date) -> Difference:
    """What `change` would answer for a list that it makes."""
    return difference(draft, Content(min(DEFAULT_RATE, Decimal(cap))), cap=cap, on=today)


async def change(
    session: AsyncSession,
    draft: Draft,
    *,
    cap: int,
    today: date,
    by: str,
    at: datetime,
    why: str = "",
    name: str = DEFAULT_LIST,
) -> tuple[PriceListRow, Difference]:
    """Let a list say what the draft wants, all of it or nothing, as the list's next version; no new one when nothing differs.

    `cap` is the shop's `max_discount_percent`; a rate above it needs a staff exception, in the draft or in force already, else
    it is Refused. Raises InvalidInput for what cannot be. A list of a new name is made.
    """
    row = await price_list(session, cap=cap, name=name)
    found = difference(signed(draft, by), await content_of(session, row), cap=cap, on=today)
    await revise(session, row, found.changes, by=by, at=at, why=why)
    return row, found


def signed(draft: Draft, by: str) -> Draft:
    """The draft with the name of who gives its exception."""
    if draft.exception is None or draft.exception.by:
        return draft
    return replace(draft, exception=replace(draft.exception, by=by))


async def set_rate(
    session: AsyncSession,
    rate: Decimal,
    *,
    cap: int,
    today: date,
    by: str,
    at: datetime,
    why: str = "",
    name: str = DEFAULT_LIST,
    exception: StaffException | None = None,
) -> PriceListRow:
    """Set a list's percentage off retail, as `change` does."""
    draft = Draft(rate=rate, exception=exception)
    row, _ = await change(session, draft, cap=cap, today=today, by=by, at=at, why=why, name=name)
    return row


async def set_entry(
    session: AsyncSession,
    *,
    scope: Scope,
    target: str,
    label: str,
    cap: int,
    today: date,
    by: str,
    at: datetime,
    why: str = "",
    rate: Decimal | None = None,
    fixed: Money | None = None,
    minimum_quantity: int = 1,
    valid_from: date | None = None,
    valid_to: date | None = None,
    name: str = DEFAULT_LIST,
    exception: StaffException | None = None,
) -> PriceEntry:
    """Set the entry for one thing as `change` does; one with the same key is replaced (`entry_draft`)."""
    draft = entry_draft(scope, target, label, rate, fixed, minimum_quantity, valid_from, valid_to, exception)
    row, _ = await change(session, draft, cap=cap, today=today, by=by, at=at, why=why, name=name)
    stored = await session.scalars(select(PriceEntry).where(PriceEntry.price_list_id == row.id, PriceEntry.target == target))
    return next(entry for entry in stored if key_of(entry) in draft.entries)


def entry_draft(
    scope: Scope,
    target: str,
    label: str,
    rate: Decimal | None = None,
    fixed: Money | None = None,
    minimum_quantity: int = 1,
    valid_from: date | None = None,
    valid_to: date | None = None,
    exception: StaffException | None = None,
) -> Draft:
    """The draft that sets one entry, replacing one with the same scope, target, quantity, currency and first day.

    `target` is Saleor's id, `label` what a person calls it. Both days are inclusive, None is an open end. A fixed price is held
    to the cap when it meets a retail price.
    """
    key = EntryKey(scope, target, minimum_quantity, fixed.currency if fixed else "", valid_from or date.min)
    called = " ".join(label.split())
    return Draft(entries={key: Terms(rate, fixed.minor if fixed else None, valid_to, called)}, exception=exception)


async def remove_entry(session: AsyncSession, entry_id: str, *, by: str, at: datetime, why: str = "") -> None:
    """Take an entry out of its list. Raises NotFound."""
    key, row = await entry_and_list(session, entry_id)
    changes = Draft(entries={key: None}).on(await content_of(session, row))
    await revise(session, row, changes, by=by, at=at, why=why)


async def entry_and_list(session: AsyncSession, entry_id: str) -> tuple[EntryKey, PriceListRow]:
    """The key of an entry and its list, locked. Raises NotFound."""
    list_id = await session.scalar(select(PriceEntry.price_list_id).where(PriceEntry.id == entry_id))
    locked = select(PriceListRow).where(PriceListRow.id == list_id).options(lazyload(PriceListRow.entries)).with_for_update()
    row = (await session.scalars(locked)).one_or_none() if list_id else None
    entry = (await session.scalars(select(PriceEntry).where(PriceEntry.id == entry_id))).one_or_none()
    if row is None or entry is None:
        raise NotFound("There is no such price entry; `reseller prices list` shows all.", code="no_entry")
    return key_of(entry), row


async def list_entries(session: AsyncSession, name: str = DEFAULT_LIST) -> list[PriceEntry]:
    """A list's entries by scope, label and first day."""
    lists = select(PriceListRow.id).where(PriceListRow.name == name)
    found = select(PriceEntry).where(PriceEntry.price_list_id.in_(lists))
    order = (PriceEntry.scope, PriceEntry.label, PriceEntry.target, PriceEntry.minimum_quantity, PriceEntry.valid_from)
    return list(await session.scalars(found.order_by(*order)))


async def assign(session: AsyncSession, reseller_id: str, name: str, *, by: str, at: datetime, why: str = "") -> bool:
    """Give a reseller a list of its own, or the default one again; False when it has it already.

    It is on the reseller's record. Raises NotFound for a list nobody made.
    """
    await lock(session, reseller_id)  # of two at once the second sees what the first assigned
    row = (await session.scalars(_by_name(name))).one_or_none()
    if row is None and name != DEFAULT_LIST:
        raise NotFound(f"There is no price list {name!r}; set its rate first.", code="no_price_list")
    before = await session.scalar(select(PriceListAssignment).where(PriceListAssignment.reseller_id == reseller_id))
    if name == DEFAULT_LIST or row is None:
        if before is None:
            return False
        await session.delete(before)
    elif before is None:
        session.add(PriceListAssignment(reseller_id=reseller_id, price_list_id=row.id))
    elif before.price_list_id == row.id:
        return False
    else:
        before.price_list_id = row.id
    reason = f"{name}: {why.strip()}" if why.strip() else name
    session.add(ResellerHistory(reseller_id=reseller_id, at=at, by=by, action="price_list", reason=reason))
    await session.flush()
    return True


async def load_prices(session: AsyncSession, *, cap: int, reseller_id: str | None = None) -> Prices:
    """All lists as the rules read them; with `reseller_id` only what this reseller needs. Nothing is written.

    Columns are read instead of rows: thousands of mapped objects would cost the worker's memory (`performance.md`).
    """
    wanted = select(PriceListAssignment.reseller_id, PriceListAssignment.price_list_id)
    if reseller_id is not None:
        wanted = wanted.where(PriceListAssignment.reseller_id == reseller_id)
    assigned = dict((await session.execute(wanted)).all())
    entries = select(
        PriceEntry.price_list_id,
        PriceEntry.scope,
        PriceEntry.target,
        PriceEntry.rate,
        PriceEntry.fixed_minor,
        PriceEntry.currency,
        PriceEntry.minimum_quantity,
        PriceEntry.valid_from,
        PriceEntry.valid_to,
    )
    if reseller_id is not None:
        own = assigned.get(reseller_id)
        chosen = PriceListRow.id == own if own else PriceListRow.name == DEFAULT_LIST
        entries = entries.where(PriceEntry.price_list_id.in_(select(PriceListRow.id).where(chosen)))
    by_list: dict[str, list[Entry]] = defaultdict(list)
    async for list_id, scope, target, rate, fixed_minor, currency, quantity, valid_from, valid_to in rows(session, entries):
        by_list[list_id].append(
            Entry(
                Scope[scope.upper()],
                target,
                None if rate is None else shortest(rate),
                None if fixed_minor is None else Money(fixed_minor, currency),
                quantity,
                None if valid_from == date.min else valid_from,
                valid_to,
            )
        )
    default = PriceList(1, min(DEFAULT_RATE, Decimal(cap)), Decimal(cap))
    by_id: dict[str, PriceList] = {}
    for row in await session.scalars(select(PriceListRow).options(lazyload(PriceListRow.entries))):
        rate = shortest(row.rate)
        by_id[row.id] = PriceList.of(
            row.version, by_list[row.id], rate=rate, cap=Decimal(cap), exception=exception_of(row), id=row.id
        )
        if row.name == DEFAULT_LIST:
            default = by_id[row.id]
    return Prices(default, by_id, assigned)


def _unset(name: str, cap: int) -> PriceListRow:
    return PriceListRow(name=name, rate=min(DEFAULT_RATE, Decimal(cap)), version=1)


def _by_name(name: str) -> Select[PriceListRow]:
    return select(PriceListRow).where(PriceListRow.name == name).options(lazyload(PriceListRow.entries))
