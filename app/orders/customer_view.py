"""What an end customer reads of its licenses and their orders. Nothing here knows money (`rules.md` 9); no query reads any.

An end customer is known by Saleor's user id alone. What is not its own is answered exactly as what does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.pages import page
from app.errors import Conflict, Forbidden, NotFound
from app.licenses.rules import LicenseState
from app.licenses.service import license_file_name
from app.licenses.tables import License
from app.orders.tables import EndCustomer, OrderLine, ResellerOrder

WITHHELD = (LicenseState.SUSPENDED, LicenseState.REVOKED)


@dataclass(frozen=True, slots=True)
class CustomerLicense:
    """One license as its end customer sees it. There is no money here, and no id of Saleor's order.

    `file_name` is None while the file is withheld.
    """

    id: str
    order_number: str
    ordered_on: date
    sku: str
    name: str
    quantity: int
    seats: int
    kind: str
    state: str
    issued_at: datetime
    expires_at: datetime | None
    file_name: str | None


async def customer_ids(session: AsyncSession, user_id: str) -> Sequence[str]:
    """Our end customers that a Saleor account is. Raises Forbidden for everybody else."""
    found = (await session.scalars(select(EndCustomer.id).where(EndCustomer.saleor_user_id == user_id))).all()
    if not found:
        raise Forbidden("There are no licenses for this account.", code="not_a_customer")
    return found


async def page_of_licenses(
    session: AsyncSession, customers: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[CustomerLicense], str | None]:
    """A page of the end customer's licenses, the newest first, and the cursor of the next. Raises InvalidInput for none."""
    query = select(License).where(License.end_customer_id.in_(customers))
    rows, following = await page(session, query, License.issued_at, License.id, limit, cursor)
    return await _shown(session, rows), following


async def customer_license(session: AsyncSession, customers: Sequence[str], license_id: str) -> CustomerLicense:
    """One of the end customer's licenses. Raises NotFound."""
    row = await session.scalar(_own(customers, license_id))
    if row is None:
        raise NotFound("There is no such license.", code="no_license")
    return (await _shown(session, [row]))[0]


async def customer_file(session: AsyncSession, customers: Sequence[str], license_id: str) -> License:
    """The same, to hand out its file. Raises NotFound, and Conflict for one suspended or revoked."""
    return downloadable(await session.scalar(_own(customers, license_id)))


def downloadable(license: License | None) -> License:
    """The license when its file may be handed out. Raises NotFound, and Conflict for one suspended or revoked."""
    if license is None:
        raise NotFound("There is no such license.", code="no_license")
    if license.state in WITHHELD:
        raise Conflict(f"The license is {license.state}; ask the vendor.", code=f"license_{license.state}")
    return license


def _own(customers: Sequence[str], license_id: str) -> Select[Any]:
    query: Select[Any] = select(License).where(License.id == license_id, License.end_customer_id.in_(customers))
    return query


async def _shown(session: AsyncSession, rows: Sequence[License]) -> list[CustomerLicense]:
    """The licenses with what their orders say of them: columns without money only."""
    query = (
        select(OrderLine.id, OrderLine.name, OrderLine.quantity, ResellerOrder.order_date)
        .join(ResellerOrder, ResellerOrder.id == OrderLine.order_id)
        .where(OrderLine.id.in_([row.order_line_id for row in rows]))
    )
    facts = {row.id: row for row in await session.execute(query)}
    found = []
    for row in rows:
        line = facts[row.order_line_id]
        found.append(
            CustomerLicense(
                id=row.id,
                order_number=row.order_number,
                ordered_on=line.order_date,
                sku=row.sku,
                name=line.name,
                quantity=line.quantity,
                seats=int(row.payload["attributes"]["seats"]),
                kind=row.kind,
                state=row.state,
                issued_at=row.issued_at,
                expires_at=row.expires_at,
                file_name=None if row.state in WITHHELD else license_file_name(row),
            )
        )
    return found
