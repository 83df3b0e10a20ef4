"""Applications: drafted and submitted by the applicant, decided by staff (`rules.md` 1.1, 1.2).

Each step leaves a row of history. Steps lock the application, so that of two decisions at once the first stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.reasons import Reason, because
from app.resellers import service
from app.resellers.application import (
    EDITABLE,
    LONGEST,
    OPEN,
    WAITING,
    ApplicationState,
    checklist,
    cleaned,
    cleaned_answers,
    may_apply_again,
    missing,
)
from app.resellers.companies import Company, keys, same_company
from app.resellers.roles import Role
from app.resellers.rules import Decision, ResellerStatus, fold_email, valid_email
from app.resellers.tables import Application, ApplicationHistory, Reseller, ResellerUser
from app.settings import ProgramNumbers

MAX_REASON = 4000
ASK = "ask"
"""The line of history of a question to the applicant."""
LINKABLE = frozenset({ResellerStatus.PENDING, ResellerStatus.APPROVED})
"""A company in these states takes another account in."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reseller, or another application, that may be the same company, with the reasons (edge case 1)."""

    kind: str
    """reseller or application."""
    id: str
    company: str
    email: str
    status: str
    reasons: tuple[Reason, ...]


async def start(
    session: AsyncSession,
    *,
    saleor_user_id: str,
    email: str,
    numbers: ProgramNumbers,
    by: str,
    at: datetime,
    contact: str = "",
    language: str = "en",
) -> Application:
    """The account's application in the works, or a new draft; the same however often it is asked for.

    A draft after one that was withdrawn or rejected begins with what the account filled in then. Raises Conflict when the account
    belongs to a reseller already (edge case 1), and Refused while the cool-down of a rejected application lasts (edge case 10).
    """
    if not valid_email(email.strip()):
        raise InvalidInput(f"email: {email!r} is not an e-mail address.", code="email")
    folded = fold_email(email)
    opened = select(Application).where(Application.saleor_user_id == saleor_user_id, Application.state.in_(_values(OPEN)))
    if (found := await session.scalar(opened)) is not None:
        return found
    if (known := await service.by_saleor_user(session, saleor_user_id)) is not None:
        raise Conflict(f"This account orders for {known.company} already; it is {known.status}.", code="known_user")
    decided = await earlier(session, saleor_user_id, folded)
    for before in decided:
        if before.state == ApplicationState.REJECTED and before.decided_at is not None:
            first = may_apply_again(before.decided_at, numbers.reapply_days)
            if at.date() < first:
                raise Refused(f"The last application was rejected; apply again from {first} on.", code="cool_down")
    last = next((before for before in decided if before.saleor_user_id == saleor_user_id), None)
    filled = {name: getattr(last, name) for name in LONGEST} if last is not None else {}
    if contact or "contact" not in filled:
        filled["contact"] = contact[:200]
    row = Application(
        saleor_user_id=saleor_user_id,
        email=folded,
        state=ApplicationState.DRAFT.value,
        created_at=at,
        answers={},
        **cleaned({**filled, "language": language}),
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return (await session.scalars(opened)).one()  # the other click of a double click was first
    await record(session, row, "start", by=by, at=at)
    return row


async def save_draft(
    session: AsyncSession,
    application_id: str,
    changes: Mapping[str, str],
    *,
    answers: Mapping[str, str] | None = None,
    version: int | None = None,
) -> Application:
    """Keep what the applicant filled in; a draft may be incomplete.

    Raises InvalidInput that names the wrong field, with nothing changed, and Conflict once it is submitted or decided, or when
    `version`, the one the applicant saw, is not the stored one any more.
    """
    row = await locked(session, application_id, version)
    if row.state not in EDITABLE:
        raise Conflict(not_possible(row, "changed"), code="not_editable")
    fields = cleaned(changes)
    replies = cleaned_answers(answers) if answers is not None else None
    for name, value in fields.items():
        setattr(row, name, value)
    if replies is not None:
        row.answers = replies
    await session.flush()
    return row


async def accept_with(
    session: AsyncSession, application_id: str, *, version: str, language: str, address: str | None, at: datetime
) -> Application:
    """Keep that the applicant accepted a version of the Reseller Policy; it counts at approval if that one is in force then."""
    row = await locked(session, application_id, None)
    if row.state not in OPEN:
        raise Conflict(not_possible(row, "changed"), code="not_editable")
    if row.policy_version != version:
        row.policy_version, row.policy_accepted_at = version, at
        row.policy_language, row.policy_address = language, address
        await session.flush()
    return row


async def submit(
    session: AsyncSession, application_id: str, *, email_confirmed: bool, by: str, at: datetime, email: str = ""
) -> tuple[Reason, ...]:
    """Hand the application to staff. Reasons say what it lacks; with any it stays as it was, a draft (edge case 2).

    `email_confirmed` is what the store says of the account now, and `email` the address it says that of: the application takes it
    over, since the account may have had another one, never confirmed, when it was begun. Submitting twice changes nothing. Raises
    Conflict once it is decided.
    """
    row = await locked(session, application_id, None)
    if row.state == ApplicationState.SUBMITTED:
        return ()
    if row.state not in EDITABLE:
        raise Conflict(not_possible(row, "submitted"), code="not_editable")
    if email and row.email != fold_email(email):
        row.email = fold_email(email)
        await session.flush()
    lacks = missing(row, email_confirmed=email_confirmed)
    if not lacks:
        row.state, row.submitted_at, row.reason = ApplicationState.SUBMITTED.value, at, ""
        await record(session, row, "submit", by=by, at=at)
    return lacks


async def ask_more(
    session: AsyncSession, application_id: str, *, by: str, at: datetime, reason: str, version: int | None = None
) -> Application:
    """Ask the applicant for more; it may change and submit again. Raises like `reject`."""
    told = _reason(reason, "ask for more")
    row = await _decidable(session, application_id, version, frozenset({ApplicationState.SUBMITTED}))
    row.state, row.reason = ApplicationState.MORE_INFORMATION.value, told
    await record(session, row, ASK, by=by, at=at, reason=told)
    return row


async def reject(
    session: AsyncSession, application_id: str, *, by: str, at: datetime, reason: str, version: int | None = None
) -> Application:
    """Reject an application with the reason the applicant is told (edge case 3).

    Raises InvalidInput without a reason, NotFound, and Conflict when somebody decided before, by name (edge case 4), or when
    `version`, the one that was read, is not the stored one any more.
    """
    told = _reason(reason, "reject an application")
    row = await _decidable(session, application_id, version, WAITING)
    row.state, row.decided_at, row.decided_by, row.reason = ApplicationState.REJECTED.value, at, by, told
    await record(session, row, "reject", by=by, at=at, reason=told)
    return row


async def approve(
    session: AsyncSession,
    application_id: str,
    *,
    by: str,
    at: datetime,
    policy_version: str,
    version: int | None = None,
    link_to: str = "",
    role: Role | None = None,
    separate: bool = False,
) -> tuple[Application, Reseller]:
    """Approve an application: a new reseller, or the account is linked to the one `link_to` names by e-mail (edge case 1).

    Where a reseller may be the same company, staff say which it is: `link_to`, or `separate` for two companies. A linked account
    becomes a buyer unless `role` says otherwise; who applied for a new reseller is its owner. A Reseller Policy accepted with the
    application counts if it is `policy_version`, the one in force; otherwise it is void (edge case 5). Raises like `reject`,
    InvalidInput for an application that lacks something, and Conflict with the proposals, or to link to a reseller that was
    suspended or left.
    """
    if link_to and separate:
        raise InvalidInput("Either link the account to a reseller or make a separate one, not both.", code="link_or_separate")
    if role is not None and not link_to:
        raise InvalidInput("role: only a linked account takes one; who applied for a new reseller is its owner.", code="role")
    if not link_to:
        # Two staff who approve two applications of one company at once: the second sees the reseller that the first made.
        waiting = select(Application.id).where(Application.state.in_(_values(WAITING))).order_by(Application.id)
        await session.scalars(waiting.with_for_update())
    row = await _decidable(session, application_id, version, WAITING)
    if link_to:
        reseller = await service.lock(session, (await service.find(session, link_to)).id)
        if reseller.status not in LINKABLE:
            raise Conflict(
                f"{reseller.company} is {reseller.status}; reinstate it first, or approve the application as a separate company.",
                code="reseller_left",
            )
        await service.add_user(
            session, reseller, saleor_user_id=row.saleor_user_id, email=row.email, by=by, at=at, role=role or Role.BUYER
        )
    else:
        reseller = await _new_reseller(session, row, by=by, at=at, policy_version=policy_version, separate=separate)
    row.state, row.decided_at, row.decided_by, row.reason = ApplicationState.APPROVED.value, at, by, ""
    row.reseller_id = reseller.id
    await record(session, row, "link" if link_to else "approve", by=by, at=at, reason=reseller.email if link_to else "")
    return row, reseller


async def get(session: AsyncSession, application_id: str) -> Application:
    """One application. Raises NotFound."""
    row = await session.scalar(select(Application).where(Application.id == application_id))
    if row is None:
        raise NotFound("There is no such application; `reseller applications list` shows all.", code="no_application")
    return row


async def find(session: AsyncSession, name: str) -> Application:
    """The application with this id, or the newest of this e-mail. Raises NotFound."""
    query = (
        select(Application)
        .where(or_(Application.id == name, Application.email == fold_email(name)))
        .order_by(Application.created_at.desc(), Application.id)
        .limit(1)
    )
    row = await session.scalar(query)
    if row is None:
        raise NotFound(f"There is no application of {name}; `reseller applications list` shows all.", code="no_application")
    return row


async def list_all(session: AsyncSession, states: Sequence[ApplicationState] = ()) -> list[Application]:
    """Applications in these states, in all without one; those that wait longest first."""
    query = select(Application).order_by(Application.submitted_at, Application.created_at, Application.id)
    if states:
        query = query.where(Application.state.in_(_values(states)))
    return list(await session.scalars(query))


async def history(session: AsyncSession, application_id: str) -> list[ApplicationHistory]:
    """What happened to an application, oldest first."""
    rows = select(ApplicationHistory).where(ApplicationHistory.application_id == application_id)
    return list(await session.scalars(rows.order_by(ApplicationHistory.at, ApplicationHistory.id)))


async def earlier(session: AsyncSession, saleor_user_id: str, email: str) -> list[Application]:
    """The decided applications of an account or e-mail, the newest first (edge case 10)."""
    query = select(Application).where(
        or_(Application.saleor_user_id == saleor_user_id, Application.email == email),
        Application.state.not_in(_values(OPEN)),
    )
    return list(await session.scalars(query.order_by(Application.decided_at.desc())))


async def look_at(session: AsyncSession, row: Application) -> tuple[Reason, ...]:
    """The checklist of an application with its earlier rejections (edge cases 3 and 10)."""
    before = [
        because("applied_before", on=old.decided_at.date(), reason=old.reason)
        for old in await earlier(session, row.saleor_user_id, row.email)
        if old.id != row.id and old.state == ApplicationState.REJECTED and old.decided_at is not None
    ]
    return (*checklist(row), *before)


async def proposals(session: AsyncSession, row: Application) -> list[Proposal]:
    """Resellers and other applications in the works that may be the same company, the most alike first (edge cases 1 and 24).

    Reads every reseller's few columns: meant for staff who review, not for a page that many load.
    """
    own = keys(Company(row.company, row.postal_code, row.tax_number, row.website, frozenset({row.email})))
    users: dict[str, set[str]] = {}
    for reseller_id, email in await session.execute(select(ResellerUser.reseller_id, ResellerUser.email)):
        users.setdefault(reseller_id, set()).add(email)
    found = []
    columns = (Reseller.postal_code, Reseller.tax_number, Reseller.website, Reseller.email, Reseller.company, Reseller.status)
    for identity, postal_code, tax_number, website, email, company, status in await session.execute(
        select(Reseller.id, *columns)
    ):
        emails = frozenset({email} | users.get(identity, set()))
        reasons = same_company(own, keys(Company(company, postal_code, tax_number, website, emails)))
        if reasons:
            found.append(Proposal("reseller", identity, company, email, status, reasons))
    for other in await list_all(session, sorted(OPEN)):
        reasons = same_company(
            own, keys(Company(other.company, other.postal_code, other.tax_number, other.website, frozenset({other.email})))
        )
        if reasons and other.id != row.id:
            found.append(Proposal("application", other.id, other.company, other.email, other.state, reasons))
    return sorted(found, key=lambda one: (-len(one.reasons), one.company, one.id))


async def _new_reseller(
    session: AsyncSession, row: Application, *, by: str, at: datetime, policy_version: str, separate: bool
) -> Reseller:
    lacks = missing(row, email_confirmed=True)
    if lacks:
        raise InvalidInput(f"The application lacks something: {' '.join(map(str, lacks))}", code="incomplete")
    same = [found for found in await proposals(session, row) if found.kind == "reseller"]
    if same and not separate:
        names = "; ".join(f"{found.company} ({found.email}): {' '.join(map(str, found.reasons))}" for found in same)
        raise Conflict(
            f"It may be a reseller already: {names} Link the account to it, or say that it is a separate company.",
            code="known_company",
        )
    reseller = await service.add(
        session,
        email=row.email,
        saleor_user_id=row.saleor_user_id,
        company=row.company,
        street=row.street,
        street2=row.street2,
        city=row.city,
        postal_code=row.postal_code,
        country=row.country,
        state=row.region,
        tax_number=row.tax_number,
        website=row.website,
        language=row.language,
        by=by,
        at=at,
    )
    if row.policy_version is not None and row.policy_accepted_at is not None:
        await service.accept_policy(
            session,
            reseller,
            version=row.policy_version,
            by=row.email,
            at=row.policy_accepted_at,
            language=row.policy_language or "",
            address=row.policy_address,
        )
    return await service.decide(session, row.email, Decision.APPROVE, by=by, at=at, policy_version=policy_version)


async def locked(session: AsyncSession, application_id: str, version: int | None) -> Application:
    """The application under its row's lock. Raises NotFound, and Conflict when `version` is not the stored one any more."""
    # The second of two at once waits here for the first one's transaction, and then sees its result.
    query = select(Application).where(Application.id == application_id).with_for_update()
    row = await session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("There is no such application; `reseller applications list` shows all.", code="no_application")
    if version is not None and row.version != version and row.state in OPEN:
        raise Conflict("The application was changed since it was read; read it again.", code="changed")
    return row


async def _decidable(
    session: AsyncSession, application_id: str, version: int | None, states: frozenset[ApplicationState]
) -> Application:
    row = await locked(session, application_id, version)
    if row.state not in states:
        if row.decided_at is None:
            raise Conflict(not_possible(row, "decided"), code="not_submitted")
        decided = f"was already decided by {row.decided_by} on {row.decided_at.date()}: it is {row.state}."
        raise Conflict(f"The application of {row.company or row.email} {decided}", code="already_decided")
    return row


def not_possible(row: Application, what: str) -> str:
    """Why an application cannot be changed, submitted or decided in its state; applicants read it, so that it names no staff."""
    name, on = row.company or row.email, f" since {row.decided_at.date()}" if row.decided_at is not None else ""
    return f"The application of {name} cannot be {what}: its state is {row.state}{on}."


async def record(session: AsyncSession, row: Application, action: str, *, by: str, at: datetime, reason: str = "") -> None:
    """Write a line of the application's history."""
    session.add(ApplicationHistory(application_id=row.id, at=at, by=by, action=action, reason=reason))
    await session.flush()


def _reason(reason: str, what: str) -> str:
    told = reason.replace("\r\n", "\n").strip()
    if not told:
        raise InvalidInput(f"reason: say why, to {what}; the applicant is told.", code="reason")
    if len(told) > MAX_REASON or "\x00" in told:
        raise InvalidInput(f"reason: at most {MAX_REASON} characters of text.", code="reason")
    return told


def _values(states: Sequence[ApplicationState] | frozenset[ApplicationState]) -> list[str]:
    return [state.value for state in states]
