"""Issued documents with their bytes, and the counters that number them without gaps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class DocumentSeries(TenantScoped, Base):
    """The last number given out of a series like `invoice-2026`; raised in the transaction that issues the document."""

    __tablename__ = "document_series"
    __table_args__ = (UniqueConstraint("tenant_id", "series"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    series: Mapped[str] = mapped_column(String(40))
    last: Mapped[int]


class Document(TenantScoped, Base):
    """A document as it was issued, once per order, kind and occasion; never changed (`rules.md` 8.1)."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "order_id", "occasion"), UniqueConstraint("tenant_id", "number"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    """Unguessable; part of the document's address."""
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str] = mapped_column(String(36), index=True)
    occasion: Mapped[str] = mapped_column(String(200), default="")
    """What a credit note was issued for, of which an order may have several; empty for all others."""
    corrects_id: Mapped[str | None] = mapped_column(ForeignKey("document.id"))
    """The invoice that a credit note corrects."""
    amount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """Its gross; 0 for what was issued before this was kept."""
    signed_links: Mapped[bool] = mapped_column(default=True)
    """Whether links to it must be signed; those given out before there were signed ones go on working."""
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime]
