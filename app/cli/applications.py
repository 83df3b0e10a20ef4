"""Applications to the program: reading them, deciding about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.common import By, Json, ShopUrl, run_in_shop, show, who, write_new
from app.files.service import content, of_application
from app.files.service import get as get_file
from app.orders import applications as decisions
from app.orders.services import Services
from app.reasons import sentence
from app.resellers import review
from app.resellers.application import WAITING, ApplicationState, missing
from app.resellers.roles import role_of
from app.resellers.tables import Application
from app.saleor.shops import Shop

applications = typer.Typer(no_args_is_help=True, help="Companies that want to become resellers.")

Which = Annotated[str, typer.Argument(help="E-mail of the applicant, for its newest application, or an application's id.")]
Told = Annotated[str, typer.Option("--reason", help="What the applicant is told; it is mailed.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.add_typer(applications, name="applications")


@applications.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Drafts and decided ones too.")] = False,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Applications that wait for a decision, the longest first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            return [_shown(row) for row in await review.list_all(session, () if everything else sorted(WAITING))]

    show(run_in_shop(shop, work), as_json=as_json)


@applications.command("show")
def show_one(which: Which, shop: ShopUrl = "", as_json: Json = False) -> None:
    """One application: what it says, what to look at, companies that may be the same, history."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await review.find(session, which)
            return {
                **_shown(row),
                "contact": row.contact,
                "address": ", ".join(filter(None, [row.street, row.street2, row.postal_code, row.city, row.region, row.country])),
                "tax_number": row.tax_number,
                "why": row.why,
                "answers": row.answers,
                "language": row.language,
                "policy_accepted": row.policy_version,
                "evidence": [
                    {"id": file.id, "name": file.name, "type": file.media_type, "bytes": file.size}
                    for file in await of_application(session, row.id)
                ],
                "lacks": [sentence(reason) for reason in missing(row, email_confirmed=True)],
                "look_at": [sentence(reason) for reason in await review.look_at(session, row)],
                "may_be_the_same": [
                    {
                        found.kind: found.company,
                        "email": found.email,
                        "status": found.status,
                        "because": " ".join(map(sentence, found.reasons)),
                    }
                    for found in await review.proposals(session, row)
                ],
                "history": [
                    {"at": step.at, "by": step.by, "action": step.action, "reason": step.reason}
                    for step in await review.history(session, row.id)
                ],
            }

    show(run_in_shop(shop, work), as_json=as_json)


@applications.command()
def evidence(
    file: Annotated[str, typer.Argument(help="Id of a file, as `applications show` prints it.")],
    save: Annotated[Path, typer.Option(help="Write it to this file.")],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Read a file that came with an application."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await get_file(session, file)
        write_new(save, await content(services.files, found), "--save")
        return {"name": found.name, "type": found.media_type, "bytes": found.size, "sha256": found.sha256, "saved": str(save)}

    show(run_in_shop(shop, work), as_json=as_json)


@applications.command()
def approve(
    which: Which,
    link_to: Annotated[str, typer.Option("--link-to", help="E-mail of the reseller this account shall order for.")] = "",
    role: Annotated[str, typer.Option("--role", help="Of a linked account: owner, buyer (without it), accounts or viewer.")] = "",
    separate: Annotated[bool, typer.Option("--separate", help="It is another company than those proposed.")] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Approve an application: a new reseller with partner prices from now on, or another account of one."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await review.find(session, which)
            reseller = await decisions.approve(
                session,
                services,
                shop,
                row.id,
                by=who(by),
                version=row.version,
                link_to=link_to,
                role=role_of(role) if role else None,
                separate=separate,
            )
            return {**_shown(row), "reseller": reseller.email, "status": reseller.status}

    show(run_in_shop(shop, work), as_json=as_json)


@applications.command()
def reject(which: Which, reason: Told, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Reject an application; the reason is mailed."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await review.find(session, which)
            return _shown(await decisions.reject(session, services, shop, row.id, by=who(by), reason=reason, version=row.version))

    show(run_in_shop(shop, work), as_json=as_json)


@applications.command()
def ask(which: Which, reason: Told, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Ask the applicant for more information; the question is mailed."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await review.find(session, which)
            return _shown(
                await decisions.ask_more(session, services, shop, row.id, by=who(by), reason=reason, version=row.version)
            )

    show(run_in_shop(shop, work), as_json=as_json)


def _shown(row: Application) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "company": row.company,
        "state": ApplicationState(row.state).value,
        "main_business": row.main_business,
        "website": row.website,
        "submitted_at": row.submitted_at,
        "decided_at": row.decided_at,
        "decided_by": row.decided_by,
        "reason": row.reason,
    }
