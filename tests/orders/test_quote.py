from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput, Refused, ResellerError
from app.money import Money
from app.orders.quote import ActiveReseller, LineRequest, Program, QuoteRequest, quote, tax_moment
from app.pricing.rules import Item, PriceList
from app.settings import ProgramNumbers, ShopSettings
from app.tax.rules import Certificate, CertificateState, Location, Registration, StateRate, TaxProgram

DAY = date(2026, 3, 2)
TAX = TaxProgram.of(
    [Registration("TX", DAY), Registration("NY", DAY)],
    [StateRate("TX", Decimal("8.25"), "1", DAY), StateRate("NY", Decimal("8.875"), "1", DAY)],
    {("US", None): Decimal(7), ("DE", None): Decimal(19)},
)
EXEMPT = Certificate("c1", "NY-1", frozenset({"NY"}), CertificateState.APPROVED, DAY, DAY)
PROGRAM = Program(
    {
        "texan": ActiveReseller("r1", PriceList(1), Location("US", "TX", "75001")),
        "exempt": ActiveReseller("r2", PriceList(1), Location("US", "NY", "10001", (EXEMPT,))),
    },
    TAX,
    frozenset({"partners"}),
)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def line(quantity: int = 2, unit: str = "10.00", **changed: Any) -> LineRequest:
    facts: dict[str, Any] = {
        "item": Item("v1", "p1"),
        "name": "Grid",
        "quantity": quantity,
        "base": usd(unit).minor * quantity,
        "retail": usd(unit).minor,
    }
    return LineRequest(**facts | changed)


def request(user: str | None, *lines: LineRequest, **changed: Any) -> QuoteRequest:
    facts: dict[str, Any] = {
        "channel": "default",
        "currency": "USD",
        "prices_entered_with_tax": False,
        "user": user,
        "country": "US",
        "on": DAY,
        "lines": lines or (line(),),
        "shipping": usd("0"),
        "subtotal_discount": usd("0"),
        "shipping_discount": usd("0"),
    }
    return QuoteRequest(**facts | changed)


def answer(user: str | None, *lines: LineRequest, **changed: Any) -> list[tuple[str, str]]:
    return [(str(found.net.amount), str(found.gross.amount)) for found in quote(request(user, *lines, **changed), PROGRAM).lines]


@pytest.mark.parametrize(
    ("user", "result", "reseller"),
    [
        ("texan", ("18.00", "19.49"), "r1"),
        ("exempt", ("18.00", "18.00"), "r2"),
        ("stranger", ("20.00", "21.40"), None),
        (None, ("20.00", "21.40"), None),
    ],
)
def test_who_pays_what(user: str | None, result: tuple[str, str], reseller: str | None) -> None:
    assert answer(user) == [result]
    assert quote(request(user), PROGRAM).reseller_id == reseller


def test_every_line_says_why_and_what_froze() -> None:
    (found,) = quote(request("exempt"), PROGRAM).lines
    assert [reason.code for reason in found.reasons] == ["list_rate", "partner_chosen"]
    assert found.tax.certificate_id == "c1"
    assert found.price is not None
    assert (found.price.retail, found.price.unit) == (usd("10"), usd("9"))


def test_case_30_the_ship_to_country_does_not_move_the_reseller() -> None:
    assert answer("texan", country=None) == answer("texan", country="DE") == answer("texan") == [("18.00", "19.49")]


def test_prices_are_shown_before_an_address_is_known() -> None:
    assert answer(None, country=None) == [("20.00", "20.00")]


def test_case_13_a_sale_below_the_partner_price_and_one_above() -> None:
    assert answer("texan", line(base=1500)) == [("15.00", "16.24")]
    assert answer("texan", line(base=1900)) == [("18.00", "19.49")]


def test_an_entire_order_discount_is_spread_for_the_public() -> None:
    lines = (line(1, "10.00"), line(2, "10.00"), line(1, "3.33"))
    nets = [net for net, _ in answer(None, *lines, subtotal_discount=usd("10.00"))]
    assert nets == ["7.00", "14.00", "2.33"]


def test_case_14_a_voucher_never_adds_to_the_partner_price() -> None:
    assert answer("texan", subtotal_discount=usd("1.00")) == [("18.00", "19.49")]
    assert answer("texan", subtotal_discount=usd("5.00")) == [("15.00", "16.24")]


def test_a_discount_above_the_order_ends_at_zero() -> None:
    assert answer(None, line(), line(), subtotal_discount=usd("100")) == [("0.00", "0.00")] * 2
    assert answer(None, line(unit="0.00"), subtotal_discount=usd("5")) == [("0.00", "0.00")]


def test_prices_entered_with_tax() -> None:
    more = {"prices_entered_with_tax": True}
    assert answer(None, **more) == [("18.69", "20.00")]
    assert answer("exempt", **more) == [("16.82", "16.82")]
    assert answer("texan", **more) == [("16.82", "18.21")]


