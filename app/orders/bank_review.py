"""What the review desk reads: lines that wait, what each would pay, and the orders that it could pay instead (`rules.md` 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.decisions import WAITING, Outcome
from app.bank.tables import BankLineRow, LearnedPayer
from app.db.bulk import among, chunks
from app.errors import NotFound
from app.ledger.booking import open_of
from app.ledger.rules import Kind, unallocated
from app.ledger.service import as_item, open_by_reseller, reseller_receivables
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.desk import numbered
from app.orders.tables import ResellerOrder
from app.resellers.listing import filtered
from app.resellers.tables import Reseller

MOST = 50
"""Orders that a line is compared with at once."""
FEW = 3
"""Resellers whose orders a text shows: the first that owe something."""
LOOKED_AT = 50
"""Resellers of whom that is asked; a text that finds more says too little."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order that a line may pay. `part` and `charge` are what a proposal gives to it, None for one it does not name."""

    debt_id: str
    number: str
    reseller_id: str
    company: str
    po_number: str
    due: date | None
    total: Money
    open: Money
    interest: bool = False
    """Interest of the order, which is paid as part of a statement only."""
    part: Money | None = None
    charge: Money | None = None

    @property
    def overtaken(self) -> bool:
        """The proposal gives more to it than is open by now: it was paid otherwise meanwhile."""
        return self.part is not None and self.part.minor + (self.charge.minor if self.charge else 0) > self.open.minor


def waiting(which: str, text: str) -> Select[BankLineRow]:
    """Lines that wait for a person: all, or of one outcome; perhaps those alone whose payer, text or amount holds the text."""
    outcomes = [one.value for one in WAITING]
    query = select(BankLineRow).where(
        BankLineRow.outcome.in_([which] if which in outcomes else outcomes),
        BankLineRow.undone == "",
        BankLineRow.details_import_id.is_(None),
    )
    if text:
        like = f"%{text.lower().replace('~', '~~').replace('%', '~%').replace('_', '~_')}%"
        columns = (
            BankLineRow.payer_name,
            BankLineRow.payer_account,
            BankLineRow.reference_text,
            BankLineRow.reference_structured,
            BankLineRow.amount,
        )
        query = query.where(or_(*(func.lower(column).like(like, escape="~") for column in columns)))
    return query


async def waiting_counts(session: AsyncSession) -> dict[str, int]:
    """How many lines of each outcome wait."""
    query = (
        select(BankLineRow.outcome, func.count())
        .where(
            BankLineRow.outcome.in_([one.value for one in WAITING]),
            BankLineRow.undone == "",
            BankLineRow.details_import_id.is_(None),
        )
        .group_by(BankLineRow.outcome)
    )
    found = dict((await session.execute(query)).all())
    return {one.value: found.get(one.value, 0) for one in WAITING}


async def proposed(session: AsyncSession, lines: Sequence[BankLineRow]) -> dict[str, list[Candidate]]:
    """What each line's proposal pays, by the line's id."""
    wanted = {part["debt"] for line in lines for part in line.parts if "debt" in part}
    of = {one.debt_id: one for one in await _candidates(session, wanted)}
    return {
        line.id: [_given(of[part["debt"]], part) for part in line.parts if "debt" in part and part["debt"] in of]
        for line in lines
    }


async def originals(session: AsyncSession, lines: Sequence[BankLineRow]) -> Mapping[str, BankLineRow]:
    """The lines that proposed reversals take back, by the id of the reversal."""
    of = {line.id: part["line"] for line in lines for part in line.parts if "line" in part}
    rows = {row.id: row for row in await session.scalars(select(BankLineRow).where(BankLineRow.id.in_(set(of.values()))))}
    return {line: rows[original] for line, original in of.items() if original in rows}


async def payers_of(session: AsyncSession, lines: Sequence[BankLineRow]) -> Mapping[str, str]:
    """Companies of the lines' resellers by reseller id."""
    ids = {line.reseller_id for line in lines if line.reseller_id}
    return dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(ids)))).all())


