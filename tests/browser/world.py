"""An installation in which something waits for everybody: orders, an application, a certificate, refused mail."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from app.orders.record import add_task
from app.orders.tables import ResellerOrder
from app.reasons import because
from app.resellers import review
from app.sandbox.rows.people import User
from app.sandbox.seed import EXEMPT, PASSWORD, RESELLER
from app.tax.certificates import add_certificate
from tests.journeys.harness import Journey

LONG = "Gesellschaft für rechnergestützte Wiederverkaufsangelegenheiten und Donaudampfschifffahrtsbedarf mbH & Co. KG"


async def fill(at: Journey) -> dict[str, str]:
    """Make it; ids that tests and pictures need."""
    _, held = await at.buy(RESELLER, [("GRID-DEV", 2)], end_customer=RESELLER, po_number="PO-2026-1")
    _, waiting = await at.buy(RESELLER, [("GRID-DEV", 1), ("GRID-TEAM", 3)], end_customer="carl@goldengate.example")
    _, paid = await at.buy(EXEMPT, [("CHART-YEAR", 1)], end_customer="dana@long.example")
    await at.idle()
    await at.wire_came(paid.number)
    await at.idle()
    now = at.services.clock()
    applicant = User(email="new@applicant.example", password=PASSWORD, first_name="Nora", last_name="New")
    at.sandbox.store.users.append(applicant)
    async with at.rows() as session:
        row = await review.start(
            session,
            saleor_user_id=applicant.id,
            email=applicant.email,
            numbers=at.shop.settings.program,
            by=applicant.email,
            at=now,
            contact="Nora New",
        )
        await review.save_draft(
            session,
            row.id,
            {
                "company": LONG, "street": "Landstraße 1", "city": "Graz", "postal_code": "8010", "country": "AT",
                "tax_number": "ATU12345678", "website": "https://applicant.example", "main_business": "reseller",
                "why": "We resell components to consulting companies.\nSince 1999.",
            },
        )  # fmt: skip
        lacks = await review.submit(session, row.id, email_confirmed=True, by=applicant.email, at=now)
        assert not lacks, lacks
        application = row.id
        reseller = (await session.scalars(select(ResellerOrder).where(ResellerOrder.number == waiting.number))).one()
        paper = await add_certificate(
            session,
            reseller_id=reseller.reseller_id or "",
            number="TX-2026-7",
            states=["TX", "OK"],
            signed_on=date(2026, 1, 1),
            valid_from=date(2026, 1, 1),
            at=now,
        )
        reason = because("certificate_waits", number=paper.number, company="Lone Star Software", states="TX, OK")
        await add_task(session, f"certificate:{paper.id}", None, [reason], now - timedelta(hours=3))
        refused = because("mail_refused", subject="Your order", recipient="wrong@partner.example", words="550 no such mailbox")
        await add_task(session, "mail:unknown", None, [refused], now - timedelta(days=1))
        await add_task(session, "rates-old", None, [because("rates_old", on=date(2025, 1, 1), days=100)], now - timedelta(days=2))
        reseller_id = reseller.reseller_id or ""
    return {
        "held": held.number, "waiting": waiting.number, "paid": paid.number, "held_id": held.id, "waiting_id": waiting.id,
        "paid_id": paid.id, "application": application, "reseller": reseller_id, "certificate": paper.id,
        "applicant": applicant.id, "customer": next(user.id for user in at.sandbox.store.users if user.email == RESELLER),
        "buyer": next(user.id for user in at.sandbox.store.users if user.email == "buyer@example.com"),
        "product": at.sandbox.store.products[0].id,
    }  # fmt: skip
