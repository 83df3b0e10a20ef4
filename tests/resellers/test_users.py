import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused, ResellerError
from app.resellers import users
from app.resellers.roles import Role
from app.resellers.rules import Decision
from app.resellers.service import add, decide, find, history
from app.resellers.tables import Reseller, ResellerInvitation
from tests.conftest import NOW, install

DAY = timedelta(days=1)


async def company(session: AsyncSession, user: str = "rita", **changed: Any) -> Reseller:
    facts: dict[str, Any] = {
        "email": f"{user}@beta.example", "saleor_user_id": user, "company": "Beta", "street": "1 Main St", "city": "Austin",
        "postal_code": "78701", "country": "US", "state": "TX", "by": "anna", "at": NOW,
    }  # fmt: skip
    row = await add(session, **facts | changed)
    return await decide(session, row.email, Decision.APPROVE, by="anna", at=NOW, policy_version="1")


async def invited(session: AsyncSession, reseller: Reseller, email: str = "Ben@Beta.example", **changed: Any) -> str:
    facts: dict[str, Any] = {"email": email, "role": Role.BUYER, "by": "rita@beta.example", "at": NOW, "days": 7}
    return (await users.invite(session, reseller, **facts | changed))[1]


async def accepted(session: AsyncSession, token: str, user: str = "ben", **changed: Any) -> Any:
    facts: dict[str, Any] = {"saleor_user_id": user, "email": f"{user}@BETA.example", "email_confirmed": True, "at": NOW}
    return await users.accept(session, token, **facts | changed)


async def test_an_invited_user_joins_once_in_its_role(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        token = await invited(session, reseller)
        (row,) = await users.open_invitations(session, reseller.id)
        assert (row.email, row.role, row.expires_at) == ("ben@beta.example", "buyer", NOW + 7 * DAY)
        assert len(token) > 40
        assert token not in repr(vars(row)), "the token itself is kept nowhere"
    async with database.tenant(tenant) as session:
        joined, user = await accepted(session, token)
        assert (joined.id, user.role, user.email) == (reseller.id, "buyer", "ben@beta.example")
        assert await users.open_invitations(session, reseller.id) == []
        told = [(entry.action, entry.reason) for entry in await history(session, reseller.id)]
        assert {("invite", "ben@beta.example as buyer"), ("add_user", "ben@beta.example as buyer")} <= set(told)
    async with database.tenant(tenant) as session:
        with pytest.raises(Conflict) as used:
            await accepted(session, token)
        assert used.value.code == "invitation_used"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"email": "max@beta.example"}, "invitation_foreign"),
        ({"email": "ben+x@beta.example"}, "invitation_foreign"),
        ({"email": ""}, "invitation_foreign"),
        ({"at": NOW + 7 * DAY}, "invitation_expired"),
        ({"email_confirmed": False}, "email_not_confirmed"),
        ({"user": "rita", "email": "ben@beta.example"}, "known_user"),
        ({"token": "guess"}, "no_invitation"),
        ({"token": ""}, "no_invitation"),
        ({"token": "\ud800"}, "no_invitation"),
    ],
)
async def test_an_invitation_that_does_not_count_says_why(
    database: Database, tenant: str, changed: dict[str, Any], code: str
) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        token = await invited(session, reseller)
    async with database.tenant(tenant) as session:
        with pytest.raises(ResellerError) as refused:
            await accepted(session, **{"token": token} | changed)
        assert refused.value.code == code
        assert "ben" not in refused.value.sentence or code == "known_user", "whom it is for is nobody else's business"
    async with database.tenant(tenant) as session:
        assert len((await find(session, "rita@beta.example")).users) == 1
        if "token" not in changed:
            await accepted(session, token)  # nothing of it was used up


