import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Refused
from app.resellers import review, service
from app.resellers.application import ApplicationState
from app.resellers.policy import publish
from app.resellers.roles import Role
from app.resellers.rules import Decision
from app.resellers.tables import Application, Reseller
from app.settings import ProgramNumbers
from tests.conftest import NOW, install
from tests.resellers.test_service import make

FORM = {
    "contact": "Rita Resell", "company": "Beta Resell GmbH", "street": "Weg 1", "city": "München", "postal_code": "80331",
    "country": "DE", "tax_number": "DE123456789", "website": "https://www.beta.example", "main_business": "reseller",
    "why": "We sell components.", "language": "de",
}  # fmt: skip
NUMBERS = ProgramNumbers(reapply_days=30)


async def begun(session: AsyncSession, user: str = "rita", days: int = 0, **changed: Any) -> Application:
    facts: dict[str, Any] = {
        "email": f"{user}@Beta.example",
        "numbers": NUMBERS,
        "by": user,
        "at": NOW + timedelta(days=days),
    } | changed
    return await review.start(session, saleor_user_id=user, **facts)


async def submitted(session: AsyncSession, user: str = "rita", days: int = 0, **changed: str) -> Application:
    row = await begun(session, user, days)
    await review.save_draft(session, row.id, FORM | changed)
    at = NOW + timedelta(days=days)
    assert await review.submit(session, row.id, email_confirmed=True, by=user, at=at) == ()
    return row


async def approved(session: AsyncSession, row: Application, **changed: Any) -> Reseller:
    facts: dict[str, Any] = {"by": "anna", "at": NOW + timedelta(hours=1), "policy_version": "1"} | changed
    return (await review.approve(session, row.id, **facts))[1]


async def rejected(session: AsyncSession, row: Application, **changed: Any) -> Application:
    facts: dict[str, Any] = {"by": "anna", "at": NOW + timedelta(hours=1), "reason": "a consultancy"} | changed
    return await review.reject(session, row.id, **facts)


