"""Erasing an end customer at its own request, and keeping what the law needs (edge case 27).

What goes: its name and addresses in our tables, its licenses' text, claim links, and what resellers wrote of it in cases and
support requests. What stays: that a license exists and counts, amounts, state and ZIP of the ship-to as evidence of the tax, that
a case or a confirmed support request was there, who wrote in it and when, and documents and correspondence with their exact bytes
(`rules.md` 11.1), which business and tax law keep for years and whose chain shows every change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.cases.rules import MAX_NAME, MAX_SUBJECT
from app.cases.service import task_key
from app.cases.tables import Case, CaseEntry, SupportRequest
from app.documents.tables import Document
from app.errors import Conflict, NotFound, Refused
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders.accounts import forget_customer
from app.orders.record import add_event
from app.orders.tables import EndCustomer, LicenseClaim, OrderEvent, ResellerOrder, StaffTask
from app.reasons import because, register
from app.resellers.rules import email_key
from app.resellers.tables import ResellerUser

register({"customer_erased": "The end customer's data was erased by {by}: {reason}."})

ERASED_FILE = "This license file was erased at its holder's request. The license itself goes on counting.\n"
ERASED = "[erased]"
TAX_EVIDENCE = ("country", "state", "postal_code")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What went, and what stays and why."""

    orders: list[str]
    licenses: int
    cases: list[str]
    support_requests: int
    kept_documents: int
    kept_mails: int
    still_to_do: list[str]


async def erase_customer(
    session: AsyncSession, email: str, *, by: str, reason: str, at: datetime, dry_run: bool = False
) -> Erasure:
    """Erase one end customer by its e-mail, in any spelling of it.

    Raises NotFound where nobody has it, Refused for a user of a reseller, Conflict while an order for it is still on its way.
    """
    key = email_key(email)
    if any(email_key(own) == key for own in await session.scalars(select(ResellerUser.email))):
        raise Refused(f"{email} is a user of a reseller; take the user out of it first.", code="reseller_user")
    customers = (await session.scalars(select(EndCustomer).where(EndCustomer.email_key == key).with_for_update())).all()
    orders = await _orders(session, key, [row.id for row in customers])
    people = {name for name in (*(row.name for row in customers), *(order.ship_to.get("name") for order in orders)) if name}
    spellings = {email, key, *(row.email for row in customers), *(order.end_customer_email for order in orders)}
    companies = {row.company for row in customers} | {order.ship_to.get("company") or "" for order in orders}
    cases, requests = await _cases(session, spellings | people), await _requests(session, spellings, orders)
    if not customers and not orders and not cases and not requests:
        raise NotFound(f"There is no end customer {email}.", code="no_customer")
    going = [order.number for order in orders if order.released_at is None and order.canceled_at is None]
    if going:
        raise Conflict(
            f"Orders for {email} are still on their way: {', '.join(going)}; release or cancel them first.", code="orders_open"
        )
    ids = [order.id for order in orders]
    licenses = (await session.scalars(select(License).where(License.order_id.in_(ids)))).all()
    mails = await session.scalar(select(func.count(Mail.id)).where(Mail.order_id.in_(ids)))
    documents = await session.scalar(select(func.count(Document.id)).where(Document.order_id.in_(ids)))
    found = Erasure(
        orders=[order.number for order in orders],
        licenses=len(licenses),
        cases=[case.number for case in cases],
        support_requests=len(requests),
        kept_documents=documents or 0,
        kept_mails=mails or 0,
        still_to_do=[
            f"Delete the account {email} in Saleor, too: its orders and addresses there are the shop's own.",
            "Finished durable work still holds addresses until it is forgotten (RESELLER_WORKFLOW_DAYS), back-ups until they are "
            "overwritten.",
        ],
    )
    if dry_run:
        return found
    pattern, addresses = _any_of(spellings | people | companies), _any_of(spellings)
    await _forget_cases(session, cases, pattern)
    for request in requests:
        request.customer = ERASED
        request.topic = _without(request.topic, pattern)[:MAX_SUBJECT]
    for customer in customers:
        forget_customer(customer)
    for order in orders:
        order.end_customer_email = f"erased-{order.id}"
        order.ship_to = {name: order.ship_to[name] for name in TAX_EVIDENCE if name in order.ship_to}
        await add_event(session, order.id, "customer-erased", at, because("customer_erased", by=by, reason=reason))
    for license in licenses:
        license.file = ERASED_FILE
        named = license.payload["attributes"]
        license.payload = {**license.payload, "attributes": {**named, "company": "", "name": "", "email": ""}}
    for claim in await session.scalars(select(LicenseClaim).where(LicenseClaim.order_id.in_(ids))):
        claim.email = f"erased-{claim.id}"
        claim.claimed_by = None if claim.claimed_by is None else "erased"
        if claim.claimed_at is None and claim.withdrawn_at is None:
            claim.withdrawn_at = at
    for event in await session.scalars(select(OrderEvent).where(OrderEvent.order_id.in_(ids))):
        event.what = _without(event.what, addresses)
    for task in await session.scalars(select(StaffTask).where(StaffTask.order_id.in_(ids))):
        task.reasons = _without(task.reasons, addresses)
    return found