async def test_the_last_moment_of_an_invitation_counts(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        token = await invited(session, await company(session))
        await accepted(session, token, at=NOW + 7 * DAY - timedelta(seconds=1))


async def test_a_newer_invitation_and_a_withdrawal_end_an_earlier_one(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        first = await invited(session, reseller)
        second = await invited(session, reseller, role=Role.VIEWER)
        (row,) = await users.open_invitations(session, reseller.id)
        await users.withdraw(session, reseller, row.id, by="rita", at=NOW)
        for _ in range(2):
            for token in (first, second):
                with pytest.raises(Conflict) as refused:
                    await accepted(session, token)
                assert refused.value.code == "invitation_withdrawn"
        with pytest.raises(NotFound):
            await users.withdraw(session, reseller, row.id, by="rita", at=NOW)


async def test_a_token_of_another_shop_is_unknown(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        token = await invited(session, await company(session))
    async with database.tenant(other) as session:
        with pytest.raises(NotFound):
            await accepted(session, token)


async def test_who_may_be_invited(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        for wrong in ("nobody", "a@b", "x" * 300 + "@beta.example"):
            with pytest.raises(InvalidInput, match="email"):
                await invited(session, reseller, wrong)
        with pytest.raises(Conflict, match="a user already, as owner"):
            await invited(session, reseller, "RITA@beta.example")
        for number in range(users.MOST_A_DAY):
            await invited(session, reseller, f"u{number}@beta.example")
        with pytest.raises(Refused, match="go on tomorrow"):
            await invited(session, reseller, "more@beta.example")
        await invited(session, reseller, "more@beta.example", at=NOW + DAY)


async def test_a_company_that_left_takes_nobody_in(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        token = await invited(session, reseller)
        await decide(session, reseller.email, Decision.END, by="anna", at=NOW, policy_version="1", reason="r")
        for refused in (invited(session, reseller, "new@beta.example"), accepted(session, token)):
            with pytest.raises(Conflict) as left:
                await refused
            assert left.value.code == "reseller_left"


async def test_the_last_owner_stays(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        _, ben = await accepted(session, await invited(session, reseller))
        (rita,) = [user for user in reseller.users if user.saleor_user_id == "rita"]
        for step in (
            users.change_role(session, reseller, rita.id, Role.BUYER, by="rita", at=NOW),
            users.remove(session, reseller, rita.id, by="rita", at=NOW),
        ):
            with pytest.raises(Conflict, match="last owner"):
                await step
        await users.change_role(session, reseller, rita.id, Role.OWNER, by="rita", at=NOW)
        await users.change_role(session, reseller, ben.id, Role.OWNER, by="rita", at=NOW)
        gone = await users.remove(session, reseller, rita.id, by="ben", at=NOW)
        assert gone.saleor_user_id == "rita"
        assert [user.email for user in reseller.users] == ["ben@beta.example"]
        told = {entry.reason for entry in await history(session, reseller.id) if entry.action in ("change_role", "remove_user")}
        assert told == {"ben@beta.example: owner, was buyer", "rita@beta.example"}
        with pytest.raises(Conflict):
            await users.remove(session, reseller, ben.id, by="ben", at=NOW)
        for missing in (rita.id, "unknown"):
            with pytest.raises(NotFound):
                await users.change_role(session, reseller, missing, Role.BUYER, by="ben", at=NOW)
        assert reseller.email == "ben@beta.example", "mails with licenses go to nobody who left"
        # The person may come back.
        await accepted(session, await invited(session, reseller, "rita@beta.example"), "rita")


async def test_two_owners_who_remove_each_other_leave_one(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        _, ben = await accepted(session, await invited(session, reseller, role=Role.OWNER))
        rita = next(user for user in reseller.users if user.saleor_user_id == "rita")

    async def remove(whom: str) -> None:
        async with database.tenant(tenant) as session:
            await users.remove(session, reseller, whom, by="x", at=NOW)

    ends = await asyncio.gather(remove(ben.id), remove(rita.id), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "NoneType"]


async def test_an_invitation_taken_back_or_renewed_while_it_is_used_ends_in_one_way(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        reseller = await company(session)
        token = await invited(session, reseller)
        (row,) = await users.open_invitations(session, reseller.id)

    async def join() -> None:
        async with database.tenant(tenant) as session:
            await accepted(session, token)

    async def take_back() -> None:
        async with database.tenant(tenant) as session:
            kept = await find(session, "rita@beta.example")
            await users.withdraw(session, kept, row.id, by="rita", at=NOW)

    async def renew() -> None:
        async with database.tenant(tenant) as session:
            await invited(session, await find(session, "rita@beta.example"))

    ends = await asyncio.gather(join(), take_back(), renew(), return_exceptions=True)
    assert {type(end).__name__ for end in ends} <= {"Conflict", "NotFound", "NoneType"}, "nobody waits for each other"
    async with database.tenant(tenant) as session:
        kept = await find(session, "rita@beta.example")
        found = (await session.scalars(select(ResellerInvitation).where(ResellerInvitation.id == row.id))).one()
        assert (found.accepted_at is None) != (found.withdrawn_at is None)
        assert (len(kept.users) == 2) == (found.accepted_at is not None)


async def test_an_invitation_used_twice_at_once_counts_once(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        token = await invited(session, await company(session))

    async def join() -> None:
        async with database.tenant(tenant) as session:
            await accepted(session, token)

    ends = await asyncio.gather(join(), join(), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "NoneType"]
    async with database.tenant(tenant) as session:
        assert len((await find(session, "rita@beta.example")).users) == 2
        assert len((await session.scalars(select(ResellerInvitation))).all()) == 1


async def test_the_account_of_another_reseller_cannot_join(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await company(session, "ben")
        token = await invited(session, await company(session))
        with pytest.raises(Conflict) as refused:
            await accepted(session, token)
        assert refused.value.code == "known_user"
        with pytest.raises(Forbidden):
            await accepted(session, token, email="x@beta.example")
