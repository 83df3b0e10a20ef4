"""A shop's database with so many orders, each with all that one leaves behind: for `tests.bench.stored`.

PostgreSQL multiplies template rows by itself; the written record, whose rows hang together by hashes, comes by COPY. Bytes of
mails and documents are short: they lie apart from their rows and are read by id only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.base import Base
from app.mail.chain import START as FIRST
from app.mail.chain import Link
from tests.bench import standing

PREFIX = "S"
"""Before the numbers of stored orders: those of the shop's own are beside them."""
EVENTS, MAILS = 9, 3
BODY = b"From: sales@vendor.example\r\nSubject: Your order\r\n\r\nThank you.\r\n"
RECORD = (
    "tenant_id, id, chain, position, key, direction, kind, mail_id, order_id, thread, message_id, at, sender, recipients, "
    "subject, note, words, size, content_sha256, previous, hash"
)
START_AT = "CAST(:start AS timestamptz)"
MOMENT = f"{START_AT} + n * interval '1 minute'"
FILLED = [
    *("bank_line", "correspondence", "correspondence_chain", "document", "end_customer", "ledger_item", "license", "mail"),
    *("money_report", "order_event", "order_line", "payment_session", "reseller_order"),
]


async def fill(connection: AsyncConnection, tenant: str, resellers: int, orders: int) -> None:
    """`orders` orders of `resellers` resellers, the newest of them unpaid, in a database that has none. Commits.

    Constraints and indexes come back in the end: sorted at once they cost a fraction.
    """
    await connection.execute(text("SET maintenance_work_mem = '512MB'"))
    found = await connection.execute(text(CONSTRAINTS), {"tables": FILLED})
    constraints = [(table, name, kind, definition) for table, name, kind, definition in found]
    for table, name, _, _ in constraints:
        await connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    kept = await standing.indexes(connection, FILLED)
    for name, _ in kept:
        await connection.execute(text(f'DROP INDEX "{name}"'))
    await _multiplied(connection, tenant, orders)
    await _recorded(connection, tenant, resellers, orders)
    await standing.fill(connection, tenant, resellers, orders, prefix=PREFIX)
    for table, name, kind, definition in reversed(constraints):
        asked = " NOT VALID" if kind == "f" else ""
        await connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}{asked}"))
    for _, definition in kept:
        await connection.execute(text(definition))
    await standing.settle(connection)


CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), contype, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND (conrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[]))
    OR confrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[])))
