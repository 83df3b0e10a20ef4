"""Charging the interest that a statement lists (`rules.md` 6, 7)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.charging import charge_interest
from app.ledger.interest import DayCount, Rate, accrued_minor, segments
from app.ledger.rules import Item, Kind, receivables
from app.ledger.service import reseller_items
from app.settings import ProgramNumbers
from app.statements.open_items import interest_principals


async def bring_interest_up(
    session: AsyncSession, reseller_id: str, numbers: ProgramNumbers, until: date, *, at: datetime
) -> int:
    """Charge what has accrued up to a day on everything the reseller was late with; how many debts changed.

    Repeated it adds nothing, and without a rate it does nothing. Disputed debts are left alone (edge case 78).
    """
    if not any(rate.percent for rate in numbers.interest_rates):
        return 0
    rates = [Rate(rate.since, rate.percent) for rate in numbers.interest_rates]
    count = DayCount(numbers.interest_day_count)
    entries = await reseller_items(session, reseller_id)
    principals = await interest_principals(session, reseller_id)
    of_debt: dict[str, list[Item]] = defaultdict(list)
    charged: dict[str, int] = defaultdict(int)
    for item in entries:
        if item.receivable_id is not None:
            of_debt[item.receivable_id].append(item)
        if item.kind is Kind.INTEREST and item.id in principals:
            charged[principals[item.id]] += item.amount_minor
    changed = 0
    for debt in receivables(entries):
        if debt.due_date >= until:
            continue
        accrued = accrued_minor(segments(of_debt[debt.id], debt.id, debt.due_date, until, rates, count))
        # What was charged to the last unit needs no look; what was corrected before is looked at once more.
        if accrued != charged[debt.id]:
            minor = await charge_interest(session, debt.id, until=until, rates=rates, day_count=count, by="statement", at=at)
            changed += minor != 0
    return changed
