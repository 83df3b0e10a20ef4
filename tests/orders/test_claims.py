"""A license for a mailbox whose account is another company's: attached only when its holder takes it (edge case 22)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.errors import Conflict, Forbidden, NotFound, ResellerError
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.claims import hash_of, renew_claim, shown_claim, take_claim
from app.orders.customers import attend_customer, find_or_create_customer
from app.orders.release import issue_licenses
from app.orders.tables import EndCustomer, LicenseClaim, OrderEvent, ResellerOrder, StaffTask
from app.reasons import Reason
from tests.conftest import install
from tests.orders.builders import World, address, opened, recorded, refused, reseller, rows
from tests.orders.test_customers import account, created

BUYER = {"user_id": "u7", "email": "buyer@customer.example"}
LINK = re.compile(r"http://\S+/claims/([\w-]+)")


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        world.services.settings.base_url = "http://app.example"
        await reseller(world)
        yield world


def other_company(**changed: Any) -> dict[str, Any]:
    addresses = [{"companyName": "Other Ltd", "firstName": "Ann", "lastName": "Lee"}]
    return {"CustomerByEmail": {"user": account(addresses=addresses, **changed)}}


async def release(world: World, row: ResellerOrder) -> None:
    await find_or_create_customer(world.services, world.shop, row.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await issue_licenses(session, world.services, world.shop, row.id)


async def waiting(world: World, number: str = "1", **changed: Any) -> tuple[ResellerOrder, str]:
    """An order whose license waits for the holder of u7, and the token it was mailed."""
    row = await recorded(world, number, **changed)
    world.saleor.answers = other_company()
    await release(world, row)
    return row, await mailed_token(world, row)


async def mailed_token(world: World, row: ResellerOrder) -> str:
    async with world.database.tenant(world.shop.tenant_id) as session:
        query = select(Mail).where(Mail.order_id == row.id, Mail.kind == MailKind.LICENSE_CLAIM).options(undefer(Mail.content))
        mails = (await session.scalars(query.order_by(Mail.created_at.desc()))).all()
    found = LINK.search(mails[0].content.decode().replace("=\r\n", ""))
    assert found is not None
    return found[1]


async def take(world: World, token: str, **who: str) -> str:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await take_claim(session, world.services, world.shop, token, **BUYER | who)


async def owners(world: World) -> set[str | None]:
    """Saleor's ids of the accounts that have licenses."""
    found: set[str | None] = set()
    for license in await rows(world, License):
        customer = await rows(world, EndCustomer, EndCustomer.id == license.end_customer_id)
        found.add(customer[0].saleor_user_id if customer else None)
    return found


async def test_case_22_the_license_waits_for_the_holder_of_the_mailbox(world: World) -> None:
    row, token = await waiting(world)
    assert await owners(world) == {None}
    (claim,) = await rows(world, LicenseClaim)
    assert claim.token_hash == hash_of(token)
    assert token not in str(vars(claim)), "only the hash is kept"
    (mail,) = await rows(world, Mail, Mail.kind == MailKind.LICENSE_CLAIM)
    assert (mail.recipient, mail.language) == ("buyer@customer.example", "en")
    assert ("deliver_mail", f"mail:{world.shop.tenant_id}:{mail.id}", (world.shop.tenant_id, mail.id)) in world.asked
    async with world.database.tenant(world.shop.tenant_id) as session:
        shown = await shown_claim(session, world.services, token, **BUYER)
    assert (shown.order_number, shown.licensee, [line.sku for line in shown.lines]) == ("1", "ACME", ["GRID-1"])
    assert await take(world, token) == "1"
    assert await owners(world) == {"u7"}
    (kept,) = await rows(world, ResellerOrder)
    assert (await rows(world, EndCustomer, EndCustomer.id == kept.end_customer_id))[0].saleor_user_id == "u7"
    said = [Reason.from_dict(event.what).code for event in await rows(world, OrderEvent)]
    assert {"claim_sent", "claimed"} <= set(said)
    assert await rows(world, StaffTask) == []
    assert world.asked[-1][2] == (world.shop.tenant_id, row.saleor_order_id, "claimed")


async def test_case_22_a_repetition_sends_one_link(world: World) -> None:
    row, token = await waiting(world)
    for _ in range(2):
        await find_or_create_customer(world.services, world.shop, row.id)
    assert len(await rows(world, LicenseClaim)) == len(await rows(world, Mail, Mail.kind == MailKind.LICENSE_CLAIM)) == 1
    await take(world, token)
    await find_or_create_customer(world.services, world.shop, row.id)
    assert len(await rows(world, LicenseClaim)) == 1


async def test_case_22_another_order_of_the_claimed_company_needs_no_link_and_one_of_a_third_does(world: World) -> None:
    _, token = await waiting(world)
    await take(world, token)
    await release(world, await recorded(world, "2"))
    assert await owners(world) == {"u7"}
    await release(world, await recorded(world, "3", shippingAddress=address("CA", "buyer@customer.example", companyName="Third")))
    assert await owners(world) == {"u7", None}
    assert len(await rows(world, LicenseClaim)) == 2


async def test_case_22_an_unconfirmed_account_of_the_same_company_is_asked_too(world: World) -> None:
    row = await recorded(world)
    addresses = [{"companyName": "ACME", "firstName": "", "lastName": ""}]
    world.saleor.answers = {"CustomerByEmail": {"user": account(isConfirmed=False, languageCode="DE_DE", addresses=addresses)}}
    await release(world, row)
    (claim,) = await rows(world, LicenseClaim)
    assert claim.language == "de"


