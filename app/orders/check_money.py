"""Questions of `reseller check` about money: in the ledger, from the bank, on its way back, and told to Saleor (`rules.md` 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bank.tables import BankLineRow
from app.db.reading import rows
from app.ledger.booking import DEBT_ID, OPEN_EFFECT
from app.ledger.rules import DEBTS, EFFECT, PAYING, Kind
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.tables import MoneyReport, RefundExport, RefundRequest, ResellerOrder

PAYMENT_ID = case(
    ((LedgerItem.kind == Kind.PAYMENT) & LedgerItem.payment_id.is_(None), LedgerItem.id), else_=LedgerItem.payment_id
)
"""The payment a row belongs to, as a column: a wire is its own."""
EXPORTED_AND_GONE = timedelta(days=7)
"""By then a bank file should have told of a refund that went out."""


async def _overallocated_payments(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Payments that paid more than they brought."""
    effect = case(*((LedgerItem.kind == kind, EFFECT[kind][1]) for kind in Kind), else_=0) * LedgerItem.amount_minor
    rows = select(PAYMENT_ID).where(PAYMENT_ID.is_not(None)).group_by(PAYMENT_ID).having(func.sum(effect) < 0)
    return (await session.scalars(rows)).all()


async def _overpaid_receivables(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Orders that took more than they owed."""
    rows = (
        select(func.max(LedgerItem.order_number)).where(DEBT_ID.is_not(None)).group_by(DEBT_ID).having(func.sum(OPEN_EFFECT) < 0)
    )
    return (await session.scalars(rows)).all()


async def _parts_of_nothing(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Allocations, bank charges, credits, write-offs and refunds that name no debt or wire of the same reseller and currency."""
    debt, payment = aliased(LedgerItem), aliased(LedgerItem)
    to_debt = [kind for kind in Kind if EFFECT[kind][0] < 0]
    to_payment = [kind for kind in Kind if EFFECT[kind][1] < 0]

    def apart(other: type[LedgerItem]) -> ColumnElement[bool]:
        different = (other.reseller_id != LedgerItem.reseller_id) | (other.currency != LedgerItem.currency)
        return other.id.is_(None) | different

    query = (
        select(LedgerItem.id)
        .outerjoin(debt, (debt.id == LedgerItem.receivable_id) & debt.kind.in_(DEBTS))
        .outerjoin(payment, (payment.id == LedgerItem.payment_id) & (payment.kind == Kind.PAYMENT))
        .where((LedgerItem.kind.in_(to_debt) & apart(debt)) | (LedgerItem.kind.in_(to_payment) & apart(payment)))
    )
    return (await session.scalars(query)).all()


async def _reversals_that_differ(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Items that take another one back and are not its exact opposite."""
    original = aliased(LedgerItem)
    query = (
        select(LedgerItem.id)
        .join(original, original.id == LedgerItem.reverses_id)
        .where(
            (original.amount_minor != -LedgerItem.amount_minor)
            | (original.kind != LedgerItem.kind)
            | (original.currency != LedgerItem.currency)
            | (original.reseller_id != LedgerItem.reseller_id)
        )
    )
    return (await session.scalars(query)).all()


async def _wires_booked_twice(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Wires of one reseller with the same bank reference and amount that both count: by hand and from a file, most likely."""
    back = aliased(LedgerItem)
    query = (
        select(LedgerItem.reference)
        .outerjoin(back, back.reverses_id == LedgerItem.id)
        .where(LedgerItem.kind == Kind.PAYMENT, LedgerItem.reverses_id.is_(None), back.id.is_(None))
        .group_by(LedgerItem.reseller_id, LedgerItem.reference, LedgerItem.currency, LedgerItem.amount_minor)
        .having(
            (func.count() > 1)
            & (func.sum(case((LedgerItem.key.startswith("payment:line:"), 1), else_=0)) > 0)
            & (func.sum(case((LedgerItem.key.startswith("payment:line:"), 0), else_=1)) > 0)
        )
    )
    return (await session.scalars(query)).all()


async def _told_otherwise(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Orders that are not canceled, and whose reports to Saleor do not come to what pays them in the ledger."""
    # Sums of all orders at once: a look-up for each of a million orders takes ten times as long.
    sign = case((MoneyReport.type.in_(["CHARGE_SUCCESS", "REFUND_REVERSE"]), 1), else_=-1)
    told = (
        select(MoneyReport.order_id, func.sum(sign * MoneyReport.amount_minor).label("minor")).group_by(MoneyReport.order_id)
    ).subquery()
    paid = (
        select(LedgerItem.order_id, func.sum(LedgerItem.amount_minor).label("minor"))
        .where(LedgerItem.order_id.is_not(None), LedgerItem.kind.in_(PAYING))
        .group_by(LedgerItem.order_id)
    ).subquery()
    query = (
        select(ResellerOrder.number)
        .outerjoin(told, told.c.order_id == ResellerOrder.id)
        .outerjoin(paid, paid.c.order_id == ResellerOrder.id)
        .where(
            ResellerOrder.payment_session_id.is_not(None),
            ResellerOrder.canceled_at.is_(None),
            func.coalesce(told.c.minor, 0) != func.coalesce(paid.c.minor, 0),
        )
    )
    return (await session.scalars(query)).all()


async def _sent_and_not_booked(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Refunds that are called sent, of which the ledger has no money that left, or another amount."""
    back = aliased(LedgerItem)
    booked = (
        select(func.coalesce(func.sum(LedgerItem.amount_minor), 0))
        .outerjoin(back, back.reverses_id == LedgerItem.id)
        .where(LedgerItem.kind == Kind.REFUND, LedgerItem.reference == RefundRequest.bank_reference, back.id.is_(None))
        .correlate(RefundRequest)
        .scalar_subquery()
    )
    query = select(RefundRequest.reference).where(
        RefundRequest.done_at.is_not(None), RefundRequest.bank_reference != "", booked != RefundRequest.amount_minor
    )
    return (await session.scalars(query)).all()


async def _exported_and_not_sent(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Refunds that went out in a file a week ago, of which no bank line tells that they left."""
    query = (
        select(RefundRequest.reference)
        .join(RefundExport, RefundExport.id == RefundRequest.export_id)
        .where(RefundRequest.done_at.is_(None), RefundRequest.canceled_at.is_(None), RefundExport.at < at - EXPORTED_AND_GONE)
    )
    return (await session.scalars(query)).all()


async def _lines_without_their_payment(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Booked bank lines whose payment is not in the ledger, or not with their amount."""
    own = LedgerItem.payment_id.is_(None)
    paid = (
        select(
            PAYMENT_ID.label("payment_id"),
            func.sum(LedgerItem.amount_minor).label("net"),
            func.max(case((own, LedgerItem.currency))).label("paid_in"),
        )
        .where(LedgerItem.kind == Kind.PAYMENT)
        .group_by(PAYMENT_ID)
    ).subquery()
    lines = (
        select(BankLineRow.id, BankLineRow.amount, BankLineRow.currency, BankLineRow.reversed_by, paid.c.net, paid.c.paid_in)
        .outerjoin(paid, paid.c.payment_id == BankLineRow.payment_id)
        .where(BankLineRow.outcome == "booked", BankLineRow.takes_back.is_(False), BankLineRow.undone == "")
    )
    wrong = []
    async for line in rows(session, lines):
        if line.reversed_by is not None:
            right = line.net == 0
        elif line.paid_in == line.currency:
            right = line.net == Money.of(line.amount, line.currency).minor
        else:
            # Of another currency: what staff booked.
            right = bool(line.net and line.net > 0)
        if not right:
            wrong.append(line.id)
    return wrong


async def _payments_without_their_line(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Money that was booked from a bank line, counts, and has no such line, or more than one."""
    counting = (
        select(PAYMENT_ID.label("payment_id"))
        .where(LedgerItem.kind == Kind.PAYMENT)
        .group_by(PAYMENT_ID)
        .having(func.sum(LedgerItem.amount_minor) != 0)
    ).subquery()
    lines = (
        select(BankLineRow.payment_id, func.count().label("count"))
        .where(BankLineRow.payment_id.is_not(None), BankLineRow.takes_back.is_(False), BankLineRow.undone == "")
        .group_by(BankLineRow.payment_id)
    ).subquery()
    query = (
        select(LedgerItem.reference)
        .join(counting, counting.c.payment_id == LedgerItem.id)
        .outerjoin(lines, lines.c.payment_id == LedgerItem.id)
        .where(LedgerItem.key.startswith("payment:line:"), func.coalesce(lines.c.count, 0) != 1)
    )
    return (await session.scalars(query)).all()


MONEY_QUESTIONS: dict[str, Callable[[AsyncSession, datetime], Awaitable[Sequence[Any]]]] = {
    "payments_allocated_beyond_their_amount": _overallocated_payments,
    "orders_paid_beyond_their_amount": _overpaid_receivables,
    "parts_without_debt_or_wire": _parts_of_nothing,
    "reversals_that_differ": _reversals_that_differ,
    "wires_booked_twice": _wires_booked_twice,
    "refunds_sent_and_not_booked": _sent_and_not_booked,
    "refunds_exported_and_not_sent": _exported_and_not_sent,
    "bank_lines_without_their_payment": _lines_without_their_payment,
    "payments_without_their_bank_line": _payments_without_their_line,
    "reports_to_saleor_beside_the_ledger": _told_otherwise,
}
