"""Licenses as staff look for them: by an order, a license or key, an address or a product, at the same cost among a million."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import NotFound
from app.licenses.rules import LicenseState
from app.licenses.tables import License, LicenseKey
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.desk import numbered
from app.orders.tables import EndCustomer, OrderEvent, OrderLine, ResellerOrder
from app.resellers.rules import email_key, fold_email
from app.resellers.tables import Reseller, ResellerUser


@dataclass(frozen=True, slots=True)
class LicenseFile:
    """One license with all that staff look at."""

    license: License
    order: ResellerOrder
    reseller: Reseller | None
    customer: EndCustomer | None
    mails: Sequence[Mail]
    events: Sequence[OrderEvent]


async def found(session: AsyncSession, text: str, state: str) -> Select[License]:
    """Licenses of a state, or of all, that the text finds: one kind of look-up for each kind of text, each with its own index."""
    query = select(License)
    if state in set(LicenseState):
        query = query.where(License.state == state)
    if not text:
        return query
    if "@" in text:
        reseller = await session.scalar(
            select(Reseller.id)
            .where(Reseller.email == fold_email(text))
            .union(select(ResellerUser.reseller_id).where(ResellerUser.email == fold_email(text)))
            .limit(1)
        )
        if reseller is not None:
            orders = select(ResellerOrder.id).where(ResellerOrder.reseller_id == reseller)
            return query.where(License.order_id.in_(orders))
        customer = await session.scalar(select(EndCustomer.id).where(EndCustomer.email_key == email_key(text)))
        return query.where(License.end_customer_id == (customer or ""))
    if await session.scalar(select(License.id).where(License.id == text.lower())):
        return query.where(License.id == text.lower())
    if await session.scalar(select(LicenseKey.id).where(LicenseKey.kid == text.lower())):
        return query.where(License.kid == text.lower())
    named = (await session.scalars(numbered(text).limit(50))).all()
    if named:
        return query.where(License.order_id.in_([order.id for order in named]))
    if await session.scalar(select(License.id).where(License.sku.in_([text, text.upper()])).limit(1)):
        return query.where(License.sku.in_([text, text.upper()]))
    words = text.casefold()
    return query.where(License.sku.in_([sku for sku, name in await _sold(session) if words in name.casefold()]))


async def _sold(session: AsyncSession) -> Sequence[tuple[str, str]]:
    """(SKU, name on an order) of each product that has a license: the index is skipped through, from SKU to SKU, so that it costs
    as much as there are products, not licenses."""
    one, following, first = aliased(License), aliased(License), aliased(License)
    least = select(first.id).order_by(first.sku, first.issued_at).limit(1).scalar_subquery()
    skus = select(one.sku, one.order_line_id).where(one.id == least).cte("skus", recursive=True)
    after = select(following.id).where(following.sku > skus.c.sku).order_by(following.sku, following.issued_at).limit(1)
    step = aliased(License)
    on = step.id == after.correlate(skus).scalar_subquery()
    skus = skus.union_all(select(step.sku, step.order_line_id).select_from(skus.join(step, on)))
    found = await session.execute(select(skus.c.sku, OrderLine.name).join(OrderLine, OrderLine.id == skus.c.order_line_id))
    return [(sku, name) for sku, name in found]


async def companies(session: AsyncSession, licenses: Sequence[License]) -> Mapping[str, tuple[str, str | None]]:
    """(company, reseller id) of each license's order, by the order's id; an order of nobody in the program has neither."""
    ids = {row.order_id for row in licenses}
    query = (
        select(ResellerOrder.id, Reseller.company, Reseller.id)
        .join(Reseller, Reseller.id == ResellerOrder.reseller_id)
        .where(ResellerOrder.id.in_(ids))
    )
    return {order: (company, reseller) for order, company, reseller in await session.execute(query)}


async def license_file(session: AsyncSession, license_id: str) -> LicenseFile:
    """Everything about one license. Raises NotFound."""
    row = await session.scalar(select(License).where(License.id == license_id))
    if row is None:
        raise NotFound("There is no such license.", code="no_license")
    order = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == row.order_id))).one()
    kinds = (MailKind.LICENSE.value, MailKind.LICENSE_CLAIM.value)
    mails = select(Mail).where(Mail.order_id == order.id, Mail.kind.in_(kinds)).order_by(Mail.created_at.desc(), Mail.id)
    events = select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.at.desc(), OrderEvent.id)
    return LicenseFile(
        row,
        order,
        await session.get(Reseller, order.reseller_id) if order.reseller_id else None,
        await session.get(EndCustomer, row.end_customer_id) if row.end_customer_id else None,
        (await session.scalars(mails)).all(),
        [event for event in await session.scalars(events) if "licen" in event.key or event.key.startswith(("temporary", "mail"))],
    )
