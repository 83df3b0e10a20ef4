import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.session import Database
from app.errors import InvalidInput
from app.ledger.service import receivable, receivable_id, reseller_receivables
from app.orders.intake import order_facts, other_money, owe, record
from app.orders.tables import OrderEvent, OrderLine, ResellerOrder, StaffTask
from app.orders.view import order_view
from app.pricing.service import set_rate
from app.pricing.versions import content_at
from app.reasons import Reason, sentence
from app.resellers.policy import publish
from app.resellers.rules import Decision
from app.resellers.service import decide
from app.saleor.answers import SaleorOrder
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState
from tests.conftest import NOW
from tests.orders.builders import (
    EVIDENCE,
    World,
    address,
    limits,
    money,
    opened,
    order,
    order_line,
    paid_orders,
    promise,
    reseller,
    taxed,
    transaction,
)


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        yield world


async def take(world: World, seen: SaleorOrder) -> ResellerOrder | None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await record(session, world.services, world.shop, seen)


async def taken(world: World, seen: SaleorOrder) -> ResellerOrder:
    row = await take(world, seen)
    assert row is not None
    return row


async def all_of(world: World, table: Any) -> list[Any]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return list(await session.scalars(select(table)))


def codes(stored: list[Any]) -> list[str]:
    return [reason["code"] for reason in stored]


async def test_an_order_is_frozen_with_its_evidence_and_its_debt(world: World) -> None:
    buyer = await reseller(world)
    kept = await promise(world, buyer.id)
    row = await taken(
        world,
        order(
            transactions=[transaction(pending="19.49")], languageCode="DE_AT", metadata=[{"key": "po_number", "value": " PO-7 "}]
        ),
    )
    assert (row.audit_passed, codes(row.audit)) == (True, ["audit_passed"])
    assert (row.reseller_id, row.payment_session_id, row.reference) == (buyer.id, kept.id, "RF-T1")
    assert (row.terms, row.language, row.recipient, row.po_number) == ("prepay", "de", "texan@partner.example", "PO-7")
    assert (row.net_minor, row.total_minor, row.currency, row.order_date) == (1800, 1949, "USD", NOW.date())
    assert row.end_customer_email == "buyer@customer.example"
    assert (row.bill_to["state"], row.ship_to["company"], row.ship_to["name"]) == ("TX", "ACME", "Ann Lee")
    (line,) = row.lines
    assert (line.retail_minor, line.unit_minor, line.net_minor, line.gross_minor) == (1000, 900, 1800, 1949)
    assert (line.tax_rate, line.sku, line.name, line.quantity) == (Decimal("8.25"), "GRID-1", "Grid (One)", 2)
    assert line.price_list_version is not None
    assert line.license_policy is not None
    assert line.license_policy["product"] == "grid"
    assert [str(Reason.from_dict(reason)) for reason in line.reasons]
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, row.id)
        assert debt is not None
        found = await receivable(session, debt)
    assert (found.open_minor, found.due_date) == (1949, kept.due_date)
    assert [event.key for event in await all_of(world, OrderEvent)] == ["received"]
    assert await all_of(world, StaffTask) == []


@pytest.mark.parametrize("variant", ["", "GRID-1", "V1"])
async def test_a_variant_that_nobody_named_is_called_by_its_product(world: World, variant: str) -> None:
    await reseller(world)
    row = await taken(world, order(lines=[order_line(variantName=variant)]))
    assert row.lines[0].name == "Grid"


async def test_an_order_keeps_the_list_and_the_version_it_was_priced_by(world: World) -> None:
    await reseller(world)
    first = await taken(world, order())
    assert [(line.price_list_id, line.price_list_version) for line in first.lines] == [(None, 1)], "nobody has set a list yet"
    async with world.database.tenant(world.shop.tenant_id) as session:
        facts: dict[str, Any] = {"cap": 10, "today": NOW.date(), "by": "anna", "at": NOW}
        row = await set_rate(session, Decimal(9), **facts)
        await set_rate(session, Decimal(10), **facts)
    second = await taken(world, order("2", lines=[order_line(2, id="L2-1")]))
    assert [(line.price_list_id, line.price_list_version) for line in second.lines] == [(row.id, 3)]
    async with world.database.tenant(world.shop.tenant_id) as session:
        shown = await order_view(session, "2", NOW)
        later = await set_rate(session, Decimal(8), **facts)
        then = await content_at(session, later, 3)
    assert [(line["price_list"], line["price_list_version"]) for line in shown["lines"]] == [("default", 3)]
    assert then.rate == Decimal(10)


