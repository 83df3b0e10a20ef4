"""The list of money that is to be sent back, and the SEPA file of it (`rules.md` 4.3, 5.7).

Nothing is ever sent back by itself: staff ask for it, in Saleor or here, and the vendor's bank moves the money.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.bank.tables import BankLineRow
from app.db.base import new_id
from app.documents.sepa import Transfer, sepa_iban, transfer_file
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.ledger.refunds import credit_left, left_of_order
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.booked import lock_orders
from app.orders.gateway import bank_account
from app.orders.record import add_event, add_task
from app.orders.refunds import finish_tasks, lock_refund, open_requests
from app.orders.service import find_order, lock_order
from app.orders.services import Services
from app.orders.tables import RefundExport, RefundRequest, ResellerOrder
from app.reasons import Reason, because, register, told
from app.resellers.service import find
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

register(
    {
        "refund_asked": "{amount} are to be sent back, asked for by {by}: {why}.",
        "refund_canceled": "The refund of {amount} was taken off the list by {by}: {why}.",
        "refund_exported": "The refund of {amount} went out in the file {file}.",
        "refund_waits": "{amount} are to be sent back to {company}: by `reseller refunds export`, or by hand and `refunds sent`.",
        "refund_not_eur": "SEPA sends EUR only, not {currency}.",
        "refund_no_account": "No bank line names the account that the money came from; enter it with `reseller refunds to`.",
        "refund_no_iban": "{why}",
    }
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A refund that is not done, with how it can go: by SEPA, or by hand for the reason given."""

    row: RefundRequest
    company: str
    order_number: str | None
    name: str
    iban: str
    by_hand: Reason | None

    @property
    def amount(self) -> Money:
        """What is to be sent back."""
        return Money(self.row.amount_minor, self.row.currency)


async def waiting_refunds(session: AsyncSession) -> list[Waiting]:
    """The refunds that were not sent yet, the oldest first."""
    rows = await session.scalars(open_requests().order_by(RefundRequest.requested_at, RefundRequest.id))
    return [await waiting(session, row) for row in rows.all()]


async def settled_refunds(session: AsyncSession, limit: int) -> list[Waiting]:
    """The newest refunds that were sent, or taken off the list."""
    query = select(RefundRequest).where(RefundRequest.done_at.is_not(None) | RefundRequest.canceled_at.is_not(None))
    query = query.order_by(RefundRequest.requested_at.desc(), RefundRequest.id).limit(limit)
    return [await waiting(session, row) for row in (await session.scalars(query)).all()]


async def ask_refund(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    *,
    amount: Money,
    reason: str,
    by: str,
    number: str = "",
    email: str = "",
    beneficiary: str = "",
    iban: str = "",
) -> RefundRequest:
    """Put money on the list of what is sent back: of an order, or a reseller's unallocated credit (edge cases 51 to 53).

    Raises InvalidInput without a reason or for more than there is, with what is on the list already; NotFound.
    """
    if not reason.strip():
        raise InvalidInput("Sending money back needs a reason.", code="no_reason")
    if bool(number) == bool(email):
        raise InvalidInput("Name either an order or a reseller whose credit it is.", code="refund_of")
    now = services.clock()
    order = await lock_order(session, (await find_order(session, number)).id) if number else None
    if order is not None:
        reseller = await session.get(Reseller, order.reseller_id) if order.reseller_id else None
        left = await left_of_order(session, order.id) if order.currency == amount.currency else 0
    else:
        reseller = await find(session, email)
        left = sum((await credit_left(session, reseller.id, amount.currency, lock=True)).values())
    if reseller is None:
        raise Refused("Nobody of the program stands behind the order; nothing was booked for it.", code="no_owner")
    of = RefundRequest.order_id == order.id if order else RefundRequest.order_id.is_(None)
    asked = await session.scalars(
        open_requests().where(of, RefundRequest.reseller_id == reseller.id, RefundRequest.currency == amount.currency)
    )
    listed = sum(row.amount_minor for row in asked)
    if amount.minor <= 0 or amount.minor > left - listed:
        raise InvalidInput(
            f"At most {Money(max(0, left - listed), amount.currency)} can be sent back; "
            f"{Money(listed, amount.currency)} are on the list already.",
            code="refund_amount",
        )
    row_id = new_id()
    row = RefundRequest(
        id=row_id,
        order_id=order.id if order else None,
        reseller_id=reseller.id,
        psp_reference=f"BT-P-{row_id}",
        amount_minor=amount.minor,
        currency=amount.currency,
        requested_at=now,
        requested_by=by,
        reason=reason.strip(),
        beneficiary=beneficiary.strip(),
        iban=sepa_iban(iban) if iban else "",
    )
    session.add(row)
    await session.flush()
    if order is not None:
        await add_event(
            session, order.id, f"refund-asked:{row.id}", now, because("refund_asked", amount=amount, by=by, why=reason.strip())
        )
    waits = because("refund_waits", amount=amount, company=reseller.company)
    await add_task(session, f"refund:{row.id}", row.order_id, [waits], now)
    return row


