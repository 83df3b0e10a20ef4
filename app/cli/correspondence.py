"""The written record: what was sent and received, found, shown as text, checked and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.common import Json, ShopUrl, run_in_shop, show, write_new
from app.mail import record
from app.mail.arrived import read
from app.mail.tables import Correspondence
from app.orders.evidence_bundle import write_bundle
from app.orders.service import find_order
from app.orders.services import Services
from app.resellers.service import find
from app.saleor.shops import Shop

correspondence = typer.Typer(no_args_is_help=True, help="The written record: every mail sent and received about a reseller.")

Email = Annotated[str, typer.Argument(help="E-mail of a reseller.")]
AnyEmail = Annotated[str, typer.Argument(help="E-mail of a reseller; all by default.")]
Order = Annotated[str, typer.Option("--order", help="Only about this order.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Entry = Annotated[str, typer.Argument(help="The mail's id, as `correspondence list` prints it.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(correspondence, name="correspondence")


@correspondence.command("list")
def list_(email: AnyEmail = "", order: Order = "", limit: Limit = 100, shop: ShopUrl = "", as_json: Json = False) -> None:
    """Mails on the record, the newest first."""
    show(run_in_shop(shop, lambda services, shop: _found(services, shop, email, order, "", limit)), as_json=as_json)


@correspondence.command()
def search(
    words: Annotated[str, typer.Argument(help="Words that subject, addresses or text must all have.")],
    email: Annotated[str, typer.Option("--reseller", help="E-mail of a reseller; all by default.")] = "",
    order: Order = "",
    limit: Limit = 100,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Mails with all of these words, the newest first."""
    show(run_in_shop(shop, lambda services, shop: _found(services, shop, email, order, words, limit)), as_json=as_json)


@correspondence.command("show")
def show_one(
    entry: Entry,
    save: Annotated[Path | None, typer.Option("--save", help="Write the exact bytes to this file.")] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """One mail as text, whatever it holds; its exact bytes to a file."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await record.find_entry(session, entry)
            content = await record.exact_bytes(session, services.files, row)
            thread = record.entries(thread=row.thread).order_by(Correspondence.at) if row.thread else None
            others = [] if thread is None else [_shown(other) for other in await session.scalars(thread) if other.id != row.id]
        if save is not None:
            write_new(save, content, "--save")
        mail = read(content)
        return {**_shown(row), "attachments": list(mail.attachments), "text": mail.text, "thread": others}

    show(run_in_shop(shop, work), as_json=as_json)


@correspondence.command()
def verify(email: AnyEmail = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Look at every byte of the record and at its chain; exit code 1 where something was changed or is missing."""

    async def work(services: Services, shop: Shop) -> list[str]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller_id = (await find(session, email)).id if email else None
            return await record.verify(session, storage=services.files, reseller_id=reseller_id)

    wrong = run_in_shop(shop, work)
    show({"wrong": wrong}, as_json=as_json)
    if wrong:
        raise typer.Exit(1)


@correspondence.command()
def export(
    email: Email,
    out: Annotated[Path, typer.Option("--out", help="The bundle, a ZIP file that is not there yet.")],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Everything written with a reseller as one bundle: an mbox, each mail's exact bytes, and a manifest with their hashes."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller = await find(session, email)
            made = await write_bundle(session, services, shop, reseller, out)
        return {"file": out, "mails": made.mails, "head": made.head, "sha256": made.sha256}

    show(run_in_shop(shop, work), as_json=as_json)


async def _found(services: Services, shop: Shop, email: str, order: str, words: str, limit: int) -> list[dict[str, Any]]:
    async with services.database.tenant_reading(shop.tenant_id) as session:
        query = await _query(session, email, order, words)
        newest = query.order_by(Correspondence.at.desc(), Correspondence.id).limit(limit)
        return [_shown(row) for row in await session.scalars(newest)]


async def _query(session: AsyncSession, email: str, order: str, words: str) -> Select[Correspondence]:
    reseller_id = (await find(session, email)).id if email else None
    order_id = (await find_order(session, order)).id if order else None
    return record.entries(reseller_id=reseller_id, order_id=order_id, words=words)


def _shown(row: Correspondence) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "direction": row.direction,
        "kind": row.kind,
        "from": row.sender,
        "to": row.recipients,
        "subject": row.subject,
        "note": row.note,
    }
