"""Exemption certificates with all that follows from them: document, tasks of staff, mails, and what time does (`rules.md` 10.3).

The rows and rules are `tax.certificates` and `tax.days`; this puts files, mail and tasks beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Forbidden, InvalidInput, NotFound
from app.files.service import Purpose, Upload, arriving, get, keep
from app.files.tables import StoredFile
from app.mail.schemas import CertificateContext, MailKind
from app.mail.tables import Mail
from app.orders import mails
from app.orders.record import add_event, add_task, finish_task
from app.orders.services import Services
from app.orders.tables import OrderLine, ResellerOrder
from app.reasons import Reason, because, register, told
from app.resellers.addresses import US_STATES
from app.resellers.rules import ResellerStatus
from app.resellers.tables import Reseller
from app.saleor.shops import Shop
from app.tax import certificates
from app.tax.days import REMINDERS, reminder_due, state_day
from app.tax.forms import look_at
from app.tax.rules import CertificateState
from app.tax.service import rates_imported_at
from app.tax.tables import CertificateRow, StateRateRow

register(
    {
        "certificate_waits": "Certificate {number} of {company} for {states} waits for a decision.",
        "certificate_review": "Certificate {number} of {company} has no end; is it still in use? Revoke it or get a new one.",
        "certificate_revoked_later": "Certificate {number}, for which no tax was charged on this order, was revoked: {reason}",
        "certificate_used": "Certificate {number} of {company} was revoked; {count} orders were not taxed by it: {orders}.",
        "no_certificate_mail": "{company} could not be told about its certificate {number}: {words}",
        "rates_old": "The rate table was imported on {on}, more than {days} days ago. It still counts; import a newer one.",
    }
)

NAMED = 20
"""Orders that a task names one by one."""
RATES_OLD = "rates-old"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A certificate as its reseller, or staff from paper, hand it in. `replaces` is the id of the one it renews."""

    number: str
    states: tuple[str, ...]
    signed_on: date
    valid_from: date
    valid_to: date | None = None
    form: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """What time did to the certificates of a shop, by their ids."""

    expired: tuple[str, ...]
    reminded: tuple[str, ...]
    to_review: tuple[str, ...]


def vendor_day(services: Services, shop: Shop) -> date | None:
    """The day by which certificates count where the vendor wants its own; None where it is the state's (edge case 36)."""
    return None if shop.settings.program.certificate_day_of_state else services.today(shop)


async def hand_in(
    services: Services, shop: Shop, reseller_id: str, given: HandedIn, document: Upload | None, *, by: str
) -> CertificateRow:
    """Keep a certificate with its document; staff get a task. All of it or nothing.

    Opens its own transactions: none is open while the document is written. Raises like `certificates.add_certificate` and
    `files.service.arriving`, and Forbidden for a reseller that is no longer in the program.
    """
    if document is None:
        return await _take(services, shop, reseller_id, given, None, by=by)
    async with arriving(
        services.database,
        services.files,
        shop.tenant_id,
        document,
        purpose=Purpose.CERTIFICATE,
        by=by,
        at=services.clock(),
        limit=services.settings.max_upload_bytes,
        reseller_id=reseller_id,
    ) as file:
        return await _take(services, shop, reseller_id, given, file, by=by)


async def upload(
    services: Services, shop: Shop, reseller_id: str, given: HandedIn, document: Upload, *, by: str
) -> CertificateRow:
    """Keep a certificate that its reseller uploads, as `hand_in` does. Raises InvalidInput too for one that is over already."""
    if given.valid_to is not None and given.valid_to < (services.clock() - timedelta(hours=12)).date():
        raise InvalidInput(f"valid_to: it ended on {given.valid_to}; hand in one that is valid.", code="valid_to")
    return await hand_in(services, shop, reseller_id, given, document, by=by)


