"""A reseller's orders with everything that hangs on them, and its licenses."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import Forbidden
from app.licenses.service import license_file_name
from app.money import shortest
from app.orders import storefront
from app.orders.attend import order_state
from app.orders.customer_view import WITHHELD
from app.orders.temporary import issue_temporary
from app.reasons import Reason
from app.resellers.roles import Right
from app.resellers.rules import ResellerStatus
from app.web.portal.visit import Person, Posted
from app.web.storefront.common import Cursor, Id, Number

router = APIRouter()
PAGE = 20


@router.get("/orders")
async def orders(person: Person, cursor: Cursor = None) -> Response:
    """The reseller's orders, the newest first."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_ORDERS)
        rows, following = await storefront.page_of_orders(session, reseller.id, PAGE, cursor)
    return person.page("orders.html", orders=rows, following=following, first=cursor is None)


@router.get("/orders/{number}")
async def order(person: Person, number: Number, notice: str = "") -> Response:
    """One order with its prices, its way to be paid, its documents and licenses."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_ORDERS)
        row = await storefront.own_order(session, reseller.id, number)
        role = storefront.role_in(reseller, person.customer.user_id)
        shown = await storefront.shown_order(session, person.shop, row, role, person.services.clock())
    waiting = order_state(row) == "waiting" and not any(one.kind == "temporary" for one in shown.licenses)
    return person.page(
        "order.html",
        order=row,
        shown=shown,
        lines=[(line, [Reason.from_dict(reason) for reason in line.reasons], shortest(line.tax_rate)) for line in row.lines],
        withheld=WITHHELD,
        may_ask=waiting and person.may("ASK_LICENSES") and not shown.gate_open and reseller.status == ResellerStatus.APPROVED,
        notice="temporary" if notice == "temporary" else "",
    )


@router.post("/orders/{number}/temporary-license")
async def temporary_license(person: Person, number: Number, form: Posted) -> Response:
    """Ask for the order's temporary licenses, once, while it waits for its wire."""
    async with person.services.database.tenant(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.ASK_LICENSES)
        row = await storefront.own_order(session, reseller.id, number)
        if reseller.status != ResellerStatus.APPROVED:
            raise Forbidden("Only an approved reseller may ask for this.", code="reseller_inactive")
        await issue_temporary(session, person.services, person.shop, number=row.number, by=person.customer.email)
    return person.go(f"/orders/{row.number}?notice=temporary")


@router.get("/orders/{number}/documents/{document_id}")
async def document(person: Person, number: Number, document_id: Id) -> Response:
    """A document of the order, as it was issued."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_INVOICES)
        found = await storefront.own_document(session, await storefront.own_order(session, reseller.id, number), document_id)
    return person.file(found.content, found.media_type, found.file_name)


@router.get("/orders/{number}/licenses/{license_id}")
async def order_license(person: Person, number: Number, license_id: Id) -> Response:
    """The file of a license of the order."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_LICENSES)
        found = await storefront.order_license(session, await storefront.own_order(session, reseller.id, number), license_id)
    return person.file(found.file, "application/octet-stream", license_file_name(found))


@router.get("/licenses")
async def licenses(person: Person, cursor: Cursor = None) -> Response:
    """The licenses of the reseller's orders, the newest first."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_LICENSES)
        rows, following = await storefront.page_of_licenses(session, reseller.id, PAGE, cursor)
    return person.page("licenses.html", licenses=rows, withheld=WITHHELD, following=following, first=cursor is None)
