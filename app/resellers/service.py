"""Adding resellers and deciding about them. Each decision leaves a row of history; the first of two decisions stands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.addresses import country_code, us_state, us_zip
from app.resellers.policy import text_hash
from app.resellers.roles import Role
from app.resellers.rules import Decision, ResellerStatus, after, fold_email, valid_email
from app.resellers.tables import PolicyAcceptance, Reseller, ResellerHistory, ResellerUser

NEEDS_REASON = frozenset({Decision.REJECT, Decision.SUSPEND, Decision.END})
"""Decisions a reseller may ask the reason of (`rules.md` 1.1)."""

_BY_ACCOUNT = (  # one statement instead of three, put together once: every request of a reseller begins with it
    select(Reseller)
    .where(Reseller.id.in_(select(ResellerUser.reseller_id).where(ResellerUser.saleor_user_id == bindparam("account"))))
    .options(joinedload(Reseller.users), joinedload(Reseller.acceptances))
)


async def add(
    session: AsyncSession,
    *,
    email: str,
    saleor_user_id: str,
    company: str,
    street: str,
    city: str,
    postal_code: str,
    country: str,
    by: str,
    at: datetime,
    state: str = "",
    street2: str = "",
    tax_number: str = "",
    website: str = "",
    language: str = "en",
) -> Reseller:
    """A new reseller, pending, with its first user.

    `saleor_user_id` is the account's id in the shop; the caller looked it up. Raises InvalidInput that names the wrong field, and
    Conflict when the e-mail or the account belongs to a reseller already (edge case 1).
    """
    if not valid_email(email.strip()):
        raise InvalidInput(f"email: {email!r} is not an e-mail address.", code="email")
    if not saleor_user_id:
        raise InvalidInput("saleor_user_id: the account's id in the shop is missing.", code="saleor_user_id")
    if language not in ("en", "de"):
        raise InvalidInput(f"language: {language!r} is not one of en, de.", code="language")
    land = country_code(country)
    area = us_state(state) if land == "US" else _at_most("state", state, 50)
    folded = fold_email(email)
    if await _find(session, folded) is not None:
        raise Conflict(f"{folded} is a reseller already; decide about that one instead.", code="known_reseller")
    if (other := await by_saleor_user(session, saleor_user_id)) is not None:
        raise Conflict(f"This account orders for {other.company} ({other.email}) already.", code="known_user")
    reseller = Reseller(
        email=folded,
        company=_filled("company", company, 200),
        street=_filled("street", street, 200),
        street2=_at_most("street2", street2, 200),
        city=_filled("city", city, 100),
        postal_code=us_zip(postal_code) if land == "US" else _filled("postal_code", postal_code, 20),
        country=land,
        state=area,
        tax_number=_at_most("tax_number", tax_number, 50),
        website=website.strip(),
        language=language,
        status=ResellerStatus.PENDING.value,
        created_at=at,
        users=[ResellerUser(saleor_user_id=saleor_user_id, email=folded, role=Role.OWNER.value)],
        acceptances=[],
    )
    try:
        async with session.begin_nested():
            session.add(reseller)
    except IntegrityError as error:  # somebody else added it in the same moment
        raise Conflict(f"{folded} is a reseller already; decide about that one instead.", code="known_reseller") from error
    await record(session, reseller, "add", by=by, at=at)
    return reseller


async def add_user(
    session: AsyncSession,
    reseller: Reseller,
    *,
    saleor_user_id: str,
    email: str,
    by: str,
    at: datetime,
    role: Role,
) -> ResellerUser:
    """Another account that acts for the reseller. Raises Conflict when it acts for one already, this one or another."""
    folded = fold_email(email)
    other = await by_saleor_user(session, saleor_user_id) or await _find(session, folded)
    # The reseller keeps the address of its first user, who may have been removed and be back now.
    back = other is not None and other.id == reseller.id and all(user.email != folded for user in reseller.users)
    if other is not None and not back:
        raise Conflict(f"The account {folded} orders for {other.company} ({other.email}) already.", code="known_user")
    user = ResellerUser(reseller_id=reseller.id, saleor_user_id=saleor_user_id, email=folded, role=role.value)
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError as error:  # another transaction added the same account first
        raise Conflict(f"The account {folded} orders for a reseller already.", code="known_user") from error
    await session.refresh(reseller, ["users"])
    await record(session, reseller, "add_user", by=by, at=at, reason=f"{folded} as {role.value}")
    return user


async def decide(
    session: AsyncSession, email: str, decision: Decision, *, by: str, at: datetime, policy_version: str, reason: str = ""
) -> Reseller:
    """Carry out a staff decision (`rules.md` 1.2).

    On approval an acceptance of another version than `policy_version`, the one in force, is void: it was given while the
    application waited (edge case 5); history keeps it. Raises InvalidInput without a reason where one is owed, NotFound, and
    Conflict that names who decided before when the state no longer allows it (edge case 4).
    """
    if decision in NEEDS_REASON and not reason.strip():
        raise InvalidInput(f"reason: say why, to {decision.value} a reseller.", code="reason")
    reseller = await lock(session, (await find(session, email)).id)
    target = after(ResellerStatus(reseller.status), decision)
    if target is None:
        raise Conflict(await _already(session, reseller, decision), code="already_decided")
    reseller.status = target.value
    await record(session, reseller, decision.value, by=by, at=at, reason=reason.strip())
    if decision is Decision.APPROVE:
        for void in [old for old in reseller.acceptances if old.policy_version != policy_version]:
            facts = f"version {void.policy_version}, accepted by {void.accepted_by} at {void.accepted_at.isoformat()}"
            await record(session, reseller, "policy_void", by=by, at=at, reason=facts)
            await session.delete(void)
        await session.flush()
        await session.refresh(reseller, ["acceptances"])
    return reseller


async def accept_policy(
    session: AsyncSession,
    reseller: Reseller,
    *,
    version: str,
    by: str,
    at: datetime,
    language: str = "",
    address: str | None = None,
) -> bool:
    """Record the acceptance of a policy version; False when it was accepted before (`rules.md` 1.3, edge case 7).

    `language` is that of the text shown, the reseller's own by default; the text's hash is kept where the text is here. `address`
    is the IP address of the click.
    """
    if any(acceptance.policy_version == version for acceptance in reseller.acceptances):
        return False
    shown = language or reseller.language
    row = PolicyAcceptance(
        reseller_id=reseller.id,
        policy_version=version,
        accepted_at=at,
        accepted_by=by,
        text_sha256=await text_hash(session, version, shown),
        language=shown,
        address=address,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        new = False  # the other click of a double click was first
    else:
        new = True
        await record(session, reseller, "accept_policy", by=by, at=at, reason=f"version {version}")
    await session.refresh(reseller, ["acceptances"])
    return new


async def find(session: AsyncSession, email: str) -> Reseller:
    """The reseller of this e-mail, its own or a user's, in any case. Raises NotFound."""
    reseller = await _find(session, fold_email(email))
    if reseller is None:
        raise NotFound(f"There is no reseller with the e-mail {email}; `reseller resellers list` shows all.", code="no_reseller")
    return reseller


