"""Signing keys and issued licenses. Nothing here holds an amount: an end customer may read it (`rules.md` 9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id
from app.db.secrets import SEALED


class LicenseKey(TenantScoped, Base):
    """An Ed25519 signing key of a shop. One is active; retired ones go on verifying."""

    __tablename__ = "license_key"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kid"),
        Index(
            "uq_license_key_active",
            "tenant_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kid: Mapped[str] = mapped_column(String(40))
    private_key: Mapped[str] = mapped_column(Text, info=SEALED)
    """Sealed by `SecretBox`."""
    public_key: Mapped[str] = mapped_column(String(64))
    """Raw key, base64."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class License(TenantScoped, Base):
    """A license of one order line, once per kind (`rules.md` 5.8). `file` is the signed text as it was sent."""

    __tablename__ = "license"
    __table_args__ = (
        UniqueConstraint("tenant_id", "order_line_id", "kind", "ordinal"),
        Index("ix_license_order", "tenant_id", "order_id"),
        Index("ix_license_page", "tenant_id", "end_customer_id", "issued_at", "id"),
        Index("ix_license_issued", "tenant_id", "issued_at", "id"),
        Index("ix_license_state", "tenant_id", "state", "issued_at", "id"),
        Index("ix_license_sku", "tenant_id", "sku", "issued_at", "id"),
        Index("ix_license_kid", "tenant_id", "kid", "issued_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(String(36))
    """Our id of the order, never Saleor's (`rules.md` 9)."""
    order_number: Mapped[str] = mapped_column(Text)
    order_line_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(20))
    ordinal: Mapped[int] = mapped_column(default=1)
    sku: Mapped[str] = mapped_column(Text)
    end_customer_id: Mapped[str | None] = mapped_column(String(36))
    kid: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]]
    file: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    """A `rules.LicenseState`."""
    state_reason: Mapped[str] = mapped_column(Text, default="")
    state_at: Mapped[datetime]
    """When it came into this state."""
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
