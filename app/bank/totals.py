"""The total of a batch and its payments one by one: the same money told twice, by two files (edge case 59).

A statement may have one entry for a batch (CAMT.053, MT940) whose payments another file tells one by one (CAMT.054, or a fuller
statement). The payments are what pays an order. Their total, known by its day and amount, waits for nobody and is not booked
beside them; where it was booked before, they are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.batches import Batch, Place, places_of, together
from app.bank.decisions import WAITING
from app.bank.lines import LineStatus
from app.bank.prints import day_key
from app.bank.reading import ReadFile, ReadLine
from app.bank.reasons import because
from app.bank.tables import BankImport, BankLineRow
from app.db.bulk import among, chunks
from app.reasons import Reason


async def known_totals(
    session: AsyncSession, ids: Mapping[str, str], import_id: str, file: ReadFile
) -> tuple[list[BankLineRow], dict[Place, Reason]]:
    """(lines of other files that are totals of this file's batches and wait for a person, batches whose total was booked before).

    The lines are locked: nobody books them meanwhile.
    """
    by_key: dict[tuple[str, str], list[Place]] = {}
    for place, batch in file.batches.items():
        if batch.count > 1 and batch.total > 0:
            account, _, day, currency = place
            by_key.setdefault((ids[account], day_key(day, batch.total, currency)), []).append(place)
    waiting: list[BankLineRow] = []
    booked: dict[Place, Reason] = {}
    for part in chunks(sorted({key for _, key in by_key})):
        query = (
            select(BankLineRow, BankImport.file_name)
            .join(BankImport, BankImport.id == BankLineRow.import_id)
            .where(
                BankLineRow.account_id.in_(set(ids.values())),
                among(BankLineRow.loose_key, part),
                BankLineRow.import_id != import_id,
                BankLineRow.undone == "",
                BankLineRow.status == LineStatus.BOOKED.value,
                BankLineRow.details_import_id.is_(None),
            )
            .order_by(BankLineRow.id)
            .with_for_update(of=BankLineRow)
        )
        for row, file_name in await session.execute(query):
            for place in by_key.get((row.account_id, row.loose_key), ()):
                if not _is_total(row.batch, row.bank_reference, file.batches[place]):
                    continue
                if row.outcome in WAITING:
                    waiting.append(row)
                elif row.outcome == "booked":
                    booked[place] = because("batch_booked", file=file_name, day=place[2])
                break
    return waiting, booked


def _is_total(batch: str | None, reference: str | None, details: Batch) -> bool:
    """Of equal day and amount: whether the bank calls the line a batch, whatever name it gives it, or as it calls this one."""
    return batch is not None or details.is_called(batch, reference)


async def details_of(
    session: AsyncSession, account_id: str, import_id: str, lines: Sequence[ReadLine], file: ReadFile
) -> dict[int, tuple[str, Reason]]:
    """Lines, by number, that are the total of a batch another file told one by one: (that file's import, why)."""
    candidates = [line for line in lines if line.line.booking_date and line.line.amount > 0 and not line.line.reversal]
    days = [line.line.booking_date for line in candidates if line.line.booking_date]
    if not days:
        return {}
    query = (
        select(
            BankLineRow.import_id,
            BankLineRow.batch,
            BankLineRow.booking_date,
            BankLineRow.currency,
            BankLineRow.amount,
            BankLineRow.bank_reference,
            BankLineRow.position,
            BankImport.file_name,
        )
        .join(BankImport, BankImport.id == BankLineRow.import_id)
        .where(
            BankLineRow.account_id == account_id,
            BankLineRow.batch.is_not(None),
            BankLineRow.booking_date.between(min(days), max(days)),
            BankLineRow.import_id != import_id,
            BankLineRow.reversal.is_(False),
            BankLineRow.status == LineStatus.BOOKED.value,
            BankLineRow.undone == "",
        )
    )
    told: dict[tuple[str, str, str], dict[tuple[object, str], Batch]] = {}
    for told_by, batch, day, currency, amount, reference, position, file_name in await session.execute(query):
        for name in together(batch or "", position):
            group = told.setdefault((told_by, name, file_name), {}).setdefault((day, currency), Batch())
            group.take(Decimal(amount), reference, batch)
    found: dict[int, tuple[str, Reason]] = {}
    for line in candidates:
        facts = line.line
        for (told_by, _, file_name), groups in told.items():
            group_of_day = groups.get((facts.booking_date, facts.currency))
            if group_of_day is None or group_of_day.count < 2 or group_of_day.total != facts.amount:
                continue
            if _is_part(line, file) or not _is_total(facts.batch, facts.bank_reference, group_of_day):
                continue
            found[line.number] = (told_by, because("told_one_by_one", count=group_of_day.count, file=file_name))
    return found


def _is_part(line: ReadLine, file: ReadFile) -> bool:
    """Whether the line is itself one payment of a batch of its file."""
    return any(file.batches[place].count > 1 for place in places_of(line.account, line.line) if place in file.batches)


async def wait_for_nobody(session: AsyncSession, rows: Iterable[BankLineRow], import_id: str) -> None:
    """Let totals wait no more, as the import has their payments."""
    ids = [row.id for row in rows]
    for part in chunks(ids):
        told = update(BankLineRow).where(among(BankLineRow.id, part)).values(details_import_id=import_id)
        await session.execute(told.execution_options(synchronize_session=False))


async def wait_again(session: AsyncSession, import_id: str) -> set[str]:
    """Let totals wait again whose payments' import is undone; the imports they are of."""
    mine = BankLineRow.details_import_id == import_id
    imports = set(await session.scalars(select(BankLineRow.import_id).where(mine, BankLineRow.undone == "").distinct()))
    await session.execute(
        update(BankLineRow).where(mine).values(details_import_id=None).execution_options(synchronize_session=False)
    )
    return imports


async def count_waiting(session: AsyncSession, import_id: str) -> int:
    """Lines of an import that wait for a person."""
    query = select(func.count()).where(
        BankLineRow.import_id == import_id,
        BankLineRow.outcome.in_(WAITING),
        BankLineRow.details_import_id.is_(None),
        BankLineRow.undone == "",
    )
    return int(await session.scalar(query) or 0)
