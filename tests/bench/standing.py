"""Standing and a page of orders among 10,000 resellers with 1,000,000 orders: `uv run python -m tests.bench.standing`.

On PostgreSQL: in a database of its own on the server of TEST_POSTGRES_URL, or on a private one. The storefront's use cases run as
they do behind a request, each in one reading transaction. Every statement they send is shown with its plan. Ends with status 1
where a bar of the issue is missed (standing 5 ms, page 20 ms, at the 95th percentile) or a plan reads a large table from end to
end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import Connection, Table, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

import app.tables  # noqa: F401 - every mapped table must be known
from app.db.base import Base
from app.db.migrate import upgrade
from app.db.session import Database
from app.ledger.rules import Kind
from app.orders.storefront import member, page_of_orders, reseller_standing
from tests.bench.postgres import private_postgres
from tests.conftest import install
from tests.orders.builders import API, World, opened

RESELLERS, ORDERS = 10_000, 1_000_000
ASKED = 400
"""How many resellers are looked at, one after the other."""
PAGE = 20
BARS = {"standing": 5.0, "first page of orders": 20.0, "a later page of orders": 20.0}
"""Milliseconds."""
OPEN_SHARE = 0.03
"""Of the orders, the newest, nothing is paid yet."""
CONSOLE = Console(width=160)
START = datetime(2024, 1, 1, tzinfo=UTC)
Case = Callable[[World, AsyncSession, str], Awaitable[object]]


def main() -> None:
    given = argparse.ArgumentParser(description="Standing and a page of orders in a large PostgreSQL database.")
    given.add_argument("--resellers", type=int, default=RESELLERS)
    given.add_argument("--orders", type=int, default=ORDERS)
    counts = given.parse_args()
    with postgres() as url:
        if url is None:
            sys.exit("PostgreSQL is not installed and TEST_POSTGRES_URL is not set.")
        sys.exit(asyncio.run(measure(url, counts.resellers, counts.orders)))


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of an empty database, dropped in the end; None where there is no PostgreSQL."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if server is None:
        with private_postgres(0) as url:
            yield url
        return
    name = f"bench{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload, unused-ignore]
    try:
        yield server.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload, unused-ignore]


async def measure(url: str, resellers: int, orders: int) -> int:
    """Seed, measure, show; the exit status."""
    database = Database(url)
    await upgrade(database)
    began = time.perf_counter()
    tenant = await install(database, API)
    async with database.engine.connect() as connection:
        await seed(connection, tenant, resellers, orders)
    CONSOLE.print(f"{resellers:,} resellers, {orders:,} orders, {time.perf_counter() - began:.0f} s to seed")
    failed = False
    async with opened(database, tenant) as world:
        for name, case in CASES.items():
            failed |= await shown(world, name, case, resellers)
    await database.close()
    return int(failed)


async def shown(world: World, name: str, case: Case, resellers: int) -> bool:
    """Measure one use case and show the plans of its statements; whether it missed its bar."""
    chosen = random.Random(7).sample(range(resellers), min(ASKED, resellers))
    for number in chosen[:20]:  # the pool and the caches are warm in a running program
        async with asked(world) as session:
            await case(world, session, f"u{number}")
    times, work = [], []
    for number in chosen:
        began, worked = time.perf_counter(), time.process_time()
        async with asked(world) as session:
            await case(world, session, f"u{number}")
        times.append((time.perf_counter() - began) * 1000)
        work.append((time.process_time() - worked) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    cpu = f"{statistics.median(work):.2f}"  # on a busy machine the rest is waiting for a turn
    table = Shown("use case", "p50 ms", "p95 ms", "max ms", "bar ms", "own CPU p50 ms")
    table.add_row(name, f"{statistics.median(times):.2f}", f"{p95:.2f}", f"{max(times):.2f}", f"{BARS[name]:.0f}", cpu)
    CONSOLE.print(table)
    plans = await plans_of(world, case, f"u{chosen[0]}")
    for plan in plans:
        CONSOLE.print(plan, highlight=False, markup=False)
    scans = sorted({found for plan in plans for found in re.findall(r"Seq Scan on (\w+)", plan)} & LARGE)
    if scans:
        CONSOLE.print(f"{name}: reads {', '.join(scans)} from end to end", style="red")
    if p95 > BARS[name]:
        CONSOLE.print(f"{name}: above its bar", style="red")
    return bool(scans) or p95 > BARS[name]


@asynccontextmanager
async def asked(world: World) -> AsyncIterator[AsyncSession]:
    """The transaction of a reading request."""
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        yield session


async def plans_of(world: World, case: Case, user: str) -> list[str]:
    """Every statement that one run sends, with its plan as it is carried out."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
        sent.append((statement, parameters))

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        async with asked(world) as session:
            await case(world, session, user)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    found = []
    async with world.database.engine.connect() as connection:
        for statement, parameters in sent:
            if statement.lstrip().startswith("SELECT"):
                rows = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)
                table = re.search(r"FROM (\w+)", statement)
                found.append("\n".join([f"-- {table[1] if table else ''}", *(f"   {line}" for (line,) in rows)]))
    return found


