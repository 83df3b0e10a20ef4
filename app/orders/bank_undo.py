"""Taking back what a line or a whole file did. The ledger is only added to: what undoes stands beside what was done."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, cast, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bank import service as bank
from app.bank.decisions import Outcome
from app.bank.reasons import because
from app.bank.tables import BankImport, BankLineRow, BankStatement
from app.bank.totals import wait_again
from app.db.bulk import among
from app.errors import Conflict, InvalidInput
from app.ledger.booking import open_of
from app.ledger.reversal import restore, reverse_payments
from app.ledger.tables import LedgerItem
from app.orders.bank_import import ask_for_waiting
from app.orders.booked import follow_taken_back, lock_paid
from app.orders.record import finish_task
from app.orders.refund_back import did_to_refunds, refuse_undoing, undo_refund, wait_no_more
from app.orders.services import Services
from app.orders.tables import RefundRequest
from app.reasons import Reason
from app.saleor.shops import Shop

BATCH = 200


async def undo_line(session: AsyncSession, services: Services, shop: Shop, line_id: str, *, by: str, reason: str) -> BankLineRow:
    """Take back what one line did; it waits for a person again. Raises InvalidInput without a reason, Conflict as the ledger."""
    if not reason.strip():
        raise InvalidInput("Taking a line back needs a reason.", code="no_reason")
    line = await bank.lock_line(session, line_id)
    if line.outcome not in (Outcome.BOOKED, Outcome.IGNORED):
        return line
    why = because("undone_by", by=by, reason=reason.strip().rstrip("."))
    if line.outcome == Outcome.BOOKED:
        if line.reversed_by is not None:
            raise Conflict("The bank took this line back; undo the line that did.", code="line_reversed")
        await _undo(session, services, shop, [line], why, by, f"{line.id}:{line.version}", whole=False)
    elif sent := did_to_refunds(line.parts):
        await _undo(session, services, shop, [line], why, by, f"{line.id}:{line.version}", whole=False)
        line.parts = [part for part in line.parts if part not in sent]
    line.outcome, line.payment_id = Outcome.UNMATCHED.value, None
    line.reasons = [*line.reasons, why.as_dict()]
    line.decided_by, line.decided_at = by, services.clock()
    await session.flush()
    return line


async def undo_import(services: Services, shop: Shop, import_id: str, *, by: str) -> BankImport:
    """Take back everything a file did; it can come again as if it never had. Repeated, it goes on where it ended.

    Raises NotFound, Conflict where money of one of its wires was sent back, or what it took back was paid again meanwhile: then
    the batches before stay undone, and the sentence says what to correct. What a later file took back, and a refund that has its
    credit note or came back, are asked about first.
    """
    database, tenant = services.database, shop.tenant_id
    async with database.tenant(tenant) as session:
        row, accounts = await begin_undo(session, import_id)
        if row.state == bank.UNDONE:
            return row
    why = because("import_undone", by=by, file=row.file_name)
    while True:
        async with database.tenant(tenant) as session:
            await bank.lock_accounts(session, accounts)
            going = await bank.find_import(session, row.id)
            await _refuse_taken_back(session, row.id)
            query = select(BankLineRow).where(BankLineRow.import_id == row.id, BankLineRow.undone == "")
            # Under their locks: nobody books one of them at the desk meanwhile.
            query = query.order_by(BankLineRow.number.desc()).limit(BATCH).with_for_update()
            lines = (await session.scalars(query.execution_options(populate_existing=True))).all()
            if not lines:
                break
            booked = [line for line in lines if line.outcome == Outcome.BOOKED or did_to_refunds(line.parts)]
            await _undo(session, services, shop, booked, why, by, f"{row.id}:{lines[0].number}", whole=True)
            gone = update(BankLineRow).where(among(BankLineRow.id, [line.id for line in lines])).values(undone=row.id)
            await session.execute(gone.execution_options(synchronize_session=False))
            going.lines_done = max(0, going.lines_done - len(lines))
    async with database.tenant(tenant) as session:
        row = await bank.find_import(session, row.id)
        row.state, row.undone_at, row.undone_by = bank.UNDONE, services.clock(), by
        if others := await bank.to_read_again(session, row):
            row.notes = [*row.notes, because("read_again", files=", ".join(others)).as_dict()]
        statements = update(BankStatement).where(BankStatement.import_id == row.id).values(undone=row.id)
        await session.execute(statements.execution_options(synchronize_session=False))
        await finish_task(session, f"bank:{row.id}", services.clock())
        for import_id in await wait_again(session, row.id):
            await ask_for_waiting(session, await bank.find_import(session, import_id), services.clock())
    return row


async def begin_undo(session: AsyncSession, import_id: str) -> tuple[BankImport, list[str]]:
    """A file that is being undone from now on, or was, and the ids of its accounts. Raises as `undo_import`."""
    row = await bank.find_import(session, import_id)
    if row.state == bank.UNDONE:
        return row, []
    await _may_be_undone(session, row.id)
    row.state = bank.UNDOING
    accounts = select(BankLineRow.account_id).where(BankLineRow.import_id == row.id).distinct()
    return row, list(await session.scalars(accounts))


async def _may_be_undone(session: AsyncSession, import_id: str) -> None:
    """Raise Conflict before anything of a file is undone where another took it back, or a refund that it booked cannot be."""
    await _refuse_taken_back(session, import_id)
    lines = select(BankLineRow.parts).where(
        BankLineRow.import_id == import_id, BankLineRow.undone == "", cast(BankLineRow.parts, Text).contains('"refund"')
    )
    for parts in (await session.scalars(lines)).all():
        for part in parts:
            if "refund" in part:
                await refuse_undoing(session, part["refund"], import_id)


async def _refuse_taken_back(session: AsyncSession, import_id: str) -> None:
    """Raise Conflict for a wire that a later file took back: with that file undone next, it would pay without its line."""
    taking = aliased(BankLineRow)
    query = (
        select(BankImport.file_name, BankImport.id)
        .join(taking, taking.import_id == BankImport.id)
        .join(BankLineRow, BankLineRow.reversed_by == taking.id)
        .where(BankLineRow.import_id == import_id, BankLineRow.undone == "", taking.import_id != import_id, taking.undone == "")
    )
    if (found := (await session.execute(query.limit(1))).first()) is not None:
        raise Conflict(
            f"The file {found[0]} took money of this one back; undo that one first: reseller bank undo --file {found[1][:8]}",
            code="taken_back_by_file",
        )


async def _undo(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    lines: Sequence[BankLineRow],
    why: Reason,
    by: str,
    mark: str,
    *,
    whole: bool,
) -> None:
    """Undo booked lines: of a return or refund first, so that its wire has its money again before it is undone itself."""
    payments = [line.payment_id for line in lines if line.payment_id is not None]
    sent = [part["refund"] for line in lines for part in line.parts if "refund" in part]
    refunded = await session.scalars(select(RefundRequest.order_id).where(among(RefundRequest.id, sent)))
    await lock_paid(session, payments, [order for order in refunded if order is not None])
    for line in lines:
        await undo_refund(session, services, shop, line, why=why, by=by, mark=f"undo:{mark}", whole=whole)
    items: list[LedgerItem] = []
    now, reason = services.clock(), str(why)
    for line in lines:
        if line.takes_back:
            items += await restore(session, f"line:{line.id}", new_mark=f"undo:{mark}", by=by, at=now, reason=reason)
            freed = update(BankLineRow).where(BankLineRow.reversed_by == line.id).values(reversed_by=None)
            await session.execute(freed)
    own = [line.payment_id for line in lines if not line.takes_back and line.payment_id is not None]
    await wait_no_more(session, services, own, why=why, by=by)
    items += await reverse_payments(session, own, mark=f"undo:{mark}", by=by, at=now, reason=reason)
    opens = await open_of(session, list({item.receivable_id for item in items if item.receivable_id}))
    if any(minor < 0 for minor in opens.values()):
        raise Conflict("What this takes back was paid by something else since; take that back first.", code="paid_meanwhile")
    await follow_taken_back(session, services, shop, items, why=why, batch=f"undo:{mark}")
