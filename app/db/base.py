"""The declarative base, the tenant mixin and the column types every table uses."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, MetaData, String, Table, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC on every database; a naive one is a programming error (ValueError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment must carry its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


JsonData = JSON().with_variant(JSONB(), "postgresql")


def new_id() -> str:
    """A random identifier that nobody can guess (UUID4, 36 characters)."""
    return str(uuid.uuid4())


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JsonData, list[Any]: JsonData}


def partial_index(name: str, where: str, *columns: str) -> Index:
    """An index of those rows alone for which a condition holds, on both databases."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class TenantScoped:
    """A row that belongs to one shop. The session filters on and fills in `tenant_id` by itself (`db.session`)."""

    @declared_attr
    def tenant_id(cls) -> Mapped[str]:
        return mapped_column(String(36), ForeignKey("tenant.id"), index=True)


class ProgramRow(TenantScoped):
    """A row the hot path's snapshot is made of. Flushing a change of one raises the shop's `program_version` in the same
    transaction, so that every process reloads within a second (`performance.md`); nobody has to remember it."""


def program_tables() -> list[Table]:
    """Every table of the program, those first that others name; without what tests add under `test_`."""
    return [table for table in Base.metadata.sorted_tables if not table.name.startswith("test_")]
