"""Engine and sessions. A tenant session sees one shop's rows only; it cannot be opened without naming the shop."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event, update
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import LoaderCriteriaOption, ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.pool import ConnectionPoolEntry

from app.db.base import ProgramRow, TenantScoped
from app.db.tenants import Tenant

TENANT = "tenant_id"
READ_ONLY = "reseller_read_only"
RESTED_SINCE = "reseller_rested_since"
REST_SECONDS = 5.0
"""A connection that nobody used for so long may have been closed by the server or what stands between."""


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
    state.statement = state.statement.options(_only_of(tenant))


@lru_cache(maxsize=1024)
def _only_of(tenant: str) -> LoaderCriteriaOption:
    """What keeps every mapped table to one shop's rows; made once per shop, for making it costs as much as a small statement."""
    return with_loader_criteria(TenantScoped, lambda cls: cls.tenant_id == tenant, include_aliases=True)


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
        pool: dict[str, Any] = {} if sqlite else {"pool_size": 16, "max_overflow": 4}
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True, **pool)
        # A read needs no transaction on PostgreSQL, where each statement sees what is committed when it begins either way: two
        # round trips less. `reading.rows` begins one where it streams.
        self._reading: dict[str, Any] = {READ_ONLY: True} if sqlite else {READ_ONLY: True, "isolation_level": "AUTOCOMMIT"}
        if sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine.sync_engine, "checkin", _note_rest)
            event.listen(self.engine.sync_engine, "checkout", partial(_look_after_rest, self.engine.sync_engine.dialect))

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
            await session.connection(execution_options=self._reading)
            yield session

    @asynccontextmanager
    async def tenant_reading(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        """Like `tenant`, for reading only: on SQLite it takes no write lock, on PostgreSQL no statement waits for a BEGIN."""
        async with self._open({TENANT: tenant_id}) as session:
            await session.connection(execution_options=self._reading)
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


def _note_rest(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[RESTED_SINCE] = time.monotonic()


def _look_after_rest(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
    """Ask a connection that rested whether the server still knows it, and let all be made anew where it does not.

    Asking each time, as the pool would by itself, is a round trip more for every request.
    """
    since = record.info.get(RESTED_SINCE)
    if since is None or time.monotonic() - since < REST_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # The driver's own implicit BEGIN breaks savepoints; transactions are begun by _begin_sqlite instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "connect")
def _teach_sqlite_milliseconds(connection: Any, record: Any) -> None:
    """DBOS asks `unixepoch('subsec')` on Python 3.12 and newer, which SQLite before 3.42 (Debian 12's) answers with nothing.

    On every engine, for DBOS opens its own.
    """
    if sqlite3.sqlite_version_info < (3, 42) and hasattr(connection, "create_function"):
        connection.create_function("unixepoch", 1, lambda word: round(time.time(), 3) if word == "subsec" else None)


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads and then writes would otherwise fail when another one wrote in between.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READ_ONLY) else "BEGIN IMMEDIATE")
