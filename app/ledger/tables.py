"""The one table of the ledger. Rows are only ever added: a trigger on each database refuses UPDATE and DELETE."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, ForeignKey, Index, String, Table, Text, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id, partial_index


class RemittanceAdvice(TenantScoped, Base):
    """What a reseller says one wire pays, once: a proposal that books nothing, for matching to look at (`rules.md` 4.3)."""

    __tablename__ = "remittance_advice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reseller_id", "fingerprint"),
        Index("ix_remittance_advice_reseller", "tenant_id", "reseller_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of what was sent, so that a double click is one advice."""
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(254))
    paid_on: Mapped[date | None]
    """The day the reseller says it sent the wire."""
    text: Mapped[str] = mapped_column(Text, default="")
    """As it was pasted; empty where lines were sent."""
    lines: Mapped[list[Any]]
    """Each with reference, amount and currency as given and, where one order is meant, order_number, order_id, receivable_id,
    amount_minor and open_minor in open_currency, the order's own, and the reasons of `ledger.remittance`."""


class LedgerItem(TenantScoped, Base):
    """One fact about money. `key` makes booking it twice impossible; balances are sums (`ledger.rules`)."""

    __tablename__ = "ledger_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("tenant_id", "reverses_id"),
        Index("ix_ledger_item_reseller", "tenant_id", "reseller_id", "currency"),
        Index("ix_ledger_item_page", "tenant_id", "reseller_id", "booked_at", "id"),
        partial_index(
            "ix_ledger_item_debt_number", "receivable_id IS NULL AND order_number IS NOT NULL", "tenant_id", "order_number"
        ),
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
    principal_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """Of interest the receivable it is for; interest is a debt of its own, on which none is charged (`rules.md` 6)."""


class PaymentReference(TenantScoped, Base):
    """A reference that one wire pays several debts by, such as a statement's (`rules.md` 4.2, 7)."""

    __tablename__ = "payment_reference"
    __table_args__ = (UniqueConstraint("tenant_id", "reference"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(String(25))
    number: Mapped[str] = mapped_column(Text)
    """As the reseller may quote it."""
    reseller_id: Mapped[str] = mapped_column(String(36), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    debts: Mapped[list[Any]]
    """Ids of the receivables and interest items it pays."""
    at: Mapped[datetime]


class Dispute(TenantScoped, Base):
    """An order the reseller contests: no interest and no hold while it is open, and it stays listed (edge case 78)."""

    __tablename__ = "dispute"
    __table_args__ = (
        Index("ix_dispute_receivable", "tenant_id", "receivable_id"),
        Index(
            "uq_dispute_open",
            "tenant_id",
            "receivable_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    receivable_id: Mapped[str] = mapped_column(ForeignKey("ledger_item.id"))
    reason: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str] = mapped_column(Text, default="")
    """What it came to."""


REMOVED = "SELECT 1 FROM tenant WHERE tenant.id = OLD.tenant_id AND NOT tenant.active AND tenant.removed_at IS NOT NULL"
"""Whose items may be deleted after all: those of a shop that the app was deleted in (`orders.purge`)."""

APPEND_ONLY = {
    "sqlite": [
        "CREATE TRIGGER ledger_item_no_update BEFORE UPDATE ON ledger_item "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        f"CREATE TRIGGER ledger_item_no_delete BEFORE DELETE ON ledger_item WHEN NOT EXISTS ({REMOVED}) "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF TG_OP = 'DELETE' AND EXISTS ({REMOVED}) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER ledger_item_append_only BEFORE UPDATE OR DELETE ON ledger_item "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
    ],
}

_table = LedgerItem.__table__
assert isinstance(_table, Table)
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(_table, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
