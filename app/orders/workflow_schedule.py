"""Durable work that time asks for: reconciliation, expired decisions, certificates, price changes, checks of listings.

Each begins in all shops at once and goes on in every shop apart from the others, so that one that is down keeps nobody waiting.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from dbos import DBOS

from app.files.service import sweep
from app.orders import attend, certificates, obligations, reconciling
from app.orders import price_changes as planned_prices
from app.orders.check import show_contradictions
from app.orders.durable import RETRY, for_each_shop, services, shop_of
from app.orders.purge import purge_due
from app.orders.retention import forget_abandoned
from app.orders.service import ended_decisions
from app.orders.stuck import show_stuck
from app.orders.workflow_orders import open_gate
from app.tax.flat_rates import copy_flat_rates

log = structlog.get_logger()

LISTING_ROUNDS = FORGET_ROUNDS = 20
QUIET_HOUR = 3
RECONCILE_OVERLAP = timedelta(minutes=10)


@DBOS.workflow(name="reconcile")
async def reconcile(scheduled: datetime, context: object) -> None:
    """Attend every order that changed since the last run: Saleor can lose deliveries (saleor-facts 2)."""
    await for_each_shop("reconcile_shop", scheduled.isoformat())
    await forget_finished(scheduled.isoformat())


@DBOS.workflow(name="reconcile_shop")
async def reconcile_shop(tenant_id: str, run: str) -> None:
    """One shop's part: apart from the others, so that one that is down keeps nobody waiting."""
    await refresh_flat_rates(tenant_id)
    await attend_changed(tenant_id, run)
    await compare_recent_money(tenant_id)
    await check_books(tenant_id)


@DBOS.workflow(name="look_again")
async def look_again(scheduled: datetime, context: object) -> None:
    """Gates that time opens (a hold that expired), and work that gave up while a server was away."""
    await for_each_shop("look_again_in_shop", scheduled.isoformat())


@DBOS.workflow(name="look_again_in_shop")
async def look_again_in_shop(tenant_id: str, run: str) -> None:
    """One shop's part, work that gave up first: it is shown to staff and runs again."""
    await run_stuck_again(tenant_id)
    for order_id in await order_ids_with_ended_decisions(tenant_id):
        await open_gate(tenant_id, order_id)


@DBOS.workflow(name="look_after")
async def look_after(scheduled: datetime, context: object) -> None:
    """What days do: certificates end, their resellers are reminded, staff look again; hourly, for the day ends state by state."""
    await for_each_shop("look_after_shop", scheduled.isoformat())
    await purge_removed_shops(scheduled.isoformat())


@DBOS.workflow(name="look_after_shop")
async def look_after_shop(tenant_id: str, run: str) -> None:
    """One shop's part; what was due while nobody worked is done now."""
    await look_after_certificates(tenant_id)
    await sweep_files(tenant_id)
    await forget_what_was_left(tenant_id)


@DBOS.workflow(name="price_changes")
async def price_changes(scheduled: datetime, context: object) -> None:
    """Planned price changes: announced when their time comes, in force from the vendor's midnight (`rules.md` 2.6)."""
    await for_each_shop("price_changes_in_shop", scheduled.isoformat())


@DBOS.workflow(name="price_changes_in_shop")
async def price_changes_in_shop(tenant_id: str, run: str) -> None:
    """One shop's part: what is to be told first, so that no change comes before its mail."""
    while await tell_price_changes(tenant_id):
        pass
    await carry_out_price_changes(tenant_id)


@DBOS.workflow(name="check_listings")
async def check_listings(scheduled: datetime, context: object) -> None:
    """Product listings that were not looked at for some days, and resellers that name none (`rules.md` 1.4)."""
    await for_each_shop("check_listings_in_shop", scheduled.isoformat())


@DBOS.workflow(name="check_listings_in_shop")
async def check_listings_in_shop(tenant_id: str, run: str) -> None:
    """One shop's part, as many as an hour takes; the rest is due still at the next run."""
    for _ in range(LISTING_ROUNDS):
        if not await check_some_listings(tenant_id):
            return