async def _orders(session: AsyncSession, key: str, customer_ids: Sequence[str]) -> list[ResellerOrder]:
    """Orders of these customers, and those for the address that never got as far as to have one."""
    domain = key.rpartition("@")[2]
    query = select(ResellerOrder).where(
        or_(
            ResellerOrder.end_customer_id.in_(customer_ids),
            func.lower(ResellerOrder.end_customer_email).endswith(f"@{domain}", autoescape=True),
        )
    )
    rows = (await session.scalars(query.with_for_update())).all()
    return [row for row in rows if row.end_customer_id in customer_ids or email_key(row.end_customer_email) == key]


async def _cases(session: AsyncSession, names: set[str]) -> Sequence[Case]:
    """Cases in which somebody wrote one of the names."""
    written = select(CaseEntry.case_id).where(_names_any(names, CaseEntry.text))
    query = select(Case).where(or_(_names_any(names, Case.subject, Case.customer, Case.contact), Case.id.in_(written)))
    return (await session.scalars(query.order_by(Case.opened_at, Case.id).with_for_update())).all()


async def _requests(session: AsyncSession, spellings: set[str], orders: Sequence[ResellerOrder]) -> Sequence[SupportRequest]:
    """Support requests for these orders, and those that name the address."""
    named = _names_any(spellings, SupportRequest.topic, SupportRequest.customer)
    of = SupportRequest.order_number.in_([order.number for order in orders])
    return (await session.scalars(select(SupportRequest).where(or_(of, named)).with_for_update())).all()


async def _forget_cases(session: AsyncSession, cases: Sequence[Case], pattern: re.Pattern[str]) -> None:
    for case in cases:
        case.subject = _without(case.subject, pattern)[:MAX_SUBJECT]
        case.customer = _without(case.customer, pattern)[:MAX_NAME]
        # Beside a name it holds telephone numbers and the like.
        case.contact = ERASED if case.contact else ""
        for entry in await session.scalars(select(CaseEntry).where(CaseEntry.case_id == case.id)):
            entry.text = _without(entry.text, pattern)
        for task in await session.scalars(select(StaffTask).where(StaffTask.key == task_key(case))):
            task.reasons = _without(task.reasons, pattern)


def _names_any(names: set[str], *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return or_(
        *(func.lower(column).contains(name.lower(), autoescape=True) for column in columns for name in names),
        *(column.contains(name, autoescape=True) for column in columns for name in names),  # SQLite folds ASCII alone
    )


def _any_of(names: set[str]) -> re.Pattern[str]:
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _without(kept: Any, pattern: re.Pattern[str]) -> Any:
    """The same with each of its texts rid of what the pattern finds."""
    if isinstance(kept, str):
        return pattern.sub(ERASED, kept)
    if isinstance(kept, dict):
        return {name: _without(value, pattern) for name, value in kept.items()}
    return [_without(value, pattern) for value in kept] if isinstance(kept, list) else kept
