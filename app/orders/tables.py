"""The order as frozen when it was placed, and all that happened to it since."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, TenantScoped, new_id, partial_index

OPEN = "release_decided_at IS NULL AND canceled_at IS NULL"
"""An order that nothing went out of and that is not canceled."""


class PaymentSession(TenantScoped, Base):
    """What our gateway answered for one Saleor transaction, with the evidence it decided on.

    Unique by transaction, so that a repeated session gets the same answer. `psp_reference` is what Saleor knows it by,
    `reference` the creditor reference the wire must carry.
    """

    __tablename__ = "payment_session"
    __table_args__ = (
        UniqueConstraint("tenant_id", "transaction_id"),
        UniqueConstraint("tenant_id", "psp_reference"),
        Index("ix_payment_session_source", "tenant_id", "source_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    transaction_id: Mapped[str] = mapped_column(Text)
    source_id: Mapped[str] = mapped_column(Text)
    """Saleor's id of the checkout or order that was to be paid."""
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    saleor_user_id: Mapped[str] = mapped_column(Text)
    psp_reference: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(String(25))
    terms: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    due_date: Mapped[date]
    reasons: Mapped[list[Any]]
    """Why these terms (`orders.rules.standing`)."""
    lines: Mapped[list[Any]]
    """The prices it accepted: variant, quantity, net and gross in minor units per line."""
    answer: Mapped[dict[str, Any]]
    """The answer as given; a repetition gets it again, byte for byte."""
    created_at: Mapped[datetime]


