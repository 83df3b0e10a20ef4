import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.tables import Reseller
from app.tax.certificates import MAX_WAITING, add_certificate, decide_certificate, expire, list_certificates, to_review
from app.tax.rules import Certificate, CertificateState
from app.tax.service import load_certificates
from app.tax.tables import CertificateRow
from tests.conftest import NOW

DAY = date(2026, 3, 1)


async def reseller(session: AsyncSession) -> str:
    row = Reseller(
        email="a@b.example",
        company="A",
        street="1",
        city="B",
        postal_code="78701",
        country="US",
        status="approved",
        created_at=NOW,
    )
    session.add(row)
    await session.flush()
    return row.id


async def certify(session: AsyncSession, owner: str, **changed: Any) -> CertificateRow:
    facts: dict[str, Any] = {
        "reseller_id": owner, "number": "TX-1", "states": ["tx", "New York"], "signed_on": DAY, "valid_from": DAY, "at": NOW,
    }  # fmt: skip
    return await add_certificate(session, **facts | changed)


async def test_a_certificate_counts_once_approved(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        row = await certify(session, owner, form=" 01-339 ")
        assert (row.states, row.state, row.form) == (["NY", "TX"], "pending", "01-339")
        assert await load_certificates(session) == {}
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
    async with database.tenant(tenant) as session:
        expected = Certificate(row.id, "TX-1", frozenset({"TX", "NY"}), CertificateState.APPROVED, DAY, DAY)
        assert await load_certificates(session) == {owner: (expected,)}
        assert await load_certificates(session, owner) == {owner: (expected,)}
        assert await load_certificates(session, "another") == {}
        assert [found.decided_by for found in await list_certificates(session, owner)] == ["anna"]
        assert await list_certificates(session, "another") == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"number": " "}, "number: "),
        ({"states": []}, "states: name at least one"),
        ({"states": ["TX", "Bavaria"]}, "states: 'Bavaria'"),
        ({"valid_to": DAY - timedelta(1)}, "valid_to: 2026-02-28"),
        ({"number": "a" * 101}, "number: at most 100"),
        ({"number": "a\0b"}, "number: it holds characters"),
        ({"form": "a" * 101}, "form: at most 100"),
        ({"signed_on": NOW.date() + timedelta(2)}, "signed_on: 2026-03-04 is in the future"),
        ({"replaces": "another"}, "replaces: "),
    ],
)
async def test_a_wrong_certificate(database: Database, tenant: str, changed: dict[str, Any], says: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        with pytest.raises(InvalidInput, match=says):
            await certify(session, owner, **changed)


async def test_one_number_once(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        await certify(session, owner)
        with pytest.raises(Conflict, match="TX-1 is there already"):
            await certify(session, owner, number="TX-1 ")


async def test_the_first_decision_about_a_certificate_stands(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session))
        with pytest.raises(Conflict, match="is still pending"):
            await decide_certificate(session, row.id, CertificateState.REVOKED, by="berta", at=NOW, reason="false")
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
        for other in (CertificateState.REJECTED, CertificateState.PENDING):
            with pytest.raises(Conflict, match="already decided by anna on 2026-03-02: it is approved"):
                await decide_certificate(session, row.id, other, by="berta", at=NOW, reason="no")
        await decide_certificate(session, row.id, CertificateState.REVOKED, by="berta", at=NOW, reason="false")
        assert await load_certificates(session) == {}
        with pytest.raises(NotFound):
            await decide_certificate(session, "none", CertificateState.APPROVED, by="anna", at=NOW)


async def test_a_decision_needs_a_reason_that_can_be_told(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session))
        for reason in ("", " \n", "a" * 4001, "\0"):
            with pytest.raises(InvalidInput, match="reason: "):
                await decide_certificate(session, row.id, CertificateState.REJECTED, by="anna", at=NOW, reason=reason)
        await decide_certificate(session, row.id, CertificateState.REJECTED, by="anna", at=NOW, reason="not signed\r\n")
        assert (row.state, row.reason, row.version) == ("rejected", "not signed", 2)


async def test_a_decision_on_an_old_version_is_refused(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session))
        with pytest.raises(Conflict, match="read it again") as caught:
            await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW, version=2)
        assert caught.value.code == "changed"
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW, version=1)
        with pytest.raises(Conflict, match="already decided by anna"):
            await decide_certificate(session, row.id, CertificateState.REJECTED, by="berta", at=NOW, version=1, reason="no")


async def test_of_two_decisions_at_once_the_first_stands(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session))

    async def one(state: CertificateState, by: str) -> str:
        async with database.tenant(tenant) as session:
            await decide_certificate(session, row.id, state, by=by, at=NOW, reason="r", version=1)
        return by

    told = await asyncio.gather(
        one(CertificateState.APPROVED, "anna"), one(CertificateState.REJECTED, "berta"), return_exceptions=True
    )
    first = next(each for each in told if isinstance(each, str))
    (second,) = [each for each in told if isinstance(each, Conflict)]
    assert f"already decided by {first}" in second.sentence


