"""Resellers prices tax licenses documents mail orders

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.db.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("issued_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_document_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("tenant_id", "kind", "order_id", name=op.f("uq_document_tenant_id_kind_order_id")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_document_tenant_id_number")),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_document_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_document_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "document_series",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_document_series_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_series")),
        sa.UniqueConstraint("tenant_id", "series", name=op.f("uq_document_series_tenant_id_series")),
    )
    with op.batch_alter_table("document_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_document_series_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "end_customer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("saleor_user_id", sa.Text(), nullable=True),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_end_customer_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_end_customer")),
        sa.UniqueConstraint("tenant_id", "email_key", name=op.f("uq_end_customer_tenant_id_email_key")),
    )
    with op.batch_alter_table("end_customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_end_customer_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "flat_rate",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("tax_class", sa.String(length=100), nullable=False),
        sa.Column("rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_flat_rate_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flat_rate")),
        sa.UniqueConstraint("tenant_id", "country", "tax_class", name=op.f("uq_flat_rate_tenant_id_country_tax_class")),
    )
    with op.batch_alter_table("flat_rate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flat_rate_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "license",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("order_line_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("end_customer_id", sa.String(length=36), nullable=True),
        sa.Column("kid", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("state_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("issued_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_license_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_license")),
        sa.UniqueConstraint(
            "tenant_id", "order_line_id", "kind", "ordinal", name=op.f("uq_license_tenant_id_order_line_id_kind_ordinal")
        ),
    )
    with op.batch_alter_table("license", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_license_end_customer_id"), ["end_customer_id"], unique=False)
        batch_op.create_index("ix_license_order", ["tenant_id", "order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_license_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "license_key",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kid", sa.String(length=40), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("retired_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_license_key_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_license_key")),
        sa.UniqueConstraint("tenant_id", "kid", name=op.f("uq_license_key_tenant_id_kid")),
    )
    with op.batch_alter_table("license_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_license_key_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_license_key_active",
            ["tenant_id"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "mail",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_mail_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_mail_tenant_id_key")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index("ix_mail_order", ["tenant_id", "order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mail_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "policy_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_de", sa.Text(), nullable=False),
        sa.Column("sha256_en", sa.String(length=64), nullable=False),
        sa.Column("sha256_de", sa.String(length=64), nullable=False),
        sa.Column("published_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_policy_version_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_policy_version_tenant_id_version")),
    )
    with op.batch_alter_table("policy_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_version_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "price_list",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("rate", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exception_rate", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("exception_reason", sa.Text(), nullable=False),
        sa.Column("exception_expires", sa.Date(), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_list_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_price_list_tenant_id_name")),
    )
    with op.batch_alter_table("price_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_list_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "registration",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("us_state", sa.String(length=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_registration_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("tenant_id", "us_state", "valid_from", name=op.f("uq_registration_tenant_id_us_state_valid_from")),
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registration_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("street2", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=50), nullable=False),
        sa.Column("tax_number", sa.String(length=50), nullable=False),
        sa.Column("website", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("prepaid_orders", sa.Integer(), nullable=True),
        sa.Column("credit_limit_minor", sa.Integer(), nullable=True),
        sa.Column("order_limit_minor", sa.Integer(), nullable=True),
        sa.Column("limit_currency", sa.String(length=3), nullable=True),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_reseller_tenant_id_email")),
    )
    with op.batch_alter_table("reseller", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reseller_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "state_rate",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("us_state", sa.String(length=2), nullable=False),
        sa.Column("zip_code", sa.String(length=5), nullable=False),
        sa.Column("tax_class", sa.String(length=100), nullable=False),
        sa.Column("rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("imported_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_state_rate_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_rate")),
        sa.UniqueConstraint("tenant_id", "us_state", "zip_code", "tax_class", "valid_from", name="uq_state_rate_of_place"),
    )
    with op.batch_alter_table("state_rate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_state_rate_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "application",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("saleor_user_id", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("street2", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=50), nullable=False),
        sa.Column("tax_number", sa.String(length=50), nullable=False),
        sa.Column("website", sa.String(length=200), nullable=False),
        sa.Column("main_business", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=True),
        sa.Column("policy_version", sa.String(length=40), nullable=True),
        sa.Column("policy_accepted_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("policy_language", sa.String(length=2), nullable=True),
        sa.Column("policy_address", sa.String(length=45), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_application_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_application_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_email", ["tenant_id", "email"], unique=False)
        batch_op.create_index(batch_op.f("ix_application_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index("ix_application_state", ["tenant_id", "state", "submitted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_application_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_application_open",
            ["tenant_id", "saleor_user_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'submitted', 'more_information')"),
            postgresql_where=sa.text("state IN ('draft', 'submitted', 'more_information')"),
        )

    op.create_table(
        "certificate",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("form", sa.String(length=100), nullable=False),
        sa.Column("states", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=254), nullable=False),
        sa.Column("decided_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_certificate_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_certificate_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("tenant_id", "reseller_id", "number", name=op.f("uq_certificate_tenant_id_reseller_id_number")),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificate_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "payment_session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("saleor_user_id", sa.Text(), nullable=False),
        sa.Column("psp_reference", sa.Text(), nullable=False),
        sa.Column("reference", sa.String(length=25), nullable=False),
        sa.Column("terms", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("lines", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("answer", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_payment_session_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_session_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_session")),
        sa.UniqueConstraint("tenant_id", "psp_reference", name=op.f("uq_payment_session_tenant_id_psp_reference")),
        sa.UniqueConstraint("tenant_id", "transaction_id", name=op.f("uq_payment_session_tenant_id_transaction_id")),
    )
    with op.batch_alter_table("payment_session", schema=None) as batch_op:
        batch_op.create_index("ix_payment_session_source", ["tenant_id", "source_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_session_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "policy_acceptance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("accepted_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_policy_acceptance_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_policy_acceptance_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_acceptance")),
        sa.UniqueConstraint(
            "tenant_id", "reseller_id", "policy_version", name=op.f("uq_policy_acceptance_tenant_id_reseller_id_policy_version")
        ),
    )
    with op.batch_alter_table("policy_acceptance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_acceptance_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_policy_acceptance_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "price_entry",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("price_list_id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=250), nullable=False),
        sa.Column("rate", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("minimum_quantity", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_list_id"], ["price_list.id"], name=op.f("fk_price_entry_price_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_entry_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_entry")),
        sa.UniqueConstraint(
            "price_list_id", "scope", "target", "minimum_quantity", "currency", "valid_from", name="uq_price_entry_of_list"
        ),
    )
    with op.batch_alter_table("price_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_entry_price_list_id"), ["price_list_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_entry_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "price_list_assignment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("price_list_id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["price_list_id"], ["price_list.id"], name=op.f("fk_price_list_assignment_price_list_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_price_list_assignment_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_price_list_assignment_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list_assignment")),
        sa.UniqueConstraint("tenant_id", "reseller_id", name=op.f("uq_price_list_assignment_tenant_id_reseller_id")),
    )
    with op.batch_alter_table("price_list_assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_list_assignment_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller_history",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reseller_history_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_history_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_history")),
    )
    with op.batch_alter_table("reseller_history", schema=None) as batch_op:
        batch_op.create_index("ix_reseller_history_reseller", ["tenant_id", "reseller_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_history_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller_user",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=False),
        sa.Column("saleor_user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reseller_user_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_user_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_user")),
        sa.UniqueConstraint("tenant_id", "saleor_user_id", name=op.f("uq_reseller_user_tenant_id_saleor_user_id")),
    )
    with op.batch_alter_table("reseller_user", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reseller_user_reseller_id"), ["reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_user_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "application_history",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("application_id", sa.String(length=36), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_application_history_application_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_application_history_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_history")),
    )
    with op.batch_alter_table("application_history", schema=None) as batch_op:
        batch_op.create_index("ix_application_history_application", ["tenant_id", "application_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_application_history_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "reseller_order",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("saleor_order_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.String(length=36), nullable=True),
        sa.Column("payment_session_id", sa.String(length=36), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.String(length=20), nullable=False),
        sa.Column("order_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=25), nullable=False),
        sa.Column("po_number", sa.Text(), nullable=False),
        sa.Column("bill_to", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("ship_to", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("end_customer_email", sa.Text(), nullable=False),
        sa.Column("end_customer_id", sa.String(length=36), nullable=True),
        sa.Column("audit_passed", sa.Boolean(), nullable=False),
        sa.Column("audit", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("release_decided_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "release_reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("released_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("fulfilled_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["end_customer_id"], ["end_customer.id"], name=op.f("fk_reseller_order_end_customer_id")),
        sa.ForeignKeyConstraint(
            ["payment_session_id"], ["payment_session.id"], name=op.f("fk_reseller_order_payment_session_id")
        ),
        sa.ForeignKeyConstraint(["reseller_id"], ["reseller.id"], name=op.f("fk_reseller_order_reseller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reseller_order_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_order")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_reseller_order_tenant_id_number")),
        sa.UniqueConstraint("tenant_id", "reference", name=op.f("uq_reseller_order_tenant_id_reference")),
        sa.UniqueConstraint("tenant_id", "saleor_order_id", name=op.f("uq_reseller_order_tenant_id_saleor_order_id")),
    )
    with op.batch_alter_table("reseller_order", schema=None) as batch_op:
        batch_op.create_index("ix_reseller_order_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reseller_order_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_reseller_order_po_number",
            ["tenant_id", "reseller_id", "po_number"],
            unique=True,
            sqlite_where=sa.text("po_number <> ''"),
            postgresql_where=sa.text("po_number <> ''"),
        )

    op.create_table(
        "money_report",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("ledger_item_id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("psp_reference", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reported_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["ledger_item_id"], ["ledger_item.id"], name=op.f("fk_money_report_ledger_item_id")),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_money_report_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_money_report_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_report")),
        sa.UniqueConstraint("tenant_id", "ledger_item_id", name=op.f("uq_money_report_tenant_id_ledger_item_id")),
        sa.UniqueConstraint("tenant_id", "psp_reference", name=op.f("uq_money_report_tenant_id_psp_reference")),
    )
    with op.batch_alter_table("money_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_money_report_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_money_report_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "order_event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("what", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_order_event_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_order_event_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
        sa.UniqueConstraint("tenant_id", "order_id", "key", name=op.f("uq_order_event_tenant_id_order_id_key")),
    )
    with op.batch_alter_table("order_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_event_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_order_event_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "order_line",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("saleor_line_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("retail_minor", sa.BigInteger(), nullable=False),
        sa.Column("unit_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("certificate_id", sa.String(length=36), nullable=True),
        sa.Column("certificate_number", sa.Text(), nullable=False),
        sa.Column("price_list_version", sa.Integer(), nullable=True),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column(
            "license_policy",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_order_line_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_line_order_id_position")),
        sa.UniqueConstraint("tenant_id", "saleor_line_id", name=op.f("uq_order_line_tenant_id_saleor_line_id")),
    )
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_line_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_order_line_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "refund_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("psp_reference", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("requested_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_refund_request_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_refund_request_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_request")),
        sa.UniqueConstraint("tenant_id", "psp_reference", name=op.f("uq_refund_request_tenant_id_psp_reference")),
    )
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_request_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_request_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "staff_decision",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_staff_decision_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_staff_decision_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_decision")),
    )
    with op.batch_alter_table("staff_decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_decision_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_staff_decision_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "staff_task",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("created_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("told_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["reseller_order.id"], name=op.f("fk_staff_task_order_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_staff_task_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_task")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_staff_task_tenant_id_key")),
    )
    with op.batch_alter_table("staff_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_task_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("program_version", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("reconciled_to", app.db.base.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.drop_column("reconciled_to")
        batch_op.drop_column("program_version")

    with op.batch_alter_table("staff_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_task_tenant_id"))

    op.drop_table("staff_task")
    with op.batch_alter_table("staff_decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_decision_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_staff_decision_order_id"))

    op.drop_table("staff_decision")
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_request_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_refund_request_order_id"))

    op.drop_table("refund_request")
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_line_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_order_line_order_id"))

    op.drop_table("order_line")
    with op.batch_alter_table("order_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_event_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_order_event_order_id"))

    op.drop_table("order_event")
    with op.batch_alter_table("money_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_money_report_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_money_report_order_id"))

    op.drop_table("money_report")
    with op.batch_alter_table("reseller_order", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_reseller_order_po_number", sqlite_where=sa.text("po_number <> ''"), postgresql_where=sa.text("po_number <> ''")
        )
        batch_op.drop_index(batch_op.f("ix_reseller_order_tenant_id"))
        batch_op.drop_index("ix_reseller_order_reseller")

    op.drop_table("reseller_order")
    with op.batch_alter_table("application_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_history_tenant_id"))
        batch_op.drop_index("ix_application_history_application")

    op.drop_table("application_history")
    with op.batch_alter_table("reseller_user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_user_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_reseller_user_reseller_id"))

    op.drop_table("reseller_user")
    with op.batch_alter_table("reseller_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_history_tenant_id"))
        batch_op.drop_index("ix_reseller_history_reseller")

    op.drop_table("reseller_history")
    with op.batch_alter_table("price_list_assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_list_assignment_tenant_id"))

    op.drop_table("price_list_assignment")
    with op.batch_alter_table("price_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_entry_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_price_entry_price_list_id"))

    op.drop_table("price_entry")
    with op.batch_alter_table("policy_acceptance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_acceptance_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_policy_acceptance_reseller_id"))

    op.drop_table("policy_acceptance")
    with op.batch_alter_table("payment_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_session_tenant_id"))
        batch_op.drop_index("ix_payment_session_source")

    op.drop_table("payment_session")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_certificate_reseller_id"))

    op.drop_table("certificate")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_application_open",
            sqlite_where=sa.text("state IN ('draft', 'submitted', 'more_information')"),
            postgresql_where=sa.text("state IN ('draft', 'submitted', 'more_information')"),
        )
        batch_op.drop_index(batch_op.f("ix_application_tenant_id"))
        batch_op.drop_index("ix_application_state")
        batch_op.drop_index(batch_op.f("ix_application_reseller_id"))
        batch_op.drop_index("ix_application_email")

    op.drop_table("application")
    with op.batch_alter_table("state_rate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_state_rate_tenant_id"))

    op.drop_table("state_rate")
    with op.batch_alter_table("reseller", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reseller_tenant_id"))

    op.drop_table("reseller")
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registration_tenant_id"))

    op.drop_table("registration")
    with op.batch_alter_table("price_list", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_list_tenant_id"))

    op.drop_table("price_list")
    with op.batch_alter_table("policy_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_version_tenant_id"))

    op.drop_table("policy_version")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_tenant_id"))
        batch_op.drop_index("ix_mail_order")

    op.drop_table("mail")
    with op.batch_alter_table("license_key", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_license_key_active", sqlite_where=sa.text("retired_at IS NULL"), postgresql_where=sa.text("retired_at IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_license_key_tenant_id"))

    op.drop_table("license_key")
    with op.batch_alter_table("license", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_license_tenant_id"))
        batch_op.drop_index("ix_license_order")
        batch_op.drop_index(batch_op.f("ix_license_end_customer_id"))

    op.drop_table("license")
    with op.batch_alter_table("flat_rate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flat_rate_tenant_id"))

    op.drop_table("flat_rate")
    with op.batch_alter_table("end_customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_end_customer_tenant_id"))

    op.drop_table("end_customer")
    with op.batch_alter_table("document_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_series_tenant_id"))

    op.drop_table("document_series")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_document_order_id"))

    op.drop_table("document")
