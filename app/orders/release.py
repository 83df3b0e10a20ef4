"""What goes out at the release: licenses, the two mails with the invoice, the fulfillment in Saleor (`rules.md` 8).

Each part can be repeated: licenses, documents and mails are made once by their keys, and Saleor is looked at before it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.bank_details import instructions
from app.documents.schemas import DocumentKind
from app.documents.service import of_order as document_of
from app.errors import Refused
from app.ledger.service import receivable, receivable_id, reseller_receivables
from app.licenses.activation import STEPS
from app.licenses.rules import Licensee, LicenseKind, LicensePolicy
from app.licenses.service import issue, license_file_name, of_order
from app.licenses.tables import License
from app.mail.schemas import Attachment, LicenseContext, MailKind, MailLine, OrderContext, Payment
from app.money import Money
from app.orders.attend import read_order, warehouse_id
from app.orders.documents import issue_proforma, language_of, reseller_name, terms_of
from app.orders.gateway import bank_account, credit_policy
from app.orders.mails import queue_mail
from app.orders.record import add_event, add_task, finish_task
from app.orders.service import lock_order, pending_reports
from app.orders.services import Services
from app.orders.tables import OrderLine, ResellerOrder
from app.reasons import Reason, because, register
from app.resellers.tables import Reseller
from app.saleor import operations as ops
from app.saleor.client import SaleorRefused
from app.saleor.shops import Shop

register(
    {
        "license_issued": "The license for {sku} was issued.",
        "mails_queued": "Order details and license are on their way to {recipient}.",
        "fulfilled": "Fulfilled in Saleor.",
        "fulfillment_waits": "Saleor fulfills paid orders only; the fulfillment follows the money.",
        "fulfillment_unpaid": "The order is paid here, and Saleor does not know it: it has no transaction of the program "
        "to be told by, or did not take the report. Enter the money there as a manual transaction, then fulfill the order there.",
        "fulfillment_refused": "Saleor refused the fulfillment: {why}. Fulfill the order there by hand.",
        "no_warehouse": "Saleor has no warehouse to fulfill from; make one and fulfill the order by hand.",
        "released": "Released.",
    }
)

UNPAID = "CANNOT_FULFILL_UNPAID_ORDER"


async def issue_licenses(session: AsyncSession, services: Services, shop: Shop, order_id: str) -> list[License]:
    """One permanent license per order line (`rules.md` 5.8)."""
    order = await lock_order(session, order_id)
    issued = []
    for line in order.lines:
        if line.license_policy is None:
            continue
        issued.append(await issue_for_line(session, services, shop, order, line, LicenseKind.PERMANENT))
        key = f"license:{line.id}"
        await add_event(session, order_id, key, services.clock(), because("license_issued", sku=line.sku))
    return issued


async def issue_for_line(
    session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder, line: OrderLine, kind: LicenseKind
) -> License:
    """The license of one line, made out to the end customer. Raises Refused where the product says nothing about it."""
    if line.license_policy is None:
        raise Refused(f"{line.sku} has no license policy.", code="no_license_policy")
    return await issue(
        session,
        services.box,
        order_id=order.id,
        order_number=order.number,
        order_line_id=line.id,
        kind=kind,
        quantity=line.quantity,
        policy=LicensePolicy.from_dict(line.license_policy),
        licensee=Licensee(order.ship_to.get("company", ""), order.ship_to.get("name", ""), order.end_customer_email),
        sku=line.sku,
        end_customer_id=order.end_customer_id,
        at=services.clock(),
        temporary_days=shop.settings.program.temporary_license_days,
    )


async def queue_order_received(session: AsyncSession, services: Services, shop: Shop, order_id: str) -> None:
    """The mail that confirms the order with its payment instructions and terms, once; a prepaid one with its proforma."""
    order = await lock_order(session, order_id)
    context = await _order_context(session, services, shop, order, Money(order.total_minor, order.currency))
    proforma = await issue_proforma(session, services, shop, order)
    attachments = (Attachment(proforma.file_name, proforma.media_type, proforma.content),) if proforma else ()
    await queue_mail(session, services, shop, order, kind=MailKind.ORDER_RECEIVED, context=context, attachments=attachments)


async def queue_release_mails(session: AsyncSession, services: Services, shop: Shop, order_id: str) -> None:
    """The two mails of the release to the reseller: order details with the invoice, and the license (`rules.md` 8.1)."""
    order = await lock_order(session, order_id)
    invoice = await document_of(session, DocumentKind.INVOICE, order_id)
    assert invoice is not None, "the invoice is issued one step before"
    debt = await receivable_id(session, order.id)
    open_minor = (await receivable(session, debt)).open_minor if debt else 0
    context = await _order_context(session, services, shop, order, Money(max(0, open_minor), order.currency))
    attachments = (Attachment(invoice.file_name, invoice.media_type, invoice.content),)
    await queue_mail(session, services, shop, order, kind=MailKind.ORDER_DETAILS, context=context, attachments=attachments)
    licenses = [row for row in await of_order(session, order_id) if row.kind == LicenseKind.PERMANENT]
    await queue_license_mail(session, services, shop, order, licenses)
    reason = because("mails_queued", recipient=order.recipient)
    await add_event(session, order_id, "mails", services.clock(), reason)


async def queue_license_mail(
    session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder, licenses: Sequence[License]
) -> None:
    """The mail with the license files, once per order and kind of license; it names no amount (`rules.md` 9)."""
    if not licenses:
        return
    kind = licenses[0].kind
    until = licenses[0].expires_at if kind == LicenseKind.TEMPORARY else None
    context = LicenseContext(
        seller=shop.settings.seller,
        name=reseller_name(order),
        order_number=order.number,
        end_customer=customer_name(order),
        lines=_mail_lines(order),
        steps=STEPS[language_of(order)],
        po_number=order.po_number,
        temporary_until=until.date() if until else None,
    )
    attachments = tuple(Attachment(license_file_name(row), "text/plain", row.file.encode()) for row in licenses)
    await queue_mail(session, services, shop, order, kind=MailKind.LICENSE, key=kind, context=context, attachments=attachments)


async def fulfill(services: Services, shop: Shop, order_id: str) -> None:
    """Fulfill in Saleor what the release delivered and is not fulfilled there yet.

    On account Saleor may refuse until the money came (saleor-facts 0.5); then this is asked again when it does.
    """
    async with services.database.tenant(shop.tenant_id) as session:
        order = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
    if order.release_decided_at is None or order.fulfilled_at is not None or order.canceled_at is not None:
        return
    found = await read_order(services, shop, order.saleor_order_id)
    if found is None:
        return
    left = [line for line in found.lines if line.quantity_to_fulfill > 0]
    why: Reason | None = None
    if left:
        client = await services.shops.client(shop)
        warehouse = await warehouse_id(client, order.channel)
        if warehouse is None:
            why = because("no_warehouse")
        else:
            lines = [
                {"orderLineId": line.id, "stocks": [{"quantity": line.quantity_to_fulfill, "warehouse": warehouse}]}
                for line in left
            ]
            try:
                await client.execute(ops.ORDER_FULFILL, order=order.saleor_order_id, lines=lines)
            except SaleorRefused as refused:
                if any(error.code == UNPAID for error in refused.errors):
                    why = because("fulfillment_waits" if await _open(services, shop, order_id) else "fulfillment_unpaid")
                else:
                    why = because("fulfillment_refused", why=refused.sentence)
    async with services.database.tenant(shop.tenant_id) as session:
        row = await lock_order(session, order_id)
        now = services.clock()
        if why is None:
            row.fulfilled_at = row.fulfilled_at or now
            await add_event(session, order_id, "fulfilled", now, because("fulfilled"))
            await finish_task(session, f"fulfill:{order_id}", now)
            return
        await add_event(session, order_id, why.code, now, why)
        if why.code != "fulfillment_waits":
            await add_task(session, f"fulfill:{order_id}", order_id, [why], now)


async def _open(services: Services, shop: Shop, order_id: str) -> bool:
    """Whether money of the order is still on its way, to our ledger or from it to Saleor."""
    async with services.database.tenant_reading(shop.tenant_id) as session:
        debt = await receivable_id(session, order_id)
        owed = debt is not None and (await receivable(session, debt)).open_minor > 0
        return owed or bool(await pending_reports(session, order_id))


async def finish(session: AsyncSession, services: Services, order_id: str) -> None:
    """The release is through."""
    order = await lock_order(session, order_id)
    if order.released_at is None:
        order.released_at = services.clock()
        await add_event(session, order_id, "released", order.released_at, because("released"))


async def _order_context(
    session: AsyncSession, services: Services, shop: Shop, order: ResellerOrder, to_pay: Money
) -> OrderContext:
    reseller = (await session.scalars(select(Reseller).where(Reseller.id == order.reseller_id))).one()
    policy = credit_policy(shop.settings.program, reseller)
    debts = await reseller_receivables(session, reseller.id)
    account = bank_account(shop.settings, order.channel, order.currency)
    payment = None
    if account is not None and to_pay.minor > 0:
        shown = instructions(account, to_pay, order.reference, order.due_date)
        payment = Payment(
            amount=shown.amount,
            reference=shown.reference,
            due=shown.due,
            beneficiary=account.beneficiary,
            iban=account.iban,
            bic=account.bic,
            routing_number=account.routing_number,
            account_number=account.account_number,
            bank_name=account.bank_name,
            qr_svg=shown.qr_svg,
        )
    return OrderContext(
        seller=shop.settings.seller,
        name=reseller_name(order),
        order_number=order.number,
        end_customer=customer_name(order),
        lines=_mail_lines(order),
        total=Money(order.total_minor, order.currency),
        terms=terms_of(order),
        prepaid_done=min(sum(debt.fully_paid for debt in debts), policy.prepaid_orders),
        prepaid_needed=policy.prepaid_orders,
        po_number=order.po_number,
        payment=payment,
    )


def customer_name(order: ResellerOrder) -> str:
    """The end customer as mails name it."""
    return str(order.ship_to.get("company") or order.ship_to.get("name") or order.end_customer_email)


def _mail_lines(order: ResellerOrder) -> tuple[MailLine, ...]:
    return tuple(MailLine(line.sku, line.name, line.quantity) for line in order.lines)
