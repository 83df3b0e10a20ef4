"""Resellers as staff look through them: filtered and paged, with what each owes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from app.errors import NotFound
from app.resellers.rules import ResellerStatus, fold_email
from app.resellers.tables import Reseller, ResellerUser


def filtered(text: str, status: str) -> Select[Reseller]:
    """Resellers of a status, or of all with an empty one, whose company, e-mail, city or tax number holds the text.

    A user's address finds its reseller, too. A text is looked for in every reseller's row: there are thousands, not millions.
    """
    # A list shows neither users nor acceptances.
    query = select(Reseller).options(lazyload(Reseller.users), lazyload(Reseller.acceptances))
    if status in set(ResellerStatus):
        query = query.where(Reseller.status == status)
    if text:
        like = f"%{text.lower().replace('~', '~~').replace('%', '~%').replace('_', '~_')}%"
        users = select(ResellerUser.reseller_id).where(ResellerUser.email == fold_email(text))
        columns = (Reseller.company, Reseller.email, Reseller.city, Reseller.tax_number)
        query = query.where(or_(*(func.lower(column).like(like, escape="~") for column in columns), Reseller.id.in_(users)))
    return query


async def status_counts(session: AsyncSession) -> Mapping[str, int]:
    """How many resellers have each status."""
    rows = await session.execute(select(Reseller.status, func.count(Reseller.id)).group_by(Reseller.status))
    return dict(rows.all())


async def get(session: AsyncSession, reseller_id: str) -> Reseller:
    """One reseller. Raises NotFound."""
    found = await session.scalar(select(Reseller).where(Reseller.id == reseller_id))
    if found is None:
        raise NotFound("There is no such reseller.", code="no_reseller")
    return found


def emails(reseller: Reseller) -> Sequence[str]:
    """Every address of the reseller: its own and its users'."""
    return sorted({reseller.email, *(user.email for user in reseller.users)})
