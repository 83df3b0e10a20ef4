"""Refunds that did not go: their bank line is undone, or the transfer came back (`rules.md` 4.3, edge case 58)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.bank.decisions import CONFIDENCE, Outcome, Rule
from app.bank.lines import BankLine, LineStatus
from app.bank.tables import BankLineRow
from app.db.base import new_id
from app.documents.schemas import DocumentKind
from app.documents.tables import Document
from app.errors import Conflict
from app.ledger.refunds import credit_left
from app.ledger.reversal import reverse_refund
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.money import Money, MoneyError
from app.orders.record import add_event, add_task, finish_task
from app.orders.refunds import find_refund, finish_tasks, letters
from app.orders.service import lock_order
from app.orders.services import Services
from app.orders.tables import MoneyReport, RefundRequest, ResellerOrder, StaffTask
from app.reasons import Reason, because, register
from app.saleor.shops import Shop

register(
    {
        "refund_taken_back": "The refund of {amount} with the reference {reference} was taken back: {why}",
        "refund_bounced": "The refund {reference} came back from the bank. Accepted, it is credit and to be sent once more.",
        "refund_bounced_before": "The refund {reference} came back before, with the line of {day} that is booked as credit.",
        "refund_again": "The refund {reference} of {amount} came back; it is to be sent once more.",
    }
)

BACK = {"REFUND_SUCCESS": "REFUND_REVERSE", "CHARGE_BACK": "CHARGE_SUCCESS"}
"""What takes back each report of a refund."""


async def undo_refund(
    session: AsyncSession, services: Services, shop: Shop, debit: BankLineRow, *, why: Reason, by: str, mark: str, whole: bool
) -> None:
    """Take back what a debit did to refunds: each waits again, as before. Repeated, nothing changes.

    `whole` when its file is undone with it. Raises Conflict as `refuse_undoing`.
    """
    for part in did_to_refunds(debit.parts):
        await _undo(session, services, shop, part, debit.import_id if whole else "", why=why, by=by, mark=mark)


def did_to_refunds(parts: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Of a line's parts those that tell what a debit did to refunds."""
    return [part for part in parts if "refund" in part or "differs" in part]


async def _undo(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    part: Mapping[str, str],
    import_id: str,
    *,
    why: Reason,
    by: str,
    mark: str,
) -> None:
    now = services.clock()
    if "differs" in part:
        await finish_task(session, f"refund-differs:{part['differs']}", now)
        return
    row = await find_refund(session, part["refund"])
    order = await lock_order(session, row.order_id) if row.order_id is not None else None
    locked = select(RefundRequest).where(RefundRequest.id == row.id).with_for_update()
    row = (await session.scalars(locked.execution_options(populate_existing=True))).one()
    if row.done_at is None:
        return
    await refuse_undoing(session, row.id, import_id)
    items = await reverse_refund(session, row.bank_reference, mark=mark, by=by, at=now, reason=str(why)[:500])
    if order is not None:
        await _follow(session, services, shop, order, row, items, why)
    done_at, row.done_at, row.done_by, row.bank_reference = row.done_at, None, "", ""
    await session.flush()
    left = await credit_left(session, row.reseller_id, row.currency) if row.reseller_id else {}
    surplus = [f"surplus:{item.payment_id}" for item in items if item.kind == Kind.REFUND and item.payment_id in left]
    keys = [f"refund:{row.id}", f"refund:{row.psp_reference}:{row.order_id}", f"refund-differs:{row.id}", *surplus]
    # What booking it took off the list of staff is on it again.
    for task in await session.scalars(select(StaffTask).where(StaffTask.key.in_(keys), StaffTask.done_at == done_at)):
        await add_task(session, task.key, task.order_id, [Reason.from_dict(reason) for reason in task.reasons], now)


