"""Statements

Revision ID: 0010_statements
Revises: 0009_credit_notes
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0010_statements"
down_revision = "0009_credit_notes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statement_run",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("snapshot_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("asked_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_statement_run_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_run")),
        sa.UniqueConstraint("tenant_id", "period", name=op.f("uq_statement_run_tenant_id_period")),
    )
    with op.batch_alter_table("statement_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statement_run_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reminder",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("receivable_id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["receivable_id"], ["ledger_item.id"], name=op.f("fk_reminder_receivable_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reminder_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reminder_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("tenant_id", "receivable_id", "rung", name=op.f("uq_reminder_tenant_id_receivable_id_rung")),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reminder_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reminder_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "statement",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=25), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("to_pay_minor", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=True),
        sa.Column("csv", sa.LargeBinary(), nullable=True),
        sa.Column("csv_sha256", sa.String(length=64), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_statement_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_statement_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_statement_tenant_id_number")),
        sa.UniqueConstraint("tenant_id", "reference", name=op.f("uq_statement_tenant_id_reference")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "period", "currency", name=op.f("uq_statement_tenant_id_reseller_id_period_currency")
        ),
    )
    with op.batch_alter_table("statement", schema=None) as batch_op:
        batch_op.create_index("ix_statement_page", ["tenant_id", "reseller_id", "created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_statement_tenant_id"), ["tenant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("statement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statement_tenant_id"))
        batch_op.drop_index("ix_statement_page")

    op.drop_table("statement")
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reminder_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_reminder_reseller_id"))

    op.drop_table("reminder")
    with op.batch_alter_table("statement_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statement_run_tenant_id"))

    op.drop_table("statement_run")
