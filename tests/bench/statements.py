"""Statements of a whole month in one run: `uv run python -m tests.bench.statements [RESELLERS]`. Asserts nothing.

Each reseller owes three orders; the worker of this process draws up, prints and mails (into files) every statement. Then one
statement of 500 orders is set in type, cold and warm.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import func, select

from app.clock import system_clock
from app.db.base import new_id
from app.db.bulk import insert_rows
from app.db.migrate import upgrade
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.documents.statement import render_statement
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.mail.service import SENT
from app.mail.tables import Mail
from app.main import running
from app.resellers.tables import Reseller
from app.settings import Settings
from app.statements import service
from tests.statements import samples

KEY = "0123456789abcdef"
CONSOLE = Console()


async def seed(url: str, resellers: int) -> str:
    """One shop with its debtors; its tenant."""
    database, now = Database(url), system_clock()
    await upgrade(database)
    shop = Tenant(saleor_api_url="http://shop.example/graphql/", domain="shop.example", app_id="A", token="", installed_at=now)
    async with database.system() as session:
        session.add(shop)
    async with database.system() as session:
        row = (await session.scalars(select(Tenant))).one()
        row.token = SecretBox([KEY]).encrypt(shop.id, "token")
    day = now.date().replace(day=1) - timedelta(days=40)
    ids = [new_id() for _ in range(resellers)]
    facts = {
        "company": "Reseller",
        "street": "1 Main",
        "city": "Austin",
        "postal_code": "1",
        "country": "US",
        "status": "approved",
    }
    more = {"created_at": now, "version": 1, "language": "en", "state": "TX", "street2": "", "tax_number": "", "website": ""}
    async with database.tenant(shop.id) as session:
        await insert_rows(
            session, Reseller, [{**facts, **more, "id": one, "email": f"r{number}@x.example"} for number, one in enumerate(ids)]
        )
        debts = [
            {
                "id": new_id(), "key": f"receivable:{one}:{number}", "kind": Kind.RECEIVABLE.value, "reseller_id": one,
                "amount_minor": 10_000 + number, "currency": "USD", "value_date": day, "booked_at": now, "booked_by": "bench",
                "order_id": f"{one[:30]}-{number}", "order_number": f"{number}", "due_date": day + timedelta(days=30),
                "reference": f"R{number}{one}", "reason": "",
            }
            for one in ids for number in range(3)
        ]  # fmt: skip
        await insert_rows(session, LedgerItem, debts)
    await database.close()
    return shop.id


async def month(directory: Path, resellers: int) -> None:
    """Seed, run, and wait for the last mail."""
    url = f"sqlite+aiosqlite:///{directory}/reseller.db"
    tenant = await seed(url, resellers)
    settings = Settings(secret_keys=[KEY], database_url=url, mail_directory=str(directory / "mail"), _env_file=None)
    async with running(settings, worker=True) as (services, _):
        (shop,) = services.shops.all()
        started = time.perf_counter()
        async with services.database.tenant(tenant) as session:
            period = await service.begin_one(session, services, shop)
        await service.ask_for_all(services, shop, period)
        asked, spent = time.perf_counter(), time.process_time()
        sent = 0
        while sent < resellers:
            await asyncio.sleep(max(0.5, (resellers - sent) / 200))
            async with services.database.tenant_reading(tenant) as session:
                sent = await session.scalar(select(func.count(Mail.id)).where(Mail.state == SENT)) or 0
        took, cpu = time.perf_counter() - asked, time.process_time() - spent
    CONSOLE.print(
        f"{resellers} resellers asked for in {asked - started:.1f} s, made and mailed in {took:.1f} s: {resellers / took:.1f}/s; "
        f"in {cpu:.1f} s of processor time: {resellers / cpu:.1f}/s on one core"
    )


def document() -> None:
    """One statement of 500 orders."""
    data = samples.many(500, "en")
    for name in ("cold", "warm"):
        started = time.perf_counter()
        render_statement(data)
        CONSOLE.print(f"500 orders, {name}: {(time.perf_counter() - started) * 1000:.0f} ms")


if __name__ == "__main__":
    document()
    with tempfile.TemporaryDirectory() as found:
        asyncio.run(month(Path(found), int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
