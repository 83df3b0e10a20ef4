"""Erasing an end customer at its own request, and keeping what the law needs (edge case 27).

Whose an e-mail is, is sure; whose a name is, is not. So the person's own records go by its e-mail alone: name and addresses in
our tables, its licenses' text, claim links. In what resellers wrote, its e-mail goes wherever it stands; its full name goes only
where nobody else here has it, and in cases that are the person's: that hold its e-mail, or are of a reseller it bought from. All
other places that name it are said, for a person to look at.

What stays: that a license exists and counts, amounts, state and ZIP of the ship-to as evidence of the tax, that a case or a
confirmed support request was there, who wrote in it and when, and documents and correspondence with their exact bytes
(`rules.md` 11.1), which business and tax law keep for years and whose chain shows every change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.cases.naming import ERASED, Named, is_full_name
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
TAX_EVIDENCE = ("country", "state", "postal_code")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What went, what stays and why, and what only a person can decide."""

    orders: list[str]
    licenses: int
    cases: list[str]
    support_requests: int
    kept_documents: int
    kept_mails: int
    to_look_at: list[str]
    """Where somebody is named who may be this person, or somebody else."""
    still_to_do: list[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """What free text says of the person: its own cases and requests with all their texts, and sentences about the others."""

    cases: list[tuple[Case, list[CaseEntry]]]
    requests: list[SupportRequest]
    doubtful: list[str]


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
    spellings = {email, key, *(row.email for row in customers), *(order.end_customer_email for order in orders)}
    people = {name for name in (*(row.name for row in customers), *(order.ship_to.get("name") for order in orders)) if name}
    shared = {name for name in people if not is_full_name(name) or await _others_have(session, name, key)}
    person = Named(frozenset(filter(None, spellings)), frozenset(people - shared))
    written = await _written(session, person, frozenset(shared), orders)
    cases, requests = [case for case, _ in written.cases], written.requests
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
        to_look_at=written.doubtful,
        still_to_do=[
            f"Delete the account {email} in Saleor, too: its orders and addresses there are the shop's own.",
            "Finished durable work still holds addresses until it is forgotten (RESELLER_WORKFLOW_DAYS), back-ups until they are "
            "overwritten.",
        ],
    )
    if dry_run:
        return found
    await _forget_cases(session, written.cases, person)
    numbers = {order.number for order in orders}
    for request in requests:
        whole = request.order_number in numbers
        request.customer = ERASED if whole else person.without(request.customer, names=False)
        request.topic = person.without(request.topic, names=whole)[:MAX_SUBJECT]
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
        event.what = person.without(event.what, names=False)
    for task in await session.scalars(select(StaffTask).where(StaffTask.order_id.in_(ids))):
        task.reasons = person.without(task.reasons, names=False)
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


async def _others_have(session: AsyncSession, name: str, key: str) -> bool:
    """Whether another end customer has the name, or an order for another e-mail is for somebody of that name."""
    accounts = select(EndCustomer.id).where(EndCustomer.email_key != key, _is(EndCustomer.name, name)).limit(1)
    if await session.scalar(accounts) is not None:
        return True
    query = select(ResellerOrder.end_customer_email).where(_is(ResellerOrder.ship_to["name"].as_string(), name))
    return any(email_key(found) != key for found in await session.scalars(query) if not found.startswith("erased-"))


async def _written(session: AsyncSession, person: Named, shared: frozenset[str], orders: Sequence[ResellerOrder]) -> _Found:
    """Cases and support requests that name the person, sorted by whether they are the person's for certain."""
    sellers, numbers = {order.reseller_id for order in orders}, {order.number for order in orders}
    full = person.names | {name for name in shared if is_full_name(name)}
    words, maybe, left = person.addresses | full, Named(person.addresses, full), Named(person.addresses, person.names | shared)
    written = select(CaseEntry.case_id).where(_names_any(words, CaseEntry.text))
    query = select(Case).where(or_(_names_any(words, Case.subject, Case.customer, Case.contact), Case.id.in_(written)))
    own, requests, doubtful = [], [], []
    for case in (await session.scalars(query.order_by(Case.opened_at, Case.number).with_for_update())).all():
        entries = list(await session.scalars(select(CaseEntry).where(CaseEntry.case_id == case.id).order_by(CaseEntry.position)))
        texts = [case.subject, case.customer, case.contact, *(entry.text for entry in entries)]
        if person.has_address(*texts) or (case.reseller_id in sellers and person.has_any(*texts)):
            own.append((case, entries))
            if case.contact and not person.has_any(case.contact):
                doubtful.append(f"Case {case.number} keeps its contact: nothing says that it is this person.")
            if left.has_any(*(person.without(text) for text in texts)):
                doubtful.append(f"Case {case.number} keeps a name that others have, too, or that is one word only.")
        elif maybe.has_any(*texts):
            doubtful.append(f"Case {case.number} has the name, not the e-mail, and is not of a reseller this person bought from.")
    named = _names_any(words, SupportRequest.topic, SupportRequest.customer)
    found = select(SupportRequest).where(or_(SupportRequest.order_number.in_(numbers), named))
    for request in (await session.scalars(found.order_by(SupportRequest.attested_at).with_for_update())).all():
        if request.order_number in numbers or person.has_address(request.topic, request.customer):
            requests.append(request)
        elif maybe.has_any(request.topic, request.customer):
            doubtful.append(f"A support request for order {request.order_number}, which is not this person's, has the name.")
    return _Found(own, requests, doubtful)


async def _forget_cases(session: AsyncSession, cases: Sequence[tuple[Case, list[CaseEntry]]], person: Named) -> None:
    for case, entries in cases:
        # Beside a name it holds telephone numbers and the like.
        case.contact = ERASED if person.has_any(case.contact) else case.contact
        case.subject = person.without(case.subject)[:MAX_SUBJECT]
        case.customer = person.without(case.customer)[:MAX_NAME]
        for entry in entries:
            entry.text = person.without(entry.text)
        for task in await session.scalars(select(StaffTask).where(StaffTask.key == task_key(case))):
            task.reasons = person.without(task.reasons)


def _is(column: ColumnElement[str] | InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    return or_(func.lower(column) == name.lower(), column == name)  # SQLite folds ASCII alone


def _names_any(names: frozenset[str], *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """A first sieve: the first word of each is in one of the columns, in whatever case."""
    first = {name.split()[0] for name in names}
    return or_(
        *(func.lower(column).contains(name.lower(), autoescape=True) for column in columns for name in first),
        *(column.contains(name, autoescape=True) for column in columns for name in first),  # SQLite folds ASCII alone
    )
