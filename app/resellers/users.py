"""Users of a reseller and the invitations they come by. The last owner stays (issue 3: application to standing)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import page
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused
from app.reasons import Reason
from app.resellers.roles import Right, Role, refusal
from app.resellers.rules import Policy, ResellerStatus, fold_email, may_order, valid_email
from app.resellers.service import add_user, lock, record
from app.resellers.tables import Reseller, ResellerInvitation, ResellerUser

CLOSED = frozenset({ResellerStatus.REJECTED, ResellerStatus.ENDED})
"""A company in these states takes nobody in."""
MOST_A_DAY = 20
"""Invitations of one reseller: each is a mail to an address that somebody typed."""


async def invite(
    session: AsyncSession, reseller: Reseller, *, email: str, role: Role, by: str, at: datetime, days: int
) -> tuple[ResellerInvitation, str]:
    """Ask the owner of an address to join; the invitation and its token, which is to be mailed and is kept nowhere.

    A newer invitation to the same address takes the place of the one before. Whether the address has an account, here or at
    another reseller, is not looked at: who invites learns nothing of it. Raises InvalidInput for what is no address, Conflict for
    a user that is there already and for a company that left the program, and Refused for too many in a day.
    """
    if not valid_email(email.strip()):
        raise InvalidInput(f"email: {email[:100]!r} is not an e-mail address.", code="email")
    folded = fold_email(email)
    kept = await lock(session, reseller.id)
    if kept.status in CLOSED:
        raise Conflict(f"{kept.company} is {kept.status}; it takes in no users.", code="reseller_left")
    if (known := next((user for user in kept.users if user.email == folded), None)) is not None:
        raise Conflict(f"{folded} is a user already, as {known.role}; change the role instead.", code="known_user")
    lately = select(func.count(ResellerInvitation.id)).where(
        ResellerInvitation.reseller_id == kept.id, ResellerInvitation.created_at > at - timedelta(days=1)
    )
    if (await session.scalar(lately) or 0) >= MOST_A_DAY:
        raise Refused(f"There were {MOST_A_DAY} invitations within a day; go on tomorrow.", code="too_many_invitations")
    for earlier in await open_invitations(session, kept.id):
        if earlier.email == folded:
            earlier.withdrawn_at = at
    await session.flush()
    token = secrets.token_urlsafe(32)
    row = ResellerInvitation(
        reseller_id=kept.id,
        email=folded,
        role=role.value,
        token_sha256=_hash(token),
        invited_by=by,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    session.add(row)
    await session.flush()
    await record(session, kept, "invite", by=by, at=at, reason=f"{folded} as {role.value}")
    return row, token


async def accept(
    session: AsyncSession, token: str, *, saleor_user_id: str, email: str, email_confirmed: bool, at: datetime
) -> tuple[Reseller, ResellerUser]:
    """Join by an invitation, once. `email` and `email_confirmed` are what the shop says of the signed-in account now.

    Raises NotFound for an unknown token, Forbidden for another address's invitation (`invitation_foreign`) and an address that
    is not confirmed, and Conflict for one that was used, taken back or has expired, or when the account acts for a reseller.
    """
    # The company before its invitation, as everybody locks them: two who wait for each other would both fail.
    reseller = await lock(session, (await by_token(session, token)).reseller_id)
    row = await by_token(session, token)
    if fold_email(email) != row.email:
        raise Forbidden("The invitation is for another e-mail; sign in with the account of that one.", code="invitation_foreign")
    if row.accepted_at is not None:
        raise Conflict("The invitation was used already; it counts once.", code="invitation_used")
    if row.withdrawn_at is not None:
        raise Conflict("The invitation was taken back, or a newer one was sent.", code="invitation_withdrawn")
    if at >= row.expires_at:
        raise Conflict(f"The invitation expired on {row.expires_at.date()}; ask for a new one.", code="invitation_expired")
    if not email_confirmed:
        raise Forbidden("Confirm your e-mail in the store first, by the link in its mail.", code="email_not_confirmed")
    if reseller.status in CLOSED:
        raise Conflict(f"{reseller.company} is {reseller.status}; it takes in no users.", code="reseller_left")
    user = await add_user(
        session, reseller, saleor_user_id=saleor_user_id, email=row.email, by=row.email, at=at, role=Role(row.role)
    )
    row.accepted_at, row.accepted_by = at, saleor_user_id
    await session.flush()
    return reseller, user


async def by_token(session: AsyncSession, token: str) -> ResellerInvitation:
    """The invitation of a token, in whatever state, as it is stored now. Raises NotFound."""
    query = select(ResellerInvitation).where(ResellerInvitation.token_sha256 == _hash(token))
    row = await session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(
            "There is no such invitation; open the link of the mail as it is, or ask for a new one.", code="no_invitation"
        )
    return row


async def change_role(
    session: AsyncSession, reseller: Reseller, user_id: str, role: Role, *, by: str, at: datetime
) -> ResellerUser:
    """Give a user another role. Raises NotFound, and Conflict for the last owner."""
    kept, user = await _locked_user(session, reseller, user_id)
    if user.role == role.value:
        return user
    _not_last_owner(kept, user)
    before, user.role = user.role, role.value
    await record(session, kept, "change_role", by=by, at=at, reason=f"{user.email}: {role.value}, was {before}")
    return user


async def remove(session: AsyncSession, reseller: Reseller, user_id: str, *, by: str, at: datetime) -> ResellerUser:
    """Take a user out; its orders stay the company's, and mails that went to it go to an owner that is left.

    Raises NotFound, and Conflict for the last owner.
    """
    kept, user = await _locked_user(session, reseller, user_id)
    _not_last_owner(kept, user)
    pass_address_on(kept, user)
    await session.delete(user)
    await record(session, kept, "remove_user", by=by, at=at, reason=user.email)
    await session.refresh(kept, ["users"])
    return user


async def withdraw(session: AsyncSession, reseller: Reseller, invitation_id: str, *, by: str, at: datetime) -> ResellerInvitation:
    """Take an invitation back. Raises NotFound for one that is not open."""
    await lock(session, reseller.id)  # whoever accepts it in this moment was first, or sees that it is withdrawn
    for row in await open_invitations(session, reseller.id):
        if row.id == invitation_id:
            row.withdrawn_at = at
            await record(session, reseller, "withdraw_invitation", by=by, at=at, reason=row.email)
            return row
    raise NotFound("There is no such open invitation.", code="no_invitation")


async def open_invitations(session: AsyncSession, reseller_id: str) -> list[ResellerInvitation]:
    """Invitations neither used nor taken back, expired ones too, the newest first."""
    query = _open(reseller_id).order_by(ResellerInvitation.created_at.desc(), ResellerInvitation.id.desc())
    return list(await session.scalars(query))


async def page_of_invitations(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[ResellerInvitation], str | None]:
    """A page of `open_invitations`, and the cursor of the next."""
    return await page(session, _open(reseller_id), ResellerInvitation.created_at, ResellerInvitation.id, limit, cursor)


async def page_of_users(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[ResellerUser], str | None]:
    """A page of the reseller's users by e-mail, and the cursor of the next."""
    query = select(ResellerUser).where(ResellerUser.reseller_id == reseller_id)
    return await page(session, query, ResellerUser.email, ResellerUser.id, limit, cursor, ascending=True)


