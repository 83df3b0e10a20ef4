"""Sending a mail once more, perhaps to an address that works (`rules.md` 8.3, edge case 83)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.mail.schemas import MailKind
from app.mail.service import find_mail, first_key, of_order, resend
from app.mail.tables import Mail
from app.orders.mails import deliver_later, note_again
from app.orders.record import finish_task
from app.orders.service import find_order
from app.orders.services import Services
from app.orders.tables import StaffTask
from app.saleor.shops import Shop


async def resend_order_mail(
    session: AsyncSession, services: Services, shop: Shop, *, number: str, kind: MailKind, to: str | None = None
) -> Mail:
    """Send an order's mail of a kind once more, to `to` or to the same address; its failures are no task any more.

    Of several recipients' it is the one that was refused, otherwise the one to the reseller's own address.

    Raises NotFound without the order or such a mail, Conflict for one that is still on its way to that address, InvalidInput for
    a text that is no mail address.
    """
    order = await find_order(session, number)
    mails = [mail for mail in await of_order(session, order.id) if mail.kind == kind]
    if not mails:
        raise NotFound(f"Order {order.number} has no {kind} mail yet.", code="no_mail")
    latest = {first_key(mail.key): mail for mail in mails}
    told = StaffTask.key.in_([f"mail:{mail.id}" for mail in mails])
    open_ones = set(await session.scalars(select(StaffTask.key).where(told, StaffTask.done_at.is_(None))))
    failed = [mail for mail in mails if f"mail:{mail.id}" in open_ones]
    # What did not arrive is meant, else the one to the reseller's own address.
    main = [mail for key, mail in latest.items() if key.endswith(order.id)]
    return await resend_mail(session, services, shop, (failed or main)[-1].id, to=to)


async def resend_mail(session: AsyncSession, services: Services, shop: Shop, mail_id: str, *, to: str | None = None) -> Mail:
    """Send a mail once more, to `to` or to the address it went to; the failures of it are no task any more.

    Raises NotFound, Conflict and InvalidInput as `resend_order_mail` does.
    """
    mail = await find_mail(session, mail_id)
    now = services.clock()
    again = await resend(session, mail.id, recipient=to, at=now)
    first = first_key(mail.key)
    # Repetitions keep the thread, by whose index they are found; a key's beginning has none in every collation.
    alike = (Mail.thread == mail.thread, Mail.kind == mail.kind)
    family = select(Mail.id, Mail.key).where(*alike, Mail.key.startswith(first, autoescape=True))
    for known, key in await session.execute(family):
        if first_key(key) == first:
            await finish_task(session, f"mail:{known}", now)
    await note_again(session, services, again)
    await deliver_later(session, services, shop, again)
    return again
