"""Bank files into the books, and the review desk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank import learning, service
from app.bank.csv_mapping import read_mapping
from app.cli.bank import bank
from app.cli.common import By, Json, ShopUrl, a_rate, an_amount, run_in_shop, show, who
from app.errors import InvalidInput
from app.money import Money
from app.orders import bank_desk
from app.orders.bank_batch import ImportReport
from app.orders.bank_candidates import own_names
from app.orders.bank_drop import Drop, Dropped
from app.orders.bank_undo import undo_import, undo_line
from app.orders.bank_upload import import_bank_file
from app.orders.conversion import Conversion
from app.orders.remittance import advise
from app.orders.services import Services
from app.reasons import Reason
from app.resellers import service as resellers
from app.saleor.shops import Shop

Line = Annotated[str, typer.Argument(help="The line's id, or its beginning, as `bank proposals` prints it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the line.")]
Account = Annotated[str, typer.Option(help="Whose file it is, where it does not say; its CSV mapping is taken.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands to the group of `bank`."""
    for name, command in COMMANDS.items():
        bank.command(name)(command)


def import_(
    file: Annotated[Path, typer.Argument(help="A bank file of any format `bank parse` reads.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it, and keep nothing.")] = False,
    account: Account = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Import a bank file: known lines are left out, the others matched and booked or proposed."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        def told(what: str, count: int) -> None:
            if count % 10_000 == 0:
                typer.echo(f"{count} lines {what}", err=True)

        with file.open("rb") as source:
            report = await import_bank_file(
                services,
                shop,
                source,
                file_name=file.name,
                by=who(by),
                account=account,
                dry_run=dry_run,
                progress=told,
            )
        return _report(file.name, report, dry_run=dry_run)

    show(run_in_shop(shop, work), as_json=as_json)


def imports(shop: ShopUrl = "", as_json: Json = False) -> None:
    """The latest files and what they came to."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return [
            {
                "id": row.id,
                "file": row.file_name,
                "format": row.format,
                "state": row.state,
                "by": row.by,
                "started_at": row.started_at,
                "finished_at": row.finished_at,
                "undone_by": row.undone_by or None,
                "lines_read": row.lines_read,
                "lines_done": row.lines_done,
                "lines": row.counts,
                "notes": [str(Reason.from_dict(note)) for note in row.notes],
            }
            for row in await service.imports(session)
        ]

    _read(shop, work, as_json)


def proposals(
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many at most.")] = 200,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Lines that wait for a person: what each would pay, by which rule, how sure, and why."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return await bank_desk.waiting_lines(session, limit)

    _read(shop, work, as_json)


def accept(line: Line, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Book a proposal as it is."""

    async def work(services: Services, shop: Shop, session: AsyncSession) -> Any:
        return await bank_desk.accept(session, services, shop, line, by=who(by))

    _decide(shop, work, as_json)


def reject(line: Line, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Put a line aside; it pays nothing."""

    async def work(services: Services, shop: Shop, session: AsyncSession) -> Any:
        return await bank_desk.reject(session, services, line, by=who(by), reason=reason)

    _decide(shop, work, as_json)


def allocate(
    line: Line,
    parts: Annotated[list[str] | None, typer.Argument(help="What of it pays which order, like 1043=118.80.")] = None,
    reseller: Annotated[str, typer.Option(help="E-mail of the reseller whose credit it becomes, without orders.")] = "",
    booked: Annotated[str, typer.Option(help="Of another currency: what it was booked as, like 118.80.")] = "",
    currency: Annotated[str, typer.Option(help="Currency of --booked.")] = "",
    rate: Annotated[str, typer.Option(help="Of another currency: one unit of the line's in --currency.")] = "",
    source: Annotated[str, typer.Option(help="Where the rate is from.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Share a line out by hand; what is left stays the reseller's credit. Of a booked line, share out what it left."""

    async def work(services: Services, shop: Shop, session: AsyncSession) -> Any:
        conversion = None
        if booked or rate or source:
            conversion = Conversion(an_amount(booked, currency, "--booked"), a_rate(rate), source)
        row = await service.lock_line(session, line)
        paid_in = conversion.booked.currency if conversion else row.currency
        shares = [_part(part, paid_in) for part in parts or ()]
        owner = (await resellers.find(session, reseller)).id if reseller else None
        return await bank_desk.allocate(
            session, services, shop, row.id, shares, by=who(by), reseller_id=owner, conversion=conversion
        )

    _decide(shop, work, as_json)


def undo(
    what: Annotated[str, typer.Argument(help="A line's id; with --file a file's id, as `bank imports` prints it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the line.")] = "",
    file: Annotated[bool, typer.Option("--file", help="Undo a whole file.")] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Take back what a line or a whole file did; nothing is deleted from the ledger."""
    if not file:

        async def one(services: Services, shop: Shop, session: AsyncSession) -> Any:
            return await undo_line(session, services, shop, what, by=who(by), reason=reason)

        _decide(shop, one, as_json)
        return

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        row = await undo_import(services, shop, what, by=who(by))
        again = [str(Reason.from_dict(note)) for note in row.notes if note["code"] == "read_again"]
        return {"id": row.id, "file": row.file_name, "state": row.state, "undone_by": row.undone_by, "notes": again}

    show(run_in_shop(shop, work), as_json=as_json)


def account(
    identifier: Annotated[str, typer.Argument(help="IBAN or account number, as the bank's files name it.")],
    name: Annotated[str, typer.Option(help="What you call it.")] = "",
    mapping: Annotated[Path | None, typer.Option(help="JSON file that says what its CSV files' columns mean.")] = None,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Add an account whose files are imported, or change how its CSV files are read."""
    data = None
    if mapping is not None:
        try:
            data = json.loads(mapping.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InvalidInput(f"{mapping} is not JSON: {error}.", code="mapping") from error
        read_mapping(data)

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await service.add_account(
                session, identifier, name=name, mapping=data, by=who(by), at=services.clock(), own=own_names(shop)
            )
            return {"account": row.identifier, "name": row.name, "csv": bool(row.mapping)}

    show(run_in_shop(shop, work), as_json=as_json)


def payers(
    confirm: Annotated[str, typer.Option(help="Id of a payer that may count from now on; not by who proposed it.")] = "",
    off: Annotated[str, typer.Option(help="Id of a payer that counts no more.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Payers that were learned: list them, confirm one as the second person, or switch one off."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            if confirm:
                await learning.confirm_payer(session, confirm, by=who(by), at=services.clock())
            if off:
                await learning.switch_off_payer(session, off, by=who(by), at=services.clock())
            await session.flush()
            names = {row.id: row.email for row in await resellers.list_all(session)}
            return [
                {
                    "id": row.id,
                    "payer": row.shown,
                    "reseller": names.get(row.reseller_id),
                    "proposed_by": row.proposed_by,
                    "confirmed_by": row.confirmed_by or None,
                    "counts": row.confirmed_at is not None and row.off_at is None,
                }
                for row in await learning.payers(session)
            ]

    show(run_in_shop(shop, work), as_json=as_json)


def tolerance(
    reseller: Annotated[str, typer.Argument(help="The reseller's e-mail.")],
    wire: Annotated[str, typer.Option(help="What banks may keep of one wire, like 15.00.")],
    year: Annotated[str, typer.Option(help="What they may keep in a year.")],
    currency: Annotated[str, typer.Option(help="Currency of both.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Set what banks may keep of a reseller's wires in one currency, instead of the shop's own numbers."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await resellers.find(session, reseller)
            of_wire, of_year = an_amount(wire, currency, "--wire"), an_amount(year, currency, "--year")
            await learning.set_tolerance(session, row.id, of_wire, of_year, by=who(by), at=services.clock())
            return {"reseller": row.email, "wire": str(of_wire), "year": str(of_year)}

    show(run_in_shop(shop, work), as_json=as_json)


def advice(
    reseller: Annotated[str, typer.Argument(help="The reseller's e-mail.")],
    file: Annotated[typer.FileText, typer.Argument(help="What it announced, a line per order with its amount; - reads it here.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Keep a remittance advice; it is proposed when a wire of its total comes."""
    text = file.read()

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await resellers.find(session, reseller)
            kept, unread = await advise(session, row.id, text=text, lines=(), paid_on=None, by=who(by), at=services.clock())
            return {
                "id": kept.id,
                "reseller": row.email,
                "lines": kept.lines,
                "not_understood": [str(reason) for reason in unread],
            }

    show(run_in_shop(shop, work), as_json=as_json)


def watch(
    directory: Annotated[
        Path,
        typer.Argument(help="Where files are dropped, by hand or by an SFTP server; they are moved to done/ or refused/ in it."),
    ],
    once: Annotated[bool, typer.Option("--once", help="Import what is there now, and end.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 30,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Import every file that is dropped into a folder, once nobody writes to it; a refused one has the reason beside it."""
    if not directory.is_dir():
        raise InvalidInput(f"{directory} is no folder.", code="directory")

    async def work(services: Services, shop: Shop) -> None:
        drop = Drop(directory)
        while True:
            async for found in drop.look(services, shop, by=who(by)):
                show(_dropped(found), as_json=as_json)
            if once and not drop.is_growing(services.clock()):
                return
            await asyncio.sleep(1 if once else every)

    run_in_shop(shop, work)


COMMANDS: dict[str, Callable[..., None]] = {
    "import": import_,
    "imports": imports,
    "proposals": proposals,
    "accept": accept,
    "reject": reject,
    "allocate": allocate,
    "undo": undo,
    "account": account,
    "payers": payers,
    "tolerance": tolerance,
    "advice": advice,
    "watch": watch,
}


def _dropped(found: Dropped) -> dict[str, Any]:
    if found.report is not None:
        return _report(found.name, found.report, dry_run=False)
    return {"file": found.name, "refused" if found.moved else "waits": found.sentence}


def _report(file: str, report: ImportReport, *, dry_run: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "file": file,
        "import": report.import_id,
        "read_before": report.repeated,
        "lines": dict(report.counts),
        "notes": [str(note) for note in report.notes],
    }
    if not dry_run:
        return shown
    new = [{**line, "reasons": [str(reason) for reason in line["reasons"]]} for line in report.lines]
    return {**shown, "dry_run": True, "new": new}


def _part(text: str, currency: str) -> tuple[str, Money]:
    number, equals, amount = text.rpartition("=")
    if not equals or not number:
        raise InvalidInput(f"{text!r} is not an order with an amount, like 1043=118.80.", code="part")
    return number, an_amount(amount, currency, number)


def _read(url: str, work: Callable[[AsyncSession], Awaitable[Any]], as_json: bool) -> None:
    async def reading(services: Services, shop: Shop) -> Any:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return await work(session)

    show(run_in_shop(url, reading), as_json=as_json)


def _decide(url: str, work: Callable[[Services, Shop, AsyncSession], Awaitable[Any]], as_json: bool) -> None:
    async def deciding(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await work(services, shop, session)
            return {
                "line": row.id,
                "amount": service.shown_amount(row.amount, row.currency),
                "outcome": row.outcome,
                "by": row.decided_by,
                "reasons": [str(Reason.from_dict(reason)) for reason in row.reasons],
            }

    show(run_in_shop(url, deciding), as_json=as_json)
