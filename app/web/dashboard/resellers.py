"""Resellers: the list, and one with its standing and why, users, prices, certificates, orders, ledger, licenses and history."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response

from app.errors import InvalidInput, NotFound
from app.ledger.service import open_by_reseller
from app.ledger.tables import LedgerItem
from app.licenses.tables import License
from app.orders import applications, desk, obligations, users
from app.orders.storefront import reseller_standing
from app.orders.tables import ResellerOrder
from app.pricing.planned import list_of
from app.resellers import service
from app.resellers import users as members
from app.resellers.limits import Limits, set_limits
from app.resellers.listing import filtered, get, status_counts
from app.resellers.roles import Role
from app.resellers.rules import TRANSITIONS, Decision, ResellerStatus
from app.resellers.tables import Reseller
from app.tax.certificates import list_certificates
from app.web.dashboard import applications as review
from app.web.dashboard import correspondence
from app.web.dashboard.orders import an_amount
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import OrderStaff, Posted, UserStaff
from app.web.forms import Form

router = APIRouter()
router.include_router(review.router)
router.include_router(correspondence.router)
COLUMNS = {"company": Reseller.company, "created": Reseller.created_at, "email": Reseller.email}


@router.get("/resellers")
async def show(staff: UserStaff, request: Request) -> Response:
    """A page of the resellers."""
    filters = asked(request.query_params, ("q", "status"))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows, table = await listed(
            session,
            filtered(filters["q"], filters["status"]),
            request.query_params,
            columns=COLUMNS,
            key=Reseller.id,
            filters=filters,
            default="company",
        )
        owed = await open_by_reseller(session, [row.id for row in rows]) if staff.may(Permission.ORDERS) else {}
        counts = await status_counts(session)
        waiting = await review.count_waiting(session)
    return staff.page(
        "resellers.html", rows=rows, table=table, owed=owed, counts=counts, waiting=waiting, statuses=list(ResellerStatus)
    )


@router.get("/resellers/{reseller_id}")
async def one(staff: UserStaff, reseller_id: str) -> Response:
    """Where it stands and why, its users, prices, certificates and obligations."""
    services, shop = staff.services, staff.shop
    async with services.database.tenant_reading(shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        found = await reseller_standing(session, services, shop, reseller, None)
        invitations = await members.open_invitations(session, reseller.id)
        certificates = await list_certificates(session, reseller.id)
        prices = await list_of(session, reseller.id, cap=shop.settings.program.max_discount_percent)
        duties = await obligations.overview(session, reseller)
    return staff.page(
        "reseller.html",
        reseller=reseller,
        found=found,
        invitations=invitations,
        certificates=certificates,
        prices=prices,
        duties=duties,
        limits=Limits.of(reseller),
        roles=list(Role),
        decisions=[decision for decision, (states, _) in TRANSITIONS.items() if reseller.status in states],
        tab="overview",
    )


@router.get("/resellers/{reseller_id}/orders")
async def orders(staff: OrderStaff, request: Request, reseller_id: str) -> Response:
    """A page of its orders."""
    now = staff.services.clock()
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        rows, table = await listed(
            session,
            desk.listed_orders().where(ResellerOrder.reseller_id == reseller.id),
            request.query_params,
            columns={"created": ResellerOrder.created_at},
            key=ResellerOrder.id,
            filters={},
            default="-created",
        )
        gates = await desk.gates(session, rows, now)
    return staff.page("reseller_orders.html", reseller=reseller, rows=rows, table=table, gates=gates, tab="orders")


@router.get("/resellers/{reseller_id}/ledger")
async def ledger(staff: OrderStaff, request: Request, reseller_id: str) -> Response:
    """A page of what was booked, and what is open."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        found = await reseller_standing(session, staff.services, staff.shop, reseller, None)
        rows, table = await listed(
            session,
            select(LedgerItem).where(LedgerItem.reseller_id == reseller.id),
            request.query_params,
            columns={"booked": LedgerItem.booked_at},
            key=LedgerItem.id,
            filters={},
            default="-booked",
        )
    return staff.page("reseller_ledger.html", reseller=reseller, rows=rows, table=table, found=found, tab="ledger")


