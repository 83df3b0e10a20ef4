"""Will a reseller be taxed, in its own state or another, on a day, and why (`rules.md` 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.reasons import Reason, because, register
from app.resellers.addresses import us_state
from app.resellers.tables import Reseller
from app.tax.days import state_day
from app.tax.rules import CertificateState, Location, TaxDecision, best_certificate, decide
from app.tax.service import load_certificates, load_tax
from app.tax.tables import CertificateRow

register(
    {
        "tax_elsewhere": "This is the answer for a business address in {state}; the approved one is in {own}.",
        "tax_not_us": "The reseller is outside the US: the store's own rates for the country of the order's address count.",
        "tax_certificate_waits": "Certificate {number} waits for a decision; until it is approved it does not count.",
        "tax_certificate_ends": "Certificate {number} is valid through {valid_to}.",
    }
)


@dataclass(frozen=True, slots=True)
class TaxAnswer:
    """Whether a normal line of an order on this day is taxed, with its rate in percent and the reasons.

    `us_state` is empty for a reseller outside the US.
    """

    us_state: str
    day: date
    decision: TaxDecision
    reasons: tuple[Reason, ...]

    @property
    def taxed(self) -> bool:
        """Whether any tax is charged."""
        return bool(self.decision.rate)


async def will_be_taxed(
    session: AsyncSession,
    reseller: Reseller,
    *,
    at: datetime,
    day: date | None = None,
    state: str = "",
    today: date | None = None,
) -> TaxAnswer:
    """The answer of `rules.decide` for a product without a tax class of its own, as it stands in the database now.

    `state` asks as if the approved business address were there, without its ZIP. `day` None is today: the day in the state, or
    `today`, the vendor's, where that is given. Raises InvalidInput for what is no US state.
    """
    if reseller.country != "US" and not state:
        day = day or today or at.date()
        program = await load_tax(session, ("", ""))
        decision = decide(program, reseller=Location(reseller.country), ship_to_country=reseller.country, on=day)
        return TaxAnswer("", day, decision, (because("tax_not_us"), *decision.reasons))
    asked = us_state(state) if state else reseller.state
    own = reseller.country == "US" and asked == reseller.state
    day = day or today or state_day(asked, at)
    zip_code = reseller.postal_code if own else ""
    certificates = (await load_certificates(session, reseller.id)).get(reseller.id, ())
    location = Location("US", asked, zip_code, certificates)
    decision = decide(await load_tax(session, (asked, zip_code)), reseller=location, ship_to_country="US", on=day)
    notes: tuple[Reason, ...] = () if own else (because("tax_elsewhere", state=asked, own=reseller.state or reseller.country),)
    exempt = best_certificate(certificates, asked, day) if decision.certificate_id else None
    if exempt is not None and exempt.valid_to is not None:
        notes += (because("tax_certificate_ends", number=exempt.number, valid_to=exempt.valid_to),)
    if decision.rate:
        waiting = select(CertificateRow).where(
            CertificateRow.reseller_id == reseller.id, CertificateRow.state == CertificateState.PENDING.value
        )
        notes += tuple(
            because("tax_certificate_waits", number=row.number)
            for row in await session.scalars(waiting.order_by(CertificateRow.created_at))
            if asked in row.states
        )
    return TaxAnswer(asked, day, decision, (*decision.reasons, *notes))
