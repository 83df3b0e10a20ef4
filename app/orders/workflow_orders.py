"""The durable story of one order: attend, money came, release, and what its invoice needs afterwards.

An order that waits is a state, not a sleeping workflow: `attend_order` ends at the gate, and `release_order` is started, once, by
whatever opens it, in the same transaction. Workflows of one order share a queue partition and run one after the other.
"""

from __future__ import annotations

import json

from dbos import DBOS
from sqlalchemy import select

from app.db.bulk import chunks
from app.orders import attend, customers, documents, own_transaction, reconciling, release
from app.orders.durable import RETRY, services, shop_of
from app.orders.intake import record
from app.orders.service import confirm_order, decide_release, lock_order, pending_reports, waiting_orders
from app.orders.tables import ResellerOrder
from app.saleor.answers import SaleorOrder

RECONCILED = "reconcile"
"""The occasion on which an order's money is compared too: what was under way in between is over by then."""


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
    if occasion == RECONCILED:
        await compare_money(tenant_id, order_id, order)
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


# Steps: each one transaction of ours, or one conversation with Saleor.


@DBOS.step(name="is_known", **RETRY)
async def is_known(tenant_id: str, saleor_order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        query = select(ResellerOrder.id).where(ResellerOrder.saleor_order_id == saleor_order_id)
        return await session.scalar(query) is not None


@DBOS.step(name="read_order", **RETRY)
async def read_order(tenant_id: str, saleor_order_id: str) -> str | None:
    order = await attend.read_order(services(), await shop_of(tenant_id), saleor_order_id)
    return order.model_dump_json(by_alias=True) if order is not None else None


@DBOS.step(name="record_order", **RETRY)
async def record_order(tenant_id: str, order: str) -> str | None:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        row = await record(session, services(), shop, SaleorOrder.model_validate_json(order))
        return row.id if row is not None else None


@DBOS.step(name="confirm_other", **RETRY)
async def confirm_other(tenant_id: str, order: str) -> str:
    return await attend.confirm_other(services(), await shop_of(tenant_id), SaleorOrder.model_validate_json(order))


@DBOS.step(name="needs_confirmation", **RETRY)
async def needs_confirmation(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.id == order_id))).one()
        return row.audit_passed and row.confirmed_at is None and row.canceled_at is None


@DBOS.step(name="confirm_in_saleor", **RETRY)
async def confirm_in_saleor(tenant_id: str, order: str) -> None:
    await attend.confirm(services(), await shop_of(tenant_id), SaleorOrder.model_validate_json(order).id)


@DBOS.step(name="mark_confirmed", **RETRY)
async def mark_confirmed(tenant_id: str, order_id: str) -> None:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await confirm_order(session, order_id, services().clock())
        await release.queue_order_received(session, services(), shop, order_id)


@DBOS.step(name="compare_money", **RETRY)
async def compare_money(tenant_id: str, order_id: str, order: str) -> int:
    """Compare what Saleor shows of an order's money with the ledger; how much differs."""
    seen = SaleorOrder.model_validate_json(order)
    async with services().database.tenant(tenant_id) as session:
        row = await lock_order(session, order_id)
        compared = await reconciling.compare_order(session, services(), row, seen.transactions)
        return len(compared.differences) if compared else 0


@DBOS.step(name="follow", **RETRY)
async def follow(tenant_id: str, order_id: str, order: str) -> None:
    async with services().database.tenant(tenant_id) as session:
        await attend.follow(session, services(), await shop_of(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="cancel_early_fulfillments", **RETRY)
async def cancel_early_fulfillments(tenant_id: str, order_id: str, order: str) -> None:
    await attend.cancel_early_fulfillments(services(), await shop_of(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="refund_other_gateways", **RETRY)
async def refund_other_gateways(tenant_id: str, order_id: str, order: str) -> None:
    await attend.refund_other_gateways(services(), await shop_of(tenant_id), order_id, SaleorOrder.model_validate_json(order))


@DBOS.step(name="tell_saleor", **RETRY)
async def tell_saleor(tenant_id: str, order_id: str) -> None:
    await attend.tell_saleor(services(), await shop_of(tenant_id), order_id)


@DBOS.step(name="open_gate", **RETRY)
async def open_gate(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        return await decide_release(session, services(), tenant_id, order_id)


@DBOS.step(name="unreported", **RETRY)
async def unreported(tenant_id: str, order_id: str) -> list[str]:
    await own_transaction.add_where_missing(services(), await shop_of(tenant_id), order_id)
    async with services().database.tenant(tenant_id) as session:
        return [report.id for report in await pending_reports(session, order_id)]


@DBOS.step(name="report_money", **RETRY)
async def report_money(tenant_id: str, report_id: str) -> None:
    await attend.report_money(services(), await shop_of(tenant_id), report_id)


@DBOS.step(name="waiting_order_ids", **RETRY)
async def waiting_order_ids(tenant_id: str, order_id: str) -> list[str]:
    async with services().database.tenant(tenant_id) as session:
        reseller_id = await session.scalar(select(ResellerOrder.reseller_id).where(ResellerOrder.id == order_id))
        return [row.id for row in await waiting_orders(session, reseller_id)] if reseller_id else []


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


@DBOS.step(name="still_goes_out", **RETRY)
async def still_goes_out(tenant_id: str, order_id: str) -> bool:
    async with services().database.tenant(tenant_id) as session:
        return (await lock_order(session, order_id)).canceled_at is None


@DBOS.step(name="find_or_create_customer", **RETRY)
async def find_or_create_customer(tenant_id: str, order_id: str) -> None:
    await customers.find_or_create_customer(services(), await shop_of(tenant_id), order_id)


@DBOS.step(name="issue_licenses", **RETRY)
async def issue_licenses(tenant_id: str, order_id: str) -> None:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await release.issue_licenses(session, services(), shop, order_id)


@DBOS.step(name="issue_invoice", **RETRY)
async def issue_invoice(tenant_id: str, order_id: str) -> None:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await documents.issue_invoice(session, services(), shop, order_id)


@DBOS.step(name="issue_credit_note", **RETRY)
async def issue_credit_note(tenant_id: str, order_id: str, occasion: str, why: str, minor: str) -> bool:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        issued = await documents.issue_credit_note(
            session, services(), shop, order_id, occasion=occasion, why=why, amount_minor=int(minor) if minor else None
        )
        return issued is not None


@DBOS.step(name="answer_request", **RETRY)
async def answer_request(tenant_id: str, saleor_order_id: str, invoice_id: str) -> str:
    return await documents.answer_request(services(), await shop_of(tenant_id), saleor_order_id, invoice_id)


@DBOS.step(name="queue_release_mails", **RETRY)
async def queue_release_mails(tenant_id: str, order_id: str) -> None:
    shop = await shop_of(tenant_id)
    async with services().database.tenant(tenant_id) as session:
        await release.queue_release_mails(session, services(), shop, order_id)


@DBOS.step(name="fulfill", **RETRY)
async def fulfill(tenant_id: str, order_id: str) -> None:
    await release.fulfill(services(), await shop_of(tenant_id), order_id)


@DBOS.step(name="finish_release", **RETRY)
async def finish_release(tenant_id: str, order_id: str) -> None:
    async with services().database.tenant(tenant_id) as session:
        await release.finish(session, services(), order_id)


@DBOS.step(name="offer_invoice", **RETRY)
async def offer_invoice(tenant_id: str, order_id: str) -> None:
    await documents.offer_documents(services(), await shop_of(tenant_id), order_id)
