"""The durable story of an order on DBOS: attend, money came, release, deliver mail, and the hourly reconciliation.

An order that waits is a state, not a sleeping workflow: `attend_order` ends at the gate, and `release_order` is started, once, by
whatever opens it, in the same transaction. Every step can be repeated: database steps by unique keys and row locks, Saleor steps
because they look first or because Saleor takes the same key once. Workflows of one order share a queue partition and run one
after the other.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import structlog
from dbos import DBOS
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app import tracing
from app.db.bulk import chunks
from app.db.jobs import QUEUE, system_url
from app.errors import Unavailable
from app.files.service import sweep
from app.mail import service as mail
from app.mail.tables import Mail
from app.orders import attend, certificates, customers, documents, mirror, obligations, release
from app.orders import price_changes as planned_prices
from app.orders.check import show_contradictions
from app.orders.intake import record
from app.orders.mails import note_failure
from app.orders.purge import purge_due
from app.orders.service import confirm_order, decide_release, ended_decisions, lock_order, pending_reports, waiting_orders
from app.orders.services import Services
from app.orders.stuck import show_stuck
from app.orders.tables import ResellerOrder
from app.saleor.answers import SaleorOrder
from app.saleor.client import SaleorUnreachable
from app.saleor.shops import Shop
from app.tax.flat_rates import copy_flat_rates

log = structlog.get_logger()
_services: Services | None = None

STOP_SECONDS = 10
LISTING_ROUNDS = 20
RECONCILE_OVERLAP = timedelta(minutes=10)


def services() -> Services:
    """What the steps of this process work with. Raises RuntimeError before `start`."""
    if _services is None:
        raise RuntimeError("the worker was not started")
    return _services


async def start(opened: Services) -> None:
    """Make this process a worker: what its last run left behind goes on. Call it on the loop that opened `opened`."""
    global _services
    _services = opened
    settings = opened.settings
    DBOS(
        config={
            "name": opened.jobs.application,
            "system_database_url": system_url(settings.database_url),
            "application_version": "1",
            "executor_id": settings.worker_id,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.2,
            # Its spans go where `tracing` sends ours.
            "enable_otlp": tracing.on(),
            "otel_attribute_format": "semconv",
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, partition_concurrency=1, worker_concurrency=16, polling_interval_sec=0.1)
    DBOS.apply_schedules(
        [
            {"schedule_name": "reconcile", "workflow_fn": reconcile, "schedule": "17 * * * *"},
            {"schedule_name": "look_again", "workflow_fn": look_again, "schedule": "*/5 * * * *"},
            {"schedule_name": "look_after", "workflow_fn": look_after, "schedule": "37 * * * *"},
            {"schedule_name": "check_listings", "workflow_fn": check_listings, "schedule": "53 * * * *"},
            # Every midnight of the world is at a quarter of an hour.
            {"schedule_name": "price_changes", "workflow_fn": price_changes, "schedule": "*/15 * * * *"},
        ]
    )


def stop() -> None:
    """End the worker once the steps it is in are through; the rest goes on at the next start. Not on the loop of the steps."""
    global _services
    DBOS.destroy(workflow_completion_timeout_sec=STOP_SECONDS)
    _services = None


async def retryable(error: BaseException) -> bool:
    """Whether a later try may help: the shop or a server of ours is away. Anything else must be seen at once."""
    return isinstance(error, (SaleorUnreachable, Unavailable, OperationalError))


RETRY: dict[str, Any] = {
    "retries_allowed": True,
    "interval_seconds": 1.0,
    "backoff_rate": 2.0,
    "max_attempts": 9,
    "should_retry": retryable,
}


@DBOS.workflow(name="attend_order")
async def attend_order(tenant_id: str, saleor_order_id: str, occasion: str) -> str:
    """Bring our record of an order up to what Saleor says of it, whatever the occasion; the answer says what it came to."""
    if occasion not in attend.FIRST_SIGHT and not await is_known(tenant_id, saleor_order_id):
        return "unknown"
    order = await read_order(tenant_id, saleor_order_id)
    if order is None:
        return "gone"
    order_id = await record_order(tenant_id, order)
    if order_id is None:
        return await confirm_other(tenant_id, order)
    if await needs_confirmation(tenant_id, order_id):
        await confirm_in_saleor(tenant_id, order)
        await mark_confirmed(tenant_id, order_id)
    await follow(tenant_id, order_id, order)
    await cancel_early_fulfillments(tenant_id, order_id, order)
    await refund_other_gateways(tenant_id, order_id, order)
    await tell_saleor(tenant_id, order_id)
    return "released" if await open_gate(tenant_id, order_id) else "attended"


@DBOS.workflow(name="money_came")
async def money_came(tenant_id: str, order_id: str) -> int:
    """A wire was booked: report it to Saleor, and look at the gate of every order of that reseller (`architecture.md`)."""
    for report_id in await unreported(tenant_id, order_id):
        await report_money(tenant_id, report_id)
    # Before the gates: only what went out on account waits for this; a release that begins now fulfills after its licenses.
    await fulfill(tenant_id, order_id)
    opened = [waiting for waiting in await waiting_order_ids(tenant_id, order_id) if await open_gate(tenant_id, waiting)]
    if order_id not in opened:
        # Its release would tell it a second time, and the license waits for nothing as long as for the shop's answers.
        await tell_saleor(tenant_id, order_id)
    return len(opened)


@DBOS.workflow(name="money_came_for")
async def money_came_for(tenant_id: str, batch: str, order_ids: str) -> int:
    """Many orders' money was booked at once: each goes its own way, `money_came`."""
    return await ask_for_each_order(tenant_id, batch, order_ids)


