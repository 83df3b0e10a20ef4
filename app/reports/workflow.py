"""Sums for reports on DBOS: every quarter of an hour, and when staff ask for it. Each step makes whole rows anew, so that it can
be repeated; a killed worker goes on with the resellers that were left."""

from __future__ import annotations

from datetime import datetime

from dbos import DBOS

from app.db.bulk import chunks
from app.orders.durable import RETRY, for_each_shop, services
from app.reports import service


def schedule() -> None:
    """Let the worker of this process keep the sums. After `orders.workflow.start`."""
    DBOS.apply_schedules([{"schedule_name": "reports", "workflow_fn": reports, "schedule": "7-59/15 * * * *"}])


@DBOS.workflow(name="reports")
async def reports(scheduled: datetime, context: object) -> None:
    """The sums of every shop."""
    await for_each_shop("reports_in_shop", scheduled.isoformat())


@DBOS.workflow(name="reports_in_shop")
async def reports_in_shop(tenant_id: str, run: str) -> int:
    """One shop's part; of how many resellers."""
    at, ids = await begin_reports(tenant_id)
    for part in chunks(ids, service.PART):
        await sum_up_reports(tenant_id, list(part))
    await finish_reports(tenant_id, at, bool(ids))
    return len(ids)


@DBOS.step(name="begin_reports", **RETRY)
async def begin_reports(tenant_id: str) -> tuple[str, list[str]]:
    at = services().clock()
    async with services().database.tenant_reading(tenant_id) as session:
        return at.isoformat(), await service.begin(session)


@DBOS.step(name="sum_up_reports", **RETRY)
async def sum_up_reports(tenant_id: str, reseller_ids: list[str]) -> None:
    async with services().database.tenant(tenant_id) as session:
        await service.sum_up(session, reseller_ids)


@DBOS.step(name="finish_reports", **RETRY)
async def finish_reports(tenant_id: str, at: str, changed: bool) -> None:
    async with services().database.tenant(tenant_id) as session:
        await service.finish(session, datetime.fromisoformat(at), changed=changed)
