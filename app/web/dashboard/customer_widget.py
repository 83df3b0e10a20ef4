"""Beside a customer in the Dashboard: where the reseller stands, or how to make one; and the page of the customer's menu."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import NotFound
from app.orders import applications
from app.orders.applying import newest_application
from app.orders.storefront import reseller_standing
from app.resellers import service
from app.resellers.policy import in_force
from app.resellers.rules import Decision
from app.saleor import operations as ops
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import Posted, UserStaff, Visit

router = APIRouter()
FIELDS = ("company", "street", "street2", "city", "postal_code", "country", "state", "tax_number", "website")


async def show(staff: Visit, of: str) -> Response:
    """The customer with Saleor's id `of`. Raises MissingPermission."""
    staff.need(Permission.USERS)
    services, shop = staff.services, staff.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await service.by_saleor_user(session, of)
        found = await reseller_standing(session, services, shop, reseller, None) if reseller else None
        application = None if reseller else await newest_application(session, of)
    return staff.page("customer_widget.html", reseller=reseller, found=found, application=application)


@router.get("/popup/customer")
async def from_menu(staff: UserStaff, customerId: str = "") -> Response:
    """From the menu of a customer: the reseller's page here, the application, or the form that makes a reseller."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await service.by_saleor_user(session, customerId)
        application = None if reseller else await newest_application(session, customerId)
    if reseller is not None:
        return staff.go(f"/resellers/{reseller.id}")
    if application is not None and application.decided_at is None:
        return staff.go(f"/resellers/applications/{application.id}")
    client = await staff.services.shops.client(staff.shop)
    account = (await client.execute(ops.CUSTOMER, id=customerId)).user
    if account is None:
        raise NotFound("There is no such customer in the shop any more.", code="no_account")
    return staff.page("make_reseller.html", account=account, fields=FIELDS)


@router.post("/popup/customer")
async def make(staff: UserStaff, form: Posted) -> Response:
    """Make a reseller of a customer, approved at once where that is ticked."""
    services, shop = staff.services, staff.shop
    client = await services.shops.client(shop)
    account = (await client.execute(ops.CUSTOMER, id=form["customer"])).user
    if account is None:
        raise NotFound("There is no such customer in the shop any more.", code="no_account")
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = await service.add(
            session,
            email=account.email,
            saleor_user_id=account.id,
            language="de" if form["language"] == "de" else "en",
            by=staff.by,
            at=services.clock(),
            **{name: form[name] for name in FIELDS},
        )
        if form["approve"]:
            await applications.decide(session, services, shop, reseller.email, Decision.APPROVE, by=staff.by)
        if form["accepted"]:
            policy = await in_force(session, shop.settings, services.today(shop))
            await service.accept_policy(session, reseller, version=policy.version, by=account.email, at=services.clock())
    return staff.go(f"/resellers/{reseller.id}", "reseller_made")
