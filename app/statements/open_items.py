"""What a reseller owes, read from the ledger: now for its pages, or as of a statement's snapshot (`rules.md` 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import chunks
from app.ledger.disputes import disputed_debts
from app.ledger.rules import Item, Kind
from app.ledger.service import reseller_items
from app.ledger.tables import LedgerItem
from app.orders.tables import ResellerOrder
from app.statements.rules import Block, OrderFacts, blocks


async def open_items(
    session: AsyncSession, reseller_id: str, today: date, *, until: datetime | None = None, before: date | None = None
) -> list[Block]:
    """One block per currency in which anything is open or unallocated, in the order of their codes.

    With `until` as it was booked at that moment, with `before` without what orders of that day and later owe.
    """
    entries = await reseller_items(session, reseller_id, until)
    facts = await order_facts(session, reseller_id, entries)
    principals = await interest_principals(session, reseller_id)
    contested = await disputed_debts(session, reseller_id, until)
    return blocks(entries, facts, principals, contested, today, before=before)


async def order_facts(session: AsyncSession, reseller_id: str, entries: Sequence[Item]) -> dict[str, OrderFacts]:
    """What the orders of these items add to their debts, by order number."""
    numbers = [item.order_number for item in entries if item.kind is Kind.RECEIVABLE and item.order_number]
    found: dict[str, OrderFacts] = {}
    for part in chunks(numbers):
        query = select(ResellerOrder.number, ResellerOrder.order_date, ResellerOrder.po_number, ResellerOrder.channel)
        rows = await session.execute(query.where(ResellerOrder.reseller_id == reseller_id, ResellerOrder.number.in_(part)))
        found |= {number: OrderFacts(day, po_number, channel) for number, day, po_number, channel in rows}
    return found


async def interest_principals(session: AsyncSession, reseller_id: str) -> dict[str, str]:
    """The receivable of each interest item of a reseller."""
    query = select(LedgerItem.id, LedgerItem.principal_id).where(
        LedgerItem.reseller_id == reseller_id, LedgerItem.kind == Kind.INTEREST, LedgerItem.principal_id.is_not(None)
    )
    return {interest: principal for interest, principal in await session.execute(query) if principal}
