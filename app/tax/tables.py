"""Certificates, the vendor's registrations, the dated rate table, and a copy of the store's own flat rates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, ProgramRow, TenantScoped, new_id

PENDING = "state = 'pending'"


class CertificateRow(ProgramRow, Base):
    """A reseller's exemption certificate (`rules.md` 10.3). `states` are two-letter US codes; `valid_to` None is an open end."""

    __tablename__ = "certificate"
    # Its number stays the same when a state renews it, and when a rejected one is handed in again: only one may wait at a time.
    __table_args__ = (
        Index(
            "uq_certificate_pending",
            "tenant_id",
            "reseller_id",
            "number",
            unique=True,
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
        Index("ix_certificate_state", "tenant_id", "state", "valid_to"),
    )

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
    file_id: Mapped[str | None] = mapped_column(ForeignKey("stored_file.id"))
    """The document; None where staff entered it from paper."""
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("certificate.id"))
    """The earlier certificate it is the renewal of."""
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(254), default="")
    decided_by: Mapped[str] = mapped_column(String(254), default="")
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was rejected or revoked, as the reseller was told."""
    review_on: Mapped[date | None]
    """The day on which staff look again at an approved one without an end (edge case 37)."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes; a decision on an old version is refused."""

    __mapper_args__ = {"version_id_col": version}


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


class RateImportRow(TenantScoped, Base):
    """An import of the rate table, also one that changed nothing: how old the table is (edge case 42)."""

    __tablename__ = "rate_import"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    version: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class FlatRateRow(ProgramRow, Base):
    """A copy of Saleor's own flat rate of a country, for everybody else (`rules.md` 10.5); refreshed from the shop."""

    __tablename__ = "flat_rate"
    __table_args__ = (UniqueConstraint("tenant_id", "country", "tax_class"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    country: Mapped[str] = mapped_column(String(2))
    tax_class: Mapped[str] = mapped_column(String(100), default="")
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 4))
