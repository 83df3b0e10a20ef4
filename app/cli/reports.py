"""Reports: sales, days to pay, ageing and exempt sales by reseller, printed or as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import Json, ShopUrl, run_in_shop, show, write_new
from app.errors import InvalidInput
from app.orders.services import Services
from app.reports import files, reading, service
from app.reports.periods import CHOICES, OWN, chosen
from app.saleor.shops import Shop

reports = typer.Typer(no_args_is_help=True, help="Sales, days to pay, ageing and exempt sales by reseller.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(reports, name="reports")


@reports.command("show")
def show_one(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(files.KINDS)}.")],
    period: Annotated[str, typer.Option("--period", help=f"One of {', '.join(one for one in CHOICES if one != OWN)}.")] = "",
    first: Annotated[str, typer.Option("--from", help="The first month, like 2026-01, instead of a period.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last month; the first by default.")] = "",
    currency: Annotated[str, typer.Option("--currency", help="The one with the most orders by default.")] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the CSV to this file.")] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """One report with every reseller, those with the most first, as of when the sums were last made (`reports refresh`)."""
    if kind not in files.KINDS:
        raise InvalidInput(f"{kind!r} is no report; there are {', '.join(files.KINDS)}.", code="report")
    if period and period not in CHOICES:
        raise InvalidInput(f"--period: {period!r} is none of {', '.join(CHOICES)}.", code="period")

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        today = services.today(shop)
        months = chosen(OWN if first else period, first, last or first, today)
        async with services.database.tenant_reading(shop.tenant_id) as session:
            known = await reading.currencies(session)
            wanted = currency.upper() or (known[0] if known else "")
            if currency and wanted not in known:
                raise InvalidInput(
                    f"--currency: nothing was booked in {wanted}, only in {', '.join(known) or '-'}.", code="currency"
                )
            columns, rows = await files.report(session, kind, wanted, months, today)
            as_of = await service.as_of(session)
        if csv is not None:
            write_new(csv, files.as_csv(columns, rows), "--csv")
        return {
            "as_of": as_of,
            "from": f"{months.first:%Y-%m}",
            "to": f"{months.last:%Y-%m}",
            "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        }

    show(run_in_shop(shop, work), as_json=as_json)


@reports.command()
def refresh(
    everything: Annotated[bool, typer.Option("--all", help="Make all sums anew, whether or not anything changed.")] = False,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Bring the sums up to now; the worker does it every quarter of an hour."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        return {"resellers_summed_up": await service.refresh(services, shop, everything=everything)}

    show(run_in_shop(shop, work), as_json=as_json)
