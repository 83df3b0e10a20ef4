"""Proforma, invoice and credit notes of an order, and what Saleor is given of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

import facturx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.db.tenants import Tenant
from app.documents.tables import Document
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.money import Money
from app.orders import attend, documents
from app.orders.refunds import book_refund
from app.orders.release import queue_order_received
from app.orders.service import lock_order
from app.orders.tables import OrderEvent, ResellerOrder, StaffTask
from app.reasons import Reason, sentence
from tests.conftest import NOW
from tests.documents.schematron import broken_rules
from tests.orders.builders import World, by_id, opened, order, order_json, recorded, reseller, rows, wire

SELLER = {
    "name": "Vendor GmbH", "street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE",
    "tax_number": "DE123456789",
}  # fmt: skip


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        world.saleor.answers = {
            "InvoiceCreate": {"invoiceCreate": {"invoice": {"id": "I1", "number": "x"}, "errors": []}},
            "InvoiceUpdate": {"invoiceUpdate": {"invoice": {"id": "I1", "number": "x"}, "errors": []}},
        }
        yield world


async def settings(world: World, **changed: Any) -> None:
    async with world.database.system() as session:
        row = (await session.scalars(select(Tenant).where(Tenant.id == world.shop.tenant_id))).one()
        row.settings = {**row.settings, **changed}
        row.program_version += 1
    await world.refresh()


async def placed(world: World, **changed: Any) -> ResellerOrder:
    row = await recorded(world, **changed)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
    return row


async def invoiced(world: World, row: ResellerOrder) -> Document:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await documents.issue_invoice(session, world.services, world.shop, row.id)


async def credited(
    world: World, row: ResellerOrder, occasion: str = "canceled", amount: int | None = None, why: str = "canceled"
) -> Document | None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await documents.issue_credit_note(
            session, world.services, world.shop, row.id, occasion=occasion, why=why, amount_minor=amount
        )


async def stored(world: World) -> list[Document]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(Document).order_by(Document.number).options(undefer(Document.content))))


async def mails(world: World, kind: MailKind) -> list[Mail]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(Mail).where(Mail.kind == kind).options(undefer(Mail.content))))


def attached(mail: Mail) -> list[str | None]:
    return [part.get_filename() for part in message_from_bytes(mail.content).walk() if part.get_filename()]


async def received(world: World, row: ResellerOrder) -> list[Mail]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await queue_order_received(session, world.services, world.shop, row.id)
    return await mails(world, MailKind.ORDER_RECEIVED)


async def test_a_prepaid_order_is_asked_for_with_its_proforma(world: World) -> None:
    row = await placed(world)
    (mail,) = await received(world, row)
    (again,) = await received(world, row)
    (proforma,) = await stored(world)
    assert (proforma.kind, proforma.number, again.id) == ("proforma", "P2026-00001", mail.id)
    assert attached(mail) == ["proforma-P2026-00001.pdf"]
    assert (await invoiced(world, row)).number == "2026-00001", "a proforma uses up no number of an invoice"


async def test_an_order_on_account_has_no_proforma(world: World) -> None:
    row = await placed(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).terms = "on_account"
    (mail,) = await received(world, row)
    assert (await stored(world), attached(mail)) == ([], [])


async def test_an_invoice_carries_its_xml_for_a_seller_who_switched_it_on(world: World) -> None:
    await settings(world, seller=SELLER, documents={"e_invoice": True})
    row = await placed(world)
    document = await invoiced(world, row)
    _, xml = facturx.get_xml_from_pdf(document.content, check_xsd=True)
    assert broken_rules(xml) == []
    note = await credited(world, row)
    assert note is not None
    _, xml = facturx.get_xml_from_pdf(note.content, check_xsd=True)
    assert broken_rules(xml) == []
    assert b"2026-00001" in xml
    assert await rows(world, StaffTask) == []


async def test_what_the_norm_cannot_say_goes_out_without_it_and_staff_are_told(world: World) -> None:
    await settings(world, documents={"e_invoice": True})
    document = await invoiced(world, await placed(world))
    assert b"factur-x" not in document.content
    (task,) = await rows(world, StaffTask)
    assert "seller.tax_number is empty" in sentence(Reason.from_dict(task.reasons[0]))


async def test_a_cancellation_after_the_invoice_is_credited_whole_and_mailed_once(world: World) -> None:
    row = await placed(world)
    invoice = await invoiced(world, row)
    note, again = await credited(world, row), await credited(world, row)
    assert note is not None
    assert again is not None
    assert (note.number, note.amount_minor, note.corrects_id, again.id) == ("C2026-00001", 1949, invoice.id, note.id)
    (mail,) = await mails(world, MailKind.CREDIT_NOTE)
    assert attached(mail) == ["credit-note-C2026-00001.pdf"]
    assert mail.recipient == row.recipient
    assert f"credit_note:{note.occasion}" in {event.key for event in await rows(world, OrderEvent)}


async def test_refunds_are_credited_in_parts_and_never_beyond_the_invoice(world: World) -> None:
    row = await placed(world)
    await invoiced(world, row)
    amounts = [
        note.amount_minor if (note := await credited(world, row, f"refund:{n}", amount, "refunded")) else None
        for n, amount in enumerate((500, 1000, 9999, 1))
    ]
    assert amounts == [500, 1000, 449, None]
    assert await credited(world, row) is None, "nothing is left to be canceled"
    assert [note.number for note in await stored(world)] == ["2026-00001", "C2026-00001", "C2026-00002", "C2026-00003"]


async def test_without_an_invoice_there_is_nothing_to_correct(world: World) -> None:
    assert await credited(world, await placed(world)) is None
    assert await mails(world, MailKind.CREDIT_NOTE) == []


async def test_the_cancellation_and_each_refund_ask_for_their_credit_note(world: World) -> None:
    row = await placed(world)
    await wire(world)
    refund: dict[str, Any] = {"number": "1", "amount": Money.of("5.00", "USD"), "bank_reference": "B9", "by": "ada"}
    for _ in range(2):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await book_refund(session, world.services, world.shop, value_date=NOW.date(), **refund)
    for _ in range(2):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await attend.follow(session, world.services, world.shop, row.id, order(status="CANCELED"))
    asked = [args for name, _, args in world.asked if name == "credit_invoice"]
    assert [(args[1], args[2].partition(":")[0], *args[3:]) for args in asked] == [
        (row.id, "refund", "refunded", "500"),
        (row.id, "canceled", "canceled", ""),
    ]


async def test_a_credit_note_in_german(world: World) -> None:
    row = await placed(world, languageCode="DE")
    await invoiced(world, row)
    await credited(world, row)
    (mail,) = await mails(world, MailKind.CREDIT_NOTE)
    assert (mail.language, mail.subject) == ("de", "Bestellung 1: Rechnungskorrektur C2026-00001")


def saleor_has(world: World, *invoices: dict[str, Any]) -> None:
    world.saleor.answers["Order"] = by_id(order_json(invoices=list(invoices)))


async def test_saleor_is_offered_each_document_once_by_its_number(world: World) -> None:
    row = await placed(world)
    saleor_has(world)
    await documents.offer_documents(world.services, world.shop, row.id)
    assert world.saleor.calls == [], "nothing was issued"
    await received(world, row)
    await invoiced(world, row)
    await credited(world, row)
    await documents.offer_documents(world.services, world.shop, row.id)
    assert [call["number"] for call in world.saleor.named("InvoiceCreate")] == ["2026-00001", "C2026-00001"]
    saleor_has(world, *({"id": f"I{n}", "number": n, "status": "SUCCESS"} for n in ("2026-00001", "C2026-00001")))
    await documents.offer_documents(world.services, world.shop, row.id)
    assert len(world.saleor.named("InvoiceCreate")) == 2


async def test_a_request_is_answered_with_a_link_that_expires(world: World) -> None:
    row = await placed(world)
    document = await invoiced(world, row)
    assert await documents.answer_request(world.services, world.shop, row.saleor_order_id, "I7") == "answered"
    (call,) = world.saleor.named("InvoiceUpdate")
    assert (call["id"], call["number"]) == ("I7", "2026-00001")
    parts = urlsplit(call["url"])
    expires = int((NOW + timedelta(days=90)).timestamp())
    assert parts.path == f"/documents/{world.shop.tenant_id}/{document.id}"
    assert parts.query.startswith(f"expires={expires}&signature=")
    assert len(call["url"]) < 2048


async def test_a_request_before_the_release_waits_in_saleor_and_is_answered_then(world: World) -> None:
    row = await placed(world)
    assert await documents.answer_request(world.services, world.shop, row.saleor_order_id, "I7") == "waits"
    assert world.saleor.calls == []
    await invoiced(world, row)
    saleor_has(world, {"id": "I7", "number": None, "status": "PENDING"})
    await documents.offer_documents(world.services, world.shop, row.id)
    assert [call["id"] for call in world.saleor.named("InvoiceUpdate")] == ["I7"]
    assert world.saleor.named("InvoiceCreate") == [], "one invoice on the order is enough"


async def test_requests_for_other_orders_are_not_ours(world: World) -> None:
    assert await documents.answer_request(world.services, world.shop, "O404", "I7") == "not ours"
    assert world.saleor.calls == []


async def test_letters_that_no_font_has_are_told_to_staff_once(world: World) -> None:
    row = await placed(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        order_row = await lock_order(session, row.id)
        # Cuneiform: no system that runs this has a font for it by chance.
        order_row.bill_to = {**order_row.bill_to, "company": "\U00012000\U00012001 Ltd"}
    document = await invoiced(world, row)
    assert (await invoiced(world, row)).id == document.id
    (task,) = await rows(world, StaffTask)
    assert task.key == f"font:{document.id}"
    assert f"{document.number} has names" in " ".join(str(Reason.from_dict(reason)) for reason in task.reasons)
