"""Ways around the program, and what a shop's other customers meet, played from the storefront to the end."""

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from app.errors import NotFound
from app.orders import own_transaction
from app.orders.own_transaction import add_where_missing
from app.orders.service import staff_accepts
from app.orders.tables import StaffTask
from app.orders.view import order_view
from app.saleor.client import SaleorRefused
from app.saleor.operations import TRANSACTION_CREATE
from app.sandbox.card import IDENTIFIER as CARD
from app.sandbox.rows.sales import Transaction
from app.sandbox.seed import BUYER, RESELLER, STAFF
from app.sandbox.storefront import StorefrontRefused
from app.settings import ProgramNumbers
from app.tax.tables import StateRateRow
from tests.journeys.harness import BILLING, CHANNEL, GATEWAY, PROGRAM, SHIPPING, Journey, journey


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/journey.db"


async def detached(at: Journey, voucher: str) -> str:
    """A reseller fills a checkout at partner price, takes itself off, and somebody pays by card: the order's number."""
    browser = await at.storefront(RESELLER)
    await browser.new_checkout(CHANNEL, [("GRID-DEV", 1)])
    await browser.set_billing(BILLING)
    await browser.set_shipping(SHIPPING, "friend@nobody.example")
    if voucher:
        await browser.add_voucher(voucher)
    assert (await browser.prices()).net == 90
    await browser.detach()
    await browser.set_email("friend@nobody.example")
    guest = await at.storefront()
    guest.checkout_id = browser.checkout_id
    await guest.pay(CARD)
    order = await guest.complete()
    await at.idle()
    return order.number


@pytest.mark.parametrize("voucher", ["", "FIVE"])
async def test_the_detach_hole_is_held_also_behind_a_small_voucher(database_url: str, tmp_path: Path, voucher: str) -> None:
    async with journey(database_url, tmp_path) as at:
        number = await detached(at, voucher)
        async with at.rows() as session:
            view = await order_view(session, number, at.services.clock())
        assert view["state"] == "held"
        assert "belongs to friend@nobody.example" in view["audit"]["reasons"][0]
        assert at.order(number).status == "UNCONFIRMED"
        assert view["licenses"] == []


