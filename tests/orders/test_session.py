from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import Money
from app.orders.quote import ActiveReseller, LineRequest, Program, QuoteRequest, quote
from app.orders.session import Known, PaidLine, Party, SessionRequest, address_reasons, check, end_customer_reasons, wrong_prices
from app.pricing.rules import Item, PriceList
from app.reasons import because, sentence
from app.resellers import rules as reseller_rules
from app.tax.rules import Location, Registration, StateRate, TaxProgram

DAY = date(2026, 3, 2)
TEXAS = Location("US", "TX", "75001")
BERLIN = Location("DE", "", "10115")
INACTIVE = because("reseller_inactive", status=reseller_rules.ResellerStatus.SUSPENDED)
NO_POLICY = because("policy_not_accepted", version="2")
PROGRAM = Program(
    {"texan": ActiveReseller("r1", PriceList(1), TEXAS), "berliner": ActiveReseller("r2", PriceList(1), BERLIN)},
    TaxProgram.of(
        [Registration("TX", DAY)],
        [StateRate("TX", Decimal("8.25"), "1", DAY)],
        {("US", None): Decimal(7), ("DE", None): Decimal(19)},
    ),
    frozenset({"partners"}),
)
BILLING = Party("US", "TX", "", "Customer Inc")
SHIPPING = Party("US", "CA", "buyer@customer.example", "Customer Inc")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def line(quantity: int = 2, unit: str = "10.00", **changed: Any) -> LineRequest:
    facts: dict[str, Any] = {
        "item": Item("v1", "p1"), "name": "Grid", "quantity": quantity,
        "base": usd(unit).minor * quantity, "retail": usd(unit).minor,
    }  # fmt: skip
    return LineRequest(**facts | changed)


def prices(*lines: LineRequest, user: str | None = "texan", **changed: Any) -> QuoteRequest:
    facts: dict[str, Any] = {
        "channel": "default", "currency": "USD", "prices_entered_with_tax": False, "user": user, "country": "US", "on": DAY,
        "lines": lines or (line(),), "shipping": usd("0"), "subtotal_discount": usd("0"), "shipping_discount": usd("0"),
    }  # fmt: skip
    return QuoteRequest(**facts | changed)


def session(asked: QuoteRequest | None = None, *, paid: tuple[tuple[str, str], ...] = (), **changed: Any) -> SessionRequest:
    """A session as Saleor would have it after our own tax answer; `paid` are other (net, gross) than that."""
    asked = asked or prices()
    lines = tuple(PaidLine(found.net, found.gross) for found in quote(asked, PROGRAM).lines)
    if paid:
        lines = tuple(PaidLine(usd(net), usd(gross)) for net, gross in paid)
    total = Money(0, asked.currency)
    for item in lines:
        total = total + item.gross
    facts: dict[str, Any] = {
        "caller": asked.user, "trusted": False, "amount": total, "total": total, "shipping_gross": Money(0, asked.currency),
        "voucher": "", "billing": BILLING, "shipping": SHIPPING, "po_number": "", "prices": asked, "paid": lines,
    }  # fmt: skip
    return SessionRequest(**facts | changed)


KNOWN = Known(location=TEXAS, may_order=(), po_number_used=False, has_bank_account=True, refuse_vouchers=True)


def codes(request: SessionRequest, known: Known = KNOWN) -> list[str]:
    return [reason.code for reason in check(request, known, PROGRAM)]


def test_a_checkout_at_the_programs_prices_is_accepted() -> None:
    found = session()
    assert (found.paid, found.total) == ((PaidLine(usd("18.00"), usd("19.49")),), usd("19.49"))
    assert codes(found) == []
    assert codes(session(po_number="PO-7")) == []


