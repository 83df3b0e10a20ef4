"""The price and tax of a whole checkout: the answer to Saleor's tax webhook, and what the payment session checks against.

Pure: a request and a snapshot of the shop's program in, lines with their reasons out. Saleor's own facts behind it are in
`saleor-facts.md` 3: line totals exclude entire-order discounts, which must be spread here, and the net of the answer *is* the
price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import msgspec

from app.errors import InvalidInput, Refused
from app.money import MILLION, Money, MoneyError, exponent, millionths, portion, spread
from app.pricing.rules import Item, LinePrice, PartnerPrice, PriceList, choose, partner_price, unit_price
from app.reasons import Reason, because, register
from app.settings import ShopSettings
from app.tax.days import state_day
from app.tax.rules import ZERO, Location, TaxDecision, TaxProgram, decide, flat_rate

register({"public_price": "The public price; the buyer is not an active reseller."})


class LineRequest(msgspec.Struct, frozen=True, gc=False):
    """A line as Saleor sends it: `base` is its total without entire-order discounts, `retail` the channel's unit price.

    Both in minor units of the request's currency. `item` is None where the variant was deleted since; a reseller gets no price
    for it.
    """

    item: Item | None
    name: str
    quantity: int
    base: int
    retail: int | None
    tax_class: str | None = None
    charge_taxes: bool = True
    for_resale: bool = True


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """A checkout or order to price. `user` is Saleor's user id, never an e-mail (`saleor-facts.md` 0.2).

    `on` is the day in the vendor's time zone, for prices. With `at`, the moment of the order, a reseller in the US is taxed by
    the day it is in its state then (edge case 36), without it by `on` too.
    """

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
    at: datetime | None = None


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


class LineQuote(msgspec.Struct, frozen=True, gc=False):
    """A line's answer in minor units; what it was made of is kept, so that it can be put into words when somebody asks.

    `prices` is set for a reseller. `public` is the total that everybody else would pay.
    """

    net_minor: int
    gross_minor: int
    tax: TaxDecision
    asked: LineRequest
    public: int
    currency: str
    on: date
    prices: PriceList | None = None

    @property
    def net(self) -> Money:
        """What the line costs before tax."""
        return Money(self.net_minor, self.currency)

    @property
    def gross(self) -> Money:
        """What the line costs."""
        return Money(self.gross_minor, self.currency)

    @property
    def chosen(self) -> LinePrice | None:
        """The partner price for a reseller, whether or not it was the lower one."""
        asked = self.asked
        if self.prices is None or asked.item is None or asked.retail is None:
            return None
        price = partner_price(asked.item, asked.quantity, Money(asked.retail, self.currency), self.prices, self.on)
        return choose(price, asked.quantity, Money(self.public, self.currency))

    @property
    def price(self) -> PartnerPrice | None:
        """The partner price of one unit, where one was computed."""
        return chosen.unit if (chosen := self.chosen) else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the net is what it is."""
        return chosen.reasons if (chosen := self.chosen) else (because("public_price"),)


class Quote(msgspec.Struct, frozen=True):
    """The checkout's answer: `reseller_id` is whose partner prices these are, `price_list_id` of which list (`PriceList.id`)."""

    lines: tuple[LineQuote, ...]
    shipping_net: Money
    shipping_gross: Money
    shipping_rate: Decimal
    reseller_id: str | None
    price_list_id: str = ""

    @property
    def gross(self) -> Money:
        """What the buyer pays in all."""
        total = self.shipping_gross
        for line in self.lines:
            total = total + line.gross
        return total


def for_resale(mark: str | None) -> bool:
    """Whether a line is bought to be resold, by its metadata `not_for_resale`: any text but a no is the mark (edge case 40)."""
    return mark is None or mark.strip().lower() in ("", "0", "false", "no")


