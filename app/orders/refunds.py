"""Money that left the vendor's account to be given back: booked, and told to Saleor (`rules.md` 5.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.lines import BankLine
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.refunds import credit_left, left_of_order, mark_of, refund_credit, refund_order
from app.ledger.rules import Kind
from app.ledger.service import checked_reference, receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.record import add_event, add_task, finish_task
from app.orders.service import credit_later, find_order, lock_order
from app.orders.services import Services
from app.orders.tables import MoneyReport, PaymentSession, RefundRequest, ResellerOrder
from app.reasons import because, register, told
from app.saleor.shops import Shop

register(
    {
        "refund_sent": "{amount} were sent back with the bank reference {reference}, booked by {by}.",
        "refund_not_booked": "The refund {reference} left the account and could not be booked: {why}",
        "refund_differs": "{sent} left the account with the reference {reference}; the refund is {wanted}. Book it by hand.",
    }
)

CHARGES = {"CHARGE_SUCCESS": 1, "CHARGE_BACK": -1, "REFUND_SUCCESS": -1, "REFUND_REVERSE": 1}
"""What each report does to what Saleor shows as charged."""
REFUNDS = {"REFUND_SUCCESS": 1, "REFUND_REVERSE": -1}
"""And as refunded."""


async def book_refund(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    *,
    number: str,
    amount: Money,
    bank_reference: str,
    value_date: date,
    by: str,
    request_id: str | None = None,
) -> ResellerOrder:
    """Money was sent back for an order: into the ledger, and to Saleor under the request it answers, named or of its amount.

    Repeated with the same bank reference it changes nothing. Raises as `ledger.refunds.refund_order`.
    """
    bank_reference = checked_reference(bank_reference)
    found = await find_order(session, number)
    order = await lock_order(session, found.id)
    now = services.clock()
    item = await refund_order(
        session, order_id=order.id, amount=amount, bank_reference=bank_reference, value_date=value_date, by=by, at=now
    )
    sent = because("refund_sent", amount=amount, reference=bank_reference, by=by)
    if not await add_event(session, order.id, mark_of(item), now, sent):
        return order
    of = RefundRequest.id == request_id if request_id else RefundRequest.amount_minor == amount.minor
    request = await session.scalar(
        open_requests().where(RefundRequest.order_id == order.id, of).order_by(RefundRequest.requested_at)
    )
    if request is not None:
        await _done(session, services, request, bank_reference, by)
    await _report(session, order, item, amount, request, services)
    await services.jobs.enqueue(
        session,
        "money_came",
        f"refund:{shop.tenant_id}:{item.id}",
        partition=order.saleor_order_id,
        args=(shop.tenant_id, order.id),
    )
    await credit_later(session, services, shop.tenant_id, order, f"refund:{item.id}", "refunded", amount.minor)
    return order


async def refund_sent(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    refund_id: str,
    *,
    bank_reference: str,
    value_date: date,
    by: str,
) -> RefundRequest:
    """A refund left the vendor's account: book it. Repeated with the same bank reference it changes nothing.

    Raises NotFound, Conflict for one that was sent under another reference or taken off the list, InvalidInput as the ledger.
    """
    reference = checked_reference(bank_reference)
    row = await find_refund(session, refund_id)
    amount = Money(row.amount_minor, row.currency)
    order = await lock_order(session, row.order_id) if row.order_id is not None else None
    row = await _locked(session, row.id)
    if row.done_at is not None and row.bank_reference == reference:
        return row
    _unsettled(row)
    if order is not None:
        await book_refund(
            session,
            services,
            shop,
            number=order.number,
            amount=amount,
            bank_reference=reference,
            value_date=value_date,
            by=by,
            request_id=row.id,
        )
        return row
    if row.reseller_id is None:
        raise NotFound("The refund names nobody.", code="no_refund")
    await refund_credit(
        session,
        reseller_id=row.reseller_id,
        amount=amount,
        bank_reference=reference,
        value_date=value_date,
        by=by,
        at=services.clock(),
    )
    await _done(session, services, row, reference, by)
    return row


async def sent_by_lines(
    session: AsyncSession, services: Services, shop: Shop, debits: Mapping[str, BankLine], *, by: str
) -> dict[str, list[dict[str, str]]]:
    """Book the refunds that these debits of the vendor's account sent, each once, however often a line comes.

    Returns what each line (by id) did, as the parts it keeps for undoing: `refund` it booked, or `differs` it asks staff about.

    A debit is a refund's when it carries its reference and has its amount; one with another amount is a task of staff.
    """
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    waiting = list(await session.scalars(open_requests())) if debits else []
    for line_id, line in debits.items():
        said = letters(f"{line.end_to_end or ''} {line.reference_structured or ''} {line.reference_text or ''}")
        for row in waiting:
            if row.done_at is not None or row.reference not in said:
                continue
            left = Money.of(-line.amount, line.currency)
            if left != (wanted := Money(row.amount_minor, row.currency)):
                differs = because("refund_differs", sent=left, reference=row.reference, wanted=wanted)
                if await add_task(session, f"refund-differs:{row.id}", row.order_id, [differs], services.clock()):
                    parts[line_id].append({"differs": row.id})
                continue
            day = line.value_date or line.booking_date or services.today(shop)
            # The bank's own reference may name a whole collection; ours is of this transfer alone.
            try:
                async with session.begin_nested():
                    await refund_sent(session, services, shop, row.id, bank_reference=row.reference, value_date=day, by=by)
            except (Conflict, InvalidInput) as refused:
                # The wire it sends back was taken back since, for example: the file's other lines are booked all the same.
                unbooked = because("refund_not_booked", reference=row.reference, **told("why", refused))
                if await add_task(session, f"refund-differs:{row.id}", row.order_id, [unbooked], services.clock()):
                    parts[line_id].append({"differs": row.id})
                continue
            parts[line_id].append({"refund": row.id})
    return parts


async def _report(
    session: AsyncSession,
    order: ResellerOrder,
    item: LedgerItem,
    amount: Money,
    request: RefundRequest | None,
    services: Services,
) -> None:
    """What Saleor must be told, so that it shows as charged what pays the order now.

    It was never told of surplus, so that nothing of it is refunded there; a bank charge that no longer pays is charged back.
    """
    promise = await session.get(PaymentSession, order.payment_session_id) if order.payment_session_id else None
    if promise is None:
        return
    told = await session.execute(select(MoneyReport.type, MoneyReport.amount_minor).where(MoneyReport.order_id == order.id))
    known = sum(CHARGES[kind] * minor for kind, minor in told)
    if order.canceled_at is None:
        debt = await receivable_id(session, order.id)
        keeps = (await receivable(session, debt)).paid_minor if debt else 0
    else:
        # Its wires pay nothing any more; what of them is not sent back yet is still with the vendor.
        keeps = max(0, known - amount.minor) if await left_of_order(session, order.id) else 0
    less = known - keeps
    refunded = min(less, amount.minor)
    charge = await session.scalar(
        select(LedgerItem.id)
        .where(LedgerItem.order_id == order.id, LedgerItem.kind == Kind.BANK_CHARGE, LedgerItem.amount_minor < 0)
        # Those of a refund that was taken back were told of with it.
        .where(LedgerItem.id.not_in(select(MoneyReport.ledger_item_id).where(MoneyReport.order_id == order.id)))
        .order_by(LedgerItem.booked_at.desc(), LedgerItem.id)
        .limit(1)
    )
    psp = f"BT-R-{item.id}"
    if request is not None:
        # Saleor counts a request's own reference once; sent again after it was taken back, a refund has its own.
        told_before = select(MoneyReport.id).where(MoneyReport.psp_reference == request.psp_reference)
        psp = psp if await session.scalar(told_before.limit(1)) else request.psp_reference
    reports = [("REFUND_SUCCESS", refunded, item.id, psp)]
    if charge is not None:
        reports.append(("CHARGE_BACK", less - refunded, charge, f"BT-{charge}"))
    for kind, minor, item_id, psp in reports:
        if minor > 0:
            session.add(
                MoneyReport(
                    ledger_item_id=item_id,
                    order_id=order.id,
                    transaction_id=promise.transaction_id,
                    psp_reference=psp,
                    type=kind,
                    amount_minor=minor,
                    currency=order.currency,
                    at=services.clock(),
                )
            )


def open_requests() -> Select[RefundRequest]:
    """Refunds that were neither sent nor taken off the list."""
    return select(RefundRequest).where(RefundRequest.done_at.is_(None), RefundRequest.canceled_at.is_(None))


async def find_refund(session: AsyncSession, refund_id: str) -> RefundRequest:
    """The refund whose id is this or begins so. Raises NotFound for none or several."""
    query = select(RefundRequest).where(RefundRequest.id.startswith(refund_id.strip(), autoescape=True)).limit(2)
    found = (await session.scalars(query)).all()
    if len(found) != 1 or not refund_id.strip():
        raise NotFound(f"There is no single refund {refund_id}.", code="no_refund")
    return found[0]


async def lock_refund(session: AsyncSession, refund_id: str) -> RefundRequest:
    """A refund that is not settled yet, under its row's lock, and its order's before it, as everybody takes them.

    Raises NotFound, Conflict.
    """
    known = await find_refund(session, refund_id)
    if known.order_id is not None:
        await lock_order(session, known.order_id)
    row = await _locked(session, known.id)
    _unsettled(row)
    return row


async def _locked(session: AsyncSession, refund_id: str) -> RefundRequest:
    query = select(RefundRequest).where(RefundRequest.id == refund_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def _unsettled(row: RefundRequest) -> None:
    if row.done_at is not None:
        raise Conflict(f"The refund was sent already, with the bank reference {row.bank_reference}.", code="refund_done")
    if row.canceled_at is not None:
        raise Conflict(f"{row.canceled_by} took the refund off the list: {row.cancel_reason}.", code="refund_canceled")


async def _done(session: AsyncSession, services: Services, row: RefundRequest, reference: str, by: str) -> None:
    now = services.clock()
    row.done_at, row.done_by, row.bank_reference = now, by, reference
    # Of a wire whose surplus went back nobody needs to decide any more.
    of = select(LedgerItem.payment_id).where(LedgerItem.kind == Kind.REFUND, LedgerItem.reference == reference)
    left = await credit_left(session, row.reseller_id, row.currency) if row.reseller_id else {}
    for payment in (await session.scalars(of)).all():
        if payment is not None and payment not in left:
            await finish_task(session, f"surplus:{payment}", now)
    await finish_tasks(session, row, now)


async def finish_tasks(session: AsyncSession, row: RefundRequest, at: datetime) -> None:
    """Take what asks for this refund off the list of staff; what is done with it at the same moment comes back with it."""
    for key in (f"refund:{row.id}", f"refund:{row.psp_reference}:{row.order_id}", f"refund-differs:{row.id}"):
        await finish_task(session, key, at)
    await session.flush()


def letters(text: str) -> str:
    """Letters and digits only: banks put blanks where a line ends."""
    return "".join(letter for letter in text.upper() if letter.isalnum())
