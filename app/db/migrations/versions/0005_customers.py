"""Claims of licenses, and the indexes of pages by time.

Revision ID: 0005_customers
Revises: 0004_price_lists
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0005_customers"
down_revision = "0004_price_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "license_claim",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("saleor_user_id", sa.Text(), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_license_claim_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_license_claim_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_license_claim")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("uq_license_claim_tenant_id_token_hash")),
    )
    with op.batch_alter_table("license_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_license_claim_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_license_claim_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_license_claim_open",
            ["tenant_id", "order_id"],
            unique=True,
            sqlite_where=sa.text("claimed_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("claimed_at IS NULL AND withdrawn_at IS NULL"),
        )

    with op.batch_alter_table("end_customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_asked_at", app.db.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table("license", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_license_end_customer_id"))
        batch_op.create_index("ix_license_page", ["tenant_id", "end_customer_id", "issued_at", "id"], unique=False)

    with op.batch_alter_table("reseller_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_order_reseller"))
        batch_op.create_index("ix_reseller_order_end_customer", ["tenant_id", "end_customer_id"], unique=False)
        batch_op.create_index("ix_reseller_order_page", ["tenant_id", "reseller_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reseller_order", schema=None) as batch_op:
        batch_op.drop_index("ix_reseller_order_page")
        batch_op.drop_index("ix_reseller_order_end_customer")
        batch_op.create_index(batch_op.f("ix_reseller_order_reseller"), ["tenant_id", "reseller_id"], unique=False)

    with op.batch_alter_table("license", schema=None) as batch_op:
        batch_op.drop_index("ix_license_page")
        batch_op.create_index(batch_op.f("ix_license_end_customer_id"), ["end_customer_id"], unique=False)

    with op.batch_alter_table("end_customer", schema=None) as batch_op:
        batch_op.drop_column("account_asked_at")

    with op.batch_alter_table("license_claim", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_license_claim_open",
            sqlite_where=sa.text("claimed_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("claimed_at IS NULL AND withdrawn_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_license_claim_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_license_claim_order_id"))

    op.drop_table("license_claim")
