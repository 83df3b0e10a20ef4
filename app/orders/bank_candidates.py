"""What a bank line can be for, read from orders, ledger and documents for the matching ladder (`bank.rules`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.account_names import Names
from app.bank.candidates import Bundle, Candidates, Debt, Tolerance, payer_key
from app.bank.lines import BankLine
from app.bank.search import folded, is_marked, reference_key, strange_references, variants, windows
from app.bank.service import accounts
from app.bank.tables import FeeTolerance, LearnedPayer
from app.db.bulk import among, chunks
from app.db.reading import rows
from app.documents.schemas import DocumentKind
from app.documents.tables import Document
from app.ledger.booking import DEBT_ID, OPEN_EFFECT, open_of
from app.ledger.rules import DEBTS, Kind
from app.ledger.tables import LedgerItem, PaymentReference, RemittanceAdvice
from app.orders.tables import ResellerOrder
from app.orders.tolerance import charged_in_year
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

LOADED = 2_000
"""Debts read at a stretch: some 20 ms of an event loop that others wait for."""
ADVICE_COUNTS = timedelta(days=90)
"""How long a wire may take to come after it was announced."""


async def load_candidates(session: AsyncSession, shop: Shop, today: date, at: datetime) -> Candidates:
    """Everything open in the shop. Closed debts are looked up when a line names one (`add_named`)."""
    found = Candidates(own_accounts=await own_accounts(session, shop))
    numbers = shop.settings.program
    found.default_tolerance = (numbers.fee_tolerance_minor, numbers.fee_tolerance_year_minor)
    sums = select(DEBT_ID, func.sum(OPEN_EFFECT)).where(DEBT_ID.is_not(None)).group_by(DEBT_ID).having(func.sum(OPEN_EFFECT) > 0)
    opens: dict[str, int] = {debt: int(minor) async for debt, minor in rows(session, sums)}
    # By their ids, some thousand at a time: whatever a planner thinks of a join of all, these are index look-ups.
    for part in chunks(list(opens), LOADED):
        for row in await session.execute(_debts().where(among(LedgerItem.id, part))):
            found.add_debt(_debt(row, opens[row[0]]))
    await _add_bundles(session, found, at)
    await _add_payers(session, found)
    await _add_tolerances(session, found, today)
    return found


async def add_named(session: AsyncSession, found: Candidates, lines: Iterable[BankLine]) -> bool:
    """Add debts that owe nothing any more but that one of the lines names; whether there were any (edge cases 52 and 53)."""
    references: set[str] = set()
    numbers: set[str] = set()
    for line in lines:
        texts = [*variants(line.reference_structured), *variants(line.reference_text)]
        for text in texts:
            references |= {each for each in strange_references(text)[0] if reference_key(each) not in found.references}
            words = {word for word, count in windows(text) if count == 1 and word.isdigit() and len(word) <= 12}
            numbers |= {word.lstrip("0") for word in words if word.lstrip("0") not in found.numbers and is_marked(text, word)}
    added = False
    for column, wanted in ((LedgerItem.reference, references), (LedgerItem.order_number, numbers - {""})):
        for part in chunks(sorted(wanted)):
            named = (await session.execute(_debts().where(among(column, part)))).all()
            opens = await open_of(session, [row[0] for row in named])
            for row in named:
                if row[0] not in found.debts:
                    found.add_debt(_debt(row, max(0, opens.get(row[0], 0))))
                    added = True
    return added


async def own_accounts(session: AsyncSession, shop: Shop) -> frozenset[str]:
    """The vendor's own accounts, folded: money from one to another pays nothing."""
    return frozenset(folded(name) for names in own_names(shop) for name in names) | {
        row.identifier for row in await accounts(session)
    }


def own_names(shop: Shop) -> list[Names]:
    """What the settings call each of the vendor's accounts."""
    named = (
        (each.iban, each.account_number, f"{each.routing_number}{each.account_number}" if each.routing_number else "")
        for each in shop.settings.bank_accounts
    )
    return [tuple(name for name in names if name) for names in named if any(names)]


def _debts() -> Select[*tuple[Any, ...]]:
    return (
        select(
            LedgerItem.id,
            LedgerItem.reseller_id,
            LedgerItem.currency,
            LedgerItem.amount_minor,
            LedgerItem.order_number,
            LedgerItem.due_date,
            LedgerItem.value_date,
            LedgerItem.reference,
            LedgerItem.kind,
            LedgerItem.order_id,
            ResellerOrder.po_number,
            ResellerOrder.canceled_at,
            Document.number,
        )
        .outerjoin(ResellerOrder, ResellerOrder.id == LedgerItem.order_id)
        .outerjoin(Document, (Document.order_id == LedgerItem.order_id) & (Document.kind == DocumentKind.INVOICE))
        .where(LedgerItem.kind.in_(DEBTS), LedgerItem.receivable_id.is_(None))
    )


def _debt(row: Sequence[Any], open_minor: int) -> Debt:
    of_order = row[8] == Kind.RECEIVABLE
    return Debt(
        id=row[0],
        # Of a few thousand resellers and days each is there once in memory, not with every debt.
        reseller_id=sys.intern(row[1]),
        currency=sys.intern(row[2]),
        total_minor=row[3],
        open_minor=open_minor,
        number=(row[4] or "") if of_order else f"interest {row[4]}",
        due=sys.intern(str(row[5] or row[6])),
        reference=row[7] or "",
        order_id=row[9],
        po_number=row[10] or "",
        canceled=row[11] is not None,
        invoice_number=row[12] or "",
    )


async def _add_bundles(session: AsyncSession, found: Candidates, at: datetime) -> None:
    for row in await session.scalars(select(PaymentReference).order_by(PaymentReference.at.desc())):
        if any(debt in found.debts for debt in row.debts):
            found.add_bundle(Bundle(row.id, row.reseller_id, row.currency, tuple(row.debts), row.number, row.reference))
    recent = select(RemittanceAdvice).where(RemittanceAdvice.at >= at - ADVICE_COUNTS)
    for advice in await session.scalars(recent.order_by(RemittanceAdvice.at)):
        # Only one that names an order and an amount in each line says what a wire pays; once paid, its orders have less open.
        parts = [(line["receivable_id"], line["amount_minor"], line["open_currency"]) for line in advice.lines]
        if all(debt and minor for debt, minor, _ in parts) and len({currency for _, _, currency in parts}) == 1:
            debts, amounts = tuple(part[0] for part in parts), tuple(part[1] for part in parts)
            said = f"advice of {advice.at:%Y-%m-%d}"
            found.add_advice(Bundle(advice.id, advice.reseller_id, parts[0][2], debts, said, "", amounts))


async def _add_payers(session: AsyncSession, found: Candidates) -> None:
    query = select(LearnedPayer).where(LearnedPayer.confirmed_at.is_not(None), LearnedPayer.off_at.is_(None))
    for payer in await session.scalars(query):
        found.payers[payer.payer].add(payer.reseller_id)
    async for reseller_id, company in rows(session, select(Reseller.id, Reseller.company)):
        found.add_company(reseller_id, company)


async def _add_tolerances(session: AsyncSession, found: Candidates, today: date) -> None:
    found.charged = await charged_in_year(session, today)
    for own in await session.scalars(select(FeeTolerance)):
        key = (own.reseller_id, own.currency)
        found.tolerances[key] = Tolerance(own.wire_minor, own.year_minor - found.charged.get(key, 0))


def payer_of(line: BankLine) -> str:
    """What the payer of a line is known by."""
    return payer_key(line.payer_account, line.payer_name)
