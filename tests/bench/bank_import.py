"""Bank lines matched and booked in one import: `uv run python -m tests.bench.bank_import`. Asserts nothing.

1,000, 10,000 and 100,000 lines of one CAMT.053 file, against 50,000 open receivables of 500 resellers on PostgreSQL. Half of the
lines pay an order by its reference, in its field or in the text; the others are debits, fees, unknown wires and short payments.
Each import is a process of its own on one core, the server is on the other; its memory is its peak.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from stdnum.iso7064 import mod_97_10

from app.clock import system_clock
from app.db.base import new_id
from app.db.bulk import chunks, insert_rows
from app.db.migrate import upgrade
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.ledger.tables import LedgerItem
from app.main import open_services
from app.orders.bank_upload import import_bank_file
from app.orders.tables import PaymentSession, ResellerOrder
from app.resellers.tables import Reseller
from app.settings import Settings
from tests.bench.postgres import private_postgres

RECEIVABLES, RESELLERS = 50_000, 500
SIZES = (1_000, 10_000, 100_000)
IMPORT_CORE, SERVER_CORE = 0, 1
KEY = "0123456789abcdef"
IBAN = "DE89370400440532013000"
API = "http://shop.example/graphql/"
DAY = date(2026, 3, 2)
CONSOLE = Console()


def reference(number: int) -> str:
    body = f"B{number:08d}"
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def minor(number: int) -> int:
    return 5_000 + number % 40_000


async def seed(url: str) -> None:
    """One shop whose resellers owe 50,000 orders."""
    database = Database(url)
    await upgrade(database)
    now = system_clock()
    async with database.system() as session:
        shop = Tenant(
            saleor_api_url=API,
            domain="shop.example",
            app_id="A",
            token="",
            installed_at=now,
            settings={"bank_accounts": [{"currency": "EUR", "beneficiary": "Vendor", "iban": IBAN}]},
        )
        session.add(shop)
        await session.flush()
        shop.token = SecretBox([KEY]).encrypt(shop.id, "token")
    resellers = [new_id() for _ in range(RESELLERS)]
    async with database.tenant(shop.id) as session:
        await insert_rows(session, Reseller, [_reseller(number, row, now) for number, row in enumerate(resellers)])
        for part in chunks(range(RECEIVABLES), 1_000):
            rows = [_order(number, resellers[number % RESELLERS], now) for number in part]
            for index, table in enumerate((PaymentSession, ResellerOrder, LedgerItem)):
                await insert_rows(session, table, [row[index] for row in rows])
    async with database.engine.begin() as connection:
        await connection.execute(text("ANALYZE"))  # as autovacuum has done long before 50,000 orders are open
    await database.close()


def _reseller(number: int, row_id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": row_id, "email": f"r{number}@partner.example", "company": f"Partner {number} GmbH", "street": "1", "city": "C",
        "postal_code": "1", "country": "DE", "status": "approved", "created_at": at, "prepaid_orders": None,
        "credit_limit_minor": None, "order_limit_minor": None, "limit_currency": None, "version": 1,
    }  # fmt: skip


def _order(number: int, reseller: str, at: datetime) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    order, promise = new_id(), new_id()
    common = {"reseller_id": reseller, "currency": "EUR"}
    session = {
        "id": promise, "transaction_id": f"T{number}", "source_id": f"C{number}", "saleor_user_id": "u", "lines": [],
        "psp_reference": f"BT-{number}", "reference": reference(number), "terms": "prepay", "amount_minor": minor(number),
        "due_date": DAY, "reasons": [], "answer": {}, "created_at": at, **common,
    }  # fmt: skip
    row = {
        "id": order, "saleor_order_id": f"O{number}", "number": str(100_000 + number), "payment_session_id": promise,
        "channel": "default", "language": "en", "recipient": "r@partner.example", "net_minor": minor(number),
        "total_minor": minor(number), "terms": "prepay", "order_date": DAY, "due_date": DAY, "reference": reference(number),
        "po_number": f"PO-{number}", "bill_to": {}, "ship_to": {}, "end_customer_email": "e@customer.example", "audit": [],
        "audit_passed": True, "created_at": at, "confirmed_at": at, "release_reasons": [], **common,
    }  # fmt: skip
    item = {
        "id": new_id(), "key": f"receivable:{order}", "kind": "receivable", "amount_minor": minor(number), "value_date": DAY,
        "booked_at": at, "booked_by": "order", "order_id": order, "order_number": str(100_000 + number), "due_date": DAY,
        "reference": reference(number), **common,
    }  # fmt: skip
    return session, row, item


def entries(count: int) -> Iterator[str]:
    """CAMT entries, two days' worth of a thousand each."""
    for number in range(count):
        order = (number // 2) % RECEIVABLES
        day = DAY + timedelta(days=number // 1_000)
        amount = minor(order)
        structured, told, side = "", f"Invoice {number}", "CRDT"
        if number % 2 == 0:
            if number % 20 == 0:
                told = f"thanks {reference(order)[:9]} {reference(order)[9:]}"
            else:
                structured = f"<Strd><CdtrRefInf><Ref>{reference(order)}</Ref></CdtrRefInf></Strd>"
            if number % 40 == 2:
                amount -= 700
        elif number % 4 == 1:
            side, told = "DBIT", f"rent and salaries {number}"
        yield (
            f'<Ntry><Amt Ccy="EUR">{amount / 100:.2f}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>BOOK</Sts>'
            f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>B{number:09d}</AcctSvcrRef>"
            f"<NtryDtls><TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs><RltdPties>"
            f"<Dbtr><Nm>Partner {order % RESELLERS} GmbH</Nm></Dbtr></RltdPties>"
            f"<RmtInf><Ustrd>{told}</Ustrd>{structured}</RmtInf></TxDtls></NtryDtls></Ntry>\n"
        )


def write(file: TextIO, count: int) -> None:
    file.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
        "<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T00:00:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id>"
        f"<CreDtTm>2026-03-02T00:00:00</CreDtTm><Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n"
    )
    file.writelines(entries(count))
    file.write("</Stmt></BkToCstmrStmt></Document>\n")


async def one(url: str, path: str) -> None:
    """Import one file and print lines booked, seconds, those of its own processor time, and peak memory."""
    settings = Settings(secret_keys=[KEY], database_url=url, _env_file=None)
    async with open_services(settings) as services:
        (shop,) = services.shops.all()
        began, worked = time.perf_counter(), time.process_time()
        with open(path, "rb") as source:  # noqa: ASYNC230 - nothing else runs here
            report = await import_bank_file(services, shop, source, file_name=path, by="bench")
        seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    CONSOLE.print(
        f"{report.counts['booked']} {seconds:.2f} {cpu:.2f} {peak:.0f} {dict(report.counts)}".replace("\n", " "), soft_wrap=True
    )


def main() -> None:
    shown = Table(
        "lines", "booked", "seconds", "of its CPU", "lines a second", "peak MB", title=f"against {RECEIVABLES} open receivables"
    )
    with tempfile.TemporaryDirectory() as directory:
        for size in SIZES:
            with private_postgres(SERVER_CORE) as url:
                if url is None:
                    CONSOLE.print("PostgreSQL is not installed.")
                    return
                asyncio.run(seed(url))
                path = Path(directory) / f"{size}.xml"
                with path.open("w") as file:
                    write(file, size)
                command = ["taskset", "-c", str(IMPORT_CORE), sys.executable, "-m", "tests.bench.bank_import", url, str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
                booked, seconds, cpu, peak, *_ = done.stdout.split()
                CONSOLE.print(done.stdout.strip())
                shown.add_row(f"{size:,}", booked, seconds, cpu, f"{size / float(seconds):,.0f}", peak)
    CONSOLE.print(shown)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(one(*sys.argv[1:]))
    else:
        main()
