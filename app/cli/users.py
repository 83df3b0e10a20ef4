"""Users of a reseller: who acts for it, in which role, and who is invited."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.common import By, Json, ShopUrl, run_in_shop, show, who
from app.errors import NotFound
from app.orders import users as cases
from app.orders.services import Services
from app.resellers import service, users
from app.resellers.roles import role_of
from app.resellers.rules import fold_email
from app.resellers.tables import Reseller, ResellerUser
from app.saleor.shops import Shop

accounts = typer.Typer(no_args_is_help=True, help="Users of a reseller, their roles and invitations.")

Email = Annotated[str, typer.Argument(help="E-mail of the reseller or one of its users.")]
Whom = Annotated[str, typer.Argument(help="E-mail of the user.")]
RoleName = Annotated[str, typer.Argument(help="owner, buyer, accounts or viewer.")]


@accounts.command("list")
def list_(email: Email, shop: ShopUrl = "", as_json: Json = False) -> None:
    """Who acts for a reseller, and open invitations."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            now = services.clock()
            return {
                "company": reseller.company,
                "users": [{"email": user.email, "role": user.role} for user in reseller.users],
                "invitations": [
                    {
                        "email": row.email,
                        "role": row.role,
                        "invited_by": row.invited_by,
                        "expires_at": row.expires_at,
                        "expired": now >= row.expires_at,
                    }
                    for row in await users.open_invitations(session, reseller.id)
                ],
            }

    show(run_in_shop(shop, work), as_json=as_json)


@accounts.command()
def invite(email: Email, whom: Whom, role: RoleName, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Invite a user by mail; an earlier invitation to the same address is void then."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            row = await cases.invite(session, services, shop, reseller, email=whom, role=role_of(role), by=who(by))
            return {"invited": row.email, "role": row.role, "expires_at": row.expires_at}

    show(run_in_shop(shop, work), as_json=as_json)


@accounts.command()
def role(email: Email, whom: Whom, role: RoleName, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Give a user another role; the last owner stays one."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            user = _user(reseller, whom)
            user = await users.change_role(session, reseller, user.id, role_of(role), by=who(by), at=services.clock())
            return {"email": user.email, "role": user.role}

    show(run_in_shop(shop, work), as_json=as_json)


@accounts.command()
def remove(email: Email, whom: Whom, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Take a user out, or an open invitation back; orders stay the reseller's, and the last owner stays."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            for row in await users.open_invitations(session, reseller.id):
                if row.email == fold_email(whom):
                    await users.withdraw(session, reseller, row.id, by=who(by), at=services.clock())
                    return {"withdrawn": row.email}
            user = await cases.remove(session, services, shop, reseller, _user(reseller, whom).id, by=who(by))
            return {"removed": user.email}

    show(run_in_shop(shop, work), as_json=as_json)


def _user(reseller: Reseller, email: str) -> ResellerUser:
    found = next((user for user in reseller.users if user.email == fold_email(email)), None)
    if found is None:
        raise NotFound(f"{email} is no user of {reseller.company}; `reseller resellers users list` shows all.", code="no_user")
    return found
