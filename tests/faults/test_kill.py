"""The worker is killed with SIGKILL at every step of an order's story; in the end everything is there exactly once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.ledger.rules import Kind
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders import durable, workflow
from app.orders.ship_to import correct_ship_to
from app.pricing.draft import Draft
from app.pricing.planned import plan
from app.pricing.tables import PriceChange, PriceListVersion
from app.resellers.tables import ResellerUser
from app.sandbox import card
from app.sandbox.seed import BUYER, EXEMPT, RESELLER
from tests.faults.lives import Lives, killed_at_every_step
from tests.faults.once import (
    assert_account_once,
    assert_charged_once,
    assert_mailed_once,
    assert_noted_once,
    assert_nothing_contradicts,
    assert_released_once,
    booked,
    recorded_once,
)
from tests.faults.worker import Moment, Scope, kind
from tests.journeys.harness import BILLING, CHANNEL, Journey, journey

LONG = 400.0
"""Seconds in which a walk must come to its end, however busy the machine."""
NEW_CUSTOMER = "new@customer.example"
ATTENDED = {
    "read_order",
    "record_order",
    "needs_confirmation",
    "confirm_in_saleor",
    "mark_confirmed",
    "follow",
    "cancel_early_fulfillments",
    "refund_other_gateways",
    "tell_saleor",
    "open_gate",
    "is_known",
    "send_mail",
}
RELEASED = ATTENDED | {
    "unreported",
    "report_money",
    "waiting_order_ids",
    "still_goes_out",
    "find_or_create_customer",
    "issue_licenses",
    "issue_invoice",
    "queue_release_mails",
    "fulfill",
    "finish_release",
    "offer_invoice",
}
SCHEDULED = {
    "for_each_shop",
    "refresh_flat_rates",
    "attend_changed",
    "compare_recent_money",
    "compare_money",
    "check_books",
    "ask_for_each_order",
    "run_stuck_again",
    "order_ids_with_ended_decisions",
    "forget_finished",
    "purge_removed_shops",
    "look_after_certificates",
    "sweep_files",
    "forget_what_was_left",
    "check_some_listings",
}
PRICES = {"tell_price_changes", "carry_out_price_changes"}
OTHERS = {"follow_customer", "confirm_other", "write_standing", "write_account", "issue_credit_note", "answer_request"}
FILES = {"import_kept_file", "undo_kept_file"}
"""Walked in `test_kill_bank`."""
STATEMENTS = {"begin_statements", "ask_for_statements", "draw_up_statements", "print_statements", "mail_statements"} | {
    "make_statements_of",
    "remind_resellers",
}
"""Walked in `test_kill_statements`."""
REPORTS = {"begin_reports", "sum_up_reports", "finish_reports"}
"""Walked in `test_kill_reports`."""
BESIDE = SCHEDULED | PRICES | STATEMENTS | REPORTS
"""What the schedule may add to any walk."""
REQUEST = """mutation Request($orderId: ID!) {
  invoiceRequest(orderId: $orderId) { invoice { id status } errors { field code message } }
}"""
RENAME = """mutation Rename($id: ID!, $input: CustomerInput!) {
  customerUpdate(id: $id, input: $input) { user { id } errors { field code message } }
}"""


@pytest.mark.parametrize(("moment", "scope"), [("before", "every"), ("after", "kind")])
async def test_a_prepaid_order_goes_out_once_although_the_worker_dies_at_every_step(
    tmp_path: Path, moment: Moment, scope: Scope
) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, moment, scope, tmp_path) as lives:
            await prepaid_story(at)
            await assert_died_everywhere(at, lives, scope, RELEASED)


async def test_a_prepaid_order_goes_out_once_on_postgresql_too(database_url: str, tmp_path: Path) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("walked with every single step above")
    async with journey(database_url, tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, "before", "kind", tmp_path) as lives:
            await prepaid_story(at)
            await assert_died_everywhere(at, lives, "kind", RELEASED)


async def test_case_29_a_corrected_address_leads_to_one_account_although_the_worker_dies_at_every_step(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, "before", "kind", tmp_path) as lives:
            number = await prepaid_story(at)
            async with at.rows() as session:
                await correct_ship_to(
                    session, at.services, at.shop, number=number, email="right@customer.example", by="anna", reason="typed wrong"
                )
            await at.idle(LONG)
            row = await recorded_once(at, number)
            await assert_account_once(at, row)
            async with at.rows() as session:
                licenses = (await session.scalars(select(License).where(License.order_id == row.id))).all()
            assert [license.end_customer_id for license in licenses] == [row.end_customer_id] * 2
            assert_noted_once(at, number)
            assert any("was corrected from" in note for note in at.notes(number))
            await assert_nothing_contradicts(at)
            await assert_died_everywhere(at, lives, "kind", RELEASED)


async def test_an_order_on_account_goes_out_once_and_is_fulfilled_once_when_the_wire_comes(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        await at.trust(EXEMPT)
        with killed_at_every_step(at.settings, "before", "kind", tmp_path) as lives:
            paid, order = await at.buy(EXEMPT, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
            assert paid.result == "AUTHORIZATION_SUCCESS"
            await at.idle(LONG)
            row = await recorded_once(at, order.number)
            assert row.released_at is not None
            assert at.order(order.number).fulfillments == []
            assert await booked(at, row) == [Kind.RECEIVABLE]
            await at.wire_came(order.number)
            await at.idle(LONG)
            await assert_released_once(at, order.number)
            await assert_nothing_contradicts(at)
            await assert_died_everywhere(at, lives, "kind", RELEASED)


async def test_an_order_found_by_the_reconciliation_and_canceled_is_credited_once_and_nothing_goes_out(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        with killed_at_every_step(at.settings, "before", "kind", tmp_path) as lives:
            at.sandbox.webhooks.lose("ORDER_CREATED")
            _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=NEW_CUSTOMER)
            await at.start("reconcile", "reconcile:now", datetime.now(UTC), None)
            await at.idle(LONG)
            assert (await recorded_once(at, order.number)).confirmed_at is not None
            await at.start("look_again", "look_again:now", datetime.now(UTC), None)
            for schedule in ("look_after", "check_listings"):
                await at.start(schedule, f"{schedule}:now", datetime.now(UTC), None)
            user = at.sandbox.store.user_by_email(RESELLER)
            assert user is not None
            await at.start("mirror_account", "account:now", at.tenant_id, user.id)
            row = await recorded_once(at, order.number)
            await at.start("mirror_standing", "mirror:now", at.tenant_id, row.reseller_id)
            await at.start("money_came_for", "many:now", at.tenant_id, "batch", "[]")
            buyer = await at.storefront(BUYER)
            await buyer.buy(CHANNEL, [("GRID-DEV", 1)], BILLING, None, card.IDENTIFIER)
            await at.staff.send(RENAME, "customerUpdate", id=user.id, input={"lastName": "Renamed"})
            await at.staff.send(REQUEST, "invoiceRequest", orderId=order.id)
            await at.cancel(order)
            await at.idle(LONG)
            row = await recorded_once(at, order.number)
            assert [invoice.status for invoice in at.order(order.number).invoices] == ["PENDING"], "there is none"
            assert row.canceled_at is not None
            assert row.release_decided_at is None
            assert await booked(at, row) == [Kind.CREDIT, Kind.RECEIVABLE]
            (transaction,) = at.order(order.number).transactions
            assert transaction.charged == transaction.charge_pending == Decimal(0)
            assert [event.type for event in transaction.events].count("CHARGE_FAILURE") == 1
            await assert_mailed_once(at, row, [MailKind.ORDER_RECEIVED])
            assert_noted_once(at, order.number)
            await assert_nothing_contradicts(at)
            await assert_died_everywhere(at, lives, "kind", ATTENDED | SCHEDULED | OTHERS)


async def test_a_planned_price_change_is_announced_once_and_in_force_once(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        now = datetime.now(UTC)
        async with at.services.database.tenant(at.tenant_id) as session:
            early = now.date() - timedelta(40)
            facts: dict[str, Any] = {"cap": 10, "notice_days": 30, "today": early, "by": "anna", "at": now, "why": "costs"}
            await plan(session, Draft(Decimal(8)), on=now.date(), **facts)
            users = list(await session.scalars(select(ResellerUser.email)))
        with killed_at_every_step(at.settings, "before", "every", tmp_path) as lives:
            await at.start("price_changes", "price_changes:now", now, None)
            await at.idle(LONG)
            async with at.services.database.tenant(at.tenant_id) as session:
                mails = list(await session.scalars(select(Mail).where(Mail.kind == MailKind.PRICE_CHANGE)))
                (version,) = await session.scalars(select(PriceListVersion))
                (change,) = await session.scalars(select(PriceChange))
            assert sorted(mail.recipient for mail in mails) == sorted(users)
            assert {mail.state for mail in mails} == {"sent"}
            assert (version.price_change_id, change.state, change.version) == (change.id, "in_force", 2)
            await assert_died_everywhere(at, lives, "every", {"for_each_shop", "send_mail"} | PRICES)


def test_the_walks_reach_every_step_there_is() -> None:
    texts = [Path(str(part.__file__)).read_text() for part in (durable, *workflow.PARTS)]
    names = set(re.findall(r'@DBOS\.step\(name="(\w+)"', "".join(texts)))
    assert names == RELEASED | SCHEDULED | PRICES | OTHERS | FILES


async def prepaid_story(at: Journey) -> str:
    """A new reseller's order of two lines, its wire, and what goes out: all of it once; its number."""
    paid, order = await at.buy(RESELLER, [("GRID-DEV", 2), ("CHART-YEAR", 1)], end_customer=NEW_CUSTOMER, po_number="PO-1")
    assert paid.result == "CHARGE_REQUEST"
    await at.idle(LONG)
    row = await recorded_once(at, order.number)
    assert row.confirmed_at is not None
    assert row.release_decided_at is None
    await assert_mailed_once(at, row, [MailKind.ORDER_RECEIVED])
    await at.wire_came(order.number)
    await at.idle(LONG)
    await assert_released_once(at, order.number)
    assert_charged_once(at.order(order.number))
    await assert_nothing_contradicts(at)
    return order.number


async def assert_died_everywhere(at: Journey, lives: Lives, scope: Scope, names: set[str]) -> None:
    """A life ended at every step that was recorded, once each, and these are their names; the schedule may add its own."""
    deaths, steps = lives.deaths(), await at.steps()
    assert names <= lives.names() <= names | BESIDE, f"died at {sorted(lives.names())}"
    if scope == "every":
        assert sorted(deaths) == sorted(steps)
    else:
        assert sorted(kind(*death) for death in deaths) == sorted({kind(*step) for step in steps})