class ResellerOrder(TenantScoped, Base):
    """An order by a reseller, or at a partner price by anyone (`saleor-facts.md` 0.2), as it was when it was audited."""

    __tablename__ = "reseller_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "saleor_order_id"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "reference"),
        Index("ix_reseller_order_page", "tenant_id", "reseller_id", "created_at", "id"),
        Index("ix_reseller_order_end_customer", "tenant_id", "end_customer_id"),
        # Lists of staff: of a million orders a few are open, and they are paged by their own index.
        partial_index("ix_reseller_order_open", OPEN, "tenant_id", "created_at", "id"),
        partial_index("ix_reseller_order_open_due", OPEN, "tenant_id", "due_date", "id"),
        partial_index("ix_reseller_order_held", f"{OPEN} AND NOT audit_passed", "tenant_id", "id"),
        partial_index("ix_reseller_order_po_number", "po_number <> ''", "tenant_id", "po_number"),
        partial_index("ix_reseller_order_going", "released_at IS NULL", "tenant_id", "release_decided_at"),
        Index(
            "uq_reseller_order_po_number",
            "tenant_id",
            "reseller_id",
            "po_number",
            unique=True,
            sqlite_where=text("po_number <> ''"),
            postgresql_where=text("po_number <> ''"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    saleor_order_id: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    reseller_id: Mapped[str | None] = mapped_column(ForeignKey("reseller.id"))
    """None where nobody of the program stands behind it: such an order is held."""
    payment_session_id: Mapped[str | None] = mapped_column(ForeignKey("payment_session.id"), index=True)
    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    recipient: Mapped[str] = mapped_column(Text)
    """Whom mails about it go to: the reseller's own address (`rules.md` 3.2)."""
    currency: Mapped[str] = mapped_column(String(3))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    terms: Mapped[str] = mapped_column(String(20))
    order_date: Mapped[date]
    due_date: Mapped[date]
    reference: Mapped[str] = mapped_column(String(25))
    po_number: Mapped[str] = mapped_column(Text, default="")
    bill_to: Mapped[dict[str, Any]]
    ship_to: Mapped[dict[str, Any]]
    end_customer_email: Mapped[str] = mapped_column(Text)
    """As written; folded for look-ups only (edge case 23)."""
    end_customer_id: Mapped[str | None] = mapped_column(ForeignKey("end_customer.id"))
    audit_passed: Mapped[bool]
    audit: Mapped[list[Any]]
    """The audit's reasons: what was checked and found."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    release_decided_at: Mapped[datetime | None]
    """From here on the license goes out whatever happens next; set once, under the row's lock."""
    release_reasons: Mapped[list[Any]] = mapped_column(default=list)
    """The evidence of the release: why the gate was open."""
    released_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    """Fulfilled in Saleor; on account that may wait for the money (`saleor-facts.md` 0.5)."""
    lines: Mapped[list[OrderLine]] = relationship(lazy="selectin", order_by="OrderLine.position")


class OrderLine(TenantScoped, Base):
    """A line with the price, tax evidence and license policy it was bought under."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("tenant_id", "saleor_line_id"),
        UniqueConstraint("order_id", "position"),
        Index("ix_order_line_certificate", "tenant_id", "certificate_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    saleor_line_id: Mapped[str] = mapped_column(Text)
    position: Mapped[int]
    sku: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    retail_minor: Mapped[int] = mapped_column(BigInteger)
    """Retail price of one unit."""
    unit_minor: Mapped[int] = mapped_column(BigInteger)
    """Net price of one unit that was paid."""
    net_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    certificate_id: Mapped[str | None] = mapped_column(String(36))
    certificate_number: Mapped[str] = mapped_column(Text, default="")
    price_list_id: Mapped[str | None] = mapped_column(String(36))
    """The list it was priced by; None too for the default one while nobody had set it."""
    price_list_version: Mapped[int | None]
    reasons: Mapped[list[Any]]
    """Why this price and this tax."""
    license_policy: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    """`licenses.rules.LicensePolicy` as data; NULL where the product has none, which holds the order."""


class StaffDecision(TenantScoped, Base):
    """A hold or release of one order by a person; the latest in force counts (`rules.md` 5.5)."""

    __tablename__ = "staff_decision"
    __table_args__ = (partial_index("ix_staff_decision_hold", "hold", "tenant_id", "order_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    hold: Mapped[bool]
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class EndCustomer(TenantScoped, Base):
    """The company a license is for. One row, and so one account, per folded e-mail (edge case 25)."""

    __tablename__ = "end_customer"
    __table_args__ = (UniqueConstraint("tenant_id", "email_key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email_key: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    company: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    saleor_user_id: Mapped[str | None] = mapped_column(Text)
    """None until the account was found, created or claimed."""
    account_asked_at: Mapped[datetime | None]
    """When we asked Saleor to create the account, having seen none: what is found from then on is our own."""
    created_at: Mapped[datetime]


class LicenseClaim(TenantScoped, Base):
    """A link by which the holder of a mailbox takes an order's licenses into an account that was there before (edge case 22).

    Of the link's token only its SHA-256 is kept. One at a time is open per order; a correction of the ship-to withdraws it.
    """

    __tablename__ = "license_claim"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        Index(
            "uq_license_claim_open",
            "tenant_id",
            "order_id",
            unique=True,
            sqlite_where=text("claimed_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=text("claimed_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(Text)
    """The mailbox the link went to: the account's own address."""
    language: Mapped[str] = mapped_column(String(2))
    saleor_user_id: Mapped[str] = mapped_column(Text)
    """The account that was found; it, or a later one with the same address, may claim."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(Text)
    """Saleor's id of the account."""
    withdrawn_at: Mapped[datetime | None]


def transfer_reference() -> str:
    """A new reference of a transfer: short, without letters that are read as digits, so that people may type it."""
    return "REFUND" + "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(12))


class RefundRequest(TenantScoped, Base):
    """Money to be sent back: asked for by staff in Saleor or here; done when it was sent and booked (`rules.md` 4.3, 5.7).

    With an order it is that order's money, without one the reseller's unallocated credit. `reference` is what the transfer says,
    so that the bank's statement names it again.
    """

    __tablename__ = "refund_request"
    __table_args__ = (
        UniqueConstraint("tenant_id", "psp_reference"),
        UniqueConstraint("tenant_id", "reference"),
        Index("ix_refund_request_export", "export_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str | None] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    reseller_id: Mapped[str | None] = mapped_column(ForeignKey("reseller.id"), index=True)
    psp_reference: Mapped[str] = mapped_column(Text)
    """Saleor's name for its request; our own for one that was asked for here."""
    reference: Mapped[str] = mapped_column(String(35), default=transfer_reference)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    requested_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(Text, default="Saleor")
    reason: Mapped[str] = mapped_column(Text, default="")
    beneficiary: Mapped[str] = mapped_column(Text, default="")
    """Whom it goes to as staff entered it; empty goes back to where the money came from."""
    iban: Mapped[str] = mapped_column(String(34), default="")
    export_id: Mapped[str | None] = mapped_column(ForeignKey("refund_export.id"))
    """The file it went out in: once."""
    done_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(Text, default="")
    bank_reference: Mapped[str] = mapped_column(Text, default="")
    """Of the transfer that sent it."""
    canceled_at: Mapped[datetime | None]
    canceled_by: Mapped[str] = mapped_column(Text, default="")
    cancel_reason: Mapped[str] = mapped_column(Text, default="")


class RefundExport(TenantScoped, Base):
    """A SEPA file of refunds as it was made: written again it is the same bytes."""

    __tablename__ = "refund_export"
    __table_args__ = (UniqueConstraint("tenant_id", "message_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    message_id: Mapped[str] = mapped_column(String(35))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    iban: Mapped[str] = mapped_column(String(34))
    """The vendor's account that pays."""
    count: Mapped[int]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))


class MoneyReport(TenantScoped, Base):
    """A ledger item that Saleor must be told of, written with the booking; sent until it was taken (`saleor-facts.md` 0.3)."""

    __tablename__ = "money_report"
    __table_args__ = (
        UniqueConstraint("tenant_id", "ledger_item_id"),
        UniqueConstraint("tenant_id", "psp_reference"),
        partial_index("ix_money_report_waiting", "reported_at IS NULL", "tenant_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    ledger_item_id: Mapped[str] = mapped_column(ForeignKey("ledger_item.id"))
    order_id: Mapped[str] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    transaction_id: Mapped[str] = mapped_column(Text)
    psp_reference: Mapped[str] = mapped_column(Text)
    """The first wire of a prepaid order reports under the session's own, every further one under its own."""
    type: Mapped[str] = mapped_column(String(30))
    """CHARGE_SUCCESS, CHARGE_BACK, REFUND_SUCCESS or REFUND_REVERSE."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")


class OrderEvent(TenantScoped, Base):
    """One thing that happened to an order, once by its key: the record `orders show` prints."""

    __tablename__ = "order_event"
    __table_args__ = (UniqueConstraint("tenant_id", "order_id", "key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey("reseller_order.id"), index=True)
    key: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    what: Mapped[dict[str, Any]]
    """A `reasons.Reason` as data."""


class StaffTask(TenantScoped, Base):
    """Something that needs a person, once by its key until it is done."""

    __tablename__ = "staff_task"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        partial_index("ix_staff_task_open", "done_at IS NULL", "tenant_id", "created_at", "id"),
        partial_index("ix_staff_task_order", "order_id IS NOT NULL", "tenant_id", "order_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text)
    order_id: Mapped[str | None] = mapped_column(ForeignKey("reseller_order.id"))
    reasons: Mapped[list[Any]]
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    """When Saleor's Dashboard was told of it as a problem of the app."""
    done_at: Mapped[datetime | None]
