"""Who acts for the reseller: users with their roles, invitations, and the page an invitation leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.errors import ResellerError
from app.orders import users as cases
from app.resellers import users
from app.resellers.roles import Right, Role, role_of
from app.resellers.tables import ResellerInvitation
from app.web.forms import Form
from app.web.portal.visit import Person, Posted, Signed
from app.web.storefront.common import TEXT, Cursor, Id

router = APIRouter()
PAGE = 50
NOTICES = ("invited", "withdrawn", "role_changed", "user_removed", "joined")
Token = Annotated[str, Path(max_length=200, pattern=TEXT)]


@router.get("/users")
async def show(person: Person, notice: str = "", cursor: Cursor = None, invitations: Cursor = None) -> Response:
    """The users and, for owners, the invitations that wait; `invitations` is the cursor of those."""
    return await _page(person, notice=notice if notice in NOTICES else "", cursor=cursor, invitations=invitations)


@router.post("/users")
async def invite(person: Person, form: Posted) -> Response:
    """Invite somebody by mail."""
    services, shop = person.services, person.shop
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await person.member(session, Right.CHANGE_USERS)
            by = person.customer.email
            await cases.invite(session, services, shop, reseller, email=form["email"], role=role_of(form["role"]), by=by)
    except ResellerError as error:
        if error.status in (403, 503):
            raise
        return await _page(person, form=form, error=error)
    return person.go("/users?notice=invited")


@router.post("/users/{user_id}")
async def change(person: Person, user_id: Id, form: Posted) -> Response:
    """Give a user another role, or take it out."""
    services, by = person.services, person.customer.email
    out = form["do"] == "remove"
    async with services.database.tenant(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.CHANGE_USERS)
        if out:
            await cases.remove(session, services, person.shop, reseller, user_id, by=by)
        else:
            await users.change_role(session, reseller, user_id, role_of(form["role"]), by=by, at=services.clock())
        left = all(user.saleor_user_id != person.customer.user_id for user in reseller.users)
    return person.go("/" if left else f"/users?notice={'user_removed' if out else 'role_changed'}")


@router.post("/users/invitations/{invitation_id}")
async def withdraw(person: Person, invitation_id: Id, form: Posted) -> Response:
    """Take an invitation back."""
    async with person.services.database.tenant(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.CHANGE_USERS)
        await users.withdraw(session, reseller, invitation_id, by=person.customer.email, at=person.services.clock())
    return person.go("/users?notice=withdrawn")


@router.get("/invitations/{token}")
async def invitation(person: Person, token: Token) -> Response:
    """The page an invitation's mail leads to; it joins nobody by being opened."""
    return person.page("invitation.html", token=token)


@router.post("/invitations/{token}")
async def join(person: Person, token: Token, form: Posted) -> Response:
    """Join the reseller that invited this account's e-mail."""
    await cases.accept(person.services, person.customer, token)
    return person.go("/?notice=joined")


async def _page(
    person: Signed,
    *,
    notice: str = "",
    form: Form | None = None,
    error: ResellerError | None = None,
    cursor: str | None = None,
    invitations: str | None = None,
) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_USERS)
        rows, following = await users.page_of_users(session, reseller.id, PAGE, cursor)
        waiting: Sequence[ResellerInvitation] = ()
        more: str | None = None
        if person.may("CHANGE_USERS"):
            waiting, more = await users.page_of_invitations(session, reseller.id, PAGE, invitations)
    return person.page(
        "users.html",
        status=error.status if error else 200,
        users=rows,
        following=following,
        first=cursor is None,
        roles=list(Role),
        invitations=waiting,
        more_invitations=more,
        first_invitations=invitations is None,
        now=person.services.clock(),
        email=form["email"] if form else "",
        role=form["role"] if form else Role.BUYER.value,
        error=error,
        notice=notice,
    )
