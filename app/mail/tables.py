"""Mails with their exact bytes (`rules.md` 11.1) and where their delivery stands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id, partial_index


class Mail(TenantScoped, Base):
    """One mail, made once by its `key` and delivered until a server took it. Its Message-ID never changes."""

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        Index("ix_mail_order", "tenant_id", "order_id"),
        # What operators and `check` ask for: few among millions.
        partial_index("ix_mail_unsent", "state <> 'sent'", "tenant_id", "created_at"),
        Index("ix_mail_recipient", "tenant_id", "recipient", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text)
    """What makes it one mail, like `license:<order id>`."""
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str | None] = mapped_column(String(36))
    recipient: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    """queued, sent or failed."""
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
