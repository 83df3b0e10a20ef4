"""Indexes for what staff look through: licenses by state, SKU and key, statements by month, reminders

Revision ID: 0017_staff_lists
Revises: 0016_operations
"""

from alembic import op

revision = "0017_staff_lists"
down_revision = "0016_operations"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_license_issued", "license", ["tenant_id", "issued_at", "id"]),
    ("ix_license_state", "license", ["tenant_id", "state", "issued_at", "id"]),
    ("ix_license_sku", "license", ["tenant_id", "sku", "issued_at", "id"]),
    ("ix_license_kid", "license", ["tenant_id", "kid", "issued_at", "id"]),
    ("ix_statement_created", "statement", ["tenant_id", "created_at", "id"]),
    ("ix_statement_period", "statement", ["tenant_id", "period", "created_at", "id"]),
    ("ix_reminder_at", "reminder", ["tenant_id", "at", "id"]),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
