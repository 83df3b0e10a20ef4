from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.ledger.rules import Receivable
from app.money import Money
from app.orders.rules import CreditPolicy, StaffDecision, Terms, gate, standing

TODAY = date(2026, 3, 8)
AT = datetime(2026, 3, 8, 12, tzinfo=UTC)
ORDER = Money.of("100", "USD")


def debt(
    number: str = "1", *, open_minor: int = 0, paid: int | None = None, amount: int = 11_880, due: date = TODAY
) -> Receivable:
    paid_minor = amount - open_minor if paid is None else paid
    return Receivable(number, number, "USD", amount, open_minor, paid_minor, due, None if open_minor else TODAY)


PAID = [debt("1"), debt("2"), debt("3")]


def codes(reasons: object) -> list[str]:
    return [reason.code for reason in reasons]  # type: ignore[attr-defined]


def test_a_new_reseller_prepays_and_sees_how_far_it_is() -> None:
    found = standing(PAID[:2], CreditPolicy(), ORDER, TODAY)
    assert (found.terms, found.counted) == (Terms.PREPAY, 2)
    assert str(found.reasons[0]).startswith("2 of 3 prepaid orders")


def test_three_paid_orders_open_the_account() -> None:
    found = standing(PAID, CreditPolicy(), ORDER, TODAY)
    assert (found.terms, found.counted, codes(found.reasons)) == (Terms.ON_ACCOUNT, 3, ["good_standing"])


def test_the_shop_may_switch_accounts_off() -> None:
    assert codes(standing(PAID, CreditPolicy(on_account=False), ORDER, TODAY).reasons) == ["on_account_off"]


def test_case_66_a_returned_third_order_counts_no_more() -> None:
    assert standing([*PAID[:2], debt("3", open_minor=11_880)], CreditPolicy(), ORDER, TODAY).counted == 2


def test_case_67_the_fourth_while_the_third_is_unpaid_is_prepaid() -> None:
    found = standing([*PAID[:2], debt("3", open_minor=11_880, due=TODAY + timedelta(30))], CreditPolicy(), ORDER, TODAY)
    assert found.terms is Terms.PREPAY


def test_case_69_a_zero_order_does_not_count() -> None:
    assert standing([*PAID[:2], debt("3", amount=0)], CreditPolicy(), ORDER, TODAY).counted == 2


def test_case_79_overdue_stops_credit_and_says_what_lifts_it() -> None:
    late = debt("1042", open_minor=11_880, due=TODAY - timedelta(6))
    found = standing([*PAID, late], CreditPolicy(), ORDER, TODAY)
    assert found.terms is Terms.PREPAY
    assert [str(reason) for reason in found.reasons] == ["Order 1042 is 6 days overdue; 118.80 USD lifts it."]
    assert standing([*PAID, debt("1042")], CreditPolicy(), ORDER, TODAY).terms is Terms.ON_ACCOUNT


def test_case_78_what_is_contested_is_not_late_and_stays_owed() -> None:
    late = replace(debt("1042", open_minor=11_880, due=TODAY - timedelta(6)), disputed=True)
    assert (late.late_days(TODAY), late.overdue_days(TODAY)) == (0, 6)
    found = standing([*PAID, late], CreditPolicy(), ORDER, TODAY)
    assert (found.terms, found.lifted_by) == (Terms.ON_ACCOUNT, ())
    limited = standing([*PAID, late], CreditPolicy(credit_limit=Money.of("218.79", "USD")), ORDER, TODAY)
    assert codes(limited.reasons) == ["credit_limit"]
    other = debt("1043", open_minor=100, due=TODAY - timedelta(1))
    both = standing([*PAID, late, other], CreditPolicy(), ORDER, TODAY)
    assert (codes(both.reasons), both.lifted_by) == (["overdue"], (Money(100, "USD"),))


