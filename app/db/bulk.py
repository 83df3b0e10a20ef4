"""Adding many rows at once: a file of a hundred thousand lines is not a hundred thousand mapped objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import Base, TenantScoped
from app.db.session import TENANT, TenantError

T = TypeVar("T")

CHUNK = 500
"""Values in one IN: far below what SQLite takes."""


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, all with the same columns, to the session's shop. Raises TenantError outside a shop or for a table of none."""
    if not rows:
        return
    tenant = session.info.get(TENANT)
    if tenant is None or not issubclass(table, TenantScoped):
        raise TenantError(f"{table.__name__} rows outside a shop")
    # With NULLs written out all rows are one statement for the driver's batch; without, each change of columns begins another.
    await session.execute(insert(table), [{**row, "tenant_id": tenant} for row in rows], execution_options={"render_nulls": True})


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The values in parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
