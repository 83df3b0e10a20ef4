"""Issued documents with their bytes, and the counters that number them without gaps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
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
    """A document as it was issued, once per order and kind; never changed (`rules.md` 8.1)."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "order_id"), UniqueConstraint("tenant_id", "number"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    """Unguessable; part of the document's address."""
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str] = mapped_column(String(36), index=True)
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime]
