"""Fixtures all tests share: a fresh database per test on SQLite and PostgreSQL, one shop in it, a fixed clock."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import hypothesis
import psycopg
import pytest
from coverage import Coverage
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

import app
from app import logs
from app.db.base import Base
from app.db.session import Database
from app.db.tenants import Tenant

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TESTS = Path(__file__).parent
POSTGRES_HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)

# Thousands of tests leave much behind, and walking it again and again was a fifth of the time; what was there before stays.
gc.set_threshold(100_000, 50, 100)

# Each test has engines of its own, which would compile every statement anew: nearly half of the time of most. Dialects of one
# kind compile alike here, so all engines share what is compiled.
_compiled: LRUCache[object, object] = LRUCache(10_000)
Engine._compiled_cache = property(lambda engine: _compiled, lambda engine, own: None)  # type: ignore[assignment]
for _dialect in (PGDialect_psycopg, PGDialectAsync_psycopg, SQLiteDialect_pysqlite, SQLiteDialect_aiosqlite):
    _dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    _dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]

# An example that is slow on a busy machine is not wrong.
hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")

logs.configure()
_counting = Coverage.current()
_counted = tuple(_counting.config.source or ()) if _counting else ()
for _module in pkgutil.walk_packages(app.__path__, "app."):
    if _module.name.endswith("tables") or _module.name.startswith(_counted):
        importlib.import_module(_module.name)
if _counting:  # what runs when a module is imported is counted now; collecting thousands of tests is not what is to be counted
    _counting.stop()


LONG = ("tests/browser/", "tests/cli/", "tests/faults/", "tests/journeys/", "tests/ledger/test_balances.py")
"""Where the tests are that take seconds each, some of them a minute."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each of many processes begin with its part of the long tests, so that none has one left when the others are done.

    Each is given an equal piece of the list (and takes from others' ends later); the browser's tests share a world by module.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers == 1:
        return
    long = [item for item in items if item.nodeid.startswith(LONG)]
    short = iter([item for item in items if not item.nodeid.startswith(LONG)])
    units: dict[str, list[pytest.Item]] = {}
    for item in long:
        units.setdefault(item.nodeid.split("::")[0] if "/browser/" in item.nodeid else item.nodeid, []).append(item)
    left, dealt = len(items), []
    for worker in range(workers):
        piece = [item for unit in list(units.values())[worker::workers] for item in unit]
        size = left // (workers - worker)
        piece += islice(short, max(0, size - len(piece)))
        dealt += piece
        left -= size
    items[:] = [*dealt, *short]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count lines while tests of the business rooms run, and of what leads to them by commands, pages and stories.

    Counting takes as long again as a test, and the processes that are killed at every step never leave a count behind.
    """
    room = item.path.relative_to(TESTS).parts[0].removeprefix("test_").removesuffix(".py")
    if _counting and (f"app.{room}" in _counted or room in ("cli", "journeys", "web")):
        _counting.start()
        try:
            return (yield)
        finally:
            _counting.stop()
    inherited = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_PROCESS")}
    try:
        return (yield)
    finally:
        os.environ.update(inherited)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server to create databases in: TEST_POSTGRES_URL, or a private one from binaries found here; skipped without either."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    home = next(iter(POSTGRES_HOMES), None) or (Path(found).parent if (found := shutil.which("initdb")) else None)
    if home is None:
        pytest.skip("PostgreSQL is not installed and TEST_POSTGRES_URL is not set")
    directory = Path(tempfile.mkdtemp(prefix="reseller-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:  # a free one: others run tests on this machine, and ports of theirs may be anywhere
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = directory / "data"
    subprocess.run(
        [*as_user, str(home / "initdb"), "-D", str(data), "-U", "test", "-A", "trust"], check=True, capture_output=True, cwd="/"
    )
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={directory} -c fsync=off"
    control = [*as_user, str(home / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run(
        [*control, "-l", str(directory / "log"), "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/"
    )
    yield f"postgresql://test@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    shutil.rmtree(directory)


@contextmanager
def postgres_database(server: str, template: str = "template1") -> Iterator[str]:
    """A database on the server, a copy of another one, dropped at the end; its URL for the app."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # type: ignore[call-overload, unused-ignore]
    yield server.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload, unused-ignore]


def _create_tables(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no row: a copy of it takes a hundredth of the time of making them."""
    path = tmp_path_factory.mktemp("tables") / "reseller.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_tables(postgres_url: str) -> Iterator[str]:
    """The name of a PostgreSQL database with all tables and no row, to be copied."""
    with postgres_database(postgres_url) as url:
        _create_tables(url)
        yield url.rsplit("/", 1)[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own for each test: empty, or with all tables where the test asks for `database`."""
    tables = "database" in request.fixturenames
    if request.param == "sqlite":
        if tables:
            shutil.copyfile(request.getfixturevalue("sqlite_tables"), tmp_path / "reseller.db")
        yield f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
        return
    server: str = request.getfixturevalue("postgres_url")
    template: str = request.getfixturevalue("postgres_tables") if tables else "template1"
    with postgres_database(server, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database, with all tables."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def tenant(database: Database) -> str:
    """The id of an installed shop."""
    return await install(database, "http://shop.example/graphql/")


async def install(database: Database, api_url: str) -> str:
    row = Tenant(saleor_api_url=api_url, domain=api_url.split("/")[2], app_id="QXBwOjE=", token="sealed", installed_at=NOW)
    async with database.system() as session:
        session.add(row)
    return row.id
