"""One batch of a file's lines: known ones left out, the others decided, kept and booked in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank import service as bank
from app.bank.batches import Place, places_of
from app.bank.candidates import Candidates
from app.bank.decisions import CONFIDENCE, Decision, Outcome, Part, Policy, Rule
from app.bank.lines import BankLine, LineStatus
from app.bank.prints import loose_key
from app.bank.reading import ReadFile, ReadLine
from app.bank.reasons import because
from app.bank.returns import original_of
from app.bank.rules import decide
from app.bank.tables import BankLineRow
from app.bank.totals import details_of
from app.db.base import new_id
from app.db.bulk import insert_rows
from app.errors import Conflict
from app.ledger.booking import Share, Wire, book, lock_debts
from app.ledger.reversal import reverse_payments
from app.money import Money
from app.orders.bank_candidates import add_named
from app.orders.booked import Came, follow_booked, follow_taken_back, lock_orders, lock_paid
from app.orders.refund_back import bounced
from app.orders.refunds import sent_by_lines
from app.orders.services import Services
from app.reasons import Reason, told
from app.saleor.shops import Shop

AGAIN = 3
"""How often a batch is decided anew when its orders were paid by others meanwhile."""


@dataclass(slots=True)
class ImportReport:
    """What a file came to. `counts` has lines by outcome, with `known` for those kept before."""

    import_id: str | None
    repeated: bool
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[Reason] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """What is new, of a dry run: the difference view."""


@dataclass(slots=True)
class Run:
    """A file on its way: what all its batches share. Without `import_id` it is a dry run, which locks and keeps nothing."""

    services: Services
    shop: Shop
    file: ReadFile
    accounts: Mapping[str, str]
    candidates: Candidates
    policy: Policy
    by: str
    today: date
    import_id: str
    at: datetime
    booked_batches: Mapping[Place, Reason]
    """Batches whose total was booked before: their payments are not."""


async def fresh_lines(session: AsyncSession, run: Run, lines: Sequence[ReadLine], report: ImportReport) -> list[ReadLine]:
    """The lines of a batch that are not kept yet."""
    fresh = []
    for account, account_id in run.accounts.items():
        own = [line for line in lines if line.account == account]
        known = await bank.known_prints(session, account_id, [line.fingerprint for line in own])
        for line in own:
            if (before := known.get((line.fingerprint, line.occurrence))) is None:
                fresh.append(line)
            elif before != run.import_id:
                report.counts["known"] += 1
    return sorted(fresh, key=lambda line: line.number)


async def told_one_by_one(session: AsyncSession, run: Run, lines: Sequence[ReadLine]) -> dict[int, tuple[str, Reason]]:
    """Totals of batches, by number, whose payments are kept one by one: (their import, why)."""
    found: dict[int, tuple[str, Reason]] = {}
    for account, account_id in run.accounts.items():
        own = [line for line in lines if line.account == account]
        found |= await details_of(session, account_id, run.import_id, own, run.file)
    return found


async def decisions(
    session: AsyncSession, run: Run, lines: Sequence[ReadLine], told: Mapping[int, tuple[str, Reason]]
) -> dict[int, Decision]:
    """Decisions of the lines that are no reversals, by number. The debts they pay are locked, and were open as it was decided."""
    wanted = [line for line in lines if not _takes_back(line)]
    doubts: dict[int, Reason] = {}
    for account, account_id in run.accounts.items():
        own = [line for line in wanted if line.account == account and line.line.amount > 0]
        doubts |= await bank.in_other_words(session, account_id, run.import_id, own, run.file)
    if run.booked_batches:
        for line in wanted:
            for place in places_of(line.account, line.line):
                if place in run.booked_batches:
                    doubts[line.number] = run.booked_batches[place]
    doubts |= {number: why for number, (_, why) in told.items()}
    locked: dict[str, int] = {}
    decided: dict[int, Decision] = {}
    named = False
    for _ in range(AGAIN):
        charges = {key: tolerance.year_left_minor for key, tolerance in run.candidates.tolerances.items()}
        decided = {line.number: _one(run, line, doubts) for line in wanted}
        if not named:
            named = True
            nothing = [line.line for line in wanted if decided[line.number].rule is None and line.line.amount > 0]
            if nothing and await add_named(session, run.candidates, nothing):
                give_back(run.candidates, decided.values(), charges)
                decided = {line.number: _one(run, line, doubts) for line in wanted}
        paid = {part.debt_id for each in decided.values() if each.outcome is Outcome.BOOKED for part in each.parts}
        new = paid - locked.keys()
        if not new or not run.import_id:
            return decided
        await lock_orders(session, [order for debt in new if (order := run.candidates.debts[debt].order_id)])
        opens = await lock_debts(session, new)
        give_back(run.candidates, decided.values(), charges)
        changed = {debt for debt in new if opens.get(debt, 0) != run.candidates.debts[debt].open_minor}
        locked |= opens
        for debt in changed:
            run.candidates.set_open(debt, opens.get(debt, 0))
        if not changed:
            for each in decided.values():
                take(run.candidates, each)
            return decided
    return {number: _in_doubt(each) for number, each in decided.items()}


def _one(run: Run, line: ReadLine, doubts: Mapping[int, Reason]) -> Decision:
    against = (doubts[line.number],) if line.number in doubts else ()
    decision = decide(line.line, run.candidates, policy=run.policy, doubts=against)
    take(run.candidates, decision)
    return decision


def take(candidates: Candidates, decision: Decision, sign: int = 1) -> None:
    """Let what a line pays be open no more, or again: the next line of the file must see it."""
    if decision.outcome is not Outcome.BOOKED:
        return
    for part in decision.parts:
        debt = candidates.debts[part.debt_id]
        candidates.set_open(part.debt_id, debt.open_minor - sign * (part.minor + part.charge_minor))
        if part.charge_minor and decision.reseller_id:
            candidates.tolerance(decision.reseller_id, debt.currency).year_left_minor -= sign * part.charge_minor


def give_back(candidates: Candidates, decisions: Iterable[Decision], charges: Mapping[tuple[str, str], int]) -> None:
    """Let what these took be open again, and what banks may keep (`charges`) be as it was."""
    for decision in decisions:
        take(candidates, decision, -1)
    for key, left in charges.items():
        candidates.tolerances[key].year_left_minor = left


def _in_doubt(decision: Decision) -> Decision:
    if decision.outcome is not Outcome.BOOKED:
        return decision
    reasons = (because("changed_meanwhile"), *decision.reasons)
    return replace(decision, outcome=Outcome.PROPOSAL, reasons=reasons, confidence=decision.confidence // 2)


def _takes_back(line: ReadLine) -> bool:
    return line.line.reversal and line.line.amount < 0 and line.line.status is LineStatus.BOOKED


async def reversal(session: AsyncSession, run: Run, line: ReadLine) -> tuple[Decision, str | None, str | None]:
    """(what becomes of a reversal, the line it takes back, that line's payment)."""
    earlier = await bank.earlier_lines(session, run.accounts[line.account], line.line)
    original, sure, why = original_of(line.line, earlier)
    if original is None:
        return Decision(Outcome.UNMATCHED, (why,), Rule.REVERSAL, CONFIDENCE[Rule.REVERSAL] // 3), None, None
    outcome = Outcome.BOOKED if sure else Outcome.PROPOSAL
    confidence = CONFIDENCE[Rule.REVERSAL] if sure else CONFIDENCE[Rule.REVERSAL] // 2
    return Decision(outcome, (why,), Rule.REVERSAL, confidence), original.id, original.payment_id


async def book_batch(session: AsyncSession, run: Run, lines: Sequence[ReadLine], report: ImportReport) -> None:
    await bank.lock_accounts(session, run.accounts.values())
    fresh = await fresh_lines(session, run, lines, report)
    told = await told_one_by_one(session, run, fresh)
    decided = await decisions(session, run, fresh, told)
    rows: list[Mapping[str, Any]] = []
    wires: list[Wire] = []
    third: set[str] = set()
    debits: dict[str, BankLine] = {}
    returned: dict[str, tuple[BankLine, Sequence[Reason]]] = {}
    for line in fresh:
        if line.number not in decided:
            continue
        decision = decided[line.number]
        row_id, payment_id = new_id(), None
        if decision.outcome is Outcome.BOOKED and decision.reseller_id is not None:
            payment_id = new_id()
            wires.append(wire_of(run, row_id, payment_id, line, decision))
            if decision.third_party:
                third.add(payment_id)
        rows.append(line_row(run, row_id, line, decision, payment_id, told.get(line.number, (None,))[0]))
        if line.line.amount < 0 and line.line.status is LineStatus.BOOKED:
            debits[row_id] = line.line
        elif line.line.reversal:
            returned[row_id] = (line.line, decision.reasons)
    await insert_rows(session, BankLineRow, rows)
    booked = await book(session, wires, by=run.by, at=run.at)
    came = [Came(wire, wire.shares, wire.surplus_minor, wire.payment_id in third, closes=True) for wire in booked]
    batch = f"{run.import_id}:{lines[0].number}"
    if came:
        await follow_booked(session, run.services, run.shop, came, by=run.by, batch=batch)
    for row_id, parts in (await sent_by_lines(session, run.services, run.shop, debits, by=run.by)).items():
        await _keep(session, row_id, parts=parts)
    # After the debits: a refund may leave and come back within one file.
    for row_id, (facts, reasons) in returned.items():
        if found := await bounced(session, facts, reasons):
            await _keep(session, row_id, **found)
    # After the others: a return may come in the same file as its wire.
    for line in fresh:
        if line.number not in decided:
            await _take_back(session, run, line)


async def _keep(session: AsyncSession, row_id: str, **found: Any) -> None:
    kept = update(BankLineRow).where(BankLineRow.id == row_id).values(**found)
    await session.execute(kept.execution_options(synchronize_session=False))


async def _take_back(session: AsyncSession, run: Run, line: ReadLine) -> None:
    decision, original_id, payment_id = await reversal(session, run, line)
    row_id = new_id()
    if decision.outcome is Outcome.BOOKED and original_id is not None and payment_id is not None:
        why = because("wire_returned", given=line.line.return_reason or "-", day=line.line.booking_date or line.line.value_date)
        try:
            await take_back(session, run.services, run.shop, original_id, payment_id, row_id, why=why, by=run.by)
        except Conflict as refused:
            reasons = (because("not_taken_back", **told("why", refused)), *decision.reasons)
            decision = Decision(Outcome.PROPOSAL, reasons, Rule.REVERSAL, decision.confidence // 2)
    booked = decision.outcome is Outcome.BOOKED
    row = line_row(run, row_id, line, decision, payment_id if booked else None)
    await insert_rows(session, BankLineRow, [{**row, "parts": [{"line": original_id}] if original_id else []}])


async def take_back(
    session: AsyncSession, services: Services, shop: Shop, original_id: str, payment_id: str, mark: str, *, why: Reason, by: str
) -> None:
    """Undo what a line paid, because of the line `mark`; orders, Saleor and gates follow. Raises Conflict as the ledger."""
    await lock_paid(session, [payment_id])
    items = await reverse_payments(session, [payment_id], mark=f"line:{mark}", by=by, at=services.clock(), reason=str(why)[:500])
    await session.execute(update(BankLineRow).where(BankLineRow.id == original_id).values(reversed_by=mark))
    await follow_taken_back(session, services, shop, items, why=why, batch=f"back:{mark}")


def wire_of(run: Run, row_id: str, payment_id: str, line: ReadLine, decision: Decision) -> Wire:
    """The wire a line becomes in the ledger."""
    day = bank.money_day(line.line, value_date_counts=run.shop.settings.program.value_date_counts, today=run.today)
    shown = line.line.bank_reference or line.line.end_to_end or f"line {row_id[:8]}"
    return Wire(
        payment_id,
        f"payment:line:{row_id}",
        decision.reseller_id or "",
        Money.of(line.line.amount, line.line.currency),
        day,
        shown,
        shares_of(decision.parts, run.candidates),
    )


def shares_of(parts: Iterable[Part], candidates: Candidates) -> tuple[Share, ...]:
    """A decision's parts as the ledger books them."""
    found = []
    for part in parts:
        debt = candidates.debts[part.debt_id]
        found.append(Share(debt.id, part.minor, part.charge_minor, debt.order_id, debt.number))
    return tuple(found)


def line_row(
    run: Run, row_id: str, line: ReadLine, decision: Decision, payment_id: str | None, details_import_id: str | None = None
) -> dict[str, Any]:
    """A line as it is kept, with what became of it."""
    facts = line.line
    return {
        "id": row_id,
        "account_id": run.accounts[line.account],
        "import_id": run.import_id,
        "number": line.number,
        "fingerprint": line.fingerprint,
        "occurrence": line.occurrence,
        "undone": "",
        "loose_key": loose_key(facts),
        "booking_date": facts.booking_date,
        "value_date": facts.value_date,
        "amount": bank.plain(facts.amount),
        "currency": facts.currency,
        "payer_name": facts.payer_name,
        "payer_account": facts.payer_account,
        "reference_structured": facts.reference_structured,
        "reference_text": facts.reference_text,
        "bank_reference": facts.bank_reference,
        "end_to_end": facts.end_to_end,
        "transaction_code": facts.transaction_code,
        "return_reason": facts.return_reason,
        "status": facts.status.value,
        "reversal": facts.reversal,
        "batch": facts.batch,
        "position": facts.position,
        "outcome": decision.outcome.value,
        "rule": decision.rule.value if decision.rule else None,
        "confidence": decision.confidence,
        "reasons": [reason.as_dict() for reason in decision.reasons],
        "parts": [{"debt": part.debt_id, "minor": part.minor, "charge": part.charge_minor} for part in decision.parts],
        "reseller_id": decision.reseller_id,
        "payment_id": payment_id,
        "reversed_by": None,
        "details_import_id": details_import_id,
        "decided_by": run.by if payment_id else "",
        "decided_at": run.at if payment_id else None,
        "version": 1,
    }
