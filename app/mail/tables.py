"""Mails with their exact bytes (`rules.md` 11.1), where their delivery stands, and the record of all that was written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped, new_id


class Mail(TenantScoped, Base):
    """One mail, made once by its `key` and delivered until a server took it. Its Message-ID never changes."""

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        Index("ix_mail_order", "tenant_id", "order_id"),
        Index("ix_mail_state", "tenant_id", "state", "created_at"),
        Index("ix_mail_message_id", "tenant_id", "message_id"),
        Index("ix_mail_thread", "tenant_id", "thread"),
        Index("ix_mail_reseller", "tenant_id", "reseller_id"),
        Index("ix_mail_recipient", "tenant_id", "recipient", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text)
    """What makes it one mail, like `license:<order id>`. It has one recipient: each has a delivery state of its own."""
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str | None] = mapped_column(String(36))
    reseller_id: Mapped[str | None] = mapped_column(String(36))
    """The reseller it is about; None for others, like an applicant."""
    thread: Mapped[str] = mapped_column(String(32), default="")
    """The token that mails of one subject and the answers to them share (`rules.thread_token`)."""
    recipient: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    """queued, sent, failed (no server took it) or bounced (one took it and gave it back)."""
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class MailTemplate(TenantScoped, Base):
    """A template of the vendor's own, over the built-in one of the same name."""

    __tablename__ = "mail_template"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60))
    """Like `order_received.de`, or `layout`."""
    source: Mapped[str] = mapped_column(Text)
    set_by: Mapped[str] = mapped_column(String(254))
    set_at: Mapped[datetime]


class Correspondence(TenantScoped, Base):
    """One mail of the written record, sent or received. Only ever added to: `hash` covers it and the one before it.

    A chain is a reseller's, or "" for mails about none.
    """

    __tablename__ = "correspondence"
    __table_args__ = (
        UniqueConstraint("tenant_id", "chain", "position"),
        UniqueConstraint("tenant_id", "key"),
        Index("ix_correspondence_at", "tenant_id", "at", "id"),
        Index("ix_correspondence_message_id", "tenant_id", "message_id"),
        Index("ix_correspondence_thread", "tenant_id", "thread"),
        Index("ix_correspondence_sender", "tenant_id", "sender", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    chain: Mapped[str] = mapped_column(String(36))
    position: Mapped[int]
    """From 1 on, without gaps."""
    key: Mapped[str] = mapped_column(String(80))
    """What makes it one: the id of a mail sent, a hash of one received."""
    direction: Mapped[str] = mapped_column(String(3))
    """in or out."""
    kind: Mapped[str] = mapped_column(String(20))
    """A `arrived.Arrival` of a mail received, `mail` of one sent."""
    mail_id: Mapped[str | None] = mapped_column(String(36))
    """The mail sent, which holds the bytes."""
    file_id: Mapped[str | None] = mapped_column(String(36))
    """The stored file with the bytes of a mail received."""
    order_id: Mapped[str | None] = mapped_column(String(36))
    thread: Mapped[str] = mapped_column(String(32))
    message_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    """When a server took it, or it came in."""
    sender: Mapped[str] = mapped_column(Text)
    recipients: Mapped[str] = mapped_column(Text)
    """Addresses, separated by commas."""
    subject: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    """What is to be known of it, like that only its headers were kept."""
    words: Mapped[str] = mapped_column(Text, default="", deferred=True)
    """Its text, folded, to be searched; not part of the hash."""
    size: Mapped[int]
    """Bytes kept."""
    content_sha256: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class CorrespondenceChain(TenantScoped, Base):
    """The end of a chain: its lock, and what shows that the last rows were taken away."""

    __tablename__ = "correspondence_chain"
    __table_args__ = (UniqueConstraint("tenant_id", "chain"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    chain: Mapped[str] = mapped_column(String(36))
    length: Mapped[int]
    head: Mapped[str] = mapped_column(String(64))


class Mailbox(Base):
    """How far the installation's mailbox is read. One row; it belongs to no shop."""

    __tablename__ = "mailbox"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    """Its address without user and password."""
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    read_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
