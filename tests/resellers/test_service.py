import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.rules import Decision
from app.resellers.service import accept_policy, add, by_saleor_user, decide, find, history, list_all
from app.resellers.tables import Reseller
from tests.conftest import NOW, install

FACTS: dict[str, Any] = {
    "email": "Buyer@Partner.example",
    "saleor_user_id": "VXNlcjox",
    "company": "Partner Inc.",
    "street": "1 Main St",
    "city": "Austin",
    "postal_code": "78701",
    "country": "us",
    "state": "Texas",
    "by": "staff@vendor.example",
    "at": NOW,
}


async def make(session: AsyncSession, **changed: Any) -> Reseller:
    return await add(session, **FACTS | changed)


async def say(session: AsyncSession, decision: str, by: str = "anna", minutes: int = 1, **more: Any) -> Reseller:
    at = NOW + timedelta(minutes=minutes)
    return await decide(session, FACTS["email"], Decision(decision), by=by, at=at, policy_version="2", **more)


async def test_a_new_reseller_is_pending_with_its_address_in_one_form(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
    async with database.tenant(tenant) as session:
        found = await find(session, "BUYER@partner.example")
        assert (found.email, found.status, found.country, found.state) == ("buyer@partner.example", "pending", "US", "TX")
        assert [user.saleor_user_id for user in found.users] == ["VXNlcjox"]
        assert (await by_saleor_user(session, "VXNlcjox")) is found
        assert await by_saleor_user(session, "VXNlcjoy") is None
        assert [row.action for row in await history(session, found.id)] == ["add"]
        assert await list_all(session) == [found]


async def test_the_same_company_in_another_shop_is_another_reseller(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    for shop in (tenant, other):
        async with database.tenant(shop) as session:
            await make(session)
    async with database.tenant(other) as session:
        assert len(await list_all(session)) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"email": "nobody"}, "email: 'nobody'"),
        ({"saleor_user_id": ""}, "saleor_user_id: "),
        ({"company": " "}, "company: it is missing"),
        ({"street": ""}, "street: "),
        ({"city": ""}, "city: "),
        ({"company": "x" * 201}, "company: at most 200"),
        ({"postal_code": "1234"}, "postal_code: '1234' is not a ZIP code"),
        ({"state": ""}, "state: '' is not a US state"),
        ({"state": "Bavaria"}, "state: 'Bavaria'"),
        ({"country": "Germany"}, "country: 'Germany'"),
        ({"country": "EU"}, "country: 'EU'"),
        ({"country": "DE", "postal_code": ""}, "postal_code: it is missing"),
        ({"language": "fr"}, "language: 'fr'"),
        ({"street2": "x" * 201}, "street2: at most 200"),
        ({"tax_number": "x" * 51}, "tax_number: at most 50"),
        ({"country": "DE", "state": "x" * 51}, "state: at most 50"),
    ],
)
async def test_the_wrong_field_is_named(database: Database, tenant: str, changed: dict[str, Any], says: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match=says):
            await make(session, **changed)
        assert await list_all(session) == []


async def test_elsewhere_the_state_is_free_text(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        found = await make(session, country="DE", postal_code="80331", state=" Bayern ")
        assert (found.country, found.postal_code, found.state) == ("DE", "80331", "Bayern")


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"saleor_user_id": "other"}, "known_reseller"), ({"email": "second@partner.example"}, "known_user")],
)
async def test_case_1_no_second_partner(database: Database, tenant: str, changed: dict[str, Any], code: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
        with pytest.raises(Conflict) as caught:
            await make(session, **changed)
        assert caught.value.code == code


async def test_case_4_the_first_decision_stands_and_the_second_is_told(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
        await say(session, "approve", by="anna")
    async with database.tenant(tenant) as session:
        with pytest.raises(Conflict, match="already decided by anna on 2026-03-02: it is approved") as caught:
            await say(session, "reject", by="berta", reason="a consultancy")
        assert caught.value.code == "already_decided"
        assert (await find(session, FACTS["email"])).status == "approved"


async def test_a_decision_that_was_never_possible_says_the_state(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
        with pytest.raises(Conflict, match="is pending; it cannot be changed by reinstate"):
            await say(session, "reinstate")


async def test_suspended_ended_and_back_with_history(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await make(session)
        for minutes, decision in enumerate(["approve", "suspend", "reinstate", "end", "reinstate"], 1):
            await say(session, decision, minutes=minutes, reason="as agreed")
        assert reseller.status == "approved"
        rows = await history(session, reseller.id)
        assert [row.action for row in rows] == ["add", "approve", "suspend", "reinstate", "end", "reinstate"]
        assert rows[2].reason == "as agreed"


@pytest.mark.parametrize("decision", ["reject", "suspend", "end"])
async def test_case_3_a_reason_is_owed(database: Database, tenant: str, decision: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
        with pytest.raises(InvalidInput, match="reason: say why"):
            await say(session, decision, reason=" ")


async def test_nobody_is_found(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(NotFound, match=r"no reseller with the e-mail x@y\.example"):
            await find(session, "x@y.example")


async def test_case_7_a_double_click_is_one_record(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await make(session)
        assert await accept_policy(session, reseller, version="2", by="buyer", at=NOW)
        assert not await accept_policy(session, reseller, version="2", by="buyer", at=NOW)
        assert [row.policy_version for row in reseller.acceptances] == ["2"]


async def test_case_7_the_other_click_was_first(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session)
    async with database.tenant(tenant) as early:
        stale = await find(early, FACTS["email"])
    async with database.tenant(tenant) as session:
        await accept_policy(session, await find(session, FACTS["email"]), version="2", by="buyer", at=NOW)
    async with database.tenant(tenant) as session:
        session.add(stale)
        assert not await accept_policy(session, stale, version="2", by="buyer", at=NOW)
        assert len(stale.acceptances) == 1


async def test_case_5_an_old_acceptance_is_void_at_approval(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await make(session)
        await accept_policy(session, reseller, version="1", by="buyer", at=NOW)
        await accept_policy(session, reseller, version="2", by="buyer", at=NOW)
        await say(session, "approve")
        assert [row.policy_version for row in reseller.acceptances] == ["2"]
        assert any(row.action == "policy_void" and "version 1" in row.reason for row in await history(session, reseller.id))


async def test_every_change_raises_the_programs_version(database: Database, tenant: str) -> None:
    async def version() -> int:
        async with database.system() as session:
            return (await session.scalars(select(Tenant.program_version))).one()

    async with database.tenant(tenant) as session:
        await make(session)
    before = await version()
    async with database.tenant(tenant) as session:
        await say(session, "approve")
    assert await version() > before


async def test_two_staff_who_add_one_company_at_once_make_one_reseller(database: Database, tenant: str) -> None:
    async def added(turn: int) -> str:
        try:
            async with database.tenant(tenant) as session:
                await make(session, saleor_user_id=f"account-{turn}")
        except Conflict as error:
            return error.code
        return "added"

    assert sorted(await asyncio.gather(*map(added, range(4)))) == ["added", *["known_reseller"] * 3]
