"""The credit gate: on which terms a reseller buys now, and whether one order's license may be released (`rules.md` 5).

Pure functions of the ledger's receivables and the reseller's numbers. Every decision carries its reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.ledger.rules import Receivable
from app.money import Money
from app.reasons import Reason, because, register

register(
    {
        "on_account_off": "This shop sells to resellers for prepayment only.",
        "prepaid_count": "{paid} of {required} prepaid orders are paid; until then every order is prepaid.",
        "overdue": "Order {order} is {days} days overdue; {amount} lifts it.",
        "credit_limit": "The open amount of {open} with this order of {amount} is above the limit of {limit}.",
        "order_limit": "This order of {amount} is above the limit of {limit} for one order on account.",
        "good_standing": "{paid} orders are paid and nothing is overdue: payable within {days} days.",
        "order_canceled": "The order is canceled.",
        "not_confirmed": "The order has not passed its audit.",
        "staff_hold": "Held by {by}: {reason}.",
        "staff_release": "Released by {by}: {reason}.",
        "wire_missing": "{amount} of {total} has not arrived.",
        "wire_booked": "The wire is booked: {total} is paid.",
        "credited": "The order of {total} was credited, not paid.",
        "nothing_to_pay": "There is nothing to pay.",
        "on_account": "Ordered on account, payable until {due}.",
    }
)


class Terms(StrEnum):
    """How an order is paid: before its license, or within the payment days."""

    PREPAY = "prepay"
    ON_ACCOUNT = "on_account"


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """The numbers of one reseller; limits are absent where the vendor set none."""

    prepaid_orders: int = 3
    payment_days: int = 30
    on_account: bool = True
    credit_limit: Money | None = None
    order_limit: Money | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """On which terms the next order goes, why, and how many prepaid orders count ("2 of 3").

    `lifted_by` is what has to be paid, per currency, so that nothing is overdue and the credit limit is kept; empty where
    money is not what is missing. Reasons like the count of prepaid orders stay beside it.
    """

    terms: Terms
    counted: int
    reasons: tuple[Reason, ...]
    lifted_by: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class StaffDecision:
    """A hold or release of one order by a person, in force until it expires (`rules.md` 5.5)."""

    hold: bool
    by: str
    reason: str
    expires_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether it still counts at this moment."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a permanent license may exist now, and why or why not."""

    open: bool
    reasons: tuple[Reason, ...]


def standing(receivables: Iterable[Receivable], policy: CreditPolicy, order: Money, today: date) -> Standing:
    """The terms of an order of this total, placed today (`rules.md` 5.1 to 5.4).

    Counted are orders fully paid and not reversed; zero-value ones never count. All reasons for prepayment are given, not only
    the first, so that the reseller sees everything that must change. Limits are compared in the order's own currency. What the
    reseller contests is not late, and stays owed (edge case 78).
    """
    debts = list(receivables)
    counted = sum(debt.fully_paid for debt in debts)
    reasons: list[Reason] = []
    if not policy.on_account:
        reasons.append(because("on_account_off"))
    if counted < policy.prepaid_orders:
        reasons.append(because("prepaid_count", paid=counted, required=policy.prepaid_orders))
    for debt in debts:
        if days := debt.late_days(today):
            open_amount = Money(debt.open_minor, debt.currency)
            reasons.append(because("overdue", order=debt.order_number, days=days, amount=open_amount))
    if policy.order_limit is not None and policy.order_limit.currency == order.currency and policy.order_limit < order:
        reasons.append(because("order_limit", amount=order, limit=policy.order_limit))
    if policy.credit_limit is not None and policy.credit_limit.currency == order.currency:
        open_minor = sum(debt.open_minor for debt in debts if debt.currency == order.currency and debt.open_minor > 0)
        owed = Money(open_minor, order.currency)
        if policy.credit_limit < owed + order:
            reasons.append(because("credit_limit", open=owed, amount=order, limit=policy.credit_limit))
    if reasons:
        return Standing(Terms.PREPAY, counted, tuple(reasons), _lifting(debts, policy, order, today))
    return Standing(Terms.ON_ACCOUNT, counted, (because("good_standing", paid=counted, days=policy.payment_days),))


def _lifting(debts: Iterable[Receivable], policy: CreditPolicy, order: Money, today: date) -> tuple[Money, ...]:
    """What is overdue in each currency, and in the limit's at least what the open amount and the order are above it."""
    missing: dict[str, int] = {}
    owed = 0
    for debt in debts:
        if debt.late_days(today):
            missing[debt.currency] = missing.get(debt.currency, 0) + debt.open_minor
        if debt.currency == order.currency:
            owed += max(0, debt.open_minor)
    limit = policy.credit_limit
    if limit is not None and limit.currency == order.currency:
        # An order above the limit by itself is lifted by no money: more than what is open cannot be paid.
        above = min(owed, owed + order.minor - limit.minor)
        missing[order.currency] = max(missing.get(order.currency, 0), above)
    return tuple(Money(minor, currency) for currency, minor in sorted(missing.items()) if minor > 0)


def gate(
    receivable: Receivable,
    terms: Terms,
    *,
    at: datetime,
    confirmed: bool,
    canceled: bool = False,
    decision: StaffDecision | None = None,
) -> Gate:
    """Whether the order's license may be released now (`rules.md` 5).

    Cancellation and a missing audit close it whatever else holds. Then a staff decision in force decides; then the terms. A
    prepaid order needs all of its money in our own ledger (`rules.md` 4.4); being short by a booked bank charge is paid.
    """
    if canceled:
        return Gate(False, (because("order_canceled"),))
    if not confirmed:
        return Gate(False, (because("not_confirmed"),))
    if decision and decision.in_force(at):
        code = "staff_hold" if decision.hold else "staff_release"
        return Gate(not decision.hold, (because(code, by=decision.by, reason=decision.reason),))
    total = Money(receivable.amount_minor, receivable.currency)
    if receivable.amount_minor == 0:
        return Gate(True, (because("nothing_to_pay"),))
    if receivable.open_minor <= 0:
        paid = receivable.fully_paid
        return Gate(paid, (because("wire_booked" if paid else "credited", total=total),))
    if terms is Terms.ON_ACCOUNT:
        return Gate(True, (because("on_account", due=receivable.due_date),))
    return Gate(False, (because("wire_missing", amount=Money(receivable.open_minor, receivable.currency), total=total),))
