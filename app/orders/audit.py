"""The audit of a new order before anything of it is confirmed or released (saleor-facts 0.2).

Saleor guarantees no hook at completion, so what the tax webhook and the payment session allowed is looked at once more here: who
ordered, at which prices and tax, paid through what, for whom. Pure; the reasons say what was found, good or bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.money import Money
from app.orders.quote import Program, Quote, QuoteRequest, quote
from app.orders.session import PaidLine, Party, address_reasons, end_customer_reasons, wrong_prices
from app.reasons import Reason, because, register
from app.resellers.rules import email_key
from app.tax.rules import Location

register(
    {
        "audit_passed": "Buyer, prices, tax, payment and addresses are as the program says.",
        "audit_accepted": "Accepted by {by} although the audit found something: {reason}.",
        "detached": "The order has prices of the reseller program, but belongs to {user}, not to an active reseller.",
        "other_buyer": "The payment was promised by another account than the order belongs to.",
        "other_gateway": "{amount} came through {gateway}; resellers pay by bank transfer only.",
        "legacy_payment": "{amount} was taken by the payment plugin {gateway}; resellers pay by bank transfer only.",
        "gift_card": "A gift card was used; resellers pay by bank transfer only.",
        "staff_payment": "{amount} was entered as paid by hand in Saleor; only a wire in our ledger counts.",
        "own_use": "The ship-to e-mail is the reseller's own: own use or an unknown customer is no resale.",
        "other_reseller": "The ship-to e-mail belongs to another active reseller; resellers do not supply each other.",
        "customer_email_on_order": "The order carries the end customer's e-mail as its own; it would see the prices.",
        "po_number_taken": "The purchase-order number {number} was used for another order.",
        "no_license_policy": "{sentence}",
    }
)


@dataclass(frozen=True, slots=True)
class OtherMoney:
    """Money on the order that is not ours. `kind` is app, staff or legacy; `transaction_id` is set where it can be refunded."""

    kind: str
    name: str
    amount: Money
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as read back from Saleor."""

    user: str | None
    user_email: str
    total: Money
    shipping_gross: Money
    voucher: str
    gift_cards: int
    billing: Party | None
    shipping: Party | None
    prices: QuoteRequest
    paid: tuple[PaidLine, ...]
    other_money: tuple[OtherMoney, ...]
    reduced: bool
    """Whether any line costs less than its public price without a discount that Saleor knows of."""
    policy_errors: tuple[str, ...]
    """A sentence per line whose product says nothing about its license."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What our gateway accepted for this order: by whom and, by line, at which prices."""

    user: str
    accepted: dict[int, PaidLine]


@dataclass(frozen=True, slots=True)
class Buyer:
    """The reseller behind the order's account as the database knows it now. `may_order` is empty when it may."""

    reseller_id: str
    location: Location
    emails: frozenset[str]
    may_order: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The finding. `concerned` is False for an order the program has nothing to do with."""

    concerned: bool
    passed: bool
    reasons: tuple[Reason, ...]
    quote: Quote | None = None


def audit(
    facts: OrderFacts,
    *,
    buyer: Buyer | None,
    promise: Promise | None,
    program: Program,
    other_reseller_emails: frozenset[str],
    po_taken: str,
    refuse_vouchers: bool,
) -> Audit:
    """Look at one order. `other_reseller_emails` are the keys (`email_key`) of other active resellers' users."""
    if buyer is None:
        if promise is None and not facts.reduced:
            return Audit(False, False, ())
        return Audit(True, False, (because("detached", user=facts.user_email or "nobody"), *_money(facts)))
    reasons: list[Reason] = list(buyer.may_order)
    if promise is not None and promise.user != facts.user:
        reasons.append(because("other_buyer"))
    reasons += _money(facts)
    if facts.voucher and refuse_vouchers:
        reasons.append(because("voucher", voucher=facts.voucher))
    reasons += address_reasons(facts.billing, buyer.location)
    reasons += _end_customer(facts, buyer, other_reseller_emails)
    accepted = promise.accepted if promise is not None else None
    reasons += wrong_prices(facts.prices, facts.paid, facts.shipping_gross, facts.total, program, bool(facts.voucher), accepted)
    if po_taken:
        reasons.append(because("po_number_taken", number=po_taken))
    reasons += [because("no_license_policy", sentence=text) for text in facts.policy_errors]
    computed = None if any(reason.code == "price_refused" for reason in reasons) else quote(facts.prices, program)
    if computed is not None:
        missing_rates = [reason for line in computed.lines for reason in line.tax.reasons if reason.code == "tax_no_state_rate"]
        reasons += dict.fromkeys(missing_rates)
    return Audit(True, not reasons, tuple(reasons) or (because("audit_passed"),), computed)


def reduced_without_discount(lines: Sequence[tuple[Decimal, Decimal, int]], named_discounts: Decimal, rounding: Decimal) -> bool:
    """Whether lines of (undiscounted unit, unit paid, quantity) cost less than the discounts that Saleor names explain.

    By their amounts, not their presence: a small voucher must not hide a partner price. Each line may lose one `rounding`, the
    currency's minor unit.
    """
    reduction = sum((max(Decimal(0), retail - unit) * quantity for retail, unit, quantity in lines), Decimal(0))
    return reduction > named_discounts + rounding * len(lines)


def _money(facts: OrderFacts) -> list[Reason]:
    codes = {"app": "other_gateway", "legacy": "legacy_payment", "staff": "staff_payment"}
    reasons = []
    for money in facts.other_money:
        facts_shown = {"amount": money.amount} | ({} if money.kind == "staff" else {"gateway": money.name})
        reasons.append(because(codes[money.kind], **facts_shown))
    if facts.gift_cards:
        reasons.append(because("gift_card"))
    return reasons


def _end_customer(facts: OrderFacts, buyer: Buyer, others: frozenset[str]) -> list[Reason]:
    if missing := end_customer_reasons(facts.shipping):
        return missing
    assert facts.shipping is not None
    key = email_key(facts.shipping.email)
    if key in {email_key(email) for email in buyer.emails}:
        return [because("own_use")]
    if key in others:
        return [because("other_reseller")]
    if facts.user_email and email_key(facts.user_email) == key:
        return [because("customer_email_on_order")]
    return []
