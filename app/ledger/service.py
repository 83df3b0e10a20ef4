"""Booking. Each use case can be repeated: the item's key decides whether it was booked already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import starmap
from typing import Protocol

from sqlalchemy import case, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.disputes import disputed_debts
from app.ledger.rules import DEBTS, EFFECT, PAYING, Item, Kind, Receivable, allocate, live, receivables
from app.ledger.tables import LedgerItem
from app.money import Money

MAX_REFERENCE = 140
"""Characters of a bank's reference: what SEPA carries as remittance information. A longer one is a text pasted by mistake."""
_COLUMNS = (
    LedgerItem.id,
    LedgerItem.kind,
    LedgerItem.amount_minor,
    LedgerItem.currency,
    LedgerItem.value_date,
    LedgerItem.receivable_id,
    LedgerItem.payment_id,
    LedgerItem.due_date,
    LedgerItem.order_number,
    LedgerItem.reverses_id,
)
"""What an `Entry` needs: a reseller's whole past is read without its reasons and keys."""
_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Booking:
    """What a wire became: amounts in minor units of the receivable's currency. `repeated` if it had been booked before."""

    payment_id: str
    allocated_minor: int
    bank_charge_minor: int
    surplus_minor: int
    repeated: bool
    debt_id: str
    allocation_id: str
    """Empty where nothing was allocated."""


async def post_receivable(
    session: AsyncSession,
    *,
    reseller_id: str,
    order_id: str,
    order_number: str,
    amount: Money,
    reference: str,
    order_date: date,
    due: date,
    at: datetime,
) -> LedgerItem:
    """The debt of one order, once. Raises InvalidInput for a negative amount."""
    if amount.minor < 0:
        raise InvalidInput(f"Order {order_number} has a negative total of {amount}.", code="negative_total")
    item = LedgerItem(
        key=f"receivable:{order_id}",
        kind=Kind.RECEIVABLE,
        reseller_id=reseller_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        value_date=order_date,
        booked_at=at,
        booked_by="order",
        order_id=order_id,
        order_number=order_number,
        due_date=due,
        reference=reference,
    )
    return (await _add(session, item))[0]


async def book_wire(
    session: AsyncSession,
    *,
    order_id: str,
    amount: Money,
    bank_reference: str,
    value_date: date,
    by: str,
    at: datetime,
    tolerance_minor: int = 0,
    reason: str = "",
) -> Booking:
    """Book money that a person or a bank file says arrived for one order, and allocate it (`rules.md` 4.3, 4.4).

    The bank reference identifies the wire: the same one again changes nothing, with another amount it is a Conflict. Money for
    an order that owes nothing stays unallocated (edge cases 52 and 53). Raises NotFound without a receivable, InvalidInput for an
    amount that is not positive or in another currency (edge cases 54 and 55), or a reference that is missing or too long.
    """
    if amount.minor <= 0:
        raise InvalidInput("The amount of a wire must be more than zero.", code="zero_amount")
    reference = checked_reference(bank_reference)
    debt = await session.scalar(select(LedgerItem).where(LedgerItem.key == f"receivable:{order_id}").with_for_update())
    if debt is None:
        raise NotFound("There is no receivable for this order.", code="no_receivable")
    if debt.currency != amount.currency:
        raise InvalidInput(
            f"Order {debt.order_number} is in {debt.currency}, the wire in {amount.currency}. Enter the amount booked in "
            f"{debt.currency} with its rate and where that is from.",
            code="wrong_currency",
        )
    payment, new = await _add(
        session,
        LedgerItem(
            key=f"payment:{reference}",
            kind=Kind.PAYMENT,
            reseller_id=debt.reseller_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            value_date=value_date,
            booked_at=at,
            booked_by=by,
            order_id=order_id,
            reference=reference,
            reason=reason,
        ),
    )
    if payment.amount_minor != amount.minor or payment.order_id != order_id:
        raise Conflict(f"The wire {reference} was booked before with another amount or order.", code="wire_differs")
    if not new:
        return await _booking(session, payment, debt.id, repeated=True)
    balance = await receivable(session, debt.id)
    allocated, charge, _ = allocate(amount.minor, balance.open_minor, tolerance_minor)
    for kind, minor in ((Kind.ALLOCATION, allocated), (Kind.BANK_CHARGE, charge)):
        if minor:
            session.add(
                LedgerItem(
                    key=_part_key(kind, payment.id, debt.id),
                    kind=kind,
                    reseller_id=debt.reseller_id,
                    amount_minor=minor,
                    currency=amount.currency,
                    value_date=value_date,
                    booked_at=at,
                    booked_by=by,
                    receivable_id=debt.id,
                    payment_id=payment.id,
                    order_id=order_id,
                    order_number=debt.order_number,
                )
            )
    await session.flush()
    return await _booking(session, payment, debt.id, repeated=False)


