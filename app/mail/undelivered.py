"""Mails that no server has taken, or that came back: what is not yet, or wrongly, on the written record (`rules.md` 11.1)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.mail.service import next_key
from app.mail.tables import Mail

STATES = ("queued", "failed", "bounced")


async def undelivered(session: AsyncSession, reseller_id: str, addresses: Sequence[str], limit: int = 50) -> Sequence[Mail]:
    """Mails about a reseller or to its addresses that did not arrive, the newest first; not those that were sent again."""
    its = or_(Mail.reseller_id == reseller_id, Mail.recipient.in_(addresses))
    query = select(Mail).where(its, Mail.state.in_(STATES)).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(limit)
    found = (await session.scalars(query)).all()
    # One read by their exact keys: a mail that was sent again has a next one, whatever address that went to.
    following = select(Mail.key).where(Mail.key.in_([next_key(mail.key) for mail in found]))
    repeated = set(await session.scalars(following)) if found else set()
    return [mail for mail in found if next_key(mail.key) not in repeated]
