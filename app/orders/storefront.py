"""What resellers read through the storefront API; end customers have `customer_view`. They are known by Saleor's user id alone.

What is not one's own is answered exactly as what does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.db.pages import page
from app.documents.bank_details import Instructions, instructions
from app.documents.tables import Document
from app.errors import Forbidden, InvalidInput, NotFound
from app.ledger.aging import Upcoming, falling_due
from app.ledger.disputes import disputed_debts
from app.ledger.rules import credits, receivables
from app.ledger.service import receivable, receivable_id, reseller_items
from app.licenses.service import of_order
from app.licenses.tables import License
from app.mail.schemas import PriceChangeLine
from app.money import Money
from app.orders.applying import newest_application
from app.orders.customer_view import downloadable
from app.orders.gateway import bank_account, credit_policy
from app.orders.price_changes import mail_lines
from app.orders.rules import CreditPolicy, Standing, standing
from app.orders.service import order_gate
from app.orders.services import Services
from app.orders.snapshot import load_buyer
from app.orders.tables import ResellerOrder
from app.pricing.content import Changes
from app.pricing.planned import prices_on, upcoming
from app.pricing.preview import Preview, preview
from app.pricing.rules import Item, LinePrice, choose
from app.reasons import Reason, because, register
from app.resellers.policy import in_force
from app.resellers.roles import Right, Role, allowed, require
from app.resellers.rules import may_order
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller
from app.resellers.users import acting, may_order_as
from app.saleor import operations as ops
from app.saleor.answers import SaleorPricedVariant
from app.saleor.shops import Shop

register({"on_hold": "The vendor is looking at this order.", "released_early": "The vendor released this order."})

FOR_RESELLERS = {"staff_hold": "on_hold", "staff_release": "released_early"}
"""Who of the vendor's staff decided, and in which words, is for staff."""


@dataclass(frozen=True, slots=True)
class Open:
    """What a reseller owes in one currency, and how much of it is overdue."""

    open: Money
    overdue: Money


@dataclass(frozen=True, slots=True)
class ResellerStanding:
    """On which terms the next order goes; `obstacles` say why none may be placed at all."""

    standing: Standing
    policy: CreditPolicy
    obstacles: tuple[Reason, ...]
    open: tuple[Open, ...]
    unallocated: tuple[Money, ...]
    """Money that no order has taken yet; it lowers nothing by itself (`rules.md` 4.3)."""
    falling_due: tuple[Upcoming, ...]


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """One order as its reseller sees it."""

    order: ResellerOrder
    open: Money | None
    gate_open: bool
    reasons: tuple[Reason, ...]
    payment: Instructions | None
    documents: Sequence[Document]
    licenses: Sequence[License]


@dataclass(frozen=True, slots=True)
class PricedLine:
    """The price of one line for a reseller, and what it is of."""

    variant: SaleorPricedVariant
    price: LinePrice
    includes_tax: bool
    """Whether prices of the channel are entered with the store's own tax."""
    chain: Preview
    """How the partner price comes about, step by step."""


async def member(session: AsyncSession, user_id: str, right: Right = Right.CHANGE_USERS) -> Reseller:
    """The reseller a Saleor account acts for, in whatever state. Raises Forbidden for everybody else, and without the right.

    Who names no right lets owners in alone: a forgotten one closes a door and opens none.
    """
    found = await by_saleor_user(session, user_id)
    if found is None:
        raise Forbidden("This is for resellers of the program.", code="not_a_reseller")
    require(role_in(found, user_id), right)
    return found


async def accepted(session: AsyncSession, user_id: str, version: str) -> bool:
    """Whether a Saleor account's reseller, or else its application, accepted this version of the Reseller Policy."""
    reseller = await by_saleor_user(session, user_id)
    if reseller is not None:
        return any(acceptance.policy_version == version for acceptance in reseller.acceptances)
    application = await newest_application(session, user_id)
    return application is not None and application.policy_version == version


def role_in(reseller: Reseller, user_id: str) -> Role:
    """What a Saleor account is in the reseller it acts for."""
    return Role(acting(reseller, user_id).role)


async def reseller_standing(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, user_id: str | None
) -> ResellerStanding:
    """The standing today as this user meets it, or with None as staff do; limits are looked at as for an order of nothing."""
    today = services.today(shop)
    policy = credit_policy(shop.settings.program, reseller)
    items = await reseller_items(session, reseller.id)
    debts = receivables(items, await disputed_debts(session, reseller.id))
    currency = reseller.limit_currency or next((debt.currency for debt in debts), "USD")
    sums: dict[str, tuple[int, int]] = {}
    for debt in debts:
        if debt.open_minor > 0:
            owed, overdue = sums.get(debt.currency, (0, 0))
            late = debt.open_minor if debt.late_days(today) else 0
            sums[debt.currency] = owed + debt.open_minor, overdue + late
    current = await in_force(session, shop.settings, today)
    return ResellerStanding(
        standing(debts, policy, Money(0, currency), today),
        policy,
        may_order(reseller, current, today) if user_id is None else may_order_as(reseller, user_id, current, today),
        tuple(Open(Money(owed, name), Money(overdue, name)) for name, (owed, overdue) in sorted(sums.items())),
        tuple(Money(minor, name) for name, minor in sorted(credits(items).items())),
        tuple(falling_due(debts, today)),
    )


async def page_of_orders(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[ResellerOrder], str | None]:
    """A page of the reseller's orders, the newest first, and the cursor of the next. Raises InvalidInput for a wrong cursor."""
    query = select(ResellerOrder).where(ResellerOrder.reseller_id == reseller_id)
    return await page(session, query, ResellerOrder.created_at, ResellerOrder.id, limit, cursor)


