"""Whether our gateway takes a payment session, and on which terms: the guard of every reseller order (`rules.md` 3, 4).

Pure: what Saleor tells about the checkout and what our own database knows go in, an approval or a refusal with all its reasons
comes out. Anyone can start a session on any checkout (saleor-facts 5): who asks is checked first, and told nothing unless it is
the buyer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import ResellerError
from app.money import Money
from app.orders.quote import Program, QuoteRequest, quote
from app.reasons import Reason, because, register
from app.resellers.rules import valid_email
from app.tax.rules import Location

register(
    {
        "not_signed_in": "Sign in with the reseller's account to pay by bank transfer.",
        "not_the_buyer": "Only the account that the checkout belongs to can pay for it.",
        "not_a_reseller": "Bank transfer on reseller terms is for active resellers only.",
        "missing_address": "The {which} address is missing.",
        "billing_country": "The billing address is in {given}; the reseller's approved address is in {approved}.",
        "billing_state": "The billing address is in {given}; sales tax follows the reseller's approved address in {approved}.",
        "missing_end_customer_email": 'The end customer\'s e-mail is missing: the ship-to address needs it as metadata "email".',
        "missing_end_customer_name": "The ship-to address names no company or person to make the license out to.",
        "end_customer_email": "The end customer's e-mail {email} is not an e-mail address.",
        "voucher": "The voucher {voucher} does not count for resellers; remove it to go on.",
        "wrong_amount": "The amount {given} is not the total of the order, {total}.",
        "wrong_price": "{name}: the price is {given}, it should be {expected}. Reload the cart to see the price in force.",
        "po_number_used": "The purchase-order number {number} was used for another order; choose a new one.",
        "no_bank_account": "The vendor has no bank account for {currency}. Ask the vendor.",
        "price_refused": "{sentence}",
    }
)


@dataclass(frozen=True, slots=True)
class Party:
    """An address as far as the rules look at it; `email` is its metadata value, `name` its company or person (`rules.md` 3.1)."""

    country: str
    state: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class PaidLine:
    """What Saleor says a line costs; beside the line of the quote request at the same place."""

    net: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session on a checkout. `caller` is the Saleor user id that asked, None for nobody; `trusted` is our own app asking."""

    caller: str | None
    trusted: bool
    amount: Money
    total: Money
    shipping_gross: Money
    voucher: str
    billing: Party | None
    shipping: Party | None
    po_number: str
    prices: QuoteRequest
    paid: tuple[PaidLine, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says now: why the reseller may not order (empty: it may), its own number's use, a bank account."""

    location: Location | None
    may_order: tuple[Reason, ...]
    po_number_used: bool
    has_bank_account: bool
    refuse_vouchers: bool


def check(request: SessionRequest, known: Known, program: Program) -> tuple[Reason, ...]:
    """Every reason to refuse the session; none means that its price, tax and addresses are right."""
    if who := _who(request, known):
        return who
    reasons = [*known.may_order, *_addresses(request, known)]
    if request.voucher and known.refuse_vouchers:
        reasons.append(because("voucher", voucher=request.voucher))
    if request.po_number and known.po_number_used:
        reasons.append(because("po_number_used", number=request.po_number))
    if not known.has_bank_account:
        reasons.append(because("no_bank_account", currency=request.total.currency))
    if request.amount != request.total:
        reasons.append(because("wrong_amount", given=request.amount, total=request.total))
    reasons.extend(
        wrong_prices(request.prices, request.paid, request.shipping_gross, request.total, program, bool(request.voucher))
    )
    return tuple(reasons)


def wrong_prices(
    prices: QuoteRequest,
    paid: tuple[PaidLine, ...],
    shipping_gross: Money,
    total: Money,
    program: Program,
    voucher: bool,
    accepted: Mapping[int, PaidLine] | None = None,
) -> list[Reason]:
    """Where Saleor's prices are not the ones of the program (`rules.md` 2.5), line by line and in sum.

    With a voucher a line may be lower than computed: its public price is known to Saleor alone. `accepted` are prices, by the
    line's place, that a session had verified when the order was placed; they stand although the program changed since.
    """
    try:
        expected = quote(prices, program)
    except ResellerError as error:
        return [because("price_refused", sentence=error.sentence)]
    reasons = []
    for place, (line, answer, wanted) in enumerate(zip(prices.lines, paid, expected.lines, strict=True)):
        if accepted is not None and accepted.get(place) == answer:
            continue
        lower = voucher and answer.net < wanted.net
        if (answer.net != wanted.net or answer.gross != wanted.gross) and not lower:
            reasons.append(because("wrong_price", name=line.name, given=answer.gross, expected=wanted.gross))
    summed = shipping_gross
    for answer in paid:
        summed = summed + answer.gross
    if summed != total:
        reasons.append(because("wrong_amount", given=total, total=summed))
    return reasons


def address_reasons(billing: Party | None, location: Location | None) -> list[Reason]:
    """Why the billing address is not the reseller's approved one (`rules.md` 10.1). Only a US reseller's state matters."""
    if billing is None:
        return [because("missing_address", which="billing")]
    if location is None:
        return []
    if billing.country != location.country:
        return [because("billing_country", given=billing.country, approved=location.country)]
    if location.country == "US" and billing.state != location.us_state:
        return [because("billing_state", given=billing.state or "no state", approved=location.us_state)]
    return []


def end_customer_reasons(shipping: Party | None) -> list[Reason]:
    """Why the ship-to cannot become an end customer's account (`rules.md` 3.1, edge case 19)."""
    if shipping is None:
        return [because("missing_address", which="shipping")]
    unnamed = [] if shipping.name else [because("missing_end_customer_name")]
    if not shipping.email:
        return [because("missing_end_customer_email"), *unnamed]
    if not valid_email(shipping.email):
        return [because("end_customer_email", email=shipping.email), *unnamed]
    return unnamed


def _who(request: SessionRequest, known: Known) -> tuple[Reason, ...]:
    if request.caller is None and not request.trusted:
        return (because("not_signed_in"),)
    if request.prices.user is None or (not request.trusted and request.caller != request.prices.user):
        return (because("not_the_buyer"),)
    if known.location is None and not known.may_order:
        return (because("not_a_reseller"),)
    return ()


def _addresses(request: SessionRequest, known: Known) -> list[Reason]:
    return [*address_reasons(request.billing, known.location), *end_customer_reasons(request.shipping)]