async def test_an_order_is_recorded_once_and_stays_as_it_was_frozen(world: World) -> None:
    buyer = await reseller(world)
    first = await taken(world, order())
    again = await taken(world, order(total={"currency": "USD", **taxed("1.00", "1.00")}))
    assert (first.id, again.total_minor) == (again.id, 1949)
    await asyncio.gather(*(take(world, order("2")) for _ in range(8)), return_exceptions=True)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await session.scalar(select(func.count(ResellerOrder.id))) == 2
        assert await session.scalar(select(func.count(OrderLine.id))) == 2
        assert len(await reseller_receivables(session, buyer.id)) == 2


async def test_many_at_once_record_one_order_without_an_error(world: World) -> None:
    await reseller(world)
    rows = await asyncio.gather(*(taken(world, order()) for _ in range(8)))
    assert len({row.id for row in rows}) == 1


async def test_a_retail_order_of_a_stranger_is_nothing_of_ours(world: World) -> None:
    public = [order_line(unitPrice=taxed("10.00", "10.83"), totalPrice=taxed("20.00", "21.65"))]
    assert await take(world, order(user="stranger", lines=public)) is None
    assert await take(world, order(user=None, lines=public)) is None
    assert await all_of(world, ResellerOrder) == []


async def test_partner_prices_of_a_stranger_are_held_without_a_debt(world: World) -> None:
    row = await taken(world, order(user="stranger"))
    assert (row.audit_passed, codes(row.audit), row.reseller_id, row.recipient) == (
        False, ["detached"], None, "stranger@partner.example",
    )  # fmt: skip
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await receivable_id(session, row.id) is None
        with pytest.raises(InvalidInput, match="belongs to no reseller"):
            await owe(session, row, NOW)
    assert [event.key for event in await all_of(world, OrderEvent)] == ["received", "held"]
    (task,) = await all_of(world, StaffTask)
    assert (task.key, codes(task.reasons)) == (f"audit:{row.id}", ["detached"])


async def test_case_9_an_order_of_a_suspended_reseller_with_a_promise_is_held_in_its_name(world: World) -> None:
    buyer = await reseller(world)
    await promise(world, buyer.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, buyer.email, Decision.SUSPEND, by="anna", at=NOW, policy_version="1", reason="late")
    row = await taken(world, order(transactions=[transaction()]))
    assert (row.audit_passed, codes(row.audit), row.reseller_id) == (False, ["detached"], buyer.id)


async def test_case_6_an_order_after_the_grace_of_a_published_policy_is_held(world: World) -> None:
    await reseller(world)
    await world.set(policy_grace_days=0)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await publish(session, "2", "English", "Deutsch", NOW.date() - timedelta(days=9), NOW - timedelta(days=9))
    row = await taken(world, order())
    assert "policy_not_accepted" in codes(row.audit)


async def test_case_28_an_order_with_the_end_customers_email(world: World) -> None:
    await reseller(world)
    row = await taken(world, order(userEmail="buyer@customer.example"))
    assert codes(row.audit) == ["customer_email_on_order"]


async def test_case_20_and_21_own_use_and_another_reseller(world: World) -> None:
    await reseller(world)
    await reseller(world, "other")
    await reseller(world, "gone")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, "gone@partner.example", Decision.END, by="a", at=NOW, policy_version="1", reason="x")
    for number, email, expected in (
        ("1", "TEXAN+x@partner.example", ["own_use"]),
        ("2", "Other@Partner.example", ["other_reseller"]),
        ("3", "gone@partner.example", ["audit_passed"]),
    ):
        assert codes((await taken(world, order(number, shippingAddress=address("CA", email)))).audit) == expected


async def test_a_purchase_order_number_is_used_once(world: World) -> None:
    await reseller(world)
    metadata = [{"key": "po_number", "value": "PO-7"}]
    assert (await taken(world, order("1", metadata=metadata))).audit_passed
    second = await taken(world, order("2", metadata=metadata))
    assert (codes(second.audit), second.po_number) == (["po_number_taken"], "")
    await reseller(world, "other")
    assert (await taken(world, order("3", "other", metadata=metadata))).audit_passed


