"""Our row of an end customer, and which of them an order's licenses belong to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.licenses.tables import License
from app.orders.tables import EndCustomer, ResellerOrder
from app.resellers.rules import email_key


async def customer_row(session: AsyncSession, order: ResellerOrder, at: datetime) -> EndCustomer:
    """The one row of the order's ship-to e-mail, folded (edge cases 23 and 25); made now if there is none."""
    key = email_key(order.end_customer_email)
    query = select(EndCustomer).where(EndCustomer.email_key == key)
    if (found := await session.scalar(query)) is not None:
        return found
    row = EndCustomer(
        email_key=key,
        email=order.end_customer_email,
        company=order.ship_to.get("company", ""),
        name=order.ship_to.get("name", ""),
        created_at=at,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return (await session.scalars(query)).one()
    return row


async def accepted_names(session: AsyncSession, customer: EndCustomer) -> Sequence[tuple[str, str]]:
    """(company, person) of every order whose licenses are the end customer's already."""
    query = select(ResellerOrder.ship_to).where(ResellerOrder.end_customer_id == customer.id)
    return [(found.get("company", ""), found.get("name", "")) for found in await session.scalars(query)]


async def give_licenses(session: AsyncSession, order: ResellerOrder, customer_id: str | None) -> None:
    """Make the order and every license it has this end customer's; nobody's with None."""
    order.end_customer_id = customer_id
    await session.flush()
    await session.execute(update(License).where(License.order_id == order.id).values(end_customer_id=customer_id))


def forget_customer(customer: EndCustomer) -> None:
    """Take away who an end customer is; that there was one stays (edge case 27)."""
    customer.saleor_user_id = customer.account_asked_at = None
    customer.email = customer.email_key = f"erased-{customer.id}"
    customer.company = customer.name = ""
