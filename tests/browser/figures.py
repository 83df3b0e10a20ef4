"""Two years of sales, payments and exemptions, so that every report has something to show."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.ledger.charging import charge_interest
from app.ledger.interest import DayCount, Rate
from app.ledger.service import book_wire, credit_order, post_receivable
from app.money import Money
from app.orders.tables import OrderLine, ResellerOrder
from app.reports import service
from app.reports.periods import months_after
from app.resellers.tables import Reseller
from tests.browser.world import LONG
from tests.journeys.harness import Journey

REASONS = ("tax_exempt", "tax_not_registered", "tax_class_untaxed", "tax_flat", "tax_not_charged")
COMPANIES = (LONG, "Ålesund Programvare AS", "=SUM(A1) Ltd", *(f"Partner {number:02} Software" for number in range(1, 31)))


async def fill_reports(at: Journey) -> None:
    """Make them, and add them up."""
    now, today = at.services.clock(), at.services.today(at.shop)
    async with at.rows() as session:
        for place, company in enumerate(COMPANIES):
            session.add(
                Reseller(
                    email=f"figures-{place}@partner.example", company=company, street="1 Main St", city="Austin", country="US",
                    postal_code="78701", state="TX", status="approved", created_at=now,
                )
            )  # fmt: skip
    async with at.rows() as session:
        people = {row.email: row.id for row in await session.scalars(select(Reseller))}
    for ago in range(18):
        month = months_after(today.replace(day=1), -ago)
        for place in range(len(COMPANIES)):
            if (place * 7 + ago * 3) % 5 == 0 and ago:
                continue
            await _order(at, people[f"figures-{place}@partner.example"], place, ago, min(month + timedelta(place), today))
    await service.refresh(at.services, at.shop)


async def _order(at: Journey, reseller_id: str, place: int, ago: int, day: date) -> None:
    net = 40_000 + (place * 7_919 + ago * 104_729) % 900_000
    reason = REASONS[place % 5] if (place + ago) % 3 == 0 else None
    gross = net if reason else net + net * 825 // 10_000
    number, currency, now = f"F{ago}-{place}", "EUR" if place % 11 == 10 else "USD", at.services.clock()
    due = day + timedelta(30)
    async with at.rows() as session:
        order = ResellerOrder(
            saleor_order_id=number, number=number, reseller_id=reseller_id, channel="usd", language="en", recipient="r@x.test",
            currency=currency, net_minor=net, total_minor=gross, terms="on_account", order_date=day, due_date=due,
            reference=f"RF{ago:02}{place:02}", bill_to={}, ship_to={}, end_customer_email="c@x.example", audit_passed=True,
            audit=[], created_at=now, confirmed_at=now, release_decided_at=now, released_at=now, lines=[],
        )  # fmt: skip
        session.add(order)
        await session.flush()
        session.add(
            OrderLine(
                order_id=order.id, saleor_line_id=number, position=0, sku="GRID-1", name="Grid", quantity=1, retail_minor=net,
                unit_minor=net, net_minor=net, gross_minor=gross, tax_rate=Decimal(0 if reason else "8.25"),
                reasons=[{"code": reason, "params": {}}] if reason else [], license_policy=None,
            )
        )  # fmt: skip
        amount = Money(gross, currency)
        debt = await post_receivable(
            session, reseller_id=reseller_id, order_id=order.id, order_number=number, amount=amount, reference=order.reference,
            order_date=day, due=due, at=now,
        )  # fmt: skip
        paid = day + timedelta(4 + (place * 13 + ago * 5) % 47)
        if (place + ago) % 17 == 0:
            await credit_order(session, order.id, reason="canceled", by="ada", at=now)
        elif paid <= at.services.today(at.shop) and (place + 2 * ago) % 13:
            over = Money(2_500 if place % 9 == 4 else 0, currency)
            await book_wire(
                session, order_id=order.id, amount=amount + over, bank_reference=number, value_date=paid, by="ada", at=now
            )
        elif due < at.services.today(at.shop):
            await charge_interest(
                session, debt.id, until=at.services.today(at.shop), rates=[Rate(date(2020, 1, 1), Decimal(9))],
                day_count=DayCount.ACT_365, by="ada", at=now,
            )  # fmt: skip
