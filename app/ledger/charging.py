"""Interest as items of the ledger, its waiver, and writing off what will not be paid (`rules.md` 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput, NotFound, Refused
from app.ledger.booking import lock_debts, open_of
from app.ledger.disputes import disputed
from app.ledger.interest import DayCount, Rate, accrued_minor, segments
from app.ledger.rules import DEBTS, Kind
from app.ledger.service import as_item
from app.ledger.tables import LedgerItem


async def charge_interest(
    session: AsyncSession,
    receivable_id: str,
    *,
    until: date,
    rates: Sequence[Rate],
    day_count: DayCount,
    by: str,
    at: datetime,
    due_days: int = 0,
) -> int:
    """Bring a debt's charged interest up to a day: what has accrued and was not charged yet becomes an item of its own.

    Repeated it adds nothing. Where less has accrued than was charged - a wire of an earlier day was booked late - the difference
    is credited. `due_days` is how long the interest itself may be paid. Returns the minor units added, negative for a credit; 0
    for a disputed debt (edge case 78). Raises NotFound.
    """
    debt = await _debt(session, receivable_id)
    await lock_debts(session, [debt.id])
    if await disputed(session, debt.id):
        return 0
    rows = (
        await session.scalars(select(LedgerItem).where((LedgerItem.id == debt.id) | (LedgerItem.receivable_id == debt.id)))
    ).all()
    due = debt.due_date or debt.value_date
    accrued = accrued_minor(segments([as_item(row) for row in rows], debt.id, due, until, rates, day_count))
    charged = await interest_of(session, debt.id)
    credited = await session.scalars(
        select(LedgerItem.amount_minor).where(
            LedgerItem.receivable_id.in_([item.id for item in charged]),
            LedgerItem.kind == Kind.CREDIT,
            LedgerItem.reason == CORRECTION,
        )
    )
    difference = accrued - sum(item.amount_minor for item in charged) + sum(credited)
    if difference > 0:
        session.add(
            LedgerItem(
                key=f"interest:{debt.id}:{until}:{len(charged)}",
                kind=Kind.INTEREST,
                reseller_id=debt.reseller_id,
                amount_minor=difference,
                currency=debt.currency,
                value_date=until,
                booked_at=at,
                booked_by=by,
                order_number=debt.order_number,
                due_date=date.fromordinal(until.toordinal() + due_days),
                principal_id=debt.id,
                reason=f"interest up to {until}",
            )
        )
        await session.flush()
        return difference
    return -await _credit(session, list(reversed(charged)), -difference, CORRECTION, until, by=by, at=at) if difference else 0


CORRECTION = "less interest has accrued"


async def waive_interest(session: AsyncSession, receivable_id: str, *, by: str, at: datetime, reason: str) -> int:
    """Waive what is open of a debt's charged interest; it is not charged again. The minor units waived.

    Raises InvalidInput without a reason, NotFound.
    """
    if not reason.strip():
        raise InvalidInput("Waiving interest needs a reason.", code="no_reason")
    debt = await _debt(session, receivable_id)
    charged = await interest_of(session, debt.id)
    opens = await lock_debts(session, [item.id for item in charged])
    return await _credit(session, charged, sum(opens.values()), f"waived: {reason.strip()}", at.date(), by=by, at=at)


async def write_off(session: AsyncSession, debt_id: str, *, by: str, at: datetime, reason: str) -> int:
    """Give up what is open of a receivable or of interest. It counts as closed, not as paid. The minor units written off.

    Repeated it adds nothing. Raises InvalidInput without a reason, NotFound, Refused where nothing is open.
    """
    if not reason.strip():
        raise InvalidInput("Writing off needs a reason.", code="no_reason")
    debt = await _debt(session, debt_id)
    left = (await lock_debts(session, [debt.id]))[debt.id]
    if left <= 0:
        raise Refused(f"Nothing of order {debt.order_number} is open.", code="nothing_open")
    earlier = await session.scalars(
        select(LedgerItem.id).where(LedgerItem.receivable_id == debt.id, LedgerItem.kind == Kind.WRITE_OFF)
    )
    session.add(
        _against(debt, Kind.WRITE_OFF, left, f"write_off:{debt.id}:{len(earlier.all())}", reason.strip(), at.date(), by, at)
    )
    await session.flush()
    return left


async def interest_of(session: AsyncSession, receivable_id: str) -> list[LedgerItem]:
    """The interest charged on a debt, the oldest first."""
    query = select(LedgerItem).where(LedgerItem.principal_id == receivable_id, LedgerItem.kind == Kind.INTEREST)
    return list(await session.scalars(query.order_by(LedgerItem.value_date, LedgerItem.booked_at, LedgerItem.id)))


async def _credit(
    session: AsyncSession, items: Sequence[LedgerItem], minor: int, reason: str, day: date, *, by: str, at: datetime
) -> int:
    """Credit up to so much of what is open of these items, in their order; the minor units credited."""
    opens = await open_of(session, [item.id for item in items])
    done = 0
    for item in items:
        part = min(minor - done, max(0, opens.get(item.id, 0)))
        if part > 0:
            earlier = await session.scalars(
                select(LedgerItem.id).where(LedgerItem.receivable_id == item.id, LedgerItem.kind == Kind.CREDIT)
            )
            session.add(_against(item, Kind.CREDIT, part, f"credit:{item.id}:{len(earlier.all())}", reason, day, by, at))
            done += part
    await session.flush()
    return done


def _against(debt: LedgerItem, kind: Kind, minor: int, key: str, reason: str, day: date, by: str, at: datetime) -> LedgerItem:
    return LedgerItem(
        key=key,
        kind=kind,
        reseller_id=debt.reseller_id,
        amount_minor=minor,
        currency=debt.currency,
        value_date=day,
        booked_at=at,
        booked_by=by,
        receivable_id=debt.id,
        order_id=debt.order_id,
        order_number=debt.order_number,
        reason=reason,
    )


async def _debt(session: AsyncSession, debt_id: str) -> LedgerItem:
    debt = await session.scalar(select(LedgerItem).where(LedgerItem.id == debt_id, LedgerItem.kind.in_(DEBTS)))
    if debt is None or debt.receivable_id is not None:
        raise NotFound("There is no such debt.", code="no_receivable")
    return debt