async def standing(world: World, session: AsyncSession, user: str) -> object:
    """GET /standing."""
    return await reseller_standing(session, world.services, world.shop, await member(session, user), user)


async def first_page(world: World, session: AsyncSession, user: str) -> object:
    """GET /orders."""
    reseller = await member(session, user)
    rows, cursor = await page_of_orders(session, reseller.id, PAGE, None)
    assert len(rows) == PAGE
    CURSORS[user] = cursor
    return rows


async def later_page(world: World, session: AsyncSession, user: str) -> object:
    """GET /orders?cursor=..."""
    reseller = await member(session, user)
    rows, _ = await page_of_orders(session, reseller.id, PAGE, CURSORS[user])
    assert rows
    return rows


CURSORS: dict[str, str | None] = {}
"""Each user's cursor from its first page."""
CASES: dict[str, Case] = {"standing": standing, "first page of orders": first_page, "a later page of orders": later_page}
LARGE = {"reseller_order", "order_line", "ledger_item", "reseller", "reseller_user", "policy_acceptance"}


async def seed(connection: AsyncConnection, tenant: str, resellers: int, orders: int) -> None:
    """One template row per table, multiplied by the server; indexes that are no constraints are built in the end. Commits."""
    kept = await indexes(connection, sorted(LARGE))
    for name, _ in kept:
        await connection.execute(text(f'DROP INDEX "{name}"'))
    await fill(connection, tenant, resellers, orders)
    for _, definition in kept:
        await connection.execute(text(definition))
    await settle(connection)


async def settle(connection: AsyncConnection) -> None:
    """Commit, and statistics as autovacuum keeps them."""
    await connection.commit()
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    await connection.execute(text("VACUUM ANALYZE"))


