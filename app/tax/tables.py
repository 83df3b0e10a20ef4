"""Certificates, the vendor's registrations, the dated rate table, and a copy of the store's own flat rates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, ProgramRow, new_id


class CertificateRow(ProgramRow, Base):
    """A reseller's exemption certificate (`rules.md` 10.3). `states` are two-letter US codes; `valid_to` None is an open end."""

    __tablename__ = "certificate"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    number: Mapped[str] = mapped_column(String(100))
    form: Mapped[str] = mapped_column(String(100), default="")
    states: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(20))
    """A `rules.CertificateState`."""
    signed_on: Mapped[date]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    created_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(254), default="")
    decided_at: Mapped[datetime | None]


class RegistrationRow(ProgramRow, Base):
    """A US state in which the vendor collects sales tax (`rules.md` 10.4)."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("tenant_id", "us_state", "valid_from"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    us_state: Mapped[str] = mapped_column(String(2))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class StateRateRow(ProgramRow, Base):
    """A rate in percent by state, ZIP and tax class from a day on; empty ZIP or class means all of them."""

    __tablename__ = "state_rate"
    __table_args__ = (
        UniqueConstraint("tenant_id", "us_state", "zip_code", "tax_class", "valid_from", name="uq_state_rate_of_place"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    us_state: Mapped[str] = mapped_column(String(2))
    zip_code: Mapped[str] = mapped_column(String(5), default="")
    tax_class: Mapped[str] = mapped_column(String(100), default="")
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    version: Mapped[str] = mapped_column(String(100))
    """The import it came from, shown with every decision that used it (edge case 42)."""
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    imported_at: Mapped[datetime]


class FlatRateRow(ProgramRow, Base):
    """A copy of Saleor's own flat rate of a country, for everybody else (`rules.md` 10.5); refreshed from the shop."""

    __tablename__ = "flat_rate"
    __table_args__ = (UniqueConstraint("tenant_id", "country", "tax_class"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    country: Mapped[str] = mapped_column(String(2))
    tax_class: Mapped[str] = mapped_column(String(100), default="")
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 4))
