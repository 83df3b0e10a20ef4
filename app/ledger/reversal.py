"""Taking wires back, and taking that back: exactly what they paid, and nothing else (`rules.md` 4.3, edge cases 58 and 66)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import chunks
from app.errors import Conflict
from app.ledger.refunds import lock_payments, mark_of, sent_under
from app.ledger.rules import Kind, live
from app.ledger.service import mirror
from app.ledger.tables import LedgerItem


async def reverse_payments(
    session: AsyncSession, payment_ids: Sequence[str], *, mark: str, by: str, at: datetime, reason: str
) -> list[LedgerItem]:
    """Undo payments with all their allocations and bank charges; the items that do it, all with `mark` as their reference.

    What was taken back before is left as it is, so a repetition does nothing. Raises Conflict for a payment of which money was
    sent back: it cannot be taken back twice.
    """
    done: list[LedgerItem] = []
    await lock_payments(session, payment_ids)
    for part in chunks(list(payment_ids)):
        rows = (await session.scalars(select(LedgerItem).where(LedgerItem.id.in_(part) | LedgerItem.payment_id.in_(part)))).all()
        refunded: dict[str | None, int] = {}
        for row in rows:
            if row.kind == Kind.REFUND:
                refunded[row.payment_id] = refunded.get(row.payment_id, 0) + row.amount_minor
        if any(refunded.values()):
            raise Conflict(
                "Money of this wire was sent back already; undo the bank line or file that sent it first.", code="wire_refunded"
            )
        done += _mirrored(live(row for row in rows if row.kind != Kind.REFUND), mark, by=by, at=at, reason=reason)
    session.add_all(done)
    await session.flush()
    return done


async def reverse_refund(
    session: AsyncSession, reference: str, *, mark: str, by: str, at: datetime, reason: str
) -> list[LedgerItem]:
    """Undo the refund that counts under a reference: the money is again where it was sent from; the items that do it.

    Of an order that was canceled since, its wires pay nothing any more: there the money is credit again. Repeatable.
    """
    refunds, _ = await sent_under(session, reference)
    rows = list(refunds)
    for prefix, order_id in dict.fromkeys((f"{mark_of(row)}:", row.order_id) for row in refunds if row.order_id is not None):
        of_order = (await session.scalars(select(LedgerItem).where(LedgerItem.order_id == order_id))).all()
        parts = {row.key.removeprefix(prefix): row for row in of_order if row.key.startswith(prefix)}
        parts = {key: row for key, row in parts.items() if key.count(":") == 1 and row.kind != Kind.REFUND}
        # The bank charges that ceased to pay have their credit beside them, which names them.
        charges = {f"reversal:{key.partition(':')[2]}" for key in parts}
        booked = [*parts.values(), *(row for row in of_order if row.key in charges and row.kind == Kind.BANK_CHARGE)]
        if not {row.id for row in booked} & {row.reverses_id for row in of_order}:
            rows += booked
    done = _mirrored(rows, mark, by=by, at=at, reason=reason)
    session.add_all(done)
    await session.flush()
    return done


async def restore(session: AsyncSession, mark: str, *, new_mark: str, by: str, at: datetime, reason: str) -> list[LedgerItem]:
    """Undo what `reverse_payments` did under a mark; the items that do it."""
    rows = (await session.scalars(select(LedgerItem).where(LedgerItem.reference == mark))).all()
    undone = set(
        await session.scalars(select(LedgerItem.reverses_id).where(LedgerItem.reverses_id.in_([row.id for row in rows])))
    )
    done = _mirrored((row for row in rows if row.id not in undone), new_mark, by=by, at=at, reason=reason)
    session.add_all(done)
    await session.flush()
    return done


def _mirrored(rows: Iterable[LedgerItem], mark: str, *, by: str, at: datetime, reason: str) -> list[LedgerItem]:
    done = []
    for row in rows:
        item = mirror(row, at=at, by=by, reason=reason)
        item.reference = mark
        done.append(item)
    return done
