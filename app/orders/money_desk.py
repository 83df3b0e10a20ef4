"""What the bookkeeper decides about a debt: contested, interest waived, written off (`rules.md` 6, edge case 78).

Each is once, with a reason and a name on the order's record; a number of the reader's own (`expected`) refuses it when the books
have moved on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, Refused
from app.ledger import charging, disputes
from app.ledger.booking import lock_debts
from app.ledger.disputes import disputed_debts
from app.ledger.rules import Kind
from app.ledger.service import receivable_id
from app.ledger.tables import Dispute, LedgerItem
from app.money import Money
from app.orders.record import add_event
from app.orders.service import find_order, lock_order
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.reasons import because, register

register(
    {
        "contested": "{by} noted that the reseller contests the order: {reason}. No interest, reminder or hold meanwhile.",
        "settled": "{by} settled the dispute: {reason}.",
        "waived": "{by} waived {amount} of interest: {reason}.",
        "written_off": "{by} wrote off {amount}: {reason}.",
    }
)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What was written off or waived of an order, of its amount and of its interest."""

    order: ResellerOrder
    amount: Money
    interest: Money


@dataclass(frozen=True, slots=True)
class Charged:
    """The interest of one order: charged so far, and what is open of it."""

    order_number: str
    until: date
    charged: Money
    open: Money
    disputed: bool


async def contest(
    session: AsyncSession, services: Services, *, number: str, by: str, reason: str
) -> tuple[ResellerOrder, Dispute]:
    """The reseller contests an order. Repeated, the open dispute stays as it is. Raises InvalidInput, NotFound, Refused."""
    order, debt_id = await _owed(session, number)
    now = services.clock()
    dispute, new = await disputes.open_dispute(session, debt_id, reason=reason, by=by, at=now)
    if new:
        what = because("contested", by=by, reason=dispute.reason.rstrip("."))
        await add_event(session, order.id, f"contested:{dispute.id}", now, what)
    return order, dispute


async def settle(
    session: AsyncSession, services: Services, *, number: str, by: str, reason: str
) -> tuple[ResellerOrder, Dispute]:
    """The dispute of an order is over: from here on it is owed like any other, with its interest from the due date.

    Raises InvalidInput without a reason, Refused where none is open.
    """
    order, debt_id = await _owed(session, number)
    now = services.clock()
    dispute = await disputes.close_dispute(session, debt_id, reason=reason, by=by, at=now)
    if dispute is None:
        raise Refused(f"Nobody contests order {order.number}.", code="no_dispute")
    what = because("settled", by=by, reason=dispute.close_reason.rstrip("."))
    await add_event(session, order.id, f"settled:{dispute.id}", now, what)
    return order, dispute


async def waive(
    session: AsyncSession, services: Services, *, number: str, by: str, reason: str, expected: Money | None = None
) -> GivenUp:
    """Waive what is open of an order's interest; what is waived is not charged again (`rules.md` 6).

    Raises InvalidInput without a reason, Refused where none is open, Conflict where not `expected` is open.
    """
    order, debt_id = await _owed(session, number)
    interest = await _open_interest(session, debt_id)
    if not interest:
        raise Refused(f"No interest of order {order.number} is open.", code="no_interest")
    _as_expected(Money(interest, order.currency), expected, "interest")
    minor = await charging.waive_interest(session, debt_id, by=by, at=services.clock(), reason=reason)
    await _given_up(session, services, order, "waived", Money(minor, order.currency), by, reason)
    return GivenUp(order, Money(0, order.currency), Money(minor, order.currency))


async def give_up(
    session: AsyncSession, services: Services, *, number: str, by: str, reason: str, expected: Money | None = None
) -> GivenUp:
    """Write off what is open of an order and of its interest. The order counts as closed, never as paid.

    Raises InvalidInput without a reason, Refused where nothing is open, Conflict where not `expected` is open of both together.
    """
    order, debt_id = await _owed(session, number)
    now = services.clock()
    charged = [item.id for item in await charging.interest_of(session, debt_id)]
    opens = await lock_debts(session, [debt_id, *charged])
    if not any(minor > 0 for minor in opens.values()):
        raise Refused(f"Nothing of order {order.number} is open.", code="nothing_open")
    _as_expected(Money(sum(max(0, minor) for minor in opens.values()), order.currency), expected, "the order and its interest")
    gone = {
        item: await charging.write_off(session, item, by=by, at=now, reason=reason)
        for item in (debt_id, *charged)
        if opens[item] > 0
    }
    done = GivenUp(order, Money(gone.pop(debt_id, 0), order.currency), Money(sum(gone.values()), order.currency))
    await _given_up(session, services, order, "written_off", done.amount + done.interest, by, reason)
    return done


async def interest_list(session: AsyncSession, reseller_id: str) -> list[Charged]:
    """The interest charged to a reseller by order, the oldest order first."""
    query = select(LedgerItem).where(
        LedgerItem.reseller_id == reseller_id, LedgerItem.kind == Kind.INTEREST, LedgerItem.reverses_id.is_(None)
    )
    of: dict[str, list[LedgerItem]] = {}
    for item in await session.scalars(query.order_by(LedgerItem.value_date, LedgerItem.id)):
        of.setdefault(item.principal_id or "", []).append(item)
    contested = await disputed_debts(session, reseller_id)
    found = []
    for principal, items in of.items():
        currency = items[0].currency
        charged = Money(sum(item.amount_minor for item in items), currency)
        left = Money(await _open_interest(session, principal), currency)
        found.append(Charged(items[0].order_number or "", items[-1].value_date, charged, left, principal in contested))
    return found


async def _owed(session: AsyncSession, number: str) -> tuple[ResellerOrder, str]:
    """The order under its lock, and its debt. Raises NotFound, Refused for one that owes nothing yet."""
    order = await lock_order(session, (await find_order(session, number)).id)
    debt_id = await receivable_id(session, order.id)
    if debt_id is None:
        raise Refused(f"Order {order.number} is held and owes nothing yet.", code="order_held")
    return order, debt_id


async def _open_interest(session: AsyncSession, debt_id: str) -> int:
    charged = [item.id for item in await charging.interest_of(session, debt_id)]
    return sum(max(0, minor) for minor in (await lock_debts(session, charged)).values())


def _as_expected(found: Money, expected: Money | None, of: str) -> None:
    if expected is None:
        return
    if expected.currency != found.currency:
        raise InvalidInput(f"--expect: the order is in {found.currency}, not {expected.currency}.", code="expected")
    if expected != found:
        raise Conflict(f"{found} of {of} are open now, not {expected}; look again.", code="moved_on")


async def _given_up(
    session: AsyncSession, services: Services, order: ResellerOrder, code: str, amount: Money, by: str, reason: str
) -> None:
    now = services.clock()
    what = because(code, by=by, amount=amount, reason=reason.strip().rstrip("."))
    await add_event(session, order.id, f"{code}:{now.isoformat()}", now, what)
