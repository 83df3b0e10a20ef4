"""Cases from the first question to the last answer: on the record, mailed to who asked, a task of staff while it is theirs
(`rules.md` 11.3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases.rules import MAX_OPEN, CaseKind, CaseState, Opening, after_entry, words
from app.cases.tables import Case, CaseEntry
from app.db.pages import page
from app.documents.service import locked_series
from app.errors import Conflict, NotFound
from app.mail.schemas import CaseContext, CaseStep, Language, MailKind
from app.mail.tables import Mail
from app.orders.mails import send
from app.orders.record import add_task, finish_task
from app.orders.services import Services
from app.reasons import because, register
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

register(
    {
        "case_advice": "{company} asks for advice, case {number}: {subject}. Answer with `reseller cases answer {number}`.",
        "case_hand_over": "{company} hands a deal with {customer} over, case {number}: {subject}. Answer with "
        "`reseller cases answer {number}`.",
    }
)


async def open_case(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, what: Opening, *, by: str, language: Language
) -> tuple[Case, bool]:
    """A case with its first entry, its mails and the task of staff, and whether it is new: the same once more on that day is not.

    Raises Conflict where too many of the reseller's cases wait already.
    """
    now = services.clock()
    print_ = _fingerprint(what.kind, what.subject, what.text, what.customer, what.contact, str(services.today(shop)))
    query = select(Case).where(Case.reseller_id == reseller.id, Case.fingerprint == print_)
    if known := await session.scalar(query):
        return known, False
    waiting = select(func.count(Case.id)).where(Case.reseller_id == reseller.id, Case.state == CaseState.OPEN)
    if (await session.scalar(waiting) or 0) >= MAX_OPEN:
        raise Conflict("Too many of your cases wait for an answer; write in one of them.", code="too_many_cases")
    year = services.today(shop).year
    series = await locked_series(session, f"case-{year}")
    # The counter's lock lets one in at a time: of two at once the second finds what the first one made.
    if known := await session.scalar(query):
        return known, False
    series.last += 1
    case = Case(
        number=f"A{year}-{series.last:05d}",
        reseller_id=reseller.id,
        kind=what.kind,
        state=CaseState.OPEN,
        subject=what.subject,
        customer=what.customer,
        contact=what.contact,
        language=language,
        opened_by=by,
        opened_at=now,
        fingerprint=print_,
    )
    session.add(case)
    await session.flush()
    await _write(session, services, shop, case, what.text, by=by, from_staff=False)
    await _mail(session, services, shop, reseller, case, CaseStep.RECEIVED, what.text, to=by, key="received")
    if shop.settings.seller.email:
        await _mail(
            session, services, shop, reseller, case, CaseStep.FOR_STAFF, what.text, to=shop.settings.seller.email, key="staff"
        )
    await _ask_staff(session, services, reseller, case)
    return case, True


async def write(
    session: AsyncSession, services: Services, shop: Shop, case: Case, text: str, *, by: str, from_staff: bool
) -> CaseEntry:
    """Go on in a case: what staff write is mailed to who opened it, what the reseller writes is a task of staff again.

    The same of the same side once more on that day is the entry there is. Raises Conflict for a closed case, InvalidInput.
    """
    said = words("text", text)
    case = await _locked(session, case.id)
    state = after_entry(CaseState(case.state), from_staff)
    entry, new = await _write(session, services, shop, case, said, by=by, from_staff=from_staff)
    if not new:
        return entry
    case.state = state
    reseller = await session.get_one(Reseller, case.reseller_id)
    if from_staff:
        await finish_task(session, task_key(case), services.clock())
        await _mail(
            session, services, shop, reseller, case, CaseStep.ANSWERED, said, to=case.opened_by, key=str(entry.position), by=by
        )
    else:
        await _ask_staff(session, services, reseller, case)
        if shop.settings.seller.email:
            to = shop.settings.seller.email
            await _mail(session, services, shop, reseller, case, CaseStep.FOR_STAFF, said, to=to, key=f"staff-{entry.position}")
    return entry


async def close(session: AsyncSession, services: Services, shop: Shop, case: Case, outcome: str, *, by: str) -> Case:
    """End a case with what came of it, which is mailed. Raises Conflict where it is closed already, InvalidInput."""
    said = words("outcome", outcome)
    case = await _locked(session, case.id)
    after_entry(CaseState(case.state), from_staff=True)
    entry, _ = await _write(session, services, shop, case, said, by=by, from_staff=True)
    case.state, case.closed_by, case.closed_at = CaseState.CLOSED, by, services.clock()
    await finish_task(session, task_key(case), services.clock())
    reseller = await session.get_one(Reseller, case.reseller_id)
    key = f"closed-{entry.position}"
    await _mail(session, services, shop, reseller, case, CaseStep.CLOSED, said, to=case.opened_by, key=key, by=by)
    return case


async def own_case(session: AsyncSession, reseller_id: str, case_id: str) -> Case:
    """A reseller's own case. Raises NotFound, for another reseller's as for none."""
    return _found(await session.scalar(select(Case).where(Case.id == case_id, Case.reseller_id == reseller_id)))


async def by_number(session: AsyncSession, number: str) -> Case:
    """A case of the shop by its number. Raises NotFound."""
    return _found(await session.scalar(select(Case).where(Case.number == number.strip().upper())))


async def by_ids(session: AsyncSession, ids: Collection[str]) -> dict[str, Case]:
    """Cases of the shop by their ids, as far as there are any."""
    return {case.id: case for case in await session.scalars(select(Case).where(Case.id.in_(ids)))} if ids else {}


async def of_thread(session: AsyncSession, thread: str) -> tuple[Case, bool] | None:
    """The case whose mails have this thread token, and whether they went to staff; None for a thread about something else."""
    query = select(Mail.key).where(Mail.thread == thread, Mail.kind == MailKind.CASE).limit(1)
    key = await session.scalar(query) if thread else None
    if key is None:
        return None
    _, case_id, what = key.split(":")[:3]
    case = await session.get(Case, case_id)
    return (case, what.startswith("staff")) if case is not None else None


async def page_of_cases(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[Case], str | None]:
    """A page of a reseller's cases, the newest first, and the cursor of the next."""
    return await page(session, select(Case).where(Case.reseller_id == reseller_id), Case.opened_at, Case.id, limit, cursor)


