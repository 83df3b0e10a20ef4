"""Bank accounts, files and lines, learned payers, interest

Revision ID: 0008
Revises: 0007_api
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0008"
down_revision = "0007_api"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("identifier", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mapping", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_bank_account_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("tenant_id", "identifier", name=op.f("uq_bank_account_tenant_id_identifier")),
    )
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_account_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "bank_import",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("notes", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("started_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_bank_import_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_import")),
    )
    with op.batch_alter_table("bank_import", schema=None) as batch_op:
        batch_op.create_index("ix_bank_import_sha256", ["tenant_id", "sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_import_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "payment_reference",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=25), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("debts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_reference_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_reference")),
        sa.UniqueConstraint("tenant_id", "reference", name=op.f("uq_payment_reference_tenant_id_reference")),
    )
    with op.batch_alter_table("payment_reference", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_reference_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_reference_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "bank_line",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("undone", sa.String(length=36), nullable=False),
        sa.Column("loose_key", sa.String(length=80), nullable=False),
        sa.Column("booking_date", sa.Date(), nullable=True),
        sa.Column("value_date", sa.Date(), nullable=True),
        sa.Column("amount", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=True),
        sa.Column("payer_account", sa.Text(), nullable=True),
        sa.Column("reference_structured", sa.Text(), nullable=True),
        sa.Column("reference_text", sa.Text(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("end_to_end", sa.Text(), nullable=True),
        sa.Column("transaction_code", sa.Text(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=30), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("parts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=True),
        sa.Column("payment_id", sa.String(length=36), nullable=True),
        sa.Column("reversed_by", sa.String(length=36), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["bank_account.id"], name=op.f("fk_bank_line_account_id")),
        sa.ForeignKeyConstraint(["import_id"], ["bank_import.id"], name=op.f("fk_bank_line_import_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_bank_line_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint("tenant_id", "account_id", "fingerprint", "occurrence", "undone", name="uq_bank_line_print"),
    )
    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.create_index("ix_bank_line_amount", ["tenant_id", "account_id", "amount"], unique=False)
        batch_op.create_index("ix_bank_line_import", ["import_id", "number"], unique=False)
        batch_op.create_index("ix_bank_line_loose", ["tenant_id", "account_id", "loose_key"], unique=False)
        batch_op.create_index("ix_bank_line_outcome", ["tenant_id", "outcome", "booking_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_line_payment_id"), ["payment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_line_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "bank_statement",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("opening", sa.String(length=40), nullable=True),
        sa.Column("opening_date", sa.Date(), nullable=True),
        sa.Column("closing", sa.String(length=40), nullable=True),
        sa.Column("closing_date", sa.Date(), nullable=True),
        sa.Column("undone", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["bank_account.id"], name=op.f("fk_bank_statement_account_id")),
        sa.ForeignKeyConstraint(["import_id"], ["bank_import.id"], name=op.f("fk_bank_statement_import_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_bank_statement_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
    )
    with op.batch_alter_table("bank_statement", schema=None) as batch_op:
        batch_op.create_index("ix_bank_statement_account", ["tenant_id", "account_id", "closing_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_statement_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_statement_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "dispute",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("receivable_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["receivable_id"], ["ledger_item.id"], name=op.f("fk_dispute_receivable_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_dispute_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index("ix_dispute_receivable", ["tenant_id", "receivable_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispute_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "fee_tolerance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("wire_minor", sa.BigInteger(), nullable=False),
        sa.Column("year_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_fee_tolerance_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_fee_tolerance_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_tolerance")),
        sa.UniqueConstraint("tenant_id", "reseller_id", "currency", name=op.f("uq_fee_tolerance_tenant_id_reseller_id_currency")),
    )
    with op.batch_alter_table("fee_tolerance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fee_tolerance_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "learned_payer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("off_by", sa.Text(), nullable=False),
        sa.Column("off_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_learned_payer_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_learned_payer_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_payer")),
        sa.UniqueConstraint("tenant_id", "reseller_id", "payer", name=op.f("uq_learned_payer_tenant_id_reseller_id_payer")),
    )
    with op.batch_alter_table("learned_payer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learned_payer_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("ledger_item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("principal_id", sa.String(length=36), nullable=True))
        batch_op.create_index(batch_op.f("ix_ledger_item_principal_id"), ["principal_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("ledger_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_item_principal_id"))
        batch_op.drop_column("principal_id")

    with op.batch_alter_table("learned_payer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_learned_payer_tenant_id"))

    op.drop_table("learned_payer")
    with op.batch_alter_table("fee_tolerance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fee_tolerance_tenant_id"))

    op.drop_table("fee_tolerance")
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispute_tenant_id"))
        batch_op.drop_index("ix_dispute_receivable")

    op.drop_table("dispute")
    with op.batch_alter_table("bank_statement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_statement_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_bank_statement_import_id"))
        batch_op.drop_index("ix_bank_statement_account")

    op.drop_table("bank_statement")
    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_line_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_bank_line_payment_id"))
        batch_op.drop_index("ix_bank_line_outcome")
        batch_op.drop_index("ix_bank_line_loose")
        batch_op.drop_index("ix_bank_line_import")
        batch_op.drop_index("ix_bank_line_amount")

    op.drop_table("bank_line")
    with op.batch_alter_table("payment_reference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_reference_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_payment_reference_reseller_id"))

    op.drop_table("payment_reference")
    with op.batch_alter_table("bank_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_import_tenant_id"))
        batch_op.drop_index("ix_bank_import_sha256")

    op.drop_table("bank_import")
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_account_tenant_id"))

    op.drop_table("bank_account")