@given(
    st.integers(0, 10**12),
    st.decimals(0, 100, places=4),
    st.decimals(0, 100, places=4),
    st.sampled_from(["JPY", "USD", "KWD"]),
    st.booleans(),
)
def test_tax_is_added_and_taken_out_as_decimal_would(
    minor: int, public: Decimal, own: Decimal, currency: str, entered_with_tax: bool
) -> None:
    total, zero = Money(minor, currency), Money(0, currency)
    program = Program(
        {"ny": ActiveReseller("r", PriceList(1, Decimal(0)), Location("US", "NY"))},
        TaxProgram.of([Registration("NY", DAY)], [StateRate("NY", own, "1", DAY)], {("US", None): public}),
    )
    asked = request(
        "ny",
        line(1, base=minor, retail=minor),
        currency=currency,
        prices_entered_with_tax=entered_with_tax,
        shipping=zero,
        subtotal_discount=zero,
        shipping_discount=zero,
    )
    (found,) = quote(asked, program).lines
    with localcontext(prec=60):
        net = Money.rounded(total.amount / (1 + public / 100), currency) if entered_with_tax else total
        grown = Money.rounded(net.amount * (1 + own / 100), currency)
    assert (found.net, found.gross) == (net, total if entered_with_tax and own == public else grown)


def test_a_line_without_tax_holds_none_when_prices_are_entered_with_tax() -> None:
    untaxed = line(charge_taxes=False)
    assert answer(None, untaxed, prices_entered_with_tax=True) == [("20.00", "20.00")]
    assert answer("texan", untaxed, prices_entered_with_tax=True) == [("18.00", "18.00")]


def test_a_deleted_variant_has_a_public_price_only() -> None:
    assert answer(None, line(item=None, retail=None)) == [("20.00", "21.40")]
    with pytest.raises(Refused, match="Grid has no price"):
        quote(request("texan", line(item=None)), PROGRAM)


def test_shipping() -> None:
    found = quote(request("texan", shipping=usd("10"), shipping_discount=usd("2")), PROGRAM)
    assert (found.shipping_net, found.shipping_gross, found.shipping_rate) == (usd("8"), usd("8.66"), Decimal("8.25"))
    assert found.gross == usd("28.15")
    free = quote(request("texan", shipping=usd("1"), shipping_discount=usd("2")), PROGRAM)
    assert (free.shipping_gross, free.shipping_rate) == (usd("0"), Decimal(0))


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (request(None, channel="partners"), Refused, "active resellers only"),
        (request("stranger", channel="partners"), Refused, "active resellers only"),
        (request("texan", line(retail=None)), Refused, "Grid has no price"),
        (request("texan", line(quantity=0)), InvalidInput, "Grid: the quantity 0"),
        (request(None, line(quantity=-1)), InvalidInput, "below 1"),
        (replace(request(None), currency="XQQ"), InvalidInput, "'XQQ' is not known"),
    ],
)
def test_case_17_and_what_gets_no_price(asked: QuoteRequest, error: type[ResellerError], says: str) -> None:
    with pytest.raises(error, match=says):
        quote(asked, PROGRAM)


def test_a_channel_for_resellers_serves_them() -> None:
    assert answer("texan", channel="partners") == [("18.00", "19.49")]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 10**6)), min_size=1, max_size=12),
    st.integers(0, 10**7),
    st.sampled_from(["texan", "exempt", None]),
)
def test_no_line_is_negative_and_no_reseller_pays_more_than_the_public(
    sizes: list[tuple[int, int]], discount: int, user: str | None
) -> None:
    lines = [line(quantity, base=unit * quantity, retail=unit) for quantity, unit in sizes]
    asked = request(user, *lines, subtotal_discount=Money(discount, "USD"))
    found, public = quote(asked, PROGRAM), quote(replace(asked, user=None), PROGRAM)
    for ours, theirs in zip(found.lines, public.lines, strict=True):
        assert Money(0, "USD") <= ours.net <= theirs.net
        assert ours.net <= ours.gross
    whole = sum(unit * quantity for quantity, unit in sizes)
    assert sum(ours.net.minor for ours in public.lines) == max(0, whole - discount)


@pytest.mark.parametrize(
    ("at", "net_gross"),
    [
        (datetime(2026, 3, 3, 4, 59, tzinfo=UTC), ("18.00", "18.00")),
        (datetime(2026, 3, 3, 5, 0, tzinfo=UTC), ("18.00", "19.60")),
        (None, ("18.00", "19.60")),
    ],
)
def test_case_36_a_certificate_ends_with_its_last_day_in_the_state(at: datetime | None, net_gross: tuple[str, str]) -> None:
    """The vendor's day is the third of March already; in New York it is the second until five in the morning."""
    paper = Certificate(
        "c9", "NY-9", frozenset({"NY"}), CertificateState.APPROVED, date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 2)
    )
    buyer = ActiveReseller("r9", PriceList(1), Location("US", "NY", "10001", (paper,)))
    tax = TaxProgram.of([Registration("NY", date(2026, 1, 1))], [StateRate("NY", Decimal("8.875"), "1", date(2026, 1, 1))])
    asked = request("buyer", on=date(2026, 3, 3), at=at)
    (found,) = quote(asked, Program(resellers={"buyer": buyer}, tax=tax)).lines
    assert (str(found.net.amount), str(found.gross.amount)) == net_gross
    assert found.tax.certificate_id == ("c9" if net_gross[1] == "18.00" else None)


def test_case_36_the_stores_own_rates_know_no_states_day() -> None:
    at = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    for user in ("stranger", None):
        assert answer(user, at=at) == answer(user)


@pytest.mark.parametrize("of_state", [True, False])
def test_case_36_the_vendor_may_tax_by_its_own_day(of_state: bool) -> None:
    at = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    settings = ShopSettings(program=ProgramNumbers(certificate_day_of_state=of_state))
    assert tax_moment(settings, at) == (at if of_state else None)
