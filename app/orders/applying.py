"""Applying to the program as the applicant does it: one questionnaire per account, kept as a draft until it is handed in.

The rules and rows are `resellers.review`; this asks the shop what only the shop knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.services import Services
from app.reasons import Reason
from app.resellers import review
from app.resellers.application import OPEN
from app.resellers.tables import Application
from app.saleor import operations as ops
from app.saleor.shops import Shop


async def newest_application(session: AsyncSession, saleor_user_id: str) -> Application | None:
    """The account's application that is not decided, else the one decided last; None when it never applied."""
    query = select(Application).where(Application.saleor_user_id == saleor_user_id)
    open_first = Application.state.in_([state.value for state in OPEN]).desc()
    return await session.scalar(query.order_by(open_first, Application.created_at.desc(), Application.id).limit(1))


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The account's address as the shop has it now, and whether its holder confirmed it."""

    email: str
    confirmed: bool


async def mailbox(services: Services, shop: Shop, saleor_user_id: str) -> Mailbox:
    """What the shop says of the account's e-mail; nothing is confirmed of an account that it does not show."""
    client = await services.shops.client(shop)
    account = (await client.execute(ops.CUSTOMER, id=saleor_user_id)).user
    return Mailbox(account.email, account.is_confirmed) if account is not None else Mailbox("", confirmed=False)


async def hand_in(services: Services, shop: Shop, application_id: str, saleor_user_id: str, *, by: str) -> tuple[Reason, ...]:
    """Hand the application to staff, as `review.submit` does; what it lacks where it cannot be handed in yet."""
    seen = await mailbox(services, shop, saleor_user_id)
    async with services.database.tenant(shop.tenant_id) as session:
        return await review.submit(
            session, application_id, email_confirmed=seen.confirmed, email=seen.email, by=by, at=services.clock()
        )
