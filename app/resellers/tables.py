"""Resellers, their users and what was decided about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, ProgramRow, TenantScoped, new_id

OPEN_INVITATION = "accepted_at IS NULL AND withdrawn_at IS NULL"


class Reseller(ProgramRow, Base):
    """A company in the program. Its address is the approved business address: the place of sales tax (`rules.md` 10.1)."""

    __tablename__ = "reseller"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email"),
        Index("ix_reseller_company", "tenant_id", "company", "id"),
        Index("ix_reseller_created", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Text)
    """Of the first user, or of an owner after that one left, folded by `rules.fold_email`; mails about orders go here."""
    company: Mapped[str] = mapped_column(String(200))
    street: Mapped[str] = mapped_column(String(200))
    street2: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100))
    postal_code: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(50), default="")
    """Two-letter code in the US, the country area elsewhere."""
    tax_number: Mapped[str] = mapped_column(String(50), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(2), default="en")
    status: Mapped[str] = mapped_column(String(20))
    """A `rules.ResellerStatus`."""
    prepaid_orders: Mapped[int | None]
    """Own number over the shop's; None takes the shop's (`rules.md` 5.1)."""
    credit_limit_minor: Mapped[int | None]
    order_limit_minor: Mapped[int | None]
    limit_currency: Mapped[str | None] = mapped_column(String(3))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes; a second decision on an old version is refused (`rules.md` 1.2)."""
    users: Mapped[list[ResellerUser]] = relationship(lazy="selectin", order_by="ResellerUser.id")
    acceptances: Mapped[list[PolicyAcceptance]] = relationship(lazy="selectin", order_by="PolicyAcceptance.accepted_at")

    __mapper_args__ = {"version_id_col": version}


class ResellerUser(ProgramRow, Base):
    """A Saleor account that orders for a reseller. Partner prices are keyed on its id, never on an e-mail."""

    __tablename__ = "reseller_user"
    __table_args__ = (UniqueConstraint("tenant_id", "saleor_user_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    saleor_user_id: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(10), default="owner")
    """A `roles.Role`. Who applied is an owner."""


class ResellerInvitation(TenantScoped, Base):
    """A user asked to join. Its token is mailed and kept as a hash; only the account of `email` can use it, once.

    The mail room keeps the mail with its exact bytes (`rules.md` 11.1), and so the token: it opens nothing without that account.
    """

    __tablename__ = "reseller_invitation"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_sha256"),
        Index(
            "uq_reseller_invitation_open",
            "tenant_id",
            "reseller_id",
            "email",
            unique=True,
            sqlite_where=text(OPEN_INVITATION),
            postgresql_where=text(OPEN_INVITATION),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    """The invited address, folded by `rules.fold_email`."""
    role: Mapped[str] = mapped_column(String(10))
    token_sha256: Mapped[str] = mapped_column(String(64))
    invited_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The first moment at which it is too late."""
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(String(100))
    """Saleor's id of the account that joined by it."""
    withdrawn_at: Mapped[datetime | None]
    """Taken back, or replaced by a newer one to the same address."""


class PolicyAcceptance(ProgramRow, Base):
    """A reseller's click on one version of the Reseller Policy, once (`rules.md` 1.3, edge case 7)."""

    __tablename__ = "policy_acceptance"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "policy_version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    policy_version: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    accepted_by: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the text that was shown; None for a version without a text here."""
    language: Mapped[str | None] = mapped_column(String(2))
    address: Mapped[str | None] = mapped_column(String(45))
    """The IP address of the click; None where staff recorded it."""


class PolicyVersion(TenantScoped, Base):
    """One version of the Reseller Policy as it was published (`rules.md` 1.3). Its texts never change."""

    __tablename__ = "policy_version"
    __table_args__ = (UniqueConstraint("tenant_id", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    version: Mapped[str] = mapped_column(String(40))
    text_en: Mapped[str] = mapped_column(Text)
    """Markdown, like `text_de`."""
    text_de: Mapped[str] = mapped_column(Text)
    sha256_en: Mapped[str] = mapped_column(String(64))
    sha256_de: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]
    in_force_from: Mapped[date]


class ResellerHistory(TenantScoped, Base):
    """What was decided about a reseller, by whom and why. Only ever added to."""

    __tablename__ = "reseller_history"
    __table_args__ = (Index("ix_reseller_history_reseller", "tenant_id", "reseller_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")


class ProductListing(TenantScoped, Base):
    """A page on the reseller's website that lists the vendor's products (`rules.md` 1.4), and what its last check found."""

    __tablename__ = "product_listing"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "url"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(254))
    checked_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    """When a check last found the page."""
    problem: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    """A `reasons.Reason` as data: why the last check did not find it; None when it did."""


class PriceChangeAcknowledgement(TenantScoped, Base):
    """A reseller's word that it has read of a price change, once per change (`rules.md` 2.6)."""

    __tablename__ = "price_change_acknowledgement"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "change_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"), index=True)
    change_id: Mapped[str] = mapped_column(String(100))
    """The scheduled change, as the price room names it."""
    acknowledged_at: Mapped[datetime]
    acknowledged_by: Mapped[str] = mapped_column(String(254))
    address: Mapped[str | None] = mapped_column(String(45))
    """The IP address of the click; None where staff recorded it."""


OPEN_STATES = "state IN ('draft', 'submitted', 'more_information')"


class Application(TenantScoped, Base):
    """A company's request to become a reseller (`rules.md` 1.1). An account has at most one that is not decided."""

    __tablename__ = "application"
    __table_args__ = (
        Index("ix_application_state", "tenant_id", "state", "submitted_at"),
        Index("ix_application_email", "tenant_id", "email"),
        Index(
            "uq_application_open",
            "tenant_id",
            "saleor_user_id",
            unique=True,
            sqlite_where=text(OPEN_STATES),
            postgresql_where=text(OPEN_STATES),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    saleor_user_id: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    """The account's address, folded by `rules.fold_email`."""
    contact: Mapped[str] = mapped_column(String(200), default="")
    """The person who applies, as mails greet it."""
    company: Mapped[str] = mapped_column(String(200), default="")
    street: Mapped[str] = mapped_column(String(200), default="")
    street2: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    region: Mapped[str] = mapped_column(String(50), default="")
    """`Reseller.state`; here `state` is the application's own."""
    tax_number: Mapped[str] = mapped_column(String(50), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    main_business: Mapped[str] = mapped_column(String(20), default="")
    """An `application.Business`."""
    why: Mapped[str] = mapped_column(Text, default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The vendor's own questions with their answers, as text."""
    language: Mapped[str] = mapped_column(String(2), default="en")
    state: Mapped[str] = mapped_column(String(20))
    """An `application.ApplicationState`."""
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(254), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    """What was asked or why it was rejected, as the applicant was told."""
    reseller_id: Mapped[str | None] = mapped_column(ForeignKey("reseller.id"), index=True)
    """The reseller it became, or that its account was linked to."""
    policy_version: Mapped[str | None] = mapped_column(String(40))
    """The version of the Reseller Policy accepted with it; void at approval when another one is in force (edge case 5)."""
    policy_accepted_at: Mapped[datetime | None]
    policy_language: Mapped[str | None] = mapped_column(String(2))
    policy_address: Mapped[str | None] = mapped_column(String(45))
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes; a decision on an old version is refused (`rules.md` 1.2)."""

    __mapper_args__ = {"version_id_col": version}


class ApplicationHistory(TenantScoped, Base):
    """What happened to an application, by whom and why. Only ever added to."""

    __tablename__ = "application_history"
    __table_args__ = (Index("ix_application_history_application", "tenant_id", "application_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")
