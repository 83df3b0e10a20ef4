"""Durable delivery of mails, whatever they are about."""

from __future__ import annotations

from dbos import DBOS
from sqlalchemy import select

from app.mail import service as mail
from app.mail.tables import Mail
from app.orders.durable import RETRY, services
from app.orders.mails import note_failure


@DBOS.workflow(name="deliver_mail")
async def deliver_mail(tenant_id: str, mail_id: str) -> str:
    """Hand one mail to the mail server, until it takes or refuses it."""
    return await send_mail(tenant_id, mail_id)


# Steps: each one transaction of ours, or one conversation with Saleor.


@DBOS.step(name="send_mail", **RETRY)
async def send_mail(tenant_id: str, mail_id: str) -> str:
    state: str = await mail.deliver(services().database, tenant_id, mail_id, services().settings, services().clock)
    if state == mail.FAILED:
        async with services().database.tenant(tenant_id) as session:
            refused = (await session.scalars(select(Mail).where(Mail.id == mail_id))).one()
            await note_failure(session, services(), await services().shops.by_tenant(tenant_id), refused)
    return state