async def test_a_held_order_keeps_the_reference_its_buyer_was_shown(world: World) -> None:
    buyer = await reseller(world)
    await promise(world, buyer.id)
    row = await taken(world, order(transactions=[transaction()], shippingAddress=address("CA", "texan@partner.example")))
    assert (codes(row.audit), row.reference) == (["own_use"], "RF-T1")
    without = await taken(world, order("2", shippingAddress=address("CA", "texan@partner.example")))
    assert without.reference.startswith("RF")


async def test_a_product_without_a_license_policy_and_a_deleted_one(world: World) -> None:
    await reseller(world)
    bare = order_line()
    bare["variant"]["product"]["metadata"] = []
    row = await taken(world, order("1", lines=[bare, order_line(2)]))
    assert codes(row.audit) == ["no_license_policy"]
    assert [line.license_policy is None for line in row.lines] == [True, False]
    assert "GRID-1" in sentence(Reason.from_dict(row.audit[0]))
    deleted = await taken(world, order("2", lines=[order_line(3, variant=None, productSku=None)]))
    assert codes(deleted.audit) == ["no_license_policy"]
    assert deleted.lines[0].sku == ""


async def test_case_16_prices_a_session_accepted_stand(world: World) -> None:
    buyer = await reseller(world)
    cheap = [order_line(unitPrice=taxed("8.00", "8.66"), totalPrice=taxed("16.00", "17.32"))]
    assert codes((await taken(world, order("1", lines=cheap))).audit) == ["wrong_price"]
    lines = [
        {
            "variant": "V1",
            "quantity": 2,
            "net": 1600,
            "gross": 1732,
            "tax_rate": "8.25",
            "certificate_id": None,
            "price_list_id": "gold",
            "price_list_version": 7,
            "reasons": EVIDENCE,
        }
    ]
    await promise(world, buyer.id, "T2", lines=lines)
    cheap[0] |= {"id": "L2"}
    row = await taken(world, order("2", lines=cheap, transactions=[transaction("T2")]))
    assert row.audit_passed
    assert [(line.tax_rate, line.price_list_id, line.price_list_version, line.reasons) for line in row.lines] == [
        (Decimal("8.25"), "gold", 7, EVIDENCE)
    ], "the evidence is the one the buyer's price was made of, not today's"
    both = [cheap[0] | {"id": "L3"}, cheap[0] | {"id": "L4"}]
    await promise(world, buyer.id, "T3", lines=lines)
    row = await taken(world, order("3", lines=both, transactions=[transaction("T3")]))
    assert codes(row.audit) == ["wrong_price"], "a promise of one line does not cover two"


async def test_a_promise_of_somebody_else(world: World) -> None:
    await reseller(world)
    other = await reseller(world, "other")
    await promise(world, other.id, saleor_user_id="other")
    row = await taken(world, order(transactions=[transaction()]))
    assert codes(row.audit) == ["other_buyer"]
    assert row.reference != "RF-T1"


async def test_a_transaction_of_another_app_is_no_promise_of_ours(world: World) -> None:
    buyer = await reseller(world)
    await promise(world, buyer.id)
    card = {"__typename": "App", "id": "QXBwOjk=", "identifier": "stripe"}
    row = await taken(world, order(transactions=[transaction(author=card)]))
    assert (row.audit_passed, row.payment_session_id) == (True, None)


async def test_what_is_not_our_money(world: World) -> None:
    card = {"__typename": "App", "id": "QXBwOjk=", "identifier": "stripe"}
    nameless = {"__typename": "App", "id": "QXBwOjg=", "identifier": None}
    staff = {"__typename": "User", "id": "u9", "identifier": None}
    by_hand = transaction("T5", staff, charged="3") | {"createdBy": None, "name": "cash"}
    paid = {"id": "p", "gateway": "plugin", "isActive": True, "capturedAmount": money("7")}
    found = other_money(
        order(
            transactions=[
                transaction("T1", pending="19.49"), transaction("T2", card, charged="5"), transaction("T3", card),
                transaction("T4", nameless, pending="1"), by_hand,
            ],
            payments=[paid, paid | {"isActive": False}, paid | {"capturedAmount": None}, paid | {"capturedAmount": money("0")}],
        ),
        world.shop,
    )  # fmt: skip
    assert [(item.kind, item.name, str(item.amount), item.transaction_id) for item in found] == [
        ("app", "stripe", "5.00 USD", "T2"),
        ("app", "QXBwOjg=", "1.00 USD", "T4"),
        ("staff", "cash", "3.00 USD", None),
        ("legacy", "plugin", "7.00 USD", None),
    ]


