"""The table of shops. Everything else hangs below one row of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, new_id
from app.db.secrets import SEALED


class Tenant(Base):
    """One Saleor shop in which the app is, or was, installed. A re-install keeps the row and replaces the token."""

    __tablename__ = "tenant"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    saleor_api_url: Mapped[str] = mapped_column(String(500), unique=True)
    domain: Mapped[str] = mapped_column(String(255))
    app_id: Mapped[str] = mapped_column(String(100))
    token: Mapped[str] = mapped_column(Text, info=SEALED)
    """Encrypted by `SecretBox`, never the plain app token."""
    active: Mapped[bool] = mapped_column(default=True)
    jwks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The shop's own values over the installation's `settings.ShopSettings`."""
    program_version: Mapped[int] = mapped_column(default=1)
    """Rises with every change of a `ProgramRow` or of this row's own settings; processes poll it."""
    reconciled_to: Mapped[datetime | None] = mapped_column(default=None)
    """Orders changed up to here were read by the hourly reconciliation."""
    installed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(default=None)
