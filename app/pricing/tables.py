"""Price lists with their entries and versions, which reseller has which list, and changes that are planned for a day."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, ProgramRow, TenantScoped, new_id

DEFAULT_LIST = "default"
PLANNED, IN_FORCE, CANCELED = "planned", "in_force", "canceled"
"""States of a planned change."""


class PriceListRow(ProgramRow, Base):
    """A percentage off retail with entries over it (`rules.md` 2.2). Resellers without another list have `default`."""

    __tablename__ = "price_list"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    version: Mapped[int] = mapped_column(default=1)
    """Rises with every change of the list or its entries; frozen on orders."""
    exception_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    exception_reason: Mapped[str] = mapped_column(Text, default="")
    exception_expires: Mapped[date | None]
    exception_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    entries: Mapped[list[PriceEntry]] = relationship(lazy="selectin", cascade="all, delete-orphan", order_by="PriceEntry.id")


class PriceEntry(ProgramRow, Base):
    """A fixed price or another percentage for a variant, product, category or collection (`pricing.rules.Entry`)."""

    __tablename__ = "price_entry"
    __table_args__ = (
        UniqueConstraint(
            "price_list_id", "scope", "target", "minimum_quantity", "currency", "valid_from", name="uq_price_entry_of_list"
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    price_list_id: Mapped[str] = mapped_column(ForeignKey("price_list.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(100))
    """Saleor's id of the variant, product, category or collection."""
    label: Mapped[str] = mapped_column(String(250), default="")
    """What a person called it: the SKU or name."""
    rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    fixed_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="")
    """Of a fixed price; empty for a rate, which counts in every currency."""
    minimum_quantity: Mapped[int] = mapped_column(default=1)
    valid_from: Mapped[date] = mapped_column(default=date.min)
    valid_to: Mapped[date | None]
    created_at: Mapped[datetime]


class PriceListAssignment(ProgramRow, Base):
    """The list of a reseller that does not have the default one."""

    __tablename__ = "price_list_assignment"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    price_list_id: Mapped[str] = mapped_column(ForeignKey("price_list.id"))


class PriceListVersion(TenantScoped, Base):
    """A change of a list: what made it this version, by whom, when and why. Only ever added to.

    The version before the first row here is what the list was made with; older ones than that are not known.
    """

    __tablename__ = "price_list_version"
    __table_args__ = (
        UniqueConstraint("price_list_id", "version"),
        UniqueConstraint("tenant_id", "price_change_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    price_list_id: Mapped[str] = mapped_column(ForeignKey("price_list.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text, default="")
    added: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
    changes: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    """`content.Changes` as data: old and new of all that differs."""
    price_change_id: Mapped[str | None] = mapped_column(ForeignKey("price_change.id"))
    """The planned change that took effect; once each."""


class PriceChange(TenantScoped, Base):
    """A change of a list that takes effect on a day, by the vendor's midnight, and is announced before (`rules.md` 2.6).

    Its id is what resellers acknowledge. It carries the difference that is announced, and nothing else takes effect.
    """

    __tablename__ = "price_change"
    __table_args__ = (
        Index("ix_price_change_state", "tenant_id", "state", "effective_on"),
        Index(
            "uq_price_change_planned",
            "price_list_id",
            "effective_on",
            unique=True,
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    price_list_id: Mapped[str] = mapped_column(ForeignKey("price_list.id"))
    state: Mapped[str] = mapped_column(String(20))
    """planned, in_force or canceled."""
    effective_on: Mapped[date]
    announce_on: Mapped[date]
    """The first day it is announced: as many days before as the shop's `price_notice_days` says, or the day it was planned."""
    short_notice: Mapped[bool]
    """Whether staff planned it with less notice than that."""
    planned_at: Mapped[datetime]
    planned_by: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    added: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
    changes: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    """`content.Changes` as data."""
    announced_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    canceled_by: Mapped[str] = mapped_column(Text, default="")
    cancel_reason: Mapped[str] = mapped_column(Text, default="")
    in_force_at: Mapped[datetime | None]
    version: Mapped[int | None]
    """The list's version that it made, or found to say so already."""


class PriceChangeNotice(TenantScoped, Base):
    """A reseller that was told of a planned change, once, and of its cancellation."""

    __tablename__ = "price_change_notice"
    __table_args__ = (UniqueConstraint("price_change_id", "reseller_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    price_change_id: Mapped[str] = mapped_column(ForeignKey("price_change.id"))
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    told_at: Mapped[datetime]
    retracted_at: Mapped[datetime | None]