@router.get("/resellers/{reseller_id}/licenses")
async def licenses(staff: OrderStaff, request: Request, reseller_id: str) -> Response:
    """A page of the licenses of its orders."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        rows, table = await listed(
            session,
            select(License)
            .join(ResellerOrder, ResellerOrder.id == License.order_id)
            .where(ResellerOrder.reseller_id == reseller.id),
            request.query_params,
            columns={"issued": License.issued_at},
            key=License.id,
            filters={},
            default="-issued",
        )
        ids = {row.order_id for row in rows}
        found = await session.execute(select(ResellerOrder.id, ResellerOrder.number).where(ResellerOrder.id.in_(ids)))
        numbers = dict(found.all())
    return staff.page("reseller_licenses.html", reseller=reseller, rows=rows, table=table, numbers=numbers, tab="licenses")


@router.get("/resellers/{reseller_id}/timeline")
async def timeline(staff: UserStaff, reseller_id: str) -> Response:
    """What was decided about it, by whom and why, the newest first."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        rows = await service.history(session, reseller.id)
    return staff.page("reseller_timeline.html", reseller=reseller, rows=list(reversed(rows)), tab="timeline")


@router.post("/resellers/{reseller_id}/decide")
async def decide(staff: UserStaff, form: Posted, reseller_id: str) -> Response:
    """Carry out a decision about it."""
    if form["do"] not in set(Decision):
        raise InvalidInput("Choose what to decide.", code="form")
    decision = Decision(form["do"])
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        await applications.decide(
            session, staff.services, staff.shop, reseller.email, decision, by=staff.by, reason=form["reason"]
        )
    return staff.go(f"/resellers/{reseller_id}", f"reseller_{decision.value}")


@router.post("/resellers/{reseller_id}/limits")
async def limit(staff: UserStaff, form: Posted, reseller_id: str) -> Response:
    """Set its own numbers."""
    staff.need(Permission.ORDERS)
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        reseller = await service.lock(session, (await get(session, reseller_id)).id)
        await set_limits(session, reseller, _limits(form), by=staff.by, at=staff.services.clock())
    return staff.go(f"/resellers/{reseller_id}", "limits_set")


@router.post("/resellers/{reseller_id}/users")
async def invite(staff: UserStaff, form: Posted, reseller_id: str) -> Response:
    """Invite a user, change the role of one, or take one out."""
    services, shop, do = staff.services, staff.shop, form["do"]
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        if do == "invite":
            await users.invite(session, services, shop, reseller, email=form["email"], role=_role(form), by=staff.by)
        elif do == "role":
            await members.change_role(session, reseller, form["user"], _role(form), by=staff.by, at=services.clock())
        elif do == "remove":
            await users.remove(session, services, shop, reseller, form["user"], by=staff.by)
        else:
            raise InvalidInput("Choose what to do with the user.", code="form")
    return staff.go(f"/resellers/{reseller_id}", f"user_{do}")


def _role(form: Form) -> Role:
    if form["role"] not in set(Role):
        raise NotFound("There is no such role.", code="no_role")
    return Role(form["role"])


def _limits(form: Form) -> Limits:
    prepaid = form["prepaid_orders"].strip()
    if prepaid and not prepaid.isdecimal():
        raise InvalidInput("prepaid_orders: give a whole number, or nothing for the shop's.", code="limits")
    currency = form["currency"].strip().upper()
    return Limits(
        int(prepaid) if prepaid else None,
        an_amount(form, "credit_limit", currency) if form["credit_limit"].strip() else None,
        an_amount(form, "order_limit", currency) if form["order_limit"].strip() else None,
    )


PAGE = Page("/resellers", "nav_resellers", Permission.USERS, router)
