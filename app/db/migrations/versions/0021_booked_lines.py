"""An index for how much of a bank file is booked now: counting read the lines of all files, 0.2 s of 400,000

Revision ID: 0021_booked_lines
Revises: 0020_retention
"""

from alembic import op

revision = "0021_booked_lines"
down_revision = "0020_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_bank_line_booked", "bank_line", ["tenant_id", "import_id", "outcome", "undone"])


def downgrade() -> None:
    op.drop_index("ix_bank_line_booked", table_name="bank_line")
