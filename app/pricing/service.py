"""Price lists as staff set them and as the rules read them (`rules.md` 2.2). Every change raises the list's version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from app.db.reading import rows
from app.errors import InvalidInput, NotFound, Refused
from app.money import Money, shortest
from app.pricing.rules import Entry, PriceList, Scope, StaffException
from app.pricing.tables import DEFAULT_LIST, PriceEntry, PriceListAssignment, PriceListRow

DEFAULT_RATE = Decimal(10)
"""Percent off retail of a list nobody has set yet (`rules.md` 2.1)."""
HUNDRED = Decimal(100)
CENT = Decimal("0.01")


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

    The row stays locked until the transaction ends, so that two changes cannot get the same version.
    """
    row = (await session.scalars(_by_name(name).with_for_update())).one_or_none()
    if row is not None:
        return row
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


async def set_rate(
    session: AsyncSession,
    rate: Decimal,
    *,
    cap: int,
    today: date,
    name: str = DEFAULT_LIST,
    exception: StaffException | None = None,
) -> PriceListRow:
    """Set a list's percentage off retail.

    `cap` is the shop's `max_discount_percent`; a rate above it needs a staff exception, given here or in force already, else it
    is Refused. Raises InvalidInput for a rate that is no percentage.
    """
    row = await price_list(session, cap=cap, name=name)
    excepted = _allow(row, _percent(rate), cap, today, exception)
    if excepted or row.rate != rate:
        row.rate = rate
        row.version += 1
        await session.flush()
    return row


async def set_entry(
    session: AsyncSession,
    *,
    scope: Scope,
    target: str,
    label: str,
    cap: int,
    today: date,
    at: datetime,
    rate: Decimal | None = None,
    fixed: Money | None = None,
    minimum_quantity: int = 1,
    valid_from: date | None = None,
    valid_to: date | None = None,
    name: str = DEFAULT_LIST,
    exception: StaffException | None = None,
) -> PriceEntry:
    """Set the entry for one thing; one with the same scope, target, quantity, currency and first day is replaced.

    `target` is Saleor's id, `label` what a person calls it. Both days are inclusive, None is an open end. Raises InvalidInput
    and, for a rate above the cap without an exception, Refused; a fixed price is held to the cap when it meets a retail price.
    """
    if (rate is None) == (fixed is None):
        raise InvalidInput("price: give either a rate or a fixed price.", code="price")
    if fixed is not None and fixed.minor < 0:
        raise InvalidInput(f"price: {fixed} is below zero.", code="price")
    if not target:
        raise InvalidInput("target: it is missing.", code="target")
    if minimum_quantity < 1:
        raise InvalidInput(f"minimum_quantity: {minimum_quantity} is below 1.", code="minimum_quantity")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise InvalidInput(f"valid_to: {valid_to} is before the first day {valid_from}.", code="valid_to")
    row = await price_list(session, cap=cap, name=name)
    changed = rate is not None and _allow(row, _percent(rate), cap, today, exception)
    key = {
        "price_list_id": row.id,
        "scope": scope.name.lower(),
        "target": target,
        "minimum_quantity": minimum_quantity,
        "currency": fixed.currency if fixed else "",
        "valid_from": valid_from or date.min,
    }
    values = {"label": label, "rate": rate, "fixed_minor": fixed.minor if fixed else None, "valid_to": valid_to}
    entry = (await session.scalars(select(PriceEntry).filter_by(**key))).one_or_none()
    if entry is None:
        entry = PriceEntry(**key, **values, created_at=at)
        session.add(entry)
        changed = True
    for field, value in values.items():
        if getattr(entry, field) != value:
            setattr(entry, field, value)
            changed = True
    if changed:
        row.version += 1
    await session.flush()
    return entry


async def remove_entry(session: AsyncSession, entry_id: str) -> None:
    """Take an entry out of its list. Raises NotFound."""
    entry = await session.get(PriceEntry, entry_id)
    if entry is None:
        raise NotFound("There is no such price entry; `reseller prices list` shows all.", code="no_entry")
    locked = select(PriceListRow).where(PriceListRow.id == entry.price_list_id).options(lazyload(PriceListRow.entries))
    row = (await session.scalars(locked.with_for_update())).one()
    row.version += 1
    await session.delete(entry)
    await session.flush()


async def list_entries(session: AsyncSession, name: str = DEFAULT_LIST) -> list[PriceEntry]:
    """A list's entries by scope, label and first day."""
    lists = select(PriceListRow.id).where(PriceListRow.name == name)
    found = select(PriceEntry).where(PriceEntry.price_list_id.in_(lists))
    order = (PriceEntry.scope, PriceEntry.label, PriceEntry.target, PriceEntry.minimum_quantity, PriceEntry.valid_from)
    return list(await session.scalars(found.order_by(*order)))


async def assign(session: AsyncSession, reseller_id: str, name: str) -> None:
    """Give a reseller a list of its own, or the default one again. Raises NotFound for a list nobody made."""
    row = (await session.scalars(_by_name(name))).one_or_none()
    if row is None and name != DEFAULT_LIST:
        raise NotFound(f"There is no price list {name!r}; set its rate first.", code="no_price_list")
    before = await session.scalar(select(PriceListAssignment).where(PriceListAssignment.reseller_id == reseller_id))
    if name == DEFAULT_LIST or row is None:
        if before is not None:
            await session.delete(before)
    elif before is None:
        session.add(PriceListAssignment(reseller_id=reseller_id, price_list_id=row.id))
    else:
        before.price_list_id = row.id
    await session.flush()


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
        by_id[row.id] = PriceList.of(row.version, by_list[row.id], rate=rate, cap=Decimal(cap), exception=_exception(row))
        if row.name == DEFAULT_LIST:
            default = by_id[row.id]
    return Prices(default, by_id, assigned)


def _allow(row: PriceListRow, rate: Decimal, cap: int, today: date, exception: StaffException | None) -> bool:
    """Let a rate pass, keeping a given exception on the list (True); Refused above what is allowed today."""
    if exception is not None:
        if not exception.reason.strip():
            raise InvalidInput("reason: an exception from the cap needs a reason.", code="reason")
        if exception.expires < today:
            raise InvalidInput(f"expires: {exception.expires} is in the past.", code="expires")
        _percent(exception.rate)
    leave = exception or _exception(row)
    if rate > PriceList(row.version, cap=Decimal(cap), exception=leave).highest_rate(today):
        raise Refused(
            f"{rate} % is above the cap of {cap} %. Give an exception of at least {rate} % with a reason and an expiry day.",
            code="above_cap",
        )
    if exception is None or exception == _exception(row):
        return False
    row.exception_rate, row.exception_reason, row.exception_expires = exception.rate, exception.reason, exception.expires
    return True


def _exception(row: PriceListRow) -> StaffException | None:
    if row.exception_rate is None or row.exception_expires is None:
        return None
    return StaffException(shortest(row.exception_rate), row.exception_reason, row.exception_expires)


def _percent(rate: Decimal) -> Decimal:
    if not rate.is_finite() or not 0 <= rate <= HUNDRED or rate != rate.quantize(CENT):
        raise InvalidInput(f"rate: {rate} is not a percentage from 0 to 100 with at most two decimals.", code="rate")
    return rate


def _unset(name: str, cap: int) -> PriceListRow:
    return PriceListRow(name=name, rate=min(DEFAULT_RATE, Decimal(cap)), version=1)


def _by_name(name: str) -> Select[PriceListRow]:
    return select(PriceListRow).where(PriceListRow.name == name).options(lazyload(PriceListRow.entries))
