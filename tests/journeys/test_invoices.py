"""The documents of an order as the shop meets them: proforma, invoice on request, refund with its credit note."""

from __future__ import annotations

from pathlib import Path

import httpx
from sqlalchemy import select

from app.documents.tables import Document
from app.money import Money
from app.orders.refunds import book_refund
from app.sandbox.seed import RESELLER
from tests.journeys.harness import journey

REQUEST = """mutation Request($orderId: ID!) {
  invoiceRequest(orderId: $orderId) { invoice { id status } errors { field code message } }
}"""


async def test_an_invoice_is_asked_for_given_and_corrected(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="papers@customer.example")
        await at.idle()
        await at.staff.send(REQUEST, "invoiceRequest", orderId=order.id)
        await at.idle()
        (waiting,) = at.order(order.number).invoices
        assert (waiting.status, waiting.number) == ("PENDING", None), "there is none before the release"
        await at.wire_came(order.number)
        await at.idle()
        (given,) = at.order(order.number).invoices
        assert given.status == "SUCCESS"
        assert given.url is not None
        assert "signature=" in given.url
        async with httpx.AsyncClient() as browser:
            read = await browser.get(given.url)
            bare = await browser.get(given.url.partition("?")[0])
        assert (read.status_code, read.content[:5], bare.status_code) == (200, b"%PDF-", 403)
        await at.staff.send(REQUEST, "invoiceRequest", orderId=order.id)
        await at.idle()
        assert [(one.number, one.status) for one in at.order(order.number).invoices] == [(given.number, "SUCCESS")] * 2
        row = await at.recorded(order.number)
        async with at.services.database.tenant(at.tenant_id) as session:
            await book_refund(
                session,
                at.services,
                at.shop,
                number=order.number,
                amount=Money(row.total_minor, row.currency),
                bank_reference="BACK-1",
                value_date=row.order_date,
                by="ada",
            )
        await at.idle()
        async with at.rows() as session:
            documents = (await session.scalars(select(Document).order_by(Document.kind))).all()
        assert [document.kind for document in documents] == ["credit_note", "invoice", "proforma"]
        assert documents[0].amount_minor == row.total_minor
        assert at.order(order.number).invoices[-1].number == documents[0].number
        assert any("credit note" in str(mail["Subject"]) for mail in at.mails())
        assert all(found == [] for found in (await at.contradictions()).values())
