from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db.base import Base, new_id
from app.db.session import Database
from app.ledger.tables import LedgerItem
from app.licenses.rules import LicenseKind, LicenseState
from app.licenses.tables import License
from app.mail.tables import Mail
from app.money import Money
from app.orders.check import QUESTIONS, STUCK_AFTER, check
from app.orders.record import add_task
from app.orders.refunds import book_refund
from app.orders.service import cancel_order, decide_release
from app.orders.tables import MoneyReport, RefundRequest, ResellerOrder
from app.reasons import because
from tests.conftest import NOW, install
from tests.orders.builders import World, opened, order_line, recorded, reseller, rows, wire

LATE = NOW + STUCK_AFTER + timedelta(seconds=1)


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def wrong(world: World, at: Any = NOW) -> dict[str, list[str]]:
    """The questions that are answered, with their answers."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await check(session, at)
    assert set(found) == set(QUESTIONS)
    return {name: answers for name, answers in found.items() if answers}


async def put(world: World, *items: Base) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add_all(items)


async def change(world: World, row: ResellerOrder, **values: Any) -> None:
    if values.get("release_decided_at") is not None:
        values = {"release_reasons": [because("on_account", due=NOW.date()).as_dict()], **values}
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(ResellerOrder).where(ResellerOrder.id == row.id).values(**values))


def item(kind: str, minor: int, **changed: Any) -> LedgerItem:
    facts: dict[str, Any] = {
        "key": new_id(), "kind": kind, "reseller_id": "r", "amount_minor": minor, "currency": "USD", "value_date": NOW.date(),
        "booked_at": NOW, "booked_by": "x",
    }  # fmt: skip
    return LedgerItem(**facts | changed)


def license(row: ResellerOrder, line: int = 0, **changed: Any) -> License:
    facts: dict[str, Any] = {
        "order_id": row.id, "order_number": row.number, "order_line_id": row.lines[line].id, "kind": LicenseKind.PERMANENT,
        "sku": "GRID-1", "kid": "k", "payload": {}, "file": "", "state": LicenseState.ACTIVE, "state_at": NOW, "issued_at": NOW,
    }  # fmt: skip
    return License(**facts | changed)


async def test_nothing_is_wrong_with_a_whole_story(world: World) -> None:
    assert await wrong(world) == {}
    row, other, third = [await recorded(world, number) for number in "123"]
    await wire(world)
    await wire(world, "2", "25.00", "B2")
    await wire(world, "3", "19.49", "B3")
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert await decide_release(session, world.services, world.shop.tenant_id, row.id)
        await cancel_order(session, other.id, NOW)
        for number in "13":
            await book_refund(
                session, world.services, world.shop, number=number, amount=Money.of("5.00", "USD"), bank_reference=f"R{number}",
                value_date=date(2026, 3, 2), by="ada",
            )  # fmt: skip
        await cancel_order(session, third.id, NOW)
    await put(world, license(row))
    await change(world, row, released_at=NOW)
    assert await wrong(world) == {}


async def test_a_payment_that_paid_more_than_it_brought(world: World) -> None:
    payment, debt = item("payment", 100), item("receivable", 100)
    await put(world, payment, debt)
    await put(
        world, item("allocation", 60, payment_id=payment.id, receivable_id=debt.id), item("refund", 40, payment_id=payment.id)
    )
    assert await wrong(world) == {}
    await put(world, item("refund", 1, payment_id=payment.id))
    assert await wrong(world) == {"payments_allocated_beyond_their_amount": [payment.id]}


@pytest.mark.parametrize("kind", ["credit", "bank_charge", "write_off"])
async def test_an_order_that_took_more_than_it_owed(world: World, kind: str) -> None:
    debt = item("receivable", 100, order_number="42")
    await put(world, debt)
    await put(world, item(kind, 100, receivable_id=debt.id, order_number="42"))
    assert await wrong(world) == {}
    await put(world, item("interest", 5, receivable_id=debt.id), item(kind, 5, receivable_id=debt.id, order_number="42"))
    assert await wrong(world) == {}
    await put(world, item(kind, 1, receivable_id=debt.id, order_number="42"))
    assert await wrong(world) == {"orders_paid_beyond_their_amount": ["42"]}


async def test_a_license_of_an_order_whose_release_nobody_decided(world: World) -> None:
    row = await recorded(world)
    await put(world, license(row, kind=LicenseKind.TEMPORARY))
    assert await wrong(world) == {}
    await put(world, license(row))
    assert await wrong(world) == {"licenses_without_a_decided_release": ["1"]}


async def test_a_released_line_without_a_license(world: World) -> None:
    bare = order_line(3)
    bare["variant"]["product"]["metadata"] = []
    row = await recorded(world, lines=[order_line(1), order_line(2), bare])
    await change(world, row, release_decided_at=NOW, released_at=NOW)
    await put(world, license(row))
    assert await wrong(world) == {"released_lines_without_a_license": ["1"]}
    await put(world, license(row, 1, kind=LicenseKind.TEMPORARY))
    assert await wrong(world) == {"released_lines_without_a_license": ["1"]}
    await put(world, license(row, 1))
    assert await wrong(world) == {}


@pytest.mark.parametrize("kind", list(LicenseKind))
async def test_a_license_that_outlived_its_order(world: World, kind: LicenseKind) -> None:
    row = await recorded(world)
    await put(world, license(row, kind=kind))
    await change(world, row, canceled_at=NOW)
    assert (await wrong(world))["active_licenses_of_canceled_orders"] == ["1"]
    await change(world, row, release_decided_at=NOW)
    assert "active_licenses_of_canceled_orders" not in await wrong(world), "after the release staff decide"


async def test_a_release_that_is_not_through(world: World) -> None:
    row = await recorded(world)
    await change(world, row, release_decided_at=NOW)
    assert await wrong(world, NOW + STUCK_AFTER) == {}
    assert await wrong(world, LATE) == {"releases_stuck": ["1"]}
    await change(world, row, released_at=NOW)
    assert "releases_stuck" not in await wrong(world, LATE)


async def test_money_that_saleor_was_not_told_of(world: World) -> None:
    await recorded(world)
    await wire(world)
    assert await wrong(world, NOW + STUCK_AFTER) == {}
    assert await wrong(world, LATE) == {"reports_to_saleor_stuck": ["1"]}
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(MoneyReport).values(reported_at=NOW))
    assert await wrong(world, LATE) == {}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("queued", "license:1 queued since 2026-03-02 12:00 450 busy"),
        ("failed", "license:1 failed since 2026-03-02 12:00 450 busy"),
        ("bounced", "license:1 bounced since 2026-03-02 12:00 450 busy"),
        ("sent", None),
    ],
)
async def test_a_mail_that_no_server_took_or_that_came_back(world: World, state: str, said: str | None) -> None:
    mail = Mail(
        id="m1", key="license:1", kind="license", recipient="a@b.example", language="en", subject="s",
        message_id="m", content=b"", state=state, created_at=NOW, error="450 busy",
    )  # fmt: skip
    await put(world, mail)
    assert await wrong(world, NOW + STUCK_AFTER) == {}
    async with world.database.tenant(world.shop.tenant_id) as session:
        await add_task(session, "mail:m1", None, [because("mail_again", subject="s", recipient="r")], NOW)
    assert await wrong(world, LATE) == ({"mails_stuck": [said]} if said else {})


async def test_another_shops_books_are_not_looked_at(world: World) -> None:
    other = await install(world.database, "http://other.example/graphql/")
    async with world.database.tenant(other) as session:
        session.add(item("refund", 1, payment_id="p"))
    assert await wrong(world) == {}
    assert len(await rows(world, LedgerItem)) == 0


async def test_a_release_that_kept_no_reasons(world: World) -> None:
    row = await recorded(world, lines=[order_line(1)])
    await change(world, row, release_decided_at=NOW, released_at=NOW, release_reasons=[])
    await put(world, license(row))
    assert await wrong(world) == {"releases_without_reasons": ["1"]}


async def test_a_release_on_money_that_is_not_there_any_more(world: World) -> None:
    row = await recorded(world, lines=[order_line(1)])
    booked = [because("wire_booked", total="19.49 USD").as_dict()]
    await change(world, row, release_decided_at=NOW, released_at=NOW, release_reasons=booked)
    await put(world, license(row))
    assert await wrong(world) == {"released_orders_no_longer_paid": ["1"]}
    async with world.database.tenant(world.shop.tenant_id) as session:
        await add_task(session, "returned:1", row.id, [because("order_held")], NOW)
    assert await wrong(world) == {}, "a person was told"


def written_off(minor: int, debt: LedgerItem) -> LedgerItem:
    of = {"receivable_id": debt.id, "order_id": debt.order_id, "order_number": debt.order_number}
    return item("write_off", minor, reseller_id=debt.reseller_id, **of)


async def test_an_order_that_nobody_confirmed_in_saleor(world: World) -> None:
    row = await recorded(world, confirm=False)
    assert await wrong(world, NOW + STUCK_AFTER) == {}
    assert await wrong(world, LATE) == {"orders_not_confirmed": ["1"]}
    await change(world, row, confirmed_at=NOW)
    assert await wrong(world, LATE) == {}


async def test_a_paid_order_that_is_not_fulfilled_unless_it_was_written_off(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(MoneyReport).values(reported_at=NOW))
    await change(world, row, release_decided_at=NOW, released_at=NOW)
    await put(world, license(row))
    assert await wrong(world, LATE) == {"paid_orders_not_fulfilled": ["1"]}
    await change(world, row, fulfilled_at=NOW)
    assert await wrong(world, LATE) == {}
    given_up = await recorded(world, "2", terms="on_account")
    await change(world, given_up, release_decided_at=NOW, released_at=NOW)
    await put(world, license(given_up))
    (debt,) = await rows(world, LedgerItem, LedgerItem.order_id == given_up.id)
    await put(world, written_off(1949, debt))
    assert await wrong(world, LATE) == {}, "Saleor takes it for unpaid for ever"


PARTS: list[tuple[str, dict[str, Any]]] = [
    ("allocation", {"payment_id": None}),
    ("allocation", {"receivable_id": None}),
    ("allocation", {"reseller_id": "another"}),
    ("allocation", {"currency": "EUR"}),
    ("credit", {"receivable_id": "nothing"}),
    ("write_off", {"receivable_id": None}),
    ("bank_charge", {"currency": "EUR"}),
    ("refund", {"payment_id": "nothing"}),
    ("refund", {"reseller_id": "another"}),
]


async def test_parts_that_belong_to_nothing(world: World) -> None:
    """The sum of allocations is the sum booked: each part names its debt and its wire, of the same reseller and currency."""
    debt, payment = item("receivable", 1000, order_number="42"), item("payment", 1000)
    await put(world, debt, payment)

    def part(kind: str, **changed: Any) -> LedgerItem:
        of = {} if kind == "refund" else {"receivable_id": debt.id}
        return item(kind, 10, **(of | ({"payment_id": payment.id} if kind in ("allocation", "refund") else {}) | changed))

    await put(world, *(part(kind) for kind in ("allocation", "credit", "write_off", "bank_charge", "refund")))
    assert await wrong(world) == {}
    lost = [part(kind, **changed) for kind, changed in PARTS]
    await put(world, *lost)
    assert sorted((await wrong(world))["parts_without_debt_or_wire"]) == sorted(each.id for each in lost)


async def test_reversals_that_are_not_the_exact_opposite(world: World) -> None:
    wrongs: list[dict[str, Any]] = [{"amount_minor": -9}, {"kind": "credit"}, {"currency": "EUR"}, {"reseller_id": "another"}]
    backs = []
    for changed in [{}, *wrongs]:
        payment = item("payment", 10)
        await put(world, payment)
        back = item("payment", -10, payment_id=payment.id, reverses_id=payment.id)
        for name, value in changed.items():
            setattr(back, name, value)
        await put(world, back)
        backs.append(back.id)
    assert sorted((await wrong(world))["reversals_that_differ"]) == sorted(backs[1:])


async def test_a_wire_that_was_booked_by_hand_and_from_a_file(world: World) -> None:
    by_hand = item("payment", 100, key="payment:B1", reference="B1")
    await put(world, by_hand, item("payment", 100, key="payment:B2", reference="B2"))
    assert "wires_booked_twice" not in await wrong(world)
    imported = item("payment", 100, key="payment:line:x", reference="B1")
    await put(world, imported, item("payment", 99, key="payment:line:y", reference="B2"))
    assert (await wrong(world))["wires_booked_twice"] == ["B1"]
    await put(world, item("payment", -100, payment_id=by_hand.id, reverses_id=by_hand.id))
    assert "wires_booked_twice" not in await wrong(world), "one of the two was taken back"


async def test_a_refund_that_is_called_sent_and_not_booked(world: World) -> None:
    facts: dict[str, Any] = {"amount_minor": 100, "currency": "USD", "requested_at": NOW}
    await put(world, RefundRequest(psp_reference="P1", reference="REFUND1", done_at=NOW, bank_reference="OUT", **facts))
    assert await wrong(world) == {"refunds_sent_and_not_booked": ["REFUND1"]}
    payment = item("payment", 100)
    await put(world, payment)
    await put(world, item("refund", 100, payment_id=payment.id, reference="OUT"))
    assert await wrong(world) == {}


async def test_reports_that_do_not_come_to_what_pays_the_order(world: World) -> None:
    row = await recorded(world)
    await wire(world)
    assert await wrong(world) == {}
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(MoneyReport).values(amount_minor=1900))
    assert await wrong(world) == {"reports_to_saleor_beside_the_ledger": ["1"]}
    await change(world, row, canceled_at=NOW)
    assert "reports_to_saleor_beside_the_ledger" not in await wrong(world), "Saleor keeps showing it until it is sent back"