def test_case_68_three_paid_by_one_wire_count_three() -> None:
    assert standing([debt(number) for number in "123"], CreditPolicy(), ORDER, TODAY).counted == 3


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (CreditPolicy(order_limit=Money.of("0", "USD")), "order_limit"),
        (CreditPolicy(credit_limit=Money.of("0", "USD")), "credit_limit"),
        (CreditPolicy(order_limit=Money.of("99.99", "USD")), "order_limit"),
        (CreditPolicy(order_limit=Money.of("100", "USD")), "good_standing"),
        (CreditPolicy(order_limit=Money.of("1", "EUR")), "good_standing"),
        (CreditPolicy(credit_limit=Money.of("218.79", "USD")), "credit_limit"),
        (CreditPolicy(credit_limit=Money.of("218.80", "USD")), "good_standing"),
    ],
)
def test_limits(policy: CreditPolicy, code: str) -> None:
    debts = [*PAID, debt("4", open_minor=11_880, due=TODAY)]
    assert codes(standing(debts, policy, ORDER, TODAY).reasons) == [code]


def test_the_standing_says_what_money_lifts_it() -> None:
    late = [debt("1042", open_minor=11_880, due=TODAY - timedelta(6)), debt("1050", open_minor=1_000, due=TODAY - timedelta(1))]
    euros = Receivable("e", "1060", "EUR", 500, 500, 0, TODAY - timedelta(2), None)
    waiting = debt("1070", open_minor=20_000, due=TODAY + timedelta(9))

    def lifted(policy: CreditPolicy, *debts: Receivable, order: Money = ORDER) -> list[str]:
        return [str(amount) for amount in standing([*PAID, *debts], policy, order, TODAY).lifted_by]

    assert lifted(CreditPolicy(), *late, euros) == ["5.00 EUR", "128.80 USD"]
    assert lifted(CreditPolicy()) == lifted(CreditPolicy(on_account=False)) == []
    above = CreditPolicy(credit_limit=Money.of("250", "USD"))
    assert lifted(above, waiting) == ["50.00 USD"]
    assert lifted(above, waiting, late[0]) == ["168.80 USD"], "the larger of what is overdue and what is above the limit"
    assert lifted(above, waiting, order=Money.of("900", "USD")) == ["200.00 USD"], "never more than is open"
    assert lifted(CreditPolicy(credit_limit=Money.of("1", "EUR")), waiting) == []


def test_all_reasons_are_given() -> None:
    late = debt("4", open_minor=1, due=TODAY - timedelta(1))
    policy = CreditPolicy(on_account=False, order_limit=Money.of("1", "USD"))
    assert codes(standing([late], policy, ORDER, TODAY).reasons) == ["on_account_off", "prepaid_count", "overdue", "order_limit"]


HOLD = StaffDecision(True, "ada", "asked the buyer")
RELEASE = StaffDecision(False, "ada", "wire seen at the bank")
UNPAID = debt(open_minor=11_880)


@pytest.mark.parametrize(
    ("receivable", "terms", "decision", "is_open", "code"),
    [
        (UNPAID, Terms.PREPAY, None, False, "wire_missing"),
        (debt(open_minor=1), Terms.PREPAY, None, False, "wire_missing"),
        (debt(), Terms.PREPAY, None, True, "wire_booked"),
        (debt(open_minor=-1), Terms.PREPAY, None, True, "wire_booked"),
        (UNPAID, Terms.ON_ACCOUNT, None, True, "on_account"),
        (debt(amount=0), Terms.PREPAY, None, True, "nothing_to_pay"),
        (debt(paid=0), Terms.PREPAY, None, False, "credited"),
        (UNPAID, Terms.PREPAY, RELEASE, True, "staff_release"),
        (debt(), Terms.ON_ACCOUNT, HOLD, False, "staff_hold"),
        (debt(), Terms.PREPAY, StaffDecision(True, "ada", "x", AT), True, "wire_booked"),
    ],
    ids=["prepay", "short", "paid", "over", "account", "zero", "credited", "released", "held", "hold expired"],
)
def test_gate(receivable: Receivable, terms: Terms, decision: StaffDecision | None, is_open: bool, code: str) -> None:
    found = gate(receivable, terms, at=AT, confirmed=True, decision=decision)
    assert (found.open, codes(found.reasons)) == (is_open, [code])


def test_nothing_opens_a_canceled_or_unaudited_order() -> None:
    assert not gate(debt(), Terms.PREPAY, at=AT, confirmed=True, canceled=True, decision=RELEASE).open
    assert not gate(debt(), Terms.ON_ACCOUNT, at=AT, confirmed=False, decision=RELEASE).open
