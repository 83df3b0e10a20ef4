from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.errors import InvalidInput
from app.resellers.tables import Reseller
from app.tax.answer import TaxAnswer, will_be_taxed
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState
from app.tax.service import import_rates, register_state
from app.tax.tables import FlatRateRow
from tests.conftest import NOW

START = date(2026, 1, 1)
RATES = "state,zip,rate,valid_from\nTX,,6.25,2026-01-01\nTX,78701,8.25,2026-01-01\nNY,,4,2026-01-01\nOK,,4.5,2026-01-01\n"


async def texan(session: AsyncSession, **changed: Any) -> Reseller:
    facts: dict[str, Any] = {
        "email": "a@b.example", "company": "A", "street": "1", "city": "B", "postal_code": "78701-1234", "country": "US",
        "state": "TX", "status": "approved", "created_at": NOW,
    }  # fmt: skip
    row = Reseller(**facts | changed)
    session.add(row)
    await session.flush()
    for state in ("TX", "NY"):
        await register_state(session, state, valid_from=START)
    await import_rates(session, RATES, version="1", at=NOW)
    session.add(FlatRateRow(country="DE", tax_class="", rate=Decimal(19)))
    await session.flush()
    return row


async def certified(session: AsyncSession, row: Reseller, *, approve: bool = True) -> str:
    paper = await add_certificate(
        session, reseller_id=row.id, number="TX-1", states=["TX"], signed_on=START, valid_from=START,
        valid_to=date(2026, 3, 31), at=NOW,
    )  # fmt: skip
    if approve:
        await decide_certificate(session, paper.id, CertificateState.APPROVED, by="anna", at=NOW)
    return paper.id


def codes(answer: TaxAnswer) -> list[str]:
    return [reason.code for reason in answer.reasons]


async def test_taxed_by_state_and_zip_with_what_waits(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await texan(session)
        answer = await will_be_taxed(session, row, at=NOW)
        assert (answer.taxed, str(answer.decision.rate), answer.us_state, answer.day) == (True, "8.25", "TX", NOW.date())
        assert codes(answer) == ["tax_zip"]
        await certified(session, row, approve=False)
        answer = await will_be_taxed(session, row, at=NOW)
        assert codes(answer) == ["tax_zip", "tax_certificate_waits"]
        assert str(answer.reasons[1]).startswith("Certificate TX-1 waits")


async def test_exempt_while_a_certificate_is_valid(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await texan(session)
        paper = await certified(session, row)
        answer = await will_be_taxed(session, row, at=NOW)
        assert (answer.taxed, answer.decision.certificate_id) == (False, paper)
        assert [str(reason) for reason in answer.reasons] == [
            "Exempt in TX by certificate TX-1.", "Certificate TX-1 is valid through 2026-03-31.",
        ]  # fmt: skip
        for day, taxed in ((date(2026, 3, 31), False), (date(2026, 4, 1), True)):
            assert (await will_be_taxed(session, row, at=NOW, day=day)).taxed is taxed


async def test_case_36_today_is_the_day_in_the_state(database: Database, tenant: str) -> None:
    night = datetime(2026, 4, 1, 4, 59, tzinfo=UTC)
    async with database.tenant(tenant) as session:
        row = await texan(session)
        await certified(session, row)
        answer = await will_be_taxed(session, row, at=night)
        assert (answer.taxed, answer.day) == (False, date(2026, 3, 31))
        assert (await will_be_taxed(session, row, at=night, today=date(2026, 4, 1))).taxed


async def test_another_state_is_answered_as_if_the_address_were_there(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await texan(session)
        await certified(session, row)
        answer = await will_be_taxed(session, row, at=NOW, state="new york")
        assert (str(answer.decision.rate), codes(answer)) == ("4", ["tax_state", "tax_elsewhere"])
        assert codes(await will_be_taxed(session, row, at=NOW, state="OK")) == ["tax_not_registered", "tax_elsewhere"]
        with pytest.raises(InvalidInput, match="'XX'"):
            await will_be_taxed(session, row, at=NOW, state="XX")


async def test_case_41_outside_the_us_the_stores_own_rates_count(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = await texan(session, country="DE", state="", postal_code="10115")
        answer = await will_be_taxed(session, row, at=NOW)
        assert (answer.us_state, str(answer.decision.rate), codes(answer)) == ("", "19", ["tax_not_us", "tax_flat"])
        assert (await will_be_taxed(session, row, at=NOW, state="TX")).us_state == "TX"
