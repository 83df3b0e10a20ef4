"""The bank-transfer gateway: from Saleor's payment session to its answer (`rules.md` 4, saleor-facts 0.3 and 5).

A session is decided once per Saleor transaction and the answer kept, so that a repeated one gets the same answer. It reads the
database itself: a suspension bites at once, whatever the program in memory still says.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.bank_details import BankAccount, Instructions, creditor_reference, instructions
from app.ledger.rules import due_date
from app.ledger.service import reseller_receivables
from app.money import Money
from app.orders.quote import LineQuote, LineRequest, Program, Quote, QuoteRequest, for_resale, quote, tax_moment
from app.orders.rules import CreditPolicy, Standing, Terms, standing
from app.orders.services import Services
from app.orders.session import Known, PaidLine, Party, SessionRequest, check
from app.orders.snapshot import load_buyer
from app.orders.tables import PaymentSession, ResellerOrder
from app.pricing.rules import Item
from app.reasons import Reason, because, register, sentence
from app.resellers.policy import in_force
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller
from app.resellers.users import may_order_as
from app.saleor.payment_payload import Address, Checkout, CheckoutLine, GatewayInitialize, Order, Principal, Session
from app.saleor.shops import Shop
from app.settings import ProgramNumbers, ShopSettings

register(
    {
        "order_session": "Order {number} has its bank-transfer instructions already; pay by them.",
        "not_our_order": "This order is not one of the reseller program.",
    }
)

MAX_MESSAGE = 512
REFERENCE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no O, 0, I and 1: people type references


@dataclass(frozen=True, slots=True)
class Decided:
    """The terms of a checkout that may be paid, before they are kept."""

    reseller: Reseller
    standing: Standing
    reference: str
    instructions: Instructions | None
    quote: Quote


async def initialize_gateway(services: Services, shop: Shop, payload: GatewayInitialize) -> dict[str, Any]:
    """What a storefront may offer the buyer: whether bank transfer is available, and on which terms or why not."""
    source = payload.source_object
    if isinstance(source, Order):
        return {"data": {"available": False, "reasons": _shown([because("order_session", number=source.number)])}}
    async with services.database.tenant(shop.tenant_id) as session:
        reasons, decided = await _decide(
            session,
            services,
            shop,
            source,
            payload.issuing_principal,
            Money.of(source.total_price.gross.amount, source.total_price.currency),
        )
    if decided is None:
        return {"data": {"available": False, "reasons": _shown(reasons)}}
    stand = decided.standing
    return {"data": {"available": True, "terms": stand.terms.value, "reasons": _shown(stand.reasons)}}


async def answer_session(services: Services, shop: Shop, payload: Session) -> dict[str, Any]:
    """The answer to TRANSACTION_INITIALIZE_SESSION and TRANSACTION_PROCESS_SESSION, once per transaction."""
    source = payload.source_object
    amount = Money.of(payload.action.amount, payload.action.currency)
    async with services.database.tenant(shop.tenant_id) as session:
        kept = await session.scalar(select(PaymentSession).where(PaymentSession.transaction_id == payload.transaction.id))
        if kept is not None and _same(kept, payload, amount, shop):
            return dict(kept.answer)
        if isinstance(source, Order):
            return await _order_session(session, payload.issuing_principal, source)
        reasons, decided = await _decide(session, services, shop, source, payload.issuing_principal, amount)
        if decided is None:
            return _refusal(reasons)
        try:
            async with session.begin_nested():
                row = _session_row(services, shop, payload, source, amount, decided)
                session.add(row)
        except IntegrityError:
            # Another delivery of the same session was first; its answer is the answer.
            row = (
                await session.scalars(select(PaymentSession).where(PaymentSession.transaction_id == payload.transaction.id))
            ).one()
        return dict(row.answer)


def _same(kept: PaymentSession, payload: Session, amount: Money, shop: Shop) -> bool:
    """Whether this is the kept session again: same object, same amount, asked by its own buyer or by our app."""
    principal = payload.issuing_principal
    caller = principal.id if principal else None
    return (
        kept.amount_minor == amount.minor
        and kept.source_id == payload.source_object.id
        and caller in (kept.saleor_user_id, shop.app_id)
    )


def bank_account(settings: ShopSettings, channel: str, currency: str) -> BankAccount | None:
    """The account for a channel's currency: the channel's own before the one for every channel; None without one."""
    fitting = [account for account in settings.bank_accounts if account.currency == currency and account.channel in ("", channel)]
    if not fitting:
        return None
    chosen = max(fitting, key=lambda account: account.channel)
    return BankAccount.of(**chosen.model_dump(exclude={"channel"}))


def credit_policy(numbers: ProgramNumbers, reseller: Reseller) -> CreditPolicy:
    """The shop's numbers with the reseller's own over them (`rules.md` 5)."""
    currency = reseller.limit_currency

    def limit(minor: int | None) -> Money | None:
        return Money(minor, currency) if minor is not None and currency else None

    return CreditPolicy(
        prepaid_orders=numbers.prepaid_orders if reseller.prepaid_orders is None else reseller.prepaid_orders,
        payment_days=numbers.payment_days,
        on_account=numbers.on_account,
        credit_limit=limit(reseller.credit_limit_minor),
        order_limit=limit(reseller.order_limit_minor),
    )


def reference_for(tenant_id: str, subject: str) -> str:
    """The creditor reference of one checkout or order: the same subject gives the same one (`rules.md` 4.2)."""
    number = int.from_bytes(hashlib.sha256(f"{tenant_id}/{subject}".encode()).digest()[:8], "big")
    letters = []
    for _ in range(11):
        number, digit = divmod(number, len(REFERENCE_ALPHABET))
        letters.append(REFERENCE_ALPHABET[digit])
    return creditor_reference("".join(letters))


def party(address: Address | None) -> Party | None:
    """The address as the rules look at it."""
    if address is None:
        return None
    name = address.company_name.strip() or f"{address.first_name} {address.last_name}".strip()
    return Party(address.country.code, address.country_area, address.meta("email"), name)


async def _decide(
    session: AsyncSession, services: Services, shop: Shop, source: Checkout, principal: Principal | None, amount: Money
) -> tuple[tuple[Reason, ...], Decided | None]:
    today = services.today(shop)
    numbers = shop.settings.program
    user = source.user.id if source.user else None
    reseller = await by_saleor_user(session, user) if user else None
    buyer = await load_buyer(session, shop.settings, user) if user and reseller else None
    kept = services.programs.get(shop.tenant_id)
    program = Program(
        resellers={user: buyer} if user and buyer else {}, tax=kept.tax, reseller_only_channels=kept.reseller_only_channels
    )
    request = _request(source, principal, amount, shop, today, services.clock())
    account = bank_account(shop.settings, source.channel.slug, request.total.currency)
    known = Known(
        location=buyer.location if buyer else None,
        may_order=may_order_as(reseller, user, await in_force(session, shop.settings, today), today) if reseller and user else (),
        po_number_used=reseller is not None and await _po_number_used(session, reseller.id, request.po_number),
        has_bank_account=account is not None,
        refuse_vouchers=numbers.refuse_vouchers,
    )
    reasons = check(request, known, program)
    if reasons or reseller is None:
        return reasons, None
    policy = credit_policy(numbers, reseller)
    stand = standing(await reseller_receivables(session, reseller.id), policy, request.total, today)
    reference = reference_for(shop.tenant_id, source.id)
    due = due_date(today, policy.payment_days)
    shown = instructions(account, request.total, reference, due) if account and request.total.minor > 0 else None
    return (), Decided(reseller, stand, reference, shown, quote(request.prices, program))


def line_evidence(quoted: LineQuote, price_list_id: str) -> dict[str, Any]:
    """Why a line has its price and tax, as it is kept: with the session, and frozen on the order (`rules.md` 2.4, 10.2)."""
    reasons = [*quoted.reasons, *(quoted.price.reasons if quoted.price else ()), *quoted.tax.reasons]
    return {
        "tax_rate": str(quoted.tax.rate),
        "certificate_id": quoted.tax.certificate_id,
        "price_list_id": (price_list_id or None) if quoted.price else None,
        "price_list_version": quoted.price.version if quoted.price else None,
        "reasons": [reason.as_dict() for reason in dict.fromkeys(reasons)],
    }


def _request(
    source: Checkout, principal: Principal | None, amount: Money, shop: Shop, today: date, now: datetime
) -> SessionRequest:
    currency = source.total_price.currency
    with_tax = source.channel.tax_configuration.prices_entered_with_tax
    zero = Money(0, currency)
    country = source.shipping_address or source.billing_address
    return SessionRequest(
        caller=principal.id if principal and principal.typename == "User" else None,
        trusted=principal is not None and principal.typename == "App" and principal.id == shop.app_id,
        amount=amount,
        total=Money.of(source.total_price.gross.amount, currency),
        shipping_gross=Money.of(source.shipping_price.gross.amount, currency),
        voucher=source.voucher_code or "",
        billing=party(source.billing_address),
        shipping=party(source.shipping_address),
        po_number=source.meta("po_number"),
        prices=QuoteRequest(
            channel=source.channel.slug,
            currency=currency,
            prices_entered_with_tax=with_tax,
            user=source.user.id if source.user else None,
            country=country.country.code if country else None,
            on=today,
            at=tax_moment(shop.settings, now),
            lines=tuple(_line(line, source.channel.slug, currency, with_tax) for line in source.lines),
            shipping=zero,
            subtotal_discount=Money.of(source.discount.amount, currency) if source.discount else zero,
            shipping_discount=zero,
        ),
        paid=tuple(
            PaidLine(Money.of(line.total_price.net.amount, currency), Money.of(line.total_price.gross.amount, currency))
            for line in source.lines
        ),
    )


def _line(line: CheckoutLine, channel: str, currency: str, with_tax: bool) -> LineRequest:
    variant = line.variant
    listed = next((entry.price for entry in variant.channel_listings or () if entry.channel.slug == channel), None)
    retail = Money.of(listed.amount, currency) if listed else None
    # Catalogue promotions are in the variant's price; a voucher's share is known to Saleor alone.
    public = variant.pricing.price if variant.pricing else None
    unit = Money.of((public.gross if with_tax else public.net).amount, currency) if public else retail or Money(0, currency)
    product = variant.product
    tax_class = product.tax_class or product.product_type.tax_class
    return LineRequest(
        item=Item(
            variant.id,
            product.id,
            product.category.id if product.category else None,
            tuple(collection.id for collection in product.collections or ()),
        ),
        name=product.name,
        quantity=line.quantity,
        base=0 if line.is_gift else unit.minor * line.quantity,
        retail=None if retail is None else retail.minor,
        tax_class=tax_class.id if tax_class else None,
        for_resale=for_resale(line.not_for_resale),
    )


def _session_row(
    services: Services, shop: Shop, payload: Session, source: Checkout, amount: Money, decided: Decided
) -> PaymentSession:
    now = services.clock()
    psp = f"BT-{uuid.uuid5(uuid.UUID(shop.tenant_id), payload.transaction.id)}"
    policy = credit_policy(shop.settings.program, decided.reseller)
    due = decided.instructions.due if decided.instructions else services.today(shop)
    on_account = decided.standing.terms is Terms.ON_ACCOUNT
    answer: dict[str, Any] = {
        "result": "AUTHORIZATION_SUCCESS" if on_account else "CHARGE_REQUEST",
        "pspReference": psp,
        "amount": str(amount.amount),
        "time": now.isoformat(),
        "message": _message(decided.standing.reasons),
        "actions": [],
        "paymentMethodDetails": {"type": "OTHER", "name": "Bank transfer"},
        "data": {
            "terms": decided.standing.terms.value,
            "counted_prepaid_orders": decided.standing.counted,
            "required_prepaid_orders": policy.prepaid_orders,
            "reasons": _shown(decided.standing.reasons),
            **_instruction_data(decided.instructions),
        },
    }
    return PaymentSession(
        transaction_id=payload.transaction.id,
        source_id=source.id,
        reseller_id=decided.reseller.id,
        saleor_user_id=source.user.id if source.user else "",
        psp_reference=psp,
        reference=decided.reference,
        terms=decided.standing.terms.value,
        amount_minor=amount.minor,
        currency=amount.currency,
        due_date=due,
        reasons=[reason.as_dict() for reason in decided.standing.reasons],
        lines=[
            {
                "variant": line.variant.id,
                "quantity": line.quantity,
                "net": Money.of(line.total_price.net.amount, amount.currency).minor,
                "gross": Money.of(line.total_price.gross.amount, amount.currency).minor,
                **line_evidence(quoted, decided.quote.price_list_id),
            }
            for line, quoted in zip(source.lines, decided.quote.lines, strict=True)
        ],
        answer=answer,
        created_at=now,
    )


def _instruction_data(shown: Instructions | None) -> dict[str, Any]:
    if shown is None:
        return {}
    account = shown.account
    return {
        "beneficiary": account.beneficiary,
        "iban": account.iban,
        "bic": account.bic,
        "routing_number": account.routing_number,
        "account_number": account.account_number,
        "bank_name": account.bank_name,
        "reference": shown.reference,
        "amount": str(shown.amount.amount),
        "currency": shown.amount.currency,
        "due_date": shown.due.isoformat(),
        "qr_svg": shown.qr_svg,
    }


async def _order_session(session: AsyncSession, principal: Principal | None, source: Order) -> dict[str, Any]:
    """An order has its instructions from its checkout; a second promise for it would count twice in Saleor."""
    caller = principal.id if principal and principal.typename == "User" else None
    if caller is None or source.user is None or caller != source.user.id:
        return _refusal((because("not_the_buyer"),))
    order = await session.scalar(select(ResellerOrder).where(ResellerOrder.saleor_order_id == source.id))
    if order is None:
        return _refusal((because("not_our_order"),))
    refusal = _refusal((because("order_session", number=order.number),))
    refusal["data"] |= {"reference": order.reference, "due_date": order.due_date.isoformat(), "currency": order.currency}
    return refusal


async def _po_number_used(session: AsyncSession, reseller_id: str, number: str) -> bool:
    if not number:
        return False
    found = await session.scalar(
        select(ResellerOrder.id).where(ResellerOrder.reseller_id == reseller_id, ResellerOrder.po_number == number)
    )
    return found is not None


def _refusal(reasons: tuple[Reason, ...]) -> dict[str, Any]:
    return {
        "result": "CHARGE_FAILURE",
        "message": _message(reasons),
        "actions": [],
        "data": {"code": reasons[0].code, "message": sentence(reasons[0]), "reasons": _shown(reasons)},
    }


def _shown(reasons: tuple[Reason, ...] | list[Reason]) -> list[dict[str, Any]]:
    return [{**reason.as_dict(), "sentence": sentence(reason)} for reason in reasons]


def _message(reasons: tuple[Reason, ...]) -> str:
    return " ".join(sentence(reason) for reason in reasons)[:MAX_MESSAGE]
