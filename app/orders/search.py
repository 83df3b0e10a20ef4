"""One field for everything: what a person types from a paper, mail or bank statement, and the things that have it as their name.

Each kind of name is looked up by an index of its own, so it costs the same in a large database. Only a company is looked for in
the rows of all resellers, and only where nothing is named so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.tables import BankLineRow
from app.documents.tables import Document
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.licenses.tables import License, LicenseKey
from app.orders import bank_review
from app.orders.desk import listed_orders, names, numbered
from app.orders.tables import EndCustomer, RefundRequest, ResellerOrder
from app.resellers.listing import filtered
from app.resellers.rules import email_key, fold_email
from app.resellers.tables import Application, Reseller, ResellerUser

MOST = 20
"""Things of one kind that are shown."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing that was meant, perhaps: `kind` with `key` say where its page is, `name` what it is called, `of` whose it is."""

    kind: str
    key: str
    name: str
    of: str = ""


async def find(session: AsyncSession, text: str, *, money: bool, people: bool, others: Sequence[Hit] = ()) -> list[Hit]:
    """What a text names, each once: orders, licenses and wires for those who may see `money`, resellers and
    applications for those who may see `people`.

    `others` are what was found elsewhere: no company is looked for beside them.
    """
    text = text.strip()
    if not text:
        return []
    found = list(others)
    if money:
        found += await _orders(session, text)
        found += await _licenses(session, text)
        found += await _wires(session, text)
    if people and "@" in text:
        found += await _people(session, text)
    if money and "@" in text:
        found += await _customers(session, text)
    if people and not found:
        found += await _companies(session, text)
    return list(dict.fromkeys(found))


async def _orders(session: AsyncSession, text: str) -> list[Hit]:
    """By number, purchase-order number, creditor reference, Saleor's id, invoice or credit note, or a refund's reference."""
    ids = [*await session.scalars(select(Document.order_id).where(Document.number == text.upper()))]
    sent = or_(RefundRequest.reference == text.upper(), RefundRequest.bank_reference == text)
    ids += [one for one in await session.scalars(select(RefundRequest.order_id).where(sent).limit(MOST)) if one]
    rows = [*await session.scalars(numbered(text).limit(MOST))]
    more = or_(ResellerOrder.id.in_(ids), ResellerOrder.saleor_order_id == text)
    rows += await session.scalars(listed_orders().where(more).limit(MOST))
    return await _of_orders(session, rows)


async def _of_orders(session: AsyncSession, rows: Iterable[ResellerOrder]) -> list[Hit]:
    rows = list({row.id: row for row in rows}.values())
    companies = await names(session, rows)
    return [Hit("order", row.number, row.number, companies.get(row.reseller_id or "", "")) for row in rows]


async def _licenses(session: AsyncSession, text: str) -> list[Hit]:
    """By the license's own id, as it stands in its file and mail; all that one key has signed by the key's."""
    rows = await session.execute(select(License.id, License.sku, License.order_number).where(License.id == text.lower()))
    keys = await session.scalars(select(LicenseKey.kid).where(LicenseKey.kid == text.lower()))
    return [Hit("license", id, sku, number) for id, sku, number in rows] + [Hit("key", kid, kid) for kid in keys]


async def _wires(session: AsyncSession, text: str) -> list[Hit]:
    """By the bank's own reference: the line of its file, or what a wire that was entered by hand paid."""
    query = select(LedgerItem).where(LedgerItem.reference == text, LedgerItem.kind == Kind.PAYMENT).limit(MOST)
    payments = (await session.scalars(query)).all()
    of_payment = BankLineRow.payment_id.in_([row.id for row in payments])
    lines = [*await session.scalars(select(BankLineRow).where(of_payment).limit(MOST))]
    named = or_(
        *(column == text for column in (BankLineRow.bank_reference, BankLineRow.end_to_end, BankLineRow.reference_structured))
    )
    lines += await session.scalars(bank_review.waiting("", "").where(named).limit(MOST))
    found = [Hit("line", row.id, row.bank_reference or text, row.payer_name or "") for row in lines]
    known = {row.payment_id for row in lines}
    by_hand = [row for row in payments if row.id not in known]
    ids = [row.order_id for row in by_hand if row.order_id]
    found += await _of_orders(session, await session.scalars(listed_orders().where(ResellerOrder.id.in_(ids))))
    free = [row.reseller_id for row in by_hand if not row.order_id]
    companies = await _company_names(session, free)
    return found + [Hit("ledger", id, text, companies.get(id, "")) for id in dict.fromkeys(free)]


async def _people(session: AsyncSession, text: str) -> list[Hit]:
    """Resellers by the address of any of their users, and applications by the applicant's."""
    email = fold_email(text)
    users = select(ResellerUser.reseller_id).where(ResellerUser.email == email)
    query = select(Reseller.id, Reseller.company).where(or_(Reseller.email == email, Reseller.id.in_(users))).limit(MOST)
    found = [Hit("reseller", id, company, text) for id, company in await session.execute(query)]
    asked = select(Application.id, Application.company).where(Application.email == email, Application.decided_at.is_(None))
    return found + [Hit("application", id, company or text, text) for id, company in await session.execute(asked.limit(MOST))]


async def _customers(session: AsyncSession, text: str) -> list[Hit]:
    """End customers, whose page is the list of their licenses."""
    query = select(EndCustomer.email, EndCustomer.company).where(EndCustomer.email_key == email_key(text))
    return [Hit("customer", email, company or email, email) for email, company in await session.execute(query)]


async def _companies(session: AsyncSession, text: str) -> list[Hit]:
    rows = await session.scalars(filtered(text, "").order_by(Reseller.company, Reseller.id).limit(MOST))
    return [Hit("reseller", row.id, row.company, row.email) for row in rows]


async def _company_names(session: AsyncSession, ids: Iterable[str]) -> dict[str, str]:
    return dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(set(ids))))).all())