ORDER BY contype <> 'f', conrelid, conname
""".replace("::", "\\:\\:")
"""Those of the filled tables, foreign keys first."""


async def _multiplied(connection: AsyncConnection, tenant: str, orders: int) -> None:
    paid = orders - int(orders * standing.OPEN_SHARE)
    plain: dict[str, Any] = {"tenant": tenant, "start": standing.START}
    order, line = "md5('o' || n)::uuid::text", "md5('l' || n)::uuid::text"

    async def rows(table: str, count: int, columns: dict[str, str], /, **values: Any) -> None:
        given = {"tenant_id": "CAST(:tenant AS varchar)"} | columns
        await standing.multiply(connection, Base.metadata.tables[table], count, given, plain, values)

    licensed = {"id": "md5('k' || n)::uuid::text", "order_id": order, "order_number": f"'{PREFIX}' || n", "order_line_id": line}
    named = {"company": "Acme Inc", "name": "Eva Endkunde", "email": "buyer@customer.example", "product": "Grid", "seats": 2}
    await rows(
        "license", paid,
        licensed | {"issued_at": MOMENT, "state_at": MOMENT, "end_customer_id": "md5('e' || n % 1000)::uuid::text"},
        kind="permanent", sku="GRID-1", kid="2026-01-abc", payload={"attributes": named}, file="x" * 900, state="active",
    )  # fmt: skip
    await rows(
        "end_customer", min(orders, 1000),
        {"id": "md5('e' || n)::uuid::text", "email_key": "'c' || n || '@c.example'", "email": "'c' || n || '@c.example'"},
        company="Acme Inc", name="Eva Endkunde", created_at=standing.START,
    )  # fmt: skip
    told = {"id": "md5('g' || n)::uuid::text", "ledger_item_id": "md5('a' || n)::uuid::text", "order_id": order}
    await rows(
        "money_report", paid,
        told | {"transaction_id": "'T' || n", "psp_reference": "'P' || n", "at": MOMENT, "reported_at": MOMENT},
        type="CHARGE_SUCCESS", amount_minor=10_825, currency="USD",
    )  # fmt: skip
    event = {
        "id": "md5('v' || n)::uuid::text",
        "order_id": f"md5('o' || (1 + (n - 1) / {EVENTS}))::uuid::text",
        "key": "'k' || n",
    }
    what = {"code": "money_reported", "params": {"amount": {"minor": 10_825, "currency": "USD"}, "psp": "RF18 5390 0754 7034"}}
    await rows("order_event", orders * EVENTS, event | {"at": f"{START_AT} + n * interval '10 s'"}, what=what)
    mailed = {
        "id": "md5('m' || n)::uuid::text", "key": "'order:' || n", "order_id": f"md5('o' || (1 + (n - 1) / {MAILS}))::uuid::text",
        "message_id": "'<' || n || '@vendor.example>'", "thread": f"'t' || (1 + (n - 1) / {MAILS})",
        "created_at": f"{START_AT} + n * interval '20 s'", "sent_at": f"{START_AT} + n * interval '20 s'",
    }  # fmt: skip
    await rows(
        "mail", orders * MAILS, mailed, kind="order_received", recipient="r@partner.example", language="en",
        subject="Your order", content=BODY, state="sent", attempts=1,
    )  # fmt: skip
    issued = {"id": "md5('d' || n)::uuid::text", "number": "'D' || n", "order_id": "md5('o' || (1 + (n - 1) / 2))::uuid::text"}
    await rows(
        "document", orders * 2, issued | {"kind": "CASE WHEN n % 2 = 0 THEN 'invoice' ELSE 'proforma' END", "issued_at": MOMENT},
        amount_minor=10_825, file_name="invoice.pdf", media_type="application/pdf", content=BODY, sha256="0" * 64,
    )  # fmt: skip
    await rows("bank_account", 1, {"id": "'A'"}, identifier="DE1", added_by="a", added_at=standing.START)
    await rows(
        "bank_import",
        1,
        {"id": "'I'"},
        file_name="a.sta",
        sha256="x",
        format="mt940",
        state="done",
        by="a",
        started_at=standing.START,
    )
    booked = {
        "id": "md5('b' || n)::uuid::text", "number": "CAST(n AS integer)", "fingerprint": "md5('b' || n)",
        "payment_id": "md5('p' || n)::uuid::text", "reference_text": f"'RF' || n || ' order {PREFIX}' || n",
        "booking_date": f"({MOMENT})::date",
    }  # fmt: skip
    await rows(
        "bank_line", paid, booked, account_id="A", import_id="I", occurrence=1, loose_key="x", amount="108.25", currency="USD",
        payer_name="Partner", status="booked", reversal=False, position="1", outcome="booked", confidence=100, undone="",
        version=1, takes_back=False,
    )  # fmt: skip
    done = (
        "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, created_at, updated_at, completed_at, queue_name, "
        "inputs, output, priority, was_forked_from, rate_limited, is_debounced, recovery_attempts, executor_id) "
        "SELECT 'order:' || CAST(:tenant AS text) || ':' || n, 'SUCCESS', 'attend_order', m, m, m, 'orders', repeat('x', 600), "
        "'null', 2, false, false, false, 1, 'w' FROM generate_series(1, :count) n, "
        "LATERAL (SELECT (extract(epoch FROM now()) * 1000 - n * 2000)\\:\\:bigint m) t"
    )
    await connection.execute(text(done), {"tenant": tenant, "count": orders})


async def _recorded(connection: AsyncConnection, tenant: str, resellers: int, orders: int) -> None:
    """The written record of all mails, by COPY: hashes follow one another within each reseller's chain."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    ends: dict[str, tuple[int, str]] = {}
    async with driver.cursor() as cursor:
        async with cursor.copy(f"COPY correspondence ({RECORD}) FROM STDIN") as copy:
            for row in _record(tenant, resellers, orders, ends):
                await copy.write_row(row)
        async with cursor.copy("COPY correspondence_chain (tenant_id, id, chain, length, head) FROM STDIN") as copy:
            for chain, (length, head) in ends.items():
                await copy.write_row((tenant, uuid_of(f"y{chain}"), chain, length, head))


def _record(tenant: str, resellers: int, orders: int, ends: dict[str, tuple[int, str]]) -> Iterator[tuple[Any, ...]]:
    digest, words = hashlib.sha256(BODY).hexdigest(), "your order thank you " * 20
    chains = [uuid_of(f"s{reseller}") for reseller in range(resellers)]
    for number in range(orders * MAILS):
        order = number // MAILS + 1
        chain = chains[(order - 1) % resellers]
        length, head = ends.get(chain, (0, FIRST))
        at = standing.START + timedelta(seconds=number)
        link = Link(
            chain, length + 1, "out", "mail", f"<{number + 1}@vendor.example>", at, "sales@vendor.example", "r@partner.example",
            "Your order", "", len(BODY), digest, head,
        )  # fmt: skip
        found = link.hash()
        ends[chain] = link.position, found
        mail = uuid_of(f"m{number + 1}")
        yield (
            tenant, uuid_of(f"c{number}"), chain, link.position, f"out:{mail}", "out", "mail", mail, uuid_of(f"o{order}"),
            f"t{order}", link.message_id, at, link.sender, link.recipients, link.subject, "", words, link.size, digest,
            head, found,
        )  # fmt: skip


def uuid_of(seed: str) -> str:
    """As the server makes it of the same text: `md5(seed)::uuid::text`."""
    digest = hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
