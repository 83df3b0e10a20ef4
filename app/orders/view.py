"""One order with everything known of it: gate with reasons, ledger, evidence, licenses, documents, mails, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.tables import Document
from app.ledger.service import receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.licenses.service import of_order
from app.mail.tables import Mail
from app.money import Money
from app.orders.attend import order_state
from app.orders.service import find_order, order_gate
from app.orders.tables import EndCustomer, LicenseClaim, MoneyReport, OrderEvent, OrderLine, StaffDecision, StaffTask
from app.pricing.tables import PriceListRow
from app.reasons import Reason, sentence


async def order_view(session: AsyncSession, number: str, at: datetime) -> dict[str, Any]:
    """The order as data ready to print. Raises NotFound."""
    order = await find_order(session, number)
    gate = await order_gate(session, order, at)
    debt_id = await receivable_id(session, order.id)
    debt = await receivable(session, debt_id) if debt_id else None
    customer = await session.get(EndCustomer, order.end_customer_id) if order.end_customer_id else None

    used = select(PriceListRow.id, PriceListRow.name).where(PriceListRow.id.in_({line.price_list_id for line in order.lines}))
    lists = {row.id: row.name for row in await session.execute(used)}

    async def rows(table: Any, moment: Any) -> list[Any]:
        return list(await session.scalars(select(table).where(table.order_id == order.id).order_by(moment, table.id)))

    return {
        "number": order.number,
        "state": order_state(order),
        "terms": order.terms,
        "total": str(Money(order.total_minor, order.currency)),
        "open": str(Money(debt.open_minor, order.currency)) if debt else None,
        "order_date": order.order_date,
        "due_date": order.due_date,
        "reference": order.reference,
        "po_number": order.po_number,
        "recipient": order.recipient,
        "gate": {"open": gate.open, "reasons": sentences(reason.as_dict() for reason in gate.reasons)},
        "audit": {"passed": order.audit_passed, "reasons": sentences(order.audit)},
        "release": {
            "decided_at": order.release_decided_at,
            "reasons": sentences(order.release_reasons),
            "released_at": order.released_at,
            "fulfilled_at": order.fulfilled_at,
        },
        "bill_to": order.bill_to,
        "ship_to": {**order.ship_to, "email": order.end_customer_email},
        "end_customer": {"email": customer.email, "account": customer.saleor_user_id} if customer else None,
        "claims": [
            {
                "email": claim.email,
                "sent_at": claim.created_at,
                "expires_at": claim.expires_at,
                "claimed_at": claim.claimed_at,
                "withdrawn_at": claim.withdrawn_at,
            }
            for claim in await rows(LicenseClaim, LicenseClaim.created_at)
        ],
        "lines": [_line(line, order.currency, lists) for line in order.lines],
        "ledger": [
            {
                "kind": item.kind,
                "amount": str(Money(item.amount_minor, item.currency)),
                "value_date": item.value_date,
                "by": item.booked_by,
                "reference": item.reference,
                "reason": item.reason,
            }
            for item in await rows(LedgerItem, LedgerItem.booked_at)
        ],
        "reports": [
            {"type": report.type, "psp_reference": report.psp_reference, "reported_at": report.reported_at, "error": report.error}
            for report in await rows(MoneyReport, MoneyReport.at)
        ],
        "licenses": [
            {
                "id": license.id,
                "sku": license.sku,
                "kind": license.kind,
                "state": license.state,
                "issued_at": license.issued_at,
                "expires_at": license.expires_at,
            }
            for license in await of_order(session, order.id)
        ],
        "documents": [
            {"kind": document.kind, "number": document.number, "file": document.file_name, "sha256": document.sha256}
            for document in await rows(Document, Document.issued_at)
        ],
        "mails": [
            {"kind": mail.kind, "to": mail.recipient, "subject": mail.subject, "state": mail.state, "error": mail.error}
            for mail in await rows(Mail, Mail.created_at)
        ],
        "decisions": [
            {"hold": row.hold, "by": row.by, "reason": row.reason, "at": row.at, "expires_at": row.expires_at}
            for row in await rows(StaffDecision, StaffDecision.at)
        ],
        "tasks": [
            {"key": task.key, "reasons": sentences(task.reasons), "since": task.created_at, "done_at": task.done_at}
            for task in await rows(StaffTask, StaffTask.created_at)
        ],
        "events": [
            {"at": event.at, "what": sentence(Reason.from_dict(event.what))} for event in await rows(OrderEvent, OrderEvent.at)
        ],
    }


def sentences(stored: Iterable[Mapping[str, Any]]) -> list[str]:
    """Stored reasons in English."""
    return [sentence(Reason.from_dict(reason)) for reason in stored]


def _line(line: OrderLine, currency: str, lists: Mapping[str, str]) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "retail": str(Money(line.retail_minor, currency)),
        "unit": str(Money(line.unit_minor, currency)),
        "net": str(Money(line.net_minor, currency)),
        "gross": str(Money(line.gross_minor, currency)),
        "tax_rate": f"{line.tax_rate.normalize():f} %",
        "certificate": line.certificate_number,
        "price_list": lists.get(line.price_list_id or ""),
        "price_list_version": line.price_list_version,
        "reasons": sentences(line.reasons),
        "license_policy": line.license_policy,
    }
