"""Health: the installation check with what can be put right at once, and durable work that gave up."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.orders import doctor
from app.orders.installation import Severity
from app.orders.stuck import run_again
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import AppStaff, Posted, Visit

router = APIRouter()
ORDER = (Severity.ERROR, Severity.WARNING, Severity.OK)


@router.get("/health")
async def show(staff: AppStaff) -> Response:
    """What is stuck; the check itself asks the shop and is loaded beside it."""
    stuck = await staff.services.jobs.stuck(staff.shop.tenant_id)
    return staff.page("health.html", stuck=stuck)


@router.get("/health/check")
async def check(staff: AppStaff) -> Response:
    """The installation as it is now, the worst first."""
    return await _checked(staff, [])


@router.post("/health/fix")
async def fix(staff: AppStaff, form: Posted) -> Response:
    """Put right what the app may, and say what was done or refused."""
    return await _checked(staff, await doctor.fix(staff.services, staff.shop))


@router.post("/health/again")
async def again(staff: AppStaff, form: Posted) -> Response:
    """Run work that gave up once more."""
    await run_again(staff.services, staff.shop.tenant_id, form["work"])
    return staff.go("/health", "work_again")


async def _checked(staff: Visit, repairs: list[doctor.Repair]) -> Response:
    found = await doctor.examine(staff.services, staff.shop)
    rows = sorted(found, key=lambda finding: ORDER.index(finding.severity))
    wrong = [row for row in rows if row.severity != Severity.OK]
    return staff.page("health_check.html", wrong=wrong, right=rows[len(wrong) :], repairs=repairs)


PAGE = Page("/health", "nav_health", Permission.APPS, router)
