"""Roles and invitations of users, product listings, acknowledged price changes

Revision ID: 0003_people
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0003_people"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_change_acknowledgement",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("change_id", sa.String(length=100), nullable=False),
        sa.Column("acknowledged_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_price_change_acknowledgement_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_change_acknowledgement_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change_acknowledgement")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "change_id", name=op.f("uq_price_change_acknowledgement_tenant_id_reseller_id_change_id")
        ),
    )
    with op.batch_alter_table("price_change_acknowledgement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_change_acknowledgement_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_change_acknowledgement_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "product_listing",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("added_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=254), nullable=False),
        sa.Column("checked_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("verified_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "problem",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_product_listing_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_product_listing_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_listing")),
        sa.UniqueConstraint("tenant_id", "reseller_id", "url", name=op.f("uq_product_listing_tenant_id_reseller_id_url")),
    )
    with op.batch_alter_table("product_listing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_listing_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_listing_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller_invitation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=100), nullable=True),
        sa.Column("withdrawn_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reseller_invitation_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_invitation_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_invitation")),
        sa.UniqueConstraint("tenant_id", "token_sha256", name=op.f("uq_reseller_invitation_tenant_id_token_sha256")),
    )
    with op.batch_alter_table("reseller_invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reseller_invitation_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_invitation_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_reseller_invitation_open",
            ["tenant_id", "reseller_id", "email"],
            unique=True,
            sqlite_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
        )

    with op.batch_alter_table("reseller_user", schema=None) as batch_op:
        # Whoever is a user so far may do everything, and goes on so.
        batch_op.add_column(sa.Column("role", sa.String(length=10), nullable=False, server_default="owner"))

    with op.batch_alter_table("reseller_user", schema=None) as batch_op:
        batch_op.alter_column("role", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("reseller_user", schema=None) as batch_op:
        batch_op.drop_column("role")

    with op.batch_alter_table("reseller_invitation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_reseller_invitation_open",
            sqlite_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_reseller_invitation_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_reseller_invitation_reseller_id"))

    op.drop_table("reseller_invitation")
    with op.batch_alter_table("product_listing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_listing_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_product_listing_reseller_id"))

    op.drop_table("product_listing")
    with op.batch_alter_table("price_change_acknowledgement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_change_acknowledgement_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_price_change_acknowledgement_reseller_id"))

    op.drop_table("price_change_acknowledgement")
