"""Price lists: their entries, files, planned changes, resellers and history, and what a reseller pays and why."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import or_, select
from starlette.responses import Response

from app.errors import Conflict, InvalidInput, ResellerError
from app.money import shortest
from app.orders import price_changes, price_desk
from app.pricing import planned, service, versions
from app.pricing.content import Changes
from app.pricing.draft import Draft
from app.pricing.list_file import decoded, read_list, write_list
from app.pricing.rules import Scope, StaffException
from app.pricing.tables import (
    DEFAULT_LIST,
    PLANNED,
    PriceChange,
    PriceEntry,
    PriceListAssignment,
    PriceListRow,
    PriceListVersion,
)
from app.pricing.versions import content_of, exception_of
from app.resellers.service import find
from app.resellers.tables import Reseller
from app.web.dashboard.orders import an_amount
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import Posted, ProductStaff, Visit, a_day
from app.web.forms import Form, uploaded

router = APIRouter()
CSV = "text/csv; charset=utf-8"


@router.get("/prices")
async def show(staff: ProductStaff) -> Response:
    """All lists, and what is planned next."""
    cap = _cap(staff)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        lists = list(await session.scalars(select(PriceListRow).order_by(PriceListRow.name)))
        if all(row.name != DEFAULT_LIST for row in lists):
            lists.insert(0, await service.known_list(session, cap=cap))
        entries, resellers = await price_desk.entry_counts(session), await price_desk.reseller_counts(session)
        changes = [pair for pair in await planned.list_changes(session) if pair[0].state == PLANNED]
    lists.sort(key=lambda row: (row.name != DEFAULT_LIST, row.name))
    return staff.page("prices.html", lists=lists, entries=entries, resellers=resellers, changes=changes, **_common(staff))


@router.post("/prices")
async def make(staff: ProductStaff, form: Posted) -> Response:
    """A list of a new name with its rate."""
    name = " ".join(form["name"].split())
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        if await session.scalar(select(PriceListRow.id).where(PriceListRow.name == name)) is not None:
            raise Conflict(f"There is a list {name!r} already.", code="list_exists")
        row = await service.set_rate(
            session, a_rate(form), cap=_cap(staff), today=_today(staff), by=staff.by, at=staff.services.clock(), name=name
        )
    return staff.go(f"/prices/{row.id}", "list_made")


@router.get("/prices/preview")
async def preview(
    staff: ProductStaff, reseller: str = "", sku: str = "", quantity: str = "1", on: str = "", channel: str = ""
) -> Response:
    """What a reseller pays for a variant, with the chain of reasons from retail on."""
    found: list[price_desk.Priced] = []
    problem: ResellerError | None = None
    if reseller and sku:
        try:
            count = int(quantity) if quantity.isdecimal() and 0 < len(quantity) < 10 else 0
            if count < 1:
                raise InvalidInput("quantity: give a whole number from 1 on.", code="quantity")
            day = _day(on) if on else _today(staff)
            found = await price_desk.prices_of(
                staff.services, staff.shop, reseller.strip(), sku.strip(), quantity=count, day=day, channel=channel.strip()
            )
        except ResellerError as error:
            problem = error
    asks = {"reseller": reseller, "sku": sku, "quantity": quantity, "on": on, "channel": channel}
    return staff.page("price_preview.html", found=found, problem=problem, asks=asks)


@router.post("/prices/import")
async def import_(staff: ProductStaff, form: Posted) -> Response:
    """What a file would change, or change it: all of it or, where a line is wrong, nothing."""
    upload = await uploaded(form, staff.services.settings.max_upload_bytes, "a CSV file")
    draft = read_list(decoded(upload.content.splitlines(keepends=True)))
    draft = await price_desk.with_variant_ids(staff.services, staff.shop, draft)
    if form["exception_reason"] or form["exception_expires"]:
        draft = price_desk.excepted(draft, form["exception_reason"], a_day(form, "exception_expires"))
    if form["do"] == "import":
        answer = await _carried_out(staff, form["list"], form, draft)
        if answer.status_code != 303:
            return answer
        place = json.dumps({"path": answer.headers["location"], "target": "#page"})
        return Response(status_code=204, headers={"HX-Location": place})
    on = _when(form)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, form["list"], cap=_cap(staff))
        if on:
            found = await planned.preview_plan(session, draft, on=on, cap=_cap(staff), name=row.name)
        else:
            found = await service.preview_draft(session, draft, cap=_cap(staff), today=_today(staff), name=row.name)
    return staff.page("price_dry_run.html", found=found, changes=found.changes, on=on)


@router.get("/prices/{list_id}")
async def one(staff: ProductStaff, request: Request, list_id: str) -> Response:
    """A list with its entries."""
    filters = asked(request.query_params, ("q", "scope"))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        query = select(PriceEntry).where(PriceEntry.price_list_id == row.id)
        if filters["q"]:
            query = query.where(or_(PriceEntry.label.icontains(filters["q"], autoescape=True), PriceEntry.target == filters["q"]))
        if filters["scope"]:
            query = query.where(PriceEntry.scope == filters["scope"])
        columns = {"label": PriceEntry.label, "from": PriceEntry.valid_from}
        rows, table = await listed(
            session, query, request.query_params, columns=columns, key=PriceEntry.id, filters=filters, default="label"
        )
    return _list_page(staff, "price_list.html", row, "entries", rows=rows, table=table)


@router.get("/prices/{list_id}/file")
async def file(staff: ProductStaff, list_id: str) -> Response:
    """The page of the list's file."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
    limit = staff.services.settings.max_upload_bytes
    return _list_page(staff, "price_list_file.html", row, "file", limit=limit)