def pass_address_on(reseller: Reseller, leaving: ResellerUser) -> None:
    """Where the reseller's mails go to a user that leaves, send them to an owner that stays: who left reads no license any more.

    With no owner left the address stays as it is; the reseller has no user who could order either.
    """
    staying = sorted(user.email for user in reseller.users if user.role == Role.OWNER and user.id != leaving.id)
    if reseller.email == leaving.email and staying:
        reseller.email = staying[0]


def acting(reseller: Reseller, saleor_user_id: str) -> ResellerUser:
    """The user of a reseller that an account is. Raises NotFound when it is none."""
    found = next((user for user in reseller.users if user.saleor_user_id == saleor_user_id), None)
    if found is None:
        raise NotFound("There is no such user.", code="no_user")
    return found


def may_order_as(reseller: Reseller, saleor_user_id: str, policy: Policy, today: date) -> tuple[Reason, ...]:
    """Why the reseller (`rules.may_order`), or this user of it, may not order today; empty when it may."""
    role = refusal(Role(acting(reseller, saleor_user_id).role), Right.ORDER)
    return (*may_order(reseller, policy, today), *filter(None, [role]))


def _open(reseller_id: str) -> Select[ResellerInvitation]:
    return select(ResellerInvitation).where(
        ResellerInvitation.reseller_id == reseller_id,
        ResellerInvitation.accepted_at.is_(None),
        ResellerInvitation.withdrawn_at.is_(None),
    )


async def _locked_user(session: AsyncSession, reseller: Reseller, user_id: str) -> tuple[Reseller, ResellerUser]:
    kept = await lock(session, reseller.id)
    user = next((one for one in kept.users if one.id == user_id), None)
    if user is None:
        raise NotFound("There is no such user.", code="no_user")
    return kept, user


def _not_last_owner(reseller: Reseller, user: ResellerUser) -> None:
    if user.role == Role.OWNER and sum(other.role == Role.OWNER for other in reseller.users) == 1:
        raise Conflict(f"{user.email} is the last owner; make somebody else an owner first.", code="last_owner")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
