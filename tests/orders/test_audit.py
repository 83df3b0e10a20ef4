from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.money import Money
from app.orders.audit import Audit, Buyer, OrderFacts, OtherMoney, Promise, audit, reduced_without_discount
from app.orders.quote import Program, quote
from app.orders.session import PaidLine, Party
from app.pricing.rules import PriceList
from app.reasons import because, sentence
from app.resellers.rules import email_key
from tests.orders.test_session import BILLING, INACTIVE, PROGRAM, SHIPPING, TEXAS, line, prices, usd

BUYER = Buyer("r1", TEXAS, frozenset({"Orders@partner.example"}), ())
ACCEPTED = {0: PaidLine(usd("18.00"), usd("19.49"))}
PROMISE = Promise("texan", ACCEPTED)


def order(**changed: Any) -> OrderFacts:
    asked = changed.get("prices", prices())
    paid = tuple(PaidLine(found.net, found.gross) for found in quote(asked, PROGRAM).lines)
    total = usd("0")
    for item in changed.get("paid", paid):
        total = total + item.gross
    facts: dict[str, Any] = {
        "user": "texan", "user_email": "orders@partner.example", "total": total, "shipping_gross": usd("0"), "voucher": "",
        "gift_cards": 0, "billing": BILLING, "shipping": SHIPPING, "prices": asked, "paid": paid, "other_money": (),
        "reduced": True, "policy_errors": (),
    }  # fmt: skip
    return OrderFacts(**facts | changed)


def run(facts: OrderFacts, **changed: Any) -> Audit:
    known: dict[str, Any] = {
        "buyer": BUYER, "promise": PROMISE, "program": PROGRAM, "other_reseller_emails": frozenset(), "po_taken": "",
        "refuse_vouchers": True,
    }  # fmt: skip
    return audit(facts, **known | changed)


def codes(found: Audit) -> list[str]:
    return [reason.code for reason in found.reasons]


def failed(facts: OrderFacts, **changed: Any) -> list[str]:
    found = run(facts, **changed)
    assert found.concerned
    assert not found.passed
    return codes(found)


def test_everything_in_order() -> None:
    found = run(order())
    assert (found.concerned, found.passed, codes(found)) == (True, True, ["audit_passed"])
    assert found.quote is not None
    assert [answer.net for answer in found.quote.lines] == [usd("18.00")]
    assert run(order(), promise=None).passed, "an order without a session, made by staff, may be right all the same"


def test_a_retail_order_of_nobody_is_no_concern() -> None:
    found = run(order(user="stranger", reduced=False), buyer=None, promise=None)
    assert found == Audit(False, False, ())


@pytest.mark.parametrize("user", ["stranger", None])
def test_partner_prices_without_a_reseller_are_held(user: str | None) -> None:
    facts = order(user=user, user_email="eve@mail.example" if user else "")
    assert failed(facts, buyer=None, promise=None) == ["detached"]
    found = run(facts, buyer=None, promise=None)
    assert ("eve@mail.example" if user else "nobody") in sentence(found.reasons[0])
    assert found.quote is None


def test_a_promise_of_ours_on_an_order_of_nobody_is_held_at_any_price() -> None:
    card = OtherMoney("app", "stripe", usd("1.00"), "T1")
    assert failed(order(user=None, reduced=False, other_money=(card,)), buyer=None) == ["detached", "other_gateway"]


def test_another_buyer_than_promised() -> None:
    assert failed(order(), promise=replace(PROMISE, user="berliner")) == ["other_buyer"]


def test_case_9_who_may_not_order_any_more() -> None:
    assert failed(order(), buyer=replace(BUYER, may_order=(INACTIVE,))) == ["reseller_inactive"]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("app", "other_gateway", "1.00 USD came through stripe"),
        ("legacy", "legacy_payment", "payment plugin stripe"),
        ("staff", "staff_payment", "1.00 USD was entered as paid by hand"),
    ],
)
def test_money_that_is_not_ours(kind: str, code: str, words: str) -> None:
    found = run(order(other_money=(OtherMoney(kind, "stripe", usd("1.00")),)))
    assert (found.passed, codes(found)) == (False, [code])
    assert words in sentence(found.reasons[0])


def test_a_gift_card() -> None:
    assert failed(order(gift_cards=1)) == ["gift_card"]


def test_case_14_a_voucher_unless_the_shop_allows_it() -> None:
    assert failed(order(voucher="SAVE")) == ["voucher"]
    assert run(order(voucher="SAVE"), refuse_vouchers=False).passed


@pytest.mark.parametrize("email", ["orders@partner.example", "ORDERS@Partner.example", "orders+me@partner.example"])
def test_case_20_own_use(email: str) -> None:
    assert failed(order(shipping=Party("US", "CA", email, "Customer Inc"))) == ["own_use"]