def tax_moment(settings: ShopSettings, at: datetime) -> datetime | None:
    """`QuoteRequest.at` of an order of this moment: None where the vendor taxes by its own day (edge case 36)."""
    return at if settings.program.certificate_day_of_state else None


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
    taxes = _Taxes(request, reseller.location if reseller else None, program.tax)
    shares = _shares(request)
    currency, on, prices = request.currency, request.on, reseller.prices if reseller else None
    lines = tuple([_line(line, share, currency, prices, on, taxes) for line, share in zip(request.lines, shares, strict=True)])
    reseller_id, list_id = (reseller.id, reseller.prices.id) if reseller else (None, "")
    shipping = _price_after_discount(request.shipping, request.shipping_discount)
    if not shipping:
        return Quote(lines, shipping, shipping, ZERO, reseller_id, list_id)
    tax = taxes[None, True, True]
    net, gross = tax.on(shipping.minor)
    return Quote(lines, Money(net, currency), Money(gross, currency), tax.decision.rate, reseller_id, list_id)


class _Tax(msgspec.Struct, frozen=True, gc=False):
    """A decision with what it does to an entered total: both rates in millionths, `held` None where the total holds no tax."""

    decision: TaxDecision
    rate: int
    held: int | None

    def on(self, entered: int) -> tuple[int, int]:
        """(net, gross) of an entered total, all in minor units, half-up.

        Prices entered with tax hold the store's own flat rate of the ship-to country; that is taken out first, so that an exempt
        reseller pays the net and one of another state its own state's tax on it.
        """
        net = entered
        if self.held is not None:
            whole = MILLION + self.held
            net = (2 * MILLION * entered + whole) // (2 * whole)
            if self.rate == self.held:
                # The entered total is the gross to the cent, whatever the net rounded to.
                return net, entered
        return net, portion(net, MILLION + self.rate) if self.rate else net


class _Taxes(dict[tuple[str | None, bool, bool], _Tax]):
    """The taxes of one request by (tax class, charge taxes, for resale), each decided when it is first asked for."""

    def __init__(self, request: QuoteRequest, reseller: Location | None, program: TaxProgram) -> None:
        self._request = request
        self._reseller = reseller
        self._program = program
        self._on = request.on
        if request.at is not None and reseller is not None and reseller.country == "US":
            self._on = state_day(reseller.us_state, request.at)

    def __missing__(self, kind: tuple[str | None, bool, bool]) -> _Tax:
        request = self._request
        tax_class, charge_taxes, for_resale = kind
        decision = decide(
            self._program,
            reseller=self._reseller,
            ship_to_country=request.country,
            on=self._on,
            tax_class=tax_class,
            charge_taxes=charge_taxes,
            for_resale=for_resale,
        )
        held = None
        # A line without tax holds none either: what was entered is what is paid, as Saleor itself has it.
        if request.prices_entered_with_tax and charge_taxes:
            held = millionths(flat_rate(self._program, request.country, tax_class).rate)
        made = self[kind] = _Tax(decision, millionths(decision.rate), held)
        return made


def _line(line: LineRequest, share: int, currency: str, prices: PriceList | None, on: date, taxes: _Taxes) -> LineQuote:
    public = total = line.base - share
    if prices is not None:
        if line.item is None or line.retail is None:
            raise Refused(f"{line.name} has no price in this channel.", code="no_price")
        partner = unit_price(line.item, line.quantity, line.retail, currency, prices, on)[0] * line.quantity
        if partner < public:
            total = partner
    tax = taxes[line.tax_class, line.charge_taxes, line.for_resale]
    net, gross = tax.on(total)
    return LineQuote(net, gross, tax.decision, line, public, currency, on, prices)


def _shares(request: QuoteRequest) -> list[int]:
    """The entire-order discount per line in minor units, in proportion to the lines' totals and never more than a line's own."""
    if not request.subtotal_discount:
        return [0] * len(request.lines)
    bases = [line.base for line in request.lines]
    if not any(bases):
        return [0] * len(bases)
    return spread(min(request.subtotal_discount.minor, sum(bases)), bases)


def _price_after_discount(price: Money, discount: Money) -> Money:
    return Money(max(0, price.minor - discount.minor), price.currency)