@pytest.mark.parametrize(
    ("changed", "known", "expected"),
    [
        ({"caller": None}, {}, ["not_signed_in"]),
        ({"caller": "mallory"}, {}, ["not_the_buyer"]),
        ({"caller": "mallory", "amount": usd("1.00"), "billing": None}, {"has_bank_account": False}, ["not_the_buyer"]),
        ({"caller": None, "trusted": True}, {}, []),
        ({}, {"location": None}, ["not_a_reseller"]),
        ({"amount": usd("1.00"), "shipping": None}, {"location": None}, ["not_a_reseller"]),
        ({}, {"may_order": (INACTIVE,)}, ["reseller_inactive"]),
        ({}, {"may_order": (NO_POLICY,)}, ["policy_not_accepted"]),
        ({}, {"may_order": (INACTIVE, NO_POLICY)}, ["reseller_inactive", "policy_not_accepted"]),
        ({"billing": None}, {}, ["missing_address"]),
        ({"shipping": None}, {}, ["missing_address"]),
        ({"billing": None, "shipping": None}, {}, ["missing_address", "missing_address"]),
        ({"billing": Party("DE", "", "", "Customer Inc")}, {}, ["billing_country"]),
        ({"billing": Party("US", "CA", "", "Customer Inc")}, {}, ["billing_state"]),
        ({"billing": Party("US", "", "", "Customer Inc")}, {}, ["billing_state"]),
        ({"shipping": Party("US", "CA", "eva@acme.example", "")}, {}, ["missing_end_customer_name"]),
        ({"shipping": Party("US", "CA", "nobody", "Customer Inc")}, {}, ["end_customer_email"]),
        ({"amount": usd("19.48")}, {}, ["wrong_amount"]),
        ({"amount": usd("-19.49")}, {}, ["wrong_amount"]),
        ({"amount": Money.of("19.49", "EUR")}, {}, ["wrong_amount"]),
        ({"amount": usd("9.49"), "total": usd("9.49")}, {}, ["wrong_amount"]),
        ({"po_number": "PO-7"}, {"po_number_used": True}, ["po_number_used"]),
        ({"po_number": ""}, {"po_number_used": True}, []),
        ({}, {"has_bank_account": False}, ["no_bank_account"]),
        (
            {"billing": None, "shipping": replace(SHIPPING, email="x"), "voucher": "SAVE"}
            | {"amount": usd("1.00"), "po_number": "1"},
            {"may_order": (NO_POLICY,), "po_number_used": True, "has_bank_account": False},
            [
                "policy_not_accepted", "missing_address", "end_customer_email", "voucher", "po_number_used", "no_bank_account",
                "wrong_amount",
            ],
        ),
    ],
)  # fmt: skip
def test_what_refuses_a_session(changed: dict[str, Any], known: dict[str, Any], expected: list[str]) -> None:
    assert codes(session(**changed), replace(KNOWN, **known)) == expected


@pytest.mark.parametrize("email", ["", None])
def test_case_19_the_end_customers_email_is_missing(email: str | None) -> None:
    (reason,) = check(session(shipping=Party("US", "CA", email or "", "Customer Inc")), KNOWN, PROGRAM)
    assert reason.code == "missing_end_customer_email"
    assert 'as metadata "email"' in sentence(reason)
    assert [found.code for found in end_customer_reasons(Party("US", "CA", "a@b", "Customer Inc"))] == ["end_customer_email"]


def test_case_14_a_voucher_is_refused_unless_the_shop_allows_it() -> None:
    (reason,) = check(session(voucher="SAVE5"), KNOWN, PROGRAM)
    assert (reason.code, "SAVE5" in sentence(reason)) == ("voucher", True)
    allowed = replace(KNOWN, refuse_vouchers=False)
    assert codes(session(voucher="SAVE5"), allowed) == []
    lower = session(voucher="SAVE5", paid=(("15.00", "16.24"),))
    assert codes(lower, allowed) == []
    assert codes(replace(lower, voucher=""), allowed) == ["wrong_price"]
    assert codes(session(voucher="SAVE5", paid=(("18.01", "19.50"),)), allowed) == ["wrong_price"]


@pytest.mark.parametrize(
    "paid",
    [("20.00", "21.65"), ("17.99", "19.47"), ("18.00", "18.00"), ("18.00", "19.26"), ("18.00", "19.50"), ("18.01", "19.49")],
)
def test_a_wrong_price_or_tax(paid: tuple[str, str]) -> None:
    (reason,) = check(session(paid=(paid,)), KNOWN, PROGRAM)
    assert reason.code == "wrong_price"
    assert dict(reason.params) == {"name": "Grid", "given": str(usd(paid[1])), "expected": "19.49 USD"}


def test_every_wrong_line_is_named_and_only_those() -> None:
    asked = prices(line(name="A"), line(name="B"), line(name="C"))
    found = check(session(asked, paid=(("1.00", "1.08"), ("18.00", "19.49"), ("20.00", "21.65"))), KNOWN, PROGRAM)
    assert [dict(reason.params)["name"] for reason in found] == ["A", "C"]


