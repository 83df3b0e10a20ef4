"""Engine and sessions. A tenant session sees one shop's rows only; it cannot be opened without naming the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria

from app.db.base import ProgramRow, TenantScoped
from app.db.tenants import Tenant

TENANT = "tenant_id"
READ_ONLY = "reseller_read_only"


class TenantError(RuntimeError):
    """A query or a row without, or across, its shop: a programming error, never shown to a caller as anything but 500."""


class ScopedSession(Session):
    """The synchronous session beneath every AsyncSession of the program; carries the tenant in `info`."""


@event.listens_for(ScopedSession, "do_orm_execute")
def _filter_by_tenant(state: ORMExecuteState) -> None:
    tenant = state.session.info.get(TENANT)
    if tenant is None:
        for mapper in state.all_mappers:
            if issubclass(mapper.class_, TenantScoped):
                raise TenantError(f"query on {mapper.class_.__name__} without a shop")
        return
    if not state.is_orm_statement:
        raise TenantError("only mapped queries are allowed in a shop's session")
    state.statement = state.statement.options(
        with_loader_criteria(TenantScoped, lambda cls: cls.tenant_id == tenant, include_aliases=True)
    )


@event.listens_for(ScopedSession, "before_flush")
def _own_new_rows(session: Session, context: UOWTransaction, instances: Any) -> None:
    tenant = session.info.get(TENANT)
    for row in session.new:
        if isinstance(row, TenantScoped):
            if row.tenant_id is None:
                row.tenant_id = tenant
            if tenant is None or row.tenant_id != tenant:
                raise TenantError(f"{type(row).__name__} row outside its shop")


@event.listens_for(ScopedSession, "after_flush")
def _raise_program_version(session: Session, context: UOWTransaction) -> None:
    changed = [row for rows in (session.new, session.dirty, session.deleted) for row in rows if isinstance(row, ProgramRow)]
    if changed:
        _bump(session, changed[0].tenant_id)


@event.listens_for(ScopedSession, "after_bulk_update")
@event.listens_for(ScopedSession, "after_bulk_delete")
def _raise_program_version_in_bulk(context: Any) -> None:
    if context.mapper is not None and issubclass(context.mapper.class_, ProgramRow):
        _bump(context.session, context.session.info[TENANT])


def _bump(session: Session, tenant_id: str) -> None:
    session.execute(
        update(Tenant).where(Tenant.id == tenant_id).values(program_version=Tenant.program_version + 1),
        execution_options={"synchronize_session": False},
    )


class Database:
    """One engine with its sessions. `url` is an SQLAlchemy async URL (`sqlite+aiosqlite:///…` or `postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Parameters are names, addresses and sealed secrets: no error may carry them into a log.
        sqlite = url.startswith("sqlite")
        # As many connections are kept as are used at once: one beyond them is made and closed each time, at a price.
        pool: dict[str, Any] = {} if sqlite else {"pool_pre_ping": True, "pool_size": 16, "max_overflow": 4}
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True, **pool)
        if sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def tenant(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """One transaction in one shop: committed at the end, rolled back on an exception."""
        async with self._open({TENANT: tenant_id}) as session:
            yield session

    @asynccontextmanager
    async def system(self) -> AsyncIterator[AsyncSession]:
        """One transaction outside any shop, for the table of shops itself; refuses every tenant-scoped table."""
        async with self._open({}) as session:
            yield session

    @asynccontextmanager
    async def system_reading(self) -> AsyncIterator[AsyncSession]:
        """Like `system`, for reading only: on SQLite it takes no write lock, so that polls keep nobody waiting."""
        async with self._open({}) as session:
            await session.connection(execution_options={READ_ONLY: True})
            yield session

    @asynccontextmanager
    async def tenant_reading(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Like `tenant`, for reading only: on SQLite it takes no write lock."""
        async with self._open({TENANT: tenant_id}) as session:
            await session.connection(execution_options={READ_ONLY: True})
            yield session

    @asynccontextmanager
    async def _open(self, info: dict[str, str]) -> AsyncIterator[AsyncSession]:
        async with (
            AsyncSession(self.engine, sync_session_class=ScopedSession, expire_on_commit=False, info=info) as session,
            session.begin(),
        ):
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # The driver's own implicit BEGIN breaks savepoints; transactions are begun by _begin_sqlite instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads and then writes would otherwise fail when another one wrote in between.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READ_ONLY) else "BEGIN IMMEDIATE")