async def all_cases(session: AsyncSession, *, closed: bool, limit: int) -> Sequence[tuple[Case, str]]:
    """The shop's cases with the reseller's company: those not closed, or all; the longest open first."""
    query = select(Case, Reseller.company).join(Reseller, Reseller.id == Case.reseller_id)
    if not closed:
        query = query.where(Case.state != CaseState.CLOSED)
    return [(case, company) for case, company in await session.execute(query.order_by(Case.opened_at, Case.id).limit(limit))]


async def entries(session: AsyncSession, case_id: str) -> Sequence[CaseEntry]:
    """What was written, the first first."""
    return (await session.scalars(select(CaseEntry).where(CaseEntry.case_id == case_id).order_by(CaseEntry.position))).all()


async def _locked(session: AsyncSession, case_id: str) -> Case:
    query = select(Case).where(Case.id == case_id).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def _write(
    session: AsyncSession, services: Services, shop: Shop, case: Case, text: str, *, by: str, from_staff: bool
) -> tuple[CaseEntry, bool]:
    """The entry, and whether it is new. The caller holds the case's lock, or has made it."""
    print_ = _fingerprint(str(from_staff), by, text, str(services.today(shop)))
    known = await session.scalar(select(CaseEntry).where(CaseEntry.case_id == case.id, CaseEntry.fingerprint == print_))
    if known is not None:
        return known, False
    last = await session.scalar(select(func.max(CaseEntry.position)).where(CaseEntry.case_id == case.id))
    entry = CaseEntry(
        case_id=case.id,
        position=(last or 0) + 1,
        from_staff=from_staff,
        by=by,
        at=services.clock(),
        text=text,
        fingerprint=print_,
    )
    session.add(entry)
    await session.flush()
    return entry, True


async def _ask_staff(session: AsyncSession, services: Services, reseller: Reseller, case: Case) -> None:
    reason = because(
        f"case_{CaseKind(case.kind)}", company=reseller.company, number=case.number, subject=case.subject, customer=case.customer
    )
    await add_task(session, task_key(case), None, [reason], services.clock())


async def _mail(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    reseller: Reseller,
    case: Case,
    step: CaseStep,
    text: str,
    *,
    to: str,
    key: str,
    by: str = "",
) -> None:
    context = CaseContext(
        seller=shop.settings.seller,
        company=reseller.company,
        number=case.number,
        hand_over=case.kind == CaseKind.HAND_OVER,
        subject=case.subject,
        step=step,
        text=text,
        by=by,
        customer=case.customer,
        contact=case.contact,
    )
    await send(
        session,
        services,
        shop,
        key=f"{MailKind.CASE}:{case.id}:{key}",
        kind=MailKind.CASE,
        recipient=to,
        language="en" if step is CaseStep.FOR_STAFF else case.language,
        context=context,
        reseller_id=reseller.id,
        # Two threads: what comes to staff's address is the vendor's word, and resellers never see that address.
        about=f"{MailKind.CASE}:{case.id}:{'staff' if step is CaseStep.FOR_STAFF else 'reseller'}",
    )


def task_key(case: Case) -> str:
    """The key of the task that staff have while a case is theirs."""
    return f"case:{case.id}"


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _found(case: Case | None) -> Case:
    if case is None:
        raise NotFound("There is no such case.", code="no_case")
    return case
