"""Users of a reseller with all that follows from a change, in one transaction: the invitation's mail, the mirror in Saleor.

The rules and rows are `resellers.roles` and `resellers.users`.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.mail.schemas import InvitationContext, MailKind
from app.orders.mails import send
from app.orders.mirror import enqueue_mirror, enqueue_mirror_of_account
from app.orders.services import Services
from app.resellers import users
from app.resellers.roles import Role
from app.resellers.tables import Reseller, ResellerInvitation, ResellerUser
from app.saleor import operations as ops
from app.saleor.shops import Shop
from app.saleor.tokens import Customer
from app.settings import need_base_url

INVITATIONS = "/invitations/"
"""Page of the portal that takes a token."""


async def invite(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, *, email: str, role: Role, by: str
) -> ResellerInvitation:
    """Invite as `users.invite` does, and mail the token."""
    now = services.clock()
    days = shop.settings.program.invitation_days
    if not shop.settings.invitation_url:
        need_base_url(services.settings)
    prefix = shop.settings.invitation_url or services.portal(shop) + INVITATIONS
    row, token = await users.invite(session, reseller, email=email, role=role, by=by, at=now, days=days)
    context = InvitationContext(
        seller=shop.settings.seller,
        company=reseller.company,
        invited_by=by,
        role=role.value,
        url=prefix + token,
        until=row.expires_at.astimezone(ZoneInfo(shop.settings.time_zone)),
    )
    await send(
        session,
        services,
        shop,
        key=f"{MailKind.INVITATION}:{row.id}",
        kind=MailKind.INVITATION,
        recipient=row.email,
        language=reseller.language,
        reseller_id=reseller.id,
        context=context,
    )
    return row


async def accept(services: Services, asking: Customer, token: str) -> tuple[Reseller, ResellerUser]:
    """Join by an invitation as `users.accept` does. What counts of the account is what the shop says of it now, not the token."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        await users.by_token(session, token)  # the shop is not asked for everybody who guesses
    client = await services.shops.client(asking.shop)
    account = (await client.execute(ops.CUSTOMER, id=asking.user_id)).user
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller, user = await users.accept(
            session,
            token,
            saleor_user_id=asking.user_id,
            email=account.email if account else "",
            email_confirmed=account is not None and account.is_active and account.is_confirmed,
            at=services.clock(),
        )
        await enqueue_mirror(session, services, asking.shop, reseller)
    return reseller, user


async def remove(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, user_id: str, *, by: str
) -> ResellerUser:
    """Take a user out as `users.remove` does, and take the mirror from its account in Saleor."""
    user = await users.remove(session, reseller, user_id, by=by, at=services.clock())
    await enqueue_mirror_of_account(session, services, shop, user.saleor_user_id)
    return user
