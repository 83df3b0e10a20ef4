"""A reseller's orders with their documents and licenses."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.errors import Forbidden
from app.money import Money, shortest
from app.orders import storefront
from app.orders.attend import order_state
from app.orders.tables import OrderLine, ResellerOrder
from app.orders.temporary import issue_temporary
from app.reasons import Reason
from app.resellers.roles import Right
from app.resellers.rules import ResellerStatus
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import (
    PREFIX,
    Cursor,
    Id,
    Limit,
    Number,
    attached,
    binary,
    license_answer,
    shown_licenses,
    shown_reasons,
)
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "no_document": (404, "There is no such document."),
        "temporary_closed": (422, "The order is canceled."),
        "temporary_released": (422, "The permanent license was issued already."),
        "temporary_twice": (422, "This order had its temporary license already."),
        "temporary_held": (422, "The order is held; ask the vendor."),
    }
)
# The release may come between the decision and the issue: then the license itself says so.
register_problems({"temporary_released": (409, "The permanent license for GRID-1 of order 1042 was issued already.")})
TEMPORARY = ("temporary_closed", "temporary_released", "temporary_twice", "temporary_held")


@router.get("/orders", response_model=s.OrdersOut, responses=problems(*MEMBER, "cursor"))
async def orders(
    asking: Asking,
    services: Doors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> s.OrdersOut:
    """The reseller's orders, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_ORDERS)
        rows, following = await storefront.page_of_orders(session, reseller.id, limit, cursor)
    return s.OrdersOut(orders=[s.OrderOut(**_facts(row)) for row in rows], next=following)


@router.get("/orders/{number}", response_model=s.OrderDetailOut, responses=problems(*MEMBER, "no_order"))
async def order(number: Number, asking: Asking, services: Doors) -> s.OrderDetailOut:
    """One order with its prices, its way to be paid, its documents and licenses."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_ORDERS)
        row = await storefront.own_order(session, reseller.id, number)
        role = storefront.role_in(reseller, asking.user_id)
        shown = await storefront.shown_order(session, asking.shop, row, role, services.clock())
    pay = shown.payment
    return s.OrderDetailOut(
        **_facts(row),
        open=s.MoneyOut.of(shown.open) if shown.open else None,
        released=row.released_at is not None,
        gate_open=shown.gate_open,
        reasons=shown_reasons(shown.reasons),
        lines=[_line(line, row.currency) for line in row.lines],
        payment=s.PaymentOut(
            beneficiary=pay.account.beneficiary,
            iban=pay.account.iban,
            bic=pay.account.bic,
            routing_number=pay.account.routing_number,
            account_number=pay.account.account_number,
            bank_name=pay.account.bank_name,
            reference=pay.reference,
            amount=s.MoneyOut.of(pay.amount),
            due_date=pay.due,
            qr_svg=pay.qr_svg,
        )
        if pay
        else None,
        documents=[
            s.DocumentOut(
                id=one.id,
                kind=one.kind,
                number=one.number,
                file_name=one.file_name,
                href=f"{PREFIX}/orders/{row.number}/documents/{one.id}",
            )
            for one in shown.documents
        ],
        licenses=shown_licenses(row.number, shown.licenses),
    )


@router.get(
    "/orders/{number}/documents/{document_id}",
    response_class=Response,
    responses=binary("application/pdf", "The document.") | problems(*MEMBER, "no_order", "no_document"),
)
async def document(number: Number, document_id: Id, asking: Asking, services: Doors) -> Response:
    """A document of the order, as it was issued."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_INVOICES)
        found = await storefront.own_document(session, await storefront.own_order(session, reseller.id, number), document_id)
    return Response(found.content, media_type=found.media_type, headers=attached(found.file_name))


@router.get(
    "/orders/{number}/licenses/{license_id}",
    response_class=Response,
    responses=binary("application/octet-stream", "The license file.")
    | problems(*MEMBER, "no_order", "no_license", "license_suspended", "license_revoked"),
)
async def order_license(number: Number, license_id: Id, asking: Asking, services: Doors) -> Response:
    """The file of a license of the order."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_LICENSES)
        found = await storefront.order_license(session, await storefront.own_order(session, reseller.id, number), license_id)
    return license_answer(found)


@router.post(
    "/orders/{number}/temporary-license",
    response_model=s.TemporaryOut,
    status_code=201,
    responses=problems(*MEMBER, "reseller_inactive", "no_order", *TEMPORARY),
)
async def temporary_license(number: Number, asking: Asking, services: Doors) -> s.TemporaryOut:
    """Ask for the order's temporary licenses, once, while it waits for its wire."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ASK_LICENSES)
        row = await storefront.own_order(session, reseller.id, number)
        if reseller.status != ResellerStatus.APPROVED:
            raise Forbidden("Only an approved reseller may ask for this.", code="reseller_inactive")
        issued = await issue_temporary(session, services, asking.shop, number=row.number, by=asking.email)
    return s.TemporaryOut(licenses=shown_licenses(row.number, issued))


def _facts(row: ResellerOrder) -> dict[str, object]:
    return {
        "number": row.number,
        "order_date": row.order_date,
        "due_date": row.due_date,
        "terms": row.terms,
        "state": order_state(row),
        "total": s.MoneyOut.of(Money(row.total_minor, row.currency)),
        "po_number": row.po_number,
    }


def _line(line: OrderLine, currency: str) -> s.LineOut:
    def money(minor: int) -> s.MoneyOut:
        return s.MoneyOut.of(Money(minor, currency))

    return s.LineOut(
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        retail=money(line.retail_minor),
        unit=money(line.unit_minor),
        net=money(line.net_minor),
        gross=money(line.gross_minor),
        tax_rate=str(shortest(line.tax_rate)),
        reasons=shown_reasons([Reason.from_dict(reason) for reason in line.reasons]),
    )
