"""The routes of `/storefront/v1`. Each opens one transaction in the shop of the token and looks its caller up there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.errors import Conflict, Forbidden
from app.licenses.service import license_file_name
from app.licenses.tables import License
from app.money import Money, shortest
from app.orders import storefront
from app.orders.attend import order_state
from app.orders.tables import OrderLine, ResellerOrder
from app.orders.temporary import issue_temporary
from app.reasons import Reason
from app.resellers.policy import in_force
from app.resellers.rules import ResellerStatus
from app.resellers.service import accept_policy
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors

PREFIX = "/storefront/v1"
RESPONSES = {
    400: "Something in the request is wrong.",
    401: "No token, or not one that counts.",
    403: "Not for this account.",
    404: "There is no such thing for this account.",
    409: "The state does not allow it.",
    413: "The request is too large.",
    422: "The request does not fit this document, or a rule says no.",
    429: "Too many requests; Retry-After says when to try again.",
    500: "Our own error.",
    502: "The shop did not answer.",
    503: "Our own side cannot work now.",
}
FILE = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
resellers = APIRouter(tags=["resellers"])
customers = APIRouter(tags=["end customers"])
Number = Annotated[str, Path(max_length=50, pattern=r"^[^\x00]+$", examples=["1042"])]
Id = Annotated[str, Path(max_length=36, pattern=r"^[^\x00]+$")]


@resellers.get("/standing", response_model=s.StandingOut)
async def standing(asking: Asking, services: Doors) -> s.StandingOut:
    """On which terms the next order goes, why, and what is open."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        found = await storefront.reseller_standing(session, services, asking.shop, reseller)
    return s.StandingOut(
        status=reseller.status,
        terms=found.standing.terms.value,
        counted_prepaid_orders=found.standing.counted,
        required_prepaid_orders=found.required,
        reasons=_reasons(found.standing.reasons),
        may_order=not found.obstacles,
        obstacles=_reasons(found.obstacles),
        open_amounts=[s.OpenOut(open=s.MoneyOut.of(one.open), overdue=s.MoneyOut.of(one.overdue)) for one in found.open],
    )


@resellers.post("/policy/acceptance", response_model=s.AcceptanceOut)
async def policy_acceptance(request: Request, body: s.AcceptanceIn, asking: Asking, services: Doors) -> s.AcceptanceOut:
    """Accept the Reseller Policy in force; a repetition changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        if reseller.status in (ResellerStatus.REJECTED, ResellerStatus.ENDED):
            raise Forbidden("The reseller is not in the program.", code="reseller_inactive")
        version = (await in_force(session, asking.shop.settings, services.today(asking.shop))).version
        if body.version != version:
            raise Conflict(f"Version {version} of the Reseller Policy is in force; show it and ask again.", code="policy_version")
        new = await accept_policy(
            session,
            reseller,
            version=version,
            by=asking.email,
            at=services.clock(),
            language=body.language or "",
            address=request.client.host if request.client else None,
        )
    return s.AcceptanceOut(version=version, new=new)


@resellers.post("/prices", response_model=s.PricesOut)
async def prices(body: s.PricesIn, asking: Asking, services: Doors) -> s.PricesOut:
    """What the reseller pays for variants in a channel, and why."""
    wanted = [(line.variant_id, line.quantity) for line in body.lines]
    found = await storefront.price_lines(services, asking.shop, asking.user_id, body.channel, wanted)
    return s.PricesOut(
        lines=[
            s.PriceOut(
                variant_id=line.variant.id,
                sku=line.variant.sku,
                name=line.variant.product.name,
                quantity=line.price.quantity,
                retail=s.MoneyOut.of(line.price.unit.retail),
                partner=s.MoneyOut.of(line.price.unit.unit),
                total=s.MoneyOut.of(line.price.total),
                includes_tax=line.includes_tax,
                reasons=_reasons(line.price.reasons),
            )
            for line in found
        ]
    )


@resellers.get("/orders", response_model=s.OrdersOut)
async def orders(
    asking: Asking,
    services: Doors,
    limit: Annotated[int, Query(ge=1, le=storefront.MAX_PAGE)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> s.OrdersOut:
    """The reseller's orders, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        rows, following = await storefront.page_of_orders(session, reseller.id, limit, cursor)
    return s.OrdersOut(orders=[s.OrderOut(**_facts(row)) for row in rows], next=following)