@router.get("/prices/{list_id}/export")
async def export(staff: ProductStaff, list_id: str, version: int = 0) -> Response:
    """The list as CSV, as it is or was at a version."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        content = await (versions.content_at(session, row, version) if version else content_of(session, row))
    # The mark in front lets spreadsheets read other letters than ASCII.
    return staff.file("".join(write_list(content)).encode("utf-8-sig"), CSV, f"{row.name}-{version or row.version}.csv")


@router.get("/prices/{list_id}/resellers")
async def resellers(staff: ProductStaff, request: Request, list_id: str) -> Response:
    """Who has the list."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        own = select(PriceListAssignment.reseller_id)
        query = select(Reseller)
        if row.name == DEFAULT_LIST:
            query = query.where(Reseller.id.not_in(own))
        else:
            query = query.where(Reseller.id.in_(own.where(PriceListAssignment.price_list_id == row.id)))
        columns = {"company": Reseller.company, "email": Reseller.email}
        rows, table = await listed(
            session, query, request.query_params, columns=columns, key=Reseller.id, filters={}, default="company"
        )
    return _list_page(staff, "price_list_resellers.html", row, "resellers", rows=rows, table=table)


@router.get("/prices/{list_id}/planned")
async def changes(staff: ProductStaff, request: Request, list_id: str) -> Response:
    """What is or was planned for a day."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        query = select(PriceChange).where(PriceChange.price_list_id == row.id)
        columns = {"day": PriceChange.effective_on}
        rows, table = await listed(
            session, query, request.query_params, columns=columns, key=PriceChange.id, filters={}, default="-day"
        )
    return _list_page(staff, "price_list_planned.html", row, "planned", rows=rows, table=table)


@router.get("/prices/{list_id}/history")
async def history(staff: ProductStaff, request: Request, list_id: str) -> Response:
    """The versions of the list."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        query = select(PriceListVersion).where(PriceListVersion.price_list_id == row.id)
        columns = {"at": PriceListVersion.at}
        rows, table = await listed(
            session, query, request.query_params, columns=columns, key=PriceListVersion.id, filters={}, default="-at"
        )
    return _list_page(staff, "price_list_history.html", row, "history", rows=rows, table=table)


@router.get("/prices/{list_id}/history/{version}")
async def version(staff: ProductStaff, list_id: str, version: int) -> Response:
    """What one version changed."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        found = await versions.version_of(session, row, version)
        changes = Changes.from_dict(found.changes)
    return _list_page(staff, "price_difference.html", row, "history", version=found, change=None, changes=changes)


@router.get("/prices/{list_id}/planned/{change_id}")
async def change(staff: ProductStaff, list_id: str, change_id: str) -> Response:
    """What one planned change changes."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        found = await planned.planned_change(session, change_id)
        changes = Changes.from_dict(found.changes)
    return _list_page(staff, "price_difference.html", row, "planned", version=None, change=found, changes=changes)


@router.post("/prices/{list_id}/planned/{change_id}")
async def cancel(staff: ProductStaff, form: Posted, list_id: str, change_id: str) -> Response:
    """Cancel a planned change before its day."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        await price_changes.cancel(session, staff.services, staff.shop, change_id, by=staff.by, reason=form["reason"])
    return staff.go(f"/prices/{list_id}/planned", "change_canceled")


@router.post("/prices/{list_id}/rate")
async def rate(staff: ProductStaff, form: Posted, list_id: str) -> Response:
    """The list's own rate."""
    return await _carried_out(staff, list_id, form, _with_exception(form, Draft(rate=a_rate(form))))


