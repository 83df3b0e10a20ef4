"""Credit notes, and links to documents that are signed

Revision ID: 0009_credit_notes
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_credit_notes"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.add_column(sa.Column("occasion", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("corrects_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("amount_minor", sa.BigInteger(), nullable=False, server_default="0"))
        # Links given out before go on working without a signature.
        batch_op.add_column(sa.Column("signed_links", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint("uq_document_tenant_id_kind_order_id", type_="unique")
        batch_op.create_unique_constraint(
            "uq_document_tenant_id_kind_order_id_occasion", ["tenant_id", "kind", "order_id", "occasion"]
        )
        batch_op.create_foreign_key("fk_document_corrects_id", "document", ["corrects_id"], ["id"])
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.alter_column("occasion", existing_type=sa.String(length=200), server_default=None)
        batch_op.alter_column("amount_minor", existing_type=sa.BigInteger(), server_default=None)
        batch_op.alter_column("signed_links", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_constraint("fk_document_corrects_id", type_="foreignkey")
        batch_op.drop_constraint("uq_document_tenant_id_kind_order_id_occasion", type_="unique")
        batch_op.create_unique_constraint("uq_document_tenant_id_kind_order_id", ["tenant_id", "kind", "order_id"])
        for column in ("signed_links", "amount_minor", "corrects_id", "occasion"):
            batch_op.drop_column(column)
