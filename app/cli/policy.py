"""The Reseller Policy: publishing versions, reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import Json, ShopUrl, a_date, run_in_shop, show
from app.errors import InvalidInput
from app.orders.services import Services
from app.resellers import policy as policies
from app.resellers.tables import PolicyVersion
from app.saleor.shops import Shop

policy = typer.Typer(no_args_is_help=True, help="The Reseller Policy that resellers accept.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(policy, name="policy")


@policy.command()
def publish(
    version: Annotated[str, typer.Argument(help="A new name, like 2026-1; it is never used for another text.")],
    english: Annotated[Path, typer.Option(help="Markdown file of the English text.")],
    german: Annotated[Path, typer.Option(help="Markdown file of the German text.")],
    in_force_from: Annotated[str, typer.Option("--from", help="The day it comes into force.")],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Publish a version; from its day on every reseller is asked to accept it, within the grace period."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        day = a_date(in_force_from, "--from")
        texts = _read(english, "--english"), _read(german, "--german")
        async with services.database.tenant(shop.tenant_id) as session:
            return _shown(await policies.publish(session, version, *texts, day, services.clock()))

    show(run_in_shop(shop, work), as_json=as_json)


@policy.command("show")
def show_one(
    version: Annotated[str, typer.Argument(help="The one in force by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """The version in force with its days of grace, or another one, with its texts."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            now = await policies.in_force(session, shop.settings, services.today(shop))
            facts: dict[str, Any] = {"in_force": now.version, "since": now.since, "grace_days": now.grace_days}
            published = {row.version for row in await policies.versions(session)}
            if not version and now.version not in published:
                return {**facts, "text": "none published; the version's name is a setting of the shop"}
            row = await policies.find_version(session, version or now.version)
            return {**facts, **_shown(row), "text_en": row.text_en, "text_de": row.text_de}

    show(run_in_shop(shop, work), as_json=as_json)


@policy.command("list")
def list_(shop: ShopUrl = "", as_json: Json = False) -> None:
    """Every published version, the newest first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            now = await policies.in_force(session, shop.settings, services.today(shop))
            return [{**_shown(row), "in_force": row.version == now.version} for row in await policies.versions(session)]

    show(run_in_shop(shop, work), as_json=as_json)


def _shown(row: PolicyVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "in_force_from": row.in_force_from,
        "published_at": row.published_at,
        "sha256_en": row.sha256_en,
        "sha256_de": row.sha256_de,
    }


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{option}: {path} cannot be read as a text in UTF-8: {error}.", code="file") from error
