"""Remittance advice

Revision ID: 0007_api
Revises: 0006_certificates
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0007_api"
down_revision = "0006_certificates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remittance_advice",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=254), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_remittance_advice_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_remittance_advice_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_advice")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "fingerprint", name=op.f("uq_remittance_advice_tenant_id_reseller_id_fingerprint")
        ),
    )
    with op.batch_alter_table("remittance_advice", schema=None) as batch_op:
        batch_op.create_index("ix_remittance_advice_reseller", ["tenant_id", "reseller_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_remittance_advice_tenant_id"), ["tenant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("remittance_advice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remittance_advice_tenant_id"))
        batch_op.drop_index("ix_remittance_advice_reseller")

    op.drop_table("remittance_advice")
