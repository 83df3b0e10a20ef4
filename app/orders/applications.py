"""Decisions about companies with all that follows from them, in one transaction: the mail, and the mirror in Saleor.

The rules and rows are `resellers.review` and `resellers.service`; this puts mail and durable work beside them.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.mail.schemas import ApplicationContext, MailKind, ResellerContext
from app.orders import mails
from app.orders.mirror import enqueue_mirror
from app.orders.services import Services
from app.resellers import review, service
from app.resellers.application import may_apply_again
from app.resellers.policy import in_force
from app.resellers.roles import Role
from app.resellers.rules import Decision
from app.resellers.tables import Application, Reseller
from app.saleor.shops import Shop

MAILED = {
    Decision.SUSPEND: MailKind.RESELLER_SUSPENDED,
    Decision.END: MailKind.RESELLER_ENDED,
    Decision.REINSTATE: MailKind.RESELLER_REINSTATED,
}
"""Decisions about a reseller that it is told of by themselves; those about an application have their own mails."""


async def approve(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    application_id: str,
    *,
    by: str,
    version: int | None = None,
    link_to: str = "",
    role: Role | None = None,
    separate: bool = False,
) -> Reseller:
    """Approve an application as `review.approve` does, mail it, and mirror the new standing."""
    policy = await in_force(session, shop.settings, services.today(shop))
    row, reseller = await review.approve(
        session,
        application_id,
        by=by,
        at=services.clock(),
        policy_version=policy.version,
        version=version,
        link_to=link_to,
        role=role,
        separate=separate,
    )
    accepted = {acceptance.policy_version for acceptance in reseller.acceptances}
    numbers = shop.settings.program
    needed = numbers.prepaid_orders if reseller.prepaid_orders is None else reseller.prepaid_orders
    context = ApplicationContext(
        seller=shop.settings.seller,
        name=row.contact,
        company=row.company,
        policy_version="" if policy.version in accepted else policy.version,
        linked_to=reseller.company if link_to else "",
        # An established reseller's other users, and shops where every order is prepaid, are told nothing of a count.
        prepaid_needed=needed if numbers.on_account and not link_to else 0,
    )
    await _mail(session, services, shop, row, MailKind.APPLICATION_APPROVED, context)
    await enqueue_mirror(session, services, shop, reseller)
    return reseller


async def reject(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    application_id: str,
    *,
    by: str,
    reason: str,
    version: int | None = None,
) -> Application:
    """Reject an application as `review.reject` does, and mail the reason (edge case 3)."""
    now = services.clock()
    row = await review.reject(session, application_id, by=by, at=now, reason=reason, version=version)
    days = shop.settings.program.reapply_days
    context = ApplicationContext(
        seller=shop.settings.seller,
        name=row.contact,
        company=row.company,
        reason=row.reason,
        apply_again_from=may_apply_again(now, days) if days else None,
    )
    await _mail(session, services, shop, row, MailKind.APPLICATION_REJECTED, context)
    return row


async def ask_more(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    application_id: str,
    *,
    by: str,
    reason: str,
    version: int | None = None,
) -> Application:
    """Ask the applicant for more as `review.ask_more` does, and mail the question."""
    row = await review.ask_more(session, application_id, by=by, at=services.clock(), reason=reason, version=version)
    context = ApplicationContext(seller=shop.settings.seller, name=row.contact, company=row.company, reason=row.reason)
    await _mail(session, services, shop, row, MailKind.APPLICATION_MORE_INFORMATION, context)
    return row


async def decide(
    session: AsyncSession, services: Services, shop: Shop, email: str, decision: Decision, *, by: str, reason: str = ""
) -> Reseller:
    """Carry out a decision about a reseller as `service.decide` does, mail it, and mirror where it stands then."""
    policy = await in_force(session, shop.settings, services.today(shop))
    reseller = await service.decide(
        session, email, decision, by=by, at=services.clock(), policy_version=policy.version, reason=reason
    )
    if (kind := MAILED.get(decision)) is not None:
        reinstated = decision is Decision.REINSTATE
        accepted = {acceptance.policy_version for acceptance in reseller.acceptances}
        context = ResellerContext(
            seller=shop.settings.seller,
            company=reseller.company,
            # What staff wrote when they took it back is for the record.
            reason="" if reinstated else reason.strip(),
            policy_version=policy.version if reinstated and policy.version not in accepted else "",
        )
        await mails.send(
            session,
            services,
            shop,
            key=f"{kind}:{reseller.id}:{reseller.version}",
            kind=kind,
            recipient=reseller.email,
            language=reseller.language,
            reseller_id=reseller.id,
            context=context,
        )
    await enqueue_mirror(session, services, shop, reseller)
    return reseller


async def _mail(
    session: AsyncSession, services: Services, shop: Shop, row: Application, kind: MailKind, context: ApplicationContext
) -> None:
    key = f"{kind}:{row.id}:{row.version}"
    await mails.send(session, services, shop, key=key, kind=kind, recipient=row.email, language=row.language, context=context)