async def send_to(session: AsyncSession, refund_id: str, *, beneficiary: str, iban: str) -> RefundRequest:
    """Name the account that a refund goes to. Raises InvalidInput for no IBAN of SEPA, Conflict once it was exported or sent."""
    row = await lock_refund(session, refund_id)
    if row.export_id is not None:
        raise Conflict("The refund went out in a file already; its account cannot change any more.", code="refund_exported")
    row.beneficiary, row.iban = beneficiary.strip(), sepa_iban(iban)
    await session.flush()
    return row


async def cancel_refund(
    session: AsyncSession, services: Services, shop: Shop, refund_id: str, *, by: str, reason: str
) -> RefundRequest:
    """Take a refund off the list: it is not sent, or the bank refused it; Saleor is told so if it asked for it.

    Raises InvalidInput without a reason, NotFound, Conflict for one that is settled.
    """
    if not reason.strip():
        raise InvalidInput("Taking a refund off the list needs a reason.", code="no_reason")
    row, now = await lock_refund(session, refund_id), services.clock()
    row.canceled_at, row.canceled_by, row.cancel_reason = now, by, reason.strip()
    if row.order_id is not None:
        amount = Money(row.amount_minor, row.currency)
        why = because("refund_canceled", amount=amount, by=by, why=reason.strip())
        await add_event(session, row.order_id, f"refund-canceled:{row.id}", now, why)
        order = await lock_order(session, row.order_id)
        await services.jobs.enqueue(
            session,
            "attend_order",
            f"refund-canceled:{shop.tenant_id}:{row.id}",
            partition=order.saleor_order_id,
            args=(shop.tenant_id, order.saleor_order_id, "staff"),
        )
    await finish_tasks(session, row, now)
    return row