async def credit_order(session: AsyncSession, order_id: str, *, reason: str, by: str, at: datetime) -> int:
    """Close what is open of a canceled order by a credit; money already allocated is reversed to unallocated (edge case 53).

    Returns the minor units credited; 0 when repeated or nothing was owed. Raises NotFound without a receivable.
    """
    debt = await session.scalar(select(LedgerItem).where(LedgerItem.key == f"receivable:{order_id}").with_for_update())
    if debt is None:
        raise NotFound("There is no receivable for this order.", code="no_receivable")
    rows = (await session.scalars(select(LedgerItem).where(LedgerItem.receivable_id == debt.id))).all()
    if any(row.key == f"credit:{order_id}" for row in rows):
        return 0
    # A refund has credited its part already.
    closing = debt.amount_minor - sum(row.amount_minor for row in rows if row.kind in (Kind.CREDIT, Kind.WRITE_OFF))
    for row in live(row for row in rows if row.kind in PAYING):
        session.add(mirror(row, at=at, by=by, reason=reason))
    session.add(
        LedgerItem(
            key=f"credit:{order_id}",
            kind=Kind.CREDIT,
            reseller_id=debt.reseller_id,
            amount_minor=closing,
            currency=debt.currency,
            value_date=at.date(),
            booked_at=at,
            booked_by=by,
            receivable_id=debt.id,
            order_id=order_id,
            order_number=debt.order_number,
            reason=reason,
        )
    )
    await session.flush()
    return closing


async def reseller_items(session: AsyncSession, reseller_id: str, until: datetime | None = None) -> list[Item]:
    """Everything in the ledger about a reseller: what all its balances are functions of; up to a moment, what was booked then."""
    query = select(*_COLUMNS).where(LedgerItem.reseller_id == reseller_id)
    if until is not None:
        query = query.where(LedgerItem.booked_at <= until)
    return list(starmap(_item, await session.execute(query)))


async def items_of(session: AsyncSession, reseller_ids: Sequence[str]) -> dict[str, list[Item]]:
    """`reseller_items` of several resellers by their ids, in the order of their booking; nothing of those that have none."""
    query = select(LedgerItem.reseller_id, *_COLUMNS).where(LedgerItem.reseller_id.in_(reseller_ids))
    found: dict[str, list[Item]] = {}
    for reseller_id, *columns in await session.execute(query.order_by(LedgerItem.booked_at, LedgerItem.id)):
        found.setdefault(reseller_id, []).append(_item(*columns))
    return found


async def reseller_receivables(session: AsyncSession, reseller_id: str) -> list[Receivable]:
    """All debts of a reseller with their balances; the input of its standing."""
    return receivables(await reseller_items(session, reseller_id), await disputed_debts(session, reseller_id))


async def open_by_reseller(session: AsyncSession, reseller_ids: Sequence[str]) -> dict[str, list[Money]]:
    """What each of these resellers owes in each currency, added up by the database: for lists, not for decisions."""
    sign = case({kind.value: on_debt for kind, (on_debt, _) in EFFECT.items() if on_debt}, value=LedgerItem.kind, else_=0)
    query = (
        select(LedgerItem.reseller_id, LedgerItem.currency, func.sum(sign * LedgerItem.amount_minor))
        .where(LedgerItem.reseller_id.in_(reseller_ids))
        .group_by(LedgerItem.reseller_id, LedgerItem.currency)
        .order_by(LedgerItem.currency)
    )
    found: dict[str, list[Money]] = {}
    for reseller_id, currency, minor in await session.execute(query):
        if minor:
            found.setdefault(reseller_id, []).append(Money(int(minor), currency))
    return found


async def receivable(session: AsyncSession, receivable_id: str) -> Receivable:
    """One debt with its balance. Raises NotFound."""
    rows = await session.scalars(
        select(LedgerItem).where((LedgerItem.id == receivable_id) | (LedgerItem.receivable_id == receivable_id))
    )
    for found in receivables(as_item(row) for row in rows):
        return found
    raise NotFound("There is no such receivable.", code="no_receivable")