def test_shipping_is_part_of_the_total() -> None:
    total = usd("24.49")
    assert codes(session(shipping_gross=usd("5.00"), amount=total, total=total)) == []
    assert codes(session(shipping_gross=usd("5.00"))) == ["wrong_amount"]


def test_a_suspended_reseller_is_told_nothing_but_why_and_its_public_price_is_right() -> None:
    asked = prices()
    public = replace(PROGRAM, resellers={})
    answer = quote(asked, public).lines[0]
    request = session(
        asked, paid=((str(answer.net.amount), str(answer.gross.amount)),), billing=Party("DE", "", "", "Customer Inc")
    )
    found = check(request, replace(KNOWN, location=None, may_order=(INACTIVE,)), public)
    assert [reason.code for reason in found] == ["reseller_inactive"]
    assert "suspended" in sentence(found[0])


def test_what_has_no_price_is_refused_in_the_rules_own_words() -> None:
    request = session()
    unpriced = replace(request, prices=prices(line(retail=None)))
    (reason,) = check(unpriced, KNOWN, PROGRAM)
    assert (reason.code, sentence(reason)) == ("price_refused", "Grid has no price in this channel.")


def test_a_price_with_braces_in_its_name_can_be_said() -> None:
    (reason,) = check(session(prices(line(name="{Grid}")), paid=(("1.00", "1.08"),)), KNOWN, PROGRAM)
    assert sentence(reason).startswith("{Grid}: the price is 1.08 USD")


def test_accepted_prices_stand_at_their_own_place_only() -> None:
    asked = prices(line(), line())
    paid = (PaidLine(usd("9.00"), usd("9.74")), PaidLine(usd("9.00"), usd("9.74")))
    found = wrong_prices(asked, paid, usd("0"), usd("19.48"), PROGRAM, False, {0: paid[0]})
    assert [reason.code for reason in found] == ["wrong_price"]
    assert wrong_prices(asked, paid, usd("0"), usd("19.48"), PROGRAM, False, {0: paid[0], 1: paid[1]}) == []
    other = PaidLine(usd("9.01"), usd("9.75"))
    assert len(wrong_prices(asked, paid, usd("0"), usd("19.48"), PROGRAM, False, {0: other, 1: other})) == 2


def test_only_a_us_resellers_state_matters() -> None:
    assert address_reasons(Party("DE", "BY", "", "Customer Inc"), BERLIN) == []
    assert [reason.code for reason in address_reasons(Party("US", "TX", "", "Customer Inc"), BERLIN)] == ["billing_country"]
    assert address_reasons(Party("FR", "", "", "Customer Inc"), None) == []


@given(
    user=st.sampled_from(["texan", "berliner"]),
    sizes=st.lists(st.tuples(st.integers(1, 99), st.integers(0, 1_000_000), st.integers(0, 100)), min_size=1, max_size=6),
    with_tax=st.booleans(),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    shipping=st.integers(0, 10_000),
)
def test_a_checkout_priced_by_the_quote_itself_is_always_accepted(
    user: str, sizes: list[tuple[int, int, int]], with_tax: bool, currency: str, shipping: int
) -> None:
    lines = [
        LineRequest(Item(f"v{n}", "p"), f"L{n}", count, unit * sale // 100 * count, unit)
        for n, (count, unit, sale) in enumerate(sizes)
    ]
    zero, sent = Money(0, currency), Money(shipping, currency)
    asked = prices(
        *lines, user=user, currency=currency, prices_entered_with_tax=with_tax, country="DE",
        shipping=zero, subtotal_discount=zero, shipping_discount=zero,
    )  # fmt: skip
    answer = quote(asked, PROGRAM)
    total = answer.gross + sent
    location = PROGRAM.resellers[user].location
    request = SessionRequest(
        user, False, total, total, sent, "", Party(location.country, location.us_state, "", ""), SHIPPING, "",
        asked, tuple(PaidLine(found.net, found.gross) for found in answer.lines),
    )  # fmt: skip
    assert check(request, replace(KNOWN, location=location), PROGRAM) == ()
    dearer = replace(request.paid[0], net=request.paid[0].net + Money(1, currency))
    assert "wrong_price" in codes(replace(request, paid=(dearer, *request.paid[1:])), replace(KNOWN, location=location))
