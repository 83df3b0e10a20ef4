"""Statements of a whole month in one run: `uv run python -m tests.bench.statements [RESELLERS] [KILLS]`.

One statement of 500 orders is set in type, cold and warm. Then each of 10,000 resellers owes three orders, and a worker on one
core draws up, prints and mails (into files) every statement, with PostgreSQL on the other. It is killed with SIGKILL so many
times on its way and goes on; in the end everything must be there once, or the run ends with status 1. Speed is only told.
"""

from __future__ import annotations

import asyncio
import random
import resource
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
from app.ledger.tables import LedgerItem, PaymentReference
from app.mail.service import SENT
from app.mail.tables import Mail
from app.main import open_services, running
from app.resellers.tables import Reseller
from app.settings import Settings
from app.statements import service
from app.statements.tables import Statement
from tests.bench.postgres import private_postgres
from tests.statements import samples

KEY = "0123456789abcdef"
WORKER_CORE, SERVER_CORE = 0, 1
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


def configured(url: str, directory: Path) -> Settings:
    return Settings(
        secret_keys=[KEY], database_url=url, mail_directory=str(directory / "mail"), worker_id="bench", _env_file=None
    )


async def ask(settings: Settings) -> str:
    """Ask for every statement of the month that is over, as the schedule does; the month."""
    async with open_services(settings) as services:
        (shop,) = services.shops.all()
        async with services.database.tenant(shop.tenant_id) as session:
            period = await service.begin_one(session, services, shop)
        await service.ask_for_all(services, shop, period)
        return str(period)


def spent() -> float:
    """Seconds of processor time of the processes that this one started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def live(settings: Settings) -> None:
    """Work until killed."""
    async with running(settings, worker=True):
        await asyncio.Event().wait()


async def sent(database: Database, tenant: str) -> int:
    """How many mails are out."""
    async with database.tenant_reading(tenant) as session:
        return await session.scalar(select(func.count(Mail.id)).where(Mail.state == SENT)) or 0


async def month(url: str, directory: Path, resellers: int, kills: int) -> bool:
    """Seed, ask, and let worker after worker go on until the last mail is out; whether everything is there once."""
    tenant = await seed(url, resellers)
    settings = configured(url, directory)
    started = time.perf_counter()
    await ask(settings)
    asked = time.perf_counter()
    database, chance, before = Database(url), random.Random(1), spent()
    # Killed at any moment of an even part of the work each.
    deaths = sorted(
        chance.randrange(resellers * life // (kills + 1), resellers * (life + 1) // (kills + 1)) for life in range(kills)
    )
    for until in (*deaths, resellers):
        command = ["taskset", "-c", str(WORKER_CORE), sys.executable, "-m", "tests.bench.statements", "live", url, str(directory)]
        process = await asyncio.create_subprocess_exec(*command)
        while (out := await sent(database, tenant)) < until:
            if process.returncode is not None:
                raise SystemExit(f"The worker ended by itself with {process.returncode}.")
            await asyncio.sleep(max(0.2, (until - out) / 200))
        process.kill()
        await process.wait()
    took = time.perf_counter() - asked
    cpu = spent() - before
    CONSOLE.print(
        f"{resellers} resellers asked for in {asked - started:.1f} s, made and mailed in {took:.1f} s with {kills} kills: "
        f"{resellers / took:.1f}/s; in {cpu:.1f} s of processor time: {resellers / cpu:.1f}/s on one core"
    )
    wrong = await differences(database, tenant, directory, resellers)
    await database.close()
    CONSOLE.print("\n".join(wrong) or f"Each of {resellers} statements, its reference and its mail is there once.")
    return not wrong


async def differences(database: Database, tenant: str, directory: Path, resellers: int) -> list[str]:
    """What is not there exactly once."""
    async with database.tenant_reading(tenant) as session:
        facts = {
            "statements": select(func.count(Statement.id)),
            "their resellers": select(func.count(Statement.reseller_id.distinct())),
            "their numbers": select(func.count(Statement.number.distinct())),
            "printed": select(func.count(Statement.id)).where(Statement.pdf_sha256.is_not(None)),
            "references to pay by": select(func.count(PaymentReference.id)),
            "mails": select(func.count(Mail.id)),
            "their recipients": select(func.count(Mail.recipient.distinct())),
        }
        found = {name: await session.scalar(query) for name, query in facts.items()}
    found["files of mails"] = sum(1 for _ in (directory / "mail" / tenant).glob("*.eml"))
    return [f"{name}: {count} instead of {resellers}" for name, count in found.items() if count != resellers]


def document() -> None:
    """One statement of 500 orders."""
    data = samples.many(500, "en")
    for name in ("cold", "warm"):
        started = time.perf_counter()
        render_statement(data)
        CONSOLE.print(f"500 orders, {name}: {(time.perf_counter() - started) * 1000:.0f} ms")


def main(resellers: int = 10_000, kills: int = 5) -> int:
    document()
    with tempfile.TemporaryDirectory() as found, private_postgres(SERVER_CORE) as url:
        if url is None:
            CONSOLE.print("PostgreSQL is not installed.")
            return 1
        return 0 if asyncio.run(month(url, Path(found), resellers, kills)) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        asyncio.run(live(configured(sys.argv[2], Path(sys.argv[3]))))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
