"""The users of a reseller, their roles and invitations."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from app.orders import storefront
from app.orders import users as cases
from app.resellers import users
from app.resellers.roles import Right, Role
from app.resellers.tables import ResellerInvitation, ResellerUser
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import Cursor, Id, Limit
from app.web.storefront.problems import MEMBER, problems, register_problems
from app.web.storefront.schemas import Model, Next

router = APIRouter(tags=["resellers"])
program = APIRouter(tags=["program"])
register_problems(
    {
        "no_user": (404, "There is no such user."),
        "no_invitation": (404, "There is no such invitation; open the link of the mail as it is, or ask for a new one."),
        "last_owner": (409, "rita@beta.example is the last owner; make somebody else an owner first."),
        "known_user": (409, "new@beta.example is a user already, as buyer; change the role instead."),
        "reseller_left": (409, "Beta Resell GmbH is ended; it takes in no users."),
        "email": (400, "email: 'new@' is not an e-mail address."),
        "too_many_invitations": (422, "There were 20 invitations within a day; go on tomorrow."),
        "invitation_foreign": (403, "The invitation is for another e-mail; sign in with the account of that one."),
        "email_not_confirmed": (403, "Confirm your e-mail in the store first, by the link in its mail."),
        "invitation_used": (409, "The invitation was used already; it counts once."),
        "invitation_withdrawn": (409, "The invitation was taken back, or a newer one was sent."),
        "invitation_expired": (409, "The invitation expired on 2026-03-09; ask for a new one."),
    }
)
ROLE = Field(
    description="owner: everything; buyer: prices, orders, licenses; accounts: invoices, statements, certificates, remittance; "
    "viewer: reads.",
    examples=["buyer"],
)
ID = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
MOMENT = "2026-03-09T12:00:00Z"


class UserOut(Model):
    id: str = ID
    email: str = Field(examples=["rita@beta.example"])
    role: Role = ROLE
    you: bool = Field(description="Whether this is the user who asks.")


class UsersOut(Model):
    users: list[UserOut] = Field(description="By e-mail.")
    next: Next


class RoleIn(Model):
    role: Role = ROLE


class InvitationIn(Model):
    email: str = Field(min_length=3, max_length=254, examples=["new@beta.example"])
    role: Role = ROLE


class InvitationOut(Model):
    id: str = ID
    email: str = Field(examples=["new@beta.example"])
    role: Role = ROLE
    invited_by: str = Field(examples=["rita@beta.example"])
    created_at: datetime = Field(examples=[MOMENT])
    expires_at: datetime = Field(description="From then on it does not count.", examples=[MOMENT])


class InvitationsOut(Model):
    invitations: list[InvitationOut] = Field(description="Not used yet, expired ones too; the newest first.")
    next: Next


class AcceptIn(Model):
    token: str = Field(min_length=1, max_length=200, description="The end of the link in the mail.", examples=["tYq0m-3oRk"])


class AcceptedOut(Model):
    company: str = Field(description="Whom the account acts for now.", examples=["Beta Resell GmbH"])
    role: Role = ROLE


@router.get("/users", response_model=UsersOut, responses=problems(*MEMBER, "cursor"))
async def list_users(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> UsersOut:
    """Who acts for the reseller."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_USERS)
        rows, following = await users.page_of_users(session, reseller.id, limit, cursor)
    return UsersOut(users=[_user(user, asking.user_id) for user in rows], next=following)


@router.patch("/users/{user_id}", response_model=UserOut, responses=problems(*MEMBER, "no_user", "last_owner"))
async def change_role(user_id: Id, body: RoleIn, asking: Asking, services: Doors) -> UserOut:
    """Give a user another role. The last owner stays one."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_USERS)
        user = await users.change_role(session, reseller, user_id, body.role, by=asking.email, at=services.clock())
    return _user(user, asking.user_id)


@router.delete("/users/{user_id}", status_code=204, responses=problems(*MEMBER, "no_user", "last_owner"))
async def remove_user(user_id: Id, asking: Asking, services: Doors) -> None:
    """Take a user out; orders stay the reseller's. The last owner stays."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_USERS)
        await cases.remove(session, services, asking.shop, reseller, user_id, by=asking.email)


@router.get("/invitations", response_model=InvitationsOut, responses=problems(*MEMBER, "cursor"))
async def list_invitations(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> InvitationsOut:
    """Invitations that wait."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_USERS)
        rows, following = await users.page_of_invitations(session, reseller.id, limit, cursor)
    return InvitationsOut(invitations=[_invitation(row) for row in rows], next=following)


@router.post(
    "/invitations",
    response_model=InvitationOut,
    status_code=201,
    responses=problems(*MEMBER, "email", "known_user", "reseller_left", "too_many_invitations"),
)
async def invite(body: InvitationIn, asking: Asking, services: Doors) -> InvitationOut:
    """Invite somebody by mail; an earlier invitation to the same address is void then."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_USERS)
        row = await cases.invite(session, services, asking.shop, reseller, email=body.email, role=body.role, by=asking.email)
    return _invitation(row)


@program.post(
    "/invitations/accept",
    response_model=AcceptedOut,
    responses=problems(
        "no_invitation",
        "invitation_foreign",
        "email_not_confirmed",
        "invitation_used",
        "invitation_withdrawn",
        "invitation_expired",
        "known_user",
        "reseller_left",
        "saleor_error",
    ),
)
async def accept_invitation(body: AcceptIn, asking: Asking, services: Doors) -> AcceptedOut:
    """Join a reseller by the token of an invitation, with the account of the invited e-mail."""
    reseller, user = await cases.accept(services, asking, body.token)
    return AcceptedOut(company=reseller.company, role=Role(user.role))


@router.delete("/invitations/{invitation_id}", status_code=204, responses=problems(*MEMBER, "no_invitation"))
async def withdraw_invitation(invitation_id: Id, asking: Asking, services: Doors) -> None:
    """Take an invitation back."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.CHANGE_USERS)
        await users.withdraw(session, reseller, invitation_id, by=asking.email, at=services.clock())


def _user(row: ResellerUser, asking: str) -> UserOut:
    return UserOut(id=row.id, email=row.email, role=Role(row.role), you=row.saleor_user_id == asking)


def _invitation(row: ResellerInvitation) -> InvitationOut:
    return InvitationOut(
        id=row.id,
        email=row.email,
        role=Role(row.role),
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