async def fill(connection: AsyncConnection, tenant: str, resellers: int, orders: int, *, prefix: str = "") -> None:
    """The rows alone. `prefix` stands before the numbers of the orders."""
    unpaid = orders - int(orders * OPEN_SHARE)
    reseller, order = "(n - 1) % :resellers", "md5('o' || n)::uuid::text"
    reseller_id, moment = f"md5('s' || ({reseller}))::uuid::text", "CAST(:start AS timestamptz) + n * interval '1 minute'"
    receivable, payment = "md5('r' || n)::uuid::text", "md5('p' || n)::uuid::text"
    common = {"tenant_id": ":tenant"}
    money = common | {"reseller_id": reseller_id, "order_id": order, "booked_at": moment, "value_date": f"({moment})::date"}
    plain: dict[str, Any] = {"resellers": resellers, "tenant": tenant, "start": START, "unpaid": unpaid}

    async def put(table: str, count: int, columns: Mapping[str, str], /, **values: Any) -> None:
        await multiply(connection, Base.metadata.tables[table], count, columns, plain, values)

    person = "md5('s' || (n - 1))::uuid::text"
    await put(
        "reseller",
        resellers,
        common | {"id": person, "email": "'r' || (n - 1) || '@partner.example'", "company": "'Partner ' || n"},
        street="1 Main St",
        city="Austin",
        postal_code="78701",
        country="US",
        state="TX",
        status="approved",
        created_at=START,
    )
    belongs = common | {"reseller_id": person}
    account = {"id": "md5('u' || n)::uuid::text", "saleor_user_id": "'u' || (n - 1)", "email": "'r' || n || '@partner.example'"}
    await put("reseller_user", resellers, belongs | account)
    await put(
        "policy_acceptance",
        resellers,
        belongs | {"id": "md5('c' || n)::uuid::text"},
        policy_version="1",
        accepted_at=START,
        accepted_by="r",
    )
    order_number, promise = f"'{prefix}' || n", {"id": "md5('z' || n)::uuid::text"}
    promised = {
        name: f"'{letter}' || n" for name, letter in (("transaction_id", "T"), ("source_id", "O"), ("psp_reference", "P"))
    }
    await put(
        "payment_session",
        orders,
        common | promise | promised | {"reseller_id": reseller_id, "reference": "'RF' || n", "created_at": moment},
        saleor_user_id="u",
        terms="prepay",
        amount_minor=10_825,
        currency="USD",
        due_date=START.date(),
        reasons=[{"code": "audit_passed", "params": {}}],
        lines=[{"variant": "V1", "quantity": 2, "net": 10_000, "gross": 10_825}],
        answer={"pspReference": "P", "result": "CHARGE_REQUEST", "amount": "108.25"},
    )
    numbered = {"id": order, "saleor_order_id": "'O' || n", "number": order_number, "reference": "'RF' || n"}
    numbered |= {"created_at": moment, "payment_session_id": promise["id"]}
    # What is paid went out; the rest waits.
    released = dict.fromkeys(("release_decided_at", "released_at", "fulfilled_at"), f"CASE WHEN n <= :unpaid THEN {moment} END")
    days = {"order_date": f"({moment})::date", "due_date": f"({moment})::date + 30"}
    await put(
        "reseller_order",
        orders,
        common | numbered | days | {"reseller_id": reseller_id, "confirmed_at": moment, **released},
        channel="default",
        language="en",
        recipient="r@partner.example",
        currency="USD",
        net_minor=10_000,
        total_minor=10_825,
        terms="prepay",
        bill_to={"company": "Partner", "city": "Austin", "country": "US", "state": "TX"},
        ship_to={"company": "Acme Inc", "city": "San Francisco", "country": "US", "state": "CA"},
        end_customer_email="buyer@customer.example",
        audit_passed=True,
        audit=[{"code": "audit_passed", "params": {}}],
        release_reasons=[{"code": "wire_booked", "params": {"total": "120.00 USD"}}],
    )
    await put(
        "order_line",
        orders,
        common | {"id": "md5('l' || n)::uuid::text", "order_id": order, "saleor_line_id": "'L' || n"},
        position=0,
        sku="GRID-1",
        name="Grid",
        quantity=2,
        retail_minor=5_500,
        unit_minor=5_000,
        net_minor=10_000,
        gross_minor=10_825,
        tax_rate=8.25,
        reasons=[],
        license_policy={"product": "Grid", "edition": "", "seats_per_unit": 1, "term": "perpetual", "maintenance_months": 12},
    )
    facts: dict[str, Any] = {"amount_minor": 10_825, "currency": "USD", "booked_by": "order"}
    debt = money | {
        "id": receivable,
        "key": f"'receivable:' || {order}",
        "order_number": order_number,
        "due_date": days["due_date"],
    }
    await put("ledger_item", orders, debt, kind=Kind.RECEIVABLE, **facts)
    await put("ledger_item", unpaid, money | {"id": payment, "key": "'payment:line:' || n"}, kind=Kind.PAYMENT, **facts)
    part = {"id": "md5('a' || n)::uuid::text", "key": "'allocation:' || n", "receivable_id": receivable, "payment_id": payment}
    await put("ledger_item", unpaid, money | part | {"order_number": order_number}, kind=Kind.ALLOCATION, **facts)


async def indexes(connection: AsyncConnection, tables: Sequence[str]) -> list[tuple[str, str]]:
    """(name, definition) of every index of these tables that belongs to no constraint."""
    query = (
        "SELECT i.indexname, i.indexdef FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conname = i.indexname "
        "WHERE i.tablename = ANY(:tables) AND c.oid IS NULL AND i.indexdef NOT LIKE 'CREATE UNIQUE%'"
    )
    return [(name, definition) for name, definition in await connection.execute(text(query), {"tables": list(tables)})]


async def multiply(
    connection: AsyncConnection,
    table: Table,
    count: int,
    columns: Mapping[str, str],
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
) -> None:
    """Insert `count` rows: `values` as in a mapped row with its defaults, `columns` as SQL of the row's number `n`."""
    filled = {column.name: values.get(column.name, default_of(column)) for column in table.columns if column.name not in columns}
    row = ", ".join(f'CAST(:v_{name} AS {table.c[name].type.compile(connection.dialect)}) AS "{name}"' for name in filled)
    names = ", ".join(f'"{name}"' for name in (*columns, *filled))
    sql = f'INSERT INTO "{table.name}" ({names}) SELECT {", ".join(columns.values())}, template.* '
    sql += f"FROM generate_series(1, :count) AS n, (SELECT {row}) AS template"
    given = {f"v_{name}": processed(table, name, value, connection) for name, value in filled.items()}
    used = {name: value for name, value in parameters.items() if f":{name}" in sql}
    await connection.execute(text(sql), given | used | {"count": count})


def default_of(column: Any) -> Any:
    """What a mapped row has where nothing is given."""
    if column.default is None:
        return None
    return column.default.arg(None) if column.default.is_callable else column.default.arg


def processed(table: Table, name: str, value: Any, connection: AsyncConnection) -> Any:
    """The value as the driver takes it."""
    process = table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return process(value) if process is not None else value


if __name__ == "__main__":
    main()
