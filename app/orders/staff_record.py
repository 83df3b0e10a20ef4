"""Who decided what: one list over everything that people decided, whatever table it is kept in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.tables import BankImport, BankLineRow, FeeTolerance, LearnedPayer
from app.ledger.tables import Dispute, LedgerItem
from app.orders.record import PROGRAM
from app.orders.tables import ResellerOrder, StaffDecision
from app.pricing.tables import PriceChange, PriceListRow, PriceListVersion
from app.resellers.tables import Application, ApplicationHistory, Reseller, ResellerHistory
from app.tax.tables import CertificateRow


@dataclass(frozen=True, slots=True)
class Deed:
    """One decision: when, by whom, what, about whom or which, and why."""

    at: datetime
    by: str
    what: str
    subject: str
    reason: str


async def deeds(session: AsyncSession, *, since: datetime | None = None, by: str = "", limit: int = 100) -> list[Deed]:
    """The latest decisions of people, the newest first, at most `limit`; what the program did by itself is left out."""
    found: list[Deed] = []
    for query, at, person in _sources():
        asked = query.where(at.is_not(None), person.not_in(("", PROGRAM)))
        if since is not None:
            asked = asked.where(at >= since)
        if by:
            asked = asked.where(person == by)
        rows = await session.execute(asked.order_by(at.desc()).limit(limit))
        found += [Deed(row[0], row[1], row[2], row[3] or "", row[4] or "") for row in rows]
    return sorted(found, key=lambda deed: deed.at, reverse=True)[:limit]


def _sources() -> list[tuple[Select[Any], Any, Any]]:
    """Each table's query of (at, by, what, subject, reason), and its columns of moment and person."""

    def of(
        at: Any, person: Any, what: Any, subject: Any, reason: Any, joined: Any = None, on: Any = None
    ) -> tuple[Select[Any], Any, Any]:
        if isinstance(what, str):
            what = literal(what)
        query = select(at, person, what, subject, reason).select_from(person.class_)
        return query if joined is None else query.join(joined, on, isouter=True), at, person

    none, company, list_name = literal(""), Reseller.company, PriceListRow.name
    one, other, decided = ResellerHistory, ApplicationHistory, StaffDecision
    paper, version, change = CertificateRow, PriceListVersion, PriceChange
    item, line, file, payer, fee = LedgerItem, BankLineRow, BankImport, LearnedPayer, FeeTolerance
    versioned, planned = PriceListRow.id == version.price_list_id, PriceListRow.id == change.price_list_id
    learned = Reseller.id == payer.reseller_id
    applied = Application.id == other.application_id
    return [
        of(one.at, one.by, "reseller " + one.action, company, one.reason, Reseller, Reseller.id == one.reseller_id),
        of(other.at, other.by, "application " + other.action, Application.company, other.reason, Application, applied),
        of(
            decided.at,
            decided.by,
            case((decided.hold, "order held"), else_="order released"),
            ResellerOrder.number,
            decided.reason,
            ResellerOrder,
            ResellerOrder.id == decided.order_id,
        ),
        of(
            paper.decided_at,
            paper.decided_by,
            "certificate " + paper.state,
            company,
            paper.reason,
            Reseller,
            Reseller.id == paper.reseller_id,
        ),
        of(version.at, version.by, "price list changed", list_name, version.why, PriceListRow, versioned),
        of(change.planned_at, change.planned_by, "price change planned", list_name, change.why, PriceListRow, planned),
        of(
            change.canceled_at,
            change.canceled_by,
            "price change canceled",
            list_name,
            change.cancel_reason,
            PriceListRow,
            planned,
        ),
        of(item.booked_at, item.booked_by, "booked " + item.kind, item.order_number, item.reason),
        of(Dispute.opened_at, Dispute.opened_by, "dispute opened", none, Dispute.reason),
        of(file.started_at, file.by, "bank file imported", file.file_name, none),
        of(file.undone_at, file.undone_by, "bank file undone", file.file_name, none),
        of(line.decided_at, line.decided_by, "bank line " + line.outcome, line.position, none),
        of(payer.confirmed_at, payer.confirmed_by, "payer confirmed", company, none, Reseller, learned),
        of(payer.off_at, payer.off_by, "payer taken off", company, none, Reseller, learned),
        of(fee.set_at, fee.set_by, "fee tolerance set", company, none, Reseller, Reseller.id == fee.reseller_id),
    ]
