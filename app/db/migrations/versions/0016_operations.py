"""Living workers, small indexes over what waits, and a ledger that lets a removed shop's items go

Revision ID: 0016_operations
Revises: 0015_correspondence
"""

import sqlalchemy as sa
from alembic import op

from app.db.base import UtcDateTime

revision = "0016_operations"
down_revision = "0015_correspondence"
branch_labels = None
depends_on = None

WAITING = {
    "ix_reseller_order_going": ("reseller_order", ["tenant_id", "release_decided_at"], "released_at IS NULL"),
    "ix_money_report_waiting": ("money_report", ["tenant_id", "at"], "reported_at IS NULL"),
}
REMOVED = "SELECT 1 FROM tenant WHERE tenant.id = OLD.tenant_id AND NOT tenant.active AND tenant.removed_at IS NOT NULL"
NEVER = "RAISE EXCEPTION 'the ledger is append-only'; END $$"


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    for name, (table, columns, where) in WAITING.items():
        # One that an operator built beforehand, CONCURRENTLY, stays.
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where), if_not_exists=True)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF TG_OP = 'DELETE' AND EXISTS ({REMOVED}) THEN RETURN OLD; END IF; {NEVER}"
        )
    else:
        op.execute("DROP TRIGGER IF EXISTS ledger_item_no_delete")
        op.execute(
            f"CREATE TRIGGER ledger_item_no_delete BEFORE DELETE ON ledger_item WHEN NOT EXISTS ({REMOVED}) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {NEVER}")
    else:
        op.execute("DROP TRIGGER IF EXISTS ledger_item_no_delete")
        op.execute(
            "CREATE TRIGGER ledger_item_no_delete BEFORE DELETE ON ledger_item "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
    for name, (table, _, _) in WAITING.items():
        op.drop_index(name, table_name=table)
    op.drop_table("worker")
