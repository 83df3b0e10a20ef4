"""The rules of the ledger on whole stories, without a database: whatever happens, every balance is the sum it should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.interest import DayCount, Rate, accrued_minor, segments
from app.ledger.rules import EFFECT, PAYING, Item, Kind, allocate, credits, live, receivables, unallocated
from app.money import Money
from app.orders.rules import CreditPolicy, Terms, standing

START = date(2026, 3, 1)
RATES = [Rate(date(2020, 1, 1), Decimal(9)), Rate(START + timedelta(days=40), Decimal(12))]
minors = st.integers(1, 5_000)
which = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 5_000)),
    st.tuples(st.just("wire"), which, minors, st.integers(0, 300)),
    st.tuples(st.just("back"), which),
    st.tuples(st.just("refund"), which, minors),
    st.tuples(st.just("credit"), which),
    st.tuples(st.just("write_off"), which),
    st.tuples(st.just("interest"), which, st.integers(1, 60)),
    st.tuples(st.just("contest"), which),
)


@dataclass
class Story:
    """A ledger in memory, kept by the rules alone."""

    items: list[Item] = field(default_factory=list)
    came: int = 0
    """What all wires brought that were not taken back."""
    sent: int = 0
    contested: set[str] = field(default_factory=set)
    day: date = START

    def add(
        self, kind: Kind, minor: int, debt: str | None = None, payment: str | None = None, reverses: str | None = None
    ) -> str:
        name = f"i{len(self.items)}"
        if kind in (Kind.RECEIVABLE, Kind.INTEREST) and reverses is None:
            debt = name
        if kind is Kind.PAYMENT and reverses is None:
            payment = name
        due = self.day + timedelta(days=30) if kind is Kind.RECEIVABLE else None
        self.items.append(Item(name, kind, minor, "USD", self.day, debt, payment, due, name, reverses))
        return name

    def of(self, kind: Kind) -> list[Item]:
        return [item for item in live(self.items) if item.kind is kind]

    def open_minor(self, debt: str) -> int:
        return sum(EFFECT[item.kind][0] * item.amount_minor for item in self.items if item.receivable_id == debt)

    def chosen(self, kind: Kind, number: int) -> Item | None:
        found = self.of(kind)
        return found[number % len(found)] if found else None

    def order(self, minor: int) -> None:
        self.add(Kind.RECEIVABLE, minor)

    def wire(self, number: int, minor: int, tolerance: int) -> None:
        debt = self.chosen(Kind.RECEIVABLE, number)
        if debt is None:
            return
        allocated, charge, surplus = allocate(minor, self.open_minor(debt.id), tolerance)
        assert allocated + surplus == minor
        payment = self.add(Kind.PAYMENT, minor)
        for kind, part in ((Kind.ALLOCATION, allocated), (Kind.BANK_CHARGE, charge)):
            if part:
                self.add(kind, part, debt.id, payment)
        self.came += minor

    def back(self, number: int) -> None:
        payment = self.chosen(Kind.PAYMENT, number)
        parts = [item for item in live(self.items) if payment and payment.id in (item.id, item.payment_id)]
        if payment is None or any(item.kind is Kind.REFUND for item in parts):
            return
        for item in parts:
            self.add(item.kind, -item.amount_minor, item.receivable_id, item.payment_id, item.id)
        self.came -= payment.amount_minor

    def refund(self, number: int, minor: int) -> None:
        payment = self.chosen(Kind.PAYMENT, number)
        if payment is not None and (part := min(minor, unallocated(self.items).get(payment.id, 0))) > 0:
            self.add(Kind.REFUND, part, payment=payment.id)
            self.sent += part

    def credit(self, number: int) -> None:
        """The order is canceled: its money is free again, the rest is credited."""
        debt = self.chosen(Kind.RECEIVABLE, number)
        if debt is None:
            return
        for item in [item for item in live(self.items) if item.kind in PAYING and item.receivable_id == debt.id]:
            self.add(item.kind, -item.amount_minor, item.receivable_id, item.payment_id, item.id)
        if (left := self.open_minor(debt.id)) > 0:
            self.add(Kind.CREDIT, left, debt.id)

    def write_off(self, number: int) -> None:
        debt = self.chosen(Kind.RECEIVABLE, number)
        if debt is not None and (left := self.open_minor(debt.id)) > 0:
            self.add(Kind.WRITE_OFF, left, debt.id)

    def interest(self, number: int, days: int) -> None:
        self.day += timedelta(days=days)
        debt = self.chosen(Kind.RECEIVABLE, number)
        if debt is None or debt.id in self.contested or debt.due_date is None:
            return
        found = segments(self.items, debt.id, debt.due_date, self.day, RATES, DayCount.ACT_365)
        assert all(segment.principal_minor <= debt.amount_minor for segment in found), "never on interest"
        if minor := accrued_minor(found):
            self.add(Kind.INTEREST, minor)

    def contest(self, number: int) -> None:
        debt = self.chosen(Kind.RECEIVABLE, number)
        if debt is not None:
            self.contested ^= {debt.id}

    def balances(self) -> None:
        debts = receivables(self.items, self.contested)
        left = unallocated(self.items)
        for debt in debts:
            assert 0 <= debt.open_minor <= debt.amount_minor
            assert debt.open_minor == self.open_minor(debt.id)
            assert 0 <= debt.paid_minor <= debt.amount_minor
        assert all(minor > 0 for minor in left.values()), "no wire pays more than it brought"
        allocated = sum(item.amount_minor for item in self.items if item.kind is Kind.ALLOCATION)
        assert self.came == allocated + sum(left.values()) + self.sent, "all money that came is somewhere"
        assert credits(self.items).get("USD", 0) == sum(left.values())
        owed = sum(EFFECT[item.kind][0] * item.amount_minor for item in self.items)
        interest = sum(self.open_minor(item.id) for item in self.of(Kind.INTEREST))
        assert owed == sum(debt.open_minor for debt in debts) + interest
        late = {debt.id for debt in debts if debt.overdue_days(self.day)} - self.contested
        found = standing(debts, CreditPolicy(prepaid_orders=0), Money(100, "USD"), self.day)
        assert (found.terms is Terms.PREPAY) == bool(late), "what is contested holds nothing"
        assert sum(money.minor for money in found.lifted_by) == sum(debt.open_minor for debt in debts if debt.id in late)


@settings(max_examples=500)
@given(st.lists(STEPS, max_size=25))
def test_every_story_balances_to_the_cent(steps: list[tuple[str, ...]]) -> None:
    story = Story()
    for what, *arguments in steps:
        getattr(story, what)(*arguments)
        story.balances()
