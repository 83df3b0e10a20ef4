"""Cases with what was written in them, and support requests that a reseller confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class Case(TenantScoped, Base):
    """A reseller's question about a deal, or a deal it hands over (`rules.md` 11.3)."""

    __tablename__ = "reseller_case"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "reseller_id", "fingerprint"),
        Index("ix_reseller_case_page", "tenant_id", "reseller_id", "opened_at", "id"),
        Index("ix_reseller_case_state", "tenant_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(40))
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    kind: Mapped[str] = mapped_column(String(20))
    """A `rules.CaseKind`."""
    state: Mapped[str] = mapped_column(String(20))
    """A `rules.CaseState`."""
    subject: Mapped[str] = mapped_column(String(200))
    customer: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    opened_by: Mapped[str] = mapped_column(Text)
    """The user's e-mail, to which answers go."""
    opened_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None]
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of what was written and the day: the same once more is the same case."""


class CaseEntry(TenantScoped, Base):
    """What somebody wrote in a case; never changed, but for names that were erased (`cases.erasure`)."""

    __tablename__ = "reseller_case_entry"
    __table_args__ = (UniqueConstraint("tenant_id", "case_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("reseller_case.id"), index=True)
    position: Mapped[int]
    """Counts from 1 in each case."""
    from_staff: Mapped[bool]
    by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))


class SupportRequest(TenantScoped, Base):
    """A reseller's word that its customer asked for a support request, before it was led to the forum (`rules.md` 11.2)."""

    __tablename__ = "support_request"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reseller_id", "fingerprint"),
        Index("ix_support_request_page", "tenant_id", "reseller_id", "attested_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    order_number: Mapped[str] = mapped_column(String(50))
    """The order of the customer it is for."""
    customer: Mapped[str] = mapped_column(String(256))
    topic: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(Text)
    """The sentence that was confirmed."""
    attested_by: Mapped[str] = mapped_column(Text)
    attested_at: Mapped[datetime]
    address: Mapped[str | None] = mapped_column(String(64))
    """The network address it came from."""
    forum_url: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
