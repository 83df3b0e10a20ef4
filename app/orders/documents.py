"""The documents of an order: proforma, invoice, credit notes; what they say, and where Saleor finds them (`rules.md` 8.1).

Each is issued once by its key and never changed: an invoice is corrected by credit notes only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.bank_details import instructions
from app.documents.credit import Part, credit_parts
from app.documents.einvoice import is_reverse_charge, obstacles
from app.documents.invoice import render_invoice
from app.documents.links import signed_url
from app.documents.logo import decoded
from app.documents.schemas import Address, Corrected, DocumentKind, InvoiceData, InvoiceLine, Language, Look, TaxSum
from app.documents.service import credit_notes, issue_document, of_order
from app.documents.tables import Document
from app.documents.typesetting import is_archival
from app.documents.words import WORDS
from app.ledger.service import receivable, receivable_id
from app.mail.schemas import Attachment, CreditNoteContext, MailKind
from app.money import Money
from app.orders.attend import read_order
from app.orders.gateway import bank_account
from app.orders.mails import queue_mail
from app.orders.record import add_event, add_task
from app.orders.rules import Terms
from app.orders.service import lock_order
from app.orders.services import Services
from app.orders.tables import OrderLine, ResellerOrder
from app.reasons import because, register
from app.resellers.tables import Reseller
from app.saleor import operations as ops
from app.saleor.shops import Shop

register(
    {
        "invoice_issued": "Invoice {number} was issued.",
        "proforma_issued": "Proforma {number} was issued.",
        "credit_note_issued": "Credit note {number} of {amount} was issued for invoice {invoice}.",
        "no_e_invoice": "The invoice went out without its XML of EN 16931: {why}",
        "missing_font": "{number} has names in letters that no font of this machine has; they are printed as boxes. Install one "
        "(Debian: fonts-noto-cjk for Chinese, Japanese and Korean) wherever the app runs, before the next document.",
        "invoice_requested": "Saleor was asked for the invoice; it follows with the release.",
    }
)

CANCELED, REFUNDED = "canceled", "refunded"


async def issue_invoice(session: AsyncSession, services: Services, shop: Shop, order_id: str) -> Document:
    """The order's invoice, numbered and rendered once (`rules.md` 8.1)."""
    order = await lock_order(session, order_id)
    data = await invoice_data(session, services, shop, order)
    document = await _issue(session, services, shop, order, data)
    await add_event(session, order_id, "invoice", services.clock(), because("invoice_issued", number=document.number))
    return document


async def issue_proforma(session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder) -> Document | None:
    """What a prepaid order's wire is asked for with, once; None on account or where nothing is to be paid."""
    if order.terms == Terms.ON_ACCOUNT or order.total_minor <= 0:
        return None
    data = await invoice_data(session, services, shop, order)
    document = await _issue(session, services, shop, order, replace(data, kind=DocumentKind.PROFORMA, structured=False))
    await add_event(session, order.id, "proforma", services.clock(), because("proforma_issued", number=document.number))
    return document


async def issue_credit_note(
    session: AsyncSession, services: Services, shop: Shop, order_id: str, *, occasion: str, why: str, amount_minor: int | None
) -> Document | None:
    """Correct the order's invoice by `amount_minor`, or by all that is left of it, and mail it; once by the occasion.

    `why` is `canceled` or `refunded`. None where no invoice was issued or nothing of it is left.
    """
    order = await lock_order(session, order_id)
    invoice = await of_order(session, DocumentKind.INVOICE, order_id)
    if invoice is None:
        return None
    earlier = await credit_notes(session, order_id)
    document = next((note for note in earlier if note.occasion == occasion), None)
    if document is None:
        left = order.total_minor - sum(note.amount_minor for note in earlier)
        amount = left if amount_minor is None else min(amount_minor, left)
        if amount <= 0:
            return None
        parts = credit_parts(
            [Part(line.net_minor, line.gross_minor) for line in order.lines], [note.amount_minor for note in earlier], amount
        )
        data = await _credit_data(session, services, shop, order, invoice, parts, why)
        document = await _issue(session, services, shop, order, data, occasion=occasion, corrects=invoice)
    credited = Money(document.amount_minor, order.currency)
    reason = because("credit_note_issued", number=document.number, amount=credited, invoice=invoice.number)
    await add_event(session, order_id, f"credit_note:{occasion}", services.clock(), reason)
    await queue_mail(
        session,
        services,
        shop,
        order,
        kind=MailKind.CREDIT_NOTE,
        key=occasion,
        context=CreditNoteContext(
            seller=shop.settings.seller,
            name=reseller_name(order),
            order_number=order.number,
            number=document.number,
            invoice_number=invoice.number,
            amount=credited,
            canceled=why == CANCELED,
            po_number=order.po_number,
        ),
        attachments=(Attachment(document.file_name, document.media_type, document.content),),
    )
    return document


