"""Debts that the reseller contests: no interest, no reminder and no hold while a dispute is open (edge case 78)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.ledger.booking import lock_debts
from app.ledger.tables import Dispute, LedgerItem


async def open_dispute(session: AsyncSession, debt_id: str, *, reason: str, by: str, at: datetime) -> tuple[Dispute, bool]:
    """The reseller contests a debt, which stays listed; the dispute, and whether it is new: repeated, the open one stays.

    Raises InvalidInput without a reason.
    """
    if not reason.strip():
        raise InvalidInput("A dispute needs a reason.", code="no_reason")
    await lock_debts(session, [debt_id])
    known = await session.scalar(_open(debt_id))
    if known is not None:
        return known, False
    row = Dispute(receivable_id=debt_id, reason=reason.strip(), opened_by=by, opened_at=at)
    session.add(row)
    await session.flush()
    return row, True


async def close_dispute(session: AsyncSession, debt_id: str, *, reason: str, by: str, at: datetime) -> Dispute | None:
    """The dispute of a debt is settled, with what it came to; None when none is open. Raises InvalidInput without a reason."""
    if not reason.strip():
        raise InvalidInput("Settling a dispute needs a reason: what it came to.", code="no_reason")
    await lock_debts(session, [debt_id])
    row = await session.scalar(_open(debt_id))
    if row is not None:
        row.closed_by, row.closed_at, row.close_reason = by, at, reason.strip()
        await session.flush()
    return row


async def disputed(session: AsyncSession, debt_id: str) -> bool:
    """Whether the reseller contests a debt now."""
    return await session.scalar(_open(debt_id)) is not None


async def disputed_debts(session: AsyncSession, reseller_id: str, until: datetime | None = None) -> set[str]:
    """Ids of the receivables that a reseller contests, or contested at that moment."""
    query = (
        select(Dispute.receivable_id)
        .join(LedgerItem, LedgerItem.id == Dispute.receivable_id)
        .where(LedgerItem.reseller_id == reseller_id)
    )
    if until is None:
        query = query.where(Dispute.closed_at.is_(None))
    else:
        query = query.where(Dispute.opened_at <= until, Dispute.closed_at.is_(None) | (Dispute.closed_at > until))
    return set(await session.scalars(query))


async def all_disputes(session: AsyncSession, *, closed: bool) -> Sequence[tuple[Dispute, LedgerItem]]:
    """Disputes with their debts, the oldest first; settled ones too if asked for."""
    query = select(Dispute, LedgerItem).join(LedgerItem, LedgerItem.id == Dispute.receivable_id)
    if not closed:
        query = query.where(Dispute.closed_at.is_(None))
    return [(row[0], row[1]) for row in await session.execute(query.order_by(Dispute.opened_at, Dispute.id))]


def _open(debt_id: str) -> Select[Dispute]:
    return select(Dispute).where(Dispute.receivable_id == debt_id, Dispute.closed_at.is_(None))