async def decide(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    certificate_id: str,
    state: CertificateState,
    *,
    by: str,
    reason: str = "",
    version: int | None = None,
) -> CertificateRow:
    """Decide as `certificates.decide_certificate` does; the reseller is mailed, and the task of staff is done.

    Orders for which a revoked one was the evidence are flagged, never rewritten (edge case 35).
    """
    now = services.clock()
    row = await certificates.decide_certificate(
        session,
        certificate_id,
        state,
        by=by,
        at=now,
        reason=reason,
        version=version,
        review_days=shop.settings.program.certificate_review_days,
    )
    reseller = await _reseller(session, row)
    for task in ("certificate", "certificate-review"):
        await finish_task(session, f"{task}:{row.id}", now)
    if state is CertificateState.REVOKED:
        await _flag_orders(session, services, row, reseller)
    await _mail(session, services, shop, row, reseller, MailKind(f"certificate_{state}"), f"certificate_{state}:{row.id}")
    return row


async def document(session: AsyncSession, certificate_id: str, reseller_id: str | None = None) -> StoredFile:
    """The document of a certificate, of this reseller where one is given. Raises NotFound."""
    row = await certificates.get_certificate(session, certificate_id, reseller_id)
    if row.file_id is None:
        raise NotFound("This certificate was entered from paper; it has no document here.", code="no_file")
    return await get(session, row.file_id)


def findings(row: CertificateRow, reseller: Reseller) -> tuple[Reason, ...]:
    """What staff should look at before they decide about a certificate (edge case 38)."""
    return look_at(form=row.form, states=row.states, reseller_country=reseller.country, reseller_state=reseller.state)


async def look_after(session: AsyncSession, services: Services, shop: Shop) -> LookedAfter:
    """What is due now: end what is over, remind of what ends soon, and show staff what they should look at again.

    Due is due, however late it is noticed, and each mail goes once by its key; repeated, nothing happens twice.
    """
    now, today = services.clock(), vendor_day(services, shop)
    expired = await certificates.expire(session, at=now, today=today)
    for row in expired:
        reseller = await _reseller(session, row)
        await finish_task(session, f"certificate-review:{row.id}", now)
        if not await _renewed(session, row):
            await _mail(session, services, shop, row, reseller, MailKind.CERTIFICATE_EXPIRED, f"certificate_expired:{row.id}")
    reminded = []
    # A day more at both ends: it is another day in some states.
    for row in await certificates.ending(
        session, now.date() - timedelta(days=1), now.date() + timedelta(days=max(REMINDERS) + 1)
    ):
        assert row.valid_to is not None
        day = today or min(state_day(state, now) for state in row.states)
        days = reminder_due(row.valid_to, day)
        if days is not None and not await _renewed(session, row):
            key = f"certificate_ending:{row.id}:{days}"
            left = (row.valid_to - day).days
            reseller = await _reseller(session, row)
            if await _mail(session, services, shop, row, reseller, MailKind.CERTIFICATE_ENDING, key, days_left=left):
                reminded.append(row.id)
    reviewed = []
    for row in await certificates.to_review(session, services.today(shop)):
        reseller = await _reseller(session, row)
        reason = because("certificate_review", number=row.number, company=reseller.company)
        if await add_task(session, f"certificate-review:{row.id}", None, [reason], now):
            reviewed.append(row.id)
    await _look_at_rates(session, services, shop)
    return LookedAfter(tuple(row.id for row in expired), tuple(reminded), tuple(reviewed))


async def _take(
    services: Services, shop: Shop, reseller_id: str, given: HandedIn, file: StoredFile | None, *, by: str
) -> CertificateRow:
    now = services.clock()
    async with services.database.tenant(shop.tenant_id) as session:
        # Locked until the end: of two uploads at once the second sees the first.
        locked = select(Reseller).where(Reseller.id == reseller_id).with_for_update()
        reseller = (await session.scalars(locked)).one()
        if reseller.status in (ResellerStatus.REJECTED, ResellerStatus.ENDED):
            raise Forbidden("The reseller is not in the program.", code="reseller_inactive")
        row = await certificates.add_certificate(
            session,
            reseller_id=reseller_id,
            number=given.number,
            form=given.form,
            states=given.states,
            signed_on=given.signed_on,
            valid_from=given.valid_from,
            valid_to=given.valid_to,
            replaces=given.replaces,
            at=now,
            by=by,
            file_id=(await keep(session, file)).id if file is not None else None,
        )
        reason = because("certificate_waits", number=row.number, company=reseller.company, states=", ".join(row.states))
        await add_task(session, f"certificate:{row.id}", None, [reason, *findings(row, reseller)], now)
    return row


