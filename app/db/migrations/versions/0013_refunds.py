"""Refunds on a list of their own with their SEPA files, and disputes with what they came to

Revision ID: 0013_refunds
Revises: 0012_staff_pages
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0013_refunds"
down_revision = "0012_staff_pages"
branch_labels = None
depends_on = None

# What code of 0012 leaves out when it writes a row: it goes on while new processes start.
TEXTS = {
    "requested_by": "Saleor",
    "reason": "",
    "beneficiary": "",
    "done_by": "",
    "bank_reference": "",
    "canceled_by": "",
    "cancel_reason": "",
}
REFERENCE = {
    "postgresql": "'REFUND' || upper(substr(replace(CAST(gen_random_uuid() AS text), '-', ''), 1, 29))",
    "sqlite": "('REFUND' || hex(randomblob(14)))",
}


def upgrade() -> None:
    op.create_table(
        "refund_export",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=35), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_refund_export_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_export")),
        sa.UniqueConstraint("tenant_id", "message_id", name=op.f("uq_refund_export_tenant_id_message_id")),
    )
    with op.batch_alter_table("refund_export", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_export_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.add_column(sa.Column("close_reason", sa.Text(), nullable=False, server_default=""))
        batch_op.create_index(
            "uq_dispute_open",
            ["tenant_id", "receivable_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reseller_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("reference", sa.String(length=35), nullable=True))
        batch_op.add_column(sa.Column("iban", sa.String(length=34), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("export_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("canceled_at", app.db.base.UtcDateTime(timezone=True), nullable=True))
        for name, instead in TEXTS.items():
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=instead))
    op.execute(
        "UPDATE refund_request SET reference = 'REFUND' || upper(substr(replace(id, '-', ''), 1, 29)), "
        "reseller_id = (SELECT reseller_id FROM reseller_order WHERE reseller_order.id = refund_request.order_id)"
    )
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        # Existing rows have theirs before the column must have one; a row written by older code gets one of its own.
        batch_op.alter_column(
            "reference",
            existing_type=sa.String(length=35),
            nullable=False,
            server_default=sa.text(REFERENCE[op.get_bind().dialect.name]),
        )
        batch_op.alter_column("order_id", existing_type=sa.String(length=36), nullable=True)
        batch_op.create_index("ix_refund_request_export", ["export_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_request_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_refund_request_tenant_id_reference"), ["tenant_id", "reference"])
        batch_op.create_foreign_key(batch_op.f("fk_refund_request_reseller_id"), "reseller", ["reseller_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_refund_request_export_id"), "refund_export", ["export_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_refund_request_export_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_refund_request_reseller_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_refund_request_tenant_id_reference"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_refund_request_reseller_id"))
        batch_op.drop_index("ix_refund_request_export")
    op.execute("DELETE FROM refund_request WHERE order_id IS NULL")
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.alter_column("order_id", existing_type=sa.String(length=36), nullable=False)
        for name in (*TEXTS, "canceled_at", "export_id", "iban", "reference", "reseller_id"):
            batch_op.drop_column(name)

    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.drop_index("uq_dispute_open")
        batch_op.drop_column("close_reason")

    with op.batch_alter_table("refund_export", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_export_tenant_id"))
    op.drop_table("refund_export")