async def refuse_undoing(session: AsyncSession, refund_id: str, import_id: str = "") -> None:
    """Raise Conflict for a refund that was sent and cannot be taken back.

    It corrected an order's invoice, and a credit note stays; or it came back with a line that is booked, of another file than
    the one that is undone as a whole (`import_id`): its money would be the reseller's twice.
    """
    row = await find_refund(session, refund_id)
    if row.done_at is None:
        return
    came = await _came_back(session, row)
    if came is not None and came.import_id != import_id:
        raise Conflict(
            f"The refund {row.reference} came back, and the bank line of {came.day} that brought it is booked as credit. "
            "Undo that line first.",
            code="refund_came_back",
        )
    if row.order_id is None:
        return
    invoiced = select(Document.id).where(Document.order_id == row.order_id, Document.kind == DocumentKind.INVOICE)
    if await session.scalar(invoiced.limit(1)) is None:
        return
    number = await session.scalar(select(ResellerOrder.number).where(ResellerOrder.id == row.order_id))
    raise Conflict(
        f"The refund {row.reference} of order {number} has its credit note, which cannot be taken back. Leave its bank line "
        "booked and undo the other lines of the file one by one; if the money came back, book the line that brings it as credit.",
        code="refund_credited",
    )


async def _follow(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    order: ResellerOrder,
    row: RefundRequest,
    items: Sequence[LedgerItem],
    why: Reason,
) -> None:
    """The order, Saleor and the gates learn that the money is there again."""
    now = services.clock()
    by_item = {item.reverses_id: item for item in items}
    told = select(MoneyReport).where(MoneyReport.order_id == order.id, MoneyReport.type.in_(BACK))
    for report in (await session.scalars(told.order_by(MoneyReport.at, MoneyReport.id))).all():
        if (item := by_item.get(report.ledger_item_id)) is not None:
            session.add(
                MoneyReport(
                    ledger_item_id=item.id,
                    order_id=order.id,
                    transaction_id=report.transaction_id,
                    psp_reference=f"BT-{item.id}",
                    type=BACK[report.type],
                    amount_minor=report.amount_minor,
                    currency=report.currency,
                    at=now,
                )
            )
    if items:
        amount = Money(row.amount_minor, row.currency)
        back = because("refund_taken_back", amount=amount, reference=row.bank_reference, why=why)
        await add_event(session, order.id, f"refund-back:{items[0].id}", now, back)
        await services.jobs.enqueue(
            session,
            "money_came",
            f"refund-back:{shop.tenant_id}:{items[0].id}",
            partition=order.saleor_order_id,
            args=(shop.tenant_id, order.id),
        )


async def bounced(session: AsyncSession, line: BankLine, reasons: Sequence[Reason]) -> dict[str, Any]:
    """What a transfer of ours that came back is kept as: a proposal where it names a refund that was sent."""
    if line.amount <= 0 or line.status is not LineStatus.BOOKED:
        return {}
    try:
        amount = Money.of(line.amount, line.currency)
    except MoneyError:
        return {}
    said = letters(f"{line.end_to_end or ''} {line.reference_structured or ''} {line.reference_text or ''}")
    sent = select(RefundRequest).where(
        RefundRequest.done_at.is_not(None),
        RefundRequest.amount_minor == amount.minor,
        RefundRequest.currency == amount.currency,
        RefundRequest.reseller_id.is_not(None),
    )
    found = [row for row in await session.scalars(sent) if row.reference in said]
    if len(found) != 1:
        return {}
    if (came := await _came_back(session, found[0])) is not None:
        before = because("refund_bounced_before", reference=found[0].reference, day=came.day)
        return {"reasons": [before.as_dict(), *(reason.as_dict() for reason in reasons)]}
    why = because("refund_bounced", reference=found[0].reference)
    return {
        "outcome": Outcome.PROPOSAL.value,
        "rule": Rule.REFERENCE.value,
        "confidence": CONFIDENCE[Rule.REFERENCE],
        "reasons": [why.as_dict(), *(reason.as_dict() for reason in reasons)],
        "parts": [{"bounced": found[0].id}],
        "reseller_id": found[0].reseller_id,
    }


