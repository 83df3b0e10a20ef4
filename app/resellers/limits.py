"""What staff set for one reseller apart from the shop's numbers: prepaid orders and how much credit (`rules.md` 5.1, 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.money import Money
from app.resellers.service import find, lock
from app.resellers.tables import Reseller, ResellerHistory


@dataclass(frozen=True, slots=True)
class Limits:
    """A reseller's own numbers; None takes the shop's number of prepaid orders, or sets no limit."""

    prepaid_orders: int | None = None
    credit_limit: Money | None = None
    order_limit: Money | None = None

    @classmethod
    def of(cls, reseller: Reseller) -> Limits:
        """The ones in force."""
        currency = reseller.limit_currency or ""
        return cls(
            reseller.prepaid_orders,
            None if reseller.credit_limit_minor is None else Money(reseller.credit_limit_minor, currency),
            None if reseller.order_limit_minor is None else Money(reseller.order_limit_minor, currency),
        )

    def __str__(self) -> str:
        prepaid = "the shop's" if self.prepaid_orders is None else self.prepaid_orders
        credit, order = ("none" if limit is None else limit for limit in (self.credit_limit, self.order_limit))
        return f"prepaid orders: {prepaid}, credit limit: {credit}, order limit: {order}"


async def locked_reseller(session: AsyncSession, email: str) -> Reseller:
    """The reseller of this e-mail under `service.lock`. Raises NotFound."""
    return await lock(session, (await find(session, email)).id)


async def set_limits(session: AsyncSession, reseller: Reseller, limits: Limits, *, by: str, at: datetime) -> bool:
    """Put these in place of the reseller's own, with a row of history; False when they are in force already.

    Raises InvalidInput for numbers below zero and for limits in two currencies.
    """
    money = [limit for limit in (limits.credit_limit, limits.order_limit) if limit is not None]
    if (limits.prepaid_orders or 0) < 0 or any(limit.minor < 0 for limit in money):
        raise InvalidInput("limits: none of them can be below zero.", code="limits")
    currencies = {limit.currency for limit in money}
    if len(currencies) > 1:
        raise InvalidInput(f"limits: both have one currency, not {' and '.join(sorted(currencies))}.", code="currency")
    if limits == Limits.of(reseller):
        return False
    reseller.prepaid_orders = limits.prepaid_orders
    reseller.credit_limit_minor = None if limits.credit_limit is None else limits.credit_limit.minor
    reseller.order_limit_minor = None if limits.order_limit is None else limits.order_limit.minor
    reseller.limit_currency = next(iter(currencies), None)
    session.add(ResellerHistory(reseller_id=reseller.id, at=at, by=by, action="limits", reason=str(limits)))
    await session.flush()
    return True
