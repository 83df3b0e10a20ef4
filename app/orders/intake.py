"""A new order, read back from Saleor: audited, and frozen with its prices, evidence, terms and debt in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.ledger.rules import due_date
from app.ledger.service import post_receivable, reseller_receivables
from app.licenses.rules import LicensePolicy, check_seats, policy_from
from app.money import Money
from app.orders.audit import Audit, Buyer, OrderFacts, OtherMoney, Promise, audit, reduced_without_discount
from app.orders.gateway import credit_policy, line_evidence, reference_for
from app.orders.quote import LineRequest, Program, QuoteRequest, for_resale, tax_moment
from app.orders.record import add_event, add_task
from app.orders.rules import Terms, standing
from app.orders.services import Services
from app.orders.session import PaidLine, Party
from app.orders.snapshot import load_buyer
from app.orders.tables import OrderLine, PaymentSession, ResellerOrder
from app.pricing.rules import Item
from app.reasons import Reason, because, register
from app.resellers.policy import in_force
from app.resellers.rules import ResellerStatus, email_key
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller, ResellerUser
from app.resellers.users import may_order_as
from app.saleor.answers import SaleorAddress, SaleorOrder, SaleorOrderLine
from app.saleor.shops import Shop
from app.tax.tables import CertificateRow

register(
    {
        "order_received": "The order came in; {total} is owed by {due}.",
        "order_held": "The order is held: it needs a decision of staff.",
    }
)

ZERO = Decimal(0)


async def record(session: AsyncSession, services: Services, shop: Shop, order: SaleorOrder) -> ResellerOrder | None:
    """Audit an order and keep it with all its evidence, once by its Saleor id; None when it is nothing of the program's.

    An order that fails the audit is kept too, without a debt, and raises a staff task with the reasons. Repeated, it returns the
    row as it was frozen.
    """
    # Its row in the table of resellers is locked until the end, so that two orders at once see each other's debt in the limits.
    reseller = await by_saleor_user(session, order.user.id) if order.user else None
    if reseller is not None:
        await session.scalar(select(Reseller.id).where(Reseller.id == reseller.id).with_for_update())
    kept = await session.scalar(select(ResellerOrder).where(ResellerOrder.saleor_order_id == order.id))
    if kept is not None:
        return kept
    promise = await _promise(session, order, shop)
    day = _day(order, shop)
    loaded = await load_buyer(session, shop.settings, order.user.id) if order.user and reseller else None
    snapshot = services.programs.get(shop.tenant_id)
    program = Program(
        resellers={order.user.id: loaded} if order.user and loaded else {},
        tax=snapshot.tax,
        reseller_only_channels=snapshot.reseller_only_channels,
    )
    buyer = None
    if order.user is not None and reseller is not None and loaded is not None:
        buyer = Buyer(
            reseller.id,
            loaded.location,
            frozenset(user.email for user in reseller.users) | {reseller.email},
            may_order_as(reseller, order.user.id, await in_force(session, shop.settings, day), day),
        )
    po_number = order.metadata.get("po_number", "").strip()[:100]
    po_taken = reseller is not None and await _po_taken(session, reseller.id, po_number)
    facts = order_facts(order, shop, day)
    found = audit(
        facts,
        buyer=buyer,
        promise=_promised(promise, order) if promise else None,
        program=program,
        other_reseller_emails=await _other_emails(session, buyer.reseller_id, facts) if buyer else frozenset(),
        po_taken=po_number if po_taken else "",
        refuse_vouchers=shop.settings.program.refuse_vouchers,
    )
    if not found.concerned:
        return None
    return await _freeze(session, services, shop, order, facts, found, reseller, promise, "" if po_taken else po_number, day)


def order_facts(order: SaleorOrder, shop: Shop, day: date) -> OrderFacts:
    """What the audit looks at, from Saleor's answer."""
    currency = order.total.currency
    with_tax = order.channel.tax_configuration.prices_entered_with_tax
    country = order.shipping_address or order.billing_address
    order_discount = sum((discount.total.amount for discount in order.discounts), ZERO)
    errors = []
    for line in order.lines:
        try:
            check_seats(_policy(line), line.quantity, line.product_sku or line.product_name)
        except InvalidInput as error:
            errors.append(error.sentence)
    return OrderFacts(
        user=order.user.id if order.user else None,
        user_email=order.user_email or "",
        total=Money.of(order.total.gross.amount, currency),
        shipping_gross=Money.of(order.shipping_price.gross.amount, currency),
        voucher=order.voucher_code or "",
        gift_cards=len(order.gift_cards),
        billing=_party(order.billing_address),
        shipping=_party(order.shipping_address),
        prices=QuoteRequest(
            channel=order.channel.slug,
            currency=currency,
            prices_entered_with_tax=with_tax,
            user=order.user.id if order.user else None,
            country=country.country.code if country else None,
            on=day,
            at=tax_moment(shop.settings, order.created),
            lines=tuple(_line(line, order.channel.slug, currency, with_tax) for line in order.lines),
            shipping=Money(0, currency),
            subtotal_discount=Money.rounded(order_discount, currency),
            shipping_discount=Money(0, currency),
        ),
        paid=tuple(_paid(line, currency) for line in order.lines),
        other_money=tuple(other_money(order, shop)),
        reduced=reduced_without_discount(
            [
                (
                    (line.undiscounted_unit_price.gross if with_tax else line.undiscounted_unit_price.net).amount,
                    (line.unit_price.gross if with_tax else line.unit_price.net).amount,
                    line.quantity,
                )
                for line in order.lines
            ],
            order_discount + sum((named.total.amount for line in order.lines for named in line.discounts or ()), ZERO),
            Money(1, currency).amount,
        ),
        policy_errors=tuple(errors),
    )


