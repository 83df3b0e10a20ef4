"""An index for the order of a payment session: without it each session that is forgotten reads all orders

Revision ID: 0020_retention
Revises: 0019_reports
"""

from alembic import op

revision = "0020_retention"
down_revision = "0019_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_reseller_order_payment_session_id", "reseller_order", ["payment_session_id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("ix_reseller_order_payment_session_id", table_name="reseller_order")