async def export_refunds(
    session: AsyncSession, services: Services, shop: Shop, *, by: str, execution: date | None = None
) -> tuple[RefundExport, list[Waiting]]:
    """Make the SEPA file of every refund that can go by it and was in none yet; it, and those that must be sent by hand.

    Raises Refused where there is none, naming the newest file; InvalidInput for a vendor's account that cannot pay by SEPA.
    """
    unsent = open_requests().where(RefundRequest.export_id.is_(None))
    await lock_orders(session, [row.order_id for row in await session.scalars(unsent) if row.order_id is not None])
    locked = await session.scalars(unsent.with_for_update().execution_options(populate_existing=True))
    free = {row.id for row in locked}
    listed = [each for each in await waiting_refunds(session) if each.row.id in free]
    ready = [each for each in listed if each.by_hand is None]
    if not ready:
        newest = await session.scalar(select(RefundExport.message_id).order_by(RefundExport.at.desc()).limit(1))
        again = f" The newest file is {newest}; `--again {newest}` writes it once more." if newest else ""
        raise Refused(f"No refund waits that SEPA can send; `reseller refunds list` shows the others.{again}", code="no_refunds")
    account = bank_account(shop.settings, "", "EUR")
    if account is None:
        raise InvalidInput(
            "The shop has no EUR account to pay from; add one with `reseller shop add-bank-account`.", code="no_debtor"
        )
    transfers = [Transfer(each.name, each.iban, each.amount, each.row.reference) for each in ready]
    message_id, content = transfer_file(account, transfers, execution=execution or services.today(shop))
    export = RefundExport(
        message_id=message_id,
        at=services.clock(),
        by=by,
        iban=account.iban,
        count=len(ready),
        total_minor=sum(each.amount.minor for each in ready),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    session.add(export)
    await session.flush()
    for each in ready:
        # What was sent to is kept, whatever a later bank line says.
        each.row.export_id, each.row.beneficiary, each.row.iban = export.id, each.name, each.iban
        if each.row.order_id is not None:
            what = because("refund_exported", amount=each.amount, file=message_id)
            await add_event(session, each.row.order_id, f"refund-exported:{each.row.id}", export.at, what)
    await session.flush()
    return export, [each for each in listed if each.by_hand is not None]


async def export_again(session: AsyncSession, message_id: str) -> RefundExport:
    """A file that was made before, byte for byte. Raises NotFound."""
    query = select(RefundExport).where(RefundExport.message_id == message_id.strip()).options(undefer(RefundExport.content))
    found = await session.scalar(query)
    if found is None:
        raise NotFound(f"There is no file {message_id}.", code="no_export")
    return found


async def waiting(session: AsyncSession, row: RefundRequest) -> Waiting:
    """A refund with whom it goes to and how."""
    company = await session.scalar(select(Reseller.company).where(Reseller.id == row.reseller_id))
    number = await session.scalar(select(ResellerOrder.number).where(ResellerOrder.id == row.order_id))
    name, iban = row.beneficiary, row.iban
    if not iban:
        came_name, came_iban = await _came_from(session, row)
        name, iban = name or came_name, came_iban
    name = name or company or ""
    why: Reason | None = None
    if row.currency != "EUR":
        why = because("refund_not_eur", currency=row.currency)
    elif not iban:
        why = because("refund_no_account")
    else:
        try:
            iban = sepa_iban(iban)
        except InvalidInput as error:
            why = because("refund_no_iban", **told("why", error))
    return Waiting(row, company or "", number, name, iban, why)


async def _came_from(session: AsyncSession, row: RefundRequest) -> tuple[str, str]:
    """(name, account) of who sent the newest wire that this money is of; empty where no bank line tells."""
    if row.order_id is not None:
        of = select(LedgerItem.payment_id).where(LedgerItem.order_id == row.order_id, LedgerItem.kind == Kind.ALLOCATION)
        payments = {payment for payment in await session.scalars(of) if payment}
    else:
        payments = set(await credit_left(session, row.reseller_id or "", row.currency))
    query = select(BankLineRow.payer_name, BankLineRow.payer_account).where(
        BankLineRow.payment_id.in_(payments), BankLineRow.payer_account.is_not(None), BankLineRow.reversal.is_(False)
    )
    found = (await session.execute(query.order_by(BankLineRow.booking_date.desc(), BankLineRow.id).limit(1))).first()
    return (found[0] or "", found[1] or "") if found else ("", "")


def state_of(each: Waiting, file: str) -> str:
    """Where a refund stands, in a few words; `file` is the message id of what it went out in."""
    row = each.row
    if row.done_at is not None:
        return f"sent, booked by {row.done_by or '-'} with {row.bank_reference or '-'}"
    if row.canceled_at is not None:
        return f"canceled by {row.canceled_by}: {row.cancel_reason}"
    if row.export_id is not None:
        return f"exported in {file}"
    return f"by hand: {each.by_hand}" if each.by_hand else "to be exported"