def other_money(order: SaleorOrder, shop: Shop) -> list[OtherMoney]:
    """Money on the order that did not come through our gateway: other apps', staff's own entries, payment plugins'."""
    currency = order.total.currency
    found = []
    for transaction in order.transactions:
        author = transaction.created_by
        held = transaction.charged_amount.amount + transaction.authorized_amount.amount + transaction.charge_pending_amount.amount
        if not held or (author is not None and author.typename == "App" and author.id == shop.app_id):
            continue
        kind = "app" if author is not None and author.typename == "App" else "staff"
        name = (author.identifier or author.id) if author is not None else transaction.name
        found.append(OtherMoney(kind, name or "", Money.of(held, currency), transaction.id if kind == "app" else None))
    for payment in order.payments:
        if payment.is_active and payment.captured_amount and payment.captured_amount.amount:
            found.append(OtherMoney("legacy", payment.gateway, Money.of(payment.captured_amount.amount, currency)))
    return found


async def _freeze(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    order: SaleorOrder,
    facts: OrderFacts,
    found: Audit,
    reseller: Reseller | None,
    promise: PaymentSession | None,
    po_number: str,
    day: date,
) -> ResellerOrder:
    now = services.clock()
    terms, reasons = await _terms(session, shop, reseller, promise, facts.total, day)
    due = promise.due_date if promise else due_date(day, shop.settings.program.payment_days)
    row = ResellerOrder(
        saleor_order_id=order.id,
        number=order.number,
        reseller_id=reseller.id if reseller else None,
        payment_session_id=promise.id if promise else None,
        channel=order.channel.slug,
        language="de" if order.language_code.lower().startswith("de") else "en",
        recipient=(reseller.email if reseller else facts.user_email)[:254],
        currency=facts.total.currency,
        net_minor=Money.of(order.total.net.amount, facts.total.currency).minor,
        total_minor=facts.total.minor,
        terms=terms.value,
        order_date=day,
        due_date=due,
        # Held or not: the buyer pays by the reference it was shown, and staff may accept the order later.
        reference=promise.reference
        if promise and reseller and promise.reseller_id == reseller.id
        else reference_for(shop.tenant_id, order.id),
        po_number=po_number,
        bill_to=address_data(order.billing_address),
        ship_to=address_data(order.shipping_address),
        end_customer_email=facts.shipping.email[:254] if facts.shipping else "",
        audit_passed=found.passed,
        audit=[reason.as_dict() for reason in found.reasons],
        created_at=now,
        lines=[],
    )
    session.add(row)
    await session.flush()
    evidence = {place: kept for place, (_, kept) in _matched(promise, order).items()} if promise else {}
    used = {quoted.tax.certificate_id for quoted in found.quote.lines} if found.quote else set()
    used |= {kept.get("certificate_id") for kept in evidence.values()}
    query = select(CertificateRow.id, CertificateRow.number).where(CertificateRow.id.in_([each for each in used if each]))
    numbers = {row.id: row.number for row in await session.execute(query)}
    for position, line in enumerate(order.lines):
        session.add(_frozen_line(row, position, line, found, facts, numbers, evidence.get(position)))
    await session.flush()
    await session.refresh(row, ["lines"])
    if reseller is not None and found.passed:
        await owe(session, row, services.clock())
    due_reason = because("order_received", total=facts.total, due=due)
    await add_event(session, row.id, "received", now, due_reason)
    for reason in reasons:
        await add_event(session, row.id, f"terms:{reason.code}", now, reason)
    if not found.passed:
        await add_event(session, row.id, "held", now, because("order_held"))
        await add_task(session, f"audit:{row.id}", row.id, found.reasons, now)
    return row


