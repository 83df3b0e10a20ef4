"""The review desk: staff accept, share out, put aside and take back what the ladder did not book by itself (`rules.md` 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank import service as bank
from app.bank.decisions import WAITING, Outcome, Rule
from app.bank.learning import propose_payer
from app.bank.reasons import because
from app.bank.tables import BankLineRow
from app.bank.totals import count_waiting
from app.db.base import new_id
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.ledger.booking import Share, Wire, allocate_more, book, lock_debts
from app.ledger.refunds import lock_payments
from app.ledger.rules import unallocated
from app.ledger.service import as_item, receivable_id
from app.ledger.tables import LedgerItem
from app.money import Money, MoneyError
from app.orders.bank_batch import take_back
from app.orders.booked import Came, follow_booked, lock_orders
from app.orders.conversion import Conversion
from app.orders.record import finish_task
from app.orders.refund_back import lock_sent, wait_once_more
from app.orders.service import find_order
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.reasons import Reason
from app.saleor.shops import Shop


async def accept(session: AsyncSession, services: Services, shop: Shop, line_id: str, *, by: str) -> BankLineRow:
    """Book a proposal as it is. Repeated it changes nothing.

    Raises NotFound, Conflict for a line that somebody decided otherwise or whose debts were paid meanwhile, Refused for one that
    names nobody or nothing to take back: that is shared out by hand.
    """
    line = await bank.lock_line(session, line_id)
    if line.outcome == Outcome.BOOKED:
        return line
    if line.outcome != Outcome.PROPOSAL:
        raise Conflict(f"The line is {line.outcome}; share it out by hand.", code="line_not_proposed")
    _is_money(line)
    now = services.clock()
    why = because("accepted_by", by=by)
    if line.rule == Rule.REVERSAL:
        original = await _original(session, line)
        await take_back(session, services, shop, original.id, original.payment_id or "", line.id, why=why, by=by)
        _decide(line, Outcome.BOOKED, why, by, now, payment_id=original.payment_id)
        await _done(session, line, now)
        return line
    if (refund_id := next((part["bounced"] for part in line.parts if "bounced" in part), None)) is not None:
        bounce = await lock_sent(session, refund_id)
        money = Money.of(Decimal(line.amount), line.currency)
        await _book(session, services, shop, line, bounce.reseller_id or "", money, [], why, by)
        await wait_once_more(session, services, bounce, line.payment_id or "", by=by)
        return line
    if line.reseller_id is None:
        raise Refused("The line names nobody's debt; share it out by hand.", code="nobody")
    await _locked(session, [part["debt"] for part in line.parts])
    debts = {row.id: row for row in await session.scalars(select(LedgerItem).where(LedgerItem.id.in_(_debts(line))))}
    shares = [
        Share(part["debt"], part["minor"], part["charge"], debts[part["debt"]].order_id, debts[part["debt"]].order_number)
        for part in line.parts
    ]
    amount = Money.of(Decimal(line.amount), line.currency)
    await _book(session, services, shop, line, line.reseller_id, amount, shares, why, by)
    return line


async def allocate(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    line_id: str,
    parts: Sequence[tuple[str, Money]],
    *,
    by: str,
    reseller_id: str | None = None,
    conversion: Conversion | None = None,
) -> BankLineRow:
    """Share a line out by hand: (order's number, amount) each; what is left stays the reseller's credit (edge case 51).

    Of a line that is booked already, what it left unallocated is shared out. Without parts it is all credit of `reseller_id`.
    Raises InvalidInput for amounts beyond the line or in another currency than is owed and not converted, Refused for orders of
    several resellers or one that owes nothing here, Conflict for more than is open.
    """
    line = await bank.lock_line(session, line_id)
    _is_money(line)
    amount = _money(line, conversion)
    orders = {number: await find_order(session, number) for number, _ in parts}
    owners = {order.reseller_id for order in orders.values()} | ({reseller_id} if reseller_id else set())
    if line.outcome == Outcome.BOOKED:
        owners.add(line.reseller_id)
    if len(owners) != 1 or None in owners:
        raise Refused("Name orders of one reseller; money is never booked across resellers.", code="several_resellers")
    owner = str(owners.pop())
    shares = [await _share(session, orders[number], part, amount) for number, part in parts]
    if len({share.debt_id for share in shares}) != len(shares):
        raise InvalidInput("An order is named twice; add its amounts up.", code="order_twice")
    why = because("allocated_by", by=by)
    if line.outcome == Outcome.BOOKED:
        await _share_rest(session, services, shop, line, amount, shares, why, by)
        return line
    if Decimal(line.amount) <= 0:
        raise Refused("Only money that came in can pay.", code="not_money_in")
    if sum(share.minor for share in shares) > amount.minor:
        raise InvalidInput(f"The parts are more than the {amount} of the line.", code="share_amount")
    if conversion is not None:
        line.reasons = [
            *line.reasons,
            because(
                "converted",
                amount=bank.shown_amount(line.amount, line.currency),
                booked=conversion.booked,
                rate=conversion.rate,
                source=conversion.source,
            ).as_dict(),
        ]
    await _book(session, services, shop, line, owner, amount, shares, why, by, rule=Rule.HAND)
    return line


async def reject(session: AsyncSession, services: Services, line_id: str, *, by: str, reason: str) -> BankLineRow:
    """Put a line aside: it pays nothing. Repeated, nothing changes. Raises InvalidInput without a reason, Conflict if booked."""
    if not reason.strip():
        raise InvalidInput("A line that is put aside needs a reason.", code="no_reason")
    line = await bank.lock_line(session, line_id)
    if line.outcome == Outcome.IGNORED:
        return line
    if line.outcome not in WAITING:
        raise Conflict(f"The line is {line.outcome} by {line.decided_by or 'the program'}.", code="line_decided")
    _decide(line, Outcome.IGNORED, because("rejected_by", by=by, reason=reason.strip().rstrip(".")), by, services.clock())
    await _done(session, line, services.clock())
    return line


async def learn(session: AsyncSession, shop: Shop, line: BankLineRow, reseller_id: str, by: str, at: datetime) -> None:
    """Propose a line's payer, where the vendor wants that."""
    if shop.settings.program.learn_payers:
        await propose_payer(session, line, reseller_id, by=by, at=at)


async def waiting_lines(session: AsyncSession, limit: int = 200) -> list[dict[str, Any]]:
    """What waits for a person, ready to print: proposals with what they would pay, and lines without one."""
    lines = await bank.lines_to_review(session, outcomes=WAITING, limit=limit)
    wanted = [part["debt"] for line in lines for part in line.parts if "debt" in part]
    numbers: dict[str, str | None] = {}
    for start in range(0, len(wanted), 500):
        query = select(LedgerItem.id, LedgerItem.order_number).where(LedgerItem.id.in_(wanted[start : start + 500]))
        numbers |= {row[0]: row[1] for row in await session.execute(query)}
    return [
        {
            "id": line.id,
            "day": line.booking_date or line.value_date,
            "amount": bank.shown_amount(line.amount, line.currency),
            "payer": " ".join(filter(None, [line.payer_name, line.payer_account])),
            "text": " ".join(filter(None, [line.reference_structured, line.reference_text])),
            "outcome": line.outcome,
            "rule": line.rule,
            "confidence": line.confidence,
            "pays": [
                {
                    "number": numbers.get(part["debt"]),
                    "amount": str(Money(part["minor"], line.currency)),
                    "bank_charge": str(Money(part["charge"], line.currency)),
                }
                for part in line.parts
                if "debt" in part
            ],
            "reasons": [str(Reason.from_dict(reason)) for reason in line.reasons],
        }
        for line in lines
    ]


async def _book(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    line: BankLineRow,
    reseller_id: str,
    amount: Money,
    shares: Sequence[Share],
    why: Reason,
    by: str,
    *,
    rule: Rule | None = None,
) -> None:
    now = services.clock()
    opens = await _locked(session, [share.debt_id for share in shares])
    _fits(shares, opens, amount)
    wire = Wire(
        new_id(),
        # Taken back and shared out anew, a line is another payment.
        f"payment:line:{line.id}:{line.version}",
        reseller_id,
        amount,
        bank.money_day(line, value_date_counts=shop.settings.program.value_date_counts, today=services.today(shop)),
        line.bank_reference or line.end_to_end or f"line {line.id[:8]}",
        tuple(shares),
    )
    (booked,) = await book(session, [wire], by=by, at=now)
    came = Came(booked, booked.shares, booked.surplus_minor)
    await follow_booked(session, services, shop, [came], by=by, batch=booked.payment_id)
    _decide(line, Outcome.BOOKED, why, by, now, payment_id=booked.payment_id)
    line.reseller_id = reseller_id
    line.rule = rule.value if rule else line.rule
    await learn(session, shop, line, reseller_id, by, now)
    await _done(session, line, now)


async def _share_rest(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    line: BankLineRow,
    amount: Money,
    shares: Sequence[Share],
    why: Reason,
    by: str,
) -> None:
    now = services.clock()
    opens = await _locked(session, [share.debt_id for share in shares])
    _fits(shares, opens, amount)
    payment = (await session.scalars(select(LedgerItem).where(LedgerItem.id == line.payment_id))).one_or_none()
    if payment is None or line.takes_back:
        raise Conflict("The line left nothing to share out.", code="nothing_left")
    await lock_payments(session, [payment.id])
    rows = await session.scalars(select(LedgerItem).where((LedgerItem.id == payment.id) | (LedgerItem.payment_id == payment.id)))
    left = unallocated(as_item(row) for row in rows).get(payment.id, 0)
    if sum(share.minor for share in shares) > left:
        raise Conflict(f"Only {Money(left, payment.currency)} of the line are left.", code="nothing_left")
    wire = Wire(
        payment.id,
        payment.key,
        payment.reseller_id,
        Money(payment.amount_minor, payment.currency),
        payment.value_date,
        payment.reference or "",
    )
    done = await allocate_more(session, wire, shares, by=by, at=now)
    await follow_booked(session, services, shop, [Came(wire, done, 0)], by=by, batch=f"{payment.id}:{line.version}")
    line.reasons = [*line.reasons, why.as_dict()]
    if sum(share.minor for share in shares) == left:
        await finish_task(session, f"surplus:{payment.id}", now)


async def _share(session: AsyncSession, order: ResellerOrder, part: Money, amount: Money) -> Share:
    debt = await receivable_id(session, order.id)
    if debt is None:
        raise Refused(
            f"Order {order.number} is held and owes nothing yet: accept it first with `reseller orders accept {order.number}`.",
            code="order_held",
        )
    if order.currency != amount.currency:
        raise InvalidInput(
            f"Order {order.number} is in {order.currency}, the line in {amount.currency}. Enter the amount booked in "
            f"{order.currency} with its rate and where that is from.",
            code="wrong_currency",
        )
    if part.currency != amount.currency or part.minor <= 0:
        raise InvalidInput(f"A part of the line is a positive amount in {amount.currency}.", code="share_amount")
    return Share(debt, part.minor, 0, order.id, order.number)


def _money(line: BankLineRow, conversion: Conversion | None) -> Money:
    try:
        amount = Money.of(Decimal(line.amount), line.currency)
    except MoneyError as error:
        raise Refused(f"The line's amount is no money: {error}.", code="bad_amount") from error
    return amount if conversion is None else conversion.of(amount)


def _is_money(line: BankLineRow) -> None:
    if line.details_import_id is not None:
        raise Conflict("Another file has its payments one by one; those are what pays.", code="told_one_by_one")


def _fits(shares: Sequence[Share], opens: dict[str, int], amount: Money) -> None:
    for share in shares:
        left = Money(opens.get(share.debt_id, 0), amount.currency)
        if share.minor + share.charge_minor > left.minor:
            raise Conflict(f"Only {left} of order {share.order_number} are open.", code="open_amount")


async def _locked(session: AsyncSession, debt_ids: Sequence[str]) -> dict[str, int]:
    orders = await session.scalars(select(LedgerItem.order_id).where(LedgerItem.id.in_(debt_ids)))
    await lock_orders(session, [order for order in orders if order])
    return await lock_debts(session, debt_ids)


async def _original(session: AsyncSession, line: BankLineRow) -> BankLineRow:
    wanted = next((part["line"] for part in line.parts if "line" in part), "")
    if not wanted:
        raise Refused("The line names nothing to take back; take that back itself.", code="nobody")
    original = await bank.lock_line(session, wanted)
    if original.payment_id is None or original.reversed_by is not None:
        raise NotFound("What the line takes back was taken back already.", code="no_original")
    return original


def _debts(line: BankLineRow) -> list[str]:
    return [part["debt"] for part in line.parts]


def _decide(line: BankLineRow, outcome: Outcome, why: Reason, by: str, at: datetime, *, payment_id: str | None = None) -> None:
    line.outcome, line.payment_id = outcome.value, payment_id
    line.reasons = [*line.reasons, why.as_dict()]
    line.decided_by, line.decided_at = by, at


async def _done(session: AsyncSession, line: BankLineRow, at: datetime) -> None:
    """The file's task is done with the last line that waited."""
    await session.flush()
    if not await count_waiting(session, line.import_id):
        await finish_task(session, f"bank:{line.import_id}", at)