def test_case_21_another_active_reseller() -> None:
    others = frozenset({email_key("Shop@Other.example")})
    assert failed(order(shipping=Party("US", "CA", "shop+x@other.example", "Customer Inc")), other_reseller_emails=others) == [
        "other_reseller"
    ]
    assert run(order(), other_reseller_emails=others).passed


@pytest.mark.parametrize("email", ["buyer@customer.example", "Buyer@Customer.example"])
def test_case_28_the_end_customers_email_on_the_order(email: str) -> None:
    assert failed(order(user_email=email)) == ["customer_email_on_order"]
    assert run(order(user_email="")).passed


def test_case_19_an_end_customer_without_an_email() -> None:
    assert failed(order(shipping=Party("US", "CA", "", "Customer Inc"))) == ["missing_end_customer_email"]
    assert failed(order(shipping=None, billing=None)) == ["missing_address", "missing_address"]


def test_billing_elsewhere() -> None:
    assert failed(order(billing=Party("US", "CA", "", "Customer Inc"))) == ["billing_state"]


def test_a_purchase_order_number_that_is_taken() -> None:
    found = run(order(), po_taken="PO-7")
    assert (found.passed, codes(found)) == (False, ["po_number_taken"])
    assert "PO-7" in sentence(found.reasons[0])


def test_a_missing_license_policy_is_said_per_line() -> None:
    found = run(order(policy_errors=("GRID-1: no policy {x}.", "GRID-2: none.")))
    assert [sentence(reason) for reason in found.reasons] == ["GRID-1: no policy {x}.", "GRID-2: none."]
    assert not found.passed
    assert found.quote is not None


def test_case_15_and_16_accepted_prices_stand_although_the_list_changed() -> None:
    changed = replace(PROGRAM, resellers={"texan": replace(PROGRAM.resellers["texan"], prices=PriceList(2, rate=Decimal(5)))})
    assert run(order(), program=changed).passed
    assert failed(order(), program=changed, promise=None) == ["wrong_price"]
    assert failed(order(), program=changed, promise=Promise("texan", {0: PaidLine(usd("18.00"), usd("18.00"))})) == [
        "wrong_price"
    ]


def test_another_price_than_promised_or_computed() -> None:
    paid = (PaidLine(usd("10.00"), usd("10.83")),)
    assert failed(order(paid=paid)) == ["wrong_price"]
    assert failed(order(total=usd("1.00"))) == ["wrong_amount"]


def test_what_has_no_price_any_more_is_held_without_a_quote() -> None:
    facts = replace(order(), prices=prices(line(retail=None)))
    found = run(facts)
    assert (found.passed, codes(found), found.quote) == (False, ["price_refused"], None)


def test_all_reasons_at_once() -> None:
    facts = order(
        gift_cards=2, voucher="SAVE", other_money=(OtherMoney("staff", "cash", usd("1.00")),), policy_errors=("none",),
        billing=Party("DE", "", "", "Customer Inc"), shipping=Party("US", "CA", "orders@partner.example", "Customer Inc"),
        total=usd("1.00"),
    )  # fmt: skip
    found = failed(facts, promise=replace(PROMISE, user="other"), po_taken="7")
    assert found == [
        "other_buyer", "staff_payment", "gift_card", "voucher", "billing_country", "own_use", "wrong_amount", "po_number_taken",
        "no_license_policy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "named", "reduced"),
    [
        ([("10", "10", 1)], "0", False),
        ([("10", "9", 1)], "0", True),
        ([("10", "9", 1)], "1", False),
        ([("100", "90", 1)], "0.01", True),  # a voucher of a cent must not hide a partner price
        ([("100", "90", 1)], "5", True),
        ([("100", "90", 1)], "10", False),  # an ordinary reduction of the same size is the public price
        ([("10", "9", 1), ("10", "9", 1)], "1", True),
        ([("10", "9", 1), ("10", "11", 1)], "0", True),  # a dearer line does not make up for it
        ([("10", "9.99", 3)], "0.02", False),  # a cent of rounding for the line
        ([("10", "11", 1)], "0", False),
        ([], "0", False),
    ],
)
def test_reduced_without_a_discount(lines: list[tuple[str, str, int]], named: str, reduced: bool) -> None:
    numbers = [(Decimal(retail), Decimal(unit), quantity) for retail, unit, quantity in lines]
    assert reduced_without_discount(numbers, Decimal(named), Decimal("0.01")) is reduced


def test_a_zero_order_without_lines_of_a_reseller() -> None:
    facts = replace(order(), prices=replace(prices(), lines=()), paid=(), total=Money(0, "USD"))
    assert run(facts, program=Program(PROGRAM.resellers, PROGRAM.tax)).passed
    assert because("audit_passed") in run(facts).reasons
