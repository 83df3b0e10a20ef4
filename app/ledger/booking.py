"""Booking wires that pay several debts, and many wires at once (`rules.md` 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.bulk import among, chunks, insert_rows
from app.errors import InvalidInput
from app.ledger.rules import DEBTS, EFFECT, Kind
from app.ledger.tables import LedgerItem
from app.money import Money

OPEN_EFFECT = case(*((LedgerItem.kind == kind, EFFECT[kind][0]) for kind in Kind), else_=0) * LedgerItem.amount_minor
"""What a row does to the open amount of its debt, as a column."""
DEBT_ID = case((LedgerItem.kind.in_(DEBTS) & LedgerItem.receivable_id.is_(None), LedgerItem.id), else_=LedgerItem.receivable_id)
"""The debt a row belongs to, as a column: a receivable and interest are their own."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of a wire pays one debt, and what a bank kept of it, in minor units. `item_id` is the allocation's."""

    debt_id: str
    minor: int
    charge_minor: int = 0
    order_id: str | None = None
    order_number: str | None = None
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """Money that came in. `key` makes it once; what `shares` leave of it is the reseller's unallocated credit."""

    payment_id: str
    key: str
    reseller_id: str
    amount: Money
    value_date: date
    reference: str
    shares: tuple[Share, ...] = ()
    reason: str = ""

    @property
    def surplus_minor(self) -> int:
        """What it leaves unallocated."""
        return self.amount.minor - sum(share.minor for share in self.shares)


async def lock_debts(session: AsyncSession, debt_ids: Iterable[str]) -> dict[str, int]:
    """What is open of each debt, in minor units, true until the transaction ends. Unknown ids are absent."""
    found: dict[str, int] = {}
    for part in chunks(sorted(set(debt_ids))):
        await session.execute(select(LedgerItem.id).where(among(LedgerItem.id, part)).order_by(LedgerItem.id).with_for_update())
        found |= await open_of(session, part)
    return found


async def open_of(session: AsyncSession, debt_ids: Sequence[str]) -> dict[str, int]:
    """What is open of each of at most some hundred debts, in minor units."""
    query = (
        select(DEBT_ID, func.sum(OPEN_EFFECT))
        .where(among(LedgerItem.id, debt_ids) | among(LedgerItem.receivable_id, debt_ids))
        .group_by(DEBT_ID)
    )
    return {debt: int(minor) for debt, minor in await session.execute(query) if debt in set(debt_ids)}


async def book(session: AsyncSession, wires: Sequence[Wire], *, by: str, at: datetime) -> list[Wire]:
    """Book wires with their allocations and bank charges; the same with the ids of their allocations.

    The caller holds the locks of `lock_debts` and has shared out no more than was open. Raises InvalidInput for a wire that
    brings nothing, or whose shares are more than it; IntegrityError for a key that was booked before.
    """
    rows: list[Mapping[str, Any]] = []
    booked = []
    for wire in wires:
        if wire.amount.minor <= 0:
            raise InvalidInput("The amount of a wire must be more than zero.", code="zero_amount")
        if wire.surplus_minor < 0:
            raise InvalidInput("More was shared out than the wire brought.", code="share_amount")
        rows.append(_row(wire, wire.payment_id, wire.key, Kind.PAYMENT, wire.amount.minor, by, at, reference=wire.reference))
        shares = allocation_rows(rows, wire, wire.shares, by=by, at=at)
        booked.append(
            Wire(wire.payment_id, wire.key, wire.reseller_id, wire.amount, wire.value_date, wire.reference, shares, wire.reason)
        )
    await insert_rows(session, LedgerItem, rows)
    return booked


async def allocate_more(
    session: AsyncSession, wire: Wire, shares: Sequence[Share], *, by: str, at: datetime
) -> tuple[Share, ...]:
    """Let what a booked wire left unallocated pay further debts; the shares with the ids of their allocations.

    The caller holds the locks, and has seen that so much is left. Raises IntegrityError where it pays that debt already.
    """
    rows: list[Mapping[str, Any]] = []
    done = allocation_rows(rows, wire, shares, by=by, at=at)
    await insert_rows(session, LedgerItem, rows)
    return done


def allocation_rows(
    rows: list[Mapping[str, Any]], wire: Wire, shares: Iterable[Share], *, by: str, at: datetime
) -> tuple[Share, ...]:
    """Add the rows of some shares of a wire; the shares with the ids of their allocations."""
    done = []
    for share in shares:
        item_id = new_id()
        for kind, minor, row_id in (
            (Kind.ALLOCATION, share.minor, item_id),
            (Kind.BANK_CHARGE, share.charge_minor, new_id()),
        ):
            if minor:
                key = f"{kind}:{wire.payment_id}:{share.debt_id}"
                rows.append(_row(wire, row_id, key, kind, minor, by, at, share=share))
        done.append(Share(share.debt_id, share.minor, share.charge_minor, share.order_id, share.order_number, item_id))
    return tuple(done)


def _row(
    wire: Wire,
    row_id: str,
    key: str,
    kind: Kind,
    minor: int,
    by: str,
    at: datetime,
    *,
    share: Share | None = None,
    reference: str | None = None,
) -> dict[str, Any]:
    return {
        "id": row_id,
        "key": key,
        "kind": kind.value,
        "reseller_id": wire.reseller_id,
        "amount_minor": minor,
        "currency": wire.amount.currency,
        "value_date": wire.value_date,
        "booked_at": at,
        "booked_by": by,
        "receivable_id": share.debt_id if share else None,
        "payment_id": wire.payment_id if share else None,
        "order_id": share.order_id if share else None,
        "order_number": share.order_number if share else None,
        "reference": reference,
        "reason": wire.reason,
    }
