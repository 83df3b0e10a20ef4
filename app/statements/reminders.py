"""Reminders of what is due, by a ladder of days before and after (`rules.md` 6)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import chunks
from app.ledger.booking import open_of
from app.ledger.disputes import disputed_debts
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.mail.schemas import MailedAccount, MailKind, ReminderContext, ReminderLine
from app.money import Money
from app.orders.gateway import bank_account
from app.orders.mails import send_to_accounts
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.reasons import because, register, told
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.statements.rules import quiet, rung_of
from app.statements.tables import Reminder

register({"no_reminder_mail": "{company} could not be reminded: {words} Correct the user's address."})

LATE_DAYS = 60
"""Days after its last rung for which a debt is still reminded of what was missed; older ones are for the statement and staff."""


async def resellers_to_remind(session: AsyncSession, services: Services, shop: Shop) -> list[str]:
    """Resellers with debts on the ladder; none in a quiet hour."""
    numbers = shop.settings.program
    rungs = numbers.reminder_days
    zone = ZoneInfo(shop.settings.time_zone)
    if not rungs or quiet(services.clock(), zone, numbers.reminder_quiet_from, numbers.reminder_quiet_until):
        return []
    today = services.today(shop)
    query = select(LedgerItem.reseller_id).where(*_on_ladder(rungs, today)).distinct()
    return sorted(await session.scalars(query))


async def remind(session: AsyncSession, services: Services, shop: Shop, reseller_id: str) -> int:
    """Remind a reseller of what is open and reached a rung it was not told of; how many orders. One mail per recipient for all.

    Never of an order that is disputed or of which nothing is open, and never in a quiet hour, which may have begun since.
    """
    if reseller_id not in await resellers_to_remind(session, services, shop):
        return 0
    now, today = services.clock(), services.today(shop)
    # One at a time: what a second one waits for it finds told.
    reseller = (await session.scalars(select(Reseller).where(Reseller.id == reseller_id).with_for_update())).one()
    query = select(LedgerItem).where(
        LedgerItem.reseller_id == reseller_id, *_on_ladder(shop.settings.program.reminder_days, today)
    )
    debts = (await session.scalars(query.order_by(LedgerItem.due_date, LedgerItem.id))).all()
    left: dict[str, int] = {}
    for part in chunks([debt.id for debt in debts]):
        left |= await open_of(session, part)
    contested = await disputed_debts(session, reseller_id)
    told: dict[str, list[int]] = defaultdict(list)
    for known in await session.scalars(select(Reminder).where(Reminder.reseller_id == reseller_id)):
        told[known.receivable_id].append(known.rung)
    lines: list[ReminderLine] = []
    accounts: dict[MailedAccount, None] = {}
    keys: list[str] = []
    for debt in debts:
        due = debt.due_date or debt.value_date
        rung = rung_of(due, today, shop.settings.program.reminder_days, told[debt.id])
        if rung is None or left.get(debt.id, 0) <= 0 or debt.id in contested:
            continue
        session.add(Reminder(receivable_id=debt.id, reseller_id=reseller_id, rung=rung, at=now))
        keys.append(f"{debt.id}:{rung}")
        po_number, channel = await _order(session, debt)
        lines.append(_line(debt, po_number, left[debt.id], due, today))
        if account := bank_account(shop.settings, channel, debt.currency):
            accounts[MailedAccount(**asdict(account))] = None
    if lines:
        await session.flush()
        context = ReminderContext(
            seller=shop.settings.seller, company=reseller.company, reminded=tuple(lines), accounts=tuple(accounts)
        )
        await _mail(session, services, shop, reseller, context, hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32])
    return len(lines)


def _on_ladder(rungs: Sequence[int], today: date) -> tuple[ColumnElement[bool], ...]:
    """Debts of orders between their first rung and some time after their last."""
    return (
        LedgerItem.kind == Kind.RECEIVABLE,
        LedgerItem.receivable_id.is_(None),
        LedgerItem.amount_minor > 0,
        LedgerItem.due_date <= today - timedelta(days=min(rungs)),
        LedgerItem.due_date >= today - timedelta(days=max(rungs) + LATE_DAYS),
    )


async def _order(session: AsyncSession, debt: LedgerItem) -> tuple[str, str]:
    """(the reseller's own number, channel) of the order a debt is for."""
    query = select(ResellerOrder.po_number, ResellerOrder.channel).where(ResellerOrder.number == debt.order_number)
    found = (await session.execute(query)).first()
    return (found.po_number, found.channel) if found else ("", "")


def _line(debt: LedgerItem, po_number: str, open_minor: int, due: date, today: date) -> ReminderLine:
    return ReminderLine(
        order_number=debt.order_number or "",
        po_number=po_number,
        open=Money(open_minor, debt.currency),
        due=due,
        days=(today - due).days,
        reference=debt.reference or "",
    )


async def _mail(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, context: ReminderContext, key: str
) -> None:
    await send_to_accounts(
        session,
        services,
        shop,
        reseller,
        key=key,
        kind=MailKind.REMINDER,
        context=context,
        problem=(
            f"reminder-mail:{reseller.id}",
            lambda error: because("no_reminder_mail", company=reseller.company, **told("words", error)),
        ),
    )