async def owe(session: AsyncSession, row: ResellerOrder, at: datetime) -> None:
    """Post the order's debt to the ledger, once. Raises InvalidInput where nobody of the program owes it."""
    if row.reseller_id is None:
        raise InvalidInput(f"Order {row.number} belongs to no reseller; it cannot be owed.", code="no_reseller")
    await post_receivable(
        session,
        reseller_id=row.reseller_id,
        order_id=row.id,
        order_number=row.number,
        amount=Money(row.total_minor, row.currency),
        reference=row.reference,
        order_date=row.order_date,
        due=row.due_date,
        at=at,
    )


async def _terms(
    session: AsyncSession, shop: Shop, reseller: Reseller | None, promise: PaymentSession | None, total: Money, day: date
) -> tuple[Terms, Sequence[Reason]]:
    """On account only when the session said so and it is still so: orders placed at once must not pass a limit together."""
    if reseller is None or promise is None or promise.terms != Terms.ON_ACCOUNT:
        kept = [Reason.from_dict(reason) for reason in promise.reasons] if promise else []
        return Terms.PREPAY, kept
    now = standing(await reseller_receivables(session, reseller.id), credit_policy(shop.settings.program, reseller), total, day)
    return now.terms, now.reasons


def _name(line: SaleorOrderLine) -> str:
    """The product with its variant; Saleor names a variant that nobody named by its SKU or its id, which say nothing."""
    unnamed = line.variant_name in ("", line.product_sku, line.product_variant_id)
    return line.product_name if unnamed else f"{line.product_name} ({line.variant_name})"


def _frozen_line(
    row: ResellerOrder,
    position: int,
    line: SaleorOrderLine,
    found: Audit,
    facts: OrderFacts,
    certificates: dict[str, str],
    evidence: Mapping[str, Any] | None,
) -> OrderLine:
    """A line with its evidence: what the session decided when the buyer was told the price, else what holds now."""
    quoted = found.quote.lines[position] if found.quote else None
    request = facts.prices.lines[position]
    try:
        policy: dict[str, Any] | None = _policy(line).as_dict()
    except InvalidInput:
        policy = None
    if evidence is None and quoted is not None and found.quote is not None:
        evidence = line_evidence(quoted, found.quote.price_list_id)
    reasons = evidence["reasons"] if evidence else []
    certificate = evidence["certificate_id"] if evidence else None
    unit = Money.rounded(facts.paid[position].net.amount / line.quantity, row.currency)
    return OrderLine(
        order_id=row.id,
        saleor_line_id=line.id,
        position=position,
        sku=line.product_sku or "",
        name=_name(line),
        quantity=line.quantity,
        retail_minor=request.retail or unit.minor,
        unit_minor=unit.minor,
        net_minor=facts.paid[position].net.minor,
        gross_minor=facts.paid[position].gross.minor,
        tax_rate=Decimal(evidence["tax_rate"]) if evidence else line.tax_rate * 100,
        certificate_id=certificate,
        certificate_number=certificates.get(certificate or "", ""),
        # Sessions kept before it was on them do not have it.
        price_list_id=evidence.get("price_list_id") if evidence else None,
        price_list_version=evidence["price_list_version"] if evidence else None,
        reasons=reasons,
        license_policy=policy,
    )


async def _promise(session: AsyncSession, order: SaleorOrder, shop: Shop) -> PaymentSession | None:
    """Our own session that stands behind the order: the latest of its transactions that still holds a promise."""
    ours = [
        transaction.id
        for transaction in order.transactions
        if transaction.created_by is not None and transaction.created_by.id == shop.app_id
    ]
    if not ours:
        return None
    rows = await session.scalars(
        select(PaymentSession).where(PaymentSession.transaction_id.in_(ours)).order_by(PaymentSession.created_at.desc())
    )
    return rows.first()


