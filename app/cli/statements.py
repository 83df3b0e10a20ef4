"""Monthly statements: run a month, list, show, preview and send again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select

from app.cli.common import Json, ShopUrl, run_in_shop, show, write_new
from app.documents.logo import decoded
from app.documents.statement import StatementData, render_statement, statement_csv
from app.errors import Conflict
from app.money import Money
from app.orders.services import Services
from app.resellers.service import find
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.statements import drawing, service
from app.statements.rules import Period, period_of
from app.statements.tables import Statement

statements = typer.Typer(no_args_is_help=True, help="Monthly statements of account.")

Which = Annotated[str, typer.Argument(help="The statement's number, as `statements list` prints it.")]
Month = Annotated[str, typer.Option("--period", help="A month like 2026-02; the newest that is over by default.")]
Pdf = Annotated[Path | None, typer.Option("--pdf", help="Write the PDF to this file.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the CSV to this file.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(statements, name="statements")


@statements.command()
def run(period: Month = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Let the worker make a month's statements; those that were made already stay as they are."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            chosen = await service.begin_one(session, services, shop, Period.parse(period) if period else None)
        asked = await service.ask_for_all(services, shop, chosen)
        return {"period": str(chosen), "dated": chosen.dated, "resellers_asked_for": asked}

    show(run_in_shop(shop, work), as_json=as_json)


@statements.command("list")
def list_(
    email: Annotated[str, typer.Argument(help="E-mail of a reseller; all by default.")] = "",
    period: Annotated[str, typer.Option("--period", help="Only those of a month like 2026-02.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 200,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Statements, the newest first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller_id = (await find(session, email)).id if email else None
            month = Period.parse(period) if period else None
            return [
                _shown(row) for row in await service.all_statements(session, reseller_id=reseller_id, period=month, limit=limit)
            ]

    show(run_in_shop(shop, work), as_json=as_json)


@statements.command("show")
def show_one(statement: Which, pdf: Pdf = None, csv: Csv = None, shop: ShopUrl = "", as_json: Json = False) -> None:
    """One statement as it was made; its files byte for byte."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            row = await service.by_number(session, statement)
            reseller = (await session.scalars(select(Reseller).where(Reseller.id == row.reseller_id))).one()
            pays = await service.paid_by(session, row.reference)
        if (pdf or csv) and (row.pdf is None or row.csv is None):
            raise Conflict(f"Statement {row.number} is not printed yet; the worker does it.", code="not_printed")
        _write(pdf, row.pdf, csv, row.csv)
        return {
            **_shown(row),
            "reseller": reseller.email,
            "open_now": Money(pays.open_minor, row.currency) if pays else None,
            "pdf_sha256": row.pdf_sha256,
            "csv_sha256": row.csv_sha256,
            **_said(StatementData.model_validate(row.content)),
        }

    show(run_in_shop(shop, work), as_json=as_json)


@statements.command()
def preview(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    period: Month = "",
    nil: Annotated[bool, typer.Option("--nil", help="A statement of nothing, too.")] = False,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write each PDF to this file, the currency before its ending.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write each CSV to this file, the currency before its ending.")
    ] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """What a reseller's statements of a month would say now; nothing is kept and nothing sent."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        month = Period.parse(period) if period else period_of(services.clock(), ZoneInfo(shop.settings.time_zone))
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await drawing.preview(session, services, shop, await find(session, email), month, nil=nil)
        picture = decoded(shop.settings.documents.logo)
        for data in found:
            _write(_named(pdf, data), render_statement(data, picture) if pdf else None, _named(csv, data), statement_csv(data))
        return [_said(data) for data in found]

    show(run_in_shop(shop, work), as_json=as_json)


@statements.command()
def resend(
    statement: Which,
    to: Annotated[str, typer.Option("--to", help="Another address; everybody it went to by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Mail a statement once more, as it was."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            mails = await service.send_again(session, services, shop, number=statement, to=to or None)
        return [{"recipient": mail.recipient, "subject": mail.subject, "state": mail.state} for mail in mails]

    show(run_in_shop(shop, work), as_json=as_json)


def _write(pdf: Path | None, pdf_bytes: bytes | None, csv: Path | None, csv_bytes: bytes | None) -> None:
    if pdf is not None and pdf_bytes is not None:
        write_new(pdf, pdf_bytes, "--pdf")
    if csv is not None and csv_bytes is not None:
        write_new(csv, csv_bytes, "--csv")


def _named(path: Path | None, data: StatementData) -> Path | None:
    return path.with_name(f"{path.stem}.{data.currency}{path.suffix}") if path else None


def _shown(row: Statement) -> dict[str, Any]:
    return {
        "number": row.number,
        "period": row.period,
        "dated": row.dated,
        "to_pay": Money(row.to_pay_minor, row.currency),
        "reference": row.reference,
        "printed": row.pdf_sha256 is not None,
    }


def _said(data: StatementData) -> dict[str, Any]:
    return {
        "currency": data.currency,
        "snapshot_at": data.snapshot_at,
        "orders": [
            {
                "order": line.order_number,
                "po_number": line.po_number,
                "due": line.due_date,
                "days_overdue": line.days_overdue,
                "open": data.money(line.open),
                "interest": data.money(line.interest),
                "disputed": line.disputed,
            }
            for line in data.lines
        ],
        "buckets": {name: data.money(data.buckets[name]) for name in data.bucket_names},
        "credit": data.money(data.credit),
        "balance": data.money(data.balance),
    }