async def own_order(session: AsyncSession, reseller_id: str, number: str) -> ResellerOrder:
    """The reseller's own order of this number. Raises NotFound, for another reseller's as for none."""
    query = select(ResellerOrder).where(ResellerOrder.reseller_id == reseller_id, ResellerOrder.number == number)
    order = await session.scalar(query)
    if order is None:
        raise NotFound("There is no such order.", code="no_order")
    return order


async def shown_order(session: AsyncSession, shop: Shop, order: ResellerOrder, role: Role, at: datetime) -> ShownOrder:
    """The order with all that a user of its reseller may know of it: documents and licenses only as far as the role goes."""
    gate = await order_gate(session, order, at)
    debt_id = await receivable_id(session, order.id)
    debt = await receivable(session, debt_id) if debt_id else None
    owed = Money(max(0, debt.open_minor), debt.currency) if debt else None
    account = bank_account(shop.settings, order.channel, order.currency)
    payable = account is not None and owed is not None and owed.minor > 0 and order.canceled_at is None
    documents = select(Document).where(Document.order_id == order.id).order_by(Document.issued_at, Document.id)
    return ShownOrder(
        order,
        owed,
        gate.open,
        tuple(because(FOR_RESELLERS[reason.code]) if reason.code in FOR_RESELLERS else reason for reason in gate.reasons),
        instructions(account, owed, order.reference, order.due_date) if payable and account and owed else None,
        (await session.scalars(documents)).all() if allowed(role, Right.SEE_INVOICES) else (),
        await of_order(session, order.id) if allowed(role, Right.SEE_LICENSES) else (),
    )


async def page_of_licenses(
    session: AsyncSession, reseller_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[License], str | None]:
    """A page of the licenses of the reseller's orders, the newest first, and the cursor of the next."""
    query = select(License).join(ResellerOrder, ResellerOrder.id == License.order_id)
    return await page(
        session, query.where(ResellerOrder.reseller_id == reseller_id), License.issued_at, License.id, limit, cursor
    )


async def own_document(session: AsyncSession, order: ResellerOrder, document_id: str) -> Document:
    """A document of the order with its bytes. Raises NotFound."""
    query = select(Document).where(Document.id == document_id, Document.order_id == order.id)
    found = await session.scalar(query.options(undefer(Document.content)))
    if found is None:
        raise NotFound("There is no such document.", code="no_document")
    return found


async def order_license(session: AsyncSession, order: ResellerOrder, license_id: str) -> License:
    """A license of the order, to hand out its file. Raises NotFound, and Conflict for one suspended or revoked."""
    query = select(License).where(License.id == license_id, License.order_id == order.id)
    return downloadable(await session.scalar(query))


async def price_lines(
    services: Services, shop: Shop, user_id: str, channel: str, lines: Sequence[tuple[str, int]], on: date | None = None
) -> list[PricedLine]:
    """What a reseller pays per line in the channel's own entered prices, by the rules the tax webhook has (`rules.md` 2).

    On a day to come it is by the price changes that resellers were told of, with the store's retail and public prices of today.
    Raises Forbidden for everybody who is not an approved reseller, NotFound that names a variant without a price here, and
    InvalidInput for a day that is over.
    """
    today = services.today(shop)
    day = today if on is None else on
    if day < today:
        raise InvalidInput(f"on: {day} is over; give today or a day to come.", code="day_over")
    async with services.database.tenant_reading(shop.tenant_id) as session:
        await member(session, user_id, Right.SEE_PRICES)
        buyer = await load_buyer(session, shop.settings, user_id)
        if buyer is None:
            raise Forbidden("Only an approved reseller has partner prices.", code="reseller_inactive")
        prices = buyer.prices
        if day > today:
            prices = await prices_on(session, buyer.id, day, cap=shop.settings.program.max_discount_percent)
    client = await services.shops.client(shop)
    found = []
    for variant_id, quantity in lines:
        variant = (await client.execute(ops.VARIANT_PRICE, id=variant_id, channel=channel)).product_variant
        listings = variant.channel_listings or [] if variant else []
        listing = next((entry for entry in listings if entry.channel.slug == channel and entry.price), None)
        if variant is None or listing is None or listing.price is None:
            raise NotFound(f"The variant {variant_id} has no price in the channel {channel}.", code="no_price")
        retail = Money.of(listing.price.amount, listing.channel.currency_code)
        product = variant.product
        item = Item(
            variant.id,
            product.id,
            product.category.id if product.category else None,
            tuple(collection.id for collection in product.collections or ()),
        )
        shown = variant.pricing.price if variant.pricing else None
        with_tax = listing.channel.tax_configuration.prices_entered_with_tax
        public = Money.of((shown.gross if with_tax else shown.net).amount, retail.currency) if shown else retail
        chain = preview(item, quantity, retail, prices, day)
        found.append(PricedLine(variant, choose(chain.price, quantity, public * quantity), with_tax, chain))
    return found


@dataclass(frozen=True, slots=True)
class UpcomingChange:
    """A change of the reseller's prices that it was told of at `announced_at`; `id` is what it acknowledges."""

    id: str
    effective_on: date
    announced_at: datetime
    prices: tuple[PriceChangeLine, ...]


async def upcoming_changes(
    session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, limit: int, cursor: str | None
) -> tuple[list[UpcomingChange], str | None]:
    """A page of the changes of the reseller's prices to come, the earliest first (`rules.md` 2.6), and the next cursor."""
    cap, today = shop.settings.program.max_discount_percent, services.today(shop)
    found, following = await upcoming(session, reseller.id, today, cap=cap, limit=limit, cursor=cursor)
    changes = [
        UpcomingChange(row.id, row.effective_on, told_at, tuple(mail_lines(Changes.from_dict(row.changes))))
        for row, told_at in found
    ]
    return changes, following
