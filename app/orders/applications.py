"""Decisions about companies with all that follows from them, in one transaction: the mail, and the mirror in Saleor.

The rules and rows are `resellers.review` and `resellers.service`; this puts mail and durable work beside them.
"""

from __future__ import annotations

from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.mail.schemas import ApplicationContext, MailKind
from app.mail.service import queue
from app.orders.services import Services
from app.resellers import review, service
from app.resellers.application import may_apply_again
from app.resellers.policy import in_force
from app.resellers.rules import Decision
from app.resellers.tables import Application, Reseller
from app.saleor import operations as ops
from app.saleor.client import SaleorRefused
from app.saleor.shops import Shop

log = structlog.get_logger()

STATUS_KEY, ID_KEY = "reseller.status", "reseller.id"
"""Private metadata of a Saleor user that mirrors its reseller; never read back as truth."""
GONE = "NOT_FOUND"


async def approve(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    application_id: str,
    *,
    by: str,
    version: int | None = None,
    link_to: str = "",
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
    """Carry out a decision about a reseller as `service.decide` does, and mirror where it stands then."""
    policy = await in_force(session, shop.settings, services.today(shop))
    reseller = await service.decide(
        session, email, decision, by=by, at=services.clock(), policy_version=policy.version, reason=reason
    )
    await enqueue_mirror(session, services, shop, reseller)
    return reseller


async def enqueue_mirror(session: AsyncSession, services: Services, shop: Shop, reseller: Reseller) -> None:
    """Ask for the mirror of a reseller's standing, when the session's transaction commits."""
    await session.flush()
    # The users are in the name: one added does not change the reseller's own row.
    name = f"standing:{shop.tenant_id}:{reseller.id}:{reseller.version}:{len(reseller.users)}"
    await services.jobs.enqueue(session, "mirror_standing", name, partition=reseller.id, args=(shop.tenant_id, reseller.id))


async def mirror_standing(services: Services, shop: Shop, reseller_id: str) -> int:
    """Write the reseller's status and id to the private metadata of its accounts in Saleor; how many were written.

    It writes what is true now, so that repeated and late runs do no harm. Accounts that are gone are passed over.
    """
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = (await session.scalars(select(Reseller).where(Reseller.id == reseller_id))).one()
        accounts, status = [user.saleor_user_id for user in reseller.users], reseller.status
    client = await services.shops.client(shop)
    facts = [{"key": STATUS_KEY, "value": status}, {"key": ID_KEY, "value": reseller_id}]
    written = 0
    for account in accounts:
        try:
            await client.execute(ops.PRIVATE_METADATA_UPDATE, id=account, input=facts)
        except SaleorRefused as refused:
            if all(error.code != GONE for error in refused.errors):
                raise
            log.warning("mirror.account_gone", tenant=shop.tenant_id, reseller=reseller_id, account=account)
        else:
            written += 1
    return written


async def _mail(
    session: AsyncSession, services: Services, shop: Shop, row: Application, kind: MailKind, context: ApplicationContext
) -> None:
    language: Literal["en", "de"] = "de" if row.language == "de" else "en"
    mail = await queue(
        session,
        key=f"{kind}:{row.id}:{row.version}",
        kind=kind,
        order_id=None,
        recipient=row.email,
        language=language,
        context=context,
        attachments=(),
        settings=services.settings,
        at=services.clock(),
    )
    await services.jobs.enqueue(
        session, "deliver_mail", f"mail:{shop.tenant_id}:{mail.id}", partition=mail.id, args=(shop.tenant_id, mail.id)
    )
