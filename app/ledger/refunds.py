"""Money that was sent back: what it no longer pays, and what the order no longer asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import among, chunks
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.rules import Kind, live, unallocated
from app.ledger.service import as_item, checked_reference, mirror
from app.ledger.tables import LedgerItem
from app.money import Money


async def refund_order(
    session: AsyncSession, *, order_id: str, amount: Money, bank_reference: str, value_date: date, by: str, at: datetime
) -> LedgerItem:
    """Book money that was sent back for one order (`rules.md` 5.7): it pays the order no more, and the order asks for it no more.

    The newest allocations are taken back first, then what wires for this order brought beyond it or left when it was canceled.
    The bank reference makes it once. Returns the refund of the last payment touched. Raises NotFound without a receivable,
    InvalidInput for more than came in, another currency, or a reference that is missing or too long, Conflict for a repeated
    reference with another amount or order.
    """
    reference = checked_reference(bank_reference)
    debt = await session.scalar(select(LedgerItem).where(LedgerItem.key == f"receivable:{order_id}").with_for_update())
    if debt is None:
        raise NotFound("There is no receivable for this order.", code="no_receivable")
    if debt.currency != amount.currency or amount.minor <= 0:
        raise InvalidInput(
            f"A refund of order {debt.order_number} is a positive amount in {debt.currency}.", code="refund_amount"
        )
    booked, mark = await sent_under(session, reference)
    if booked:
        if sum(row.amount_minor for row in booked) != amount.minor or booked[0].order_id != order_id:
            raise Conflict(f"The refund {reference} was booked before with another amount or order.", code="refund_differs")
        return booked[-1]
    of_debt = select(LedgerItem).where(LedgerItem.receivable_id == debt.id)
    own = select(LedgerItem.id).where(LedgerItem.order_id == order_id, LedgerItem.kind == Kind.PAYMENT)
    paying = {row.payment_id for row in await session.scalars(of_debt) if row.payment_id is not None}
    await lock_payments(session, paying | set(await session.scalars(own)))
    rows = (await session.scalars(of_debt.order_by(LedgerItem.booked_at.desc(), LedgerItem.id))).all()
    paid: dict[str, int] = {}
    for row in rows:
        if row.kind == Kind.ALLOCATION and row.payment_id is not None:
            paid[row.payment_id] = paid.get(row.payment_id, 0) + row.amount_minor
    free = await _unallocated_of_order(session, order_id)
    brought = sum(paid.values()) + sum(free.values())
    if amount.minor > brought:
        raise InvalidInput(
            f"Order {debt.order_number} was paid {Money(brought, debt.currency)}; no more can be sent back.", code="refund_amount"
        )
    taken, left = _take(paid, amount.minor)
    surplus, _ = _take(free, left)

    def add(kind: Kind, minor: int, of: str, *, owed: str | None = None, paid_by: str | None = None) -> LedgerItem:
        item = LedgerItem(
            key=f"{mark}:{kind}:{of}",
            kind=kind,
            reseller_id=debt.reseller_id,
            amount_minor=minor,
            currency=debt.currency,
            value_date=value_date,
            booked_at=at,
            booked_by=by,
            receivable_id=owed,
            payment_id=paid_by,
            order_id=order_id,
            order_number=debt.order_number,
            reference=reference if kind is Kind.REFUND else None,
            reason="refund",
        )
        session.add(item)
        return item

    refunds = []
    for payment_id in dict.fromkeys([*taken, *surplus]):
        if part := taken.get(payment_id, 0):
            add(Kind.ALLOCATION, -part, payment_id, owed=debt.id, paid_by=payment_id)
            add(Kind.CREDIT, part, payment_id, owed=debt.id)
        whole = part + surplus.get(payment_id, 0)
        refunds.append(add(Kind.REFUND, whole, payment_id, paid_by=payment_id))
    if sum(paid.values()) == sum(taken.values()):
        # What a bank kept pays nothing either once all the money has gone back: the order must not count as paid.
        for row in live(row for row in rows if row.kind == Kind.BANK_CHARGE):
            session.add(mirror(row, at=at, by=by, reason="refund"))
            add(Kind.CREDIT, row.amount_minor, row.id, owed=debt.id)
    await session.flush()
    return refunds[-1]


async def refund_credit(
    session: AsyncSession, *, reseller_id: str, amount: Money, bank_reference: str, value_date: date, by: str, at: datetime
) -> LedgerItem:
    """Book money that was sent back out of what a reseller's wires left unallocated, the newest first (`rules.md` 4.3).

    The bank reference makes it once. Returns the refund of the last payment touched. Raises InvalidInput for more than is left
    or a reference that is missing or too long, Conflict for a repeated reference with another meaning.
    """
    reference = checked_reference(bank_reference)
    booked, mark = await sent_under(session, reference)
    if booked:
        same = sum(row.amount_minor for row in booked) == amount.minor and booked[0].currency == amount.currency
        if not same or booked[0].order_id is not None or booked[0].reseller_id != reseller_id:
            raise Conflict(f"The refund {reference} was booked before with another amount or owner.", code="refund_differs")
        return booked[-1]
    free = await credit_left(session, reseller_id, amount.currency, lock=True)
    taken, missing = _take(free, amount.minor)
    if amount.minor <= 0 or missing:
        left = Money(sum(free.values()), amount.currency)
        raise InvalidInput(f"The reseller's credit is {left}; no more can be sent back.", code="refund_amount")
    refunds = [
        LedgerItem(
            key=f"{mark}:{Kind.REFUND}:{payment_id}",
            kind=Kind.REFUND,
            reseller_id=reseller_id,
            amount_minor=minor,
            currency=amount.currency,
            value_date=value_date,
            booked_at=at,
            booked_by=by,
            payment_id=payment_id,
            reference=reference,
            reason="refund of credit",
        )
        for payment_id, minor in taken.items()
    ]
    session.add_all(refunds)
    await session.flush()
    return refunds[-1]


async def sent_under(session: AsyncSession, reference: str) -> tuple[list[LedgerItem], str]:
    """(the refunds with this reference that count, what the keys of the next one begin with): one that was taken back may be sent
    again under the same reference."""
    query = select(LedgerItem).where(LedgerItem.kind == Kind.REFUND, LedgerItem.reference == reference)
    rows = (await session.scalars(query.order_by(LedgerItem.booked_at, LedgerItem.id))).all()
    taken = set(await session.scalars(select(LedgerItem.reverses_id).where(LedgerItem.reverses_id.in_([row.id for row in rows]))))
    mark = f"refund-again:{len(rows)}:{reference}" if rows else f"refund:{reference}"
    return [row for row in rows if row.id not in taken], mark


def mark_of(item: LedgerItem) -> str:
    """What the keys of everything that one refund booked begin with."""
    return item.key.removesuffix(f":{Kind.REFUND}:{item.payment_id}")


async def lock_payments(session: AsyncSession, payment_ids: Iterable[str]) -> None:
    """Let what these wires have left stay as it is until the transaction ends; taken after the locks of orders and debts.

    Everybody who takes from a wire that is booked already, or takes it back, holds this.
    """
    for part in chunks(sorted(set(payment_ids))):
        query = select(LedgerItem.id).where(among(LedgerItem.id, part)).order_by(LedgerItem.id).with_for_update()
        await session.execute(query)


async def credit_left(session: AsyncSession, reseller_id: str, currency: str, *, lock: bool = False) -> dict[str, int]:
    """Payment id -> minor units of a reseller's wires that nothing has taken yet, the newest first."""
    query = (
        select(LedgerItem)
        .where(
            LedgerItem.reseller_id == reseller_id,
            LedgerItem.currency == currency,
            LedgerItem.kind == Kind.PAYMENT,
            LedgerItem.payment_id.is_(None),
        )
        .order_by(LedgerItem.booked_at.desc(), LedgerItem.id)
    )
    payments = (await session.scalars(query)).all()
    if lock:
        await lock_payments(session, [payment.id for payment in payments])
    of_payments = select(LedgerItem).where(
        LedgerItem.reseller_id == reseller_id, LedgerItem.currency == currency, LedgerItem.payment_id.is_not(None)
    )
    rows = [*payments, *await session.scalars(of_payments)]
    left = unallocated(as_item(row) for row in rows)
    return {payment.id: left[payment.id] for payment in payments if left.get(payment.id, 0) > 0}


