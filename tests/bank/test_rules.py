"""The matching ladder, by the numbers of `edge-cases.md`."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from app.bank.candidates import Bundle, Candidates, company_key, payer_key
from app.bank.decisions import Decision, Outcome, Part, Policy, Rule
from app.bank.lines import LineStatus
from app.bank.payers import only_subset
from app.bank.reasons import because
from app.bank.rules import decide
from app.reasons import sentence
from tests.bank.lines import IBAN, LETTERS, RF, ZEROS, candidates, debt, line, statement


def codes(decision: Decision) -> set[str]:
    assert all(sentence(reason) for reason in decision.reasons), "every reason can be said"
    return {reason.code for reason in decision.reasons}


def test_the_references_of_these_tests_are_valid() -> None:
    for reference in (RF, ZEROS, LETTERS):
        mod_97_10.validate(reference[4:] + reference[:4])


def test_an_exact_wire_books_itself() -> None:
    found = decide(line(reference_structured=RF), candidates())
    assert (found.outcome, found.rule, found.confidence) == (Outcome.BOOKED, Rule.REFERENCE, 100)
    assert found.parts == (Part("a", 11_880),)
    assert found.reseller_id == "star"
    assert codes(found) == {"reference_found", "amount_equal"}


@pytest.mark.parametrize(
    ("issued", "written", "how", "confidence"),
    [
        (RF, "RF18539007547034", None, 97),
        (RF, "RF18 5390 0754 7034", "blanks_or_case", 96),
        (RF, "rf18539007547034", "blanks_or_case", 96),
        (RF, "Ref: RF18-5390-0754-7034 thanks", "hyphens", 95),
        (RF, "RF18 539OO754 7O34", "letter_o_for_zero", 92),
        (ZEROS, "RF63 102", "leading_zeros_missing", 89),
        (RF, "18539007547034", "prefix_missing", 87),
        (RF, "paid 18 5390 0754 7034 today", "prefix_missing", 87),
        (LETTERS, "INVRF20QW7K2MP3ZZTTHANKS", None, 97),
        (LETTERS, "RF20 QW7K 2MP3 ZZT+DANKE", "blanks_or_case", 96),
    ],
)  # fmt: skip
def test_case_43_a_reference_however_it_was_written(issued: str, written: str, how: str | None, confidence: int) -> None:
    found = decide(line(reference_text=written), candidates(debt(reference=issued)))
    assert (found.outcome, found.rule, found.confidence) == (Outcome.BOOKED, Rule.REFERENCE_IN_TEXT, confidence)
    assert (f"spelled_{how}" in codes(found)) == (how is not None)


def test_case_44_several_references_with_an_exact_sum_pay_all() -> None:
    both = candidates(debt(), debt("b", 5_000, number="1044", reference=LETTERS))
    found = decide(line("168.80", reference_text=f"{RF} {LETTERS}"), both)
    assert found.outcome is Outcome.BOOKED
    assert found.parts == (Part("a", 11_880), Part("b", 5_000))


def test_case_44_several_references_without_an_exact_sum_are_proposed_oldest_first() -> None:
    both = candidates(debt(due="2026-05-01"), debt("b", 5_000, number="1044", reference=LETTERS))
    found = decide(line("100.00", reference_text=f"{RF} {LETTERS}"), both)
    assert found.outcome is Outcome.PROPOSAL
    assert found.parts == (Part("b", 5_000), Part("a", 5_000))
    assert "amount_short" in codes(found)


def test_case_44_a_reference_and_a_number_together() -> None:
    both = candidates(debt(), debt("b", 5_000, number="1044", reference=LETTERS))
    found = decide(line("168.80", reference_text=f"{RF} and order 1044"), both)
    assert (found.outcome, found.rule) == (Outcome.BOOKED, Rule.ORDER_NUMBER)
    assert found.parts == (Part("a", 11_880), Part("b", 5_000))


@pytest.mark.parametrize("text", ["RF18 5390 0754\n7034", "RF18 5390 07\n54 7034 invoice", "pay RF1853900754\n7034"])
def test_case_45_a_reference_that_the_bank_cut(text: str) -> None:
    assert decide(line(reference_text=text), candidates()).outcome is Outcome.BOOKED


def test_case_46_a_reference_with_wrong_check_digits_is_named_once() -> None:
    found = decide(line(reference_structured="RF19539007547034", reference_text="RF19539007547034 INVOICE 7"), candidates())
    assert codes(found).count("wrong_check_digits") == 1


def test_case_46_wrong_check_digits_beside_the_right_number() -> None:
    found = decide(line(reference_structured="RF19539007547034", reference_text="order 1043"), candidates())
    assert (found.outcome, found.rule) == (Outcome.PROPOSAL, Rule.ORDER_NUMBER)
    assert "wrong_check_digits" in codes(found)
    assert found.parts == (Part("a", 11_880),)


def test_case_46_a_reference_of_somebody_else_beside_the_right_number() -> None:
    found = decide(line(reference_structured=LETTERS, reference_text="order 1043"), candidates())
    assert found.outcome is Outcome.PROPOSAL
    assert "unknown_reference" in codes(found)


@pytest.mark.parametrize(
    ("payer", "account", "third"),
    [
        ("LONE STAR SOFTWARE LLC", None, False),
        ("Lone Star Software", None, False),
        ("HOLDING ONE AG", None, True),
        ("HOLDING ONE AG", "DE02120300000000202051", False),
        (None, None, True),
    ],
)
def test_case_47_another_payer_pays_too_and_is_flagged(payer: str | None, account: str | None, third: bool) -> None:
    known = candidates(payers={"DE02 1203 0000 0000 2020 51": "star"})
    found = decide(line(reference_structured=RF, payer_name=payer, payer_account=account), known)
    assert found.outcome is Outcome.BOOKED
    assert found.third_party is third
    named = "other_payer" if payer else "payer_unnamed"
    assert (named in codes(found)) is third


PAYER = {"X1": "star"}


def test_case_48_a_known_payer_with_the_amount_of_one_item_is_proposed() -> None:
    found = decide(line(payer_account="X1"), candidates(debt(), debt("b", 5_000, number="1044"), payers=PAYER))
    assert (found.outcome, found.rule, found.parts) == (Outcome.PROPOSAL, Rule.PAYER_ONE_ITEM, (Part("a", 11_880),))


def test_case_48_with_the_amount_of_two_items_a_person_looks() -> None:
    found = decide(line(payer_account="X1"), candidates(debt(), debt("b", number="1044"), payers=PAYER))
    assert (found.outcome, found.reseller_id, found.parts) == (Outcome.UNMATCHED, "star", ())
    assert not found.acceptable
    assert "equals_several" in codes(found)


def test_case_48_an_unknown_payer_gets_nothing_however_equal_the_amount() -> None:
    found = decide(line(), candidates())
    assert (found.outcome, found.reseller_id) == (Outcome.UNMATCHED, None)
    assert codes(found) == {"no_reference"}


def test_case_49_a_known_payer_with_the_total_of_its_statement() -> None:
    known = candidates(debt(), debt("b", 5_000, number="1044"), debt("c", 5_000, number="1045"), payers=PAYER)
    statement(known, "a", "b")
    found = decide(line("168.80", payer_account="X1"), known)
    assert (found.outcome, found.rule) == (Outcome.PROPOSAL, Rule.PAYER_ITEMS)
    assert found.parts == (Part("a", 11_880), Part("b", 5_000))
    assert "equals_statement" in codes(found)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ({"reference_structured": LETTERS}, Rule.REFERENCE),
        ({"reference_text": LETTERS.lower()}, Rule.REFERENCE_IN_TEXT),
        ({"reference_text": "statement S 2026 03 0007"}, Rule.STATEMENT_NUMBER),
    ],
)
def test_case_49_a_statements_own_reference_pays_all_of_it(written: dict[str, str], rule: Rule) -> None:
    known = candidates(debt(), debt("b", 5_000, number="1044", reference=""))
    statement(known, "a", "b")
    found = decide(line("168.80", **written), known)
    assert (found.outcome, found.rule) == (Outcome.BOOKED, rule)
    assert found.parts == (Part("a", 11_880), Part("b", 5_000))


def test_a_statement_of_which_a_part_was_paid_asks_for_the_rest() -> None:
    known = candidates(debt(open_minor=0), debt("b", 5_000, number="1044", reference=""))
    statement(known, "a", "b")
    assert decide(line("50.00", reference_structured=LETTERS), known).parts == (Part("b", 5_000),)


@pytest.mark.parametrize(
    ("amount", "wire", "year", "outcome", "parts", "code"),
    [
        ("108.00", 1_500, 9_000, Outcome.BOOKED, (Part("a", 10_800, 1_080),), "short_within_tolerance"),
        ("107.99", 1_080, 9_000, Outcome.PROPOSAL, (Part("a", 10_799),), "amount_short"),
        ("106.00", 1_500, 9_000, Outcome.PROPOSAL, (Part("a", 10_600),), "short_over_tolerance"),
        ("108.80", 1_500, 999, Outcome.PROPOSAL, (Part("a", 10_880),), "short_over_tolerance"),
        ("108.80", 0, 0, Outcome.PROPOSAL, (Part("a", 10_880),), "amount_short"),
    ],
    ids=["within", "above", "more than a tenth", "above the year's", "no tolerance"],
)
def test_case_50_a_wire_that_banks_took_from(
    amount: str, wire: int, year: int, outcome: Outcome, parts: tuple[Part, ...], code: str
) -> None:
    found = decide(line(amount, reference_structured=RF), candidates(wire=wire, year=year))
    assert (found.outcome, found.parts) == (outcome, parts)
    assert code in codes(found)


@pytest.mark.parametrize("amount", ["118.81", "218.80"])
def test_case_51_what_is_over_stays_unallocated(amount: str) -> None:
    found = decide(line(amount, reference_structured=RF), candidates(wire=1_500, year=9_000))
    assert (found.outcome, found.acceptable, found.parts) == (Outcome.PROPOSAL, True, (Part("a", 11_880),))
    assert {"amount_over", "surplus"} <= codes(found)
    by_itself = decide(line(amount, reference_structured=RF), candidates(), policy=Policy(surplus_books=True))
    assert (by_itself.outcome, by_itself.parts) == (Outcome.BOOKED, (Part("a", 11_880),))


@pytest.mark.parametrize(("canceled", "code"), [(False, "paid_before"), (True, "paid_after_cancellation")])
def test_case_52_and_53_paid_twice_or_after_cancellation(canceled: bool, code: str) -> None:
    found = decide(line(reference_structured=RF), candidates(debt(open_minor=0, canceled=canceled)))
    assert (found.outcome, found.reseller_id, found.parts) == (Outcome.PROPOSAL, "star", ())
    assert {code, "surplus"} <= codes(found)


def test_case_54_another_currency_is_never_booked_nor_accepted() -> None:
    for currency in ("EUR", "JPY"):
        found = decide(line("118", currency=currency, reference_structured=RF), candidates())
        assert (found.outcome, found.parts, found.reseller_id) == (Outcome.UNMATCHED, (), "star")
        assert not found.acceptable
        assert "wrong_currency" in codes(found)


@pytest.mark.parametrize(("amount", "currency"), [("1.005", "USD"), ("0.5", "JPY"), ("1", "XXQ")])
def test_case_55_what_is_no_money_is_refused(amount: str, currency: str) -> None:
    assert decide(line(amount, currency=currency, reference_structured=RF), candidates()).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": "-15.00", "payer_name": None, "reference_text": "Monthly account FEE"}, "bank_fee"),
        ({"amount": "-15.00", "payer_name": None, "reference_text": "Sollzinsen Q1"}, "bank_interest"),
        ({"amount": "3.00", "payer_name": None, "reference_text": "Habenzinsen"}, "bank_interest"),
        ({"amount": "-500.00", "payer_name": "Landlord", "payer_account": "X"}, "debit"),
        ({"amount": "500.00", "payer_account": IBAN, "reference_structured": RF}, "own_transfer"),
    ],
)
def test_case_56_what_is_no_payment_is_ignored_with_its_class(changed: dict[str, Any], code: str) -> None:
    amount = changed.pop("amount")
    found = decide(line(amount, **changed), candidates())
    assert (found.outcome, codes(found)) == (Outcome.IGNORED, {code})


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"reference_text": f"PAYMENT WITH INTEREST {RF}"}, Outcome.BOOKED),
        ({"reference_text": "Order 1043 and its Zinsen"}, Outcome.BOOKED),
        ({"reference_text": "WIRE FROM INTERESTING SOFTWARE LLC"}, Outcome.UNMATCHED),
    ],
)
def test_case_56_a_payment_that_speaks_of_interest_is_not_the_banks(changed: dict[str, Any], outcome: Outcome) -> None:
    # A file of BAI2 names no payer.
    assert decide(line(payer_name=None, **changed), candidates()).outcome is outcome


@pytest.mark.parametrize("text", [{"reference_structured": RF}, {"reference_text": "Order 1043"}])
def test_case_58_money_of_ours_that_came_back_pays_nothing_by_itself(text: dict[str, str]) -> None:
    found = decide(line(reversal=True, **text), candidates())
    assert (found.outcome, "reversed_debit" in codes(found)) == (Outcome.PROPOSAL, True)


@pytest.mark.parametrize("status", [LineStatus.PENDING, LineStatus.INFORMATION])
def test_case_57_pending_entries_never_pay(status: LineStatus) -> None:
    assert decide(line(reference_structured=RF, status=status), candidates()).outcome is Outcome.PENDING


def test_case_60_a_suspected_duplicate_is_not_booked_by_itself() -> None:
    found = decide(line(reference_structured=RF), candidates(), doubts=(because("possible_duplicate", file="march.sta"),))
    assert (found.outcome, found.parts) == (Outcome.PROPOSAL, (Part("a", 11_880),))


def test_case_65_the_reference_of_the_qr_code_as_free_text() -> None:
    for where in ("reference_structured", "reference_text", "end_to_end"):
        assert decide(line(**{where: f"EPC {RF}"}), candidates()).outcome is Outcome.BOOKED


@pytest.mark.parametrize(
    ("text", "booked"),
    [
        ("order 1043", True), ("Order No. 1043", True), ("#1043", True), ("Rechnung Nr. 2026-00017", True), ("1043", True),
        ("001043", True), ("RE 2026 00017", True), ("thanks for 1043 and more", False), ("paid on 10.1043", False),
        ("order 21043", None), ("10 43", None), ("202600017", None),
    ],
)  # fmt: skip
def test_a_bare_number_may_be_anything(text: str, booked: bool | None) -> None:
    found = decide(line(reference_text=text), candidates(debt(invoice_number="2026-00017")))
    if booked is None:
        assert found.rule is not Rule.ORDER_NUMBER or text == "202600017"
        return
    assert found.rule is Rule.ORDER_NUMBER
    assert found.outcome is (Outcome.BOOKED if booked else Outcome.PROPOSAL)
    assert ("bare_number" in codes(found)) is not booked


def test_a_number_from_the_payer_of_another_reseller_is_not_booked() -> None:
    known = candidates(payers={"X1": "other"})
    assert decide(line(reference_text="order 1043", payer_account="X1"), known).outcome is Outcome.PROPOSAL
    assert decide(line(reference_structured=RF, payer_account="X1"), known).third_party


def test_a_purchase_order_number_is_a_proposal() -> None:
    found = decide(line(reference_text="our PO 77 A"), candidates())
    assert (found.outcome, found.rule, found.parts) == (Outcome.PROPOSAL, Rule.PO_NUMBER, (Part("a", 11_880),))


def test_one_purchase_order_number_of_two_resellers_needs_the_payer() -> None:
    debts = (debt(), debt("b", number="2", reference="", invoice_number="", reseller_id="other"))
    assert decide(line(reference_text="PO-77/A"), candidates(*debts)).outcome is Outcome.UNMATCHED
    found = decide(line(reference_text="PO-77/A", payer_account="X1"), candidates(*debts, payers={"X1": "other"}))
    assert (found.reseller_id, found.parts) == ("other", (Part("b", 11_880),))


def test_money_is_never_booked_across_resellers() -> None:
    known = candidates(debt(), debt("b", 5_000, number="1044", reference=LETTERS, reseller_id="other"))
    found = decide(line("168.80", reference_text=f"{RF} {LETTERS}"), known)
    assert (found.outcome, found.parts, found.reseller_id) == (Outcome.UNMATCHED, (), None)
    assert "several_resellers" in codes(found)


def test_two_debts_with_one_reference_are_ambiguous() -> None:
    found = decide(line(reference_structured=RF), candidates(debt(), debt("b", 0, number="1044")))
    assert found.outcome is Outcome.PROPOSAL
    assert "ambiguous" in codes(found)


def test_an_announced_payment_is_proposed_as_announced() -> None:
    known = candidates(debt(), debt("b", 5_000, number="1044"))
    known.add_advice(Bundle("v", "star", "USD", ("a", "b"), "mail of 2 March", "", (10_000, 2_000)))
    found = decide(line("120.00"), known)
    assert (found.outcome, found.rule) == (Outcome.PROPOSAL, Rule.ADVICE)
    assert found.parts == (Part("a", 10_000), Part("b", 2_000))
    known.add_advice(Bundle("w", "other", "USD", ("a",), "another", "", (12_000,)))
    assert decide(line("120.00"), known).outcome is Outcome.UNMATCHED, "two announce it"
    assert decide(line("120.00", payer_account="X1"), replace_payers(known)).rule is Rule.ADVICE
    known.set_open("b", 1_000)
    assert decide(line("120.00", payer_account="X1"), known).rule is not Rule.ADVICE, "less is open than announced"


def replace_payers(known: Candidates) -> Candidates:
    known.payers[payer_key("X1", None)].add("star")
    return known


def test_a_subset_of_a_known_payers_items() -> None:
    debts = [debt(str(n), minor, number=str(n), reference="") for n, minor in enumerate((1_000, 2_000, 4_000, 8_000), 1)]
    found = decide(line("70.00", payer_account="X1"), candidates(*debts, payers=PAYER))
    assert (found.rule, [part.debt_id for part in found.parts]) == (Rule.PAYER_ITEMS, ["1", "2", "3"])
    alone = decide(line("0.01", payer_account="X1"), candidates(*debts, payers=PAYER))
    assert (alone.outcome, alone.rule, alone.parts) == (Outcome.PROPOSAL, Rule.PAYER, ())
    assert alone.acceptable, "as unallocated credit"


def test_a_payer_of_two_resellers_is_nobody() -> None:
    known = candidates(payers={"X1": "star"})
    known.payers[payer_key("X1", None)].add("other")
    assert decide(line(payer_account="X1"), known).outcome is Outcome.UNMATCHED


@pytest.mark.parametrize(
    ("amount", "items", "found"),
    [
        (7, [1, 2, 4], (0, 1, 2)),
        (3, [1, 2, 3], None),
        (5, [5], (0,)),
        (6, [1, 1, 5], None),
        (9, [1] * 9, None),
        (8, [1] * 8, tuple(range(8))),
        (1, [], None),
        (17, list(range(1, 18)), None),
    ],
)
def test_the_only_subset(amount: int, items: list[int], found: tuple[int, ...] | None) -> None:
    assert only_subset(amount, items) == found


@given(st.lists(st.integers(1, 60), max_size=9), st.integers(1, 120))
def test_a_subset_is_the_only_one_of_all(items: list[int], amount: int) -> None:
    every = [
        places
        for mask in range(1, 2 ** len(items))
        if len(places := tuple(n for n in range(len(items)) if mask >> n & 1)) <= 8 and sum(items[n] for n in places) == amount
    ]
    assert only_subset(amount, items) == (every[0] if len(every) == 1 else None)


@given(
    st.lists(st.integers(0, 30_000), min_size=1, max_size=5),
    st.integers(1, 200_000),
    st.sets(st.integers(0, 4), min_size=1),
    st.integers(0, 2_000),
    st.booleans(),
)
def test_nothing_is_made_lost_or_booked_in_doubt(
    opens: list[int], minor: int, named: set[int], tolerance: int, books: bool
) -> None:
    """Whatever is named and paid: parts never exceed the wire or what is open, and a booked line fits by amount."""
    body = [f"A{n}" for n in range(5)]
    refs = [f"RF{mod_97_10.calc_check_digits(each + 'RF')}{each}" for each in body]
    debts = [debt(str(n), o, number=f"N{n}", reference=refs[n], invoice_number="", po_number="") for n, o in enumerate(opens)]
    known = candidates(*debts, wire=tolerance, year=tolerance)
    text = " ".join(refs[n] for n in sorted(named))
    found = decide(line(str(Decimal(minor) / 100), reference_text=text), known, policy=Policy(books))
    owed = {each.id: each.open_minor for each in debts}
    assert sum(part.minor for part in found.parts) <= minor
    for part in found.parts:
        assert part.minor > 0
        assert part.minor + part.charge_minor <= owed[part.debt_id]
        assert part.charge_minor <= tolerance
    if found.outcome is Outcome.BOOKED and not books:
        assert sum(part.minor for part in found.parts) == minor
        assert sum(part.minor + part.charge_minor for part in found.parts) == sum(owed[str(n)] for n in named if n < len(opens))


def test_company_names_as_banks_write_them() -> None:
    assert company_key("ACME GmbH & Co. KG") == company_key("Acme")
    assert payer_key("de89 3704 0044", "x") == "DE8937040044"
    assert payer_key(None, "Acme Inc.") == "name:ACME"
    assert payer_key(" ", None) == ""
