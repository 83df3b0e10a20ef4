"""Price lists with their entries, and which reseller has which list."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, ProgramRow, new_id

DEFAULT_LIST = "default"


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
