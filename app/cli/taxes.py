"""Exemption certificates, the vendor's registrations, and the rate table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import By, Json, ShopUrl, a_date, run_in_shop, show, who
from app.errors import InvalidInput
from app.orders.services import Services
from app.resellers.service import find
from app.saleor.shops import Shop
from app.tax import service
from app.tax.rules import CertificateState
from app.tax.tables import CertificateRow

certificates = typer.Typer(no_args_is_help=True, help="Exemption certificates.")
rates = typer.Typer(no_args_is_help=True, help="Sales-tax rates and the states the vendor is registered in.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(certificates, name="certificates")
    cli.add_typer(rates, name="rates")


@certificates.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    number: Annotated[str, typer.Option(help="The certificate's number.")],
    states: Annotated[str, typer.Option("--state", "--states", help="US states it is for, separated by commas, like TX,OK.")],
    valid_from: Annotated[str, typer.Option(help="First valid day.")],
    valid_to: Annotated[str, typer.Option(help="Last valid day; without one it is open-ended.")] = "",
    signed_on: Annotated[str, typer.Option(help="Day it was signed; the first valid day by default.")] = "",
    form: Annotated[str, typer.Option(help="The form, like 01-339.")] = "",
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve at once; otherwise it is pending and has no effect.")
    ] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Enter a reseller's certificate."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        first = a_date(valid_from, "--valid-from")
        async with services.database.tenant(shop.tenant_id) as session:
            row = await service.add_certificate(
                session,
                reseller_id=(await find(session, email)).id,
                number=number,
                states=[state for state in states.split(",") if state.strip()],
                signed_on=a_date(signed_on, "--signed-on") if signed_on else first,
                valid_from=first,
                valid_to=a_date(valid_to, "--valid-to") if valid_to else None,
                form=form,
                at=services.clock(),
            )
            if approve:
                row = await service.decide_certificate(
                    session, row.id, CertificateState.APPROVED, by=who(by), at=services.clock()
                )
            return _shown(row)

    show(run_in_shop(shop, work), as_json=as_json)


@certificates.command()
def decide(
    certificate: Annotated[str, typer.Argument(help="The certificate's id, as `certificates list` prints it.")],
    state: Annotated[CertificateState, typer.Argument(help="What it becomes.")],
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Approve, reject or revoke a certificate; orders placed before keep their evidence."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            return _shown(await service.decide_certificate(session, certificate, state, by=who(by), at=services.clock()))

    show(run_in_shop(shop, work), as_json=as_json)


@certificates.command("list")
def list_(
    email: Annotated[str, typer.Argument(help="E-mail of a reseller; all by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Certificates with their states and dates."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller_id = (await find(session, email)).id if email else None
            return [_shown(row) for row in await service.list_certificates(session, reseller_id)]

    show(run_in_shop(shop, work), as_json=as_json)


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


def _shown(row: CertificateRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "states": ", ".join(row.states),
        "state": row.state,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "decided_by": row.decided_by,
    }