@router.post("/prices/{list_id}/entry")
async def entry(staff: ProductStaff, form: Posted, list_id: str) -> Response:
    """Set one entry; the one with the same key is replaced."""
    if form["scope"] not in {scope.name.lower() for scope in Scope}:
        raise InvalidInput("scope: choose what the entry is for.", code="scope")
    scope = Scope[form["scope"].upper()]
    given = form["target"].strip()
    if not given:
        raise InvalidInput("target: it is missing.", code="target")
    if not form["minimum_quantity"].isdecimal() or len(form["minimum_quantity"]) > 10:
        raise InvalidInput("minimum_quantity: give a whole number from 1 on.", code="minimum_quantity")
    percent = a_rate(form) if form["rate"].strip() else None
    fixed = an_amount(form, "fixed", form["currency"].strip().upper()) if form["fixed"].strip() else None
    target, label = await price_desk.target_of(staff.services, staff.shop, scope, given)
    draft = service.entry_draft(
        scope,
        target,
        label,
        percent,
        fixed,
        int(form["minimum_quantity"]),
        a_day(form, "valid_from") if form["valid_from"] else None,
        a_day(form, "valid_to") if form["valid_to"] else None,
    )
    return await _carried_out(staff, list_id, form, _with_exception(form, draft))


@router.post("/prices/{list_id}/remove")
async def remove(staff: ProductStaff, form: Posted, list_id: str) -> Response:
    """Take an entry out."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        key, _ = await service.entry_and_list(session, form["entry"])
    return await _carried_out(staff, list_id, form, Draft(entries={key: None}))


@router.post("/prices/{list_id}/exception")
async def exception(staff: ProductStaff, form: Posted, list_id: str) -> Response:
    """Let the list go above the cap for a time, or end that."""
    draft = Draft(lift_exception=True)
    if form["do"] != "lift":
        draft = Draft(exception=StaffException(a_rate(form), form["reason"], a_day(form, "expires")))
    return await _carried_out(staff, list_id, form, draft)


@router.post("/prices/{list_id}/assign")
async def assign(staff: ProductStaff, form: Posted, list_id: str) -> Response:
    """Give a reseller this list, or take it back to the one of all others."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        row = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        reseller = await find(session, form["email"])
        name = DEFAULT_LIST if form["do"] == "take" else row.name
        await service.assign(session, reseller.id, name, by=staff.by, at=staff.services.clock(), why=form["why"])
    return staff.go(f"/prices/{list_id}/resellers", "list_assigned", company=reseller.company, list=name)


async def _carried_out(staff: Visit, list_id: str, form: Form, draft: Draft) -> Response:
    """Change the list now or on a day; what was read is what is changed."""
    on = _when(form)
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        known = await price_desk.list_by_id(session, list_id, cap=_cap(staff))
        row = await service.price_list(session, cap=_cap(staff), name=known.name)
        if form["version"].isdecimal() and int(form["version"]) != row.version:
            since = [one for one in await versions.history(session, row) if one.version > int(form["version"])]
            return staff.page("price_conflict.html", status=409, row=row, since=since)
        made, found = await price_desk.carry_out(
            session,
            staff.services,
            staff.shop,
            draft,
            name=row.name,
            on=on,
            short_notice=form["short_notice"] == "yes",
            why=form["why"] or form["reason"],
            by=staff.by,
        )
        target = row.id
    if isinstance(made, PriceChange):
        return staff.go(f"/prices/{target}/planned", "change_planned")
    return staff.go(f"/prices/{target}", "list_changed" if found.changes else "list_same")


def _with_exception(form: Form, draft: Draft) -> Draft:
    if not form["exception_reason"].strip() and not form["exception_expires"]:
        return draft
    return price_desk.excepted(draft, form["exception_reason"], a_day(form, "exception_expires"))


def _list_page(staff: Visit, name: str, row: PriceListRow, tab: str, **more: Any) -> Response:
    leave = exception_of(row)
    at = f"/prices/{DEFAULT_LIST if row.name == DEFAULT_LIST else row.id}"
    return staff.page(name, row=row, at=at, tab=tab, leave=leave, **_common(staff), **more)


def _common(staff: Visit) -> dict[str, Any]:
    numbers = staff.shop.settings.program
    return {
        "cap": numbers.max_discount_percent,
        "notice_days": numbers.price_notice_days,
        "today": _today(staff),
        "scopes": [scope.name.lower() for scope in reversed(Scope)],
        "min_day": date.min,
    }


def _cap(staff: Visit) -> int:
    return staff.shop.settings.program.max_discount_percent


def _today(staff: Visit) -> date:
    return staff.services.today(staff.shop)


def _when(form: Form) -> date | None:
    return a_day(form, "effective_on") if form["effective_on"] else None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("on: give a day like 2026-12-31.", code="day") from None


def a_rate(form: Form) -> Decimal:
    """A percentage of a form, written like 7.5 or 7,5. Raises InvalidInput that names the field."""
    try:
        found = Decimal(form["rate"].strip().removesuffix("%").strip().replace(",", "."))
        if not found.is_finite() or abs(found.adjusted()) > 9:
            raise InvalidOperation
        return shortest(found)
    except InvalidOperation:
        raise InvalidInput(f"rate: {form['rate']!r} is not a percentage like 7.5.", code="rate") from None


PAGE = Page("/prices", "nav_prices", Permission.PRODUCTS, router, uploads=("/prices/import",))
