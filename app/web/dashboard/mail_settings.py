"""Mails in the settings: the server tried with a test to oneself, and the templates with how their mails look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response

from app.errors import InvalidInput
from app.mail import overrides
from app.mail.markup import SUFFIX, Fault
from app.mail.overrides import TemplateChanged, WrongTemplate
from app.mail.preview import Preview, preview
from app.mail.rules import LAYOUT
from app.mail.schemas import MailKind
from app.mail.service import waiting
from app.mail.transport import server_of
from app.orders.mail_trial import send_trial
from app.orders.mails import look_of
from app.orders.record import finish_task
from app.web.dashboard.permissions import Permission
from app.web.dashboard.session import HEADER
from app.web.dashboard.visit import AppStaff, Posted, Visit, path_part, visit_of
from app.web.forms import Form, read_form

router = APIRouter(prefix="/settings/mails")
FRAME = "/settings/mails/frame"
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""Of a mail in its frame: its own styles and pictures, no script, no form, no address of anybody."""
AROUND = 2
"""Lines shown before and after a wrong one."""


@dataclass(frozen=True, slots=True)
class Around:
    """A line of a source beside the wrong one."""

    number: int
    text: str
    wrong: bool


@router.get("")
async def mails(staff: AppStaff) -> Response:
    """Where mails go, the form that tries it, and every template."""
    services = staff.services
    async with services.database.tenant_reading(staff.shop.tenant_id) as session:
        known = {one.name: one for one in await overrides.listed(session)}
        count, _ = await waiting(session)
    return staff.page(
        "settings_mails.html",
        tab="mailing",
        server=server_of(services.settings),
        folder=services.settings.mail_directory,
        sender=services.settings.mail_from,
        queued=count,
        by=staff.by,
        kinds=[*MailKind],
        layout=LAYOUT,
        known=known,
    )


@router.post("/test")
async def try_server(staff: AppStaff, form: Posted) -> Response:
    """Send a test to the reader's own address, and say what the server answered."""
    trial = await send_trial(staff.services, staff.shop, staff.by, staff.language)
    return staff.page("settings_mail_tried.html", trial=trial, server=server_of(staff.services.settings))


@router.get("/templates/{name}")
async def template(staff: AppStaff, name: str) -> Response:
    """A template: how its mail looks, and its source to be changed."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        source, own = await overrides.source_of(session, name)
        known = next(one for one in await overrides.listed(session) if one.name == name)
        shown = await _preview(staff, session, name, None)
    return staff.page(
        "settings_mail.html",
        tab="mailing",
        template=name,
        source=source,
        mark=overrides.mark(source),
        own=own,
        known=known,
        built_in=overrides.built_in(name),
        longest=overrides.MAX_SOURCE,
        shown=shown,
        tried=None,
        lines=[(fault, _around(fault, source)) for fault in shown.faults],
        file_name=f"{name}{SUFFIX}",
    )


@router.post("/templates/{name}")
async def change(staff: AppStaff, form: Posted, name: str) -> Response:
    """Show what a source makes, put it in force, or take the built-in one again. What is wrong is told with its line."""
    do, at = form["do"], f"/settings/mails/templates/{path_part(overrides.known(name))}"
    # Forms send line ends of their own kind; the source has one kind.
    source = form["source"].replace("\r\n", "\n")
    try:
        async with staff.services.database.tenant(staff.shop.tenant_id) as session:
            if do == "try":
                shown = await _preview(staff, session, name, source)
                answer = staff.page("settings_mail_preview.html", shown=shown, tried=source)
                answer.headers["HX-Retarget"] = "#shown"
                return answer
            if do == "set":
                now = staff.services.clock()
                await overrides.set_template(session, name, source, by=staff.by, at=now, unchanged=form["mark"])
            elif do == "reset":
                await overrides.reset_template(session, name)
            else:
                raise InvalidInput("Choose what to do with the template.", code="form")
            await finish_task(session, f"template:{name}", staff.services.clock())
    except WrongTemplate as error:
        return staff.page(
            "settings_mail_wrong.html", status=error.status, fault=error.fault, lines=_around(error.fault, source), template=name
        )
    except TemplateChanged as error:
        return staff.page("settings_mail_changed.html", status=error.status, source=error.source, at=at)
    return staff.go(at, f"template_{do}")


async def in_frame(request: Request) -> AsyncIterator[tuple[Visit, Form]]:
    """The visit of a form that a frame is filled by: no script sends it, so its session is a field. Raises SessionOver."""
    async with read_form(request) as form:
        visit = visit_of(request, form["session"] or request.headers.get(HEADER, ""))
        visit.need(Permission.APPS)
        yield visit, form


@router.post("/frame")
async def frame(asked: Annotated[tuple[Visit, Form], Depends(in_frame)]) -> Response:
    """A mail alone, for a sandboxed frame: of the template in force, or of a source that is tried."""
    staff, form = asked
    source = form["source"].replace("\r\n", "\n")
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        shown = await _preview(staff, session, form["name"], source or None)
    staff.request.state.policy = FRAME_POLICY
    return HTMLResponse(shown.html)


async def _preview(staff: Visit, session: AsyncSession, name: str, source: str | None) -> Preview:
    """How a template's mail looks in the shop; the layout in the reader's language. Raises as `mail.preview.preview`."""
    own, settings = await overrides.own_templates(session), staff.shop.settings
    return preview(overrides.known(name), staff.language, own, look_of(staff.services, staff.shop), settings.seller, source)


def _around(fault: Fault, source: str) -> list[Around]:
    """The wrong line of a source between its neighbors; none where the fault names none."""
    lines = source.splitlines()
    if not 0 < fault.line <= len(lines):
        return []
    first, last = max(1, fault.line - AROUND), min(len(lines), fault.line + AROUND)
    return [Around(number, lines[number - 1], number == fault.line) for number in range(first, last + 1)]