# Steps: each one transaction of ours, or one conversation with Saleor.


@DBOS.step(name="check_books", **RETRY)
async def check_books(tenant_id: str) -> int:
    """Ask what `reseller check` asks, and show staff what contradicts."""
    async with services().database.tenant(tenant_id) as session:
        return await show_contradictions(session, services().clock())


@DBOS.step(name="compare_recent_money", **RETRY)
async def compare_recent_money(tenant_id: str) -> int:
    """Compare what Saleor shows of the orders whose money moved lately with the ledger; how many differ."""
    found = await reconciling.compare_recent(services(), await shop_of(tenant_id))
    return sum(bool(each.differences) for each in found)


@DBOS.step(name="refresh_flat_rates", **RETRY)
async def refresh_flat_rates(tenant_id: str) -> bool:
    shop = await shop_of(tenant_id)
    return await copy_flat_rates(services().database, tenant_id, await services().shops.client(shop))


@DBOS.step(name="forget_finished", **RETRY)
async def forget_finished(run: str) -> int:
    return await services().jobs.forget(datetime.fromisoformat(run) - timedelta(services().settings.workflow_days))


@DBOS.step(name="purge_removed_shops", **RETRY)
async def purge_removed_shops(run: str) -> int:
    return len(await purge_due(services()))


@DBOS.step(name="attend_changed", **RETRY)
async def attend_changed(tenant_id: str, run: str) -> int:
    return await attend.attend_changed(services(), await shop_of(tenant_id), run, RECONCILE_OVERLAP)


@DBOS.step(name="order_ids_with_ended_decisions", **RETRY)
async def order_ids_with_ended_decisions(tenant_id: str) -> list[str]:
    async with services().database.tenant_reading(tenant_id) as session:
        return await ended_decisions(session, services().clock())


@DBOS.step(name="tell_price_changes", **RETRY)
async def tell_price_changes(tenant_id: str) -> int:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        return await planned_prices.tell(session, services(), shop)


@DBOS.step(name="carry_out_price_changes", **RETRY)
async def carry_out_price_changes(tenant_id: str) -> int:
    return await planned_prices.carry_out(services(), await shop_of(tenant_id))


@DBOS.step(name="check_some_listings", **RETRY)
async def check_some_listings(tenant_id: str) -> int:
    shop = await shop_of(tenant_id)
    return await obligations.check_listings(services(), shop) + await obligations.ask_for_listings(services(), shop)


@DBOS.step(name="run_stuck_again", **RETRY)
async def run_stuck_again(tenant_id: str) -> int:
    stuck = await services().jobs.stuck(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await show_stuck(session, stuck, services().clock())
    for work in stuck:
        log.warning("work.runs_again", workflow=work["workflow"], id=work["id"], error=work["error"])
        await services().jobs.run_again(work["id"], work["partition"] or work["id"])
    return len(stuck)


@DBOS.step(name="look_after_certificates", **RETRY)
async def look_after_certificates(tenant_id: str) -> int:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        done = await certificates.look_after(session, services(), shop)
    return len(done.expired) + len(done.reminded) + len(done.to_review)


@DBOS.step(name="sweep_files", **RETRY)
async def sweep_files(tenant_id: str) -> int:
    return await sweep(services().database, services().files, tenant_id, services().clock())


@DBOS.step(name="forget_what_was_left", **RETRY)
async def forget_what_was_left(tenant_id: str) -> int:
    now, count = services().clock(), 0
    if now.hour != QUIET_HOUR:  # It looks through all sessions there are; once a day is soon enough.
        return 0
    before = now - timedelta(services().settings.abandoned_days)
    for _ in range(FORGET_ROUNDS):
        async with services().database.tenant(tenant_id) as session:
            found = await forget_abandoned(session, before)
        count += found
        if not found:
            break
    return count
