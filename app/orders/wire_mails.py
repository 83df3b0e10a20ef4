"""Telling a reseller of a wire that was not exactly what was owed: too little, too much, or for nothing that is open
(`rules.md` 4.3, edge cases 50 to 53). One that closes what it was for needs no words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import chunks
from app.ledger.booking import Share, Wire, open_of
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.mail.schemas import MailKind, PlacedPart, WireContext
from app.money import Money
from app.orders.mails import send_to_accounts
from app.orders.services import Services
from app.reasons import because, register, told
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

register({"no_wire_mail": "{company} could not be told of its wire: {words} Correct the user's address."})


class Arrived(Protocol):
    """What is needed of a wire that was booked just now."""

    @property
    def wire(self) -> Wire: ...
    @property
    def shares(self) -> tuple[Share, ...]: ...
    @property
    def surplus_minor(self) -> int: ...
    @property
    def closes(self) -> bool: ...


async def tell_of_wires(session: AsyncSession, services: Services, shop: Shop, came: Sequence[Arrived]) -> int:
    """A mail per wire that leaves something open or over; how many. In the caller's transaction, once per wire."""
    looked_at = [each for each in came if each.surplus_minor > 0 or not each.closes]
    debts = list(dict.fromkeys(share.debt_id for each in looked_at for share in each.shares))
    opens: dict[str, int] = {}
    for part in chunks(debts):
        opens |= await open_of(session, part)
    told = 0
    for each in looked_at:
        shares = [share for share in each.shares if share.minor or share.charge_minor]
        if each.surplus_minor <= 0 and not any(opens.get(share.debt_id, 0) > 0 for share in shares):
            continue
        reseller = await session.scalar(select(Reseller).where(Reseller.id == each.wire.reseller_id))
        if reseller is None:
            continue
        await _tell(session, services, shop, reseller, each, [await _part(session, share, opens) for share in shares])
        told += 1
    return told


async def _tell(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, each: Arrived, parts: Sequence[PlacedPart]
) -> None:
    wire = each.wire
    context = WireContext(
        seller=shop.settings.seller,
        company=reseller.company,
        received=wire.amount,
        value_date=wire.value_date,
        bank_reference=wire.reference,
        parts=tuple(parts),
        left=Money(each.surplus_minor, wire.amount.currency) if each.surplus_minor > 0 else None,
    )
    company = reseller.company
    await send_to_accounts(
        session,
        services,
        shop,
        reseller,
        key=wire.payment_id,
        kind=MailKind.WIRE_BOOKED,
        context=context,
        problem=(f"wire-mail:{reseller.id}", lambda error: because("no_wire_mail", company=company, **told("words", error))),
    )


async def _part(session: AsyncSession, share: Share, opens: dict[str, int]) -> PlacedPart:
    debt = (await session.scalars(select(LedgerItem).where(LedgerItem.id == share.debt_id))).one()
    return PlacedPart(
        order_number=debt.order_number or "",
        paid=Money(share.minor, debt.currency),
        open=Money(max(0, opens.get(debt.id, 0)), debt.currency),
        reference=debt.reference or "",
        interest=debt.kind == Kind.INTEREST,
    )
