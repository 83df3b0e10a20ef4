"""Money that is sent back: the list of it, the SEPA file for the bank, and what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.common import By, Json, ShopUrl, a_date, an_amount, run_in_shop, show, who, write_new
from app.errors import InvalidInput
from app.money import Money
from app.orders import refund_list
from app.orders.refund_list import Waiting
from app.orders.refunds import refund_sent
from app.orders.services import Services
from app.orders.tables import RefundExport
from app.saleor.shops import Shop

refunds = typer.Typer(no_args_is_help=True, help="Money that is to be sent back to resellers.")

Which = Annotated[str, typer.Argument(help="The refund's id, or its beginning, as `refunds list` prints it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept on the record.")]
Name = Annotated[str, typer.Option("--name", help="Holder of the account it goes to.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(refunds, name="refunds")


@refunds.command("list")
def list_(
    settled: Annotated[bool, typer.Option("--all", help="Those that were sent or canceled, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many settled ones at most.")] = 200,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """What waits to be sent back, whereto and how: by the SEPA file, or by hand and why."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await refund_list.waiting_refunds(session)
            if settled:
                found += await refund_list.settled_refunds(session, limit)
            return [await _shown(session, each) for each in found]

    show(run_in_shop(shop, work), as_json=as_json)


@refunds.command()
def add(
    amount: Annotated[str, typer.Option(help="How much, like 30.00.")],
    currency: Annotated[str, typer.Option(help="Currency of the amount.")],
    reason: Why,
    order: Annotated[str, typer.Option(help="Number of the order whose money it is.")] = "",
    reseller: Annotated[str, typer.Option(help="E-mail of the reseller whose unallocated credit it is.")] = "",
    iban: Annotated[str, typer.Option(help="Where it goes; the account the money came from by default.")] = "",
    name: Name = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Put money of an order, or a reseller's credit, on the list; nothing is sent back by itself."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await refund_list.ask_refund(
                session,
                services,
                shop,
                amount=an_amount(amount, currency),
                reason=reason,
                by=who(by),
                number=order,
                email=reseller,
                beneficiary=name,
                iban=iban,
            )
            return await _shown(session, await refund_list.waiting(session, row))

    show(run_in_shop(shop, work), as_json=as_json)


@refunds.command()
def to(
    refund: Which,
    iban: Annotated[str, typer.Option(help="The IBAN it goes to.")],
    name: Name,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Name the account a refund goes to, before it is exported."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await refund_list.send_to(session, refund, beneficiary=name, iban=iban)
            return await _shown(session, await refund_list.waiting(session, row))

    show(run_in_shop(shop, work), as_json=as_json)


@refunds.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the SEPA file (pain.001.001.09) for the bank.")],
    again: Annotated[str, typer.Option("--again", help="Write this file once more, byte for byte, by its message id.")] = "",
    on: Annotated[str, typer.Option("--on", help="Day the bank shall send it; today by default.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Write a SEPA file of every refund in EUR that was in none yet; the others are listed for a transfer by hand."""

    async def work(services: Services, shop: Shop) -> tuple[RefundExport, list[dict[str, Any]]]:
        day = a_date(on, "--on") if on else None
        async with services.database.tenant(shop.tenant_id) as session:
            if again:
                return await refund_list.export_again(session, again), []
            made, others = await refund_list.export_refunds(session, services, shop, by=who(by), execution=day)
            return made, [await _shown(session, each) for each in others]

    if file.exists():
        raise InvalidInput(f"FILE: {file} is there already.", code="file")
    made, others = run_in_shop(shop, work)
    # Not before it is kept: a file that the books know nothing of would be sent twice.
    try:
        write_new(file, made.content, "FILE")
    except InvalidInput as error:
        raise InvalidInput(f"{error.sentence} The file is kept; `--again {made.message_id}` writes it elsewhere.") from error
    shown = {
        "file": str(file),
        "message_id": made.message_id,
        "refunds": made.count,
        "total": Money(made.total_minor, "EUR"),
        "from": made.iban,
        "sha256": made.sha256,
        "by": made.by,
        "at": made.at,
        "by_hand": others,
    }
    show(shown, as_json=as_json)


@refunds.command()
def sent(
    refund: Which,
    date: Annotated[str, typer.Option(help="The bank's value date.")],
    reference: Annotated[str, typer.Option(help="The bank's own reference of the transfer; it makes the booking once.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Book a refund that left the account; a bank file with its reference does it by itself."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            day = a_date(date, "--date")
            row = await refund_sent(session, services, shop, refund, bank_reference=reference, value_date=day, by=who(by))
            return await _shown(session, await refund_list.waiting(session, row))

    show(run_in_shop(shop, work), as_json=as_json)


@refunds.command()
def cancel(refund: Which, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Take a refund off the list: it is not sent, or the bank refused it."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await refund_list.cancel_refund(session, services, shop, refund, by=who(by), reason=reason)
            return await _shown(session, await refund_list.waiting(session, row))

    show(run_in_shop(shop, work), as_json=as_json)


async def _shown(session: AsyncSession, each: Waiting) -> dict[str, Any]:
    file = await session.scalar(select(RefundExport.message_id).where(RefundExport.id == each.row.export_id))
    return {
        "id": each.row.id,
        "order": each.order_number,
        "reseller": each.company,
        "amount": each.amount,
        "name": each.name,
        "iban": each.iban,
        "reference": each.row.reference,
        "state": refund_list.state_of(each, file or ""),
        "asked_at": each.row.requested_at,
        "asked_by": each.row.requested_by,
        "reason": each.row.reason,
    }
