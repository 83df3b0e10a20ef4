"""The vendor's registrations, and the rate table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import Json, ShopUrl, a_date, run_in_shop, show
from app.errors import InvalidInput
from app.orders.services import Services
from app.saleor.shops import Shop
from app.tax import service

rates = typer.Typer(no_args_is_help=True, help="Sales-tax rates and the states the vendor is registered in.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(rates, name="rates")


@rates.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns state, zip, rate, valid_from, valid_to, tax_class.")],
    version: Annotated[str, typer.Option(help="Name of this table on every decision; the file's name by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Import dated rates of US states and ZIPs: all of the file or, when a line is wrong, nothing."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file} cannot be read as UTF-8 text: {error}", code="file") from error
        async with services.database.tenant(shop.tenant_id) as session:
            done = await service.import_rates(session, text, version=version or file.name, at=services.clock())
            return {
                "added": done.added,
                "changed": done.changed,
                "unchanged": done.unchanged,
                "not_registered": sorted(done.unregistered),
                "note": (
                    "No tax is charged in states where the vendor is not registered; `reseller rates register STATE` changes it."
                    if done.unregistered
                    else ""
                ),
            }

    show(run_in_shop(shop, work), as_json=as_json)


@rates.command()
def register(
    states: Annotated[list[str], typer.Argument(help="US states the vendor collects tax in.")],
    valid_from: Annotated[str, typer.Option(help="First day; today by default.")] = "",
    valid_to: Annotated[str, typer.Option(help="Last day.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Say in which states the vendor is registered and collects sales tax."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        first = a_date(valid_from, "--valid-from") if valid_from else services.today(shop)
        last = a_date(valid_to, "--valid-to") if valid_to else None
        async with services.database.tenant(shop.tenant_id) as session:
            for state in states:
                await service.register_state(session, state, valid_from=first, valid_to=last)
            return [
                {"state": row.us_state, "valid_from": row.valid_from, "valid_to": row.valid_to}
                for row in await service.load_registrations(session)
            ]

    show(run_in_shop(shop, work), as_json=as_json)