async def receivable_id(session: AsyncSession, order_id: str) -> str | None:
    """The id of an order's receivable; None while it owes nothing."""
    return await session.scalar(select(LedgerItem.id).where(LedgerItem.key == f"receivable:{order_id}"))


class Entry(Protocol):
    """What the rules need of a `LedgerItem`: the mapped row, or the columns of a query."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def value_date(self) -> date: ...
    @property
    def receivable_id(self) -> str | None: ...
    @property
    def payment_id(self) -> str | None: ...
    @property
    def due_date(self) -> date | None: ...
    @property
    def order_number(self) -> str | None: ...
    @property
    def reverses_id(self) -> str | None: ...


def as_item(row: Entry) -> Item:
    """The row as the rules see it. A receivable, interest and a payment are also their own subject."""
    return _item(*(getattr(row, column.key) for column in _COLUMNS))


def _item(
    id: str,
    kind_name: str,
    amount_minor: int,
    currency: str,
    value_date: date,
    receivable_id: str | None,
    payment_id: str | None,
    due_date: date | None,
    order_number: str | None,
    reverses_id: str | None,
) -> Item:
    """An item from its columns in the order of `_COLUMNS`: hundreds are made for a standing (`bench.standing`)."""
    kind = _KINDS[kind_name]
    if receivable_id is None and kind in DEBTS:
        receivable_id = id
    elif payment_id is None and kind is Kind.PAYMENT:
        payment_id = id
    return Item(id, kind, amount_minor, currency, value_date, receivable_id, payment_id, due_date, order_number, reverses_id)


async def _add(session: AsyncSession, item: LedgerItem) -> tuple[LedgerItem, bool]:
    """The row with this key, and whether it is new. The unique key decides, so two at once end with one row."""
    try:
        async with session.begin_nested():
            session.add(item)
        return item, True
    except IntegrityError:
        found = await session.scalar(select(LedgerItem).where(LedgerItem.key == item.key))
        if found is None:
            raise
        return found, False


def checked_reference(text: str) -> str:
    """A bank's reference without blanks around it. Raises InvalidInput for an empty one, or one of more than 140 characters."""
    reference = text.strip()
    if not reference:
        raise InvalidInput("Money needs the bank's reference, so that it cannot be booked twice.", code="missing_reference")
    if len(reference) > MAX_REFERENCE:
        raise InvalidInput(
            f"The bank's reference has {len(reference)} characters; at most {MAX_REFERENCE} are kept. Give the bank's own number "
            "of the wire, not its text.",
            code="long_reference",
        )
    return reference


def _part_key(kind: Kind, payment_id: str, debt_id: str) -> str:
    """The key of what a payment did to a debt."""
    return f"{kind}:{payment_id}:{debt_id}"


async def _booking(session: AsyncSession, payment: LedgerItem, debt_id: str, *, repeated: bool) -> Booking:
    keys = [_part_key(kind, payment.id, debt_id) for kind in (Kind.ALLOCATION, Kind.BANK_CHARGE)]
    query = select(LedgerItem.kind, LedgerItem.amount_minor, LedgerItem.id).where(LedgerItem.key.in_(keys))
    parts = {row.kind: (row.amount_minor, row.id) for row in await session.execute(query)}
    allocated, allocation_id = parts.get(Kind.ALLOCATION, (0, ""))
    charge, _ = parts.get(Kind.BANK_CHARGE, (0, ""))
    return Booking(payment.id, allocated, charge, payment.amount_minor - allocated, repeated, debt_id, allocation_id)


def mirror(row: LedgerItem, *, at: datetime, by: str, reason: str) -> LedgerItem:
    """The item that undoes another one: the same with the opposite sign."""
    return LedgerItem(
        key=f"reversal:{row.id}",
        kind=row.kind,
        reseller_id=row.reseller_id,
        amount_minor=-row.amount_minor,
        currency=row.currency,
        value_date=at.date(),
        booked_at=at,
        booked_by=by,
        receivable_id=row.id if row.kind in DEBTS and row.reverses_id is None else row.receivable_id,
        payment_id=row.id if row.kind == Kind.PAYMENT and row.reverses_id is None else row.payment_id,
        reverses_id=row.id,
        order_id=row.order_id,
        order_number=row.order_number,
        reason=reason,
        principal_id=row.principal_id,
    )