async def left_of_order(session: AsyncSession, order_id: str) -> int:
    """What could be sent back of an order, in minor units: what pays it, and what its wires left."""
    paid = await session.scalars(
        select(LedgerItem.amount_minor).where(LedgerItem.order_id == order_id, LedgerItem.kind == Kind.ALLOCATION)
    )
    return sum(paid) + sum((await _unallocated_of_order(session, order_id)).values())


async def _unallocated_of_order(session: AsyncSession, order_id: str) -> dict[str, int]:
    """What the wires booked for an order still have free, the newest first."""
    payments = (
        await session.scalars(
            select(LedgerItem)
            .where(LedgerItem.order_id == order_id, LedgerItem.kind == Kind.PAYMENT)
            .order_by(LedgerItem.booked_at.desc(), LedgerItem.id)
        )
    ).all()
    ids = [payment.id for payment in payments]
    rows = await session.scalars(select(LedgerItem).where(LedgerItem.id.in_(ids) | LedgerItem.payment_id.in_(ids)))
    left = unallocated(as_item(row) for row in rows)
    return {payment: left[payment] for payment in ids if left.get(payment, 0) > 0}


def _take(parts: dict[str, int], wanted: int) -> tuple[dict[str, int], int]:
    """(what to take of each part in their order, what is still wanted after the last)."""
    taken = {}
    for name, minor in parts.items():
        if part := min(wanted, max(0, minor)):
            taken[name] = part
            wanted -= part
    return taken, wanted
