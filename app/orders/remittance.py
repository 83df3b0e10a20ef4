"""Taking in a remittance advice: references looked up among the reseller's own orders, kept as a proposal (`rules.md` 4.3)."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import page
from app.documents.schemas import DocumentKind
from app.documents.tables import Document
from app.errors import InvalidInput, NotFound
from app.ledger.remittance import MAX_LINES, Given, Line, Owed, compare, known_currency, names, read_text
from app.ledger.service import receivable_id, reseller_receivables
from app.ledger.tables import RemittanceAdvice
from app.money import Money
from app.orders.tables import ResellerOrder
from app.reasons import Reason

MAX_TEXT = 20_000
MAX_REFERENCE = 140


@dataclass(frozen=True, slots=True)
class Found:
    """One of the reseller's orders with every name it can be called by, the strongest kind first."""

    order: ResellerOrder
    names: tuple[str, str, str, str]
    """Creditor reference, invoice number, order number, own purchase-order number."""


async def advise(
    session: AsyncSession,
    reseller_id: str,
    *,
    text: str,
    lines: Sequence[Given],
    paid_on: date | None,
    by: str,
    at: datetime,
) -> tuple[RemittanceAdvice, list[Reason]]:
    """Keep an advice, either pasted as `text` or as `lines`; the same once more is the one that is kept.

    The reasons name the lines of the text that were not understood. Raises InvalidInput for both or neither, for no line or too
    many, and that names the line with a wrong currency.
    """
    if bool(text.strip()) == bool(lines):
        raise InvalidInput("Give either text or lines.", code="advice")
    given, unread = (list(lines), []) if lines else read_text(text)
    _check(given, unread)
    orders = await _named(session, reseller_id, given)
    opened = {debt.order_number: debt for debt in await reseller_receivables(session, reseller_id)}
    compared: list[dict[str, Any]] = []
    taken: set[str] = set()
    for one in given:
        meant = _meant(one, orders)
        owed = []
        for found in meant:
            debt = opened.get(found.order.number)
            owed.append(Owed(found.order.number, Money(debt.open_minor if debt else 0, found.order.currency)))
        line = compare(one, owed, taken)
        order = meant[0].order if line.order_number else None
        debt_id = await receivable_id(session, order.id) if order else None
        compared.append(_stored(line, order.id if order else None, debt_id))
        if line.order_number:
            taken.add(line.order_number)
    said = [[one.reference, str(one.amount), one.currency] for one in given]
    row = RemittanceAdvice(
        reseller_id=reseller_id,
        fingerprint=hashlib.sha256(json.dumps([text, said, str(paid_on)]).encode()).hexdigest(),
        at=at,
        by=by,
        paid_on=paid_on,
        text=text,
        lines=compared,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        same = RemittanceAdvice.fingerprint == row.fingerprint
        query = select(RemittanceAdvice).where(RemittanceAdvice.reseller_id == reseller_id, same)
        return (await session.scalars(query)).one(), unread
    return row, unread


async def page_of_advice(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[RemittanceAdvice], str | None]:
    """A page of the reseller's advice, the newest first, and the cursor of the next. Raises InvalidInput for a wrong cursor."""
    query = select(RemittanceAdvice).where(RemittanceAdvice.reseller_id == reseller_id)
    return await page(session, query, RemittanceAdvice.at, RemittanceAdvice.id, limit, cursor)


async def own_advice(session: AsyncSession, reseller_id: str, advice_id: str) -> RemittanceAdvice:
    """One advice of the reseller. Raises NotFound."""
    query = select(RemittanceAdvice).where(RemittanceAdvice.id == advice_id, RemittanceAdvice.reseller_id == reseller_id)
    found = await session.scalar(query)
    if found is None:
        raise NotFound("There is no such remittance advice.", code="no_advice")
    return found


def _check(given: Sequence[Given], unread: Sequence[Reason]) -> None:
    if not given:
        said = " ".join(map(str, unread)) or "Write a reference and an amount in each line."
        raise InvalidInput(f"No line of the advice can be read. {said}"[:1000], code="advice")
    if len(given) > MAX_LINES:
        raise InvalidInput(f"lines: at most {MAX_LINES}; send the rest as another advice.", code="advice")
    for number, one in enumerate(given, start=1):
        if one.currency and not known_currency(one.currency):
            raise InvalidInput(f"lines.{number}: {one.currency} is no currency of ISO 4217.", code="currency")
        if one.amount <= 0:
            raise InvalidInput(f"lines.{number}: the amount must be more than zero.", code="amount")
        if len(one.reference) > MAX_REFERENCE:
            raise InvalidInput(f"lines.{number}: a reference has at most {MAX_REFERENCE} characters.", code="advice")


async def _named(session: AsyncSession, reseller_id: str, given: Sequence[Given]) -> list[Found]:
    """The reseller's orders that any line may mean, in one query."""
    wanted = sorted({name.casefold() for one in given for group in names(one.reference) for name in group})
    invoice = (Document.order_id == ResellerOrder.id) & (Document.kind == DocumentKind.INVOICE)
    keys = (ResellerOrder.reference, Document.number, ResellerOrder.number, ResellerOrder.po_number)
    query = (
        select(ResellerOrder, Document.number)
        .outerjoin(Document, invoice)
        .where(ResellerOrder.reseller_id == reseller_id, or_(*(func.lower(key).in_(wanted) for key in keys)))
    )
    return [
        Found(order, (order.reference, number or "", order.number, order.po_number))
        for order, number in await session.execute(query)
    ]


def _meant(given: Given, orders: Sequence[Found]) -> list[Found]:
    """The orders a line means: by its likeliest names that name any, of these by the strongest kind (matching ladder 1 to 5)."""
    for group in names(given.reference):
        wanted = {name.casefold() for name in group}
        by_kind: dict[int, list[Found]] = defaultdict(list)
        for found in orders:
            for kind, name in enumerate(found.names):
                if name and name.casefold() in wanted:
                    by_kind[kind].append(found)
                    break
        if by_kind:
            return by_kind[min(by_kind)]
    return []


def _stored(line: Line, order_id: str | None, debt_id: str | None) -> dict[str, Any]:
    return {
        "reference": line.given.reference,
        "amount": str(line.given.amount),
        "currency": line.open.currency if line.open and line.amount else line.given.currency,
        "order_number": line.order_number,
        "order_id": order_id,
        "receivable_id": debt_id,
        "amount_minor": line.amount.minor if line.amount else None,
        "open_minor": line.open.minor if line.open else None,
        "open_currency": line.open.currency if line.open else None,
        "reasons": [reason.as_dict() for reason in line.reasons],
    }
