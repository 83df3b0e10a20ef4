"""What banks may keep of a reseller's wires, of one and within a year: the same for a file and for a wire confirmed by hand
(`rules.md` 4.3, edge case 50)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.candidates import Tolerance
from app.bank.service import year_of
from app.bank.tables import FeeTolerance
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.saleor.shops import Shop


async def charged_in_year(session: AsyncSession, day: date, *of: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """(reseller, currency) -> minor units that banks kept in the year of a day."""
    charges = (
        select(LedgerItem.reseller_id, LedgerItem.currency, func.sum(LedgerItem.amount_minor))
        .where(LedgerItem.kind == Kind.BANK_CHARGE, LedgerItem.value_date.between(*year_of(day)), *of)
        .group_by(LedgerItem.reseller_id, LedgerItem.currency)
    )
    return {(row[0], row[1]): int(row[2]) for row in await session.execute(charges)}


async def tolerance_of(session: AsyncSession, shop: Shop, reseller_id: str, currency: str, day: date) -> Tolerance:
    """What is left for a reseller on a day: its own numbers, or the shop's."""
    numbers = shop.settings.program
    own = await session.scalar(
        select(FeeTolerance).where(FeeTolerance.reseller_id == reseller_id, FeeTolerance.currency == currency)
    )
    wire, year = (own.wire_minor, own.year_minor) if own else (numbers.fee_tolerance_minor, numbers.fee_tolerance_year_minor)
    if not wire:
        return Tolerance()
    of = (LedgerItem.reseller_id == reseller_id, LedgerItem.currency == currency)
    charged = await charged_in_year(session, day, *of)
    return Tolerance(wire, year - charged.get((reseller_id, currency), 0))
