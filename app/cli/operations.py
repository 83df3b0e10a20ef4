"""Running it for years: secrets under new keys, another database, erasing people and shops, and who decided what."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Annotated, Any

import typer
from sqlalchemy import select

from app import settings
from app.cases.erasure import erase_customer
from app.cli.common import By, Json, ShopUrl, a_date, run, run_in_shop, show, who
from app.cli.orders import Why
from app.db.copying import copy
from app.db.jobs import Jobs
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import InvalidInput, NotFound
from app.main import APPLICATION
from app.orders import purge as purging
from app.orders import secrets as sealed
from app.orders.services import Services
from app.orders.staff_record import deeds
from app.saleor.shops import Shop

secrets = typer.Typer(no_args_is_help=True, help="Tokens and signing keys at rest.")
database = typer.Typer(no_args_is_help=True, help="The database itself.")
customers = typer.Typer(no_args_is_help=True, help="End customers.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(secrets, name="secrets")
    cli.add_typer(database, name="database")
    cli.add_typer(customers, name="customers")
    cli.command()(audit)
    cli.command()(purge)


@secrets.command("rotate")
def rotate_secrets(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Seal everything by the first key of RESELLER_SECRET_KEYS; exit code 1 where a secret cannot be opened by any."""

    async def work(services: Services) -> dict[str, Any]:
        return asdict(await sealed.rotate(services, dry_run=dry_run))

    found = run(work)
    show(found, as_json=as_json)
    if found["unreadable"]:
        raise typer.Exit(1)


@database.command("copy")
def copy_database(
    to: Annotated[str, typer.Option("--to", help="SQLAlchemy URL of an empty database, like postgresql+psycopg://...")],
    as_json: Json = False,
) -> None:
    """Copy everything into an empty database and compare; nothing is kept there where they differ. Stop the program first."""

    async def work() -> dict[str, Any]:
        configured = settings.load()
        target_url = settings.load(database_url=to).database_url
        source, target, jobs = Database(configured.database_url), Database(target_url), Jobs(configured.database_url, APPLICATION)
        try:
            done = await copy(source, target, jobs)
        finally:
            jobs.close()
            await source.close()
            await target.close()
        return {"rows": done.rows, "next": "Set RESELLER_DATABASE_URL to the new database and start the program."}

    show(asyncio.run(work()), as_json=as_json)


@customers.command()
def erase(
    email: Annotated[str, typer.Argument(help="E-mail of the end customer, in any spelling.")],
    reason: Why,
    dry_run: DryRun = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Erase an end customer at its request; licenses go on counting, and what the law needs is kept and said."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            return asdict(await erase_customer(session, email, by=who(by), reason=reason, at=services.clock(), dry_run=dry_run))

    show(run_in_shop(shop, work), as_json=as_json)


def audit(
    since: Annotated[str, typer.Option(help="From this day on, like 2026-03-31.")] = "",
    by: Annotated[str, typer.Option(help="Only what this person decided.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """What people decided, the newest first: resellers, orders, money, prices, certificates."""
    begins = datetime.combine(a_date(since, "--since"), time(), UTC) if since else None

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return [asdict(deed) for deed in await deeds(session, since=begins, by=by, limit=limit)]

    show(run_in_shop(shop, work), as_json=as_json)


def purge(
    url: Annotated[str, typer.Argument(help="API URL of a shop in which the app was deleted.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="Yes, delete its books, licenses and mails for good.")] = False,
    as_json: Json = False,
) -> None:
    """Delete all data of a removed shop for good. RESELLER_PURGE_REMOVED_AFTER_DAYS does it by itself."""

    async def work(services: Services) -> dict[str, int]:
        async with services.database.system_reading() as session:
            tenant_id = await session.scalar(select(Tenant.id).where(Tenant.saleor_api_url == url))
        if tenant_id is None:
            raise NotFound(f"The app was never installed in {url}.", code="unknown_shop")
        if not confirm:
            raise InvalidInput("All books, licenses and mails of this shop would go for good; add --confirm.", code="confirm")
        return await purging.purge(services, tenant_id)

    show(run(work), as_json=as_json)