@pytest.mark.parametrize(
    ("found", "ours"), [("marked", True), ("marked for another", False), ("confirmed", True), ("unconfirmed", False)]
)
async def test_an_account_found_after_a_crash_is_taken_if_we_made_it_or_its_holder_confirmed_it(
    world: World, found: str, ours: bool
) -> None:
    row = await recorded(world)
    sent: list[dict[str, str]] = []

    def dies(variables: dict[str, Any]) -> dict[str, Any]:
        sent.extend(variables["input"]["privateMetadata"])
        raise RuntimeError("killed")

    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": dies}
    with pytest.raises(RuntimeError, match="killed"):
        await release(world, row)
    (mark,) = sent
    kept = {"marked": [mark], "marked for another": [{**mark, "value": "another"}]}.get(found, [])
    new = account("new", isConfirmed=found == "confirmed", firstName="", lastName="", privateMetadata=kept)
    world.saleor.answers = {"CustomerByEmail": {"user": new}}
    await release(world, row)
    assert await owners(world) == ({"new"} if ours else {None})
    assert len(await rows(world, LicenseClaim)) == (0 if ours else 1)


async def test_an_account_that_could_not_be_made_is_not_ours_when_it_shows_later(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": refused("customerCreate", "no", "UNIQUE")}
    await release(world, row)
    world.saleor.answers = other_company()
    await find_or_create_customer(world.services, world.shop, row.id)
    assert await owners(world) == {None}
    assert len(await rows(world, LicenseClaim)) == 1


async def test_a_new_account_after_an_erasure_is_asked(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await release(world, row)
    await attend_customer(world.services, world.shop, "new", "customer_deleted")
    world.saleor.answers = other_company()
    await release(world, await recorded(world, "2"))
    assert await owners(world) == {None}


REFUSALS: list[tuple[dict[str, str], timedelta, type[ResellerError], str]] = [
    ({"user_id": "u9", "email": "other@customer.example"}, timedelta(), Forbidden, "claim_foreign"),
    ({"user_id": "u9", "email": "buyer+x@customer.example"}, timedelta(), Forbidden, "claim_foreign"),
    ({}, timedelta(days=30), Conflict, "claim_expired"),
]


@pytest.mark.parametrize(("who", "later", "error", "code"), REFUSALS)
async def test_case_22_who_may_not_take_it(
    world: World, who: dict[str, str], later: timedelta, error: type[ResellerError], code: str
) -> None:
    _, token = await waiting(world)
    world.clock.now += later
    with pytest.raises(error) as caught:
        await take(world, token, **who)
    assert caught.value.code == code
    assert await owners(world) == {None}


async def test_case_22_a_link_counts_once_and_a_made_up_one_never(world: World) -> None:
    _, token = await waiting(world)
    with pytest.raises(NotFound):
        await take(world, token + "x")
    ended = await asyncio.gather(take(world, token), take(world, token), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ended) == ["Conflict", "str"]
    with pytest.raises(Conflict, match="used already"):
        await take(world, token)
    assert [event.key.split(":")[0] for event in await rows(world, OrderEvent)].count("claimed") == 1


async def test_a_new_account_of_the_same_mailbox_may_take_it(world: World) -> None:
    _, token = await waiting(world)
    await take(world, token, user_id="u8", email="Buyer@Customer.example")
    assert await owners(world) == {"u8"}


async def test_licenses_of_one_mailbox_never_become_those_of_two_accounts(world: World) -> None:
    _, one = await waiting(world)
    await take(world, one)
    world.saleor.answers = other_company(number="u8")
    third = address("CA", "buyer@customer.example", companyName="Third")
    row = await recorded(world, "2", shippingAddress=third)
    await release(world, row)
    with pytest.raises(Conflict) as caught:
        await take(world, await mailed_token(world, row), user_id="u8")
    assert caught.value.code == "claim_other_account"


async def test_staff_send_another_link_and_the_old_one_dies(world: World) -> None:
    row, old = await waiting(world)
    world.clock.now += timedelta(days=40)
    async with world.database.tenant(world.shop.tenant_id) as session:
        await renew_claim(session, world.services, world.shop, number="1", by="anna")
    new = await mailed_token(world, row)
    with pytest.raises(Conflict) as caught:
        await take(world, old)
    assert caught.value.code == "claim_withdrawn"
    assert await take(world, new) == "1"
    with pytest.raises(NotFound, match="waits to be claimed"):
        async with world.database.tenant(world.shop.tenant_id) as session:
            await renew_claim(session, world.services, world.shop, number="1", by="anna")


async def test_the_link_opens_the_shops_own_page(world: World) -> None:
    world.shop.settings.claim_url = "http://store.example/claims/{token}?from=mail"
    _, token = await waiting(world)
    assert await take(world, token) == "1"


async def test_a_link_into_the_portal_finds_its_shop_among_several(world: World) -> None:
    services, shop = world.services, world.shop
    assert services.portal(shop) == "http://app.example/portal"
    await install(world.database, "https://other.example/graphql/")
    await services.shops.refresh()
    name = urlsplit(shop.api_url).netloc
    assert services.portal(shop) == f"http://app.example/portal/{name}?next="
    shop.settings.portal_host = "partners.example"
    assert services.portal(shop) == "http://partners.example/portal"
    services.settings.base_url = ""
    assert services.portal(shop) == ""