async def test_a_rejected_number_comes_again_and_an_approved_one_only_as_its_renewal(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        first = await certify(session, owner)
        await decide_certificate(session, first.id, CertificateState.REJECTED, by="anna", at=NOW, reason="not signed")
        second = await certify(session, owner)
        await decide_certificate(session, second.id, CertificateState.APPROVED, by="anna", at=NOW)
        with pytest.raises(Conflict, match="the one that replaces it"):
            await certify(session, owner)
        third = await certify(session, owner, replaces=second.id, valid_from=date(2027, 1, 1))
        assert third.replaces_id == second.id
        with pytest.raises(Conflict, match="waits for a decision"):
            await certify(session, owner, replaces=second.id)
        another = Reseller(
            email="b@b.example",
            company="B",
            street="1",
            city="B",
            postal_code="1",
            country="US",
            status="approved",
            created_at=NOW,
        )
        session.add(another)
        await session.flush()
        with pytest.raises(InvalidInput, match="replaces: this reseller has no such"):
            await certify(session, another.id, replaces=second.id)


async def test_of_two_uploads_at_once_one_waits(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)

    async def one() -> str:
        async with database.tenant(tenant) as session:
            return (await certify(session, owner)).id

    told = await asyncio.gather(one(), one(), return_exceptions=True)
    assert sorted(type(each).__name__ for each in told) == ["Conflict", "str"]


async def test_only_so_many_wait(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        for number in range(MAX_WAITING):
            await certify(session, owner, number=str(number))
        with pytest.raises(Conflict, match="20 certificates wait"):
            await certify(session, owner)


@pytest.mark.parametrize(
    ("states", "at", "over"),
    [
        (["TX"], datetime(2026, 3, 3, 5, 59, tzinfo=UTC), False),
        (["TX"], datetime(2026, 3, 3, 6, 0, tzinfo=UTC), True),
        (["TX", "HI"], datetime(2026, 3, 3, 6, 0, tzinfo=UTC), False),
        (["TX", "HI"], datetime(2026, 3, 3, 10, 0, tzinfo=UTC), True),
        (["GU"], datetime(2026, 3, 2, 13, 59, tzinfo=UTC), False),
        (["GU"], datetime(2026, 3, 2, 14, 0, tzinfo=UTC), True),
    ],
)
async def test_case_36_it_expires_when_its_last_day_is_over_in_its_states(
    database: Database, tenant: str, states: list[str], at: datetime, over: bool
) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session), states=states, valid_to=date(2026, 3, 2))
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
        assert [found.id for found in await expire(session, at=at, today=None)] == ([row.id] if over else [])
        assert (row.state, row.decided_by) == (("expired", "the calendar") if over else ("approved", "anna"))
        assert await expire(session, at=at, today=None) == []


async def test_case_36_or_on_the_vendors_day(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session), valid_to=date(2026, 3, 2))
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
        at = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
        assert await expire(session, at=at, today=date(2026, 3, 2)) == []
        assert await expire(session, at=at, today=date(2026, 3, 3)) == [row]


async def test_case_33_an_expired_certificate_counts_for_an_order_of_its_days_that_comes_in_late(
    database: Database, tenant: str
) -> None:
    async with database.tenant(tenant) as session:
        owner = await reseller(session)
        row = await certify(session, owner, valid_to=date(2026, 3, 2))
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
        await expire(session, at=NOW + timedelta(days=2), today=None)
        assert await load_certificates(session) == {}, "the tax webhook never asks for a day that is over"
        (late,) = (await load_certificates(session, owner))[owner]
        assert late.covers("TX", date(2026, 3, 2))
        assert not late.covers("TX", date(2026, 3, 3))


async def test_case_37_one_without_an_end_is_looked_at_again(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session))
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW, review_days=10)
        assert row.review_on == date(2026, 3, 12)
        assert await to_review(session, date(2026, 3, 11)) == []
        assert await to_review(session, date(2026, 3, 12)) == [row]
        await decide_certificate(session, row.id, CertificateState.EXPIRED, by="anna", at=NOW)
        assert row.valid_to == NOW.date(), "one that staff end has an end"
        assert await to_review(session, date(2026, 3, 12)) == []


async def test_every_change_is_seen_by_the_tax_webhook(database: Database, tenant: str) -> None:
    async def version() -> int:
        async with database.system() as session:
            return (await session.scalars(select(Tenant.program_version))).one()

    async with database.tenant(tenant) as session:
        row = await certify(session, await reseller(session), valid_to=date(2026, 3, 2))
    seen = [await version()]
    for state in (CertificateState.APPROVED, CertificateState.REVOKED):
        async with database.tenant(tenant) as session:
            await decide_certificate(session, row.id, state, by="anna", at=NOW, reason="r")
        seen.append(await version())
    assert seen == sorted(set(seen))
