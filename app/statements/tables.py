"""Statements as they were sent, the runs that made them, and the reminders that went out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class StatementRun(TenantScoped, Base):
    """One month's statements of a shop. Its snapshot is fixed when it begins: whatever is resumed or repeated says the same."""

    __tablename__ = "statement_run"
    __table_args__ = (UniqueConstraint("tenant_id", "period"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    period: Mapped[str] = mapped_column(String(7))
    """Like `2026-02`."""
    snapshot_at: Mapped[datetime]
    """What was booked up to here counts (edge case 74)."""
    asked_at: Mapped[datetime | None]
    """When every reseller's own workflow had been asked for."""


class Statement(TenantScoped, Base):
    """A statement of account, once per reseller, month and currency (`rules.md` 7). Its content never changes."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reseller_id", "period", "currency"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "reference"),
        Index("ix_statement_page", "tenant_id", "reseller_id", "created_at", "id"),
        Index("ix_statement_created", "tenant_id", "created_at", "id"),
        Index("ix_statement_period", "tenant_id", "period", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    period: Mapped[str] = mapped_column(String(7))
    currency: Mapped[str] = mapped_column(String(3))
    number: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(25))
    """Its own creditor reference, by which one wire pays it."""
    dated: Mapped[date]
    to_pay_minor: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    """A `documents.statement.StatementData`, frozen."""
    created_at: Mapped[datetime]
    pdf: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """None until it was printed, which is a step of its own; never changed afterwards (edge case 75)."""
    pdf_sha256: Mapped[str | None] = mapped_column(String(64))
    csv: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    csv_sha256: Mapped[str | None] = mapped_column(String(64))


class Reminder(TenantScoped, Base):
    """A reminder that went out: once per debt and rung of the ladder (`rules.md` 6)."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("tenant_id", "receivable_id", "rung"),
        Index("ix_reminder_at", "tenant_id", "at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    receivable_id: Mapped[str] = mapped_column(ForeignKey("ledger_item.id"))
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    rung: Mapped[int]
    """Days after the due date, negative before it."""
    at: Mapped[datetime]
