"""Accounts, files and their lines as they are kept; what was learned of payers. One transaction each, opened by the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bank.account_names import Names, named_as, same_account
from app.bank.lines import BankLine, StatementKind
from app.bank.prints import loose_key, same_payment
from app.bank.reading import ReadFile, ReadLine, ReadStatement
from app.bank.reasons import because
from app.bank.returns import Earlier
from app.bank.search import folded
from app.bank.tables import BankAccountRow, BankImport, BankLineRow, BankStatement
from app.db.bulk import among, chunks
from app.errors import Conflict, InvalidInput, NotFound
from app.money import Money, MoneyError
from app.reasons import Reason

T = TypeVar("T")

READING, RUNNING, DONE, UNDOING, UNDONE = "reading", "running", "done", "undoing", "undone"
REFUSED = "refused"
"""Nothing of it was kept; its notes say why. Of files alone that came by a page, whose sender may have left."""


def shown_amount(amount: str, currency: str) -> str:
    """A line's amount as people read it, with its currency's decimals; what is no money as the bank wrote it."""
    try:
        return str(Money.of(Decimal(amount), currency))
    except MoneyError:
        return f"{amount} {currency}"


def plain(amount: Decimal) -> str:
    """An amount as lines keep it: digits, without zeros that say nothing."""
    return f"{amount.normalize():f}"


async def add_account(
    session: AsyncSession,
    identifier: str,
    *,
    name: str = "",
    mapping: Mapping[str, Any] | None = None,
    by: str,
    at: datetime,
    own: Iterable[Names] = (),
) -> BankAccountRow:
    """Make an account's files acceptable, or change how its CSV files are read.

    Known under another name, as bank code and number instead of its IBAN, it stays one. Raises InvalidInput for an empty
    identifier.
    """
    known = folded(identifier)
    if not known:
        raise InvalidInput("Name the account by its IBAN or number.", code="account")
    row = named_as(known, [(row.identifier, row) for row in await accounts(session)], own)
    if row is None:
        row = BankAccountRow(identifier=known, name=name, mapping=dict(mapping or {}), added_by=by, added_at=at)
        if await add_once(session, row):
            return row
        row = (await session.scalars(select(BankAccountRow).where(BankAccountRow.identifier == known))).one()
    row.name = name or row.name
    row.mapping = dict(mapping) if mapping is not None else row.mapping
    return row


async def accounts(session: AsyncSession) -> Sequence[BankAccountRow]:
    """All accounts of the shop."""
    return (await session.scalars(select(BankAccountRow).order_by(BankAccountRow.identifier))).all()


async def account_ids(session: AsyncSession, file: ReadFile, own: Sequence[Names], *, by: str, at: datetime) -> dict[str, str]:
    """The ids of the file's accounts; those that the shop's settings name (`own`) are added by themselves.

    An account is known by any of its names. Raises InvalidInput for another's account, or a file that tells of one account under
    two names: nothing of such a file is read.
    """
    wanted = dict.fromkeys([*(statement.account for statement in file.statements), *file.prints])
    known = [(row.identifier, row.id) for row in await accounts(session)]
    ids: dict[str, str] = {}
    for account in wanted:
        found = named_as(account, known, own)
        if found is None:
            names = next((names for names in own if any(same_account(account, name) for name in names)), None)
            if names is None:
                raise InvalidInput(
                    f"The file is of account {account}, none of this shop's. If it is, add it: reseller bank account {account}",
                    code="unknown_account",
                )
            row = await add_account(session, names[0], by=by, at=at)
            known.append((row.identifier, row.id))
            found = row.id
        if found in ids.values():
            raise InvalidInput(f"The file tells of one account as {account} and under another name.", code="account_twice")
        ids[account] = found
    await lock_accounts(session, ids.values())
    return ids


async def lock_accounts(session: AsyncSession, ids: Iterable[str]) -> None:
    """One writer per account at a time: files that overlap wait for each other, batch by batch. Taken before an import's row."""
    query = select(BankAccountRow.id).where(BankAccountRow.id.in_(list(ids))).order_by(BankAccountRow.id).with_for_update()
    await session.execute(query)


