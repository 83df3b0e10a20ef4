"""`reseller check`: questions about the stored facts whose answer must be empty (`rules.md` 4, 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.booking import DEBT_ID, OPEN_EFFECT
from app.ledger.rules import EFFECT, Kind
from app.ledger.tables import LedgerItem
from app.licenses.rules import LicenseKind, LicenseState
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders.tables import MoneyReport, OrderLine, ResellerOrder

STUCK_AFTER = timedelta(minutes=30)


async def check(session: AsyncSession, at: datetime) -> dict[str, list[str]]:
    """Every question with what contradicts it; all lists empty means that the books and licenses agree."""
    return {name: [str(row) for row in await question(session, at)] for name, question in QUESTIONS.items()}


async def _overallocated_payments(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Payments that paid more than they brought."""
    effect = case(*((LedgerItem.kind == kind, EFFECT[kind][1]) for kind in Kind), else_=0) * LedgerItem.amount_minor
    of_its_own = (LedgerItem.kind == Kind.PAYMENT) & LedgerItem.payment_id.is_(None)
    subject = case((of_its_own, LedgerItem.id), else_=LedgerItem.payment_id)
    rows = select(subject).where(subject.is_not(None)).group_by(subject).having(func.sum(effect) < 0)
    return (await session.scalars(rows)).all()


async def _overpaid_receivables(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Orders that took more than they owed."""
    rows = (
        select(func.max(LedgerItem.order_number)).where(DEBT_ID.is_not(None)).group_by(DEBT_ID).having(func.sum(OPEN_EFFECT) < 0)
    )
    return (await session.scalars(rows)).all()


async def _released_without_evidence(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Permanent licenses of orders whose release nobody decided."""
    rows = (
        select(License.order_number)
        .join(ResellerOrder, ResellerOrder.id == License.order_id)
        .where(License.kind == LicenseKind.PERMANENT, ResellerOrder.release_decided_at.is_(None))
    )
    return (await session.scalars(rows)).all()


async def _released_without_license(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Lines of released orders that have no permanent license."""
    licensed = select(License.order_line_id).where(License.kind == LicenseKind.PERMANENT)
    rows = (
        select(ResellerOrder.number)
        .join(OrderLine, OrderLine.order_id == ResellerOrder.id)
        .where(ResellerOrder.released_at.is_not(None), OrderLine.id.not_in(licensed), OrderLine.license_policy.is_not(None))
    )
    return (await session.scalars(rows)).all()


async def _licensed_although_canceled(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Active licenses of orders canceled before their release."""
    rows = (
        select(License.order_number)
        .join(ResellerOrder, ResellerOrder.id == License.order_id)
        .where(
            ResellerOrder.canceled_at.is_not(None),
            ResellerOrder.release_decided_at.is_(None),
            License.state == LicenseState.ACTIVE,
        )
    )
    return (await session.scalars(rows)).all()


async def _stuck_releases(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Releases that were decided and are not through."""
    rows = select(ResellerOrder.number).where(
        ResellerOrder.release_decided_at < at - STUCK_AFTER, ResellerOrder.released_at.is_(None)
    )
    return (await session.scalars(rows)).all()


async def _not_confirmed(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Orders that passed their audit and are not confirmed in Saleor."""
    rows = select(ResellerOrder.number).where(
        ResellerOrder.audit_passed.is_(True),
        ResellerOrder.confirmed_at.is_(None),
        ResellerOrder.canceled_at.is_(None),
        ResellerOrder.created_at < at - STUCK_AFTER,
    )
    return (await session.scalars(rows)).all()


async def _paid_and_not_fulfilled(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Released orders that owe nothing more and are not fulfilled in Saleor."""
    open_minor = (
        select(func.sum(OPEN_EFFECT)).where(LedgerItem.order_id == ResellerOrder.id).correlate(ResellerOrder).scalar_subquery()
    )
    rows = select(ResellerOrder.number).where(
        ResellerOrder.released_at < at - STUCK_AFTER,
        ResellerOrder.fulfilled_at.is_(None),
        ResellerOrder.canceled_at.is_(None),
        open_minor <= 0,
    )
    return (await session.scalars(rows)).all()


async def _stuck_reports(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Money that Saleor was not told of."""
    rows = (
        select(ResellerOrder.number)
        .join(MoneyReport, MoneyReport.order_id == ResellerOrder.id)
        .where(MoneyReport.reported_at.is_(None), MoneyReport.at < at - STUCK_AFTER)
    )
    return (await session.scalars(rows)).all()


async def _stuck_mails(session: AsyncSession, at: datetime) -> Sequence[Any]:
    """Mails that no server took."""
    rows = select(Mail.key).where(Mail.state != "sent", Mail.created_at < at - STUCK_AFTER)
    return (await session.scalars(rows)).all()


QUESTIONS: dict[str, Callable[[AsyncSession, datetime], Awaitable[Sequence[Any]]]] = {
    "payments_allocated_beyond_their_amount": _overallocated_payments,
    "orders_paid_beyond_their_amount": _overpaid_receivables,
    "licenses_without_a_decided_release": _released_without_evidence,
    "released_lines_without_a_license": _released_without_license,
    "active_licenses_of_canceled_orders": _licensed_although_canceled,
    "orders_not_confirmed": _not_confirmed,
    "releases_stuck": _stuck_releases,
    "paid_orders_not_fulfilled": _paid_and_not_fulfilled,
    "reports_to_saleor_stuck": _stuck_reports,
    "mails_stuck": _stuck_mails,
}
