"""Indexes of the staff's lists: each page of them costs the same however many rows there are

Revision ID: 0012_staff_pages
Revises: 0011_bank_batches
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_staff_pages"
down_revision = "0011_bank_batches"
branch_labels = None
depends_on = None

OPEN = "release_decided_at IS NULL AND canceled_at IS NULL"
INDEXES = [
    ("ix_reseller_order_open", "reseller_order", ["tenant_id", "created_at", "id"], OPEN),
    ("ix_reseller_order_open_due", "reseller_order", ["tenant_id", "due_date", "id"], OPEN),
    ("ix_reseller_order_held", "reseller_order", ["tenant_id", "id"], f"{OPEN} AND NOT audit_passed"),
    ("ix_reseller_order_po_number", "reseller_order", ["tenant_id", "po_number"], "po_number <> ''"),
    ("ix_staff_decision_hold", "staff_decision", ["tenant_id", "order_id"], "hold"),
    ("ix_staff_task_open", "staff_task", ["tenant_id", "created_at", "id"], "done_at IS NULL"),
    ("ix_staff_task_order", "staff_task", ["tenant_id", "order_id"], "order_id IS NOT NULL"),
    ("ix_ledger_item_page", "ledger_item", ["tenant_id", "reseller_id", "booked_at", "id"], None),
    ("ix_mail_recipient", "mail", ["tenant_id", "recipient", "created_at", "id"], None),
    ("ix_reseller_company", "reseller", ["tenant_id", "company", "id"], None),
    ("ix_reseller_created", "reseller", ["tenant_id", "created_at", "id"], None),
]


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        condition = sa.text(where) if where else None
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
