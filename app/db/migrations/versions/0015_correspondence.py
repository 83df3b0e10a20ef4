"""Correspondence, mail templates of the vendor's own, and the mailbox

Revision ID: 0015_correspondence
Revises: 0014_cases
"""

import sqlalchemy as sa
from alembic import op

import app.db.base

revision = "0015_correspondence"
down_revision = "0014_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("read_at", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failing_since", app.db.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "correspondence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("chain", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=True),
        sa.Column("file_id", sa.String(length=36), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("thread", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_correspondence_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correspondence")),
        sa.UniqueConstraint("tenant_id", "chain", "position", name=op.f("uq_correspondence_tenant_id_chain_position")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_correspondence_tenant_id_key")),
    )
    with op.batch_alter_table("correspondence", schema=None) as batch_op:
        batch_op.create_index("ix_correspondence_at", ["tenant_id", "at", "id"], unique=False)
        batch_op.create_index("ix_correspondence_message_id", ["tenant_id", "message_id"], unique=False)
        batch_op.create_index("ix_correspondence_sender", ["tenant_id", "sender", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_correspondence_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index("ix_correspondence_thread", ["tenant_id", "thread"], unique=False)

    op.create_table(
        "correspondence_chain",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("chain", sa.String(length=36), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_correspondence_chain_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correspondence_chain")),
        sa.UniqueConstraint("tenant_id", "chain", name=op.f("uq_correspondence_chain_tenant_id_chain")),
    )
    with op.batch_alter_table("correspondence_chain", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correspondence_chain_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "mail_template",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=254), nullable=False),
        sa.Column("set_at", app.db.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_mail_template_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_mail_template_tenant_id_name")),
    )
    with op.batch_alter_table("mail_template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_template_tenant_id"), ["tenant_id"], unique=False)

    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reseller_id", sa.String(length=36), nullable=True))
        # The default stays: code of 0014 writes mails while new processes start, and knows no threads.
        batch_op.add_column(sa.Column("thread", sa.String(length=32), nullable=False, server_default=""))
        batch_op.create_index("ix_mail_message_id", ["tenant_id", "message_id"], unique=False)
        batch_op.create_index("ix_mail_reseller", ["tenant_id", "reseller_id"], unique=False)
        batch_op.create_index("ix_mail_state", ["tenant_id", "state", "created_at"], unique=False)
        batch_op.create_index("ix_mail_thread", ["tenant_id", "thread"], unique=False)
    # Mails so far are of the reseller whose order they are about; answers to them are known by their Message-ID.
    op.execute(
        "UPDATE mail SET reseller_id = (SELECT reseller_id FROM reseller_order WHERE reseller_order.id = mail.order_id) "
        "WHERE order_id IS NOT NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_thread")
        batch_op.drop_index("ix_mail_state")
        batch_op.drop_index("ix_mail_reseller")
        batch_op.drop_index("ix_mail_message_id")
        batch_op.drop_column("thread")
        batch_op.drop_column("reseller_id")

    with op.batch_alter_table("mail_template", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_template_tenant_id"))

    op.drop_table("mail_template")
    with op.batch_alter_table("correspondence_chain", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correspondence_chain_tenant_id"))

    op.drop_table("correspondence_chain")
    with op.batch_alter_table("correspondence", schema=None) as batch_op:
        batch_op.drop_index("ix_correspondence_thread")
        batch_op.drop_index(batch_op.f("ix_correspondence_tenant_id"))
        batch_op.drop_index("ix_correspondence_sender")
        batch_op.drop_index("ix_correspondence_message_id")
        batch_op.drop_index("ix_correspondence_at")

    op.drop_table("correspondence")
    op.drop_table("mailbox")