@resellers.get("/orders/{number}", response_model=s.OrderDetailOut)
async def order(number: Number, asking: Asking, services: Doors) -> s.OrderDetailOut:
    """One order with its prices, its way to be paid, its documents and licenses."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        row = await storefront.own_order(session, reseller.id, number)
        shown = await storefront.shown_order(session, asking.shop, row, services.clock())
    pay = shown.payment
    return s.OrderDetailOut(
        **_facts(row),
        open=s.MoneyOut.of(shown.open) if shown.open else None,
        released=row.released_at is not None,
        gate_open=shown.gate_open,
        reasons=_reasons(shown.reasons),
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
        licenses=_licenses(row.number, shown.licenses),
    )


@resellers.get("/orders/{number}/documents/{document_id}", response_class=Response, responses=FILE)  # type: ignore[arg-type]
async def document(number: Number, document_id: Id, asking: Asking, services: Doors) -> Response:
    """A document of the order, as it was issued."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        found = await storefront.own_document(session, await storefront.own_order(session, reseller.id, number), document_id)
    return Response(found.content, media_type=found.media_type, headers=_attached(found.file_name))


@resellers.get("/orders/{number}/licenses/{license_id}", response_class=Response, responses=FILE)  # type: ignore[arg-type]
async def order_license(number: Number, license_id: Id, asking: Asking, services: Doors) -> Response:
    """The file of a license of the order."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        found = await storefront.order_license(session, await storefront.own_order(session, reseller.id, number), license_id)
    return _file(found)


@resellers.post("/orders/{number}/temporary-license", response_model=s.TemporaryOut, status_code=201)
async def temporary_license(number: Number, asking: Asking, services: Doors) -> s.TemporaryOut:
    """Ask for the order's temporary licenses, once, while it waits for its wire."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id)
        row = await storefront.own_order(session, reseller.id, number)
        if reseller.status != ResellerStatus.APPROVED:
            raise Forbidden("Only an approved reseller may ask for this.", code="reseller_inactive")
        issued = await issue_temporary(session, services, asking.shop, number=row.number, by=asking.email)
    return s.TemporaryOut(licenses=_licenses(row.number, issued))


@customers.get("/licenses", response_model=s.LicensesOut)
async def licenses(asking: Asking, services: Doors) -> s.LicensesOut:
    """The end customer's licenses, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        found = await storefront.customer_licenses(session, await storefront.customer_ids(session, asking.user_id))
    return s.LicensesOut(licenses=[s.LicenseOut.model_validate(one) for one in found])


@customers.get("/licenses/{license_id}", response_model=s.LicenseOut)
async def license(license_id: Id, asking: Asking, services: Doors) -> s.LicenseOut:
    """One license of the end customer."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, asking.user_id)
        return s.LicenseOut.model_validate(await storefront.customer_license(session, own, license_id))


@customers.get("/licenses/{license_id}/file", response_class=Response, responses=FILE)  # type: ignore[arg-type]
async def license_file(license_id: Id, asking: Asking, services: Doors) -> Response:
    """The license file."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        own = await storefront.customer_ids(session, asking.user_id)
        return _file(await storefront.customer_file(session, own, license_id))


def _reasons(reasons: Sequence[Reason]) -> list[s.ReasonOut]:
    return [s.ReasonOut.of(reason) for reason in reasons]


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
        reasons=_reasons([Reason.from_dict(reason) for reason in line.reasons]),
    )


def _licenses(number: str, rows: Sequence[License]) -> list[s.OrderLicenseOut]:
    return [
        s.OrderLicenseOut(
            id=row.id,
            sku=row.sku,
            kind=row.kind,
            state=row.state,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            href=f"{PREFIX}/orders/{number}/licenses/{row.id}",
        )
        for row in rows
    ]


def _file(row: License) -> Response:
    return Response(row.file, media_type="application/octet-stream", headers=_attached(license_file_name(row)))


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
