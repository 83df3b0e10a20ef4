"""Sending one of an order's mails once more, perhaps to an address that works (`rules.md` 8.3, edge case 83)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.mail.schemas import MailKind
from app.mail.service import FAILED, first_key, of_order, resend
from app.mail.tables import Mail
from app.orders.mails import deliver_later
from app.orders.record import add_event, finish_task
from app.orders.service import find_order
from app.orders.services import Services
from app.reasons import because, register
from app.saleor.shops import Shop

register({"mail_again": "The mail '{subject}' goes once more, to {recipient}."})


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
    now = services.clock()
    latest = {first_key(mail.key): mail for mail in mails}
    refused = [mail for mail in latest.values() if mail.state == FAILED]
    # What did not arrive is meant, else the one to the reseller's own address.
    main = [mail for key, mail in latest.items() if key.endswith(order.id)]
    again = await resend(session, (refused or main)[-1].id, recipient=to, at=now)
    for mail in mails:
        if first_key(mail.key) == first_key(again.key):
            await finish_task(session, f"mail:{mail.id}", now)
    reason = because("mail_again", subject=again.subject, recipient=again.recipient)
    await add_event(session, order.id, f"mail-again:{again.id}", now, reason)
    await deliver_later(session, services, shop, again)
    return again


async def resend_refused(session: AsyncSession, services: Services, shop: Shop, mail_id: str, *, to: str | None = None) -> Mail:
    """Send a mail that was refused once more, to `to` or to the same address; its failure is no task any more.

    Raises NotFound, Conflict and InvalidInput as `mail.service.resend`.
    """
    now = services.clock()
    again = await resend(session, mail_id, recipient=to, at=now)
    await finish_task(session, f"mail:{mail_id}", now)
    if again.order_id is not None:
        reason = because("mail_again", subject=again.subject, recipient=again.recipient)
        await add_event(session, again.order_id, f"mail-again:{again.id}", now, reason)
    await deliver_later(session, services, shop, again)
    return again
