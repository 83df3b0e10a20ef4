"""Price lists as files, who has which, their versions, and the changes that are planned for a day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import By, Json, ShopUrl, a_date, a_percentage, run_in_shop, show, who
from app.cli.prices import ListName, On, ShortNotice, Why, carry_out, prices
from app.errors import InvalidInput, NotFound
from app.orders import price_changes, price_desk
from app.orders.services import Services
from app.pricing import list_file, planned, service, versions
from app.pricing.content import Changes, shown
from app.pricing.draft import Draft
from app.pricing.list_file import decoded, read_list, write_list
from app.pricing.rules import StaffException
from app.pricing.tables import DEFAULT_LIST, PriceChange, PriceListVersion
from app.resellers.service import find
from app.saleor.shops import Shop

COLUMNS = ", ".join(list_file.COLUMNS)


def mount(cli: typer.Typer) -> None:
    """Add these commands and those of `cli.prices`, which are of one group."""
    cli.add_typer(prices, name="prices")


@prices.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help=f"CSV with the columns {COLUMNS}; a line with scope `list` has the list's rate.")],
    name: ListName = DEFAULT_LIST,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be added, changed and removed.")] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the list if there is none of this name.")] = False,
    exception_reason: Annotated[str, typer.Option(help="Why rates may be above the cap; needs --exception-expires.")] = "",
    exception_expires: Annotated[str, typer.Option(help="Last day of the exception.")] = "",
    on: On = "",
    short_notice: ShortNotice = False,
    why: Why = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Make a list what a file says: all of it or, when a line is wrong, nothing. Entries that are not in the file are removed.

    The target is Saleor's id, or a variant's SKU.
    """
    if bool(exception_reason) != bool(exception_expires):
        raise InvalidInput("--exception-reason and --exception-expires go together.", code="exception")
    with file.open("rb") as opened:
        read = read_list(decoded(opened))
    if exception_reason:
        read = price_desk.excepted(read, exception_reason, a_date(exception_expires, "--exception-expires"))

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        draft = await price_desk.with_variant_ids(services, shop, read)
        cap = shop.settings.program.max_discount_percent
        door = services.database.tenant_reading if dry_run else services.database.tenant
        async with door(shop.tenant_id) as session:
            new = False
            try:
                await service.known_list(session, cap=cap, name=name)
            except NotFound as error:
                if not create or on:
                    raise NotFound(f"{error.sentence} --create makes it, at once.", code=error.code) from error
                new = True
            if not dry_run:
                return await carry_out(
                    session, services, shop, draft, name=name, on=on, short_notice=short_notice, why=why, by=by
                )
            if new:
                found = service.difference_for_new(draft, cap=cap, today=services.today(shop))
            elif on:
                found = await planned.preview_plan(session, draft, on=a_date(on, "--on"), cap=cap, name=name)
            else:
                found = await service.preview_draft(session, draft, cap=cap, today=services.today(shop), name=name)
            return {"list": name, "dry_run": True, "unchanged": found.unchanged} | shown(found.changes)

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command()
def export(
    file: Annotated[str, typer.Argument(help="File to write; to the screen by default.")] = "",
    name: ListName = DEFAULT_LIST,
    version: Annotated[int, typer.Option(help="As the list was at this version; as it is by default.")] = 0,
    shop: ShopUrl = "",
) -> None:
    """Write a list as CSV that `prices import` reads."""

    async def work(services: Services, shop: Shop) -> str:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await service.known_list(session, cap=shop.settings.program.max_discount_percent, name=name)
            content = await (versions.content_at(session, row, version) if version else versions.content_of(session, row))
        return "".join(write_list(content))

    text = run_in_shop(shop, work)
    if file:
        # The mark in front lets spreadsheets read other letters than ASCII.
        Path(file).write_bytes(text.encode("utf-8-sig"))
    else:
        typer.echo(text, nl=False)


@prices.command()
def history(
    name: ListName = DEFAULT_LIST,
    version: Annotated[int, typer.Option(help="Show what this version changed; all versions in a line each by default.")] = 0,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """The versions of a list: who changed it, when, why and what."""

    async def work(services: Services, shop: Shop) -> Any:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await service.known_list(session, cap=shop.settings.program.max_discount_percent, name=name)
            if version:
                found = await versions.version_of(session, row, version)
                return _version(found) | shown(Changes.from_dict(found.changes))
            return [_version(found) for found in await versions.history(session, row)]

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command()
def assign(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    name: ListName = DEFAULT_LIST,
    why: Why = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Give a reseller a price list; `default` is the one of all others."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await find(session, email)
            new = await service.assign(session, reseller.id, name, by=who(by), at=services.clock(), why=why)
        return {"reseller": reseller.company, "list": name, "new": new}

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command("except")
def except_(
    rate: Annotated[str, typer.Option(help="The highest percentage the list may give.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept with the exception.")] = "",
    expires: Annotated[str, typer.Option(help="Its last day.")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="End the exception now; the cap holds again.")] = False,
    name: ListName = DEFAULT_LIST,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Let a list go above the cap for a time, or end that."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        if lift == bool(rate or reason or expires) or (not lift and not (rate and expires)):
            raise InvalidInput("Give --rate, --reason and --expires, or --lift alone.", code="exception")
        draft = Draft(lift_exception=True)
        if not lift:
            draft = Draft(exception=StaffException(a_percentage(rate, "--rate"), reason, a_date(expires, "--expires")))
        async with services.database.tenant(shop.tenant_id) as session:
            await service.known_list(session, cap=shop.settings.program.max_discount_percent, name=name)
            return await carry_out(session, services, shop, draft, name=name, on="", short_notice=False, why=reason, by=by)

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command("planned")
def planned_(
    change: Annotated[str, typer.Argument(help="A change's id, to see all it changes; a line for each by default.")] = "",
    name: Annotated[str, typer.Option("--list", help="Of this list only.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Changes of price lists that are, or were, planned for a day."""

    async def work(services: Services, shop: Shop) -> Any:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            if change:
                found = await planned.planned_change(session, change)
                return _change(found) | shown(Changes.from_dict(found.changes))
            return [{"list": its} | _change(found) for found, its in await planned.list_changes(session, name or None)]

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command()
def cancel(
    change: Annotated[str, typer.Argument(help="The change's id, as `prices planned` prints it.")],
    reason: Annotated[str, typer.Option(help="Why; kept on the record, for staff.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Cancel a planned change before its day; resellers that were told of it are told so."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            return _change(await price_changes.cancel(session, services, shop, change, by=who(by), reason=reason))

    show(run_in_shop(shop, work), as_json=as_json)


def _version(row: PriceListVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "at": row.at,
        "by": row.by,
        "why": row.why,
        "added": row.added,
        "changed": row.changed,
        "removed": row.removed,
        "planned": row.price_change_id,
    }


def _change(row: PriceChange) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "effective_on": row.effective_on,
        "announced_on": row.announce_on,
        "announced_at": row.announced_at,
        "short_notice": row.short_notice,
        "by": row.planned_by,
        "why": row.why,
        "added": row.added,
        "changed": row.changed,
        "removed": row.removed,
        "version": row.version,
        "canceled_by": row.canceled_by,
        "cancel_reason": row.cancel_reason,
    }