async def offer_documents(services: Services, shop: Shop, order_id: str) -> None:
    """Put invoice and credit notes on the order in Saleor, where the reseller finds them; once by their numbers.

    Requests for the invoice that wait in Saleor are answered with it first (saleor-facts 9).
    """
    async with services.database.tenant(shop.tenant_id) as session:
        order = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        invoice = await of_order(session, DocumentKind.INVOICE, order_id)
        notes = await credit_notes(session, order_id)
    if invoice is None:
        return
    found = await read_order(services, shop, order.saleor_order_id)
    if found is None:
        return
    client = await services.shops.client(shop)
    known = {one.number for one in found.invoices}
    for waiting in found.invoices:
        if waiting.status == "PENDING":
            url = link(services, shop, invoice)
            await client.execute(ops.INVOICE_UPDATE, id=waiting.id, number=invoice.number, url=url)
            known.add(invoice.number)
    for document in (invoice, *notes):
        if document.number not in known:
            url = link(services, shop, document)
            await client.execute(ops.INVOICE_CREATE, orderId=order.saleor_order_id, number=document.number, url=url)


async def answer_request(services: Services, shop: Shop, saleor_order_id: str, invoice_id: str) -> str:
    """Answer Saleor's request for an order's invoice with a fresh link; the answer says what it came to.

    Before the release there is none: the request waits in Saleor, and `offer_documents` answers it then.
    """
    async with services.database.tenant(shop.tenant_id) as session:
        order = await session.scalar(select(ResellerOrder).where(ResellerOrder.saleor_order_id == saleor_order_id))
        if order is None:
            return "not ours"
        invoice = await of_order(session, DocumentKind.INVOICE, order.id)
        if invoice is None:
            await add_event(session, order.id, f"requested:{invoice_id}", services.clock(), because("invoice_requested"))
            return "waits"
    client = await services.shops.client(shop)
    await client.execute(ops.INVOICE_UPDATE, id=invoice_id, number=invoice.number, url=link(services, shop, invoice))
    return "answered"


def link(services: Services, shop: Shop, document: Document) -> str:
    """A signed address under which the document is read, for as many days as the shop sets."""
    days = shop.settings.documents.link_days
    settings = services.settings
    return signed_url(settings.base_url, settings.secret_keys, shop.tenant_id, document.id, services.clock(), days)


async def invoice_data(session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder) -> InvoiceData:
    """What the invoice says: the order as it was frozen, and what was paid up to now."""
    currency = order.currency
    total = Money(order.total_minor, currency)
    debt_id = await receivable_id(session, order.id)
    debt = await receivable(session, debt_id) if debt_id else None
    open_amount = Money(max(0, debt.open_minor), currency) if debt else Money(0, currency)
    account = bank_account(shop.settings, order.channel, currency)
    reseller = await session.get(Reseller, order.reseller_id) if order.reseller_id else None
    bill_to = _address(order.bill_to, tax_number=reseller.tax_number if reseller else "")
    wanted = shop.settings.documents
    reverse = is_reverse_charge(shop.settings.seller.country, bill_to)
    return InvoiceData(
        kind=DocumentKind.INVOICE,
        language=language_of(order),
        issued_on=services.today(shop),
        seller=shop.settings.seller,
        bill_to=bill_to,
        ship_to=_address(order.ship_to, email=order.end_customer_email),
        order_number=order.number,
        order_date=order.order_date,
        due_date=order.due_date,
        terms=terms_of(order),
        lines=tuple(
            InvoiceLine(
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                retail_unit=Money(line.retail_minor, currency),
                net_unit=Money(line.unit_minor, currency),
                net_total=Money(line.net_minor, currency),
                tax_rate=line.tax_rate,
                certificate_number=line.certificate_number,
            )
            for line in order.lines
        ),
        net=Money(order.net_minor, currency),
        taxes=_tax_sums([(line, Part(line.net_minor, line.gross_minor)) for line in order.lines], currency),
        gross=total,
        po_number=order.po_number,
        instructions=instructions(account, open_amount, order.reference, order.due_date) if account and open_amount else None,
        paid_on=debt.paid_on if debt else None,
        paid=Money(debt.paid_minor, currency) if debt and debt.paid_minor else None,
        reverse_charge=wanted.reverse_charge.of(order.language) if reverse else "",
        look=Look(decoded(wanted.logo), wanted.accent_color, wanted.footer.of(order.language)),
        structured=wanted.e_invoice,
    )


