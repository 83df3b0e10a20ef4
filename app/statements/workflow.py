"""The durable month on DBOS: runs that are begun when they are due, one workflow per reseller and month, and reminders.

Every step can be repeated: a run's snapshot is fixed, statements are once by their unique key, their files are made from what was
frozen, and mails and reminders are once by their keys. What a killed worker left behind goes on at the next start.
"""

from __future__ import annotations

from datetime import datetime

from dbos import DBOS

from app.orders.durable import RETRY, for_each_shop, services
from app.statements import drawing, part, reminders, service
from app.statements.rules import Period


def schedule() -> None:
    """Let the worker of this process look for months that are due and debts to remind of. After `orders.workflow.start`."""
    DBOS.apply_schedules(
        [
            # Every midnight of the world is at a quarter of an hour; what is due is asked of the database.
            {"schedule_name": "statements", "workflow_fn": statements, "schedule": "*/15 * * * *"},
            {"schedule_name": "reminders", "workflow_fn": remind_all, "schedule": "47 * * * *"},
        ]
    )


@DBOS.workflow(name="statements")
async def statements(scheduled: datetime, context: object) -> None:
    """The statements of a month that has ended, in every shop by its own midnight (`rules.md` 7)."""
    await for_each_shop("statements_in_shop", scheduled.isoformat())


@DBOS.workflow(name="statements_in_shop")
async def statements_in_shop(tenant_id: str, run: str) -> int:
    """One shop's part: the months that are due and not all asked for yet, the oldest first (edge case 72)."""
    asked = 0
    for period in await begin_statements(tenant_id):
        asked += await ask_for_statements(tenant_id, period)
    return asked


@DBOS.workflow(name="make_part")
async def make_part(tenant_id: str, reseller_ids: str, period: str) -> int:
    """The statements of some resellers of a month: frozen, printed, mailed; how many resellers got some."""
    drawn = await draw_up_statements(tenant_id, reseller_ids, period)
    if not drawn:
        return 0
    printed = await print_statements(tenant_id, drawn, period)
    await mail_statements(tenant_id, printed, period)
    return len(printed)


@DBOS.workflow(name="make_statements")
async def make_statements(tenant_id: str, reseller_id: str, period: str) -> int:
    """One reseller's statements of a month, apart from the others because something of its own went wrong among them."""
    return await make_statements_of(tenant_id, reseller_id, period)


@DBOS.workflow(name="reminders")
async def remind_all(scheduled: datetime, context: object) -> None:
    """Reminders of what is due, hourly: quiet hours are the vendor's."""
    await for_each_shop("reminders_in_shop", scheduled.isoformat())


@DBOS.workflow(name="reminders_in_shop")
async def reminders_in_shop(tenant_id: str, run: str) -> int:
    """One shop's part, reseller by reseller."""
    return await remind_resellers(tenant_id)


@DBOS.step(name="begin_statements", **RETRY)
async def begin_statements(tenant_id: str) -> list[str]:
    shop = await services().shops.by_tenant(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        return [str(period) for period in await service.begin(session, services(), shop)]


@DBOS.step(name="ask_for_statements", **RETRY)
async def ask_for_statements(tenant_id: str, period: str) -> int:
    return await service.ask_for_all(services(), await services().shops.by_tenant(tenant_id), Period.parse(period))


@DBOS.step(name="draw_up_statements", **RETRY)
async def draw_up_statements(tenant_id: str, reseller_ids: str, period: str) -> part.Drawn:
    shop = await services().shops.by_tenant(tenant_id)
    return await part.draw_up_part(services(), shop, reseller_ids.split(","), Period.parse(period))


@DBOS.step(name="print_statements", **RETRY)
async def print_statements(tenant_id: str, drawn: part.Drawn, period: str) -> list[str]:
    shop = await services().shops.by_tenant(tenant_id)
    return await part.print_part(services(), shop, drawn, Period.parse(period))


@DBOS.step(name="mail_statements", **RETRY)
async def mail_statements(tenant_id: str, reseller_ids: list[str], period: str) -> int:
    shop = await services().shops.by_tenant(tenant_id)
    return await part.mail_part(services(), shop, reseller_ids, Period.parse(period))


@DBOS.step(name="make_statements_of", **RETRY)
async def make_statements_of(tenant_id: str, reseller_id: str, period: str) -> int:
    shop = await services().shops.by_tenant(tenant_id)
    month = Period.parse(period)
    async with services().database.tenant(tenant_id) as session:
        made = await drawing.draw_up(session, services(), shop, reseller_id, month)
    for statement_id in made:
        await drawing.print_statement(services().database, shop, statement_id)
    async with services().database.tenant(tenant_id) as session:
        await drawing.mail_statements(session, services(), shop, reseller_id, month)
    return len(made)


@DBOS.step(name="remind_resellers", **RETRY)
async def remind_resellers(tenant_id: str) -> int:
    shop = await services().shops.by_tenant(tenant_id)
    async with services().database.tenant_reading(tenant_id) as session:
        waiting = await reminders.resellers_to_remind(session, services(), shop)
    told = 0
    for reseller_id in waiting:
        async with services().database.tenant(tenant_id) as session:
            told += await reminders.remind(session, services(), shop, reseller_id)
    return told
