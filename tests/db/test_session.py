"""The walls between shops, on both databases."""

import time
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import String, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.db import session as db_session
from app.db.base import Base, TenantScoped
from app.db.reading import rows
from app.db.session import Database, TenantError
from app.db.tenants import Tenant
from tests.conftest import install


class Note(TenantScoped, Base):
    """A table of this test alone: the walls must hold for any table."""

    __tablename__ = "test_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(20))


async def test_a_shop_sees_its_own_rows_only(database: Database) -> None:
    ours, theirs = await install(database, "http://a.example/graphql/"), await install(database, "http://b.example/graphql/")
    for shop in (ours, theirs):
        async with database.tenant(shop) as session:
            session.add(Note(body=shop[:20]))
    async with database.tenant(ours) as session:
        assert [note.body for note in await session.scalars(select(Note))] == [ours[:20]]
        assert len((await session.execute(select(Note.id))).all()) == 1


async def test_no_row_is_written_into_another_shop(database: Database, tenant: str) -> None:
    with pytest.raises(TenantError, match="outside its shop"):
        async with database.tenant(tenant) as session:
            session.add(Note(body="x", tenant_id="another"))


async def test_no_query_without_a_shop(database: Database) -> None:
    async with database.system() as session:
        with pytest.raises(TenantError, match="without a shop"):
            await session.scalars(select(Note))


async def test_no_raw_sql_in_a_shops_session(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(TenantError, match="mapped"):
            await session.execute(text("SELECT * FROM test_note"))


async def test_an_exception_leaves_nothing_behind(database: Database, tenant: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.tenant(tenant) as session:
            session.add(Note(body="gone"))
            await session.flush()
            raise ZeroDivisionError
    async with database.tenant(tenant) as session:
        assert (await session.scalars(select(Note))).all() == []


async def test_a_reading_transaction_takes_no_write_lock(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as writing:
        writing.add(Note(body="new"))
        await writing.flush()
        async with database.tenant_reading(tenant) as reading:
            assert (await reading.scalars(select(Note))).all() == []
        async with database.system_reading() as reading:
            assert len((await reading.scalars(select(Tenant))).all()) == 1


async def test_errors_of_the_database_say_nothing_of_the_values(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        session.add(Note(id=1, body="first"))
    with pytest.raises(IntegrityError, match="hide_parameters") as caught:
        async with database.tenant(tenant) as session:
            session.add(Note(id=1, body="eva@acme.example"))
    assert "eva@acme.example" not in str(caught.value)


async def test_a_connection_that_the_server_closed_while_it_rested_is_made_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.url.startswith("sqlite"):
        pytest.skip("there is no server")
    async with database.system_reading() as session:
        (process,) = await session.scalars(select(func.pg_backend_pid()))
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [process])
    monkeypatch.setattr(db_session, "REST_SECONDS", 0.0)
    async with database.system_reading() as session:
        (again,) = await session.scalars(select(func.pg_backend_pid()))
    assert again != process


async def test_a_reading_session_begins_no_transaction_but_to_stream(database: Database, tenant: str) -> None:
    if database.url.startswith("sqlite"):
        pytest.skip("SQLite reads in a transaction")
    async with database.tenant_reading(tenant) as session:
        connection = (await (await session.connection()).get_raw_connection()).driver_connection
        assert connection is not None
        await session.scalars(select(Note))
        assert connection.info.transaction_status == TransactionStatus.IDLE
        assert [row async for row in rows(session, select(Note.id))] == []
        assert [row async for row in rows(session, select(Note.id))] == []
        assert connection.info.transaction_status == TransactionStatus.INTRANS
    async with database.tenant(tenant) as session:
        session.add(Note(body="new"))
        await session.flush()
        await session.rollback()
    async with database.tenant_reading(tenant) as session:
        assert (await session.scalars(select(Note))).all() == [], "writing is a transaction as before"


def test_every_sqlite_knows_the_milliseconds_that_dbos_asks_for(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/dbos.db")
    before = int(time.time())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE work (id, created_at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"))
        connection.execute(text("INSERT INTO work (id) VALUES (1)"))
        (created,) = connection.execute(text("SELECT created_at FROM work")).scalars()
    engine.dispose()
    assert before * 1000 <= created <= time.time() * 1000 + 1