def language_of(order: ResellerOrder) -> Language:
    """The language of the order's documents and mails."""
    return "de" if order.language == "de" else "en"


def terms_of(order: ResellerOrder) -> Literal["prepay", "on_account"]:
    """The order's terms in the words of documents and mails."""
    return "on_account" if order.terms == Terms.ON_ACCOUNT else "prepay"


def reseller_name(order: ResellerOrder) -> str:
    """How mails greet the reseller."""
    return str(order.bill_to.get("name") or order.bill_to.get("company") or order.recipient)


async def _issue(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    order: ResellerOrder,
    data: InvoiceData,
    *,
    occasion: str = "",
    corrects: Document | None = None,
) -> Document:
    """The stored document. Staff are told where its XML is left out since the norm cannot say it, and where letters are boxes."""
    key = f"e_invoice:{data.kind}:{occasion}:{order.id}"
    if data.structured and (problems := obstacles(data)):
        data = replace(data, structured=False)
        await add_task(session, key, order.id, [because("no_e_invoice", why=" ".join(problems))], services.clock())
    document = await issue_document(
        session,
        kind=data.kind,
        order_id=order.id,
        data_without_number=data,
        render=render_invoice,
        at=services.clock(),
        occasion=occasion,
        corrects=corrects,
    )
    if not is_archival(document.content):
        boxes = because("missing_font", number=document.number)
        await add_task(session, f"font:{document.id}", order.id, [boxes], services.clock())
    return document


async def _credit_data(
    session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder, invoice: Document, parts: list[Part], why: str
) -> InvoiceData:
    """The invoice's words with the credited amounts: its own lines where all of it is taken back, else what of each line is."""
    data = await invoice_data(session, services, shop, order)
    currency = order.currency
    whole = all(part == Part(line.net_minor, line.gross_minor) for line, part in zip(order.lines, parts, strict=True))
    touched = [(line, part) for line, part in zip(order.lines, parts, strict=True) if part.gross]
    lines = data.lines
    if not whole:
        lines = tuple(
            replace(shown, quantity=1, retail_unit=money, net_unit=money, net_total=money)
            for shown, part in zip(data.lines, parts, strict=True)
            if part.gross
            for money in (Money(part.net, currency),)
        )
    words = WORDS[data.language]
    reason = words[why] if whole else f"{words[why]} {words['partial_credit'].format(number=order.number)}."
    return replace(
        data,
        kind=DocumentKind.CREDIT_NOTE,
        lines=lines,
        net=Money(sum(part.net for part in parts), currency),
        gross=Money(sum(part.gross for part in parts), currency),
        taxes=_tax_sums(list(zip(order.lines, parts, strict=True)) if whole else touched, currency),
        instructions=None,
        paid=None,
        paid_on=None,
        corrects=Corrected(invoice.number, _day(invoice, shop)),
        correction_reason=reason,
    )


def _day(document: Document, shop: Shop) -> date:
    return document.issued_at.astimezone(ZoneInfo(shop.settings.time_zone)).date()


def _tax_sums(lines: list[tuple[OrderLine, Part]], currency: str) -> tuple[TaxSum, ...]:
    sums: dict[Any, list[int]] = {}
    for line, part in lines:
        pair = sums.setdefault(line.tax_rate, [0, 0])
        pair[0] += part.net
        pair[1] += part.gross - part.net
    return tuple(TaxSum(rate, Money(net, currency), Money(tax, currency)) for rate, (net, tax) in sorted(sums.items()))


def _address(data: dict[str, Any], *, email: str = "", tax_number: str = "") -> Address:
    return Address(
        company=data.get("company", ""),
        name=data.get("name", ""),
        street=data.get("street", ""),
        street_2=data.get("street2", ""),
        postal_code=data.get("postal_code", ""),
        city=data.get("city", ""),
        state=data.get("state", ""),
        country=data.get("country", ""),
        email=email,
        tax_number=tax_number,
    )