async def begin_reading(session: AsyncSession, *, file_name: str, sha256: str, by: str, at: datetime) -> tuple[BankImport, bool]:
    """The import of a file that is about to be read, for everybody to see; or the one that was through before, and True.

    Raises Conflict as `begin`.
    """
    await _refuse_undoing(session, sha256)
    query = select(BankImport).where(BankImport.sha256 == sha256, BankImport.state == DONE).order_by(BankImport.started_at.desc())
    if (known := await session.scalar(query.limit(1))) is not None and await _still_whole(session, known):
        return known, True
    row = BankImport(file_name=file_name, sha256=sha256, format="", state=READING, by=by, started_at=at)
    session.add(row)
    await session.flush()
    return row, False


async def show_read(session: AsyncSession, import_id: str, lines: int) -> None:
    """Tell how far the reading of a file is."""
    query = update(BankImport).where(BankImport.id == import_id, BankImport.state == READING).values(lines_read=lines)
    await session.execute(query.execution_options(synchronize_session=False))


async def show_done(session: AsyncSession, import_id: str, lines: int) -> None:
    """Tell how many lines of a file are through."""
    query = update(BankImport).where(BankImport.id == import_id).values(lines_done=lines)
    await session.execute(query.execution_options(synchronize_session=False))


async def forget_reading(session: AsyncSession, import_id: str) -> None:
    """Keep nothing of a file that was refused while it was read."""
    await session.execute(delete(BankImport).where(BankImport.id == import_id, BankImport.state == READING))


async def begin(
    session: AsyncSession, file: ReadFile, *, file_name: str, sha256: str, format: str, by: str, at: datetime, reading: str = ""
) -> tuple[BankImport, bool]:
    """The import of this file, and whether it was through before. One that ended early goes on; `reading` is its row so far.

    So does one whose known lines another file may have taken with it when it was undone since. Raises Conflict for a file whose
    undoing is not through.
    """
    await _refuse_undoing(session, sha256)
    same = select(BankImport).where(BankImport.sha256 == sha256)
    query = same.where(BankImport.state.in_((RUNNING, DONE))).order_by(BankImport.started_at.desc())
    row = await session.scalar(query.limit(1).with_for_update())
    if row is None and reading:
        row = await session.scalar(same.where(BankImport.id == reading, BankImport.state == READING).with_for_update())
    if row is None:
        row = BankImport(file_name=file_name, sha256=sha256, by=by, started_at=at)
        session.add(row)
    repeated = row.state == DONE and await _still_whole(session, row)
    if not repeated:
        row.state, row.format, row.lines_read = RUNNING, format, file.count
    await session.flush()
    # Others that read the same file, or died of it: whoever still reads finds this one.
    read = delete(BankImport).where(BankImport.sha256 == sha256, BankImport.state == READING, BankImport.id != row.id)
    await session.execute(read.execution_options(synchronize_session=False))
    return row, repeated


async def _refuse_undoing(session: AsyncSession, sha256: str) -> None:
    query = select(BankImport.id).where(BankImport.sha256 == sha256, BankImport.state == UNDOING)
    if (found := await session.scalar(query.limit(1))) is not None:
        raise Conflict(
            f"The file is being undone. Let that end first, or go on with it: reseller bank undo --file {found}", code="undoing"
        )


async def _still_whole(session: AsyncSession, row: BankImport) -> bool:
    """Whether all lines of a file that was through are kept still: those it knew from another file go when that is undone."""
    if not row.counts.get("known") or row.finished_at is None:
        return True
    undone = (BankImport.undone_at >= row.finished_at) | (BankImport.state == UNDOING)
    return await session.scalar(select(BankImport.id).where(undone).limit(1)) is None


async def to_read_again(session: AsyncSession, row: BankImport) -> list[str]:
    """Names of the files that knew lines of these days and account from an undone one: read again, they bring them."""
    gone, other = aliased(BankStatement), aliased(BankStatement)
    query = (
        select(BankImport)
        .join(other, other.import_id == BankImport.id)
        .join(
            gone, (gone.account_id == other.account_id) & (gone.first_day <= other.last_day) & (gone.last_day >= other.first_day)
        )
        .where(gone.import_id == row.id, BankImport.state == DONE, BankImport.finished_at >= row.started_at)
        .order_by(BankImport.started_at, BankImport.id)
    )
    return [each.file_name for each in (await session.scalars(query)).unique() if each.counts.get("known")]


async def known_prints(session: AsyncSession, account_id: str, prints: Sequence[str]) -> dict[tuple[str, int], str]:
    """The import of each (fingerprint, occurrence) among these that is kept already."""
    found: dict[tuple[str, int], str] = {}
    for part in chunks(list(dict.fromkeys(prints))):
        query = select(BankLineRow.fingerprint, BankLineRow.occurrence, BankLineRow.import_id).where(
            BankLineRow.account_id == account_id, among(BankLineRow.fingerprint, part), BankLineRow.undone == ""
        )
        found |= {(row[0], row[1]): row[2] for row in await session.execute(query)}
    return found


