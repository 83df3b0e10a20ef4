"""Alembic's entry: runs on the connection that `app.db.migrate` hands over, never opens one of its own."""

from alembic import context
from sqlalchemy import Connection

from app.db.base import Base
from app.db.migrate import is_ours

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_object=is_ours,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