async def test_from_a_draft_to_a_reseller_with_its_history(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await begun(session)
        assert await begun(session) is row, "an application twice is one"
        await review.save_draft(session, row.id, {"company": "Beta"})
        await review.save_draft(session, row.id, FORM, answers={"Since when?": "2001"})
        assert await review.submit(session, row.id, email_confirmed=True, by="rita", at=NOW) == ()
        assert await review.submit(session, row.id, email_confirmed=True, by="rita", at=NOW) == ()
        await review.ask_more(session, row.id, by="anna", at=NOW, reason="Which products?")
        await review.save_draft(session, row.id, {"why": "Grids."})
        assert await review.submit(session, row.id, email_confirmed=True, by="rita", at=NOW + timedelta(minutes=1)) == ()
        reseller = await approved(session, row)
    async with database.tenant(tenant) as session:
        kept = await review.get(session, row.id)
        assert (kept.state, kept.decided_by, kept.reseller_id, kept.why) == ("approved", "anna", reseller.id, "Grids.")
        assert kept.answers == {"Since when?": "2001"}
        assert [step.action for step in await review.history(session, row.id)][-2:] == ["submit", "approve"]
        assert sorted(step.action for step in await review.history(session, row.id)) == [
            "approve", "ask", "start", "submit", "submit",
        ]  # fmt: skip
        found = await service.find(session, "rita@beta.example")
        assert (found.status, found.company, found.website) == ("approved", "Beta Resell GmbH", "https://www.beta.example")
        assert (found.language, found.tax_number, found.country) == ("de", "DE123456789", "DE")
        assert [user.saleor_user_id for user in found.users] == ["rita"]


async def test_two_clicks_at_once_begin_one_application(database: Database, tenant: str) -> None:
    async def click() -> str:
        async with database.tenant(tenant) as session:
            return (await begun(session)).id

    assert len(set(await asyncio.gather(*(click() for _ in range(5))))) == 1


async def test_case_2_without_a_confirmed_email_it_stays_a_draft(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await begun(session)
        await review.save_draft(session, row.id, FORM)
        lacks = await review.submit(session, row.id, email_confirmed=False, by="rita", at=NOW)
        assert [reason.code for reason in lacks] == ["email_not_confirmed"]
        assert (row.state, row.submitted_at) == ("draft", None)
        assert await review.list_all(session, [ApplicationState.SUBMITTED]) == [], "it is not queued"
        with pytest.raises(Conflict, match="its state is draft") as caught:
            await approved(session, row)
        assert caught.value.code == "not_submitted"


@pytest.mark.parametrize("step", ["approve", "reject"])
async def test_case_4_the_second_decision_is_told_who_was_first(database: Database, tenant: str, step: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        seen = row.version
        await rejected(session, row)
    async with database.tenant(tenant) as session:
        says = r"Beta Resell GmbH was already decided by anna on 2026-03-02: it is rejected\."
        with pytest.raises(Conflict, match=says) as caught:
            if step == "approve":
                await approved(session, row, by="berta", version=seen)
            else:
                await rejected(session, row, by="berta", reason="other", version=seen)
        assert caught.value.code == "already_decided"
        assert (await review.get(session, row.id)).reason == "a consultancy"


async def test_case_4_two_decisions_at_once_leave_one(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)

    async def decided(by: str) -> str:
        async with database.tenant(tenant) as session:
            if by == "anna":
                await approved(session, row, by=by)
            else:
                await rejected(session, row, by=by)
        return by

    ends = await asyncio.gather(*(decided(by) for by in ("anna", "berta", "carl")), return_exceptions=True)
    (winner,) = [end for end in ends if isinstance(end, str)]
    told = [end for end in ends if isinstance(end, Conflict)]
    assert len(told) == 2
    assert all(f"already decided by {winner}" in str(end) for end in told)


async def test_a_decision_about_what_was_changed_since_is_refused(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        seen = row.version
        await review.ask_more(session, row.id, by="anna", at=NOW, reason="What?", version=seen)
        with pytest.raises(Conflict, match="changed since it was read") as caught:
            await approved(session, row, version=seen)
        assert caught.value.code == "changed"
        with pytest.raises(Conflict, match="changed since it was read"):
            await review.save_draft(session, row.id, {}, version=seen)
        await approved(session, row, version=row.version)


async def test_what_is_with_staff_or_decided_is_not_edited(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        with pytest.raises(Conflict, match="cannot be changed: its state is submitted"):
            await review.save_draft(session, row.id, {"company": "Other"})
        await rejected(session, row)
        for attempt, says in (
            (review.submit(session, row.id, email_confirmed=True, by="rita", at=NOW), "is rejected since 2026-03-02"),
            (review.accept_with(session, row.id, version="1", language="en", address=None, at=NOW), "is rejected since"),
            (review.ask_more(session, row.id, by="berta", at=NOW, reason="What?"), "already decided by anna"),
        ):
            with pytest.raises(Conflict, match=says):
                await attempt


async def test_a_wrong_field_leaves_nothing_half_stored(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await begun(session)
        with pytest.raises(InvalidInput, match="city: at most 100"):
            await review.save_draft(session, row.id, {"company": "Beta", "city": "x" * 101})
        with pytest.raises(InvalidInput, match="answers: "):
            await review.save_draft(session, row.id, {"company": "Beta"}, answers={"q": "\x00"})
        assert row.company == ""


@pytest.mark.parametrize("reason", ["", "  ", "x" * 4001, "a\x00"])
async def test_case_3_a_rejection_needs_a_reason_to_tell(database: Database, tenant: str, reason: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        with pytest.raises(InvalidInput, match="reason: "):
            await rejected(session, row, reason=reason)
        with pytest.raises(InvalidInput, match="reason: "):
            await review.ask_more(session, row.id, by="anna", at=NOW, reason=reason)
        assert row.state == "submitted"


async def test_case_10_rejected_and_again_after_the_cool_down_with_its_history(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await rejected(session, await submitted(session))
        with pytest.raises(Refused, match="apply again from 2026-04-01 on") as caught:
            await begun(session, days=29)
        assert caught.value.code == "cool_down"
        with pytest.raises(Refused, match="2026-04-01"):
            await begun(session, "another-account", days=29, email="RITA@beta.example")
        again = await submitted(session, days=30)
        assert [(reason.code, dict(reason.params)["reason"]) for reason in await review.look_at(session, again)] == [
            ("applied_before", "a consultancy")
        ]
        assert (await review.find(session, "rita@beta.example")) is again
        assert [row.state for row in await review.earlier(session, "rita", "rita@beta.example")] == ["rejected"]
        assert len(await review.list_all(session)) == 2


async def test_case_10_without_a_cool_down_at_once(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await rejected(session, await submitted(session))
        assert (await begun(session, numbers=ProgramNumbers(reapply_days=0))).state == "draft"


async def test_case_1_an_account_of_a_reseller_cannot_apply(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await make(session, saleor_user_id="rita")
        with pytest.raises(Conflict, match=r"orders for Partner Inc\. already; it is pending"):
            await begun(session)


async def test_case_1_a_link_is_proposed_instead_of_a_second_partner(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        first = await approved(session, await submitted(session))
        await review.accept_with(session, (await begun(session, "max")).id, version="1", language="en", address=None, at=NOW)
        second = await submitted(session, "max", company="Beta Resell Ltd.", tax_number="none-yet", website="other.example")
        (found,) = await review.proposals(session, second)
        assert (found.kind, found.id, found.status) == ("reseller", first.id, "approved")
        assert [reason.code for reason in found.reasons] == ["same_name_and_place", "same_mail_domain"]
        with pytest.raises(Conflict, match=r"may be a reseller already: Beta Resell GmbH \(rita@beta.example\)") as caught:
            await approved(session, second)
        assert caught.value.code == "known_company"
        with pytest.raises(InvalidInput, match="not both"):
            await approved(session, second, link_to="rita@beta.example", separate=True)
        with pytest.raises(InvalidInput, match="only a linked account takes one"):
            await approved(session, second, separate=True, role=Role.VIEWER)
        linked = await approved(session, second, link_to="rita@beta.example")
        assert linked is first
        assert {user.saleor_user_id: user.role for user in first.users} == {"rita": "owner", "max": "buyer"}
        assert (second.state, second.reseller_id) == ("approved", first.id)
        assert "add_user" in [row.action for row in await service.history(session, first.id)]
        assert len(await service.list_all(session)) == 1


async def test_case_1_two_staff_who_approve_two_applications_of_one_company_at_once_make_one_reseller(
    database: Database, tenant: str
) -> None:
    async with database.tenant(tenant) as session:
        rows = [await submitted(session, name) for name in ("rita", "max", "eva")]

    async def approve(row: Application) -> str:
        try:
            async with database.tenant(tenant) as session:
                await approved(session, row)
        except Conflict as error:
            return error.code
        return "approved"

    assert sorted(await asyncio.gather(*map(approve, rows))) == ["approved", "known_company", "known_company"]
    async with database.tenant(tenant) as session:
        assert len(await service.list_all(session)) == 1


@pytest.mark.parametrize("decision", [Decision.SUSPEND, Decision.END])
async def test_case_1_nobody_is_linked_to_a_reseller_that_was_suspended_or_left(
    database: Database, tenant: str, decision: Decision
) -> None:
    async with database.tenant(tenant) as session:
        first = await approved(session, await submitted(session))
        facts: dict[str, Any] = {"by": "anna", "at": NOW, "policy_version": "1"}
        await service.decide(session, first.email, decision, reason="no listing", **facts)
        second = await submitted(session, "max", company="Other")
        with pytest.raises(Conflict, match=rf"Beta Resell GmbH is {first.status}; reinstate it first, or approve") as caught:
            await approved(session, second, link_to=first.email)
        assert caught.value.code == "reseller_left"
        assert (second.state, len(first.users)) == ("submitted", 1)
        await service.decide(session, first.email, Decision.REINSTATE, **facts)
        await approved(session, second, link_to=first.email, role=Role.ACCOUNTS)
        assert sorted(user.role for user in first.users) == ["accounts", "owner"]


async def test_case_1_staff_may_say_that_it_is_another_company(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        first = await approved(session, await submitted(session))
        second = await approved(session, await submitted(session, "max"), separate=True)
        assert second.id != first.id
        with pytest.raises(Conflict, match=r"max@beta.example orders for Beta Resell GmbH \(max@beta.example\) already"):
            await service.add_user(
                session, first, saleor_user_id="max", email="max@beta.example", by="anna", at=NOW, role=Role.BUYER
            )


async def test_case_1_two_applications_of_one_company_see_each_other(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        one, two = await submitted(session), await submitted(session, "max")
        (found,) = await review.proposals(session, one)
        assert (found.kind, found.id, found.status) == ("application", two.id, "submitted")
        await approved(session, one)


@pytest.mark.parametrize(("in_force", "counts"), [("1", True), ("2", False)])
async def test_case_5_an_acceptance_given_while_it_waited_counts_if_it_is_the_one_in_force(
    database: Database, tenant: str, in_force: str, counts: bool
) -> None:
    async with database.tenant(tenant) as session:
        kept = await publish(session, "1", "English", "Deutsch", NOW.date(), NOW)
        row = await begun(session)
        for at in (NOW, NOW + timedelta(minutes=5)):
            await review.accept_with(session, row.id, version="1", language="de", address="192.0.2.7", at=at)
        await submitted(session)
        reseller = await approved(session, row, policy_version=in_force)
        if counts:
            (found,) = reseller.acceptances
            assert (found.policy_version, found.accepted_at, found.accepted_by) == ("1", NOW, "rita@beta.example")
            assert (found.text_sha256, found.language, found.address) == (kept.sha256_de, "de", "192.0.2.7")
        else:
            assert reseller.acceptances == []
            assert "policy_void" in [row.action for row in await service.history(session, reseller.id)]


async def test_an_application_emptied_after_a_question_cannot_be_approved(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        await review.ask_more(session, row.id, by="anna", at=NOW, reason="What?")
        await review.save_draft(session, row.id, {"street": ""})
        with pytest.raises(InvalidInput, match="lacks something: street: it is missing"):
            await approved(session, row)


async def test_nobody_is_found_and_another_shops_is_nobody(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        row = await submitted(session)
        with pytest.raises(InvalidInput, match="email: 'x'"):
            await begun(session, email="x")
    async with database.tenant(other) as session:
        assert await review.list_all(session) == []
        for attempt in (
            review.get(session, row.id),
            review.find(session, row.id),
            review.find(session, row.email),
            rejected(session, row),
        ):
            with pytest.raises(NotFound, match="no "):
                await attempt
        assert await review.proposals(session, await submitted(session)) == []
