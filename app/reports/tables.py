"""What reports are read from: sums of each reseller's books, made anew whenever they changed.

A row of `EVERYBODY` is the sum of all resellers. Nothing here is a fact: all follows from ledger and orders (`rules.summary`).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id

EVERYBODY = ""
"""Stands for a reseller's id in the rows that sum up all of them."""


class ReportMonth(TenantScoped, Base):
    """A `rules.Month` of one reseller, or of all."""

    __tablename__ = "report_month"
    __table_args__ = (
        UniqueConstraint("tenant_id", "currency", "reseller_id", "month"),
        Index("ix_report_month_month", "tenant_id", "currency", "month"),
        Index("ix_report_month_reseller", "tenant_id", "reseller_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(String(36))
    currency: Mapped[str] = mapped_column(String(3))
    month: Mapped[date]
    """Its first day."""
    orders: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    exempt_minor: Mapped[int] = mapped_column(BigInteger)
    paid_orders: Mapped[int] = mapped_column(BigInteger)
    late_orders: Mapped[int] = mapped_column(BigInteger)
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    paid_days: Mapped[int] = mapped_column(BigInteger)
    paid_minor_days: Mapped[int] = mapped_column(BigInteger)


class ReportExempt(TenantScoped, Base):
    """Net sales without tax of one month by reason (`rules.Exemption`)."""

    __tablename__ = "report_exempt"
    __table_args__ = (
        UniqueConstraint("tenant_id", "currency", "reseller_id", "month", "exemption"),
        Index("ix_report_exempt_reseller", "tenant_id", "reseller_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(String(36))
    currency: Mapped[str] = mapped_column(String(3))
    month: Mapped[date]
    exemption: Mapped[str] = mapped_column(String(20))
    net_minor: Mapped[int] = mapped_column(BigInteger)


class ReportOpen(TenantScoped, Base):
    """What is open of a reseller's orders that are due on one day: its bucket follows from the day it is read on."""

    __tablename__ = "report_open"
    __table_args__ = (
        UniqueConstraint("tenant_id", "currency", "reseller_id", "due_date"),
        Index("ix_report_open_reseller", "tenant_id", "reseller_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(String(36))
    currency: Mapped[str] = mapped_column(String(3))
    due_date: Mapped[date]
    orders: Mapped[int] = mapped_column(BigInteger)
    open_minor: Mapped[int] = mapped_column(BigInteger)


class ReportBalance(TenantScoped, Base):
    """A `rules.Balance` of one reseller, or of all."""

    __tablename__ = "report_balance"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "currency"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(String(36))
    currency: Mapped[str] = mapped_column(String(3))
    orders: Mapped[int] = mapped_column(BigInteger)
    interest_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)


class ReportState(TenantScoped, Base):
    """Up to when the sums of a shop hold; locked while they are made."""

    __tablename__ = "report_state"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    as_of: Mapped[datetime | None]
    """What was booked before is in them; None until they were first made."""