@DBOS.workflow(name="release_order")
async def release_order(tenant_id: str, order_id: str) -> None:
    """The license goes out: account, licenses, invoice, two mails, fulfillment, and what staff see of it (`rules.md` 8)."""
    if not await still_goes_out(tenant_id, order_id):
        return
    await find_or_create_customer(tenant_id, order_id)
    await issue_licenses(tenant_id, order_id)
    await issue_invoice(tenant_id, order_id)
    await queue_release_mails(tenant_id, order_id)
    await fulfill(tenant_id, order_id)
    await finish_release(tenant_id, order_id)
    await offer_invoice(tenant_id, order_id)
    await tell_saleor(tenant_id, order_id)


@DBOS.workflow(name="credit_invoice")
async def credit_invoice(tenant_id: str, order_id: str, occasion: str, why: str, minor: str) -> bool:
    """The order was canceled, or money sent back, after its invoice: a credit note corrects it, by all that is left for ""."""
    if not await issue_credit_note(tenant_id, order_id, occasion, why, minor):
        return False
    await offer_invoice(tenant_id, order_id)
    return True


@DBOS.workflow(name="answer_invoice_request")
async def answer_invoice_request(tenant_id: str, saleor_order_id: str, invoice_id: str) -> str:
    """Somebody asked Saleor for an order's invoice."""
    return await answer_request(tenant_id, saleor_order_id, invoice_id)


@DBOS.workflow(name="correct_ship_to")
async def correct_ship_to(tenant_id: str, order_id: str) -> None:
    """Staff corrected the end customer's address after the release: its licenses go to the right account (edge case 29)."""
    await find_or_create_customer(tenant_id, order_id)
    await tell_saleor(tenant_id, order_id)


@DBOS.workflow(name="attend_customer")
async def attend_customer(tenant_id: str, saleor_user_id: str, event: str) -> str:
    """An account changed or was deleted in Saleor."""
    return await follow_customer(tenant_id, saleor_user_id, event)


@DBOS.workflow(name="mirror_standing")
async def mirror_standing(tenant_id: str, reseller_id: str) -> int:
    """Somebody decided about a reseller: show where it stands on its accounts in Saleor."""
    return await write_standing(tenant_id, reseller_id)


@DBOS.workflow(name="mirror_account")
async def mirror_account(tenant_id: str, saleor_user_id: str) -> int:
    """An account was taken out of a reseller: show it there."""
    return await write_account(tenant_id, saleor_user_id)


@DBOS.workflow(name="deliver_mail")
async def deliver_mail(tenant_id: str, mail_id: str) -> str:
    """Hand one mail to the mail server, until it takes or refuses it."""
    return await send_mail(tenant_id, mail_id)


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
    """Product listings that were not looked at for some days (`rules.md` 1.4)."""
    await for_each_shop("check_listings_in_shop", scheduled.isoformat())


@DBOS.workflow(name="check_listings_in_shop")
async def check_listings_in_shop(tenant_id: str, run: str) -> None:
    """One shop's part, as many as an hour takes; the rest is due still at the next run."""
    for _ in range(LISTING_ROUNDS):
        if not await check_some_listings(tenant_id):
            return


# Steps: each one transaction of ours, or one conversation with Saleor.


