"""What staff teach the matching: payers of a reseller, and what banks may keep (`rules.md` 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.candidates import payer_key
from app.bank.service import add_once
from app.bank.tables import BankLineRow, FeeTolerance, LearnedPayer
from app.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.money import Money


async def propose_payer(session: AsyncSession, line: BankLineRow, reseller_id: str, *, by: str, at: datetime) -> bool:
    """Remember that a line's payer paid for a reseller, for a second person to confirm. False for one known or anonymous."""
    payer = payer_key(line.payer_account, line.payer_name)
    if not payer:
        return False
    shown = " ".join(filter(None, [line.payer_name, line.payer_account]))
    return await add_once(
        session, LearnedPayer(reseller_id=reseller_id, payer=payer, shown=shown, proposed_by=by, proposed_at=at)
    )


async def payers(session: AsyncSession) -> Sequence[LearnedPayer]:
    """All learned payers, those that wait for their second person first."""
    query = select(LearnedPayer).order_by(LearnedPayer.confirmed_at.is_not(None), LearnedPayer.proposed_at, LearnedPayer.id)
    return (await session.scalars(query)).all()


async def confirm_payer(session: AsyncSession, payer_id: str, *, by: str, at: datetime) -> LearnedPayer:
    """Let a learned payer count. Raises Forbidden for the person who proposed it, Conflict for one that was confirmed before."""
    row = await _payer(session, payer_id)
    if row.proposed_by == by:
        raise Forbidden(f"{by} proposed this payer; a second person must confirm it.", code="second_person")
    if row.confirmed_at is not None and row.off_at is None:
        raise Conflict(f"{row.confirmed_by} confirmed this payer before.", code="payer_confirmed")
    row.confirmed_by, row.confirmed_at, row.off_by, row.off_at = by, at, "", None
    return row


async def switch_off_payer(session: AsyncSession, payer_id: str, *, by: str, at: datetime) -> LearnedPayer:
    """Let a learned payer count no more. To count again it needs a person other than the one who proposed it."""
    row = await _payer(session, payer_id)
    row.off_by, row.off_at = by, at
    return row


async def set_tolerance(
    session: AsyncSession, reseller_id: str, wire: Money, year: Money, *, by: str, at: datetime
) -> FeeTolerance:
    """What banks may keep of a reseller's wires: of one, and in a year. Raises InvalidInput for negative or mixed amounts."""
    if wire.currency != year.currency or wire.minor < 0 or year.minor < 0:
        raise InvalidInput("Give two amounts of one currency, neither below zero.", code="tolerance")
    query = select(FeeTolerance).where(FeeTolerance.reseller_id == reseller_id, FeeTolerance.currency == wire.currency)
    row = await session.scalar(query)
    if row is None:
        row = FeeTolerance(reseller_id=reseller_id, currency=wire.currency, wire_minor=0, year_minor=0, set_by=by, set_at=at)
        session.add(row)
    row.wire_minor, row.year_minor, row.set_by, row.set_at = wire.minor, year.minor, by, at
    return row


async def _payer(session: AsyncSession, payer_id: str) -> LearnedPayer:
    query = select(LearnedPayer).where(LearnedPayer.id.startswith(payer_id, autoescape=True)).with_for_update().limit(2)
    found = (await session.scalars(query)).all()
    if len(found) != 1 or not payer_id:
        raise NotFound(f"There is no single payer {payer_id}.", code="no_payer")
    return found[0]
