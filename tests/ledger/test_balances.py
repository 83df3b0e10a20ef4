"""Whatever happens in whatever order, the ledger balances to the cent, and what is undone leaves the balances it found."""

import asyncio
import shutil
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.session import Database
from app.errors import Conflict, InvalidInput, Refused
from app.ledger.booking import Share, Wire, book, lock_debts
from app.ledger.charging import charge_interest, waive_interest, write_off
from app.ledger.disputes import close_dispute, open_dispute
from app.ledger.interest import DayCount, Rate
from app.ledger.refunds import refund_credit, refund_order
from app.ledger.reversal import restore, reverse_payments
from app.ledger.rules import DEBTS, EFFECT, Kind, allocate, receivables, unallocated
from app.ledger.service import as_item, book_wire, credit_order, post_receivable
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.check import QUESTIONS
from tests.conftest import NOW, install

DAY = date(2026, 3, 2)
ORDERS = ("o1", "o2", "o3")
RATES = [Rate(date(2020, 1, 1), Decimal(12))]
orders = st.sampled_from(ORDERS)
minors = st.integers(1, 200)
STEPS = st.one_of(
    st.tuples(st.just("wire"), orders, minors, st.integers(0, 100)),
    st.tuples(st.just("many"), st.lists(minors, min_size=1, max_size=3), st.integers(0, 100)),
    st.tuples(st.just("return"), st.integers(0, 9)),
    st.tuples(st.just("return undone"), st.integers(0, 9)),
    st.tuples(st.just("refund"), orders, minors),
    st.tuples(st.just("write off"), orders),
    st.tuples(st.just("cancel"), orders),
    st.tuples(st.just("interest"), orders, st.integers(1, 400)),
    st.tuples(st.just("waive"), orders),
    st.tuples(st.just("contest"), orders),
    st.tuples(st.just("settle"), orders),
    st.tuples(st.just("send credit"), minors),
)


LEDGER = (
    "payments_allocated_beyond_their_amount",
    "orders_paid_beyond_their_amount",
    "parts_without_debt_or_wire",
    "reversals_that_differ",
    "wires_booked_twice",
)
"""Questions of `reseller check` about the ledger alone."""


