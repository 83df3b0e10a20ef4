"""The installation: doctor, webhooks, the shop's settings, and the check of the books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import Json, ShopUrl, run_in_shop, show
from app.documents.logo import checked_logo
from app.errors import InvalidInput
from app.mail.record import verify
from app.orders import doctor as examination
from app.orders import shop_settings
from app.orders.check import check as ask
from app.orders.services import Services
from app.saleor import webhooks as drift
from app.saleor.shops import Shop
from app.settings import ShopSettings, kind_of, need_base_url

webhooks = typer.Typer(no_args_is_help=True, help="The webhooks installed in Saleor.")
shop_ = typer.Typer(no_args_is_help=True, help="A shop's own settings.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.command()(doctor)
    cli.command()(check)
    cli.add_typer(webhooks, name="webhooks")
    cli.add_typer(shop_, name="shop")


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Change what the app may change.")] = False,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Examine the installation and say what to change; exit code 1 while something is wrong."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        need_base_url(services.settings)  # the installed webhooks are compared with it
        if fix:
            repaired = await examination.fix(services, shop)
            shop = await services.shops.by_tenant(shop.tenant_id)
        else:
            repaired = []
        return [
            {
                "severity": "fixed" if repair.done else "error",
                "subject": repair.subject,
                "finding": repair.sentence,
                "fixable": False,
            }
            for repair in repaired
        ] + [
            {"severity": found.severity, "subject": found.subject, "finding": found.sentence, "fixable": found.fixable}
            for found in await examination.examine(services, shop)
        ]

    found = run_in_shop(shop, work)
    show(found, as_json=as_json)
    if any(finding["severity"] == "error" for finding in found):
        raise typer.Exit(1)


def check(shop: ShopUrl = "", as_json: Json = False) -> None:
    """Ask the books and licenses questions that must have no answer; exit code 1 where one has."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            answers: dict[str, Any] = await ask(session, services.clock())
            # The hourly check sees the chain alone; every byte is read here.
            answers["correspondence_altered"] = await verify(session, storage=services.files)
        return answers | {"workflows_that_gave_up": await services.jobs.stuck(shop.tenant_id)}

    answers = run_in_shop(shop, work)
    show(answers, as_json=as_json)
    if any(answers.values()):
        raise typer.Exit(1)


@webhooks.command()
def sync(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what differs.")] = False,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Compare the installed webhooks with the manifest and repair them."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        base_url = need_base_url(services.settings)
        client = await services.shops.client(shop)
        found = await (drift.drift if dry_run else drift.sync)(client, base_url)
        return [{"difference": str(item)} for item in found]

    show(run_in_shop(shop, work), as_json=as_json)


@shop_.command("show")
def show_settings(shop: ShopUrl = "", as_json: Json = False) -> None:
    """The settings in force in a shop."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        return {"shop": shop.api_url, **shop.settings.model_dump(mode="json")}

    show(run_in_shop(shop, work), as_json=as_json)


@shop_.command("set")
def set_(
    values: Annotated[list[str], typer.Argument(help="PATH=VALUE, like program.payment_days=14 or seller.name='Example Inc'.")],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Set a shop's own values over the installation's; VALUE may be JSON, a list replaces the whole list."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        def put(own: dict[str, Any], before: ShopSettings) -> None:
            for value in values:
                _put(own, value)

        return (await shop_settings.change(services, shop, put)).model_dump(mode="json")

    show(run_in_shop(shop, work), as_json=as_json)


@shop_.command("add-bank-account")
def add_bank_account(
    currency: Annotated[str, typer.Option(help="Currency of the account.")],
    beneficiary: Annotated[str, typer.Option(help="Holder of the account.")],
    iban: Annotated[str, typer.Option()] = "",
    bic: Annotated[str, typer.Option()] = "",
    routing_number: Annotated[str, typer.Option(help="ABA routing number, in the US.")] = "",
    account_number: Annotated[str, typer.Option(help="Account number, in the US.")] = "",
    bank_name: Annotated[str, typer.Option()] = "",
    channel: Annotated[str, typer.Option(help="For one channel; every channel of the currency by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Set the account resellers pay to in a currency; the one set before for it is replaced."""
    account = {
        "currency": currency.upper(),
        "beneficiary": beneficiary,
        "iban": iban,
        "bic": bic,
        "routing_number": routing_number,
        "account_number": account_number,
        "bank_name": bank_name,
        "channel": channel,
    }

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        result = await shop_settings.change(services, shop, lambda own, before: shop_settings.put_account(own, before, account))
        return [item.model_dump(mode="json") for item in result.bank_accounts]

    show(run_in_shop(shop, work), as_json=as_json)


@shop_.command("logo")
def logo(
    file: Annotated[Path, typer.Argument(help="A PNG, JPEG or SVG picture.", exists=True, dir_okay=False, readable=True)],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Put a logo on invoices, proformas and credit notes; `shop set documents.logo=` takes it away."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        content = file.read_bytes()
        kept = checked_logo(content)

        def put(own: dict[str, Any], before: ShopSettings) -> None:
            own["documents"] = {**own.get("documents", {}), "logo": kept}

        await shop_settings.change(services, shop, put)
        return {"shop": shop.api_url, "logo": file.name, "bytes": len(content)}

    show(run_in_shop(shop, work), as_json=as_json)


def _put(own: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    if not equals:
        raise InvalidInput(f"{assignment!r} is not PATH=VALUE.", code="setting")
    *places, last = path.strip().split(".")
    kind = kind_of(ShopSettings, [*places, last])
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if kind is str and not isinstance(value, str):
        value = text  # a ZIP code or a version is no number
    for place in places:
        own = own.setdefault(place, {})
        if not isinstance(own, dict):
            raise InvalidInput(
                f"{place} was given as one value; set its parts, or the whole of it as a JSON object.", code="setting"
            )
    own[last] = value