async def _renewed(session: AsyncSession, row: CertificateRow, state: CertificateState = CertificateState.APPROVED) -> bool:
    """Whether other certificates of the reseller in this state cover all states of this one on the day after it."""
    if row.valid_to is None:
        return False
    following = row.valid_to + timedelta(days=1)
    covered: set[str] = set()
    for other in await certificates.list_certificates(session, row.reseller_id):
        begun = other.valid_from <= following
        if other.id != row.id and other.state == state and begun and (other.valid_to is None or other.valid_to >= following):
            covered |= set(other.states)
    return set(row.states) <= covered


async def _flag_orders(session: AsyncSession, services: Services, row: CertificateRow, reseller: Reseller) -> None:
    orders = (
        select(ResellerOrder.id, ResellerOrder.number)
        .join(OrderLine, OrderLine.order_id == ResellerOrder.id)
        .where(OrderLine.certificate_id == row.id)
        .distinct()
        .order_by(ResellerOrder.number)
    )
    found = [(order_id, number) for order_id, number in await session.execute(orders)]
    if not found:
        return
    now = services.clock()
    what = because("certificate_revoked_later", number=row.number, reason=row.reason)
    for order_id, _ in found:
        await add_event(session, order_id, f"certificate-revoked:{row.id}", now, what)
    numbers = ", ".join(number for _, number in found[:NAMED]) + (" ..." if len(found) > NAMED else "")
    reason = because("certificate_used", number=row.number, company=reseller.company, count=len(found), orders=numbers)
    await add_task(session, f"certificate-used:{row.id}", None, [reason], now)


async def _look_at_rates(session: AsyncSession, services: Services, shop: Shop) -> None:
    """A rate table that grew old is a task of staff until a newer one is imported; it goes on counting (edge case 42)."""
    now, days = services.clock(), shop.settings.program.rate_table_days
    imported = await rates_imported_at(session)
    in_use = await session.scalar(select(StateRateRow.id).limit(1))
    if in_use is not None and imported is not None and imported < now - timedelta(days=days):
        await add_task(session, RATES_OLD, None, [because("rates_old", on=imported.date(), days=days)], now)
    else:
        await finish_task(session, RATES_OLD, now)


async def _reseller(session: AsyncSession, row: CertificateRow) -> Reseller:
    return (await session.scalars(select(Reseller).where(Reseller.id == row.reseller_id))).one()


async def _mail(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    row: CertificateRow,
    reseller: Reseller,
    kind: MailKind,
    key: str,
    *,
    days_left: int = 0,
) -> bool:
    """Mail the reseller once by the key; False when it was told before."""
    if await session.scalar(select(Mail.id).where(Mail.key == key)) is not None:
        return False
    context = CertificateContext(
        seller=shop.settings.seller,
        company=reseller.company,
        number=row.number,
        states=tuple(US_STATES[state] for state in row.states),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        reason=row.reason,
        days_left=days_left,
        renewal_waits=await _renewed(session, row, CertificateState.PENDING),
    )
    try:
        await mails.send(
            session,
            services,
            shop,
            key=key,
            kind=kind,
            recipient=reseller.email,
            language=reseller.language,
            reseller_id=reseller.id,
            context=context,
        )
    except InvalidInput as error:  # no address for mail: staff tell the reseller themselves, and nothing else waits for it
        reason = because("no_certificate_mail", number=row.number, company=reseller.company, **told("words", error))
        return await add_task(session, f"certificate-mail:{key}", None, [reason], services.clock())
    return True