class Books:
    """One shop's ledger and what the test knows of it by itself: the money that came in and went back."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.debts: dict[str, str] = {}
        self.brought: dict[str, int] = {}
        self.back: dict[str, str] = {}
        """Payment -> the mark it was taken back under."""
        self.sent = 0

    async def begin(self, amounts: list[int]) -> None:
        for order, minor in zip(ORDERS, amounts, strict=True):
            item = await post_receivable(
                self.session, reseller_id="r", order_id=order, order_number=order[1:], amount=Money(minor, "USD"),
                reference="RF", order_date=DAY, due=DAY, at=NOW,
            )  # fmt: skip
            self.debts[order] = item.id

    async def step(self, step: tuple[Any, ...]) -> None:
        what, *args = step
        with suppress(InvalidInput, Conflict, Refused):
            async with self.session.begin_nested():
                await getattr(self, what.replace(" ", "_"))(*args)

    async def wire(self, order: str, minor: int, tolerance: int) -> None:
        before = await lock_debts(self.session, [self.debts[order]])
        booking = await book_wire(
            self.session, order_id=order, amount=Money(minor, "USD"), bank_reference=new_id(), value_date=DAY, by="ada",
            at=NOW, tolerance_minor=tolerance,
        )  # fmt: skip
        found = (booking.allocated_minor, booking.bank_charge_minor, booking.surplus_minor)
        assert found == allocate(minor, before[self.debts[order]], tolerance)
        self.brought[booking.payment_id] = minor

    async def many(self, parts: list[int], surplus: int) -> None:
        opens = await lock_debts(self.session, self.debts.values())
        shares = []
        for order, part in zip(ORDERS, parts, strict=False):
            if minor := min(part, opens[self.debts[order]]):
                shares.append(Share(self.debts[order], minor, 0, order, order[1:]))
        total = sum(share.minor for share in shares) + surplus
        payment = new_id()
        wire = Wire(payment, f"payment:{payment}", "r", Money(total, "USD"), DAY, "B", tuple(shares))
        await book(self.session, [wire], by="ada", at=NOW)
        self.brought[payment] = total

    def _known(self, number: int) -> str:
        if not self.brought:
            raise InvalidInput("no wire yet")
        return list(self.brought)[number % len(self.brought)]

    async def return_(self, number: int) -> None:
        payment, mark = self._known(number), new_id()
        if await reverse_payments(self.session, [payment], mark=mark, by="ada", at=NOW, reason="AC04"):
            self.back[payment] = mark

    async def return_undone(self, number: int) -> None:
        payment = self._known(number)
        mark = self.back.get(payment)
        if mark is None:
            raise InvalidInput("not returned")
        await restore(self.session, mark, new_mark=new_id(), by="ada", at=NOW, reason="no return")
        if any(minor < 0 for minor in (await lock_debts(self.session, self.debts.values())).values()):
            raise Conflict("paid meanwhile")
        del self.back[payment]

    async def refund(self, order: str, minor: int) -> None:
        await refund_order(
            self.session, order_id=order, amount=Money(minor, "USD"), bank_reference=new_id(), value_date=DAY, by="ada", at=NOW
        )
        self.sent += minor

    async def write_off(self, order: str) -> None:
        await write_off(self.session, self.debts[order], by="ada", at=NOW, reason="gone")

    async def cancel(self, order: str) -> None:
        await credit_order(self.session, order, reason="canceled", by="saleor", at=NOW)

    async def interest(self, order: str, days: int) -> None:
        await charge_interest(
            self.session, self.debts[order], until=date.fromordinal(DAY.toordinal() + days), rates=RATES,
            day_count=DayCount.ACT_365, by="ada", at=NOW,
        )  # fmt: skip

    async def waive(self, order: str) -> None:
        await waive_interest(self.session, self.debts[order], by="ada", at=NOW, reason="kind")

    async def contest(self, order: str) -> None:
        await open_dispute(self.session, self.debts[order], reason="wrong", by="ada", at=NOW)

    async def settle(self, order: str) -> None:
        await close_dispute(self.session, self.debts[order], reason="settled", by="ada", at=NOW)

    async def send_credit(self, minor: int) -> None:
        await refund_credit(
            self.session, reseller_id="r", amount=Money(minor, "USD"), bank_reference=new_id(), value_date=DAY, by="ada", at=NOW
        )
        self.sent += minor

    async def state(self) -> tuple[Any, ...]:
        """All balances: (open, paid) of each order, what each payment has left, what is open of interest."""
        rows = (await self.session.scalars(select(LedgerItem))).all()
        items = [as_item(row) for row in rows]
        interest = sum(
            EFFECT[item.kind][0] * item.amount_minor for item in items if item.receivable_id not in self.debts.values()
        )
        return (
            {debt.id: (debt.open_minor, debt.paid_minor) for debt in receivables(items)},
            unallocated(items),
            interest,
        )

    async def balances(self) -> None:
        owed, left, interest = await self.state()
        assert min(minor for minor, _ in owed.values()) >= 0, "nothing is paid beyond its amount"
        assert all(paid >= 0 for _, paid in owed.values())
        assert all(minor > 0 for minor in left.values()), "no wire pays more than it brought"
        assert interest >= 0
        rows = (await self.session.scalars(select(LedgerItem))).all()
        came = sum(row.amount_minor for row in rows if row.kind == Kind.PAYMENT)
        assert came == sum(minor for payment, minor in self.brought.items() if payment not in self.back)
        paid = sum(row.amount_minor for row in rows if row.kind == Kind.ALLOCATION)
        assert came == paid + sum(left.values()) + self.sent, "all money that came is somewhere"
        closed = sum(row.amount_minor for row in rows if row.kind in (Kind.BANK_CHARGE, Kind.CREDIT, Kind.WRITE_OFF))
        booked = sum(row.amount_minor for row in rows if row.kind in DEBTS)
        found = {name: list(await QUESTIONS[name](self.session, NOW)) for name in LEDGER}
        assert not any(found.values()), found
        assert booked == paid + closed + sum(minor for minor, _ in owed.values()) + interest


setattr(Books, "return", Books.return_)


@pytest.fixture(scope="module")
def path(sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables, for one story's shop after the other's."""
    return Path(shutil.copyfile(sqlite_tables, tmp_path_factory.mktemp("books") / "books.db"))


async def story(path: Path, amounts: list[int], steps: list[tuple[Any, ...]], imported: list[tuple[Any, ...]]) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    tenant = await install(database, f"http://{new_id()}.example/graphql/")
    async with database.tenant(tenant) as session:
        books = Books(session)
        await books.begin(amounts)
        for step in steps:
            await books.step(step)
            await books.balances()
        before, known = await books.state(), set(books.brought)
        for step in imported:
            await books.step(step)
        new = [payment for payment in books.brought if payment not in known]
        for payment in reversed(new):
            await reverse_payments(session, [payment], mark=f"undo:{payment}", by="ada", at=NOW, reason="file undone")
            books.back[payment] = f"undo:{payment}"
        assert await books.state() == before
        await books.balances()
    await database.close()


WIRES = STEPS.filter(lambda step: step[0] in ("wire", "many"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    st.lists(st.integers(0, 200), min_size=3, max_size=3),
    st.lists(STEPS, max_size=14),
    st.lists(WIRES, max_size=5),
)
def test_it_balances_to_the_cent_and_undoing_a_file_restores_the_state(
    path: Path, amounts: list[int], steps: list[tuple[Any, ...]], imported: list[tuple[Any, ...]]
) -> None:
    asyncio.run(story(path, amounts, steps, imported))