async def test_an_ordinary_customers_paid_order_is_confirmed_as_saleor_itself_would(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        buyer = await at.storefront(BUYER)
        _, paid = await buyer.buy(CHANNEL, [("GRID-DEV", 1)], BILLING, SHIPPING, CARD)
        await at.idle()
        assert at.order(paid.number).status == "UNFULFILLED"
        with pytest.raises(NotFound):
            await at.recorded(paid.number)


async def accepted(at: Journey) -> str:
    """A reseller pays by card, gets the money back, and staff accept the order for a wire: its number."""
    browser = await at.storefront(RESELLER)
    _, order = await browser.buy(CHANNEL, [("GRID-DEV", 1)], BILLING, SHIPPING, CARD, end_customer="card@customer.example")
    await at.idle()
    async with at.rows() as session:
        await staff_accepts(session, at.services, at.tenant_id, number=order.number, by=STAFF, reason="they pay by wire now")
    await at.idle()
    return order.number


def ours(at: Journey, number: str) -> list[Transaction]:
    return [item for item in at.order(number).transactions if getattr(item.created_by, "identifier", "") == "reseller.program"]


async def test_a_card_order_that_staff_accept_is_paid_and_fulfilled_in_saleor_once_the_wire_came(
    database_url: str, tmp_path: Path
) -> None:
    """The card went back, so Saleor has no transaction that a wire could be reported on: ours is added, once."""
    async with journey(database_url, tmp_path) as at:
        number = await accepted(at)
        assert ours(at, number) == [], "nothing came yet"
        order = at.order(number)
        await at.wire_came(number, order.gross - 40, reference="A")
        await at.idle()
        assert [item.charged for item in ours(at, number)] == [order.gross - 40]
        await at.wire_came(number, Decimal(40), reference="B")
        await at.idle()
        (own,) = ours(at, number)
        assert (own.charged, own.charge_pending, own.actions) == (order.gross, Decimal(0), ["REFUND"])
        assert [event.type for event in own.events] == ["CHARGE_SUCCESS"] * 2
        assert order.status == "FULFILLED"
        row = await at.recorded(number)
        assert row.released_at is not None
        async with at.rows() as session:
            open_ones = select(StaffTask).where(StaffTask.order_id == row.id, StaffTask.done_at.is_(None))
            tasks = (await session.scalars(open_ones)).all()
        assert [reason["code"] for task in tasks for reason in task.reasons] == ["other_gateway", "refund_of_other"]
        assert await at.contradictions() == {}


async def test_a_transaction_that_was_added_before_a_crash_is_found_again(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        number = await accepted(at)
        row = await at.recorded(number)
        client = await at.services.shops.client(at.shop)
        given = {"name": "Bank transfer", "pspReference": f"BT-{row.reference}"}
        await client.execute(TRANSACTION_CREATE, id=row.saleor_order_id, transaction=given)
        await at.wire_came(number)
        await at.idle()
        (own,) = ours(at, number)
        assert own.charged == at.order(number).gross
        assert not await add_where_missing(at.services, at.shop, row.id)
        assert await at.contradictions() == {}


async def test_where_saleor_takes_no_transaction_staff_are_told_what_to_do(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> str:
        raise SaleorRefused("No.", ())

    monkeypatch.setattr(own_transaction, "_add", refuse)
    async with journey(database_url, tmp_path) as at:
        number = await accepted(at)
        await at.wire_came(number)
        await at.idle()
        assert ours(at, number) == []
        row = await at.recorded(number)
        async with at.rows() as session:
            task = (await session.scalars(select(StaffTask).where(StaffTask.key == f"fulfill:{row.id}"))).one()
        assert [reason["code"] for reason in task.reasons] == ["fulfillment_unpaid"]


async def test_case_50_a_wire_short_by_a_bank_fee_is_fulfilled_in_the_shop_too(database_url: str, tmp_path: Path) -> None:
    numbers = ProgramNumbers(fee_tolerance_minor=500)
    async with journey(database_url, tmp_path, program=PROGRAM.model_copy(update={"program": numbers})) as at:
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="fee@customer.example")
        await at.idle()
        booking = await at.wire_came(order.number, order.gross - 3)
        await at.idle()
        assert booking.bank_charge_minor == 300
        row = await at.recorded(order.number)
        assert row.released_at is not None
        assert row.fulfilled_at is not None
        assert at.order(order.number).status == "FULFILLED"
        assert all(found == [] for found in (await at.contradictions()).values())


async def test_a_reseller_pays_the_public_price_where_a_voucher_makes_it_lower(database_url: str, tmp_path: Path) -> None:
    numbers = ProgramNumbers(refuse_vouchers=False)
    async with journey(database_url, tmp_path, program=PROGRAM.model_copy(update={"program": numbers})) as at:
        browser = await at.storefront(RESELLER)
        await browser.new_checkout(CHANNEL, [("GRID-TEAM", 1)])
        await browser.set_billing(BILLING)
        await browser.set_shipping(SHIPPING, "sale@customer.example")
        await browser.add_voucher("FIVE")
        assert (await browser.prices()).net == 5
        assert not (await browser.pay(GATEWAY)).refused
        order = await browser.complete()
        await at.idle()
        row = await at.recorded(order.number)
        assert row.audit_passed, row.audit
        assert row.net_minor == 500


async def test_case_14_a_voucher_is_refused_with_a_message(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        browser = await at.storefront(RESELLER)
        await browser.new_checkout(CHANNEL, [("GRID-DEV", 1)])
        await browser.set_billing(BILLING)
        await browser.set_shipping(SHIPPING, "sale@customer.example")
        await browser.add_voucher("FIVE")
        refused = await browser.pay(GATEWAY)
        assert (refused.code, refused.refused) == ("voucher", True)
        with pytest.raises(StorefrontRefused) as unpaid:
            await browser.complete()
        assert unpaid.value.code == "CHECKOUT_NOT_FULLY_PAID"


async def test_a_registered_state_without_a_rate_holds_the_order(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        async with at.rows() as session:
            for rate in await session.scalars(select(StateRateRow)):
                await session.delete(rate)
        await at.refresh()
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="rate@customer.example")
        await at.idle()
        row = await at.recorded(order.number)
        assert [reason["code"] for reason in row.audit] == ["tax_no_state_rate"]
        async with at.rows() as session:
            assert (await session.scalars(select(StaffTask))).all()
