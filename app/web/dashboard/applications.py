"""Applications: the list of those that wait, and one with what to look at, to be approved, rejected or asked for more."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.errors import Conflict, InvalidInput, NotFound
from app.files.service import content, of_application
from app.orders import applications
from app.resellers import review
from app.resellers.application import WAITING, missing
from app.resellers.roles import Role
from app.resellers.tables import Application
from app.web.dashboard.visit import Posted, UserStaff
from app.web.forms import Form

router = APIRouter()
SHOWN = 100
"""Applications that wait, shown at once; more of them are a day's work."""


async def count_waiting(session: AsyncSession) -> int:
    """How many wait for a decision or the applicant's answer."""
    return await session.scalar(select(func.count(Application.id)).where(Application.state.in_(sorted(WAITING)))) or 0


@router.get("/resellers/applications")
async def waiting(staff: UserStaff) -> Response:
    """Those that wait, the longest first."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows = (await review.list_all(session, sorted(WAITING)))[:SHOWN]
    return staff.page("applications.html", rows=rows)


@router.get("/resellers/applications/{application_id}")
async def one(staff: UserStaff, application_id: str) -> Response:
    """What it says, what to look at, who may be the same company, and what happened to it."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await review.get(session, application_id)
        return staff.page(
            "application.html",
            row=row,
            open=row.state in set(WAITING),
            lacks=missing(row, email_confirmed=True),
            checks=await review.look_at(session, row),
            same=await review.proposals(session, row) if row.state in set(WAITING) else [],
            files=await of_application(session, row.id),
            roles=[(role.value, staff.speech.state("role", role.value)) for role in Role],
            history=list(reversed(await review.history(session, row.id))),
        )


@router.post("/resellers/applications/{application_id}")
async def decide(staff: UserStaff, form: Posted, application_id: str) -> Response:
    """Approve, reject or ask. What was read is what is decided about: somebody else's change is shown first."""
    services, shop, by = staff.services, staff.shop, staff.by
    version = int(form["version"]) if form["version"].isdecimal() else None
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            match form["do"]:
                case "approve":
                    link, separate = form["link_to"], form["link_to"] == "separate"
                    reseller = await applications.approve(
                        session,
                        services,
                        shop,
                        application_id,
                        by=by,
                        version=version,
                        link_to="" if separate else link,
                        # A reseller of its own has the applicant as its owner.
                        role=_role(form) if link and not separate else None,
                        separate=separate,
                    )
                    target = f"/resellers/{reseller.id}"
                case "reject":
                    await applications.reject(
                        session, services, shop, application_id, by=by, reason=form["reason"], version=version
                    )
                    target = f"/resellers/applications/{application_id}"
                case "ask":
                    await applications.ask_more(
                        session, services, shop, application_id, by=by, reason=form["reason"], version=version
                    )
                    target = f"/resellers/applications/{application_id}"
                case _:
                    raise InvalidInput("Choose what to decide.", code="form")
    except Conflict as error:
        return await _both(staff, application_id, error)
    return staff.go(target, f"application_{form['do']}")


@router.get("/resellers/applications/{application_id}/evidence/{file_id}")
async def evidence(staff: UserStaff, application_id: str, file_id: str) -> Response:
    """A file of the application, to be saved."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        files = await of_application(session, (await review.get(session, application_id)).id)
    found = next((file for file in files if file.id == file_id), None)
    if found is None:
        raise NotFound("There is no such file.", code="no_file")
    return staff.file(await content(staff.services.files, found), found.media_type, found.name)


def _role(form: Form) -> Role:
    if form["role"] not in set(Role):
        raise InvalidInput("role: choose what the account may do at the reseller.", code="no_role")
    return Role(form["role"])


async def _both(staff: UserStaff, application_id: str, error: Conflict) -> Response:
    """What somebody else did meanwhile, beside the form with what was typed."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await review.get(session, application_id)
        last = (await review.history(session, row.id))[-1:]
    return staff.page("application_conflict.html", status=error.status, error=error, row=row, last=last)