async def lock_sent(session: AsyncSession, refund_id: str) -> RefundRequest:
    """The refund that came back, under its order's and its own lock.

    Raises NotFound, Conflict where it was not sent or came back before: a bank tells of one return in several files.
    """
    row = await find_refund(session, refund_id)
    if row.order_id is not None:
        await lock_order(session, row.order_id)
    query = select(RefundRequest).where(RefundRequest.id == row.id).with_for_update()
    row = (await session.scalars(query.execution_options(populate_existing=True))).one()
    if row.done_at is None:
        raise Conflict(
            f"The refund {row.reference} is not booked as sent any more; put the line aside with the debit it belongs to.",
            code="refund_not_sent",
        )
    if (came := await _came_back(session, row)) is not None:
        raise Conflict(
            f"The refund {row.reference} came back before, with the bank line of {came.day} that is booked as credit. Put this "
            "line aside if it tells of the same money; else share it out by hand.",
            code="refund_came_back",
        )
    return row


async def _came_back(session: AsyncSession, row: RefundRequest) -> BankLineRow | None:
    """The booked line by which a refund came back."""
    again = select(RefundRequest.psp_reference).where(
        RefundRequest.psp_reference.startswith(_again("")),
        RefundRequest.reseller_id == row.reseller_id,
        RefundRequest.amount_minor == row.amount_minor,
        RefundRequest.currency == row.currency,
    )
    payments = [psp.removeprefix(_again("")) for psp in await session.scalars(again)]
    lines = select(BankLineRow).where(
        BankLineRow.payment_id.in_(payments), BankLineRow.outcome == Outcome.BOOKED.value, BankLineRow.undone == ""
    )
    found = await session.scalars(lines.options(undefer(BankLineRow.day)))
    return next((line for line in found if {"bounced": row.id} in line.parts), None)


async def wait_once_more(session: AsyncSession, services: Services, sent: RefundRequest, payment_id: str, *, by: str) -> None:
    """Put a refund that came back on the list again: what the payment brought is the reseller's credit until it is sent.

    The one that was sent stays as it is, with its reports and credit note. The account that the bank refused is not kept.
    """
    now, amount = services.clock(), Money(sent.amount_minor, sent.currency)
    again = because("refund_again", reference=sent.reference, amount=amount)
    row = RefundRequest(
        id=new_id(),
        reseller_id=sent.reseller_id,
        psp_reference=_again(payment_id),
        amount_minor=sent.amount_minor,
        currency=sent.currency,
        requested_at=now,
        requested_by=by,
        reason=str(again),
        beneficiary=sent.beneficiary,
    )
    session.add(row)
    await session.flush()
    await add_task(session, f"refund:{row.id}", sent.order_id, [again], now)
    if sent.order_id is not None:
        await add_event(session, sent.order_id, f"refund-bounced:{payment_id}", now, again)


async def wait_no_more(session: AsyncSession, services: Services, payment_ids: Sequence[str], *, why: Reason, by: str) -> None:
    """Payments of transfers that came back are undone: what waits because of them is off the list.

    Raises Conflict for one that was exported or sent meanwhile.
    """
    wanted = [_again(payment_id) for payment_id in payment_ids]
    query = select(RefundRequest).where(RefundRequest.psp_reference.in_(wanted), RefundRequest.canceled_at.is_(None))
    for row in (await session.scalars(query.with_for_update())).all():
        if row.export_id is not None or row.done_at is not None:
            raise Conflict(
                f"The refund {row.reference} went out again with this money; undo the bank line or file that sent it, or take it "
                "off the list first.",
                code="refund_sent_again",
            )
        row.canceled_at, row.canceled_by, row.cancel_reason = services.clock(), by, str(why)
        await finish_tasks(session, row, services.clock())


def _again(payment_id: str) -> str:
    return f"BT-B-{payment_id}"
