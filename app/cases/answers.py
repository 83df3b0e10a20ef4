"""Answers to a case by mail become entries of that case (`rules.md` 11.3); the whole mail is on the record in any case."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import service
from app.cases.rules import MAX_TEXT, CaseState
from app.cases.tables import Case
from app.mail.arrived import Arrived
from app.mail.quotes import own_words
from app.mail.rules import envelope
from app.mail.tables import Correspondence
from app.orders.inbound import own_addresses
from app.orders.services import Services
from app.resellers.roles import Right, Role, allowed
from app.resellers.rules import fold_email
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

CUT = " […]"


async def written_by_mail(session: AsyncSession, services: Services, shop: Shop, row: Correspondence, mail: Arrived) -> bool:
    """Go on in the case whose thread a mail answers; False where it is no case's, a closed one's, or of somebody else.

    Of the reseller's thread it takes those who may write in the portal, of staff's the vendor's own addresses. Who wrote is what
    the mail says; the secret is the thread's address, which went to that side alone.
    """
    found = await service.of_thread(session, row.thread)
    if found is None or found[0].state == CaseState.CLOSED:
        return False
    case, to_staff = found
    if not (_of_vendor(services, shop, mail.sender) if to_staff else await _may_write(session, case, mail.sender)):
        return False
    said = own_words(mail.text)
    files = f"\n[{', '.join(mail.attachments)}]" if mail.attachments else ""
    room = MAX_TEXT - len(files)
    said = said if len(said) <= room else said[: room - len(CUT)] + CUT
    if not said.strip() or len(files) > MAX_TEXT // 2:
        return False
    await service.write(session, services, shop, case, said + files, by=mail.sender, from_staff=to_staff)
    return True


def _of_vendor(services: Services, shop: Shop, sender: str) -> bool:
    own = own_addresses(services)
    seller = shop.settings.seller.email
    return sender in own or (bool(seller) and sender.rpartition("@")[2] == envelope(seller).domain.lower())


async def _may_write(session: AsyncSession, case: Case, sender: str) -> bool:
    folded = fold_email(sender)
    reseller = (await session.scalars(select(Reseller).where(Reseller.id == case.reseller_id))).one()
    roles = [Role(user.role) for user in reseller.users if user.email == folded]
    return any(allowed(role, Right.ASK_ADVICE) for role in roles) if roles else folded == reseller.email