async def on_account(world: World, buyer_id: str, number: str, **changed: Any) -> ResellerOrder:
    await promise(world, buyer_id, f"T{number}", terms="on_account", due_date=NOW.date() + timedelta(30), **changed)
    return await taken(world, order(number, transactions=[transaction(f"T{number}")]))


async def test_on_account_when_the_session_said_so_and_it_is_still_so(world: World) -> None:
    buyer = await reseller(world)
    await paid_orders(world, buyer.id, 3)
    row = await on_account(world, buyer.id, "1")
    assert (row.terms, row.due_date) == ("on_account", date(2026, 4, 1))
    assert "terms:good_standing" in [event.key for event in await all_of(world, OrderEvent)]
    no_session = await taken(world, order("2"))
    assert (no_session.terms, no_session.due_date) == ("prepay", date(2026, 4, 1))


async def test_terms_are_looked_at_again_when_the_order_comes_in(world: World) -> None:
    buyer = await reseller(world)
    await paid_orders(world, buyer.id, 2)
    row = await on_account(world, buyer.id, "1")
    assert row.terms == "prepay"
    assert "terms:prepaid_count" in [event.key for event in await all_of(world, OrderEvent)]


async def test_two_orders_on_account_at_once_do_not_pass_the_limit_together(world: World) -> None:
    buyer = await reseller(world)
    await paid_orders(world, buyer.id, 3)
    await limits(world, buyer.id, credit_limit_minor=4000, limit_currency="USD")
    rows = await asyncio.gather(*(on_account(world, buyer.id, str(number)) for number in range(1, 7)))
    assert sorted(row.terms for row in rows) == ["on_account"] * 2 + ["prepay"] * 4


async def test_the_day_is_the_vendors(world: World) -> None:
    settings = world.shop.settings.model_copy(update={"time_zone": "America/Chicago"})
    world.shop = replace(world.shop, settings=settings)
    seen = order(created="2026-03-03T04:00:00+00:00")
    assert order_facts(seen, world.shop, date(2026, 3, 2)).prices.on == date(2026, 3, 2)
    await reseller(world)
    world.shop = replace(world.shop, settings=settings)
    assert (await taken(world, seen)).order_date == date(2026, 3, 2)


async def test_addresses_may_be_missing(world: World) -> None:
    await reseller(world)
    row = await taken(world, order(billingAddress=None, shippingAddress=None))
    assert codes(row.audit) == ["missing_address", "missing_address"]
    assert (row.bill_to, row.ship_to, row.end_customer_email) == ({}, {}, "")


async def test_case_40_a_line_for_own_use_is_audited_with_its_tax(world: World) -> None:
    buyer = await reseller(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        paper = await add_certificate(
            session, reseller_id=buyer.id, number="TX-1", states=["TX"], signed_on=NOW.date(), valid_from=NOW.date(), at=NOW
        )
        await decide_certificate(session, paper.id, CertificateState.APPROVED, by="anna", at=NOW)
    row = await taken(world, order("1", lines=[order_line(notForResale="true")]))
    assert row.audit_passed
    assert (row.lines[0].tax_rate, row.lines[0].certificate_id) == (Decimal("8.25"), None)
    assert "tax_own_use" in [reason["code"] for reason in row.lines[0].reasons]
    exempt = order_line(2, unitPrice=taxed("9.00", "9.00"), totalPrice=taxed("18.00", "18.00"))
    row = await taken(world, order("2", lines=[exempt]))
    assert (row.lines[0].tax_rate, row.lines[0].certificate_number) == (Decimal(0), "TX-1")
    assert codes((await taken(world, order("3", lines=[exempt | {"id": "L3", "notForResale": "1"}]))).audit) == ["wrong_price"]
