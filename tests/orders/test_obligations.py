"""Listings are checked and become tasks, price changes are acknowledged, and nobody loses anything by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import respx

from app.db.session import Database
from app.errors import InvalidInput, NotFound
from app.mail.tables import Mail
from app.orders import obligations as cases
from app.orders.mails import note_failure
from app.orders.tables import StaffTask
from app.pricing.tables import PriceChange, PriceChangeNotice, PriceListRow
from app.resellers import obligations
from app.resellers.obligations import MAX_LISTINGS, listing_url
from app.resellers.rules import Decision, ResellerStatus
from app.resellers.service import decide, find, history
from app.resellers.tables import ProductListing, Reseller
from tests.conftest import NOW
from tests.orders.builders import World, opened, reseller, rows

URL = "https://partner.example/products"
ADDRESS = "93.184.216.34"


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        yield world


async def resolve(host: str, port: int) -> list[str]:
    return [ADDRESS]


async def recorded(world: World, made: Reseller, *urls: str) -> list[ProductListing]:
    async with world.database.tenant(world.shop.tenant_id) as session:
        kept = await find(session, made.email)
        return await cases.set_listings(session, world.services, kept, urls, by="rita")


async def checked(world: World) -> int:
    return await cases.check_listings(world.services, world.shop, resolve=resolve)


async def tasks(world: World) -> list[tuple[str, list[str], bool]]:
    return [
        (task.key, [reason["code"] for reason in task.reasons], task.done_at is not None) for task in await rows(world, StaffTask)
    ]


async def test_case_8_a_dead_listing_is_a_task_until_it_is_back_and_never_more(world: World) -> None:
    made = await reseller(world)
    (listing,) = await recorded(world, made, URL)
    with respx.mock:
        page = respx.get(f"https://{ADDRESS}/products").respond(404)
        assert await checked(world) == 1
        assert await checked(world) == 0, "not again before its time"
        key = f"listing:{listing.id}"
        assert await tasks(world) == [(key, ["listing_not_verified", "page_status"], False)]
        (row,) = await rows(world, ProductListing)
        assert (row.checked_at, row.verified_at, row.problem and row.problem["code"]) == (NOW, None, "page_status")
        world.clock.now = NOW + timedelta(days=7)
        assert await checked(world) == 1
        assert len(await tasks(world)) == 1
        page.respond(200)
        world.clock.now = NOW + timedelta(days=14)
        assert await checked(world) == 1
    assert await tasks(world) == [(key, ["listing_not_verified", "page_status"], True)]
    (row,) = await rows(world, ProductListing)
    assert (row.verified_at, row.problem) == (world.clock.now, None)
    assert (await rows(world, Reseller))[0].status == ResellerStatus.APPROVED


async def test_the_vendors_words_are_looked_for(world: World) -> None:
    made = await reseller(world)
    await recorded(world, made, URL)
    await world.set(listing_words=["Grid", "Vendor"])
    with respx.mock:
        respx.get(f"https://{ADDRESS}/products").respond(text="nothing of it")
        assert await checked(world) == 1
    assert (await tasks(world))[0][1] == ["listing_not_verified", "page_words"]


async def test_only_active_resellers_are_looked_at_and_the_longest_waiting_first(world: World) -> None:
    made = await reseller(world)
    gone = await reseller(world, "gone")
    await recorded(world, gone, "https://gone.example/")
    await recorded(world, made, URL, "https://partner.example/new")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, gone.email, Decision.SUSPEND, by="a", at=NOW, policy_version="1", reason="r")
        first = next(row for row in await obligations.listings(session, made.id) if row.url == URL)
        await obligations.note_check(session, first.id, None, NOW - timedelta(days=7))
        due = await obligations.listings_due(session, at=NOW, days=7, limit=5)
        assert [(row.url, company) for row, company in due] == [("https://partner.example/new", "Texan"), (URL, "Texan")]
        assert await obligations.note_check(session, "unknown", None, NOW) is None


async def test_a_page_that_is_taken_off_takes_its_task_along(world: World) -> None:
    made = await reseller(world)
    await recorded(world, made, URL)
    with respx.mock:
        respx.get(f"https://{ADDRESS}/products").respond(500)
        await checked(world)
    kept = await recorded(world, made, URL, "HTTPS://Partner.example/two#top")
    assert [(row.url, row.checked_at) for row in kept] == [(URL, NOW), ("https://partner.example/two", None)]
    await recorded(world, made, *[row.url for row in kept])
    assert (await tasks(world))[0][2] is False
    await recorded(world, made)
    assert (await tasks(world))[0][2] is True
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert [entry.action for entry in await history(session, made.id)].count("listings") == 3


@pytest.mark.parametrize(
    "wrong",
    [
        "", "products", "ftp://partner.example/", "https://", "https://partner", "https://user:secret@partner.example/",
        "https://partner.example/a b", "https://partner.example/\r\nHost: x", "https://127.0.0.1/",
        "https://" + "a" * 600 + ".example/",
        "https://partner.example:99999/", "https://[::1]/", "https://parrtner.example/ü",
    ],
)  # fmt: skip
def test_what_is_no_public_web_address_is_named(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="is not a web address like"):
        listing_url(wrong)


async def test_a_wrong_address_changes_nothing(world: World) -> None:
    made = await reseller(world)
    await recorded(world, made, URL)
    for urls in (["https://partner.example/2", "nonsense"], [f"https://partner.example/{n}" for n in range(MAX_LISTINGS + 1)]):
        with pytest.raises(InvalidInput) as refused:
            await recorded(world, made, *urls)
        assert refused.value.code == "listing_url"
    assert [row.url for row in await rows(world, ProductListing)] == [URL]


async def told(world: World, *resellers: Reseller, **changed: Any) -> str:
    async with world.database.tenant(world.shop.tenant_id) as session:
        prices = PriceListRow(name="Spring", rate=Decimal(10), version=1)
        session.add(prices)
        await session.flush()
        facts: dict[str, Any] = {
            "price_list_id": prices.id, "state": "planned", "effective_on": NOW.date() + timedelta(days=30),
            "announce_on": NOW.date(), "short_notice": False, "planned_at": NOW, "planned_by": "anna", "why": "", "added": 0,
            "changed": 1, "removed": 0, "changes": {}, "announced_at": NOW,
        }  # fmt: skip
        change = PriceChange(**facts | changed)
        session.add(change)
        await session.flush()
        session.add_all(PriceChangeNotice(price_change_id=change.id, reseller_id=one.id, told_at=NOW) for one in resellers)
        return change.id


async def test_a_price_change_is_acknowledged_once_by_who_was_told(world: World) -> None:
    made, rival = await reseller(world), await reseller(world, "rival")
    change = await told(world, made)

    async def said(who: Reseller, identity: str = change) -> bool:
        async with world.database.tenant(world.shop.tenant_id) as session:
            return await cases.acknowledge_price_change(
                session, world.services, who, identity, by=who.email, address="203.0.113.7"
            )

    async with world.database.tenant(world.shop.tenant_id) as session:
        (before,) = await cases.announced(session, made.id)
        assert (before.id, before.acknowledged_at) == (change, None)
    assert [await said(made), await said(made)] == [True, False]
    for who, identity in ((rival, change), (made, "unknown")):
        with pytest.raises(NotFound):
            await said(who, identity)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (after,) = (await cases.overview(session, made)).price_changes
        assert after.acknowledged_at == NOW
        assert await cases.announced(session, rival.id) == []


async def test_case_83_a_dead_mailbox_is_seen(world: World) -> None:
    made, rival = await reseller(world), await reseller(world, "rival")
    mail = Mail(
        key="k", kind="license", order_id=None, recipient=made.email, language="en", subject="s", message_id="m", content=b"",
        state="failed", error="550 no such user", created_at=NOW,
    )  # fmt: skip
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await cases.overview(session, made)).undelivered == []
        session.add(mail)
        await session.flush()
        await note_failure(session, world.services, world.shop, mail)
        assert (await cases.overview(session, made)).undelivered == [(made.email, "550 no such user")]
        assert (await cases.overview(session, rival)).undelivered == []


async def test_a_reseller_that_names_no_page_in_time_is_a_task_until_it_does(world: World) -> None:
    made = await reseller(world)
    await reseller(world, "rival")
    await recorded(world, await reseller(world, "listed"), URL)
    await reseller(world, "late", accept=False)

    async def asked() -> int:
        return await cases.ask_for_listings(world.services, world.shop)

    world.clock.now = NOW + timedelta(days=29)
    assert await asked() == 0
    world.clock.now = NOW + timedelta(days=30)
    assert await asked() == 2
    assert await asked() == 0, "once"
    keys = {key for key, codes, done in await tasks(world) if codes == ["listing_missing"] and not done}
    assert len(keys) == 2
    await recorded(world, made, "https://partner.example/grids")
    async with world.database.tenant(world.shop.tenant_id) as session:
        facts: dict[str, Any] = {"by": "anna", "at": NOW, "policy_version": "1"}
        await decide(session, "rival@partner.example", Decision.SUSPEND, reason="no answer", **facts)
    assert await asked() == 0
    assert all(done for _, _, done in await tasks(world))
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, "rival@partner.example", Decision.REINSTATE, **facts)
    assert await asked() == 0, "what staff took off comes back after some days"
    world.clock.now += timedelta(days=8)
    assert await asked() == 1


async def test_a_program_that_asks_for_no_listing_has_no_such_task(world: World) -> None:
    await reseller(world)
    world.clock.now = NOW + timedelta(days=400)
    world.shop.settings.program.listing_days = 0
    assert await cases.ask_for_listings(world.services, world.shop) == 0
    assert await tasks(world) == []
