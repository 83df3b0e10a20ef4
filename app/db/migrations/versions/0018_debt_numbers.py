"""An index for debts that a bank line names by the order's number: without it every batch of a file read the whole ledger

Revision ID: 0018_debt_numbers
Revises: 0017_staff_lists
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_debt_numbers"
down_revision = "0017_staff_lists"
branch_labels = None
depends_on = None

WHERE = sa.text("receivable_id IS NULL AND order_number IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_ledger_item_debt_number", "ledger_item", ["tenant_id", "order_number"], sqlite_where=WHERE, postgresql_where=WHERE
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_item_debt_number", table_name="ledger_item")
