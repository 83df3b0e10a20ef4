"""Accounts, imported files, their lines with what became of them, and what was learned of payers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, case, false, func, text, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.db.base import Base, TenantScoped, new_id


class BankAccountRow(TenantScoped, Base):
    """An account of the vendor whose files are imported. A file of any other account is refused."""

    __tablename__ = "bank_account"
    __table_args__ = (UniqueConstraint("tenant_id", "identifier"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    identifier: Mapped[str] = mapped_column(String(80))
    """IBAN or account number as the bank's files name it, folded: capital letters and digits."""
    name: Mapped[str] = mapped_column(Text, default="")
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How its CSV files are read (edge case 63)."""
    added_by: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime]


class BankImport(TenantScoped, Base):
    """One file that was read. A run that ended early goes on when the same file comes again."""

    __tablename__ = "bank_import"
    __table_args__ = (Index("ix_bank_import_sha256", "tenant_id", "sha256"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    file_name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    """reading, running, done, undoing, undone or refused."""
    lines_read: Mapped[int] = mapped_column(default=0, server_default="0")
    """Lines found so far, and in the end all of them: how far a long file is, for everybody to see."""
    lines_done: Mapped[int] = mapped_column(default=0, server_default="0")
    """Lines of these that are in the books or known from before."""
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Lines by what became of them."""
    notes: Mapped[list[Any]] = mapped_column(default=list)
    """Reasons as data: gaps, overlaps, refused lines, lines that other files had and this one has not."""
    by: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(Text, default="")


class BankStatement(TenantScoped, Base):
    """A statement of one account within a file: what the next one must begin with (edge case 62)."""

    __tablename__ = "bank_statement"
    __table_args__ = (Index("ix_bank_statement_account", "tenant_id", "account_id", "closing_date"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    import_id: Mapped[str] = mapped_column(ForeignKey("bank_import.id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_account.id"))
    kind: Mapped[str] = mapped_column(String(20))
    statement_id: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(String(3))
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    opening: Mapped[str | None] = mapped_column(String(40))
    """A decimal number as text, like `BankLineRow.amount`: SQLite would make a float of it."""
    opening_date: Mapped[date | None]
    closing: Mapped[str | None] = mapped_column(String(40))
    closing_date: Mapped[date | None]
    undone: Mapped[str] = mapped_column(String(36), default="")


_IN_BATCH = text("batch IS NOT NULL")


class BankLineRow(TenantScoped, Base):
    """A line of a file, once: by its account, fingerprint and how often the file has it (edge case 60)."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account_id", "fingerprint", "occurrence", "undone", name="uq_bank_line_print"),
        Index("ix_bank_line_loose", "tenant_id", "account_id", "loose_key"),
        Index("ix_bank_line_outcome", "tenant_id", "outcome", "booking_date"),
        Index("ix_bank_line_import", "import_id", "number"),
        Index("ix_bank_line_booked", "tenant_id", "import_id", "outcome", "undone"),
        Index("ix_bank_line_amount", "tenant_id", "account_id", "amount"),
        Index(
            "ix_bank_line_batch", "tenant_id", "account_id", "booking_date", sqlite_where=_IN_BATCH, postgresql_where=_IN_BATCH
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_account.id"))
    import_id: Mapped[str] = mapped_column(ForeignKey("bank_import.id"))
    number: Mapped[int]
    """Its place among the lines of the file."""
    fingerprint: Mapped[str] = mapped_column(String(32))
    occurrence: Mapped[int]
    undone: Mapped[str] = mapped_column(String(36), default="")
    """The import's id once it was undone, so that the file can come again; else empty."""
    loose_key: Mapped[str] = mapped_column(String(80))
    booking_date: Mapped[date | None] = mapped_column()
    value_date: Mapped[date | None] = mapped_column()
    amount: Mapped[str] = mapped_column(String(40))
    """In major units, signed from our account's view: `lines.BankLine.amount` without zeros that say nothing."""
    currency: Mapped[str] = mapped_column(String(3))
    payer_name: Mapped[str | None] = mapped_column(Text)
    payer_account: Mapped[str | None] = mapped_column(Text)
    reference_structured: Mapped[str | None] = mapped_column(Text)
    reference_text: Mapped[str | None] = mapped_column(Text)
    bank_reference: Mapped[str | None] = mapped_column(Text)
    end_to_end: Mapped[str | None] = mapped_column(Text)
    transaction_code: Mapped[str | None] = mapped_column(Text)
    return_reason: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))
    reversal: Mapped[bool]
    batch: Mapped[str | None] = mapped_column(Text)
    position: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(12))
    """A `decisions.Outcome`."""
    rule: Mapped[str | None] = mapped_column(String(30))
    confidence: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    parts: Mapped[list[Any]] = mapped_column(default=list)
    """Of a proposal what would pay what: debt, minor, charge."""
    reseller_id: Mapped[str | None] = mapped_column(String(36))
    payment_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """The ledger's payment it became, or the one it took back."""
    reversed_by: Mapped[str | None] = mapped_column(String(36))
    """The line that took it back."""
    details_import_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """Of the total of a batch the file that has its payments one by one: those are the money, so it waits for nobody (59)."""
    decided_by: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    """Counts decisions; a second one on an old version is refused."""

    day: Mapped[date] = column_property(func.coalesce(booking_date, value_date, date(1970, 1, 1)), deferred=True)
    """The day by which lists sort it, of every line; read where a list asks for it."""

    __mapper_args__ = {"version_id_col": version}

    @hybrid_property
    def takes_back(self) -> bool:
        """Whether it takes another line's money back; a transfer of ours that came back is a reversal that brings money."""
        return self.reversal and self.amount.startswith("-")

    @takes_back.inplace.expression
    @classmethod
    def _takes_back(cls) -> ColumnElement[bool]:
        return case((cls.reversal & cls.amount.startswith("-"), true()), else_=false())


class LearnedPayer(TenantScoped, Base):
    """An account or name that paid for a reseller. It counts once a second person has confirmed it, until it is switched off."""

    __tablename__ = "learned_payer"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "payer"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    payer: Mapped[str] = mapped_column(Text)
    """`candidates.payer_key` of it."""
    shown: Mapped[str] = mapped_column(Text)
    """As the bank wrote it."""
    proposed_by: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(Text, default="")
    confirmed_at: Mapped[datetime | None]
    off_by: Mapped[str] = mapped_column(Text, default="")
    off_at: Mapped[datetime | None]


class FeeTolerance(TenantScoped, Base):
    """What banks may keep of a reseller's wires in one currency: of one wire, and within a year (`rules.md` 4.3)."""

    __tablename__ = "fee_tolerance"
    __table_args__ = (UniqueConstraint("tenant_id", "reseller_id", "currency"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    reseller_id: Mapped[str] = mapped_column(ForeignKey("reseller.id"))
    currency: Mapped[str] = mapped_column(String(3))
    wire_minor: Mapped[int] = mapped_column(BigInteger)
    year_minor: Mapped[int] = mapped_column(BigInteger)
    set_by: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime]