async def lock(session: AsyncSession, reseller_id: str) -> Reseller:
    """The reseller under its row's lock: the second of two changes waits for the first one's transaction and sees its result."""
    locked = select(Reseller).where(Reseller.id == reseller_id).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(locked)).one()


async def by_saleor_user(session: AsyncSession, saleor_user_id: str) -> Reseller | None:
    """The reseller a Saleor account orders for, in whatever state; None for everybody else."""
    return (await session.scalars(_BY_ACCOUNT, {"account": saleor_user_id})).unique().one_or_none()


async def list_all(session: AsyncSession) -> list[Reseller]:
    """Every reseller by company name."""
    return list(await session.scalars(select(Reseller).order_by(Reseller.company, Reseller.id)))


async def history(session: AsyncSession, reseller_id: str) -> list[ResellerHistory]:
    """What was decided about a reseller, oldest first."""
    rows = select(ResellerHistory).where(ResellerHistory.reseller_id == reseller_id)
    return list(await session.scalars(rows.order_by(ResellerHistory.at, ResellerHistory.id)))


async def _find(session: AsyncSession, folded: str) -> Reseller | None:
    users = select(ResellerUser.reseller_id).where(ResellerUser.email == folded)
    found = select(Reseller).where(or_(Reseller.email == folded, Reseller.id.in_(users)))
    return (await session.scalars(found)).first()


async def _already(session: AsyncSession, reseller: Reseller, decision: Decision) -> str:
    decided = [row for row in await history(session, reseller.id) if row.action in set(Decision)]
    if not decided:
        return f"{reseller.company} is {reseller.status}; it cannot be changed by {decision.value}."
    last = decided[-1]
    return f"{reseller.company} was already decided by {last.by} on {last.at.date()}: it is {reseller.status}."


async def record(session: AsyncSession, reseller: Reseller, action: str, *, by: str, at: datetime, reason: str = "") -> None:
    """Add a row to the reseller's history."""
    session.add(ResellerHistory(reseller_id=reseller.id, at=at, by=by, action=action, reason=reason))
    await session.flush()


def _filled(field: str, text: str, longest: int) -> str:
    if not text.strip():
        raise InvalidInput(f"{field}: it is missing.", code=field)
    return _at_most(field, text, longest)


def _at_most(field: str, text: str, longest: int) -> str:
    given = text.strip()
    if len(given) > longest:
        raise InvalidInput(f"{field}: at most {longest} characters.", code=field)
    return given
