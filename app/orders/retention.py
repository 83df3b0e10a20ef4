"""What is forgotten after a while because it never became anything: no law asks for it, and it holds people's data.

Orders, ledger, documents, licenses and the written record stay: they are the books (`deploy/scale.md` says how large they get).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.tables import LicenseClaim, PaymentSession, ResellerOrder

AT_ONCE = 500
"""Rows of one transaction: nobody waits long for its locks."""


async def forget_abandoned(session: AsyncSession, before: datetime) -> int:
    """Delete payment sessions that became no order, and links to claim a license that were withdrawn, both older than `before`.

    At most AT_ONCE of each; how many. Of a withdrawn link the order's record tells that there was one (`claims`).
    """
    used = select(ResellerOrder.id).where(ResellerOrder.payment_session_id == PaymentSession.id)
    sessions = select(PaymentSession.id).where(PaymentSession.created_at < before, ~used.exists())
    claims = select(LicenseClaim.id).where(LicenseClaim.withdrawn_at < before, LicenseClaim.claimed_at.is_(None))
    count = 0
    for table, query in ((PaymentSession, sessions), (LicenseClaim, claims)):
        ids = (await session.scalars(query.limit(AT_ONCE))).all()
        if ids:
            await session.execute(delete(table).where(table.id.in_(ids)))
        count += len(ids)
    return count