async def in_other_words(
    session: AsyncSession, account_id: str, import_id: str, lines: Sequence[ReadLine], file: ReadFile
) -> dict[int, Reason]:
    """Lines, by number, that another file told of in other words: two formats, or one corrected by the bank (edge case 61).

    A line of the other file that this one has too, word for word, is a payment of its own.
    """
    keys = {line.number: loose_key(line.line) for line in lines}
    by_key: dict[str, list[Any]] = {}
    for part in chunks(list(dict.fromkeys(keys.values()))):
        query = (
            select(
                BankLineRow.loose_key,
                BankLineRow.fingerprint,
                BankLineRow.payer_name,
                BankLineRow.payer_account,
                BankLineRow.reference_structured,
                BankLineRow.reference_text,
                BankImport.file_name,
            )
            .join(BankImport, BankImport.id == BankLineRow.import_id)
            .where(
                BankLineRow.account_id == account_id,
                among(BankLineRow.loose_key, part),
                BankLineRow.import_id != import_id,
                BankLineRow.undone == "",
                BankLineRow.status == "booked",
            )
        )
        for row in await session.execute(query):
            by_key.setdefault(row[0], []).append(row)
    found = {}
    for line in lines:
        for row in by_key.get(keys[line.number], ()):
            if not file.times(line.account, row[1]) and same_payment(
                line.line, payer_name=row[2], payer_account=row[3], structured=row[4], text=row[5]
            ):
                found[line.number] = because("possible_duplicate", file=row[6])
                break
    return found


async def earlier_lines(session: AsyncSession, account_id: str, line: BankLine) -> list[Earlier]:
    """Booked lines of exactly what a reversal takes back, that nothing took back yet."""
    query = select(BankLineRow).where(
        BankLineRow.account_id == account_id,
        BankLineRow.amount == plain(-line.amount),
        BankLineRow.currency == line.currency,
        BankLineRow.outcome == "booked",
        BankLineRow.payment_id.is_not(None),
        BankLineRow.reversed_by.is_(None),
        BankLineRow.reversal.is_(False),
        BankLineRow.undone == "",
    )
    return [
        Earlier(
            row.id,
            row.payment_id or "",
            str(row.booking_date or row.value_date),
            row.payer_name,
            row.payer_account,
            row.reference_structured,
            row.reference_text,
            row.bank_reference,
            row.end_to_end,
        )
        for row in await session.scalars(query.order_by(BankLineRow.booking_date, BankLineRow.number))
    ]


async def continuity(session: AsyncSession, account_id: str, statement: ReadStatement) -> list[Reason]:
    """What is between this statement and the one before: a gap in the balances, or days that were read before (edge case 62)."""
    header, end = statement.header, statement.end
    if header.kind is not StatementKind.STATEMENT:
        return []
    notes = await _gap(session, account_id, statement)
    if statement.first_day is not None:
        overlapping = select(func.min(BankStatement.first_day), func.max(BankStatement.last_day)).where(
            BankStatement.account_id == account_id,
            BankStatement.undone == "",
            BankStatement.first_day <= statement.last_day,
            BankStatement.last_day >= statement.first_day,
        )
        first, until = (await session.execute(overlapping)).one()
        if first is not None:
            notes.append(because("overlap", account=statement.account, first=first, last=until))
    if end is not None and end.difference:
        notes.append(because("balance_difference", account=statement.account, difference=plain(end.difference)))
    return notes


async def _gap(session: AsyncSession, account_id: str, statement: ReadStatement) -> list[Reason]:
    opening = statement.header.opening
    if opening is None:
        return []
    begins = opening.date or statement.first_day
    query = (
        select(BankStatement)
        .where(
            BankStatement.account_id == account_id,
            BankStatement.kind == StatementKind.STATEMENT.value,
            BankStatement.currency == opening.currency,
            BankStatement.closing.is_not(None),
            BankStatement.undone == "",
        )
        .order_by(BankStatement.closing_date.desc(), BankStatement.id)
    )
    last = await session.scalar((query.where(BankStatement.closing_date <= begins) if begins else query).limit(1))
    if last is None or Decimal(last.closing or 0) == opening.amount:
        return []
    gap = because(
        "balance_gap",
        account=statement.account,
        closed=f"{last.closing} {opening.currency}",
        closing_date=last.closing_date,
        opens=f"{plain(opening.amount)} {opening.currency}",
        opening_date=begins,
    )
    return [gap]


