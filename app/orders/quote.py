"""The price and tax of a whole checkout: the answer to Saleor's tax webhook, and what the payment session checks against.

Pure: a request and a snapshot of the shop's program in, lines with their reasons out. Saleor's own facts behind it are in
`saleor-facts.md` 3: line totals exclude entire-order discounts, which must be spread here, and the net of the answer *is* the
price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.errors import InvalidInput, Refused
from app.money import Money, MoneyError, exponent, spread
from app.pricing.rules import Item, PartnerPrice, PriceList, choose, partner_price
from app.reasons import Reason, because, register
from app.tax.rules import ZERO, Location, TaxDecision, TaxProgram, decide, flat_rate

register({"public_price": "The public price; the buyer is not an active reseller."})

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A line as Saleor sends it: `base` is its total without entire-order discounts, `retail` the channel's unit price."""

    item: Item
    name: str
    quantity: int
    base: Money
    retail: Money | None
    tax_class: str | None = None
    charge_taxes: bool = True
    for_resale: bool = True


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """A checkout or order to price. `user` is Saleor's user id, never an e-mail (`saleor-facts.md` 0.2)."""

    channel: str
    currency: str
    prices_entered_with_tax: bool
    user: str | None
    country: str | None
    on: date
    lines: Sequence[LineRequest]
    shipping: Money
    subtotal_discount: Money
    shipping_discount: Money


@dataclass(frozen=True, slots=True)
class ActiveReseller:
    """What pricing and tax need to know of a reseller that may order now."""

    id: str
    prices: PriceList
    location: Location


@dataclass(frozen=True, slots=True)
class Program:
    """A shop's whole program at one version, for the hot path: found by key, never searched."""

    resellers: Mapping[str, ActiveReseller] = field(default_factory=dict)
    """By Saleor user id; every user of an active reseller stands here."""
    tax: TaxProgram = field(default_factory=TaxProgram)
    reseller_only_channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LineQuote:
    """A line's answer. `price` is set where a partner price was computed, whether or not it was the lower one."""

    net: Money
    gross: Money
    tax: TaxDecision
    reasons: tuple[Reason, ...]
    price: PartnerPrice | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The checkout's answer; `reseller_id` tells whose partner prices these are."""

    lines: tuple[LineQuote, ...]
    shipping_net: Money
    shipping_gross: Money
    shipping_rate: Decimal
    reseller_id: str | None

    @property
    def gross(self) -> Money:
        """What the buyer pays in all."""
        total = self.shipping_gross
        for line in self.lines:
            total = total + line.gross
        return total


def quote(request: QuoteRequest, program: Program) -> Quote:
    """Price and tax every line (`rules.md` 2, 10).

    Raises InvalidInput for an unknown currency or a quantity below 1; Refused where a non-reseller shops in a channel for
    resellers only, or where a product has no price in the channel (edge case 17).
    """
    try:
        exponent(request.currency)
    except MoneyError as error:
        raise InvalidInput(f"The currency {request.currency!r} is not known.", code="unknown_currency") from error
    for line in request.lines:
        if line.quantity < 1:
            raise InvalidInput(f"{line.name}: the quantity {line.quantity} is below 1.", code="quantity")
    reseller = program.resellers.get(request.user) if request.user else None
    if reseller is None and request.channel in program.reseller_only_channels:
        raise Refused("This channel sells to active resellers only.", code="resellers_only")
    shares = _shares(request)
    lines = tuple(_line(request, line, share, reseller, program) for line, share in zip(request.lines, shares, strict=True))
    shipping = _price_after_discount(request.shipping, request.shipping_discount)
    tax = decide(program.tax, reseller=reseller.location if reseller else None, ship_to_country=request.country, on=request.on)
    net, gross = _taxed(shipping, tax, request, program, None)
    return Quote(lines, net, gross, tax.rate if shipping else ZERO, reseller.id if reseller else None)


def _line(request: QuoteRequest, line: LineRequest, share: int, reseller: ActiveReseller | None, program: Program) -> LineQuote:
    public = Money(line.base.minor - share, request.currency)
    price: PartnerPrice | None = None
    total: Money = public
    reasons: tuple[Reason, ...] = (because("public_price"),)
    if reseller is not None:
        if line.retail is None:
            raise Refused(f"{line.name} has no price in this channel.", code="no_price")
        price = partner_price(line.item, line.quantity, line.retail, reseller.prices, request.on)
        chosen = choose(price, line.quantity, public)
        total, reasons = chosen.total, chosen.reasons
    tax = decide(
        program.tax,
        reseller=reseller.location if reseller else None,
        ship_to_country=request.country,
        on=request.on,
        tax_class=line.tax_class,
        charge_taxes=line.charge_taxes,
        for_resale=line.for_resale,
    )
    net, gross = _taxed(total, tax, request, program, line.tax_class)
    return LineQuote(net, gross, tax, reasons, price)


def _shares(request: QuoteRequest) -> list[int]:
    """The entire-order discount per line in minor units, in proportion to the lines' totals and never more than a line's own."""
    bases = [line.base.minor for line in request.lines]
    if not any(bases):
        return [0] * len(bases)
    return spread(min(request.subtotal_discount.minor, sum(bases)), bases)


def _price_after_discount(price: Money, discount: Money) -> Money:
    return Money(max(0, price.minor - discount.minor), price.currency)


def _taxed(
    entered: Money, tax: TaxDecision, request: QuoteRequest, program: Program, tax_class: str | None
) -> tuple[Money, Money]:
    """(net, gross) of an entered total.

    Prices entered with tax hold the store's own flat rate of the ship-to country; that is taken out first, so that an exempt
    reseller pays the net and one of another state its own state's tax on it.
    """
    if not request.prices_entered_with_tax:
        return entered, _with(entered, tax.rate)
    held = flat_rate(program.tax, request.country, tax_class).rate
    net = Money.rounded(entered.amount / (1 + held / HUNDRED), entered.currency)
    # Where the rate is the one already in the price, the entered total is the gross to the cent, whatever the net rounded to.
    return net, entered if held == tax.rate else _with(net, tax.rate)


def _with(net: Money, rate: Decimal) -> Money:
    return Money.rounded(net.amount * (1 + rate / HUNDRED), net.currency)
