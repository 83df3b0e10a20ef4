"""The one table of the ledger. Rows are only ever added: a trigger on each database refuses UPDATE and DELETE."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import DDL, BigInteger, ForeignKey, Index, String, Table, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class LedgerItem(TenantScoped, Base):
    """One fact about money. `key` makes booking it twice impossible; balances are sums (`ledger.rules`)."""

    __tablename__ = "ledger_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("tenant_id", "reverses_id"),
        Index("ix_ledger_item_reseller", "tenant_id", "reseller_id", "currency"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    reseller_id: Mapped[str] = mapped_column(String(36))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    value_date: Mapped[date]
    booked_at: Mapped[datetime]
    booked_by: Mapped[str] = mapped_column(Text)
    receivable_id: Mapped[str | None] = mapped_column(String(36), index=True)
    payment_id: Mapped[str | None] = mapped_column(String(36), index=True)
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("ledger_item.id"))
    order_id: Mapped[str | None] = mapped_column(String(36), index=True)
    order_number: Mapped[str | None] = mapped_column(Text)
    due_date: Mapped[date | None]
    reference: Mapped[str | None] = mapped_column(Text, index=True)
    """Of a receivable its RF creditor reference, of a payment the bank's own reference."""
    reason: Mapped[str] = mapped_column(Text, default="")


APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER ledger_item_no_{verb.lower()} BEFORE {verb} ON ledger_item "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER ledger_item_append_only BEFORE UPDATE OR DELETE ON ledger_item "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
    ],
}

_table = LedgerItem.__table__
assert isinstance(_table, Table)
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(_table, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
