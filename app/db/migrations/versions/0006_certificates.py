"""Files and certificates

Revision ID: 0006_certificates
Revises: 0005_customers
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0006_certificates"
down_revision = "0005_customers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_import",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_rate_import_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_import")),
    )
    with op.batch_alter_table("rate_import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rate_import_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "stored_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=True),
        sa.Column("application_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("uploaded_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_stored_file_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_file_key")),
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index("ix_stored_file_application", ["tenant_id", "application_id"], unique=False)
        batch_op.create_index("ix_stored_file_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index("ix_stored_file_state", ["tenant_id", "state", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("file_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("replaces_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("created_by", sa.String(length=254), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("review_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.drop_constraint(batch_op.f("uq_certificate_tenant_id_reseller_id_number"), type_="unique")
        batch_op.create_index("ix_certificate_state", ["tenant_id", "state", "valid_to"], unique=False)
        batch_op.create_index(
            "uq_certificate_pending",
            ["tenant_id", "reseller_id", "number"],
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_certificate_file_id"), "stored_file", ["file_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_certificate_replaces_id"), "certificate", ["replaces_id"], ["id"])

    # The rows that were there have their values now; new ones get them from the program.
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.alter_column("created_by", existing_type=sa.String(length=254), server_default=None)
        batch_op.alter_column("reason", existing_type=sa.Text(), server_default=None)
        batch_op.alter_column("version", existing_type=sa.Integer(), server_default=None)

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.create_index("ix_order_line_certificate", ["tenant_id", "certificate_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_index("ix_order_line_certificate")

    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_certificate_replaces_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_certificate_file_id"), type_="foreignkey")
        batch_op.drop_index(
            "uq_certificate_pending", sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'")
        )
        batch_op.drop_index("ix_certificate_state")
        batch_op.create_unique_constraint(
            batch_op.f("uq_certificate_tenant_id_reseller_id_number"), ["tenant_id", "reseller_id", "number"]
        )
        batch_op.drop_column("version")
        batch_op.drop_column("review_on")
        batch_op.drop_column("reason")
        batch_op.drop_column("created_by")
        batch_op.drop_column("replaces_id")
        batch_op.drop_column("file_id")

    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_file_tenant_id"))
        batch_op.drop_index("ix_stored_file_state")
        batch_op.drop_index("ix_stored_file_reseller")
        batch_op.drop_index("ix_stored_file_application")

    op.drop_table("stored_file")
    with op.batch_alter_table("rate_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rate_import_tenant_id"))

    op.drop_table("rate_import")