async def no_longer_there(session: AsyncSession, account_id: str, statement: ReadStatement, file: ReadFile) -> list[Reason]:
    """Lines that earlier files have of this statement's days and this file has not: the bank corrected one (edge case 61)."""
    if statement.header.kind is not StatementKind.STATEMENT or statement.first_day is None:
        return []
    query = select(BankLineRow).where(
        BankLineRow.account_id == account_id,
        BankLineRow.booking_date.between(statement.first_day, statement.last_day),
        BankLineRow.status == "booked",
        BankLineRow.undone == "",
    )
    notes = []
    for row in await session.scalars(query.order_by(BankLineRow.booking_date, BankLineRow.number)):
        if file.times(statement.account, row.fingerprint) < row.occurrence:
            shown = row.bank_reference or row.reference_structured or row.reference_text or row.payer_name or "-"
            notes.append(
                because("line_gone", day=row.booking_date, amount=shown_amount(row.amount, row.currency), what=shown, line=row.id)
            )
    return notes


def statement_row(import_id: str, account_id: str, statement: ReadStatement) -> BankStatement:
    """A statement as it is kept."""
    header, end = statement.header, statement.end
    closing = end.closing if end is not None else None
    return BankStatement(
        import_id=import_id,
        account_id=account_id,
        kind=header.kind.value,
        statement_id=header.statement_id,
        currency=header.opening.currency if header.opening else header.currency,
        first_day=statement.first_day,
        last_day=statement.last_day,
        opening=plain(header.opening.amount) if header.opening else None,
        opening_date=header.opening.date if header.opening else None,
        closing=plain(closing.amount) if closing else None,
        closing_date=(closing.date if closing else None) or statement.last_day,
    )


async def imports(session: AsyncSession, limit: int = 50) -> Sequence[BankImport]:
    """The latest files, newest first."""
    return (await session.scalars(select(BankImport).order_by(BankImport.started_at.desc(), BankImport.id).limit(limit))).all()


async def find_import(session: AsyncSession, import_id: str) -> BankImport:
    """A file by its id, or the beginning of it, under its row's lock. Raises NotFound, or Conflict for several."""
    query = select(BankImport).where(BankImport.id.startswith(import_id, autoescape=True)).with_for_update().limit(2)
    found = (await session.scalars(query)).all()
    return _only(found, "import", import_id)


async def lock_line(session: AsyncSession, line_id: str) -> BankLineRow:
    """A line by its id, or the beginning of it, under its row's lock. Raises NotFound, or Conflict for several."""
    query = (
        select(BankLineRow)
        .where(BankLineRow.id.startswith(line_id, autoescape=True), BankLineRow.undone == "")
        .with_for_update()
        .execution_options(populate_existing=True)
        .limit(2)
    )
    return _only((await session.scalars(query)).all(), "line", line_id)


async def lines_to_review(session: AsyncSession, *, outcomes: Sequence[str], limit: int = 200) -> Sequence[BankLineRow]:
    """Lines that wait for a person, the oldest first."""
    query = (
        select(BankLineRow)
        .where(BankLineRow.outcome.in_(outcomes), BankLineRow.undone == "", BankLineRow.details_import_id.is_(None))
        .order_by(BankLineRow.booking_date, BankLineRow.number, BankLineRow.id)
    )
    return (await session.scalars(query.limit(limit))).all()


def money_day(line: BankLine | BankLineRow, *, value_date_counts: bool, today: date) -> date:
    """The day the money counts from (edge case 71)."""
    days = (line.value_date, line.booking_date) if value_date_counts else (line.booking_date, line.value_date)
    return next((day for day in days if day is not None), today)


def year_of(today: date) -> tuple[date, date]:
    """The first and last day of the year."""
    return date(today.year, 1, 1), date(today.year + 1, 1, 1) - timedelta(days=1)


async def add_once(session: AsyncSession, row: Any) -> bool:
    """Add a row unless its unique key is taken; whether it was added."""
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _only(found: Sequence[T], what: str, given: str) -> T:
    if not found or not given:
        raise NotFound(f"There is no {what} {given}.", code=f"no_{what}")
    if len(found) > 1:
        raise Conflict(f"Several {what}s begin with {given}; give more of it.", code=f"which_{what}")
    return found[0]
