"""A bank file from its first line to paid orders: each line once, matched, booked, and followed the way every wire is.

Read to its end first (`bank.reading`), then kept and booked in batches of one transaction each. A run that ends early leaves
whole batches behind and goes on when the same file comes again; nothing is booked twice, by the unique key of its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank import service as bank
from app.bank.account_names import Names
from app.bank.candidates import Candidates
from app.bank.decisions import Decision, Outcome, Policy
from app.bank.reading import ReadFile, ReadLine
from app.bank.reasons import because
from app.bank.tables import BankImport, BankLineRow, BankStatement
from app.bank.totals import count_waiting, known_totals, wait_for_nobody
from app.db.bulk import refresh_statistics
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders.bank_batch import ImportReport, Run, book_batch, decisions, fresh_lines, reversal, told_one_by_one
from app.orders.bank_candidates import load_candidates, own_names
from app.orders.record import add_task, finish_task
from app.orders.services import Services
from app.orders.tables import MoneyReport, OrderEvent
from app.reasons import Reason
from app.saleor.shops import Shop

BATCH = 500
"""Lines of one transaction: some tenths of a second during which their orders wait."""
GROWN = (1_000, 4_000, 16_000, 64_000)
"""Lines, whole batches of them, after which the database looks anew at the tables that they go into."""
TABLES = (BankLineRow, LedgerItem, MoneyReport, OrderEvent)
SHOWN = 200
"""Lines that a dry run shows; beyond it only counts them."""


async def import_file(
    services: Services,
    shop: Shop,
    file: ReadFile,
    *,
    file_name: str,
    sha256: str,
    format: str,
    by: str,
    dry_run: bool = False,
    reading: str = "",
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a file that was read to its end; with `dry_run` say what would become of it and keep nothing.

    `reading` is the row that showed how it was read. Repeated with the same bytes it changes nothing. Raises InvalidInput for the
    file of another account, Conflict for one whose undoing is not through.
    """
    now, today = services.clock(), services.today(shop)
    own = own_names(shop)
    database, tenant = services.database, shop.tenant_id
    if dry_run:
        # Never committed: what is added to name the accounts is rolled back with the exception.
        return await _dry(services, shop, file, own, by=by, today=today, at=now)
    async with database.tenant(tenant) as session:
        ids = await bank.account_ids(session, file, own, by=by, at=now)
        row, repeated = await bank.begin(
            session, file, file_name=file_name, sha256=sha256, format=format, by=by, at=now, reading=reading
        )
        if repeated:
            return repeated_report(row)
        totals, booked_batches = await known_totals(session, ids, row.id, file)
        await wait_for_nobody(session, totals, row.id)
        for import_id in {total.import_id for total in totals}:
            if not await count_waiting(session, import_id):
                await finish_task(session, f"bank:{import_id}", now)
    async with database.tenant_reading(tenant) as session:
        notes = await _notes(session, file, ids)
        candidates = await load_candidates(session, shop, today, now)
    report = ImportReport(row.id, False, notes=notes)
    policy = Policy(shop.settings.program.book_surplus)
    run = Run(services, shop, file, ids, candidates, policy, by, today, row.id, now, booked_batches)
    done = 0
    for lines in file.lines(BATCH):
        async with database.tenant(tenant) as session:
            await book_batch(session, run, lines, report)
            await bank.show_done(session, row.id, done + len(lines))
        done += len(lines)
        if done in GROWN:
            await refresh_statistics(database, TABLES)
        if progress is not None:
            progress(done)
    async with database.tenant(tenant) as session:
        await bank.lock_accounts(session, ids.values())
        kept = await bank.find_import(session, row.id)
        await session.execute(delete(BankStatement).where(BankStatement.import_id == row.id))
        for statement in file.statements:
            session.add(bank.statement_row(row.id, ids[statement.account], statement))
        kept.state, kept.finished_at = bank.DONE, services.clock()
        became = case((BankLineRow.details_import_id.is_not(None), Outcome.IGNORED.value), else_=BankLineRow.outcome)
        counted = select(became, func.count()).where(BankLineRow.import_id == row.id).group_by(became)
        # Of the whole file, also where an earlier run did a part of it.
        report.counts = Counter({row[0]: row[1] for row in await session.execute(counted)}) + Counter(
            {"known": report.counts["known"], "refused": len(file.refused)}
        )
        await ask_for_waiting(session, kept, services.clock())
        kept.counts, kept.notes = dict(report.counts), [note.as_dict() for note in notes]
    return report


def repeated_report(row: BankImport) -> ImportReport:
    """What is told of a file that was through before."""
    return ImportReport(row.id, True, Counter({"known": row.lines_read}), [Reason.from_dict(note) for note in row.notes])


async def ask_for_waiting(session: AsyncSession, row: BankImport, at: datetime) -> None:
    """Ask staff for what waits of a file."""
    if waiting := await count_waiting(session, row.id):
        await add_task(session, f"bank:{row.id}", None, [because("lines_wait", count=waiting, file=row.file_name)], at)


async def _dry(
    services: Services, shop: Shop, file: ReadFile, own: Sequence[Names], *, by: str, today: date, at: datetime
) -> ImportReport:
    report = ImportReport(None, False)

    class _RolledBack(Exception):
        pass

    try:
        async with services.database.tenant(shop.tenant_id) as session:
            ids = await bank.account_ids(session, file, own, by=by, at=at)
            report.notes = await _notes(session, file, ids)
            candidates = await load_candidates(session, shop, today, at)
            policy = Policy(shop.settings.program.book_surplus)
            _, booked_batches = await known_totals(session, ids, "", file)
            run = Run(services, shop, file, ids, candidates, policy, by, today, "", at, booked_batches)
            for lines in file.lines(BATCH):
                fresh = await fresh_lines(session, run, lines, report)
                told = await told_one_by_one(session, run, fresh)
                decided = await decisions(session, run, fresh, told)
                for line in fresh:
                    decision = decided.get(line.number) or (await reversal(session, run, line))[0]
                    report.counts[Outcome.IGNORED.value if line.number in told else decision.outcome.value] += 1
                    if len(report.lines) < SHOWN:
                        report.lines.append(_shown(line, decision, run.candidates))
            raise _RolledBack
    except _RolledBack:
        return report


async def _notes(session: AsyncSession, file: ReadFile, ids: Mapping[str, str]) -> list[Reason]:
    notes = [
        because("line_refused", position=line.position, sentence=line.sentence, sentence_code=line.code) for line in file.refused
    ]
    for statement in file.statements:
        notes += await bank.continuity(session, ids[statement.account], statement)
        notes += await bank.no_longer_there(session, ids[statement.account], statement, file)
    return notes


def _shown(line: ReadLine, decision: Decision, candidates: Candidates) -> dict[str, Any]:
    return {
        "line": line.number,
        "position": line.line.position,
        "day": line.line.booking_date or line.line.value_date,
        "amount": f"{line.line.amount} {line.line.currency}",
        "payer": line.line.payer_name,
        "outcome": decision.outcome.value,
        "rule": decision.rule.value if decision.rule else None,
        "confidence": decision.confidence,
        "pays": [
            {"number": candidates.debts[part.debt_id].number, "amount": str(Money(part.minor, line.line.currency))}
            for part in decision.parts
        ],
        "reasons": list(decision.reasons),
    }
