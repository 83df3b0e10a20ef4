"""Shops and the append-only ledger.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER ledger_item_no_{verb.lower()} BEFORE {verb} ON ledger_item "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER ledger_item_append_only BEFORE UPDATE OR DELETE ON ledger_item "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("saleor_api_url", sa.String(length=500), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("app_id", sa.String(length=100), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("jwks", app.db.base.JsonData, nullable=False),
        sa.Column("settings", app.db.base.JsonData, nullable=False),
        sa.Column("installed_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("saleor_api_url", name=op.f("uq_tenant_saleor_api_url")),
    )
    op.create_table(
        "ledger_item",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("booked_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("booked_by", sa.Text(), nullable=False),
        sa.Column("receivable_id", sa.String(length=36), nullable=True),
        sa.Column("payment_id", sa.String(length=36), nullable=True),
        sa.Column("reverses_id", sa.String(length=36), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_item.id"], name=op.f("fk_ledger_item_reverses_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_ledger_item_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_item")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_ledger_item_tenant_id_key")),
        sa.UniqueConstraint("tenant_id", "reverses_id", name=op.f("uq_ledger_item_tenant_id_reverses_id")),
    )
    with op.batch_alter_table("ledger_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_item_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_item_payment_id"), ["payment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_item_receivable_id"), ["receivable_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_item_reference"), ["reference"], unique=False)
        batch_op.create_index("ix_ledger_item_reseller", ["tenant_id", "reseller_id", "currency"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_item_tenant_id"), ["tenant_id"], unique=False)

    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("ledger_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_item_tenant_id"))
        batch_op.drop_index("ix_ledger_item_reseller")
        batch_op.drop_index(batch_op.f("ix_ledger_item_reference"))
        batch_op.drop_index(batch_op.f("ix_ledger_item_receivable_id"))
        batch_op.drop_index(batch_op.f("ix_ledger_item_payment_id"))
        batch_op.drop_index(batch_op.f("ix_ledger_item_order_id"))

    op.drop_table("ledger_item")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_append_only()")
    op.drop_table("tenant")
