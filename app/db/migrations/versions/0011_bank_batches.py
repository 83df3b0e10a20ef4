"""Bank batches, and how far a file is

Revision ID: 0011_bank_batches
Revises: 0010_statements
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_bank_batches"
down_revision = "0010_statements"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bank_import", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lines_read", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("lines_done", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("details_import_id", sa.String(length=36), nullable=True))
        batch_op.create_index(
            "ix_bank_line_batch",
            ["tenant_id", "account_id", "booking_date"],
            unique=False,
            sqlite_where=sa.text("batch IS NOT NULL"),
            postgresql_where=sa.text("batch IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_bank_line_details_import_id"), ["details_import_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_line_details_import_id"))
        batch_op.drop_index(
            "ix_bank_line_batch",
            sqlite_where=sa.text("batch IS NOT NULL"),
            postgresql_where=sa.text("batch IS NOT NULL"),
        )
        batch_op.drop_column("details_import_id")

    with op.batch_alter_table("bank_import", schema=None) as batch_op:
        batch_op.drop_column("lines_done")
        batch_op.drop_column("lines_read")
