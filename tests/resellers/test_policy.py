from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.policy import MAX_TEXT, find_version, in_force, publish, text_hash, versions
from app.resellers.rules import Policy, may_order
from app.resellers.service import accept_policy
from app.settings import ProgramNumbers, ShopSettings
from tests.conftest import NOW, install
from tests.resellers.test_service import make, say

TODAY = NOW.date()
SETTINGS = ShopSettings(program=ProgramNumbers(policy_version="0", policy_since=date(2020, 1, 1), policy_grace_days=10))
ENGLISH, GERMAN = "# Policy\n\nPay on time.", "# Richtlinie\n\nZahlen Sie pünktlich."


async def put(session: Any, version: str = "1", day: date = TODAY, at: datetime = NOW, **texts: Any) -> Any:
    return await publish(session, version, texts.get("en", ENGLISH), texts.get("de", GERMAN), day, at)


async def test_the_newest_that_is_in_force_counts_and_the_settings_before_any(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        assert await in_force(session, SETTINGS, TODAY) == Policy("0", date(2020, 1, 1), 10)
        await put(session, "1", TODAY)
        await put(session, "2", TODAY + timedelta(days=30))
        for days, version in [(-1, "0"), (0, "1"), (29, "1"), (30, "2"), (900, "2")]:
            assert (await in_force(session, SETTINGS, TODAY + timedelta(days=days))).version == version
        assert [row.version for row in await versions(session)] == ["2", "1"]


async def test_of_one_day_the_one_published_last_counts(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await put(session, "b", TODAY, NOW)
        await put(session, "a", TODAY, NOW + timedelta(hours=1))
        assert (await in_force(session, SETTINGS, TODAY)).version == "a"


async def test_grace_does_not_begin_before_the_text_was_published(database: Database, tenant: str) -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    berlin = SETTINGS.model_copy(update={"time_zone": "Europe/Berlin"})
    async with database.tenant(tenant) as session:
        await put(session, "1", date(2025, 1, 1), late)
        assert (await in_force(session, SETTINGS, TODAY)).since == date(2026, 3, 2)
        assert (await in_force(session, berlin, TODAY)).since == date(2026, 3, 3)


async def test_a_published_text_does_not_change(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        first = await put(session, en="\ufeff# Policy\r\n\r\nPay on time.\r\n\r\n")
        assert await put(session, at=NOW + timedelta(days=1)) is first, "the same text again is the same version"
        with pytest.raises(Conflict, match="Version 1 was published with another text; give the new text a new version"):
            await put(session, en=ENGLISH + " Or else.")
        with pytest.raises(Conflict, match="another text"):
            await put(session, de=GERMAN + " Sonst.")
        with pytest.raises(Conflict, match="in force from 2026-03-02"):
            await put(session, day=TODAY + timedelta(days=1))
        assert (await find_version(session, "1")).published_at == NOW
        assert len(await versions(session)) == 1


@pytest.mark.parametrize(
    ("version", "texts", "says"),
    [
        (" ", {}, "version: "),
        ("x" * 41, {}, "version: "),
        ("a\nb", {}, "version: "),
        ("1", {"en": " \n"}, "The English text is empty"),
        ("1", {"de": ""}, "The German text is empty"),
        ("1", {"de": "x" * (MAX_TEXT + 1)}, "The German text is not"),
        ("1", {"en": "a\x00b"}, "The English text is not"),
    ],
)
async def test_what_is_no_policy_is_named(
    database: Database, tenant: str, version: str, texts: dict[str, Any], says: str
) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match=says):
            await put(session, version, **texts)
        assert await versions(session) == []


async def test_versions_are_a_shops_own(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        await put(session)
    async with database.tenant(other) as session:
        assert (await in_force(session, SETTINGS, TODAY)).version == "0"
        await put(session, en="Another text")
        with pytest.raises(NotFound, match="No text of version 7"):
            await find_version(session, "7")


@pytest.mark.parametrize("language", ["", "de"])
async def test_an_acceptance_keeps_what_was_shown_and_from_where(database: Database, tenant: str, language: str) -> None:
    async with database.tenant(tenant) as session:
        row = await put(session)
        reseller = await make(session)
        assert await accept_policy(session, reseller, version="1", by="b", at=NOW, language=language, address="2001:db8::1")
        (kept,) = reseller.acceptances
        assert kept.language == (language or "en")
        assert kept.text_sha256 == (row.sha256_de if language else row.sha256_en) == await text_hash(session, "1", kept.language)
        assert (kept.address, kept.accepted_by) == ("2001:db8::1", "b")


async def test_an_acceptance_of_a_version_without_a_text_has_no_hash(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await make(session)
        await accept_policy(session, reseller, version="0", by="b", at=NOW)
        (kept,) = reseller.acceptances
        assert (kept.text_sha256, kept.address) == (None, None)


async def test_case_6_a_new_version_gives_grace_and_then_stops_ordering(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await make(session)
        await accept_policy(session, reseller, version="2", by="b", at=NOW)
        await say(session, "approve")
        await put(session, "3", TODAY + timedelta(days=5))

        async def reasons(days: int) -> list[str]:
            day = TODAY + timedelta(days=days)
            return [reason.code for reason in may_order(reseller, await in_force(session, SETTINGS, day), day)]

        assert await reasons(15) == [], "the last day of ten"
        assert await reasons(16) == ["policy_not_accepted"]
        await accept_policy(session, reseller, version="3", by="b", at=NOW)
        assert await reasons(16) == []
