"""A typing error in the end customer's address is found after the release, and staff put it right (edge case 29)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Refused, ResellerError
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.service import SENT
from app.mail.tables import Mail
from app.orders.customer_view import customer_ids, page_of_licenses
from app.orders.customers import find_or_create_customer
from app.orders.release import issue_licenses, queue_license_mail
from app.orders.service import cancel_order, lock_order
from app.orders.ship_to import Correction, correct_ship_to
from app.orders.tables import EndCustomer, LicenseClaim, OrderEvent, ResellerOrder, StaffTask
from app.reasons import Reason, sentence
from app.saleor.client import SaleorClient
from app.saleor.shops import Shop
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller, rows
from tests.orders.test_claims import mailed_token, other_company, take
from tests.orders.test_customers import account, created

RIGHT = "anna@customer.example"


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        world.services.settings.base_url = "http://app.example"
        await reseller(world)
        await reseller(world, "rival")
        yield world


async def released(world: World, number: str = "1", **answers: Any) -> ResellerOrder:
    """An order that went out to the address as it was typed, with its license mail sent."""
    row = await recorded(world, number)
    world.saleor.answers = answers or {"CustomerByEmail": {"user": account()}}
    await find_or_create_customer(world.services, world.shop, row.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        order = await lock_order(session, row.id)
        order.release_decided_at = NOW
        licenses = await issue_licenses(session, world.services, world.shop, row.id)
        await queue_license_mail(session, world.services, world.shop, order, licenses)
        await session.flush()
        await session.execute(update(Mail).values(state=SENT))
    return row


async def correct(world: World, email: str = RIGHT, reason: str = "typed wrong", **changed: Any) -> Correction:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await correct_ship_to(
            session, world.services, world.shop, number="1", email=email, by="anna", reason=reason, **changed
        )


async def seen_by(world: World, user: str) -> list[str]:
    """Numbers of the orders whose licenses an account reads."""
    async with world.database.tenant(world.shop.tenant_id) as session:
        try:
            own = await customer_ids(session, user)
        except ResellerError:
            return []
        return [one.order_number for one in (await page_of_licenses(session, own, 10, None))[0]]


async def said(world: World) -> list[str]:
    return [sentence(Reason.from_dict(event.what)) for event in await rows(world, OrderEvent)]


async def test_case_29_the_wrong_account_loses_the_license_at_once_and_the_right_one_gets_it(world: World) -> None:
    row = await released(world)
    assert await seen_by(world, "u7") == ["1"]
    done = await correct(world, mail_again=True)
    assert await seen_by(world, "u7") == []
    assert (done.old, done.lost_by, done.claimed) == ("buyer@customer.example", "buyer@customer.example", False)
    workflow, workflow_id, args = next(asked for asked in world.asked if asked[0] == "correct_ship_to")
    assert (workflow, args) == ("correct_ship_to", (world.shop.tenant_id, row.id))
    assert workflow_id.startswith(f"ship-to:{world.shop.tenant_id}:{row.id}:")
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    for _ in range(2):
        await find_or_create_customer(world.services, world.shop, row.id)
    assert await seen_by(world, "new") == ["1"]
    assert await seen_by(world, "u7") == []
    (license,) = await rows(world, License)
    (asked,) = world.saleor.named("CustomerCreate")
    assert asked["input"]["email"] == RIGHT
    texts = await said(world)
    assert (
        "The end customer's e-mail was corrected from buyer@customer.example to anna@customer.example by anna: typed wrong."
        in texts
    )
    assert sum("has lost it" in text for text in texts) == 1
    assert await rows(world, StaffTask) == []
    again = [mail for mail in await rows(world, Mail) if mail.kind == MailKind.LICENSE]
    assert [mail.recipient for mail in again] == ["texan@partner.example"] * 2, "to the reseller, never the end customer"
    assert license.end_customer_id is not None


async def test_case_29_the_old_claim_link_dies(world: World) -> None:
    row = await released(world, **other_company())
    token = await mailed_token(world, row)
    done = await correct(world)
    assert (done.lost_by, done.claimed) == (None, False)
    with pytest.raises(Conflict) as caught:
        await take(world, token)
    assert caught.value.code == "claim_withdrawn"
    assert await rows(world, StaffTask) == []


async def test_case_29_an_account_that_had_claimed_is_named_to_staff(world: World) -> None:
    row = await released(world, **other_company())
    await take(world, await mailed_token(world, row))
    assert await seen_by(world, "u7") == ["1"]
    done = await correct(world)
    assert (done.lost_by, done.claimed) == ("buyer@customer.example", True)
    assert await seen_by(world, "u7") == []
    (task,) = await rows(world, StaffTask)
    text = sentence(Reason.from_dict(task.reasons[0]))
    assert "buyer@customer.example had claimed the license of order 1 on 2026-03-02" in text
    world.clock.now += timedelta(minutes=1)
    assert not (await correct(world, "berta@customer.example")).claimed, "told once"


async def test_case_29_a_correction_may_lead_to_another_claim_and_back_again(world: World) -> None:
    row = await released(world)
    await correct(world)
    world.saleor.answers = other_company(number="u9", email=RIGHT)
    await find_or_create_customer(world.services, world.shop, row.id)
    assert await seen_by(world, "u9") == []
    assert (await rows(world, LicenseClaim))[0].email == RIGHT
    world.clock.now += timedelta(minutes=1)
    await correct(world, "buyer@customer.example")
    world.saleor.answers = {"CustomerByEmail": {"user": account()}}
    await find_or_create_customer(world.services, world.shop, row.id)
    assert await seen_by(world, "u7") == ["1"]
    assert sum("was corrected" in text for text in await said(world)) == 2


async def test_case_29_a_correction_in_the_middle_of_the_look_up_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await recorded(world)
    real = world.services.shops.client

    async def client(shop: Shop) -> SaleorClient:
        await correct(world)
        return await real(shop)

    monkeypatch.setattr(world.services.shops, "client", client)
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await find_or_create_customer(world.services, world.shop, row.id)
    (kept,) = await rows(world, ResellerOrder)
    assert (kept.end_customer_id, kept.end_customer_email) == (None, RIGHT)


async def test_before_the_release_the_order_only_changes_its_address(world: World) -> None:
    row = await recorded(world)
    await correct(world)
    assert ("attend_order", (world.shop.tenant_id, row.saleor_order_id, "corrected")) in [(a, c) for a, _, c in world.asked]
    assert await rows(world, EndCustomer) == []
    (kept,) = await rows(world, ResellerOrder)
    assert kept.end_customer_email == RIGHT


async def test_an_account_that_could_not_be_made_is_no_task_any_more(world: World) -> None:
    missing: dict[str, Any] = {
        "CustomerByEmail": {"user": None},
        "CustomerCreate": {"customerCreate": {"user": None, "errors": []}},
    }
    await released(world, **missing)
    await correct(world)
    (task,) = await rows(world, StaffTask)
    assert task.done_at is not None


@pytest.mark.parametrize(
    ("email", "reason", "error", "code"),
    [
        ("nobody", "x", InvalidInput, "email"),
        (RIGHT, " ", InvalidInput, "no_reason"),
        ("Buyer@Customer.example ", "x", Conflict, "same_email"),
        ("texan+1@partner.example", "x", Refused, "own_use"),
        ("Rival@partner.example", "x", Refused, "other_reseller"),
    ],
)
async def test_what_is_no_correction_changes_nothing(
    world: World, email: str, reason: str, error: type[ResellerError], code: str
) -> None:
    await released(world)
    with pytest.raises(error) as caught:
        await correct(world, email, reason)
    assert caught.value.code == code
    assert await seen_by(world, "u7") == ["1"]
    assert not any("was corrected" in text for text in await said(world))


async def test_a_mail_that_cannot_go_again_keeps_the_correction_back(world: World) -> None:
    await recorded(world)
    with pytest.raises(NotFound, match="no license mail yet"):
        await correct(world, mail_again=True)
    (kept,) = await rows(world, ResellerOrder)
    assert kept.end_customer_email == "buyer@customer.example"


async def test_an_order_canceled_before_its_release_has_nothing_to_move(world: World) -> None:
    row = await recorded(world)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, row.id, NOW)
    with pytest.raises(Conflict, match="canceled before its release"):
        await correct(world)
