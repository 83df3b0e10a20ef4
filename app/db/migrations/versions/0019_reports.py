"""Sums that reports are read from

Revision ID: 0019_reports
Revises: 0018_debt_numbers
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0019_reports"
down_revision = "0018_debt_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_balance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("interest_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_balance_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_balance")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "currency", name=op.f("uq_report_balance_tenant_id_reseller_id_currency")
        ),
    )
    with op.batch_alter_table("report_balance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_balance_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "report_exempt",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("exemption", sa.String(length=20), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_exempt_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_exempt")),
        sa.UniqueConstraint(
            "tenant_id",
            "currency",
            "reseller_id",
            "month",
            "exemption",
            name=op.f("uq_report_exempt_tenant_id_currency_reseller_id_month_exemption"),
        ),
    )
    with op.batch_alter_table("report_exempt", schema=None) as batch_op:
        batch_op.create_index("ix_report_exempt_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_exempt_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "report_month",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("exempt_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_orders", sa.BigInteger(), nullable=False),
        sa.Column("late_orders", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_days", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor_days", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_month_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_month")),
        sa.UniqueConstraint(
            "tenant_id", "currency", "reseller_id", "month", name=op.f("uq_report_month_tenant_id_currency_reseller_id_month")
        ),
    )
    with op.batch_alter_table("report_month", schema=None) as batch_op:
        batch_op.create_index("ix_report_month_month", ["tenant_id", "currency", "month"], unique=False)
        batch_op.create_index("ix_report_month_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_month_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "report_open",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_open_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_open")),
        sa.UniqueConstraint(
            "tenant_id",
            "currency",
            "reseller_id",
            "due_date",
            name=op.f("uq_report_open_tenant_id_currency_reseller_id_due_date"),
        ),
    )
    with op.batch_alter_table("report_open", schema=None) as batch_op:
        batch_op.create_index("ix_report_open_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_open_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "report_state",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("as_of", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_state_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_state")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_report_state_tenant_id")),
    )
    with op.batch_alter_table("report_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_state_tenant_id"), ["tenant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("report_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_state_tenant_id"))

    op.drop_table("report_state")
    with op.batch_alter_table("report_open", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_open_tenant_id"))
        batch_op.drop_index("ix_report_open_reseller")

    op.drop_table("report_open")
    with op.batch_alter_table("report_month", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_month_tenant_id"))
        batch_op.drop_index("ix_report_month_reseller")
        batch_op.drop_index("ix_report_month_month")

    op.drop_table("report_month")
    with op.batch_alter_table("report_exempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_exempt_tenant_id"))
        batch_op.drop_index("ix_report_exempt_reseller")

    op.drop_table("report_exempt")
    with op.batch_alter_table("report_balance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_balance_tenant_id"))

    op.drop_table("report_balance")
