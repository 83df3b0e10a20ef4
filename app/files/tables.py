"""Uploaded files: what they are and whose. Their bytes lie in the store, under `key`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class StoredFile(TenantScoped, Base):
    """A file in the store. The row is there before the first byte and until after the last, so that no bytes are ever lost."""

    __tablename__ = "stored_file"
    __table_args__ = (
        Index("ix_stored_file_state", "tenant_id", "state", "created_at"),
        Index("ix_stored_file_application", "tenant_id", "application_id"),
        Index("ix_stored_file_reseller", "tenant_id", "reseller_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    """Where its bytes lie: the shop's folder and a random name, nothing of the uploader's."""
    purpose: Mapped[str] = mapped_column(String(20))
    """A `service.Purpose`."""
    reseller_id: Mapped[str | None] = mapped_column(String(36))
    application_id: Mapped[str | None] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(100))
    """The uploader's own, cleaned; only ever shown."""
    media_type: Mapped[str] = mapped_column(String(40))
    """As sniffed from the bytes."""
    size: Mapped[int]
    """Bytes."""
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    """A `service.FileState`."""
    uploaded_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
