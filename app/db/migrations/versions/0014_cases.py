"""Cases

Revision ID: 0014_cases
Revises: 0013_refunds
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0014_cases"
down_revision = "0013_refunds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reseller_case",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reseller_case_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_case_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_case")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_reseller_case_tenant_id_number")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "fingerprint", name=op.f("uq_reseller_case_tenant_id_reseller_id_fingerprint")
        ),
    )
    with op.batch_alter_table("reseller_case", schema=None) as batch_op:
        batch_op.create_index("ix_reseller_case_page", ["tenant_id", "reseller_id", "opened_at", "id"], unique=False)
        batch_op.create_index("ix_reseller_case_state", ["tenant_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_case_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "support_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("customer", sa.String(length=256), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("attested_by", sa.Text(), nullable=False),
        sa.Column("attested_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("forum_url", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_support_request_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_support_request_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_request")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "fingerprint", name=op.f("uq_support_request_tenant_id_reseller_id_fingerprint")
        ),
    )
    with op.batch_alter_table("support_request", schema=None) as batch_op:
        batch_op.create_index("ix_support_request_page", ["tenant_id", "reseller_id", "attested_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_support_request_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller_case_entry",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("from_staff", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["reseller_case.id"], name=op.f("fk_reseller_case_entry_case_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_case_entry_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_case_entry")),
        sa.UniqueConstraint(
            "tenant_id", "case_id", "fingerprint", name=op.f("uq_reseller_case_entry_tenant_id_case_id_fingerprint")
        ),
    )
    with op.batch_alter_table("reseller_case_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reseller_case_entry_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_case_entry_tenant_id"), ["tenant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reseller_case_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_case_entry_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_reseller_case_entry_case_id"))

    op.drop_table("reseller_case_entry")
    with op.batch_alter_table("support_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_support_request_tenant_id"))
        batch_op.drop_index("ix_support_request_page")

    op.drop_table("support_request")
    with op.batch_alter_table("reseller_case", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_case_tenant_id"))
        batch_op.drop_index("ix_reseller_case_state")
        batch_op.drop_index("ix_reseller_case_page")

    op.drop_table("reseller_case")