async def candidates(session: AsyncSession, line: BankLineRow, text: str) -> list[Candidate]:
    """Open orders that a line could be shared out to: those it names first, then its reseller's, or what a text finds.

    The text is an order's number, PO number or reference, else part of a company's name or its e-mail.
    """
    named = (await proposed(session, [line]))[line.id] if line.outcome in WAITING else []
    owners = [line.reseller_id] if line.reseller_id else []
    wanted: list[str] = []
    if text and line.outcome != Outcome.BOOKED:
        orders = (await session.scalars(numbered(text).limit(MOST))).all()
        keys = [f"receivable:{order.id}" for order in orders]
        wanted = list(await session.scalars(select(LedgerItem.id).where(LedgerItem.key.in_(keys))))
        if not wanted:
            query = filtered(text, "").order_by(Reseller.company, Reseller.id).limit(LOOKED_AT)
            ids = [reseller.id for reseller in await session.scalars(query)]
            owed = await open_by_reseller(session, ids)
            owners = [one for one in ids if any(amount.minor > 0 for amount in owed.get(one, ()))][:FEW]
    for owner in owners if not wanted else ():
        debts = await reseller_receivables(session, owner)
        wanted += [debt.id for debt in debts if debt.open_minor > 0]
    known = {one.debt_id for one in named}
    others = [debt for debt in wanted if debt not in known][: MOST - len(named)]
    return [*named, *(one for one in await _candidates(session, others) if one.open.minor > 0)]


async def one_line(session: AsyncSession, line_id: str) -> BankLineRow:
    """A line to look at. Raises NotFound, also for one whose file was undone."""
    row = await session.scalar(select(BankLineRow).where(BankLineRow.id == line_id, BankLineRow.undone == ""))
    if row is None:
        raise NotFound("There is no such bank line any more; its file may have been undone.", code="no_line")
    return row


async def booked_now(session: AsyncSession, import_id: str) -> int:
    """How many lines of a file are booked now, by itself or by a person since: what undoing it takes back."""
    query = select(func.count()).where(
        BankLineRow.import_id == import_id, BankLineRow.outcome == Outcome.BOOKED.value, BankLineRow.undone == ""
    )
    return await session.scalar(query) or 0


async def left_of(session: AsyncSession, line: BankLineRow) -> Money | None:
    """What a booked line left unallocated; None for a line that is not booked or takes money back."""
    if line.outcome != Outcome.BOOKED or line.payment_id is None or line.takes_back:
        return None
    rows = (
        await session.scalars(
            select(LedgerItem).where((LedgerItem.id == line.payment_id) | (LedgerItem.payment_id == line.payment_id))
        )
    ).all()
    payment = next((row for row in rows if row.id == line.payment_id), None)
    if payment is None:
        return None
    return Money(unallocated(as_item(row) for row in rows).get(payment.id, 0), payment.currency)


async def paid_by_line(session: AsyncSession, line: BankLineRow) -> list[tuple[str, Money]]:
    """What a booked line paid: (order's number, amount) each."""
    if line.payment_id is None:
        return []
    query = select(LedgerItem).where(LedgerItem.payment_id == line.payment_id, LedgerItem.order_number.is_not(None))
    rows = await session.scalars(query.order_by(LedgerItem.booked_at, LedgerItem.id))
    return [(row.order_number or "", Money(row.amount_minor, row.currency)) for row in rows]


def learned(which: str) -> Select[LearnedPayer]:
    """Learned payers: those that wait for their second person, those that count, or those that were switched off."""
    query = select(LearnedPayer)
    if which == "counting":
        return query.where(LearnedPayer.confirmed_at.is_not(None), LearnedPayer.off_at.is_(None))
    if which == "off":
        return query.where(LearnedPayer.off_at.is_not(None))
    return query.where(LearnedPayer.confirmed_at.is_(None), LearnedPayer.off_at.is_(None))


async def _candidates(session: AsyncSession, debts: Iterable[str]) -> list[Candidate]:
    ids = list(debts)
    rows: list[LedgerItem] = []
    opens: dict[str, int] = {}
    for part in chunks(ids):
        rows += await session.scalars(select(LedgerItem).where(among(LedgerItem.id, part)))
        opens |= await open_of(session, part)
    of_orders = {row.order_id for row in rows if row.order_id}
    orders = {row.id: row for row in await session.scalars(select(ResellerOrder).where(among(ResellerOrder.id, list(of_orders))))}
    owners = {row.reseller_id for row in rows}
    companies = dict((await session.execute(select(Reseller.id, Reseller.company).where(Reseller.id.in_(owners)))).all())
    made = []
    for row in rows:
        order = orders.get(row.order_id or "")
        made.append(
            Candidate(
                row.id,
                row.order_number or "",
                row.reseller_id,
                companies.get(row.reseller_id, ""),
                (order.po_number or "") if order else "",
                row.due_date,
                Money(row.amount_minor, row.currency),
                Money(opens.get(row.id, 0), row.currency),
                interest=row.kind == Kind.INTEREST,
            )
        )
    return sorted(made, key=lambda one: (one.due or date.min, one.number))


def _given(one: Candidate, part: Mapping[str, Any]) -> Candidate:
    currency = one.open.currency
    return replace(one, part=Money(part["minor"], currency), charge=Money(part["charge"], currency))