def _promised(row: PaymentSession, order: SaleorOrder) -> Promise:
    """The prices the session accepted, by the order line they belong to: same variant, same quantity."""
    return Promise(row.saleor_user_id, {place: paid for place, (paid, _) in _matched(row, order).items()})


def _matched(row: PaymentSession, order: SaleorOrder) -> dict[int, tuple[PaidLine, Mapping[str, Any]]]:
    left = list(row.lines)
    matched: dict[int, tuple[PaidLine, Mapping[str, Any]]] = {}
    for place, line in enumerate(order.lines):
        for kept in left:
            if kept["variant"] == line.product_variant_id and kept["quantity"] == line.quantity:
                matched[place] = PaidLine(Money(kept["net"], row.currency), Money(kept["gross"], row.currency)), kept
                left.remove(kept)
                break
    return matched


async def _other_emails(session: AsyncSession, reseller_id: str, facts: OrderFacts) -> frozenset[str]:
    shipping = facts.shipping
    return await other_resellers_emails(session, reseller_id, shipping.email) if shipping and shipping.email else frozenset()


async def other_resellers_emails(session: AsyncSession, reseller_id: str | None, email: str) -> frozenset[str]:
    """Keys of the e-mails of other active resellers' users that may be the same person as `email` (edge case 21)."""
    local, _, domain = email_key(email).rpartition("@")
    rows = await session.execute(
        select(ResellerUser.email)
        .join(Reseller, Reseller.id == ResellerUser.reseller_id)
        .where(
            Reseller.status == ResellerStatus.APPROVED,
            Reseller.id != reseller_id,
            ResellerUser.email.startswith(local, autoescape=True),
            ResellerUser.email.endswith(f"@{domain}", autoescape=True),
        )
    )
    return frozenset(email_key(email) for (email,) in rows)


async def _po_taken(session: AsyncSession, reseller_id: str, number: str) -> bool:
    if not number:
        return False
    query = select(ResellerOrder.id).where(ResellerOrder.reseller_id == reseller_id, ResellerOrder.po_number == number)
    return await session.scalar(query) is not None


def _line(line: SaleorOrderLine, channel: str, currency: str, with_tax: bool) -> LineRequest:
    variant = line.variant
    listings = variant.channel_listings or () if variant else ()
    listed = next((entry.price for entry in listings if entry.channel.slug == channel), None)
    product = variant.product if variant else None
    tax_class = (product.tax_class or product.product_type.tax_class) if product else None
    undiscounted = line.undiscounted_unit_price.gross if with_tax else line.undiscounted_unit_price.net
    retail = Money.of(listed.amount, currency) if listed else Money.rounded(undiscounted.amount, currency)
    return LineRequest(
        item=Item(
            variant.id if variant else line.product_variant_id or "",
            product.id if product else "",
            product.category.id if product and product.category else None,
            tuple(collection.id for collection in product.collections or ()) if product else (),
        ),
        name=line.product_name,
        quantity=line.quantity,
        base=0 if line.is_gift else retail.minor * line.quantity,
        retail=retail.minor,
        tax_class=tax_class.id if tax_class else None,
        for_resale=for_resale(line.not_for_resale),
    )


def _paid(line: SaleorOrderLine, currency: str) -> PaidLine:
    return PaidLine(Money.rounded(line.total_price.net.amount, currency), Money.rounded(line.total_price.gross.amount, currency))


def _policy(line: SaleorOrderLine) -> LicensePolicy:
    variant = line.variant
    name = line.product_sku or line.product_name
    return policy_from(variant.product.metadata, variant.metadata, name) if variant else policy_from({}, {}, name)


def _party(address: SaleorAddress | None) -> Party | None:
    if address is None:
        return None
    name = address.company_name.strip() or f"{address.first_name} {address.last_name}".strip()
    return Party(address.country.code, address.country_area, address.metadata.get("email", "").strip(), name)


def _day(order: SaleorOrder, shop: Shop) -> date:
    return order.created.astimezone(ZoneInfo(shop.settings.time_zone)).date()


def address_data(address: SaleorAddress | None) -> dict[str, Any]:
    """An address as it is frozen on the order; empty without one."""
    if address is None:
        return {}
    return {
        "company": address.company_name,
        "name": f"{address.first_name} {address.last_name}".strip(),
        "street": address.street_address_1,
        "street2": address.street_address_2,
        "city": address.city,
        "postal_code": address.postal_code,
        "state": address.country_area,
        "country": address.country.code,
    }
