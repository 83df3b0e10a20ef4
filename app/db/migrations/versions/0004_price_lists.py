"""Versions of price lists, planned changes, and the list on an order line

Revision ID: 0004_price_lists
Revises: 0003_people
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0004_price_lists"
down_revision = "0003_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_change",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("price_list_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("announce_on", sa.Date(), nullable=False),
        sa.Column("short_notice", sa.Boolean(), nullable=False),
        sa.Column("planned_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("announced_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("canceled_by", sa.Text(), nullable=False),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("in_force_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["price_list_id"], ["price_list.id"], name=op.f("fk_price_change_price_list_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_change_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change")),
    )
    with op.batch_alter_table("price_change", schema=None) as batch_op:
        batch_op.create_index("ix_price_change_state", ["tenant_id", "state", "effective_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_change_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_price_change_planned",
            ["price_list_id", "effective_on"],
            unique=True,
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )

    op.create_table(
        "price_change_notice",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("price_change_id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("told_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("retracted_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["price_change_id"], ["price_change.id"], name=op.f("fk_price_change_notice_price_change_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_price_change_notice_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_change_notice_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change_notice")),
        sa.UniqueConstraint("price_change_id", "reseller_id", name=op.f("uq_price_change_notice_price_change_id_reseller_id")),
    )
    with op.batch_alter_table("price_change_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_change_notice_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_change_notice_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "price_list_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("price_list_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("price_change_id", sa.String(length=36), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["price_change_id"], ["price_change.id"], name=op.f("fk_price_list_version_price_change_id")),
        sa.ForeignKeyConstraint(["price_list_id"], ["price_list.id"], name=op.f("fk_price_list_version_price_list_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_list_version_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list_version")),
        sa.UniqueConstraint("price_list_id", "version", name=op.f("uq_price_list_version_price_list_id_version")),
        sa.UniqueConstraint("tenant_id", "price_change_id", name=op.f("uq_price_list_version_tenant_id_price_change_id")),
    )
    with op.batch_alter_table("price_list_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_list_version_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("price_list_id", sa.String(length=36), nullable=True))

    with op.batch_alter_table("price_list", schema=None) as batch_op:
        batch_op.add_column(sa.Column("exception_by", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("price_list", schema=None) as batch_op:
        batch_op.drop_column("exception_by")

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_column("price_list_id")

    with op.batch_alter_table("price_list_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_list_version_tenant_id"))

    op.drop_table("price_list_version")
    with op.batch_alter_table("price_change_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_change_notice_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_price_change_notice_reseller_id"))

    op.drop_table("price_change_notice")
    with op.batch_alter_table("price_change", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_price_change_planned", sqlite_where=sa.text("state = 'planned'"), postgresql_where=sa.text("state = 'planned'")
        )
        batch_op.drop_index(batch_op.f("ix_price_change_tenant_id"))
        batch_op.drop_index("ix_price_change_state")

    op.drop_table("price_change")