@DBOS.step(name="is_known", **RETRY)
async def is_known(tenant_id: str, saleor_order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        query = select(ResellerOrder.id).where(ResellerOrder.saleor_order_id == saleor_order_id)
        return await session.scalar(query) is not None


@DBOS.step(name="read_order", **RETRY)
async def read_order(tenant_id: str, saleor_order_id: str) -> str | None:
    order = await attend.read_order(services(), await _shop(tenant_id), saleor_order_id)
    return order.model_dump_json(by_alias=True) if order is not None else None


@DBOS.step(name="record_order", **RETRY)
async def record_order(tenant_id: str, order: str) -> str | None:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        row = await record(session, services(), shop, SaleorOrder.model_validate_json(order))
        return row.id if row is not None else None


@DBOS.step(name="confirm_other", **RETRY)
async def confirm_other(tenant_id: str, order: str) -> str:
    return await attend.confirm_other(services(), await _shop(tenant_id), SaleorOrder.model_validate_json(order))


@DBOS.step(name="needs_confirmation", **RETRY)
async def needs_confirmation(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        return row.audit_passed and row.confirmed_at is None and row.canceled_at is None


@DBOS.step(name="confirm_in_saleor", **RETRY)
async def confirm_in_saleor(tenant_id: str, order: str) -> None:
    await attend.confirm(services(), await _shop(tenant_id), SaleorOrder.model_validate_json(order).id)


@DBOS.step(name="mark_confirmed", **RETRY)
async def mark_confirmed(tenant_id: str, order_id: str) -> None:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await confirm_order(session, order_id, services().clock())
        await release.queue_order_received(session, services(), shop, order_id)


@DBOS.step(name="follow", **RETRY)
async def follow(tenant_id: str, order_id: str, order: str) -> None:
    async with services().database.tenant(tenant_id) as session:
        await attend.follow(session, services(), await _shop(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="cancel_early_fulfillments", **RETRY)
async def cancel_early_fulfillments(tenant_id: str, order_id: str, order: str) -> None:
    await attend.cancel_early_fulfillments(services(), await _shop(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="refund_other_gateways", **RETRY)
async def refund_other_gateways(tenant_id: str, order_id: str, order: str) -> None:
    await attend.refund_other_gateways(services(), await _shop(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="tell_saleor", **RETRY)
async def tell_saleor(tenant_id: str, order_id: str) -> None:
    await attend.tell_saleor(services(), await _shop(tenant_id), order_id)


@DBOS.step(name="open_gate", **RETRY)
async def open_gate(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        return await decide_release(session, services(), tenant_id, order_id)


@DBOS.step(name="unreported", **RETRY)
async def unreported(tenant_id: str, order_id: str) -> list[str]:
    async with services().database.tenant(tenant_id) as session:
        return [report.id for report in await pending_reports(session, order_id)]


@DBOS.step(name="report_money", **RETRY)
async def report_money(tenant_id: str, report_id: str) -> None:
    await attend.report_money(services(), await _shop(tenant_id), report_id)


@DBOS.step(name="waiting_order_ids", **RETRY)
async def waiting_order_ids(tenant_id: str, order_id: str) -> list[str]:
    async with services().database.tenant(tenant_id) as session:
        reseller_id = await session.scalar(select(ResellerOrder.reseller_id).where(ResellerOrder.id == order_id))
        return [row.id for row in await waiting_orders(session, reseller_id)] if reseller_id else []


@DBOS.step(name="still_goes_out", **RETRY)
async def still_goes_out(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        return (await lock_order(session, order_id)).canceled_at is None


@DBOS.step(name="find_or_create_customer", **RETRY)
async def find_or_create_customer(tenant_id: str, order_id: str) -> None:
    await customers.find_or_create_customer(services(), await _shop(tenant_id), order_id)


@DBOS.step(name="follow_customer", **RETRY)
async def follow_customer(tenant_id: str, saleor_user_id: str, event: str) -> str:
    return await customers.attend_customer(services(), await _shop(tenant_id), saleor_user_id, event)


@DBOS.step(name="write_standing", **RETRY)
async def write_standing(tenant_id: str, reseller_id: str) -> int:
    return await mirror.mirror_standing(services(), await _shop(tenant_id), reseller_id)


@DBOS.step(name="write_account", **RETRY)
async def write_account(tenant_id: str, saleor_user_id: str) -> int:
    return await mirror.mirror_account(services(), await _shop(tenant_id), saleor_user_id)


@DBOS.step(name="issue_licenses", **RETRY)
async def issue_licenses(tenant_id: str, order_id: str) -> None:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await release.issue_licenses(session, services(), shop, order_id)


@DBOS.step(name="issue_invoice", **RETRY)
async def issue_invoice(tenant_id: str, order_id: str) -> None:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await documents.issue_invoice(session, services(), shop, order_id)


@DBOS.step(name="issue_credit_note", **RETRY)
async def issue_credit_note(tenant_id: str, order_id: str, occasion: str, why: str, minor: str) -> bool:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        issued = await documents.issue_credit_note(
            session, services(), shop, order_id, occasion=occasion, why=why, amount_minor=int(minor) if minor else None
        )
        return issued is not None


@DBOS.step(name="answer_request", **RETRY)
async def answer_request(tenant_id: str, saleor_order_id: str, invoice_id: str) -> str:
    return await documents.answer_request(services(), await _shop(tenant_id), saleor_order_id, invoice_id)


@DBOS.step(name="queue_release_mails", **RETRY)
async def queue_release_mails(tenant_id: str, order_id: str) -> None:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await release.queue_release_mails(session, services(), shop, order_id)


@DBOS.step(name="fulfill", **RETRY)
async def fulfill(tenant_id: str, order_id: str) -> None:
    await release.fulfill(services(), await _shop(tenant_id), order_id)


@DBOS.step(name="finish_release", **RETRY)
async def finish_release(tenant_id: str, order_id: str) -> None:
    async with services().database.tenant(tenant_id) as session:
        await release.finish(session, services(), order_id)


@DBOS.step(name="offer_invoice", **RETRY)
async def offer_invoice(tenant_id: str, order_id: str) -> None:
    await documents.offer_documents(services(), await _shop(tenant_id), order_id)


@DBOS.step(name="send_mail", **RETRY)
async def send_mail(tenant_id: str, mail_id: str) -> str:
    state: str = await mail.deliver(services().database, tenant_id, mail_id, services().settings, services().clock)
    if state == mail.FAILED:
        async with services().database.tenant(tenant_id) as session:
            refused = (await session.scalars(select(Mail).where(Mail.id == mail_id))).one()
            await note_failure(session, services(), refused)
    return state


@DBOS.step(name="for_each_shop", **RETRY)
async def for_each_shop(workflow: str, run: str) -> int:
    """Ask for one run of a workflow in every active shop."""
    await services().shops.refresh()
    shops = services().shops.all()
    for shop in shops:
        async with services().database.tenant(shop.tenant_id) as session:
            workflow_id = f"{workflow}:{shop.tenant_id}:{run}"
            await services().jobs.enqueue(session, workflow, workflow_id, partition=workflow_id, args=(shop.tenant_id, run))
    return len(shops)


@DBOS.step(name="ask_for_each_order", **RETRY)
async def ask_for_each_order(tenant_id: str, batch: str, order_ids: str) -> int:
    """Ask for `money_came` of each order of a JSON list, once under the batch."""
    ids: list[str] = json.loads(order_ids)
    async with services().database.tenant(tenant_id) as session:
        for part in chunks(ids):
            query = select(ResellerOrder.id, ResellerOrder.saleor_order_id).where(ResellerOrder.id.in_(part))
            for order_id, saleor_order_id in await session.execute(query):
                workflow_id = f"wire:{tenant_id}:{batch}:{order_id}"
                await services().jobs.enqueue(
                    session, "money_came", workflow_id, partition=saleor_order_id, args=(tenant_id, order_id)
                )
    return len(ids)


@DBOS.step(name="check_books", **RETRY)
async def check_books(tenant_id: str) -> int:
    """Ask what `reseller check` asks, and show staff what contradicts."""
    async with services().database.tenant(tenant_id) as session:
        return await show_contradictions(session, services().clock())


@DBOS.step(name="refresh_flat_rates", **RETRY)
async def refresh_flat_rates(tenant_id: str) -> bool:
    shop = await _shop(tenant_id)
    return await copy_flat_rates(services().database, tenant_id, await services().shops.client(shop))


@DBOS.step(name="forget_finished", **RETRY)
async def forget_finished(run: str) -> int:
    return await services().jobs.forget(datetime.fromisoformat(run) - timedelta(services().settings.workflow_days))


@DBOS.step(name="purge_removed_shops", **RETRY)
async def purge_removed_shops(run: str) -> int:
    return len(await purge_due(services()))


@DBOS.step(name="attend_changed", **RETRY)
async def attend_changed(tenant_id: str, run: str) -> int:
    return await attend.attend_changed(services(), await _shop(tenant_id), run, RECONCILE_OVERLAP)


@DBOS.step(name="order_ids_with_ended_decisions", **RETRY)
async def order_ids_with_ended_decisions(tenant_id: str) -> list[str]:
    async with services().database.tenant_reading(tenant_id) as session:
        return await ended_decisions(session, services().clock())


@DBOS.step(name="tell_price_changes", **RETRY)
async def tell_price_changes(tenant_id: str) -> int:
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        return await planned_prices.tell(session, services(), shop)


@DBOS.step(name="carry_out_price_changes", **RETRY)
async def carry_out_price_changes(tenant_id: str) -> int:
    return await planned_prices.carry_out(services(), await _shop(tenant_id))


@DBOS.step(name="check_some_listings", **RETRY)
async def check_some_listings(tenant_id: str) -> int:
    return await obligations.check_listings(services(), await _shop(tenant_id))


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
    shop = await _shop(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        done = await certificates.look_after(session, services(), shop)
    return len(done.expired) + len(done.reminded) + len(done.to_review)


@DBOS.step(name="sweep_files", **RETRY)
async def sweep_files(tenant_id: str) -> int:
    return await sweep(services().database, services().files, tenant_id, services().clock())


async def _shop(tenant_id: str) -> Shop:
    return await services().shops.by_tenant(tenant_id)
