"""Advice about deals, deals handed over, and support requests: list, show, answer and close."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import service, support
from app.cases.tables import Case
from app.cli.common import By, Json, ShopUrl, run_in_shop, show, who
from app.errors import InvalidInput
from app.orders.services import Services
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

cases = typer.Typer(no_args_is_help=True, help="Advice about deals, deals handed over, and support requests.")

Which = Annotated[str, typer.Argument(help="The case's number, as `cases list` prints it.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(cases, name="cases")


@cases.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    limit: Limit = 200,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Cases that are not closed, the longest open first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await service.all_cases(session, closed=closed, limit=limit)
        return [_facts(case, company) for case, company in found]

    show(run_in_shop(shop, work), as_json=as_json)


@cases.command("show")
def show_(number: Which, shop: ShopUrl = "", as_json: Json = False) -> None:
    """A case with all that was written in it."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return await _shown(session, await service.by_number(session, number))

    show(run_in_shop(shop, work), as_json=as_json)


@cases.command()
def answer(
    number: Which,
    text: Annotated[str, typer.Option("--text", help="The answer.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="A UTF-8 text file with the answer.")] = None,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Answer in a case; the answer is mailed to who opened it."""
    if bool(text) == (file is not None):
        raise InvalidInput("Give the answer with --text or with --file.", code="case_text")
    said = text or _read(file)

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            case = await service.by_number(session, number)
            await service.write(session, services, shop, case, said, by=who(by), from_staff=True)
            return await _shown(session, case)

    show(run_in_shop(shop, work), as_json=as_json)


@cases.command()
def close(
    number: Which,
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it; it is mailed.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Close a case with what came of it."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            case = await service.close(session, services, shop, await service.by_number(session, number), outcome, by=who(by))
            return await _shown(session, case)

    show(run_in_shop(shop, work), as_json=as_json)


@cases.command("support")
def support_(limit: Limit = 200, shop: ShopUrl = "", as_json: Json = False) -> None:
    """Support requests that resellers confirmed for customers, the newest first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await support.all_requests(session, limit)
        return [
            {
                "at": row.attested_at,
                "company": company,
                "by": row.attested_by,
                "order": row.order_number,
                "customer": row.customer,
                "topic": row.topic,
                "confirmed": row.words,
            }
            for row, company in found
        ]

    show(run_in_shop(shop, work), as_json=as_json)


def _read(file: Path | None) -> str:
    assert file is not None
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"--file: {file} cannot be read as UTF-8 text.", code="file") from error


def _facts(case: Case, company: str) -> dict[str, Any]:
    return {
        "number": case.number,
        "kind": case.kind,
        "state": case.state,
        "company": company,
        "subject": case.subject,
        "customer": case.customer,
        "contact": case.contact,
        "opened_at": case.opened_at,
        "opened_by": case.opened_by,
        "closed_at": case.closed_at,
        "closed_by": case.closed_by,
    }


async def _shown(session: AsyncSession, case: Case) -> dict[str, Any]:
    reseller = await session.get_one(Reseller, case.reseller_id)
    written = [
        {"at": one.at, "by": one.by, "staff": one.from_staff, "text": one.text} for one in await service.entries(session, case.id)
    ]
    return {**_facts(case, reseller.company), "entries": written}
